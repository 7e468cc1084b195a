/*
 * What the server sends by itself: packet ids, the window, tags, and the cap of `out`.
 */
#include "mqtt/engine.h"

#include <stdlib.h>

#include "base/macros.h"
#include "unit/mqtt/notation.h"
#include "unit/mqtt/talk.h"

static void assert_inflight(const struct talk *talk, const struct mqtt_inflight *want, size_t n)
{
    const struct mqtt_inflight *have;
    assert_int_equal(mqtt_engine_inflight(&talk->engine, &have), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(have[i].packet_id, want[i].packet_id);
        assert_int_equal(have[i].tag, want[i].tag);
    }
}

/* [MQTT-3.2.0-1]: nothing before CONNACK. */
static void nothing_is_sent_before_the_connection_is_accepted(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    talk.is_undecided = true;
    assert_int_equal(talk_publish(&talk, "a", "x", 0, 0), MQTT_SEND_FULL);
    talk_say_notation(&talk, CONNECT_D);
    assert_int_equal(talk_publish(&talk, "a", "x", 1, 0), MQTT_SEND_FULL);
    mqtt_engine_accept(&talk.engine, false, talk.now_ms);
    assert_int_equal(talk_publish(&talk, "a", "x", 0, 0), MQTT_SEND_OK);
    talk_expect(&talk, CONNACK_0 "30 [ <a> 'x' ]");
    talk_finish(&talk);
}

static void nothing_is_sent_after_the_end(void **state)
{
    (void)state;
    static const char *const ends[] = {"e0 00", "00 00"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct talk talk;
        talk_open(&talk, &talk_limits, TALK_OUT_CAP);
        talk_say_notation(&talk, ends[i]);
        assert_int_equal(talk_publish(&talk, "a", "x", 0, 0), MQTT_SEND_FULL);
        assert_int_equal(talk_publish(&talk, "a", "x", 1, 0), MQTT_SEND_FULL);
        talk_expect(&talk, "");
        assert_inflight(&talk, NULL, 0);
        talk_finish(&talk);
    }
}

/* [MQTT-2.3.1-5] */
static void message_with_qos_0_has_no_packet_id_and_is_not_in_flight(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    assert_int_equal(talk_publish(&talk, "a", "x", 0, 7), MQTT_SEND_OK);
    talk_expect(&talk, "30 [ <a> 'x' ]");
    assert_inflight(&talk, NULL, 0);
    talk_finish(&talk);
}

/* [MQTT-4.3.2-1] */
static void message_with_qos_1_is_in_flight_until_its_puback(void **state)
{
    (void)state;
    const struct mqtt_inflight want[] = {
        {7, 1}
    };
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    assert_int_equal(talk_publish(&talk, "a", "x", 1, 7), MQTT_SEND_OK);
    talk_expect(&talk, "32 [ <a> 0001 'x' ]");
    assert_inflight(&talk, want, 1);
    talk_say_notation(&talk, "40 02 0001");
    assert_string_equal(buf_text(&talk.log), "PUBACK id 1 tag 7");
    assert_inflight(&talk, NULL, 0);
    /* A second PUBACK says nothing. */
    assert_int_equal(talk_say_notation(&talk, "40 02 0001"), WIRE_MORE);
    assert_string_equal(buf_text(&talk.log), "PUBACK id 1 tag 7");
    talk_finish(&talk);
}

static void flags_and_parts_of_a_message_are_written(void **state)
{
    (void)state;
    struct slice topic[] = {SLICE("devices/"), SLICE("d"), SLICE("/messages/devicebound/")};
    struct slice payload[] = {SLICE("he"), SLICE(""), SLICE("llo")};
    struct mqtt_message message = {topic, 3, payload, 3, .qos = 1, .dup = true, .retain = true};
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    assert_int_equal(mqtt_engine_publish(&talk.engine, &message, 0), MQTT_SEND_OK);
    message.qos = 0; /* [MQTT-3.3.1-2] */
    assert_int_equal(mqtt_engine_publish(&talk.engine, &message, 0), MQTT_SEND_OK);
    talk_expect(&talk, "3b [ <devices/d/messages/devicebound/> 0001 'hello' ]"
                       "31 [ <devices/d/messages/devicebound/> 'hello' ]");
    talk_finish(&talk);
}

