/*
 * The server's side of one connection: order of the conversation, answers, numbers, deadlines.
 */
#include "mqtt/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

void mqtt_engine_init(struct mqtt_engine *engine, const struct mqtt_engine_limits *limits,
                      size_t out_cap, int64_t now_ms)
{
    assert(out_cap >= MQTT_ENGINE_MIN_OUT_BYTES);
    assert(limits->window >= 1 && limits->window <= MQTT_ENGINE_MAX_WINDOW);
    *engine = (struct mqtt_engine){
        .state = MQTT_ENGINE_AWAITS_CONNECT,
        .limits = *limits,
        .deadline_ms = now_ms + limits->connect_arrival_ms,
    };
    buf_init(&engine->out, out_cap);
}

void mqtt_engine_finish(struct mqtt_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    buf_finish(&engine->out);
    free(engine->inflight);
    free(engine->will_bytes);
    *engine = (struct mqtt_engine){.state = MQTT_ENGINE_CLOSED, .deadline_ms = NEVER_MS};
}

static void close_for(struct mqtt_engine *engine, const char *reason)
{
    engine->state = MQTT_ENGINE_CLOSED;
    engine->reason = reason;
    engine->deadline_ms = NEVER_MS;
}

static enum wire_result bad(struct mqtt_engine *engine, const char *reason)
{
    close_for(engine, reason);
    return WIRE_BAD;
}

static enum wire_result wait_for(struct mqtt_engine *engine, enum mqtt_engine_wait wait,
                                 size_t need_bytes)
{
    engine->wait = wait;
    engine->need_bytes = need_bytes;
    return WIRE_MORE;
}

/* The answers' sizes: PUBACK and UNSUBACK have two bytes after the fixed header. */
#define ACK_BYTES      4
#define PINGRESP_BYTES 2

static size_t suback_bytes(size_t n_codes)
{
    /* Type, at most four length bytes, packet id, codes. */
    return 7 + n_codes;
}

/* How much of `out` the answer to a packet takes at most. */
static size_t answer_bytes(const struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_PUBLISH:
        return packet->publish.qos == 0 ? 0 : ACK_BYTES;
    case MQTT_SUBSCRIBE:
        return suback_bytes(packet->subscribe.filters.count);
    case MQTT_UNSUBSCRIBE:
    case MQTT_CONNECT:
        return ACK_BYTES;
    case MQTT_PINGREQ:
        return PINGRESP_BYTES;
    case MQTT_CONNACK:
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
    case MQTT_PINGRESP:
    case MQTT_DISCONNECT:
        return 0;
    }
    return 0;
}

/* What the settling of the last event will take. */
static size_t owed_bytes(const struct mqtt_engine *engine)
{
    if (engine->owed_type == 0) {
        return 0;
    }
    return engine->owed_type == MQTT_SUBSCRIBE ? suback_bytes(engine->owed_codes) : ACK_BYTES;
}

static void owe(struct mqtt_engine *engine, enum mqtt_packet_type type, uint16_t packet_id)
{
    engine->owed_type = (uint8_t)type;
    engine->owed_packet_id = packet_id;
}

/* The packet's bytes are gone when the will is wanted, so this is the one thing that is kept.
 */
static void keep_will(struct mqtt_engine *engine, const struct mqtt_connect *connect)
{
    if (!connect->has_will) {
        return;
    }
    size_t topic_len = connect->will_topic.len;
    size_t payload_len = connect->will_payload.len;
    char *bytes = mem_alloc(topic_len + payload_len);
    memcpy(bytes, connect->will_topic.data, topic_len);
    if (payload_len > 0) {
        memcpy(bytes + topic_len, connect->will_payload.data, payload_len);
    }
    engine->has_will = true;
    engine->will_bytes = bytes;
    engine->will = (struct mqtt_publish){
        .topic = slice_make(bytes, topic_len),
        .payload = slice_make(bytes + topic_len, payload_len),
        .qos = connect->will_qos,
        .retain = connect->will_retain,
    };
}

static enum wire_result refuse_connect(struct mqtt_engine *engine, enum mqtt_connack_code code,
                                       const char *reason)
{
    mqtt_put_connack(&engine->out, false, code);
    return bad(engine, reason);
}

/*
 * What the client may be silent for.  A client that asks for no limit, or for more than IoT Hub
 * grants, gets the ceiling.
 */
