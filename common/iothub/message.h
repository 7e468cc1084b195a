/*
 * A message as all protocols see it: a body, system properties with names, and the sender's own
 * properties in their order.
 *
 * In text a message's properties are a property bag whose system names begin with "$." as MQTT
 * spells them; other protocols map their names through the same table.
 * Source: IoT Hub documentation, "Create and read IoT Hub messages".
 */
#ifndef IOTHUB_MESSAGE_H
#define IOTHUB_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"
#include "iothub/property_bag.h"

enum message_system {
    MESSAGE_ID,
    MESSAGE_CORRELATION_ID,
    MESSAGE_USER_ID,
    MESSAGE_TO,
    MESSAGE_CONTENT_TYPE,
    MESSAGE_CONTENT_ENCODING,
    MESSAGE_EXPIRY,
    MESSAGE_CREATION_TIME,
    MESSAGE_OUTPUT_NAME,
    MESSAGE_COMPONENT,
    MESSAGE_INTERFACE_ID,
    MESSAGE_SCHEMA,
    MESSAGE_N_SYSTEM,
};

/* Borrowed throughout.  A system property whose data is NULL is absent. */
struct message {
    struct slice body;
    struct slice system[MESSAGE_N_SYSTEM];
    const struct property *properties; /* without the system ones */
    size_t n_properties;
};

/* "$.mid" for MESSAGE_ID. */
const char *message_system_name(enum message_system which);

/* Which system property a bag's name stands for; false for the sender's own names. */
MUST_CHECK bool message_system_from_name(struct slice name, enum message_system *out);

/*
 * View a decoded bag as a message: the system properties are taken out of bag->items, whose
 * order is kept otherwise.  The message borrows the bag.
 */
void message_from_bag(struct property_bag *bag, struct slice body, struct message *out);

/* The properties as an encoded bag, system ones first, as Azure writes them. */
void message_put_bag(struct buf *out, const struct message *message);

/*
 * Bytes that count against the size limits: the body, the values of system properties, names
 * and values of the others.
 */
size_t message_size(const struct message *message);

#endif
