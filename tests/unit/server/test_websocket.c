/*
 * The frames of WebSockets, without sockets.
 */
#include "support.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "server/websocket.h"
#include "server/websocket_handshake.h"

enum {
    ROOM = 1024,
};

struct bench {
    struct websocket ws;
    struct evbuffer *raw;
    struct evbuffer *data;
    struct evbuffer *out;
};

static int set_up(void **state)
{
    struct bench *b = test_calloc(1, sizeof(*b));
    b->raw = evbuffer_new();
    b->data = evbuffer_new();
    b->out = evbuffer_new();
    const struct websocket_buffers buffers = {b->raw, b->data, b->out, ROOM, ROOM};
    websocket_init(&b->ws, &buffers);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    websocket_finish(&b->ws);
    evbuffer_free(b->raw);
    evbuffer_free(b->data);
    evbuffer_free(b->out);
    test_free(b);
    return 0;
}

static void feed(struct bench *b, struct slice bytes)
{
    evbuffer_add(b->raw, bytes.data, bytes.len);
    websocket_read(&b->ws);
}

/* What is in a buffer, which is empty afterwards. */
static void assert_taken(struct evbuffer *buffer, struct slice want)
{
    char have[2 * ROOM];
    int n = evbuffer_remove(buffer, have, sizeof(have));
    assert_int_equal(n, want.len);
    assert_memory_equal(have, want.data, want.len);
}

/* A client's frame, the mask being zero. */
static void put_frame(struct buf *out, uint8_t first_byte, struct slice payload)
{
    buf_put_u8(out, first_byte);
    if (payload.len < 126) {
        buf_put_u8(out, (uint8_t)(0x80 | payload.len));
    } else {
        buf_put_u8(out, 0x80 | 126);
        buf_put_u16(out, (uint16_t)payload.len);
    }
    buf_put(out, "\0\0\0\0", 4);
    buf_put_slice(out, payload);
}

