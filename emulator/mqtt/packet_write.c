/*
 * Packets to bytes: the length is reckoned first, so that each packet takes its room in one
 * piece or, when there is none, leaves no part of itself.
 */
#include "mqtt/packet.h"

#include <assert.h>
#include <string.h>

/* Fills room whose size was reckoned before. */
struct writer {
    char *at;
};

static inline void put_u8(struct writer *w, unsigned value)
{
    *w->at++ = (char)value;
}

static inline void put_u16(struct writer *w, size_t value)
{
    put_u8(w, value >> 8 & 0xFF);
    put_u8(w, value & 0xFF);
}

static inline void put_bytes(struct writer *w, struct slice bytes)
{
    if (bytes.len > 0) {
        memcpy(w->at, bytes.data, bytes.len);
        w->at += bytes.len;
    }
}

/* Two length bytes, then as many bytes. */
static void put_field(struct writer *w, struct slice bytes)
{
    put_u16(w, bytes.len);
    put_bytes(w, bytes);
}

static size_t field_size(struct slice bytes)
{
    return 2 + bytes.len;
}

static bool is_field(struct slice bytes)
{
    return bytes.len <= MQTT_STRING_MAX_BYTES;
}

static size_t header_size(size_t remaining)
{
    if (remaining < 1U << 7) {
        return 2;
    }
    if (remaining < 1U << 14) {
        return 3;
    }
    return remaining < 1U << 21 ? 4 : 5;
}

/* Take the room for a packet and write its fixed header; false, with out->failed, without. */
static bool begin(struct buf *out, enum mqtt_packet_type type, unsigned flags, size_t remaining,
                  struct writer *w)
{
    if (remaining > MQTT_REMAINING_MAX_BYTES) {
        out->failed = true;
    }
    if (out->failed) {
        return false;
    }
    w->at = buf_extend(out, header_size(remaining) + remaining);
    if (w->at == NULL) {
        return false;
    }
    put_u8(w, (unsigned)type << 4 | flags);
    while (remaining >= 0x80) {
        put_u8(w, 0x80 | (remaining & 0x7F));
        remaining >>= 7;
    }
    put_u8(w, (unsigned)remaining);
    return true;
}

static unsigned connect_flags(const struct mqtt_connect *connect)
{
    return (unsigned)connect->has_user_name << 7 | (unsigned)connect->has_password << 6 |
           (unsigned)connect->will_retain << 5 | (connect->will_qos & 0x03U) << 3 |
           (unsigned)connect->has_will << 2 | (unsigned)connect->clean_session << 1;
}

#define CONNECT_MAX_FIELDS 5

/* The payload's fields in the order of [MQTT-3.1.3-1]. */
static size_t connect_fields(const struct mqtt_connect *connect,
                             struct slice fields[CONNECT_MAX_FIELDS])
{
    size_t n = 0;
    fields[n++] = connect->client_id;
    if (connect->has_will) {
        fields[n++] = connect->will_topic;
        fields[n++] = connect->will_payload;
    }
    if (connect->has_user_name) {
        fields[n++] = connect->user_name;
    }
    if (connect->has_password) {
        fields[n++] = connect->password;
    }
    return n;
}

void mqtt_put_connect(struct buf *out, const struct mqtt_connect *connect)
{
    struct slice name = connect->protocol_name.len == 0 ? SLICE("MQTT")
                                                        : connect->protocol_name;
    struct slice fields[CONNECT_MAX_FIELDS];
    size_t n = connect_fields(connect, fields);
    size_t remaining = field_size(name) + 4; /* level, flags, keep-alive */
    bool fits = is_field(name);
    for (size_t i = 0; i < n; i++) {
        remaining += field_size(fields[i]);
        fits = fits && is_field(fields[i]);
    }
    struct writer w;
    out->failed = out->failed || !fits;
    if (!begin(out, MQTT_CONNECT, 0, remaining, &w)) {
        return;
    }
    put_field(&w, name);
    put_u8(&w, connect->level == 0 ? MQTT_LEVEL : connect->level);
    put_u8(&w, connect_flags(connect));
    put_u16(&w, connect->keep_alive_s);
    for (size_t i = 0; i < n; i++) {
        put_field(&w, fields[i]);
    }
}

void mqtt_put_connack(struct buf *out, bool session_present, enum mqtt_connack_code code)
{
    struct writer w;
    if (begin(out, MQTT_CONNACK, 0, 2, &w)) {
        put_u8(&w, session_present);
        put_u8(&w, code);
    }
}

