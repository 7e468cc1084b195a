/*
 * The topics a device publishes to, and what the topics it receives on mean.
 */
#ifndef DEVICE_SRC_TOPICS_H
#define DEVICE_SRC_TOPICS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "iothub/identity.h"
#include "iothub/message.h"

/* MQTT's own limit: a topic's length travels in 16 bits. */
#define TOPIC_MAX_BYTES 65535

/* What can be subscribed to. */
#define TOPIC_FILTER_METHODS "$iothub/methods/POST/#"
#define TOPIC_FILTER_TWIN    "$iothub/twin/res/#"
#define TOPIC_FILTER_DESIRED "$iothub/twin/PATCH/properties/desired/#"

enum topic_kind {
    TOPIC_KIND_OTHER, /* nothing this client asked for */
    TOPIC_KIND_METHOD,
    TOPIC_KIND_TWIN,
    TOPIC_KIND_DESIRED,
    TOPIC_KIND_MESSAGE,
};

/* A received topic; slices into its text. */
struct topic {
    enum topic_kind kind;
    struct slice name; /* of a method, or of the input that a module's message came by */
    struct slice bag;  /* of a message: its properties, still encoded */
    struct slice rid;  /* of a method or a twin response */
    int status;        /* of a twin response */
    int64_t version;   /* of a twin response or a desired patch; 0 when absent */
};

/* What does not have one of the documented shapes is TOPIC_KIND_OTHER. */
struct topic topic_read(struct slice text);

/* devices/{d}/messages/devicebound/# or devices/{d}/modules/{m}/inputs/# */
void topic_put_messages_filter(struct buf *out, struct identity id);

/* devices/{d}[/modules/{m}]/messages/events/{bag} */
void topic_put_events(struct buf *out, struct identity id, const struct message *message);

/* $iothub/methods/res/{status}/?$rid={rid} */
void topic_put_method_answer(struct buf *out, int status, struct slice rid);

/* $iothub/twin/GET/?$rid={rid} */
void topic_put_twin_get(struct buf *out, uint64_t rid);

/* $iothub/twin/PATCH/properties/reported/?$rid={rid} */
void topic_put_twin_report(struct buf *out, uint64_t rid);

#endif