/* RFC 6455, 5.7. */
static void masked_frame_of_the_rfc_is_read(void **state)
{
    struct bench *b = *state;
    /* Its example is a text; as a binary message it has another first byte. */
    feed(b, SLICE("\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
    assert_taken(b->data, SLICE("Hello"));
    assert_false(b->ws.has_heard_all);
}

static void message_is_written_without_a_mask_in_the_shortest_form(void **state)
{
    struct bench *b = *state;
    char payload[200];
    char want[204] = "\x82\x7e\x00\xc8";
    memset(payload, 'x', sizeof(payload));
    memset(want + 4, 'x', sizeof(payload));
    websocket_send(&b->ws, SLICE("Hello"));
    assert_taken(b->out, SLICE("\x82\x05Hello"));
    websocket_send(&b->ws, slice_make(payload, sizeof(payload)));
    assert_taken(b->out, slice_make(want, sizeof(want)));
}

static void any_cut_of_the_input_gives_the_same(void **state)
{
    struct buf frames = {.cap = ROOM};
    char filler[150];
    struct buf want = {.cap = ROOM};
    (void)state;
    memset(filler, 'y', sizeof(filler));
    put_frame(&frames, 0x02, SLICE("one"));
    put_frame(&frames, 0x89, SLICE("ping"));
    put_frame(&frames, 0x00, slice_make(filler, sizeof(filler)));
    put_frame(&frames, 0x80, SLICE(""));
    put_frame(&frames, 0x82, SLICE("two"));
    put_frame(&frames, 0x88, SLICE("\x03\xe9"));
    buf_put_text(&want, "one");
    buf_put(&want, filler, sizeof(filler));
    buf_put_text(&want, "two");
    for (size_t cut = 0; cut <= frames.len; cut++) {
        void *each = NULL;
        set_up(&each);
        struct bench *b = each;
        feed(b, slice_make(frames.data, cut));
        feed(b, slice_from(buf_slice(&frames), cut));
        assert_taken(b->data, buf_slice(&want));
        assert_taken(b->out, SLICE("\x8a\x04ping"));
        assert_true(b->ws.was_closed_by_client);
        websocket_close(&b->ws);
        assert_taken(b->out, SLICE("\x88\x02\x03\xe9"));
        tear_down(&each);
    }
    buf_finish(&frames);
    buf_finish(&want);
}

static void reading_pauses_while_nobody_takes_the_data(void **state)
{
    struct bench *b = *state;
    struct buf frames = {.cap = (size_t)64 * ROOM};
    char payload[ROOM];
    size_t total = 0;
    memset(payload, 'z', sizeof(payload));
    for (int i = 0; i < 32; i++) {
        put_frame(&frames, 0x82, slice_make(payload, sizeof(payload)));
    }
    feed(b, buf_slice(&frames));
    while (evbuffer_get_length(b->data) != 0) {
        /* A frame that was begun may come to its end: wslay hands on what it holds. */
        assert_in_range(evbuffer_get_length(b->data), 1, 4096 + ROOM);
        total += evbuffer_get_length(b->data);
        evbuffer_drain(b->data, evbuffer_get_length(b->data));
        websocket_read(&b->ws);
    }
    assert_int_equal(total, 32 * ROOM);
    buf_finish(&frames);
}

static void reading_pauses_while_nobody_takes_the_answers(void **state)
{
    struct bench *b = *state;
    struct buf frames = {.cap = (size_t)64 * ROOM};
    char payload[125];
    size_t total = 0;
    memset(payload, 'p', sizeof(payload));
    for (int i = 0; i < 100; i++) {
        put_frame(&frames, 0x89, slice_make(payload, sizeof(payload)));
    }
    feed(b, buf_slice(&frames));
    while (evbuffer_get_length(b->out) != 0) {
        assert_in_range(evbuffer_get_length(b->out), 1, ROOM + 127);
        total += evbuffer_get_length(b->out);
        evbuffer_drain(b->out, evbuffer_get_length(b->out));
        websocket_read(&b->ws);
    }
    assert_int_equal(total, 100 * 127);
    buf_finish(&frames);
}

static void what_comes_after_our_close_is_thrown_away_until_the_clients(void **state)
{
    struct bench *b = *state;
    websocket_close(&b->ws);
    assert_taken(b->out, SLICE("\x88\x02\x03\xe8"));
    feed(b, SLICE("\x82\x82\0\0\0\0hi\x89\x80\0\0\0\0"));
    assert_int_equal(evbuffer_get_length(b->data), 0);
    assert_int_equal(evbuffer_get_length(b->out), 0);
    assert_false(b->ws.has_heard_all);
    feed(b, SLICE("\x88\x80\0\0\0\0\x82\x82\0\0\0\0hi"));
    assert_true(b->ws.was_closed_by_client);
    assert_int_equal(evbuffer_get_length(b->raw), 0);
    assert_int_equal(evbuffer_get_length(b->data), 0);
}

static void what_came_before_a_violation_counts(void **state)
{
    struct bench *b = *state;
    feed(b, SLICE("\x82\x82\0\0\0\0hi\x81\x80\0\0\0\0\x82\x82\0\0\0\0ho"));
    assert_taken(b->data, SLICE("hi"));
    assert_true(b->ws.has_heard_all);
    assert_false(b->ws.was_closed_by_client);
    assert_int_equal(b->ws.close_code, WEBSOCKET_UNSUPPORTED_DATA);
}

/* ---- the handshake ---- */

static void accept_value_is_that_of_the_rfc(void **state)
{
    const struct websocket_request request = {
        .method = SLICE("GET"),
        .upgrade = SLICE("websocket"),
        .connection = SLICE("Upgrade"),
        .version = SLICE("13"),
        .key = SLICE("dGhlIHNhbXBsZSBub25jZQ=="),
        .protocols = SLICE("chat, MQTT"),
    };
    const char *why = NULL;
    struct websocket_agreement agreement;
    (void)state;
    assert_int_equal(websocket_agree(&request, &why, &agreement), IOTHUB_OK);
    assert_string_equal(agreement.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_true(slice_equal_text(agreement.protocol, "MQTT"));
}

static void only_one_path_is_for_websockets(void **state)
{
    (void)state;
    assert_true(websocket_is_path(SLICE("/$iothub/websocket")));
    assert_true(websocket_is_path(SLICE("/%24iothub/websocket/")));
    assert_false(websocket_is_path(SLICE("/$iothub/websocket//")));
    assert_false(websocket_is_path(SLICE("/$iothub/websocketx")));
    assert_false(websocket_is_path(SLICE("/$iothub")));
    assert_false(websocket_is_path(SLICE("/")));
    assert_false(websocket_is_path(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(masked_frame_of_the_rfc_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(message_is_written_without_a_mask_in_the_shortest_form,
                                        set_up, tear_down),
        cmocka_unit_test(any_cut_of_the_input_gives_the_same),
        cmocka_unit_test_setup_teardown(reading_pauses_while_nobody_takes_the_data, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(reading_pauses_while_nobody_takes_the_answers, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            what_comes_after_our_close_is_thrown_away_until_the_clients, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_came_before_a_violation_counts, set_up, tear_down),
        cmocka_unit_test(accept_value_is_that_of_the_rfc),
        cmocka_unit_test(only_one_path_is_for_websockets),
    };
    return cmocka_run_group_tests_name("unit.server.websocket", tests, NULL, NULL);
}