static void pubacks_in_any_order_find_their_tags(void **state)
{
    (void)state;
    const struct mqtt_inflight before[] = {
        {101, 1},
        {102, 2},
        {103, 3},
        {104, 4},
    };
    const struct mqtt_inflight after[] = {
        {101, 1},
        {104, 4},
    };
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    for (uint64_t tag = 101; tag <= 104; tag++) {
        assert_int_equal(talk_publish(&talk, "a", "x", 1, tag), MQTT_SEND_OK);
    }
    assert_inflight(&talk, before, ARRAY_LEN(before));
    talk_say_notation(&talk, "40 02 0003 40 02 0002");
    assert_inflight(&talk, after, ARRAY_LEN(after));
    talk_say_notation(&talk, "40 02 0004 40 02 0001");
    assert_inflight(&talk, NULL, 0);
    assert_string_equal(buf_text(&talk.log), "PUBACK id 3 tag 103; PUBACK id 2 tag 102; "
                                             "PUBACK id 4 tag 104; PUBACK id 1 tag 101");
    talk_finish(&talk);
}

static void full_window_takes_no_qos_1_until_a_puback(void **state)
{
    (void)state;
    struct mqtt_engine_limits limits = talk_limits;
    struct talk talk;
    limits.window = 2;
    talk_open(&talk, &limits, TALK_OUT_CAP);
    assert_int_equal(talk_publish(&talk, "a", "1", 1, 11), MQTT_SEND_OK);
    assert_int_equal(talk_publish(&talk, "a", "2", 1, 12), MQTT_SEND_OK);
    talk_drain(&talk);
    buf_reset(&talk.out);
    assert_int_equal(talk_publish(&talk, "a", "3", 1, 13), MQTT_SEND_FULL);
    assert_int_equal(talk_publish(&talk, "a", "3", 1, 13), MQTT_SEND_FULL);
    talk_expect(&talk, "");
    const struct mqtt_inflight want[] = {
        {11, 1},
        {12, 2},
    };
    assert_inflight(&talk, want, 2);
    /* QoS 0 takes no place in it. */
    assert_int_equal(talk_publish(&talk, "a", "0", 0, 0), MQTT_SEND_OK);
    talk_say_notation(&talk, "40 02 0001");
    assert_int_equal(talk_publish(&talk, "a", "3", 1, 13), MQTT_SEND_OK);
    assert_int_equal(talk_publish(&talk, "a", "4", 1, 14), MQTT_SEND_FULL);
    talk_expect(&talk, "30 [ <a> '0' ] 32 [ <a> 0003 '3' ]");
    talk_finish(&talk);
}

static void window_of_one_goes_on(void **state)
{
    (void)state;
    struct mqtt_engine_limits limits = talk_limits;
    struct talk talk;
    limits.window = 1;
    talk_open(&talk, &limits, TALK_OUT_CAP);
    assert_int_equal(talk_publish(&talk, "a", "1", 1, 1), MQTT_SEND_OK);
    assert_int_equal(talk_publish(&talk, "a", "2", 1, 2), MQTT_SEND_FULL);
    talk_say_notation(&talk, "40 02 0001");
    assert_int_equal(talk_publish(&talk, "a", "2", 1, 2), MQTT_SEND_OK);
    talk_finish(&talk);
}

static void acknowledge(struct talk *talk, uint16_t packet_id)
{
    struct buf bytes;
    buf_init(&bytes, 8);
    mqtt_put_ack(&bytes, MQTT_PUBACK, packet_id);
    assert_int_equal(talk_say(talk, buf_slice(&bytes)), WIRE_MORE);
    buf_finish(&bytes);
}

