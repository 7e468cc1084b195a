/*
 * Packets from notation, and packets as text.
 */
#include "unit/mqtt/notation.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/mem.h"

static void put_length(struct buf *out, size_t len)
{
    for (; len > 127; len /= 128) {
        buf_put_u8(out, (uint8_t)(len % 128 + 128));
    }
    buf_put_u8(out, (uint8_t)len);
}

/* The text between `at` and the next `end`; *next is behind that. */
static struct slice quoted(const char *at, char end, const char **next)
{
    const char *close = strchr(at, end);
    assert_non_null(close);
    *next = close + 1;
    return slice_between(at, close);
}

static const char *put_hex(struct buf *out, const char *at)
{
    assert_true(hex_digit(at[0]) >= 0 && hex_digit(at[1]) >= 0);
    uint8_t byte = (uint8_t)(hex_digit(at[0]) * 16 + hex_digit(at[1]));
    at += 2;
    unsigned long times = 1;
    if (*at == '*') {
        char *end;
        times = strtoul(at + 1, &end, 10);
        at = end;
    }
    for (; times > 0; times--) {
        buf_put_u8(out, byte);
    }
    return at;
}

static const char *put_word(struct buf *out, const char *at)
{
    const char *next = at + 1;
    struct slice text;
    switch (*at) {
    case '\'':
        buf_put_slice(out, quoted(at + 1, '\'', &next));
        return next;
    case '<':
        text = quoted(at + 1, '>', &next);
        buf_put_u16(out, (uint16_t)text.len);
        buf_put_slice(out, text);
        return next;
    default:
        return isspace((unsigned char)*at) ? next : put_hex(out, at);
    }
}

void put_notation(struct buf *out, const char *notation)
{
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    struct buf *into = out;
    const char *at = notation;
    while (*at != '\0') {
        if (*at == '[') {
            into = &body;
            at++;
        } else if (*at == ']') {
            put_length(out, body.len);
            buf_put_slice(out, buf_slice(&body));
            buf_reset(&body);
            into = out;
            at++;
        } else {
            at = put_word(into, at);
        }
    }
    assert_ptr_equal(into, out);
    assert_false(out->failed);
    buf_finish(&body);
}

void assert_same_bytes(struct slice have, struct slice want)
{
    struct buf have_hex;
    struct buf want_hex;
    buf_init(&have_hex, BUF_CAP_OWN);
    buf_init(&want_hex, BUF_CAP_OWN);
    hex_encode(&have_hex, have.data, have.len);
    hex_encode(&want_hex, want.data, want.len);
    assert_string_equal(buf_text(&have_hex), buf_text(&want_hex));
    buf_finish(&have_hex);
    buf_finish(&want_hex);
}

void assert_bytes(struct slice have, const char *notation)
{
    struct buf want;
    buf_init(&want, BUF_CAP_OWN);
    put_notation(&want, notation);
    assert_same_bytes(have, buf_slice(&want));
    buf_finish(&want);
}

static bool is_printable(struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (!isgraph((unsigned char)bytes.data[i])) {
            return false;
        }
    }
    return true;
}

/* Long runs are told by their length and a hash. */
static void put_bytes(struct buf *out, struct slice bytes)
{
    if (bytes.len > 64) {
        buf_putf(out, "(%zu bytes, %016llx)", bytes.len, (unsigned long long)slice_hash(bytes));
    } else if (is_printable(bytes)) {
        buf_put_slice(out, bytes);
    } else {
        buf_put_text(out, "0x");
        hex_encode(out, bytes.data, bytes.len);
    }
}

static void put_flag(struct buf *out, bool is_set, const char *name)
{
    if (is_set) {
        buf_putf(out, " %s", name);
    }
}

static void describe_connect(struct buf *out, const struct mqtt_connect *connect)
{
    buf_put_text(out, "CONNECT ");
    put_bytes(out, connect->protocol_name);
    buf_putf(out, "/%u client ", connect->level);
    put_bytes(out, connect->client_id);
    buf_putf(out, " keep-alive %u", connect->keep_alive_s);
    put_flag(out, connect->clean_session, "clean");
    if (connect->has_user_name) {
        buf_put_text(out, " user ");
        put_bytes(out, connect->user_name);
    }
    if (connect->has_password) {
        buf_put_text(out, " password ");
        put_bytes(out, connect->password);
    }
    if (connect->has_will) {
        buf_put_text(out, " will ");
        put_bytes(out, connect->will_topic);
        buf_put_char(out, '=');
        put_bytes(out, connect->will_payload);
        buf_putf(out, " qos %u", connect->will_qos);
    }
    put_flag(out, connect->will_retain, "retain");
}

static void describe_publish(struct buf *out, const struct mqtt_publish *publish)
{
    buf_put_text(out, "PUBLISH ");
    put_bytes(out, publish->topic);
    buf_put_char(out, '=');
    put_bytes(out, publish->payload);
    buf_putf(out, " qos %u id %u", publish->qos, publish->packet_id);
    put_flag(out, publish->dup, "dup");
    put_flag(out, publish->retain, "retain");
}

