/*
 * Packets made by dice: what is written reads back, cut short it is incomplete, and bent bytes
 * are read or refused without harm.  The dice fall the same way in each run.
 */
#include "mqtt/packet.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "mqtt/text.h"
#include "unit/mqtt/notation.h"

#define N_PACKETS   4000
#define MAX_FILTERS 8

/* A packet and the memory its fields lie in. */
struct made {
    struct mqtt_packet packet;
    struct buf pool;
    struct buf raw; /* of its filters */
};

/* The pool never grows past its first reservation: slices into it stay where they are. */
#define POOL_BYTES 65536

static void make_begin(struct made *made)
{
    *made = (struct made){0};
    buf_init(&made->pool, POOL_BYTES);
    buf_init(&made->raw, POOL_BYTES);
    assert_non_null(buf_extend(&made->pool, POOL_BYTES));
    buf_cut(&made->pool, 0);
}

static void make_finish(struct made *made)
{
    buf_finish(&made->pool);
    buf_finish(&made->raw);
}

static bool toss(struct dice *dice)
{
    return roll(dice, 2) == 1;
}

static uint16_t any_id(struct dice *dice)
{
    return (uint16_t)(1 + roll(dice, 65535));
}

/* Mostly short. */
static size_t any_len(struct dice *dice)
{
    return (size_t)roll(dice, toss(dice) ? 20 : 500);
}

static struct slice pool_end(const struct made *made, size_t begin)
{
    return slice_make(made->pool.data + begin, made->pool.len - begin);
}

static struct slice any_bytes(struct made *made, struct dice *dice)
{
    size_t begin = made->pool.len;
    for (size_t len = any_len(dice); len > 0; len--) {
        buf_put_u8(&made->pool, (uint8_t)roll(dice, 256));
    }
    return pool_end(made, begin);
}

/* Code points of each length, the borders among them. */
static struct slice any_text(struct made *made, struct dice *dice)
{
    static const char *const characters[] = {
        "a",
        "Z",
        "/",
        "$",
        "%",
        "\x01",
        "\x7f",
        " ",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xef\xbb\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "device",
    };
    size_t begin = made->pool.len;
    for (size_t n = any_len(dice); n > 0; n--) {
        buf_put_text(&made->pool, characters[roll(dice, ARRAY_LEN(characters))]);
    }
    return pool_end(made, begin);
}

static struct slice any_topic(struct made *made, struct dice *dice)
{
    struct slice topic = any_text(made, dice);
    return topic.len == 0 ? SLICE("t") : topic;
}

static struct slice any_filter(struct made *made, struct dice *dice)
{
    static const char *const levels[] = {"a", "+", "", "b c", "$iothub", "\xc3\xa4"};
    size_t begin = made->pool.len;
    buf_put_text(&made->pool, "a");
    for (size_t n = (size_t)roll(dice, 6); n > 0; n--) {
        buf_put_text(&made->pool, "/");
        buf_put_text(&made->pool, levels[roll(dice, ARRAY_LEN(levels))]);
    }
    buf_put_text(&made->pool, toss(dice) ? "/#" : "");
    return pool_end(made, begin);
}

static void make_connect(struct made *made, struct dice *dice)
{
    struct mqtt_connect *connect = &made->packet.connect;
    *connect = (struct mqtt_connect){
        .protocol_name = SLICE("MQTT"),
        .level = MQTT_LEVEL,
        .client_id = any_text(made, dice),
        .keep_alive_s = (uint16_t)roll(dice, 65536),
        .clean_session = toss(dice),
        .has_will = toss(dice),
        .has_user_name = toss(dice),
    };
    if (connect->has_will) {
        connect->will_topic = any_topic(made, dice);
        connect->will_payload = any_bytes(made, dice);
        connect->will_qos = (uint8_t)roll(dice, 3);
        connect->will_retain = toss(dice);
    }
    if (connect->has_user_name) {
        connect->user_name = any_text(made, dice);
        connect->has_password = toss(dice);
    }
    if (connect->has_password) {
        connect->password = any_bytes(made, dice);
    }
}

static void make_publish(struct made *made, struct dice *dice)
{
    struct mqtt_publish *publish = &made->packet.publish;
    *publish = (struct mqtt_publish){
        .topic = any_topic(made, dice),
        .payload = any_bytes(made, dice),
        .qos = (uint8_t)roll(dice, 3),
        .retain = toss(dice),
    };
    if (publish->qos > 0) {
        publish->packet_id = any_id(dice);
        publish->dup = toss(dice);
    }
}

static void make_filters(struct made *made, struct dice *dice, bool has_qos)
{
    size_t n = 1 + (size_t)roll(dice, MAX_FILTERS);
    for (size_t i = 0; i < n; i++) {
        struct slice filter = any_filter(made, dice);
        buf_put_u16(&made->raw, (uint16_t)filter.len);
        buf_put_slice(&made->raw, filter);
        if (has_qos) {
            buf_put_u8(&made->raw, (uint8_t)roll(dice, 3));
        }
    }
    made->packet.subscribe = (struct mqtt_subscribe){
        .filters = {buf_slice(&made->raw), n, has_qos},
        .packet_id = any_id(dice),
    };
}

static void make_suback(struct made *made, struct dice *dice)
{
    static const uint8_t codes[] = {0, 1, 2, MQTT_SUBACK_FAILURE};
    for (size_t n = 1 + any_len(dice); n > 0; n--) {
        buf_put_u8(&made->raw, codes[roll(dice, 4)]);
    }
    made->packet.suback = (struct mqtt_suback){buf_slice(&made->raw), any_id(dice)};
}