static int64_t silence_of(const struct mqtt_engine *engine, uint16_t keep_alive_s)
{
    int64_t silence_ms = (int64_t)keep_alive_s * 1500;
    bool is_granted = silence_ms > 0 && silence_ms < engine->limits.keep_alive_ceiling_ms;
    return is_granted ? silence_ms : engine->limits.keep_alive_ceiling_ms;
}

/*
 * The on_ functions answer WIRE_OK when they made an event, WIRE_MORE when the packet was dealt
 * with here and reading goes on, WIRE_BAD when it ends the connection.
 */
static enum wire_result on_connect(struct mqtt_engine *engine,
                                   const struct mqtt_connect *connect, struct mqtt_event *event)
{
    if (connect->level != MQTT_LEVEL) {
        return refuse_connect(engine, MQTT_CONNACK_LEVEL, "the protocol level is not 4");
    }
    if (connect->client_id.len == 0 && !connect->clean_session) {
        return refuse_connect(engine, MQTT_CONNACK_CLIENT_ID,
                              "an empty client id cannot keep a session");
    }
    engine->state = MQTT_ENGINE_AWAITS_DECISION;
    engine->deadline_ms = NEVER_MS;
    engine->clean_session = connect->clean_session;
    engine->silence_ms = silence_of(engine, connect->keep_alive_s);
    keep_will(engine, connect);
    event->type = MQTT_EVENT_CONNECT;
    event->connect = *connect;
    return WIRE_OK;
}

static enum wire_result on_publish(struct mqtt_engine *engine,
                                   const struct mqtt_publish *publish, struct mqtt_event *event)
{
    if (publish->qos == 2) {
        return bad(engine, "QoS 2 is not supported");
    }
    if (publish->qos == 1) {
        owe(engine, MQTT_PUBLISH, publish->packet_id);
    }
    event->type = MQTT_EVENT_PUBLISH;
    event->publish = *publish;
    return WIRE_OK;
}

/* The index of the message, or n_inflight. */
static size_t find_inflight(const struct mqtt_engine *engine, uint16_t packet_id)
{
    size_t i = 0;
    while (i < engine->n_inflight && engine->inflight[i].packet_id != packet_id) {
        i++;
    }
    return i;
}

/*
 * Clients may acknowledge in any order.  An id that is not in flight says nothing: MQTT does
 * not forbid it, and the protocol gateway that IoT Hub grew out of passes over it too.
 */
static enum wire_result on_puback(struct mqtt_engine *engine, uint16_t packet_id,
                                  struct mqtt_event *event)
{
    size_t i = find_inflight(engine, packet_id);
    if (i == engine->n_inflight) {
        return WIRE_MORE;
    }
    event->type = MQTT_EVENT_PUBACK;
    event->puback = engine->inflight[i];
    engine->n_inflight--;
    memmove(&engine->inflight[i], &engine->inflight[i + 1],
            (engine->n_inflight - i) * sizeof(engine->inflight[0]));
    return WIRE_OK;
}

static enum wire_result on_subscribe(struct mqtt_engine *engine,
                                     const struct mqtt_packet *packet, struct mqtt_event *event)
{
    owe(engine, packet->type, packet->subscribe.packet_id);
    engine->owed_codes = packet->subscribe.filters.count;
    event->type = packet->type == MQTT_SUBSCRIBE ? MQTT_EVENT_SUBSCRIBE
                                                 : MQTT_EVENT_UNSUBSCRIBE;
    event->subscribe = packet->subscribe;
    return WIRE_OK;
}

static enum wire_result on_disconnect(struct mqtt_engine *engine, struct mqtt_event *event)
{
    engine->state = MQTT_ENGINE_DISCONNECTED;
    engine->deadline_ms = NEVER_MS;
    engine->has_will = false;
    event->type = MQTT_EVENT_DISCONNECT;
    return WIRE_OK;
}

static enum wire_result act(struct mqtt_engine *engine, const struct mqtt_packet *packet,
                            struct mqtt_event *event)
{
    switch (packet->type) {
    case MQTT_CONNECT:
        return on_connect(engine, &packet->connect, event);
    case MQTT_PUBLISH:
        return on_publish(engine, &packet->publish, event);
    case MQTT_PUBACK:
        return on_puback(engine, packet->packet_id, event);
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        return on_subscribe(engine, packet, event);
    case MQTT_PINGREQ:
        mqtt_put_simple(&engine->out, MQTT_PINGRESP);
        return WIRE_MORE;
    case MQTT_DISCONNECT:
        return on_disconnect(engine, event);
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return bad(engine, "QoS 2 is not supported");
    case MQTT_CONNACK:
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
    case MQTT_PINGRESP:
        return bad(engine, "the packet is one that only servers send");
    }
    return bad(engine, "the packet type is reserved");
}

