/*
 * Packets to bytes: each step of the length, messages in parts, and what MQTT cannot express.
 * That what is written can be read again is also seen in test_packet_read.c and
 * test_packet_random.c.
 */
#include "mqtt/packet.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "unit/mqtt/notation.h"

#define NO_CAP MQTT_PACKET_MAX_BYTES

/* What is written is as long as was said, and reads back, around each step of the length. */
static void writing_passes_each_step_of_the_length(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,     122,     123,     124,     125,
                                   126,   16378,   16379,   16380,   16381,
                                   16382, 2097146, 2097147, 2097148, 2097149};
    char *payload = calloc(1, 2097149);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct slice topic[] = {SLICE("a"), SLICE("/b")};
        struct slice parts[] = {slice_make(payload, sizes[i] / 2), SLICE(""),
                                slice_make(payload, sizes[i] - sizes[i] / 2)};
        struct mqtt_message message = {topic, 2, parts, 3, .qos = 0};
        struct buf out;
        struct mqtt_packet packet;
        size_t used;
        const char *reason;
        buf_init(&out, BUF_CAP_OWN);
        mqtt_put_message(&out, &message, 0);
        assert_false(out.failed);
        assert_int_equal(out.len, mqtt_message_size(&message));
        assert_int_equal(mqtt_packet_read(buf_slice(&out), NO_CAP, &packet, &used, &reason),
                         WIRE_OK);
        assert_int_equal(used, out.len);
        assert_true(slice_equal(packet.publish.topic, SLICE("a/b")));
        assert_int_equal(packet.publish.payload.len, sizes[i]);
        buf_finish(&out);
    }
    free(payload);
}

static void message_in_parts_is_one_publish(void **state)
{
    (void)state;
    struct slice topic[] = {SLICE("devices/"), SLICE("d"), SLICE(""), SLICE("/messages")};
    struct slice payload[] = {SLICE("{\"a\""), SLICE(":1}")};
    struct mqtt_message message = {topic, 4, payload, 2, .qos = 1, .dup = true, .retain = true};
    struct buf out;
    buf_init(&out, 256);
    mqtt_put_message(&out, &message, 258);
    assert_bytes(buf_slice(&out), "3b [ <devices/d/messages> 0102 '{\"a\":1}' ]");
    /* DUP and packet id belong to QoS 1 and 2 [MQTT-3.3.1-2], [MQTT-2.3.1-5]. */
    message.qos = 0;
    buf_reset(&out);
    mqtt_put_message(&out, &message, 258);
    assert_bytes(buf_slice(&out), "31 [ <devices/d/messages> '{\"a\":1}' ]");
    assert_int_equal(mqtt_message_size(&message), out.len);
    buf_finish(&out);
}

static void message_without_payload_has_none(void **state)
{
    (void)state;
    struct slice topic = SLICE("a");
    struct mqtt_message message = {.topic = &topic, .n_topic = 1};
    struct buf out;
    buf_init(&out, 16);
    mqtt_put_message(&out, &message, 0);
    assert_bytes(buf_slice(&out), "30 03 <a>");
    buf_finish(&out);
}

static void check_connect_is_written(const struct mqtt_connect *connect, bool want)
{
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    mqtt_put_connect(&out, connect);
    assert_int_equal(out.failed, !want);
    assert_int_equal(out.len > 0, want);
    buf_finish(&out);
}

static void check_string_is_written(struct slice string, bool want)
{
    struct mqtt_message message = {.topic = &string, .n_topic = 1};
    struct mqtt_filter filter = {string, 1};
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    assert_int_equal(mqtt_message_size(&message), want ? 4 + 2 + string.len : 0);
    mqtt_put_message(&out, &message, 0);
    assert_int_equal(out.failed, !want);
    assert_int_equal(out.len, want ? 4 + 2 + string.len : 0);
    buf_reset(&out);
    mqtt_put_subscribe(&out, 1, &filter, 1);
    assert_int_equal(out.failed, !want);
    buf_reset(&out);
    mqtt_put_unsubscribe(&out, 1, &filter, 1);
    assert_int_equal(out.failed, !want);
    buf_finish(&out);

    struct mqtt_connect connect = {.protocol_name = string};
    check_connect_is_written(&connect, want);
    connect = (struct mqtt_connect){.client_id = string};
    check_connect_is_written(&connect, want);
    connect = (struct mqtt_connect){.has_user_name = true, .user_name = string};
    check_connect_is_written(&connect, want);
    connect = (struct mqtt_connect){.has_password = true, .password = string};
    check_connect_is_written(&connect, want);
    connect = (struct mqtt_connect){.has_will = true, .will_topic = string};
    check_connect_is_written(&connect, want);
    connect = (struct mqtt_connect){.has_will = true, .will_payload = string};
    check_connect_is_written(&connect, want);
}

/* [MQTT-4.7.3-3] */
static void string_over_65535_bytes_is_not_written(void **state)
{
    (void)state;
    char *text = malloc(65536);
    assert_non_null(text);
    memset(text, 'a', 65536);
    check_string_is_written(slice_make(text, 65535), true);
    check_string_is_written(slice_make(text, 65536), false);
    free(text);
}

/* Many times the same part, so that no memory of that size is needed. */
static void message_over_the_remaining_length_has_no_size(void **state)
{
    (void)state;
    struct slice parts[257];
    char *part = calloc(1, 1048576);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        parts[i] = slice_make(part, 1048576);
    }
    struct slice topic = SLICE("a");
    struct mqtt_message message = {&topic, 1, parts, 255, .qos = 1};
    assert_int_equal(mqtt_message_size(&message), 5 + 2 + 1 + 2 + (size_t)255 * 1048576);
    message.n_payload = 256;
    parts[255].len = 1048575 - 5;
    assert_int_equal(mqtt_message_size(&message), MQTT_PACKET_MAX_BYTES);
    parts[255].len++;
    assert_int_equal(mqtt_message_size(&message), 0);
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    mqtt_put_message(&out, &message, 1);
    assert_true(out.failed);
    assert_int_equal(out.len, 0);
    buf_finish(&out);
    free(part);
}

static void failed_buffer_takes_nothing_more(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4);
    mqtt_put_connack(&out, false, MQTT_CONNACK_ACCEPTED);
    assert_false(out.failed);
    mqtt_put_simple(&out, MQTT_PINGRESP);
    assert_true(out.failed);
    assert_bytes(buf_slice(&out), "20 02 00 00");
    buf_drop(&out, 4);
    mqtt_put_simple(&out, MQTT_PINGRESP);
    assert_int_equal(out.len, 0);
    buf_finish(&out);
}

static void empty_protocol_name_and_level_stand_for_ours(void **state)
{
    (void)state;
    struct mqtt_connect connect = {.client_id = SLICE("d"), .clean_session = true};
    struct buf out;
    buf_init(&out, 64);
    mqtt_put_connect(&out, &connect);
    assert_bytes(buf_slice(&out), "10 [ <MQTT> 04 02 0000 <d> ]");
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_passes_each_step_of_the_length),
        cmocka_unit_test(message_in_parts_is_one_publish),
        cmocka_unit_test(message_without_payload_has_none),
        cmocka_unit_test(string_over_65535_bytes_is_not_written),
        cmocka_unit_test(message_over_the_remaining_length_has_no_size),
        cmocka_unit_test(failed_buffer_takes_nothing_more),
        cmocka_unit_test(empty_protocol_name_and_level_stand_for_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