void mqtt_put_publish(struct buf *out, const struct mqtt_publish *publish)
{
    struct mqtt_message message = {
        .topic = &publish->topic,
        .n_topic = 1,
        .payload = &publish->payload,
        .n_payload = 1,
        .qos = publish->qos,
        .dup = publish->dup,
        .retain = publish->retain,
    };
    mqtt_put_message(out, &message, publish->packet_id);
}

void mqtt_put_ack(struct buf *out, enum mqtt_packet_type type, uint16_t packet_id)
{
    struct writer w;
    if (begin(out, type, type == MQTT_PUBREL ? 2 : 0, 2, &w)) {
        put_u16(&w, packet_id);
    }
}

/* SUBSCRIBE or UNSUBSCRIBE. */
static void put_filters(struct buf *out, enum mqtt_packet_type type, uint16_t packet_id,
                        const struct mqtt_filter *filters, size_t n)
{
    bool has_qos = type == MQTT_SUBSCRIBE;
    size_t remaining = 2;
    for (size_t i = 0; i < n; i++) {
        remaining += field_size(filters[i].topic) + (has_qos ? 1 : 0);
        out->failed = out->failed || !is_field(filters[i].topic);
    }
    struct writer w;
    if (!begin(out, type, 2, remaining, &w)) {
        return;
    }
    put_u16(&w, packet_id);
    for (size_t i = 0; i < n; i++) {
        put_field(&w, filters[i].topic);
        if (has_qos) {
            put_u8(&w, filters[i].qos);
        }
    }
}

void mqtt_put_subscribe(struct buf *out, uint16_t packet_id, const struct mqtt_filter *filters,
                        size_t n)
{
    put_filters(out, MQTT_SUBSCRIBE, packet_id, filters, n);
}

void mqtt_put_suback(struct buf *out, uint16_t packet_id, const uint8_t *codes, size_t n)
{
    struct writer w;
    if (begin(out, MQTT_SUBACK, 0, 2 + n, &w)) {
        put_u16(&w, packet_id);
        put_bytes(&w, slice_make((const char *)codes, n));
    }
}

void mqtt_put_unsubscribe(struct buf *out, uint16_t packet_id,
                          const struct mqtt_filter *filters, size_t n)
{
    put_filters(out, MQTT_UNSUBSCRIBE, packet_id, filters, n);
}

void mqtt_put_simple(struct buf *out, enum mqtt_packet_type type)
{
    struct writer w;
    assert(type == MQTT_PINGREQ || type == MQTT_PINGRESP || type == MQTT_DISCONNECT);
    (void)begin(out, type, 0, 0, &w);
}

static size_t parts_size(const struct slice *parts, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        size += parts[i].len;
    }
    return size;
}

static void put_parts(struct writer *w, const struct slice *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put_bytes(w, parts[i]);
    }
}

static size_t message_remaining(const struct mqtt_message *message, size_t topic_len)
{
    size_t id_size = message->qos == 0 ? 0 : 2;
    return 2 + topic_len + id_size + parts_size(message->payload, message->n_payload);
}

void mqtt_put_message(struct buf *out, const struct mqtt_message *message, uint16_t packet_id)
{
    size_t topic_len = parts_size(message->topic, message->n_topic);
    bool dup = message->dup && message->qos > 0;
    unsigned flags = (unsigned)dup << 3 | (message->qos & 0x03U) << 1 |
                     (unsigned)message->retain;
    struct writer w;
    out->failed = out->failed || topic_len > MQTT_STRING_MAX_BYTES;
    if (!begin(out, MQTT_PUBLISH, flags, message_remaining(message, topic_len), &w)) {
        return;
    }
    put_u16(&w, topic_len);
    put_parts(&w, message->topic, message->n_topic);
    if (message->qos > 0) {
        put_u16(&w, packet_id);
    }
    put_parts(&w, message->payload, message->n_payload);
}

size_t mqtt_message_size(const struct mqtt_message *message)
{
    size_t topic_len = parts_size(message->topic, message->n_topic);
    size_t remaining = message_remaining(message, topic_len);
    if (topic_len > MQTT_STRING_MAX_BYTES || remaining > MQTT_REMAINING_MAX_BYTES) {
        return 0;
    }
    return header_size(remaining) + remaining;
}