static const char *check_order(const struct mqtt_engine *engine, enum mqtt_packet_type type)
{
    if (engine->state == MQTT_ENGINE_AWAITS_CONNECT) {
        return type == MQTT_CONNECT ? NULL : "the first packet is not CONNECT";
    }
    return type == MQTT_CONNECT ? "a second CONNECT" : NULL;
}

static enum wire_result read_packet(struct mqtt_engine *engine, struct slice in,
                                    struct mqtt_packet *packet, size_t *len)
{
    bool is_first = engine->state == MQTT_ENGINE_AWAITS_CONNECT;
    size_t max_bytes = is_first ? engine->limits.connect_max_bytes
                                : engine->limits.packet_max_bytes;
    const char *reason = NULL;
    enum wire_result result = mqtt_packet_read(in, max_bytes, packet, len, &reason);
    if (result == WIRE_MORE) {
        return wait_for(engine, MQTT_WAIT_BYTES, *len);
    }
    if (result == WIRE_OK) {
        reason = check_order(engine, packet->type);
    }
    return reason == NULL ? WIRE_OK : bad(engine, reason);
}

/* A client that sends and does not read is not read from either. */
static enum wire_result check_room(struct mqtt_engine *engine, const struct mqtt_packet *packet,
                                   size_t len)
{
    size_t answer = answer_bytes(packet);
    if (answer > engine->out.cap) {
        return bad(engine, "SUBSCRIBE has too many filters to answer");
    }
    if (answer > engine->out.cap - engine->out.len) {
        return wait_for(engine, MQTT_WAIT_DRAIN, len);
    }
    return WIRE_OK;
}

/* One packet; answers as act() does, but WIRE_MORE with len 0 when no packet was taken. */
static enum wire_result take_packet(struct mqtt_engine *engine, struct slice in, int64_t now_ms,
                                    size_t *used, struct mqtt_event *event)
{
    struct mqtt_packet packet;
    size_t len;
    enum wire_result result = read_packet(engine, in, &packet, &len);
    if (result == WIRE_OK) {
        result = check_room(engine, &packet, len);
    }
    if (result != WIRE_OK) {
        *used = 0;
        return result;
    }
    *used = len;
    engine->deadline_ms = now_ms + engine->silence_ms;
    return act(engine, &packet, event);
}

/* Whether the state lets a packet be read; WIRE_MORE and WIRE_BAD are final answers. */
static enum wire_result check_state(struct mqtt_engine *engine, struct slice in)
{
    switch (engine->state) {
    case MQTT_ENGINE_AWAITS_CONNECT:
    case MQTT_ENGINE_OPEN:
        return WIRE_OK;
    case MQTT_ENGINE_AWAITS_DECISION:
        return wait_for(engine, MQTT_WAIT_DECISION, 0);
    case MQTT_ENGINE_DISCONNECTED:
        /* [MQTT-3.14.4-2] */
        return in.len == 0 ? wait_for(engine, MQTT_WAIT_BYTES, 0)
                           : bad(engine, "something follows DISCONNECT");
    case MQTT_ENGINE_CLOSED:
        return WIRE_BAD;
    }
    return WIRE_BAD;
}

enum wire_result mqtt_engine_next(struct mqtt_engine *engine, struct slice in, int64_t now_ms,
                                  size_t *used, struct mqtt_event *event)
{
    /* The last event was settled, which keeps the answers in the packets' order. */
    assert(engine->owed_type == 0);
    *used = 0;
    enum wire_result result = check_state(engine, in);
    if (result != WIRE_OK) {
        return result;
    }
    size_t len;
    do {
        result = take_packet(engine, slice_from(in, *used), now_ms, &len, event);
        *used += len;
    } while (result == WIRE_MORE && len > 0);
    return result;
}

