/*
 * Packets from bytes: a row for each type says which flags it carries, how it is decoded and
 * what is checked once all its fields are there.
 */
#include "mqtt/packet.h"

#include "mqtt/text.h"

/*
 * Reads on and on; the first thing that is wrong stays in `reason`, after which every read
 * yields nothing.
 */
struct reader {
    const char *at;
    const char *end;
    const char *reason;
    uint8_t flags; /* of the fixed header */
};

static void fail(struct reader *r, const char *reason)
{
    if (r->reason == NULL) {
        r->reason = reason;
    }
    r->at = r->end;
}

static inline struct slice read_bytes(struct reader *r, size_t len)
{
    if (len > (size_t)(r->end - r->at)) {
        fail(r, "the packet is shorter than its fields");
        return slice_make(r->end, 0);
    }
    struct slice bytes = slice_make(r->at, len);
    r->at += len;
    return bytes;
}

static inline struct slice read_rest(struct reader *r)
{
    struct slice rest = slice_between(r->at, r->end);
    r->at = r->end;
    return rest;
}

static inline uint8_t read_u8(struct reader *r)
{
    struct slice byte = read_bytes(r, 1);
    return byte.len == 0 ? 0 : (uint8_t)byte.data[0];
}

static inline uint16_t read_u16(struct reader *r)
{
    struct slice bytes = read_bytes(r, 2);
    if (bytes.len == 0) {
        return 0;
    }
    return (uint16_t)((uint8_t)bytes.data[0] << 8 | (uint8_t)bytes.data[1]);
}

/* Two length bytes, then as many bytes: a string, a password or the payload of a will. */
static inline struct slice read_field(struct reader *r)
{
    size_t len = read_u16(r);
    return read_bytes(r, len);
}

/* CONNECT, 3.1 */

#define CONNECT_RESERVED       0x01
#define CONNECT_CLEAN_SESSION  0x02
#define CONNECT_WILL           0x04
#define CONNECT_WILL_QOS_SHIFT 3
#define CONNECT_WILL_RETAIN    0x20
#define CONNECT_PASSWORD       0x40
#define CONNECT_USER_NAME      0x80

static void decode_connect_flags(struct reader *r, struct mqtt_connect *connect)
{
    uint8_t flags = read_u8(r);
    if ((flags & CONNECT_RESERVED) != 0) {
        fail(r, "the reserved flag of CONNECT is set"); /* [MQTT-3.1.2-3] */
    }
    connect->clean_session = (flags & CONNECT_CLEAN_SESSION) != 0;
    connect->has_will = (flags & CONNECT_WILL) != 0;
    connect->will_qos = flags >> CONNECT_WILL_QOS_SHIFT & 0x03;
    connect->will_retain = (flags & CONNECT_WILL_RETAIN) != 0;
    connect->has_password = (flags & CONNECT_PASSWORD) != 0;
    connect->has_user_name = (flags & CONNECT_USER_NAME) != 0;
}

static void decode_connect(struct reader *r, struct mqtt_packet *out)
{
    struct mqtt_connect *connect = &out->connect;
    *connect = (struct mqtt_connect){.protocol_name = read_field(r)};
    connect->level = read_u8(r);
    if (connect->level != MQTT_LEVEL) {
        read_rest(r);
        return;
    }
    decode_connect_flags(r, connect);
    connect->keep_alive_s = read_u16(r);
    connect->client_id = read_field(r);
    if (connect->has_will) {
        connect->will_topic = read_field(r);
        connect->will_payload = read_field(r);
    }
    if (connect->has_user_name) {
        connect->user_name = read_field(r);
    }
    if (connect->has_password) {
        connect->password = read_field(r);
    }
}

/*
 * Version 3.1 called itself "MQIsdp": to let its clients be told that their level is not
 * supported, the name passes with any level but ours.
 */
static bool protocol_name_is_known(const struct mqtt_connect *connect)
{
    if (slice_equal(connect->protocol_name, SLICE("MQTT"))) {
        return true;
    }
    return connect->level != MQTT_LEVEL && slice_equal(connect->protocol_name, SLICE("MQIsdp"));
}

