/*
 * The life of an engine: the decision on CONNECT, what it waits for, deadlines, the will.
 */
#include "mqtt/engine.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "unit/mqtt/notation.h"
#include "unit/mqtt/talk.h"

static void zeroed_and_finished_engines_may_be_finished(void **state)
{
    (void)state;
    struct mqtt_engine engine = {0};
    mqtt_engine_finish(&engine);
    mqtt_engine_finish(&engine);
    mqtt_engine_finish(NULL);
    assert_null(mqtt_engine_will(&engine));
    assert_int_equal(mqtt_engine_deadline(&engine), NEVER_MS);
}

static void nothing_is_read_until_connect_is_decided(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    talk.is_undecided = true;
    assert_int_equal(talk_say_notation(&talk, CONNECT_D "c0 00 30 [ <a> 'x' ]"), WIRE_MORE);
    assert_int_equal(talk.engine.state, MQTT_ENGINE_AWAITS_DECISION);
    assert_int_equal(talk.engine.wait, MQTT_WAIT_DECISION);
    assert_int_equal(talk.in.len, 2 + 6);
    assert_int_equal(talk_say_notation(&talk, "c0"), WIRE_MORE);
    assert_int_equal(talk.in.len, 2 + 6 + 1);
    talk_expect(&talk, "");
    mqtt_engine_accept(&talk.engine, false, talk.now_ms);
    assert_int_equal(talk_say_notation(&talk, "00"), WIRE_MORE);
    assert_int_equal(talk.engine.wait, MQTT_WAIT_BYTES);
    assert_int_equal(talk.in.len, 0);
    assert_string_equal(buf_text(&talk.log),
                        "CONNECT MQTT/4 client d keep-alive 60; PUBLISH a=x qos 0 id 0");
    talk_expect(&talk, CONNACK_0 "d0 00 d0 00");
    talk_finish(&talk);
}

/* [MQTT-3.2.2-2], [MQTT-3.2.2-4], [MQTT-3.2.2-5] */
static void each_refusal_is_said_and_ends_the_connection(void **state)
{
    (void)state;
    for (uint8_t code = 1; code <= 5; code++) {
        struct talk talk;
        talk_init(&talk, &talk_limits, TALK_OUT_CAP);
        talk.refusal = (enum mqtt_connack_code)code;
        assert_int_equal(talk_say_notation(&talk, CONNECT_D), WIRE_BAD);
        assert_string_equal(talk.engine.reason, "the connection was refused");
        assert_int_equal(talk.engine.state, MQTT_ENGINE_CLOSED);
        talk_drain(&talk);
        assert_int_equal(talk.out.len, 4);
        assert_int_equal(talk.out.data[2], 0);
        assert_int_equal(talk.out.data[3], code);
        talk_finish(&talk);
    }
}

static void bad_is_the_answer_to_every_later_call(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    assert_int_equal(talk_say_notation(&talk, "00"), WIRE_BAD);
    const char *reason = talk.engine.reason;
    assert_int_equal(talk_say_notation(&talk, "c0 00"), WIRE_BAD);
    assert_int_equal(talk_say_notation(&talk, ""), WIRE_BAD);
    assert_ptr_equal(talk.engine.reason, reason);
    talk_expect(&talk, "");
    talk_finish(&talk);
}

static void after_disconnect_the_engine_waits_for_nothing_to_come(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    assert_int_equal(talk_say_notation(&talk, "e0 00"), WIRE_MORE);
    assert_int_equal(talk.engine.state, MQTT_ENGINE_DISCONNECTED);
    assert_int_equal(talk_say_notation(&talk, ""), WIRE_MORE);
    assert_int_equal(talk_say_notation(&talk, "30"), WIRE_BAD);
    talk_finish(&talk);
}

/* So the caller can wait for a large packet before laying its bytes out in one piece. */
static void length_of_the_packet_at_the_front_is_told_once_known(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    talk_say_notation(&talk, "");
    assert_int_equal(talk.engine.need_bytes, 0);
    talk_say_notation(&talk, "c0 00 30");
    assert_int_equal(talk.engine.need_bytes, 0);
    assert_int_equal(talk.in.len, 1);
    talk_say_notation(&talk, "ac");
    assert_int_equal(talk.engine.need_bytes, 0);
    talk_say_notation(&talk, "02");
    assert_int_equal(talk.engine.need_bytes, 303);
    talk_say_notation(&talk, "<a> 62*296");
    assert_int_equal(talk.engine.need_bytes, 303);
    assert_int_equal(talk.in.len, 302);
    talk_say_notation(&talk, "62");
    assert_int_equal(talk.engine.need_bytes, 0);
    assert_int_equal(talk.in.len, 0);
    talk_finish(&talk);
}

