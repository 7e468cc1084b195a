/*
 * Packets from bytes: what the specification shows, what it forbids, and the cap.  The rows
 * stand in the order of the specification.
 */
#include "mqtt/packet.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "unit/mqtt/notation.h"

#define NO_CAP MQTT_PACKET_MAX_BYTES

/* Rows are laid out by hand: they are too uneven for columns. */
// clang-format off

struct good_row {
    const char *name;
    const char *bytes;
    const char *packet;
    bool is_one_way; /* there are two ways to write it, and this is not ours */
};

static const struct good_row good_rows[] = {
    /* 1.5.3, figure 1.2 */
    {"utf8_example_of_the_specification", "30 07 0005 41 f0aa9b94",
     "PUBLISH 0x41f0aa9b94= qos 0 id 0", false},
    {"byte_order_mark_is_kept [MQTT-1.5.3-3]", "30 06 0004 efbbbf 61",
     "PUBLISH 0xefbbbf61= qos 0 id 0", false},
    {"remaining_length_may_be_longer_than_needed", "30 8300 <a>", "PUBLISH a= qos 0 id 0",
     true},
    {"remaining_length_of_two_bytes", "30 8001 <a> 62*125",
     "PUBLISH a=(125 bytes, 1b11926cf885d5a5) qos 0 id 0", false},
    /* 3.1, figure 3.6 */
    {"connect_example_of_the_specification",
     "10 [ 0004 4d515454 04 ce 000a <id> <w> <gone> <user> <pass> ]",
     "CONNECT MQTT/4 client id keep-alive 10 clean user user password pass will w=gone qos 1",
     false},
    {"connect_with_least", "10 0c 0004 'MQTT' 04 02 0000 0000",
     "CONNECT MQTT/4 client  keep-alive 0 clean", false},
    {"connect_with_will_of_qos_2_retained", "10 [ <MQTT> 04 34 ffff <id> <t> 0002 00ff ]",
     "CONNECT MQTT/4 client id keep-alive 65535 will t=0x00ff qos 2 retain", false},
    {"connect_with_empty_will_payload", "10 [ <MQTT> 04 04 0000 <id> <t> 0000 ]",
     "CONNECT MQTT/4 client id keep-alive 0 will t= qos 0", false},
    {"connect_with_user_name_alone", "10 [ <MQTT> 04 80 0001 <id> <u> ]",
     "CONNECT MQTT/4 client id keep-alive 1 user u", false},
    {"connect_with_empty_user_name_and_password", "10 [ <MQTT> 04 c2 0001 <id> 0000 0000 ]",
     "CONNECT MQTT/4 client id keep-alive 1 clean user  password ", false},
    {"connect_password_is_any_bytes", "10 [ <MQTT> 04 c0 0001 <id> <u> 0003 00ff80 ]",
     "CONNECT MQTT/4 client id keep-alive 1 user u password 0x00ff80", false},
    {"connect_of_version_5_ends_at_its_level [MQTT-3.1.2-2]",
     "10 [ <MQTT> 05 03 003c 05 11 00000e10 <id> ]", "CONNECT MQTT/5 client  keep-alive 0",
     true},
    {"connect_of_version_3_1_ends_at_its_level [MQTT-3.1.2-2]",
     "10 [ <MQIsdp> 03 02 003c <id> ]", "CONNECT MQIsdp/3 client  keep-alive 0", true},
    /* 3.2 */
    {"connack_accepts", "20 02 00 00", "CONNACK 0", false},
    {"connack_has_session", "20 02 01 00", "CONNACK 0 session", false},
    {"connack_refuses", "20 02 00 05", "CONNACK 5", false},
    /* 3.3, figure 3.11 */
    {"publish_example_of_the_specification", "32 07 0003 612f62 000a",
     "PUBLISH a/b= qos 1 id 10", false},
    {"publish_qos_0", "30 0a <a/b> 'hello'", "PUBLISH a/b=hello qos 0 id 0", false},
    {"publish_qos_2_dup_retain", "3d 08 <a/b> ffff 00",
     "PUBLISH a/b=0x00 qos 2 id 65535 dup retain",
     false},
    {"publish_retain", "31 [ <a> 'x' ]", "PUBLISH a=x qos 0 id 0 retain", false},
    {"publish_dup", "3a [ <a> 0001 'x' ]", "PUBLISH a=x qos 1 id 1 dup", false},
    /* 3.4 to 3.7 */
    {"puback", "40 02 000a", "PUBACK id 10", false},
    {"pubrec", "50 02 000a", "PUBREC id 10", false},
    {"pubrel", "62 02 000a", "PUBREL id 10", false},
    {"pubcomp", "70 02 000a", "PUBCOMP id 10", false},
    /* 3.8, figures 3.21 and 3.23 */
    {"subscribe_example_of_the_specification", "82 0e 000a 0003 612f62 01 0003 632f64 02",
     "SUBSCRIBE id 10 a/b:1 c/d:2", false},
    /* 3.9, figure 3.26 */
    {"suback_example_of_the_specification", "90 05 000a 00 02 80", "SUBACK id 10 0x000280",
     false},
    /* 3.10, figure 3.30 */
    {"unsubscribe_example_of_the_specification", "a2 0c 000a 0003 612f62 0003 632f64",
     "UNSUBSCRIBE id 10 a/b c/d", false},
    /* 3.11 to 3.14 */
    {"unsuback", "b0 02 000a", "UNSUBACK id 10", false},
    {"pingreq", "c0 00", "PINGREQ", false},
    {"pingresp", "d0 00", "PINGRESP", false},
    {"disconnect", "e0 00", "DISCONNECT", false},
};

