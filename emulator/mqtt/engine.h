/*
 * The server's side of one MQTT 3.1.1 connection: bytes in, events out, bytes out.
 *
 * The engine knows the protocol and nothing of the hub, of sockets or of clocks.  It checks the
 * order of the conversation, answers PINGREQ, numbers what is sent with QoS 1 and matches the
 * acknowledgements, keeps the will, and says until when the client must be heard of.
 *
 *     mqtt_engine_init
 *     for each arrival of bytes: mqtt_engine_next until it stops answering WIRE_OK, handling
 *         each event before the next call; then drain engine.out
 *     when mqtt_engine_deadline has passed: end the connection
 *     at the end: mqtt_engine_inflight, mqtt_engine_will, then mqtt_engine_finish
 *
 * Each event is settled before the next one is pulled: CONNECT by mqtt_engine_accept() or
 * mqtt_engine_refuse(), a PUBLISH with QoS 1 by mqtt_engine_ack_publish() or, where it is to
 * remain unacknowledged, mqtt_engine_skip_ack(), SUBSCRIBE and UNSUBSCRIBE by their calls.  So
 * acknowledgements leave in the order in which the packets
 * came, as [MQTT-4.6.0-2] demands and as the C# device SDK checks.  CONNECT alone may be
 * decided later; until then nothing further is read.  A caller that would rather end the
 * connection than settle an event ends it, and pulls no more.
 */
#ifndef MQTT_ENGINE_H
#define MQTT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"
#include "base/wire.h"
#include "mqtt/packet.h"

/* The least that `out` may hold and the most that may be in flight. */
#define MQTT_ENGINE_MIN_OUT_BYTES 64
#define MQTT_ENGINE_MAX_WINDOW    1024

struct mqtt_engine_limits {
    size_t connect_max_bytes; /* the longest CONNECT */
    size_t packet_max_bytes;  /* the longest packet after it */
    int64_t connect_arrival_ms;
    int64_t keep_alive_ceiling_ms;
    size_t window; /* messages to the client without PUBACK; 1 to MQTT_ENGINE_MAX_WINDOW */
};

enum mqtt_engine_state {
    MQTT_ENGINE_AWAITS_CONNECT,
    MQTT_ENGINE_AWAITS_DECISION, /* CONNECT was read: accept or refuse */
    MQTT_ENGINE_OPEN,
    MQTT_ENGINE_DISCONNECTED, /* the client said DISCONNECT */
    MQTT_ENGINE_CLOSED,       /* refused, or WIRE_BAD */
};

/* What mqtt_engine_next() lacks when it answers WIRE_MORE. */
enum mqtt_engine_wait {
    MQTT_WAIT_BYTES,    /* more input: need_bytes in all, when known */
    MQTT_WAIT_DECISION, /* CONNECT is undecided */
    MQTT_WAIT_DRAIN,    /* `out` has no room for the answer: drain it, then call again */
};

/* A QoS 1 message that the client has not acknowledged. */
struct mqtt_inflight {
    uint64_t tag;
    uint16_t packet_id;
};

/*
 * {0} may be finished.  Read freely: out, state, reason, wait, need_bytes.  Only `out` may be
 * changed from outside, by dropping bytes off its front.
 */
struct mqtt_engine {
    struct buf out;
    enum mqtt_engine_state state;
    enum mqtt_engine_wait wait; /* why the last answer was WIRE_MORE */
    size_t need_bytes;  /* then the length of the packet at the front; 0 while unknown */
    const char *reason; /* a constant text after WIRE_BAD, else NULL */

    struct mqtt_engine_limits limits;
    int64_t deadline_ms;
    int64_t silence_ms; /* how long the client may be silent once accepted */
    bool clean_session;

    /* The packet that the last event was made of, while its answer is owed. */
    uint8_t owed_type; /* PUBLISH, SUBSCRIBE, UNSUBSCRIBE; 0 when nothing is owed */
    uint16_t owed_packet_id;
    size_t owed_codes; /* SUBACK: one for each filter */

    struct mqtt_inflight *inflight; /* oldest first; `limits.window` of them once used */
    size_t n_inflight;
    uint16_t last_packet_id;

    bool has_will;
    struct mqtt_publish will; /* borrows from will_bytes */
    char *will_bytes;
};

enum mqtt_event_type {
    MQTT_EVENT_CONNECT,
    MQTT_EVENT_PUBLISH, /* QoS 0 or 1 */
    MQTT_EVENT_PUBACK,  /* of something in flight; others are passed over */
    MQTT_EVENT_SUBSCRIBE,
    MQTT_EVENT_UNSUBSCRIBE,
    MQTT_EVENT_DISCONNECT,
};