static void connect_must_arrive_in_time(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    assert_int_equal(mqtt_engine_deadline(&talk.engine), talk.now_ms + 60000);
    assert_false(mqtt_engine_is_expired(&talk.engine, talk.now_ms + 59999));
    assert_true(mqtt_engine_is_expired(&talk.engine, talk.now_ms + 60000));
    /* Bytes that are no packet yet do not count. */
    talk.now_ms += 30000;
    talk_say_notation(&talk, "10 0d 0004");
    assert_int_equal(mqtt_engine_deadline(&talk.engine), talk.now_ms + 30000);
    talk_finish(&talk);
}

static void deciding_has_no_deadline(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    talk.is_undecided = true;
    talk_say_notation(&talk, CONNECT_D);
    assert_int_equal(mqtt_engine_deadline(&talk.engine), NEVER_MS);
    assert_false(mqtt_engine_is_expired(&talk.engine, talk.now_ms + 1000000000));
    talk.now_ms += 100000;
    mqtt_engine_accept(&talk.engine, false, talk.now_ms);
    assert_int_equal(mqtt_engine_deadline(&talk.engine), talk.now_ms + 90000);
    talk_finish(&talk);
}

/* [MQTT-3.1.2-24]; the ceiling is IoT Hub's. */
static void client_may_be_silent_for_one_and_a_half_keep_alives(void **state)
{
    (void)state;
    static const struct {
        uint16_t keep_alive_s;
        int64_t silence_ms;
    } rows[] = {
        {1,     1500   },
        {5,     7500   },
        {60,    90000  },
        {240,   360000 },
        {1177,  1765500},
        {1178,  1767000},
        {1179,  1767000},
        {65535, 1767000},
        {0,     1767000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mqtt_connect connect = {.client_id = SLICE("d"),
                                       .keep_alive_s = rows[i].keep_alive_s};
        struct talk talk;
        struct buf bytes;
        talk_init(&talk, &talk_limits, TALK_OUT_CAP);
        buf_init(&bytes, 64);
        mqtt_put_connect(&bytes, &connect);
        talk.now_ms += 59999;
        talk_say(&talk, buf_slice(&bytes));
        int64_t want = talk.now_ms + rows[i].silence_ms;
        assert_int_equal(mqtt_engine_deadline(&talk.engine), want);
        assert_false(mqtt_engine_is_expired(&talk.engine, want - 1));
        assert_true(mqtt_engine_is_expired(&talk.engine, want));
        buf_finish(&bytes);
        talk_finish(&talk);
    }
}

static void each_packet_from_the_client_renews_the_deadline(void **state)
{
    (void)state;
    static const char *const packets[] = {
        "c0 00",      "30 [ <a> ]",         "32 [ <a> 0001 ]",
        "40 02 0001", "82 [ 0001 <a> 00 ]", "a2 [ 0001 <a> ]",
    };
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
        talk.now_ms += 89999;
        assert_false(mqtt_engine_is_expired(&talk.engine, talk.now_ms));
        talk_say_notation(&talk, packets[i]);
        assert_int_equal(mqtt_engine_deadline(&talk.engine), talk.now_ms + 90000);
    }
    talk_finish(&talk);
}

static void neither_parts_of_packets_nor_what_is_sent_renews_the_deadline(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    int64_t want = talk.now_ms + 90000;
    talk.now_ms += 60000;
    talk_say_notation(&talk, "30 04 0001");
    assert_int_equal(talk_publish(&talk, "a", "x", 1, 0), MQTT_SEND_OK);
    assert_int_equal(mqtt_engine_deadline(&talk.engine), want);
    talk_finish(&talk);
}

static void after_the_end_there_is_no_deadline(void **state)
{
    (void)state;
    static const char *const ends[] = {"e0 00", "00 00"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct talk talk;
        talk_open(&talk, &talk_limits, TALK_OUT_CAP);
        talk_say_notation(&talk, ends[i]);
        assert_int_equal(mqtt_engine_deadline(&talk.engine), NEVER_MS);
        talk_finish(&talk);
    }
}

#define CONNECT_WILL "10 [ <MQTT> 04 2e 003c <d> <devices/d/messages/events/> <gone> ] "

static void assert_will(const struct talk *talk, const char *want)
{
    const struct mqtt_publish *will = mqtt_engine_will(&talk->engine);
    if (want == NULL) {
        assert_null(will);
        return;
    }
    assert_non_null(will);
    struct buf text;
    struct mqtt_event event = {.type = MQTT_EVENT_PUBLISH, .publish = *will};
    buf_init(&text, BUF_CAP_OWN);
    describe_event(&text, &event);
    assert_string_equal(buf_text(&text), want);
    buf_finish(&text);
}

