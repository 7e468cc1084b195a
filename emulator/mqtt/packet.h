/*
 * Every packet of MQTT 3.1.1, from bytes to a struct and back.
 *
 * Reading is strict: what the specification forbids is WIRE_BAD, whoever sent it, so nobody
 * above looks at a packet again to see whether it is well formed.  Nothing is allocated and
 * nothing is copied: the structs borrow from the bytes they were read from.  Both directions
 * of the conversation are here, the server's and the client's.
 *
 * Source: "MQTT Version 3.1.1", OASIS Standard, 29 October 2014; its statements are cited by
 * their numbers, as in [MQTT-2.2.2-2].
 */
#ifndef MQTT_PACKET_H
#define MQTT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"
#include "base/wire.h"

#define MQTT_LEVEL 4 /* protocol level of 3.1.1 */

#define MQTT_STRING_MAX_BYTES    65535     /* two length bytes, 1.5.3 */
#define MQTT_REMAINING_MAX_BYTES 268435455 /* four length bytes, 2.2.3 */
#define MQTT_PACKET_MAX_BYTES    (MQTT_REMAINING_MAX_BYTES + 5)

enum mqtt_packet_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
};

/* What CONNACK says, table 3.1. */
enum mqtt_connack_code {
    MQTT_CONNACK_ACCEPTED = 0,
    MQTT_CONNACK_LEVEL = 1,       /* protocol level not supported */
    MQTT_CONNACK_CLIENT_ID = 2,   /* client identifier not allowed */
    MQTT_CONNACK_UNAVAILABLE = 3, /* the service behind the connection is not there */
    MQTT_CONNACK_CREDENTIALS = 4, /* user name or password malformed */
    MQTT_CONNACK_NOT_AUTHORIZED = 5,
};

/* In SUBACK instead of a granted QoS. */
#define MQTT_SUBACK_FAILURE 0x80

/*
 * When `level` is not MQTT_LEVEL, only protocol_name and level are filled: what follows them
 * has the form of another version of the protocol.  The will's fields are empty without
 * has_will, as are the two credentials without theirs.
 */
struct mqtt_connect {
    struct slice protocol_name;
    struct slice client_id;
    struct slice user_name;
    struct slice password; /* any bytes, as the will's payload */
    struct slice will_topic;
    struct slice will_payload;
    uint16_t keep_alive_s;
    uint8_t level;
    uint8_t will_qos;
    bool has_user_name;
    bool has_password;
    bool has_will;
    bool will_retain;
    bool clean_session;
};

struct mqtt_connack {
    bool session_present;
    uint8_t code; /* enum mqtt_connack_code */
};

struct mqtt_publish {
    struct slice topic;
    struct slice payload;
    uint16_t packet_id; /* 0 with QoS 0, which has none */
    uint8_t qos;
    bool dup;
    bool retain;
};

/* The filters of a SUBSCRIBE or UNSUBSCRIBE as they stand in the packet; see
 * mqtt_filters_next(). */
struct mqtt_filters {
    struct slice raw;
    size_t count; /* at least 1 in a packet that was read */
    bool has_qos; /* each is followed by its requested QoS: SUBSCRIBE */
};

struct mqtt_filter {
    struct slice topic;
    uint8_t qos; /* requested; 0 in an UNSUBSCRIBE */
};

struct mqtt_subscribe {
    struct mqtt_filters filters;
    uint16_t packet_id;
};

struct mqtt_suback {
    struct slice codes; /* one byte for each filter: granted QoS or MQTT_SUBACK_FAILURE */
    uint16_t packet_id;
};

struct mqtt_packet {
    enum mqtt_packet_type type;
    union {
        struct mqtt_connect connect;
        struct mqtt_connack connack;
        struct mqtt_publish publish;
        uint16_t packet_id;              /* PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK */
        struct mqtt_subscribe subscribe; /* SUBSCRIBE and UNSUBSCRIBE */
        struct mqtt_suback suback;
    };
};

/* "CONNECT" and so on, for traces. */
const char *mqtt_packet_name(enum mqtt_packet_type type);

/*
 * Read the packet at the front of `in`.
 *
 * @param max_bytes  the longest packet to take, fixed header included; a longer one is BAD as
 *                   soon as its length is known
 * @param out        on WIRE_OK the packet, which borrows from `in`; untouched otherwise
 * @param used       on WIRE_OK the packet's length; on WIRE_MORE the length it will have, or 0
 *                   while that is not known; 0 on WIRE_BAD
 * @param reason     on WIRE_BAD a constant text saying why; untouched otherwise
 */
MUST_CHECK enum wire_result mqtt_packet_read(struct slice in, size_t max_bytes,
                                             struct mqtt_packet *out, size_t *used,
                                             const char **reason);

/*
 * Take the next filter off the front; false when none is left.  Walk a copy:
 *
 *     struct mqtt_filters rest = packet.subscribe.filters;
 *     while (mqtt_filters_next(&rest, &filter)) ...
 */
bool mqtt_filters_next(struct mqtt_filters *rest, struct mqtt_filter *out);

/*
 * Writers append one whole packet or, when it does not fit under the buffer's cap or holds a
 * string or a length that MQTT cannot express, nothing, and set out->failed.  They trust the
 * caller in all else: UTF-8, topics, packet ids.
 */

/* An empty protocol_name stands for "MQTT", level 0 for MQTT_LEVEL. */
void mqtt_put_connect(struct buf *out, const struct mqtt_connect *connect);
void mqtt_put_connack(struct buf *out, bool session_present, enum mqtt_connack_code code);
void mqtt_put_publish(struct buf *out, const struct mqtt_publish *publish);
/* PUBACK, PUBREC, PUBREL, PUBCOMP or UNSUBACK. */
void mqtt_put_ack(struct buf *out, enum mqtt_packet_type type, uint16_t packet_id);
void mqtt_put_subscribe(struct buf *out, uint16_t packet_id, const struct mqtt_filter *filters,
                        size_t n);
void mqtt_put_suback(struct buf *out, uint16_t packet_id, const uint8_t *codes, size_t n);
/* The filters' QoS is not looked at. */
void mqtt_put_unsubscribe(struct buf *out, uint16_t packet_id,
                          const struct mqtt_filter *filters, size_t n);
/* PINGREQ, PINGRESP or DISCONNECT. */
void mqtt_put_simple(struct buf *out, enum mqtt_packet_type type);

/* A PUBLISH whose topic and payload lie in pieces; they are written one after the other. */
struct mqtt_message {
    const struct slice *topic;
    size_t n_topic;
    const struct slice *payload;
    size_t n_payload;
    uint8_t qos;
    bool dup;
    bool retain;
};

/* With QoS 0 neither packet_id nor dup is written: such a packet has neither. */
void mqtt_put_message(struct buf *out, const struct mqtt_message *message, uint16_t packet_id);

/* How many bytes mqtt_put_message() will write; 0 when MQTT cannot express it. */
size_t mqtt_message_size(const struct mqtt_message *message);

#endif