/* [MQTT-2.3.1-4]: not 0 and not in flight, also when the ids have gone round. */
static void packet_ids_are_never_0_nor_in_flight(void **state)
{
    (void)state;
    const struct mqtt_inflight want[] = {
        {1000, 1    },
        {2000, 3    },
        {3000, 65535},
        {4000, 2    },
        {5000, 4    },
    };
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    assert_int_equal(talk_publish(&talk, "a", "", 1, 1000), MQTT_SEND_OK); /* stays */
    assert_int_equal(talk_publish(&talk, "a", "", 1, 0), MQTT_SEND_OK);
    assert_int_equal(talk_publish(&talk, "a", "", 1, 2000), MQTT_SEND_OK); /* stays */
    acknowledge(&talk, 2);
    for (uint16_t id = 4; id < 65535; id++) {
        assert_int_equal(talk_publish(&talk, "a", "", 1, 0), MQTT_SEND_OK);
        acknowledge(&talk, id);
        buf_reset(&talk.out);
        buf_reset(&talk.log);
    }
    assert_int_equal(talk_publish(&talk, "a", "", 1, 3000), MQTT_SEND_OK);
    assert_int_equal(talk_publish(&talk, "a", "", 1, 4000), MQTT_SEND_OK);
    assert_int_equal(talk_publish(&talk, "a", "", 1, 5000), MQTT_SEND_OK);
    assert_inflight(&talk, want, ARRAY_LEN(want));
    talk_finish(&talk);
}

static void client_and_server_number_apart(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, &talk_limits, TALK_OUT_CAP);
    assert_int_equal(talk_publish(&talk, "a", "x", 1, 9), MQTT_SEND_OK);
    talk_say_notation(&talk, "32 [ <b> 0001 'y' ] 40 02 0001");
    assert_string_equal(buf_text(&talk.log), "PUBLISH b=y qos 1 id 1; PUBACK id 1 tag 9");
    talk_expect(&talk, "32 [ <a> 0001 'x' ] 40 02 0001");
    talk_finish(&talk);
}

static void unacknowledged_messages_are_known_after_the_end(void **state)
{
    (void)state;
    const struct mqtt_inflight want[] = {
        {20, 2},
        {30, 3},
    };
    static const char *const ends[] = {"e0 00", "00 00", ""};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct talk talk;
        talk_open(&talk, &talk_limits, TALK_OUT_CAP);
        for (uint64_t tag = 10; tag <= 30; tag += 10) {
            assert_int_equal(talk_publish(&talk, "a", "x", 1, tag), MQTT_SEND_OK);
        }
        talk_say_notation(&talk, "40 02 0001");
        talk_say_notation(&talk, ends[i]);
        assert_inflight(&talk, want, ARRAY_LEN(want));
        talk_finish(&talk);
    }
}

/* PUBLISH to "a" with QoS 0 takes 2 + 3 bytes and its payload. */
static void out_takes_messages_up_to_its_cap(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, &talk_limits, 64);
    assert_int_equal(talk_publish(&talk, "a", "12345678901234567890", 0, 0), MQTT_SEND_OK);
    assert_int_equal(talk_publish(&talk, "a", "123456789012345678901234567890123456", 0, 0),
                     MQTT_SEND_FULL);
    assert_int_equal(talk_publish(&talk, "a", "12345678901234567890123456789012345", 1, 5),
                     MQTT_SEND_FULL);
    assert_inflight(&talk, NULL, 0);
    assert_int_equal(talk.engine.out.len, 25);
    assert_int_equal(talk_publish(&talk, "a", "1234567890123456789012345678901234", 0, 0),
                     MQTT_SEND_OK);
    assert_int_equal(talk.engine.out.len, 64);
    assert_int_equal(talk_publish(&talk, "a", "", 0, 0), MQTT_SEND_FULL);
    talk_drain(&talk);
    assert_int_equal(talk_publish(&talk, "a", "", 0, 0), MQTT_SEND_OK);
    talk_finish(&talk);
}

static void message_that_an_empty_out_cannot_hold_is_too_large(void **state)
{
    (void)state;
    char text[61] = {0};
    for (size_t i = 0; i < 60; i++) {
        text[i] = 'x';
    }
    struct talk talk;
    talk_open(&talk, &talk_limits, 64);
    assert_int_equal(talk_publish(&talk, "a", text, 0, 0), MQTT_SEND_TOO_LARGE);
    text[59] = '\0';
    assert_int_equal(talk_publish(&talk, "a", text, 1, 0), MQTT_SEND_TOO_LARGE);
    assert_inflight(&talk, NULL, 0);
    talk_expect(&talk, "");
    assert_int_equal(talk_publish(&talk, "a", text, 0, 0), MQTT_SEND_OK);
    talk_finish(&talk);
}

