/*
 * A device's MQTT conversation with the hub: bytes in, bytes out.
 *
 * No socket is seen here.  A listener makes a client for each connection, feeds what arrives,
 * sends what is in mqtt_client_out() after the turn's commit, and ends it.  When the hub has
 * something for a client outside of its own feeding, or has let go of it, the owner is woken.
 */
#ifndef GATEWAY_MQTT_GATEWAY_H
#define GATEWAY_MQTT_GATEWAY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "hub/hub.h"

struct mqtt_client;

/* What the transport knows of a connection; copied. */
struct mqtt_link {
    const char *remote;                        /* "127.0.0.1:40000", for the log */
    const struct hub_certificate *certificate; /* NULL when the client showed none */
    bool allows_faults;                        /* devices may ask for them, see fault.h */
    void (*wake)(void *owner); /* there is output, or the client is over; may not feed */
    void *owner;
};

struct mqtt_client *mqtt_client_create(struct hub *hub, const struct mqtt_link *link,
                                       int64_t now_ms);

/* The connection has ended; a will is sent unless the client said goodbye.  NULL is allowed. */
void mqtt_client_destroy(struct mqtt_client *client);

/**
 * Read what has arrived.
 * @return how many bytes at the front are done with; the rest is to be fed again with more.
 */
size_t mqtt_client_feed(struct mqtt_client *client, struct slice in, int64_t now_ms);

/* How many bytes the next feed should have for it to be of use; 0 when not known. */
size_t mqtt_client_need(const struct mqtt_client *client);

/* What is to be sent: the owner drops from its front what it has sent. */
struct buf *mqtt_client_out(struct mqtt_client *client);

/* Some of it was sent: the hub may have more that there was no room for. */
void mqtt_client_drained(struct mqtt_client *client);
/* Whether it is to be told of that: something waits for room. */
bool mqtt_client_wants_room(const struct mqtt_client *client);

/* Send what is left, then close. */
bool mqtt_client_is_over(const struct mqtt_client *client);

/* It is over, and nothing more may be said, not even goodbye: as if a cable were cut. */
bool mqtt_client_is_cut(const struct mqtt_client *client);

/* When mqtt_client_expire() is to be called, unless something arrives before; NEVER_MS for
 * never. */
int64_t mqtt_client_deadline_ms(const struct mqtt_client *client);

/* The deadline has passed: the client is over if it really is late. */
void mqtt_client_expire(struct mqtt_client *client, int64_t now_ms);

#endif
