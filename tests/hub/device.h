/*
 * A device's side of a test: a connection as a listener would serve it, in packets.
 *
 * As in the program, a connection's output is taken only after it was fed or has woken its
 * owner, and a connection that is over goes as soon as its last bytes are taken.
 */
#ifndef TESTS_HUB_DEVICE_H
#define TESTS_HUB_DEVICE_H

#include "gateway/mqtt_gateway.h"
#include "hub/fixture.h"
#include "mqtt/packet.h"

/* Owned by the fixture from device_open() on. */
struct device {
    struct fixture *f;
    struct mqtt_client *client; /* NULL once the connection is closed */
    bool is_dirty;
    bool was_cut; /* it was closed without goodbye */
    uint16_t last_packet_id;
    struct buf in;    /* on its way to the hub */
    struct buf heard; /* from the hub, not looked at yet */
    struct buf text;
    struct device *next;
};

/* What a CONNECT is made of; NULL means what a device of that name would send. */
struct login {
    const char *id; /* "d" or "d/m" */
    const char *client_id;
    const char *user_name;
    const char *password;   /* "": none */
    const char *thumbprint; /* of the certificate: SHA-1 or SHA-256, by its length */
    const char *key;        /* of the password; KEY_FIRST */
    bool is_clean;
    uint16_t keep_alive_s;
    const char *will_topic;
    const char *will_payload;
};

/* A new connection on which nothing was said. */
struct device *device_open(struct fixture *f, const char *thumbprint);

/* Connect; the answer is left to device_heard(). */
struct device *device_connect(struct fixture *f, const struct login *login);

/* Connect with the identity's first key and a session that is not kept; must be accepted. */
struct device *device_online(struct fixture *f, const char *id);

/* CONNECT on a connection that is open. */
void device_login(struct device *d, const struct login *login);

/* Bytes arrive; packets are written into device_packets() first. */
struct buf *device_packets(struct device *d);
void device_say(struct device *d);
void device_feed(struct device *d, struct slice bytes);

/* QoS 1 messages take packet ids from 1 on. */
void device_publish(struct device *d, const char *topic, const char *payload, uint8_t qos);
/* With QoS 0; must be granted. */
void device_subscribe(struct device *d, const char *filter);
void device_unsubscribe(struct device *d, const char *filter);
void device_ping(struct device *d);

/* The peer closes: without a word, and with DISCONNECT. */
void device_break(struct device *d);
void device_leave(struct device *d);

bool device_is_closed(const struct device *d);

/* All packets since the last look, described and joined by "; ". */
const char *device_heard(struct device *d);
void assert_heard(struct device *d, const char *want);

/* The next packet, which must be a PUBLISH; borrowed until the next call for the device. */
struct mqtt_publish device_next_publish(struct device *d);
/* The same with its topic and payload. */
void expect_publish(struct device *d, const char *topic, const char *payload);

/* Answer the method call that comes next, which must be for this method. */
void device_answer(struct device *d, const char *method, int status, const char *payload);

/* Subscriptions. */
#define METHODS  "$iothub/methods/POST/#"
#define ANSWERS  "$iothub/twin/res/#"
#define DESIRED  "$iothub/twin/PATCH/properties/desired/#"
#define REPORTED "$iothub/twin/PATCH/properties/reported/"

/* For the fixture. */
int64_t devices_deadline_ms(const struct fixture *f);
void devices_expire(struct fixture *f);
void devices_put_out(struct fixture *f);
void devices_destroy(struct fixture *f);

#endif