static void describe_subscribe(struct buf *out, const struct mqtt_subscribe *subscribe)
{
    buf_putf(out, "%s id %u", subscribe->filters.has_qos ? "SUBSCRIBE" : "UNSUBSCRIBE",
             subscribe->packet_id);
    struct mqtt_filters rest = subscribe->filters;
    struct mqtt_filter filter;
    size_t count = 0;
    while (mqtt_filters_next(&rest, &filter)) {
        buf_put_char(out, ' ');
        put_bytes(out, filter.topic);
        if (subscribe->filters.has_qos) {
            buf_putf(out, ":%u", filter.qos);
        }
        count++;
    }
    assert_int_equal(count, subscribe->filters.count);
    assert_int_equal(rest.raw.len, 0);
}

void describe_packet(struct buf *out, const struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_CONNECT:
        describe_connect(out, &packet->connect);
        return;
    case MQTT_CONNACK:
        buf_putf(out, "CONNACK %u", packet->connack.code);
        put_flag(out, packet->connack.session_present, "session");
        return;
    case MQTT_PUBLISH:
        describe_publish(out, &packet->publish);
        return;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        describe_subscribe(out, &packet->subscribe);
        return;
    case MQTT_SUBACK:
        buf_putf(out, "SUBACK id %u 0x", packet->suback.packet_id);
        hex_encode(out, packet->suback.codes.data, packet->suback.codes.len);
        return;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
    case MQTT_UNSUBACK:
        buf_putf(out, "%s id %u", mqtt_packet_name(packet->type), packet->packet_id);
        return;
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
    case MQTT_DISCONNECT:
        buf_put_text(out, mqtt_packet_name(packet->type));
        return;
    }
    fail_msg("packet type %d", (int)packet->type);
}

void describe_event(struct buf *out, const struct mqtt_event *event)
{
    switch (event->type) {
    case MQTT_EVENT_CONNECT:
        describe_connect(out, &event->connect);
        return;
    case MQTT_EVENT_PUBLISH:
        describe_publish(out, &event->publish);
        return;
    case MQTT_EVENT_PUBACK:
        buf_putf(out, "PUBACK id %u tag %llu", event->puback.packet_id,
                 (unsigned long long)event->puback.tag);
        return;
    case MQTT_EVENT_SUBSCRIBE:
    case MQTT_EVENT_UNSUBSCRIBE:
        describe_subscribe(out, &event->subscribe);
        return;
    case MQTT_EVENT_DISCONNECT:
        buf_put_text(out, "DISCONNECT");
        return;
    }
    fail_msg("event type %d", (int)event->type);
}

#define MAX_FILTERS 64

static void put_filters(struct buf *out, const struct mqtt_subscribe *subscribe)
{
    struct mqtt_filter filters[MAX_FILTERS];
    struct mqtt_filters rest = subscribe->filters;
    size_t n = 0;
    assert_true(rest.count <= MAX_FILTERS);
    while (mqtt_filters_next(&rest, &filters[n])) {
        n++;
    }
    if (subscribe->filters.has_qos) {
        mqtt_put_subscribe(out, subscribe->packet_id, filters, n);
    } else {
        mqtt_put_unsubscribe(out, subscribe->packet_id, filters, n);
    }
}

void put_packet(struct buf *out, const struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_CONNECT:
        mqtt_put_connect(out, &packet->connect);
        return;
    case MQTT_CONNACK:
        mqtt_put_connack(out, packet->connack.session_present,
                         (enum mqtt_connack_code)packet->connack.code);
        return;
    case MQTT_PUBLISH:
        mqtt_put_publish(out, &packet->publish);
        return;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        put_filters(out, &packet->subscribe);
        return;
    case MQTT_SUBACK:
        mqtt_put_suback(out, packet->suback.packet_id,
                        (const uint8_t *)packet->suback.codes.data, packet->suback.codes.len);
        return;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
    case MQTT_UNSUBACK:
        mqtt_put_ack(out, packet->type, packet->packet_id);
        return;
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
    case MQTT_DISCONNECT:
        mqtt_put_simple(out, packet->type);
        return;
    }
    fail_msg("packet type %d", (int)packet->type);
}

char *exact_copy(struct slice bytes)
{
    char *copy = malloc(bytes.len);
    if (bytes.len > 0) {
        assert_non_null(copy);
        memcpy(copy, bytes.data, bytes.len);
    }
    return copy;
}

/* Marsaglia's xorshift. */
uint64_t roll(struct dice *dice, uint64_t n)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return dice->state % n;
}

struct CMUnitTest row_test(const char *name, CMUnitTestFunction check, const void *row)
{
    /* cmocka's state is not const; the tests read it only. */
    union {
        const void *is;
        void *wanted;
    } state = {row};
    return (struct CMUnitTest){.name = name, .test_func = check, .initial_state = state.wanted};
}