struct mqtt_event {
    enum mqtt_event_type type;
    union {
        struct mqtt_connect connect; /* level is MQTT_LEVEL */
        struct mqtt_publish publish;
        struct mqtt_inflight puback;
        struct mqtt_subscribe subscribe; /* SUBSCRIBE and UNSUBSCRIBE */
    };
};

/*
 * @param limits   copied
 * @param out_cap  the most that `out` holds; at least MQTT_ENGINE_MIN_OUT_BYTES
 * @param now_ms   when the connection was made
 */
void mqtt_engine_init(struct mqtt_engine *engine, const struct mqtt_engine_limits *limits,
                      size_t out_cap, int64_t now_ms);
void mqtt_engine_finish(struct mqtt_engine *engine);

/*
 * Read on, up to the first packet that concerns the caller.
 *
 * @param in     what has arrived and was not used yet
 * @param used   how many bytes at the front are done with, whatever the answer
 * @param event  on WIRE_OK what happened; borrows from `in`.  Untouched otherwise
 * @return WIRE_OK; WIRE_MORE, and engine->wait says what is lacking; WIRE_BAD, and
 *         engine->reason says why: send what is in `out` (it may hold a CONNACK that refuses),
 *         then close.  WIRE_BAD is the answer to every later call.
 *
 * The engine refuses by itself, with CONNACK and WIRE_BAD: another protocol level (code 1,
 * [MQTT-3.1.2-2]) and an empty client id that wants to keep its session (code 2,
 * [MQTT-3.1.3-8]).  PUBLISH with QoS 2 is WIRE_BAD, as IoT Hub closes on it.
 */
MUST_CHECK enum wire_result mqtt_engine_next(struct mqtt_engine *engine, struct slice in,
                                             int64_t now_ms, size_t *used,
                                             struct mqtt_event *event);

/* Decide on CONNECT; `session_present` may not be true when the client asked for a clean one.
 */
void mqtt_engine_accept(struct mqtt_engine *engine, bool session_present, int64_t now_ms);
/* CONNACK with a code other than 0, after which `out` is sent and the connection closed. */
void mqtt_engine_refuse(struct mqtt_engine *engine, enum mqtt_connack_code code);

/* Settle the last event; `packet_id` is the event's.  There is always room for these answers.
 */
void mqtt_engine_ack_publish(struct mqtt_engine *engine, uint16_t packet_id);
/* Let it stay without PUBACK, so that the client will send it again. */
void mqtt_engine_skip_ack(struct mqtt_engine *engine, uint16_t packet_id);
/* One code for each filter, in their order [MQTT-3.9.3-1]: 0, 1 or MQTT_SUBACK_FAILURE. */
void mqtt_engine_suback(struct mqtt_engine *engine, uint16_t packet_id, const uint8_t *codes,
                        size_t n);
void mqtt_engine_unsuback(struct mqtt_engine *engine, uint16_t packet_id);

enum mqtt_send {
    MQTT_SEND_OK,
    MQTT_SEND_FULL,      /* the window or `out` is full, or the connection is not open */
    MQTT_SEND_TOO_LARGE, /* MQTT or an empty `out` could not hold it: it can never be sent */
};

/*
 * Send a message with QoS 0 or 1.  The topic is the caller's promise: valid, not empty.
 *
 * @param tag  with QoS 1, what the PUBACK event will carry
 * @return anything but MQTT_SEND_OK leaves everything as it was.
 */
MUST_CHECK enum mqtt_send mqtt_engine_publish(struct mqtt_engine *engine,
                                              const struct mqtt_message *message, uint64_t tag);

/*
 * What was sent with QoS 1 and not acknowledged, oldest first.
 *
 * @param out  borrowed until the next call that changes the engine; NULL when there is none
 * @return how many
 */
size_t mqtt_engine_inflight(const struct mqtt_engine *engine, const struct mqtt_inflight **out);

/*
 * The will of an accepted connection, borrowed until mqtt_engine_finish(); NULL when there is
 * none or the client said DISCONNECT, which discards it [MQTT-3.1.2-10].
 */
const struct mqtt_publish *mqtt_engine_will(const struct mqtt_engine *engine);

/*
 * When the connection is to be ended unless something arrives; NEVER_MS while CONNECT is
 * undecided and after the end.  CONNECT must arrive connect_arrival_ms after the connection was
 * made; later each packet gives one and a half times the client's keep-alive [MQTT-3.1.2-24],
 * at most keep_alive_ceiling_ms, which also stands for a keep-alive of 0 (IoT Hub
 * documentation, "Communicate using MQTT").
 */
int64_t mqtt_engine_deadline(const struct mqtt_engine *engine);
bool mqtt_engine_is_expired(const struct mqtt_engine *engine, int64_t now_ms);

#endif