struct bad_row {
    const char *name;
    const char *bytes;
    const char *reason;
};

#define SHORT    "the packet is shorter than its fields"
#define LONG     "the packet is longer than its fields"
#define FLAGS    "a reserved flag of the fixed header is wrong"
#define ID       "the packet id is 0"
#define TOPIC    "the topic of PUBLISH is not a topic name"
#define FILTER   "a topic filter is malformed"
#define NO_ITEMS "there are no topic filters"

static const struct bad_row bad_rows[] = {
    {"string_with_surrogate [MQTT-1.5.3-1]", "30 [ 0003 eda080 ]", TOPIC},
    {"string_with_nul [MQTT-1.5.3-2]", "30 [ 0003 'a' 00 'b' ]", TOPIC},
    {"type_0", "00 00", "the packet type is reserved"},
    {"type_15", "f0 00", "the packet type is reserved"},
    {"connect_flags [MQTT-2.2.2-2]", "11 00", FLAGS},
    {"connack_flags [MQTT-2.2.2-2]", "22 02 0000", FLAGS},
    {"puback_flags [MQTT-2.2.2-2]", "42 02 000a", FLAGS},
    {"pubrec_flags [MQTT-2.2.2-2]", "51 02 000a", FLAGS},
    {"pubrel_flags [MQTT-3.6.1-1]", "60 02 000a", FLAGS},
    {"pubrel_more_flags [MQTT-3.6.1-1]", "66 02 000a", FLAGS},
    {"pubcomp_flags [MQTT-2.2.2-2]", "78 02 000a", FLAGS},
    {"subscribe_flags [MQTT-3.8.1-1]", "80 [ 000a <a> 00 ]", FLAGS},
    {"suback_flags [MQTT-2.2.2-2]", "94 03 000a 00", FLAGS},
    {"unsubscribe_flags [MQTT-3.10.1-1]", "a0 [ 000a <a> ]", FLAGS},
    {"unsuback_flags [MQTT-2.2.2-2]", "b1 02 000a", FLAGS},
    {"pingreq_flags [MQTT-2.2.2-2]", "c1 00", FLAGS},
    {"pingresp_flags [MQTT-2.2.2-2]", "d8 00", FLAGS},
    {"disconnect_flags [MQTT-3.14.1-1]", "e4 00", FLAGS},
    {"remaining_length_of_five_bytes", "30 ffffffff 01",
     "the remaining length has more than four bytes"},
    {"remaining_length_of_five_bytes_worth_one", "c0 80808080 00",
     "the remaining length has more than four bytes"},
    {"publish_id_0 [MQTT-2.3.1-1]", "32 [ <a> 0000 ]", ID},
    {"puback_id_0", "40 02 0000", ID},
    {"subscribe_id_0 [MQTT-2.3.1-1]", "82 [ 0000 <a> 00 ]", ID},
    {"suback_id_0", "90 03 0000 00", ID},
    {"unsubscribe_id_0 [MQTT-2.3.1-1]", "a2 [ 0000 <a> ]", ID},
    {"unsuback_id_0", "b0 02 0000", ID},

    {"connect_empty", "10 00", SHORT},
    {"connect_wrong_name [MQTT-3.1.2-1]", "10 [ <MQTX> 04 02 003c <id> ]",
     "the protocol name is not MQTT"},
    {"connect_name_in_lower_case [MQTT-3.1.2-1]", "10 [ <mqtt> 04 02 003c <id> ]",
     "the protocol name is not MQTT"},
    {"connect_empty_name [MQTT-3.1.2-1]", "10 [ 0000 04 02 003c <id> ]",
     "the protocol name is not MQTT"},
    {"connect_old_name_with_new_level [MQTT-3.1.2-1]", "10 [ <MQIsdp> 04 02 003c <id> ]",
     "the protocol name is not MQTT"},
    {"connect_strange_name_and_level [MQTT-3.1.2-1]", "10 [ <HTTP> 07 ]",
     "the protocol name is not MQTT"},
    {"connect_without_level", "10 [ <MQTT> ]", SHORT},
    {"connect_reserved_flag [MQTT-3.1.2-3]", "10 [ <MQTT> 04 03 003c <id> ]",
     "the reserved flag of CONNECT is set"},
    {"connect_will_flag_without_will [MQTT-3.1.2-9]", "10 [ <MQTT> 04 04 003c <id> ]", SHORT},
    {"connect_will_without_payload [MQTT-3.1.2-9]", "10 [ <MQTT> 04 04 003c <id> <t> ]", SHORT},
    {"connect_will_without_flag [MQTT-3.1.2-11]", "10 [ <MQTT> 04 02 003c <id> <t> <p> ]",
     LONG},
    {"connect_will_qos_without_will [MQTT-3.1.2-13]", "10 [ <MQTT> 04 08 003c <id> ]",
     "CONNECT has flags of a will and no will"},
    {"connect_will_qos_3 [MQTT-3.1.2-14]", "10 [ <MQTT> 04 1c 003c <id> <t> <p> ]",
     "the QoS of the will is 3"},
    {"connect_will_retain_without_will [MQTT-3.1.2-15]", "10 [ <MQTT> 04 20 003c <id> ]",
     "CONNECT has flags of a will and no will"},
    {"connect_user_name_without_flag [MQTT-3.1.2-18]", "10 [ <MQTT> 04 02 003c <id> <u> ]",
     LONG},
    {"connect_flag_without_user_name [MQTT-3.1.2-19]", "10 [ <MQTT> 04 82 003c <id> ]", SHORT},
    {"connect_password_without_flag [MQTT-3.1.2-20]", "10 [ <MQTT> 04 82 003c <id> <u> <p> ]",
     LONG},
    {"connect_flag_without_password [MQTT-3.1.2-21]", "10 [ <MQTT> 04 c2 003c <id> <u> ]",
     SHORT},
    {"connect_password_without_user_name [MQTT-3.1.2-22]", "10 [ <MQTT> 04 42 003c <id> <p> ]",
     "CONNECT has a password and no user name"},
    {"connect_without_client_id [MQTT-3.1.3-3]", "10 [ <MQTT> 04 02 003c ]", SHORT},
    {"connect_client_id_not_utf8 [MQTT-3.1.3-4]", "10 [ <MQTT> 04 02 003c 0002 61ff ]",
     "the client id is not UTF-8"},
    {"connect_will_topic_not_utf8 [MQTT-3.1.3-10]", "10 [ <MQTT> 04 06 003c <id> 0001 ff <p> ]",
     "the topic of the will is not a topic name"},
    {"connect_will_topic_empty [MQTT-4.7.3-1]", "10 [ <MQTT> 04 06 003c <id> 0000 <p> ]",
     "the topic of the will is not a topic name"},
    {"connect_will_topic_with_wildcard [MQTT-4.7.1-1]",
     "10 [ <MQTT> 04 06 003c <id> <a/#> <p> ]",
     "the topic of the will is not a topic name"},
    {"connect_user_name_not_utf8 [MQTT-3.1.3-11]",
     "10 [ <MQTT> 04 82 003c <id> 0003 eda080 ]", "the user name is not UTF-8"},
    {"connect_with_more_than_its_fields", "10 [ <MQTT> 04 02 003c <id> 00 ]", LONG},

    {"connack_empty", "20 00", SHORT},
    {"connack_too_short", "20 01 00", SHORT},
    {"connack_too_long", "20 03 00 00 00", LONG},
    {"connack_reserved_flag", "20 02 02 00", "a reserved flag of CONNACK is set"},
    {"connack_reserved_code", "20 02 00 06", "the return code of CONNACK is reserved"},
    {"connack_refuses_with_session [MQTT-3.2.2-4]", "20 02 01 05",
     "CONNACK refuses and has a session"},

    {"publish_dup_qos_0 [MQTT-3.3.1-2]", "38 [ <a> ]", "PUBLISH is a duplicate and has QoS 0"},
    {"publish_qos_3 [MQTT-3.3.1-4]", "36 [ <a> 0001 ]", "the QoS of PUBLISH is 3"},
    {"publish_empty [MQTT-3.3.2-1]", "30 00", SHORT},
    {"publish_topic_longer_than_packet [MQTT-3.3.2-1]", "30 03 0002 'a'", SHORT},
    {"publish_topic_empty [MQTT-4.7.3-1]", "30 [ 0000 'x' ]", TOPIC},
    {"publish_topic_with_hash [MQTT-3.3.2-2]", "30 [ <a/#> 'x' ]", TOPIC},
    {"publish_topic_with_plus [MQTT-3.3.2-2]", "30 [ <a/+/b> 'x' ]", TOPIC},
    {"publish_qos_1_without_id", "32 [ <a> ]", SHORT},
    {"publish_qos_1_with_half_an_id", "32 [ <a> 00 ]", SHORT},

    {"puback_too_short", "40 01 00", SHORT},
    {"puback_too_long", "40 03 0001 00", LONG},
    {"pubrel_empty", "62 00", SHORT},

    {"subscribe_filter_not_utf8 [MQTT-3.8.3-1]", "82 [ 000a 0001 80 00 ]", FILTER},
    {"subscribe_without_filters [MQTT-3.8.3-3]", "82 [ 000a ]", NO_ITEMS},
    {"subscribe_empty", "82 00", SHORT},
    {"subscribe_qos_3 [MQTT-3-8.3-4]", "82 [ 000a <a> 03 ]",
     "the requested QoS is not 0, 1 or 2"},
    {"subscribe_reserved_bits [MQTT-3-8.3-4]", "82 [ 000a <a> 81 ]",
     "the requested QoS is not 0, 1 or 2"},
    {"subscribe_second_qos_3 [MQTT-3-8.3-4]", "82 [ 000a <a> 01 <b> 03 ]",
     "the requested QoS is not 0, 1 or 2"},
    {"subscribe_without_qos", "82 [ 000a <a> ]", SHORT},
    {"subscribe_second_filter_cut", "82 [ 000a <a> 00 0002 'b' ]", SHORT},
    {"subscribe_filter_empty [MQTT-4.7.3-1]", "82 [ 000a 0000 00 ]", FILTER},
    {"subscribe_hash_not_last [MQTT-4.7.1-2]", "82 [ 000a <#/a> 00 ]", FILTER},
    {"subscribe_plus_within_level [MQTT-4.7.1-3]", "82 [ 000a <a> 00 <a+> 00 ]", FILTER},

    {"suback_without_codes", "90 02 000a", "SUBACK has no return codes"},
    {"suback_code_3 [MQTT-3.9.3-2]", "90 04 000a 01 03",
     "a return code of SUBACK is reserved"},
    {"suback_code_81 [MQTT-3.9.3-2]", "90 03 000a 81", "a return code of SUBACK is reserved"},

    {"unsubscribe_filter_not_utf8 [MQTT-3.10.3-1]", "a2 [ 000a 0001 c0 ]", FILTER},
    {"unsubscribe_without_filters [MQTT-3.10.3-2]", "a2 [ 000a ]", NO_ITEMS},
    {"unsubscribe_filter_malformed [MQTT-4.7.1-2]", "a2 [ 000a <a#> ]", FILTER},

    {"unsuback_too_long", "b0 03 000a 00", LONG},
    {"pingreq_too_long", "c0 01 00", LONG},
    {"pingresp_too_long", "d0 01 00", LONG},
    {"disconnect_too_long", "e0 01 00", LONG},
};