static const char *check_will(const struct mqtt_connect *connect)
{
    if (!connect->has_will) {
        /* [MQTT-3.1.2-11], [MQTT-3.1.2-13], [MQTT-3.1.2-15] */
        bool is_stray = connect->will_qos != 0 || connect->will_retain;
        return is_stray ? "CONNECT has flags of a will and no will" : NULL;
    }
    if (connect->will_qos > 2) {
        return "the QoS of the will is 3"; /* [MQTT-3.1.2-14] */
    }
    if (!mqtt_topic_is_valid(connect->will_topic)) {
        return "the topic of the will is not a topic name"; /* [MQTT-3.1.3-10], 4.7 */
    }
    return NULL;
}

static const char *check_connect(const struct mqtt_packet *packet)
{
    const struct mqtt_connect *connect = &packet->connect;
    if (!protocol_name_is_known(connect)) {
        return "the protocol name is not MQTT"; /* [MQTT-3.1.2-1] */
    }
    if (connect->level != MQTT_LEVEL) {
        return NULL;
    }
    if (connect->has_password && !connect->has_user_name) {
        return "CONNECT has a password and no user name"; /* [MQTT-3.1.2-22] */
    }
    if (!mqtt_text_is_valid(connect->client_id)) {
        return "the client id is not UTF-8"; /* [MQTT-3.1.3-4] */
    }
    if (!mqtt_text_is_valid(connect->user_name)) {
        return "the user name is not UTF-8"; /* [MQTT-3.1.3-11] */
    }
    return check_will(connect);
}

/* CONNACK, 3.2 */

static void decode_connack(struct reader *r, struct mqtt_packet *out)
{
    uint8_t acknowledge = read_u8(r);
    if (acknowledge > 1) {
        fail(r, "a reserved flag of CONNACK is set");
    }
    out->connack.session_present = acknowledge == 1;
    out->connack.code = read_u8(r);
}

static const char *check_connack(const struct mqtt_packet *packet)
{
    if (packet->connack.code > MQTT_CONNACK_NOT_AUTHORIZED) {
        return "the return code of CONNACK is reserved";
    }
    if (packet->connack.code != MQTT_CONNACK_ACCEPTED && packet->connack.session_present) {
        return "CONNACK refuses and has a session"; /* [MQTT-3.2.2-4] */
    }
    return NULL;
}

/* PUBLISH, 3.3 */

static void decode_publish(struct reader *r, struct mqtt_packet *out)
{
    struct mqtt_publish *publish = &out->publish;
    publish->retain = (r->flags & 0x01) != 0;
    publish->qos = r->flags >> 1 & 0x03;
    publish->dup = (r->flags & 0x08) != 0;
    publish->topic = read_field(r);
    publish->packet_id = publish->qos == 0 ? 0 : read_u16(r);
    publish->payload = read_rest(r);
}

static const char *check_publish(const struct mqtt_packet *packet)
{
    const struct mqtt_publish *publish = &packet->publish;
    if (publish->qos > 2) {
        return "the QoS of PUBLISH is 3"; /* [MQTT-3.3.1-4] */
    }
    if (publish->qos == 0 && publish->dup) {
        return "PUBLISH is a duplicate and has QoS 0"; /* [MQTT-3.3.1-2] */
    }
    if (publish->qos > 0 && publish->packet_id == 0) {
        return "the packet id is 0"; /* [MQTT-2.3.1-1] */
    }
    if (!mqtt_topic_is_valid(publish->topic)) {
        return "the topic of PUBLISH is not a topic name"; /* [MQTT-3.3.2-1], [MQTT-3.3.2-2] */
    }
    return NULL;
}

/* PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK: 3.4 to 3.7, 3.11 */

static void decode_ack(struct reader *r, struct mqtt_packet *out)
{
    out->packet_id = read_u16(r);
}

static const char *check_ack(const struct mqtt_packet *packet)
{
    return packet->packet_id == 0 ? "the packet id is 0" : NULL;
}

/* SUBSCRIBE and UNSUBSCRIBE, 3.8 and 3.10 */

