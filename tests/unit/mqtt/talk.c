/*
 * The agreeable gateway.
 */
#include "unit/mqtt/talk.h"

#include <stdlib.h>

#include "base/macros.h"
#include "unit/mqtt/notation.h"

const struct mqtt_engine_limits talk_limits = {
    .connect_max_bytes = 256,
    .packet_max_bytes = 512,
    .connect_arrival_ms = 60000,
    .keep_alive_ceiling_ms = 1767000,
    .window = 16,
};

void talk_init(struct talk *talk, const struct mqtt_engine_limits *limits, size_t out_cap)
{
    *talk = (struct talk){.now_ms = 1000000};
    mqtt_engine_init(&talk->engine, limits, out_cap, talk->now_ms);
    buf_init(&talk->in, BUF_CAP_OWN);
    buf_init(&talk->log, BUF_CAP_OWN);
    buf_init(&talk->out, BUF_CAP_OWN);
}

void talk_finish(struct talk *talk)
{
    mqtt_engine_finish(&talk->engine);
    buf_finish(&talk->in);
    buf_finish(&talk->log);
    buf_finish(&talk->out);
}

void talk_drain(struct talk *talk)
{
    assert_false(talk->engine.out.failed);
    buf_put_slice(&talk->out, buf_slice(&talk->engine.out));
    buf_drop(&talk->engine.out, talk->engine.out.len);
}

static void decide(struct talk *talk)
{
    if (talk->is_undecided) {
        return;
    }
    if (talk->refusal != MQTT_CONNACK_ACCEPTED) {
        mqtt_engine_refuse(&talk->engine, talk->refusal);
        return;
    }
    mqtt_engine_accept(&talk->engine, talk->session_present, talk->now_ms);
}

static void grant(struct talk *talk, const struct mqtt_subscribe *subscribe)
{
    struct buf codes;
    struct mqtt_filters rest = subscribe->filters;
    struct mqtt_filter filter;
    buf_init(&codes, BUF_CAP_OWN);
    while (mqtt_filters_next(&rest, &filter)) {
        buf_put_u8(&codes, filter.qos > 1 ? 1 : filter.qos);
    }
    mqtt_engine_suback(&talk->engine, subscribe->packet_id, (const uint8_t *)codes.data,
                       codes.len);
    buf_finish(&codes);
}

static void answer(struct talk *talk, const struct mqtt_event *event)
{
    switch (event->type) {
    case MQTT_EVENT_CONNECT:
        decide(talk);
        return;
    case MQTT_EVENT_PUBLISH:
        if (event->publish.qos > 0) {
            mqtt_engine_ack_publish(&talk->engine, event->publish.packet_id);
        }
        return;
    case MQTT_EVENT_SUBSCRIBE:
        grant(talk, &event->subscribe);
        return;
    case MQTT_EVENT_UNSUBSCRIBE:
        mqtt_engine_unsuback(&talk->engine, event->subscribe.packet_id);
        return;
    case MQTT_EVENT_PUBACK:
    case MQTT_EVENT_DISCONNECT:
        return;
    }
}

static void log_separator(struct talk *talk)
{
    if (talk->log.len > 0) {
        buf_put_text(&talk->log, "; ");
    }
}

/* One call of the engine, on bytes that are gone afterwards. */
static enum wire_result step(struct talk *talk)
{
    struct mqtt_event event;
    size_t used;
    char *copy = exact_copy(buf_slice(&talk->in));
    struct slice in = slice_make(copy, talk->in.len);
    enum wire_result result = mqtt_engine_next(&talk->engine, in, talk->now_ms, &used, &event);
    assert_true(used <= talk->in.len);
    assert_int_equal(result == WIRE_BAD, talk->engine.reason != NULL);
    if (result == WIRE_OK) {
        log_separator(talk);
        describe_event(&talk->log, &event);
        answer(talk, &event);
    } else if (result == WIRE_BAD) {
        log_separator(talk);
        buf_putf(&talk->log, "BAD %s", talk->engine.reason);
    }
    free(copy);
    buf_drop(&talk->in, used);
    return result;
}

enum wire_result talk_say(struct talk *talk, struct slice bytes)
{
    buf_put_slice(&talk->in, bytes);
    enum wire_result result;
    bool is_clogged;
    do {
        result = step(talk);
        is_clogged = result == WIRE_MORE && talk->engine.wait == MQTT_WAIT_DRAIN;
        if (is_clogged || !talk->is_clogged) {
            talk_drain(talk);
        }
    } while (result == WIRE_OK || is_clogged);
    return result;
}

enum wire_result talk_say_notation(struct talk *talk, const char *notation)
{
    struct buf bytes;
    buf_init(&bytes, BUF_CAP_OWN);
    put_notation(&bytes, notation);
    enum wire_result result = talk_say(talk, buf_slice(&bytes));
    buf_finish(&bytes);
    return result;
}

void talk_expect(struct talk *talk, const char *notation)
{
    talk_drain(talk);
    assert_bytes(buf_slice(&talk->out), notation);
    buf_reset(&talk->out);
}

void talk_open(struct talk *talk, const struct mqtt_engine_limits *limits, size_t out_cap)
{
    talk_init(talk, limits, out_cap);
    assert_int_equal(talk_say_notation(talk, CONNECT_D), WIRE_MORE);
    talk_expect(talk, CONNACK_0);
    buf_reset(&talk->log);
}

enum mqtt_send talk_publish(struct talk *talk, const char *topic, const char *payload,
                            uint8_t qos, uint64_t tag)
{
    struct slice topic_parts[] = {slice_of(topic)};
    struct slice payload_parts[] = {slice_of(payload)};
    struct mqtt_message message = {
        .topic = topic_parts,
        .n_topic = ARRAY_LEN(topic_parts),
        .payload = payload_parts,
        .n_payload = ARRAY_LEN(payload_parts),
        .qos = qos,
    };
    return mqtt_engine_publish(&talk->engine, &message, tag);
}
