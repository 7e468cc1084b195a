/*
 * A conversation with an engine, run by a gateway that agrees to everything: it accepts or
 * refuses as it was told, grants min(1, requested), acknowledges, and writes down what happens.
 */
#ifndef TESTS_UNIT_MQTT_TALK_H
#define TESTS_UNIT_MQTT_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "mqtt/engine.h"

/* Initialised by talk_init(); the four choices may be changed before talk_say(). */
struct talk {
    struct mqtt_engine engine;
    enum mqtt_connack_code refusal; /* MQTT_CONNACK_ACCEPTED: does not refuse */
    bool session_present;
    bool is_undecided; /* CONNECT is left to the test */
    bool is_clogged;   /* `out` is drained only when the engine asks for it */
    int64_t now_ms;
    struct buf in;
    struct buf log; /* the events, and BAD with its reason, joined by "; " */
    struct buf out; /* all that the server sent */
};

extern const struct mqtt_engine_limits talk_limits;

#define TALK_OUT_CAP 4096

void talk_init(struct talk *talk, const struct mqtt_engine_limits *limits, size_t out_cap);
void talk_finish(struct talk *talk);

/* Let bytes arrive and be dealt with; @return the engine's last answer. */
enum wire_result talk_say(struct talk *talk, struct slice bytes);
enum wire_result talk_say_notation(struct talk *talk, const char *notation);

/* Move what the server has written to talk->out. */
void talk_drain(struct talk *talk);

/* Compare what the server sent since the last check. */
void talk_expect(struct talk *talk, const char *notation);

#define CONNECT_D "10 [ <MQTT> 04 00 003c <d> ] "
#define CONNACK_0 "20 02 00 00 "

/* A conversation that is past CONNECT and CONNACK, with an empty log. */
void talk_open(struct talk *talk, const struct mqtt_engine_limits *limits, size_t out_cap);

/* Send one message. */
enum mqtt_send talk_publish(struct talk *talk, const char *topic, const char *payload,
                            uint8_t qos, uint64_t tag);

#endif