static void topic_over_65535_bytes_is_too_large(void **state)
{
    (void)state;
    char *text = calloc(1, 65537);
    assert_non_null(text);
    for (size_t i = 0; i < 65536; i++) {
        text[i] = 't';
    }
    struct talk talk;
    talk_open(&talk, &talk_limits, 1 << 20);
    assert_int_equal(talk_publish(&talk, text, "", 1, 1), MQTT_SEND_TOO_LARGE);
    text[65535] = '\0';
    assert_int_equal(talk_publish(&talk, text, "", 1, 1), MQTT_SEND_OK);
    talk_finish(&talk);
    free(text);
}

/* One event of a packet that is read by hand. */
static struct mqtt_event pull(struct talk *talk, const char *notation)
{
    struct mqtt_event event;
    struct buf bytes;
    size_t used;
    buf_init(&bytes, BUF_CAP_OWN);
    put_notation(&bytes, notation);
    assert_int_equal(
        mqtt_engine_next(&talk->engine, buf_slice(&bytes), talk->now_ms, &used, &event),
        WIRE_OK);
    assert_int_equal(used, bytes.len);
    buf_finish(&bytes);
    return event;
}

/* Messages sent while an event is being handled cannot take the room of its answer. */
static void room_for_an_owed_answer_is_kept(void **state)
{
    (void)state;
    const uint8_t codes[] = {1, 1, 0};
    struct talk talk;
    talk_open(&talk, &talk_limits, 64);
    assert_int_equal(pull(&talk, "32 [ <a> 0005 ]").type, MQTT_EVENT_PUBLISH);
    while (talk_publish(&talk, "a", "", 0, 0) == MQTT_SEND_OK) {
    }
    assert_int_equal(talk.engine.out.len, 60);
    mqtt_engine_ack_publish(&talk.engine, 5);
    assert_int_equal(talk.engine.out.len, 64);
    talk_drain(&talk);
    buf_reset(&talk.out);
    assert_int_equal(pull(&talk, "82 [ 0006 <a> 01 <b> 01 <c> 00 ]").type,
                     MQTT_EVENT_SUBSCRIBE);
    while (talk_publish(&talk, "a", "", 0, 0) == MQTT_SEND_OK) {
    }
    buf_reset(&talk.out);
    size_t before = talk.engine.out.len;
    mqtt_engine_suback(&talk.engine, 6, codes, 3);
    assert_false(talk.engine.out.failed);
    buf_drop(&talk.engine.out, before);
    talk_expect(&talk, "90 05 0006 01 01 00");
    talk_finish(&talk);
}

/* A client that does not read its answers is not read from. */
static void reading_waits_while_out_has_no_room_for_the_answer(void **state)
{
    (void)state;
    struct mqtt_event event;
    struct buf bytes;
    size_t used;
    struct talk talk;
    talk_open(&talk, &talk_limits, 64);
    buf_init(&bytes, BUF_CAP_OWN);
    put_notation(&bytes, "c000 c000 32 [ <a> 0001 ] c000");
    while (talk_publish(&talk, "a", "", 0, 0) == MQTT_SEND_OK) {
    }
    assert_int_equal(talk.engine.out.len, 60);
    /* Two PINGRESP fit, PUBACK does not. */
    assert_int_equal(
        mqtt_engine_next(&talk.engine, buf_slice(&bytes), talk.now_ms, &used, &event),
        WIRE_MORE);
    assert_int_equal(talk.engine.wait, MQTT_WAIT_DRAIN);
    assert_int_equal(used, 4);
    assert_int_equal(talk.engine.out.len, 64);
    struct slice rest = slice_from(buf_slice(&bytes), used);
    assert_int_equal(mqtt_engine_next(&talk.engine, rest, talk.now_ms, &used, &event),
                     WIRE_MORE);
    assert_int_equal(talk.engine.wait, MQTT_WAIT_DRAIN);
    assert_int_equal(used, 0);
    buf_drop(&talk.engine.out, 4);
    assert_int_equal(mqtt_engine_next(&talk.engine, rest, talk.now_ms, &used, &event), WIRE_OK);
    assert_int_equal(event.type, MQTT_EVENT_PUBLISH);
    mqtt_engine_ack_publish(&talk.engine, 1);
    rest = slice_from(rest, used);
    assert_int_equal(mqtt_engine_next(&talk.engine, rest, talk.now_ms, &used, &event),
                     WIRE_MORE);
    assert_int_equal(talk.engine.wait, MQTT_WAIT_DRAIN);
    talk_drain(&talk);
    buf_reset(&talk.out);
    assert_int_equal(mqtt_engine_next(&talk.engine, rest, talk.now_ms, &used, &event),
                     WIRE_MORE);
    assert_int_equal(talk.engine.wait, MQTT_WAIT_BYTES);
    assert_int_equal(used, 2);
    talk_expect(&talk, "d0 00");
    buf_finish(&bytes);
    talk_finish(&talk);
}