static struct mqtt_filter read_filter(struct reader *r, bool has_qos)
{
    struct mqtt_filter filter = {.topic = read_field(r)};
    filter.qos = has_qos ? read_u8(r) : 0;
    return filter;
}

bool mqtt_filters_next(struct mqtt_filters *rest, struct mqtt_filter *out)
{
    if (rest->count == 0) {
        return false;
    }
    struct reader r = {.at = rest->raw.data, .end = rest->raw.data + rest->raw.len};
    *out = read_filter(&r, rest->has_qos);
    rest->raw = read_rest(&r);
    rest->count--;
    return true;
}

static void decode_filters(struct reader *r, bool has_qos, struct mqtt_subscribe *out)
{
    out->packet_id = read_u16(r);
    const char *begin = r->at;
    size_t count = 0;
    while (r->at < r->end) {
        read_filter(r, has_qos);
        count++;
    }
    out->filters = (struct mqtt_filters){slice_between(begin, r->end), count, has_qos};
}

static void decode_subscribe(struct reader *r, struct mqtt_packet *out)
{
    decode_filters(r, true, &out->subscribe);
}

static void decode_unsubscribe(struct reader *r, struct mqtt_packet *out)
{
    decode_filters(r, false, &out->subscribe);
}

static const char *check_filters(const struct mqtt_packet *packet)
{
    if (packet->subscribe.packet_id == 0) {
        return "the packet id is 0"; /* [MQTT-2.3.1-1] */
    }
    if (packet->subscribe.filters.count == 0) {
        return "there are no topic filters"; /* [MQTT-3.8.3-3], [MQTT-3.10.3-2] */
    }
    struct mqtt_filters rest = packet->subscribe.filters;
    struct mqtt_filter filter;
    while (mqtt_filters_next(&rest, &filter)) {
        if (filter.qos > 2) {
            return "the requested QoS is not 0, 1 or 2"; /* [MQTT-3-8.3-4] */
        }
        if (!mqtt_filter_is_valid(filter.topic)) {
            return "a topic filter is malformed"; /* [MQTT-3.8.3-1], [MQTT-4.7.1-2], -3 */
        }
    }
    return NULL;
}

/* SUBACK, 3.9 */

static void decode_suback(struct reader *r, struct mqtt_packet *out)
{
    out->suback.packet_id = read_u16(r);
    out->suback.codes = read_rest(r);
}

static const char *check_suback(const struct mqtt_packet *packet)
{
    if (packet->suback.packet_id == 0) {
        return "the packet id is 0";
    }
    if (packet->suback.codes.len == 0) {
        return "SUBACK has no return codes";
    }
    for (size_t i = 0; i < packet->suback.codes.len; i++) {
        uint8_t code = (uint8_t)packet->suback.codes.data[i];
        if (code > 2 && code != MQTT_SUBACK_FAILURE) {
            return "a return code of SUBACK is reserved"; /* [MQTT-3.9.3-2] */
        }
    }
    return NULL;
}

/* PINGREQ, PINGRESP, DISCONNECT: 3.12 to 3.14 */

static void decode_nothing(struct reader *r, struct mqtt_packet *out)
{
    (void)r;
    (void)out;
}

static const char *check_nothing(const struct mqtt_packet *packet)
{
    (void)packet;
    return NULL;
}

struct form {
    const char *name;
    uint8_t flags;
    bool has_free_flags; /* PUBLISH: the flags are fields */
    void (*decode)(struct reader *r, struct mqtt_packet *out);
    const char *(*check)(const struct mqtt_packet *packet);
};