// clang-format on

/* Reads a copy of exactly these bytes; the packet is described before the copy is gone. */
static enum wire_result read_copy(struct slice bytes, size_t max_bytes, size_t *used,
                                  const char **reason, struct buf *packet_text)
{
    char *copy = exact_copy(bytes);
    struct mqtt_packet packet;
    struct mqtt_packet before;
    memset(&before, 0xA5, sizeof(before));
    memcpy(&packet, &before, sizeof(packet));
    *reason = NULL;
    *used = 12345;
    enum wire_result result =
        mqtt_packet_read(slice_make(copy, bytes.len), max_bytes, &packet, used, reason);
    if (result == WIRE_OK) {
        buf_reset(packet_text);
        describe_packet(packet_text, &packet);
    } else {
        assert_memory_equal(&packet, &before, sizeof(packet));
    }
    assert_int_equal(result == WIRE_BAD, *reason != NULL);
    free(copy);
    return result;
}

static size_t header_len(struct slice bytes)
{
    size_t len = 1;
    while ((uint8_t)bytes.data[len] > 127) {
        len++;
    }
    return len + 1;
}

static void check_each_truncation(struct slice bytes)
{
    size_t used;
    const char *reason;
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    for (size_t len = 0; len < bytes.len; len++) {
        struct slice part = slice_make(bytes.data, len);
        assert_int_equal(read_copy(part, NO_CAP, &used, &reason, &text), WIRE_MORE);
        assert_int_equal(used, len < header_len(bytes) ? 0 : bytes.len);
    }
    buf_finish(&text);
}