static void packets_without_an_answer_are_read_while_out_is_full(void **state)
{
    (void)state;
    struct talk talk;
    talk_open(&talk, &talk_limits, 64);
    talk.is_clogged = true;
    assert_int_equal(talk_publish(&talk, "a",
                                  "1234567890123456789012345678901234567890123456789012345", 1,
                                  3),
                     MQTT_SEND_OK);
    while (talk_publish(&talk, "a", "", 0, 0) == MQTT_SEND_OK) {
    }
    size_t before = talk.engine.out.len;
    assert_int_equal(talk_say_notation(&talk, "30 [ <b> 'x' ] 40 02 0001 e0 00"), WIRE_MORE);
    assert_string_equal(buf_text(&talk.log),
                        "PUBLISH b=x qos 0 id 0; PUBACK id 1 tag 3; DISCONNECT");
    assert_int_equal(talk.engine.out.len, before);
    talk_finish(&talk);
}

static void subscribe_that_out_can_never_answer_ends_the_connection(void **state)
{
    (void)state;
    for (size_t n = 57; n <= 58; n++) {
        struct talk talk;
        struct buf bytes;
        struct mqtt_filter filters[58];
        for (size_t i = 0; i < n; i++) {
            filters[i] = (struct mqtt_filter){SLICE("a"), 1};
        }
        buf_init(&bytes, BUF_CAP_OWN);
        mqtt_put_subscribe(&bytes, 1, filters, n);
        talk_open(&talk, &talk_limits, 64);
        enum wire_result result = talk_say(&talk, buf_slice(&bytes));
        assert_int_equal(result, n == 57 ? WIRE_MORE : WIRE_BAD);
        talk_finish(&talk);
        buf_finish(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_before_the_connection_is_accepted),
        cmocka_unit_test(nothing_is_sent_after_the_end),
        cmocka_unit_test(message_with_qos_0_has_no_packet_id_and_is_not_in_flight),
        cmocka_unit_test(message_with_qos_1_is_in_flight_until_its_puback),
        cmocka_unit_test(flags_and_parts_of_a_message_are_written),
        cmocka_unit_test(pubacks_in_any_order_find_their_tags),
        cmocka_unit_test(full_window_takes_no_qos_1_until_a_puback),
        cmocka_unit_test(window_of_one_goes_on),
        cmocka_unit_test(packet_ids_are_never_0_nor_in_flight),
        cmocka_unit_test(client_and_server_number_apart),
        cmocka_unit_test(unacknowledged_messages_are_known_after_the_end),
        cmocka_unit_test(out_takes_messages_up_to_its_cap),
        cmocka_unit_test(message_that_an_empty_out_cannot_hold_is_too_large),
        cmocka_unit_test(topic_over_65535_bytes_is_too_large),
        cmocka_unit_test(room_for_an_owed_answer_is_kept),
        cmocka_unit_test(reading_waits_while_out_has_no_room_for_the_answer),
        cmocka_unit_test(packets_without_an_answer_are_read_while_out_is_full),
        cmocka_unit_test(subscribe_that_out_can_never_answer_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