/* [MQTT-3.1.2-8]; the bytes of CONNECT are gone by then, which talk_say() sees to. */
static void will_outlives_the_end_of_the_connection(void **state)
{
    (void)state;
    const char *will = "PUBLISH devices/d/messages/events/=gone qos 1 id 0 retain";
    struct talk talk;
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    assert_will(&talk, NULL);
    talk_say_notation(&talk, CONNECT_WILL);
    assert_will(&talk, will);
    talk_say_notation(&talk, "c0 00");
    assert_will(&talk, will);
    /* Also when the client breaks the protocol. */
    talk_say_notation(&talk, "00");
    assert_will(&talk, will);
    talk_finish(&talk);
}

/* [MQTT-3.1.2-10], [MQTT-3.14.4-3] */
static void disconnect_discards_the_will(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    talk_say_notation(&talk, CONNECT_WILL "e0 00");
    assert_will(&talk, NULL);
    /* Even when something follows it. */
    talk_say_notation(&talk, "c0 00");
    assert_will(&talk, NULL);
    talk_finish(&talk);
}

/* [MQTT-3.1.2-12] */
static void there_is_no_will_without_its_flag(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    talk_say_notation(&talk, "00");
    assert_will(&talk, NULL);
    talk_finish(&talk);
}

static void will_of_a_connection_not_accepted_is_none(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    talk.refusal = MQTT_CONNACK_NOT_AUTHORIZED;
    talk_say_notation(&talk, CONNECT_WILL);
    assert_will(&talk, NULL);
    talk_finish(&talk);
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    talk.is_undecided = true;
    talk_say_notation(&talk, CONNECT_WILL);
    assert_will(&talk, NULL);
    talk_finish(&talk);
}

static void will_without_payload_is_a_will(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    talk_say_notation(&talk, "10 [ <MQTT> 04 06 003c <d> <t> 0000 ]");
    assert_will(&talk, "PUBLISH t= qos 0 id 0");
    talk_finish(&talk);
}

static void pull_on_without_settling(struct mqtt_engine *engine)
{
    struct mqtt_event event;
    size_t used;
    if (mqtt_engine_next(engine, SLICE(""), 0, &used, &event) != WIRE_MORE) {
        _exit(1);
    }
}

static void acknowledge_another(struct mqtt_engine *engine)
{
    mqtt_engine_ack_publish(engine, 2);
}

static void answer_another_kind(struct mqtt_engine *engine)
{
    mqtt_engine_unsuback(engine, 1);
}

/* In a process of its own, whose complaint is not shown. */
static bool is_fatal(void (*mistake)(struct mqtt_engine *engine), struct mqtt_engine *engine)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka catches it otherwise */
        close(STDERR_FILENO);
        mistake(engine);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* [MQTT-4.6.0-2] rests on it. */
static void gateway_that_acknowledges_out_of_order_is_stopped(void **state)
{
    (void)state;
#ifdef NDEBUG
    skip();
#endif
    struct talk talk;
    struct mqtt_event event;
    size_t used;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    struct slice publish = SLICE("\x32\x05\0\x01t\0\x01");
    assert_int_equal(mqtt_engine_next(&talk.engine, publish, talk.now_ms, &used, &event),
                     WIRE_OK);
    assert_true(is_fatal(pull_on_without_settling, &talk.engine));
    assert_true(is_fatal(acknowledge_another, &talk.engine));
    assert_true(is_fatal(answer_another_kind, &talk.engine));
    mqtt_engine_ack_publish(&talk.engine, 1);
    assert_false(is_fatal(pull_on_without_settling, &talk.engine));
    assert_true(is_fatal(acknowledge_another, &talk.engine));
    talk_finish(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_and_finished_engines_may_be_finished),
        cmocka_unit_test(nothing_is_read_until_connect_is_decided),
        cmocka_unit_test(each_refusal_is_said_and_ends_the_connection),
        cmocka_unit_test(bad_is_the_answer_to_every_later_call),
        cmocka_unit_test(after_disconnect_the_engine_waits_for_nothing_to_come),
        cmocka_unit_test(length_of_the_packet_at_the_front_is_told_once_known),
        cmocka_unit_test(connect_must_arrive_in_time),
        cmocka_unit_test(deciding_has_no_deadline),
        cmocka_unit_test(client_may_be_silent_for_one_and_a_half_keep_alives),
        cmocka_unit_test(each_packet_from_the_client_renews_the_deadline),
        cmocka_unit_test(neither_parts_of_packets_nor_what_is_sent_renews_the_deadline),
        cmocka_unit_test(after_the_end_there_is_no_deadline),
        cmocka_unit_test(will_outlives_the_end_of_the_connection),
        cmocka_unit_test(disconnect_discards_the_will),
        cmocka_unit_test(there_is_no_will_without_its_flag),
        cmocka_unit_test(will_of_a_connection_not_accepted_is_none),
        cmocka_unit_test(will_without_payload_is_a_will),
        cmocka_unit_test(gateway_that_acknowledges_out_of_order_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