static void make(struct made *made, struct dice *dice)
{
    make_begin(made);
    made->packet.type = (enum mqtt_packet_type)(MQTT_CONNECT + roll(dice, MQTT_DISCONNECT));
    switch (made->packet.type) {
    case MQTT_CONNECT:
        make_connect(made, dice);
        return;
    case MQTT_CONNACK:
        made->packet.connack.code = (uint8_t)roll(dice, 6);
        made->packet.connack.session_present = made->packet.connack.code == 0 && toss(dice);
        return;
    case MQTT_PUBLISH:
        make_publish(made, dice);
        return;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        make_filters(made, dice, made->packet.type == MQTT_SUBSCRIBE);
        return;
    case MQTT_SUBACK:
        make_suback(made, dice);
        return;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
    case MQTT_UNSUBACK:
        made->packet.packet_id = any_id(dice);
        return;
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
    case MQTT_DISCONNECT:
        return;
    }
    fail_msg("packet type %d", (int)made->packet.type);
}

static void assert_same_packet(const struct mqtt_packet *have, const struct mqtt_packet *want)
{
    struct buf have_text;
    struct buf want_text;
    buf_init(&have_text, BUF_CAP_OWN);
    buf_init(&want_text, BUF_CAP_OWN);
    describe_packet(&have_text, have);
    describe_packet(&want_text, want);
    assert_string_equal(buf_text(&have_text), buf_text(&want_text));
    buf_finish(&have_text);
    buf_finish(&want_text);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct dice dice = {1};
    for (size_t i = 0; i < N_PACKETS; i++) {
        struct made made;
        struct mqtt_packet packet;
        struct buf bytes;
        size_t used;
        const char *reason = NULL;
        make(&made, &dice);
        buf_init(&bytes, BUF_CAP_OWN);
        put_packet(&bytes, &made.packet);
        char *copy = exact_copy(buf_slice(&bytes));
        struct slice in = slice_make(copy, bytes.len);
        if (mqtt_packet_read(in, bytes.len, &packet, &used, &reason) != WIRE_OK) {
            fail_msg("packet %zu: %s", i, reason == NULL ? "incomplete" : reason);
        }
        assert_int_equal(used, bytes.len);
        assert_same_packet(&packet, &made.packet);
        free(copy);
        buf_finish(&bytes);
        make_finish(&made);
    }
}

static void what_is_cut_short_is_incomplete(void **state)
{
    (void)state;
    struct dice dice = {2};
    for (size_t i = 0; i < N_PACKETS; i++) {
        struct made made;
        struct mqtt_packet packet;
        struct buf bytes;
        size_t used;
        const char *reason = NULL;
        make(&made, &dice);
        buf_init(&bytes, BUF_CAP_OWN);
        put_packet(&bytes, &made.packet);
        size_t len = (size_t)roll(&dice, bytes.len);
        char *copy = exact_copy(slice_make(bytes.data, len));
        assert_int_equal(
            mqtt_packet_read(slice_make(copy, len), bytes.len, &packet, &used, &reason),
            WIRE_MORE);
        assert_true(used == bytes.len || (used == 0 && len < 5));
        free(copy);
        buf_finish(&bytes);
        make_finish(&made);
    }
}

/* Whatever is read from bent bytes keeps the promises that the layers above build on. */
static void check_promises(const struct mqtt_packet *packet, size_t used)
{
    struct buf again;
    buf_init(&again, used);
    if (packet->type == MQTT_PUBLISH) {
        assert_true(mqtt_topic_is_valid(packet->publish.topic));
        assert_true(packet->publish.qos <= 2);
        assert_int_equal(packet->publish.packet_id != 0, packet->publish.qos > 0);
    }
    bool is_other_level = packet->type == MQTT_CONNECT && packet->connect.level != MQTT_LEVEL;
    if (!is_other_level) {
        put_packet(&again, packet);
        assert_false(again.failed);
    }
    buf_finish(&again);
}

static void bent_bytes_are_read_or_refused(void **state)
{
    (void)state;
    struct dice dice = {3};
    size_t n_results[3] = {0};
    for (size_t i = 0; i < (size_t)4 * N_PACKETS; i++) {
        struct made made;
        struct mqtt_packet packet;
        struct buf bytes;
        size_t used;
        const char *reason = NULL;
        make(&made, &dice);
        buf_init(&bytes, BUF_CAP_OWN);
        put_packet(&bytes, &made.packet);
        for (size_t n = 1 + (size_t)roll(&dice, 4); n > 0; n--) {
            bytes.data[roll(&dice, toss(&dice) && bytes.len > 8 ? 8 : bytes.len)] =
                (char)roll(&dice, 256);
        }
        char *copy = exact_copy(buf_slice(&bytes));
        struct slice in = slice_make(copy, bytes.len);
        enum wire_result result = mqtt_packet_read(in, 100000, &packet, &used, &reason);
        n_results[result]++;
        assert_int_equal(result == WIRE_BAD, reason != NULL);
        if (result == WIRE_OK) {
            assert_in_range(used, 2, bytes.len);
            check_promises(&packet, used);
        }
        free(copy);
        buf_finish(&bytes);
        make_finish(&made);
    }
    /* The dice reach all three. */
    assert_true(n_results[WIRE_OK] > 100);
    assert_true(n_results[WIRE_MORE] > 100);
    assert_true(n_results[WIRE_BAD] > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(what_is_cut_short_is_incomplete),
        cmocka_unit_test(bent_bytes_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