/* Tables 2.1 and 2.2. */
static const struct form forms[] = {
    [MQTT_CONNECT] = {"CONNECT",     0, false, decode_connect,     check_connect},
    [MQTT_CONNACK] = {"CONNACK",     0, false, decode_connack,     check_connack},
    [MQTT_PUBLISH] = {"PUBLISH",     0, true,  decode_publish,     check_publish},
    [MQTT_PUBACK] = {"PUBACK",      0, false, decode_ack,         check_ack    },
    [MQTT_PUBREC] = {"PUBREC",      0, false, decode_ack,         check_ack    },
    [MQTT_PUBREL] = {"PUBREL",      2, false, decode_ack,         check_ack    },
    [MQTT_PUBCOMP] = {"PUBCOMP",     0, false, decode_ack,         check_ack    },
    [MQTT_SUBSCRIBE] = {"SUBSCRIBE",   2, false, decode_subscribe,   check_filters},
    [MQTT_SUBACK] = {"SUBACK",      0, false, decode_suback,      check_suback },
    [MQTT_UNSUBSCRIBE] = {"UNSUBSCRIBE", 2, false, decode_unsubscribe, check_filters},
    [MQTT_UNSUBACK] = {"UNSUBACK",    0, false, decode_ack,         check_ack    },
    [MQTT_PINGREQ] = {"PINGREQ",     0, false, decode_nothing,     check_nothing},
    [MQTT_PINGRESP] = {"PINGRESP",    0, false, decode_nothing,     check_nothing},
    [MQTT_DISCONNECT] = {"DISCONNECT",  0, false, decode_nothing,     check_nothing},
};

const char *mqtt_packet_name(enum mqtt_packet_type type)
{
    return forms[type].name;
}

struct header {
    enum mqtt_packet_type type;
    uint8_t flags;
    size_t len; /* of the header itself */
    size_t remaining;
};

/* The length that the packet will have in `remaining`, 2.2.3. */
static enum wire_result read_remaining(struct slice in, struct header *header,
                                       const char **reason)
{
    size_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        if (i + 1 >= in.len) {
            return WIRE_MORE;
        }
        uint8_t byte = (uint8_t)in.data[i + 1];
        value |= (size_t)(byte & 0x7F) << (7 * i);
        if ((byte & 0x80) == 0) {
            header->remaining = value;
            header->len = i + 2;
            return WIRE_OK;
        }
    }
    *reason = "the remaining length has more than four bytes";
    return WIRE_BAD;
}

static enum wire_result read_header(struct slice in, struct header *header, const char **reason)
{
    if (in.len == 0) {
        return WIRE_MORE;
    }
    uint8_t first = (uint8_t)in.data[0];
    uint8_t type = first >> 4;
    if (type < MQTT_CONNECT || type > MQTT_DISCONNECT) {
        *reason = "the packet type is reserved";
        return WIRE_BAD;
    }
    header->type = (enum mqtt_packet_type)type;
    header->flags = first & 0x0F;
    if (!forms[type].has_free_flags && header->flags != forms[type].flags) {
        *reason = "a reserved flag of the fixed header is wrong"; /* [MQTT-2.2.2-2] */
        return WIRE_BAD;
    }
    return read_remaining(in, header, reason);
}

static const char *read_body(struct slice body, const struct header *header,
                             struct mqtt_packet *out)
{
    const struct form *form = &forms[header->type];
    struct reader r = {.at = body.data, .end = body.data + body.len, .flags = header->flags};
    out->type = header->type;
    form->decode(&r, out);
    if (r.reason != NULL) {
        return r.reason;
    }
    if (r.at != r.end) {
        return "the packet is longer than its fields";
    }
    return form->check(out);
}

enum wire_result mqtt_packet_read(struct slice in, size_t max_bytes, struct mqtt_packet *out,
                                  size_t *used, const char **reason)
{
    *used = 0;
    struct header header;
    enum wire_result result = read_header(in, &header, reason);
    if (result != WIRE_OK) {
        return result;
    }
    size_t len = header.len + header.remaining;
    if (len > max_bytes) {
        *reason = "the packet is too large";
        return WIRE_BAD;
    }
    if (len > in.len) {
        *used = len;
        return WIRE_MORE;
    }
    struct mqtt_packet packet;
    const char *wrong =
        read_body(slice_make(in.data + header.len, header.remaining), &header, &packet);
    if (wrong != NULL) {
        *reason = wrong;
        return WIRE_BAD;
    }
    *out = packet;
    *used = len;
    return WIRE_OK;
}