static void check_written_again(struct slice bytes)
{
    struct mqtt_packet packet;
    size_t used;
    const char *reason;
    struct buf again;
    assert_int_equal(mqtt_packet_read(bytes, NO_CAP, &packet, &used, &reason), WIRE_OK);
    buf_init(&again, bytes.len);
    put_packet(&again, &packet);
    assert_same_bytes(buf_slice(&again), bytes);
    buf_finish(&again);
    /* One byte less is too little, and then nothing is written. */
    buf_init(&again, bytes.len - 1);
    put_packet(&again, &packet);
    assert_true(again.failed);
    assert_int_equal(again.len, 0);
    buf_finish(&again);
}

static void check_good_row(void **state)
{
    const struct good_row *row = *state;
    struct buf bytes;
    struct buf text;
    size_t used;
    const char *reason;
    buf_init(&bytes, BUF_CAP_OWN);
    buf_init(&text, BUF_CAP_OWN);
    put_notation(&bytes, row->bytes);
    size_t len = bytes.len;
    if (read_copy(buf_slice(&bytes), len, &used, &reason, &text) != WIRE_OK) {
        fail_msg("%s", reason == NULL ? "incomplete" : reason);
    }
    assert_string_equal(buf_text(&text), row->packet);
    assert_int_equal(used, len);
    /* The cap is the packet's, header included. */
    assert_int_equal(read_copy(buf_slice(&bytes), len - 1, &used, &reason, &text), WIRE_BAD);
    assert_string_equal(reason, "the packet is too large");
    assert_int_equal(used, 0);
    check_each_truncation(buf_slice(&bytes));
    if (!row->is_one_way) {
        check_written_again(buf_slice(&bytes));
    }
    /* What follows is not looked at. */
    buf_put_text(&bytes, "\xff\xff");
    assert_int_equal(read_copy(buf_slice(&bytes), len, &used, &reason, &text), WIRE_OK);
    assert_string_equal(buf_text(&text), row->packet);
    assert_int_equal(used, len);
    buf_finish(&bytes);
    buf_finish(&text);
}