void mqtt_engine_accept(struct mqtt_engine *engine, bool session_present, int64_t now_ms)
{
    assert(engine->state == MQTT_ENGINE_AWAITS_DECISION);
    assert(!(session_present && engine->clean_session)); /* [MQTT-3.2.2-1] */
    mqtt_put_connack(&engine->out, session_present, MQTT_CONNACK_ACCEPTED);
    engine->state = MQTT_ENGINE_OPEN;
    engine->deadline_ms = now_ms + engine->silence_ms;
}

void mqtt_engine_refuse(struct mqtt_engine *engine, enum mqtt_connack_code code)
{
    assert(engine->state == MQTT_ENGINE_AWAITS_DECISION);
    assert(code != MQTT_CONNACK_ACCEPTED);
    mqtt_put_connack(&engine->out, false, code);
    engine->has_will = false; /* it is stored with an accepted connection only, 3.1.2.5 */
    close_for(engine, "the connection was refused");
}

void mqtt_engine_ack_publish(struct mqtt_engine *engine, uint16_t packet_id)
{
    assert(engine->owed_type == MQTT_PUBLISH && engine->owed_packet_id == packet_id);
    engine->owed_type = 0;
    mqtt_put_ack(&engine->out, MQTT_PUBACK, packet_id);
}

void mqtt_engine_skip_ack(struct mqtt_engine *engine, uint16_t packet_id)
{
    assert(engine->owed_type == MQTT_PUBLISH && engine->owed_packet_id == packet_id);
    engine->owed_type = 0;
}

void mqtt_engine_suback(struct mqtt_engine *engine, uint16_t packet_id, const uint8_t *codes,
                        size_t n)
{
    assert(engine->owed_type == MQTT_SUBSCRIBE && engine->owed_packet_id == packet_id);
    engine->owed_type = 0;
    assert(n == engine->owed_codes);
    mqtt_put_suback(&engine->out, packet_id, codes, n);
}

void mqtt_engine_unsuback(struct mqtt_engine *engine, uint16_t packet_id)
{
    assert(engine->owed_type == MQTT_UNSUBSCRIBE && engine->owed_packet_id == packet_id);
    engine->owed_type = 0;
    mqtt_put_ack(&engine->out, MQTT_UNSUBACK, packet_id);
}

/* Ids go round, so that a late PUBACK of an old message rarely meets a new one. */
static uint16_t take_packet_id(struct mqtt_engine *engine)
{
    do {
        engine->last_packet_id++;
    } while (engine->last_packet_id == 0 ||
             find_inflight(engine, engine->last_packet_id) < engine->n_inflight);
    return engine->last_packet_id;
}

static uint16_t add_inflight(struct mqtt_engine *engine, uint64_t tag)
{
    if (engine->inflight == NULL) {
        engine->inflight = mem_array(engine->limits.window, sizeof(engine->inflight[0]));
    }
    uint16_t packet_id = take_packet_id(engine);
    engine->inflight[engine->n_inflight++] = (struct mqtt_inflight){tag, packet_id};
    return packet_id;
}

enum mqtt_send mqtt_engine_publish(struct mqtt_engine *engine,
                                   const struct mqtt_message *message, uint64_t tag)
{
    assert(message->qos <= 1);
    size_t size = mqtt_message_size(message);
    if (size == 0 || size > engine->out.cap) {
        return MQTT_SEND_TOO_LARGE;
    }
    bool has_window = message->qos == 0 || engine->n_inflight < engine->limits.window;
    if (engine->state != MQTT_ENGINE_OPEN || !has_window ||
        size + owed_bytes(engine) > engine->out.cap - engine->out.len) {
        return MQTT_SEND_FULL;
    }
    mqtt_put_message(&engine->out, message, message->qos == 0 ? 0 : add_inflight(engine, tag));
    return MQTT_SEND_OK;
}

size_t mqtt_engine_inflight(const struct mqtt_engine *engine, const struct mqtt_inflight **out)
{
    *out = engine->inflight;
    return engine->n_inflight;
}

const struct mqtt_publish *mqtt_engine_will(const struct mqtt_engine *engine)
{
    bool was_accepted = engine->state == MQTT_ENGINE_OPEN ||
                        engine->state == MQTT_ENGINE_CLOSED;
    return engine->has_will && was_accepted ? &engine->will : NULL;
}

int64_t mqtt_engine_deadline(const struct mqtt_engine *engine)
{
    return engine->deadline_ms;
}

bool mqtt_engine_is_expired(const struct mqtt_engine *engine, int64_t now_ms)
{
    return now_ms >= engine->deadline_ms;
}