static void check_bad_row(void **state)
{
    const struct bad_row *row = *state;
    struct buf bytes;
    struct buf text;
    size_t used;
    const char *reason;
    buf_init(&bytes, BUF_CAP_OWN);
    buf_init(&text, BUF_CAP_OWN);
    put_notation(&bytes, row->bytes);
    if (read_copy(buf_slice(&bytes), NO_CAP, &used, &reason, &text) != WIRE_BAD) {
        fail_msg("read as %s", buf_text(&text));
    }
    assert_string_equal(reason, row->reason);
    assert_int_equal(used, 0);
    for (size_t len = 0; len < bytes.len; len++) {
        struct slice part = slice_make(bytes.data, len);
        enum wire_result result = read_copy(part, NO_CAP, &used, &reason, &text);
        assert_int_not_equal(result, WIRE_OK);
    }
    buf_finish(&bytes);
    buf_finish(&text);
}

/* Table 2.4: the smallest and the largest length of one to four bytes. */
static void remaining_lengths_of_the_specification(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t remaining;
    } rows[] = {
        {"30 00",       0        },
        {"30 7f",       127      },
        {"30 8001",     128      },
        {"30 ff7f",     16383    },
        {"30 808001",   16384    },
        {"30 ffff7f",   2097151  },
        {"30 80808001", 2097152  },
        {"30 ffffff7f", 268435455},
    };
    for (size_t i = 1; i < ARRAY_LEN(rows); i++) {
        struct buf header;
        struct buf text;
        size_t used;
        const char *reason;
        buf_init(&header, 16);
        buf_init(&text, 16);
        put_notation(&header, rows[i].header);
        size_t len = header.len + rows[i].remaining;
        assert_int_equal(read_copy(buf_slice(&header), len, &used, &reason, &text), WIRE_MORE);
        assert_int_equal(used, len);
        /* Refused before any of the body has come. */
        assert_int_equal(read_copy(buf_slice(&header), len - 1, &used, &reason, &text),
                         WIRE_BAD);
        buf_finish(&header);
        buf_finish(&text);
    }
}

static void every_type_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(mqtt_packet_name(MQTT_CONNECT), "CONNECT");
    assert_string_equal(mqtt_packet_name(MQTT_UNSUBSCRIBE), "UNSUBSCRIBE");
    assert_string_equal(mqtt_packet_name(MQTT_DISCONNECT), "DISCONNECT");
}

static const struct CMUnitTest single_tests[] = {
    cmocka_unit_test(remaining_lengths_of_the_specification),
    cmocka_unit_test(every_type_has_its_name),
};

int main(void)
{
    struct CMUnitTest
        tests[ARRAY_LEN(good_rows) + ARRAY_LEN(bad_rows) + ARRAY_LEN(single_tests)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(good_rows); i++) {
        tests[n++] = row_test(good_rows[i].name, check_good_row, &good_rows[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
        tests[n++] = row_test(bad_rows[i].name, check_bad_row, &bad_rows[i]);
    }
    memcpy(&tests[n], single_tests, sizeof(single_tests));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
