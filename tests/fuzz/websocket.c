/*
 * WebSockets: a request for one, or frames, which however they are cut say the same.
 *
 * With an odd first byte the rest are the six values of a handshake, with "--" between them;
 * else the second byte says when the server closes, and the rest are frames.
 */
#include "server/websocket.h"

#include "base/coding.h"
#include "fuzz/fuzz.h"
#include "server/websocket_handshake.h"

#define ROOM 1024

/* ---- handshakes ------------------------------------------------------------------------- */

static void check_handshake(struct slice text)
{
    struct slice rest = text;
    struct websocket_agreement agreement = {.accept = ""};
    const char *why = NULL;
    const struct websocket_request request = {
        .method = fuzz_take_part(&rest),
        .upgrade = fuzz_take_part(&rest),
        .connection = fuzz_take_part(&rest),
        .version = fuzz_take_part(&rest),
        .key = fuzz_take_part(&rest),
        .protocols = fuzz_take_part(&rest),
    };
    enum iothub_status status = websocket_agree(&request, &why, &agreement);
    FUZZ_CHECK((status == IOTHUB_OK) == (why == NULL));
    FUZZ_CHECK(status != IOTHUB_SERVER_ERROR);
    if (status == IOTHUB_OK) {
        struct buf digest = fuzz_buf();
        FUZZ_CHECK(base64_decode(&digest, slice_of(agreement.accept)) && digest.len == 20);
        FUZZ_CHECK(slice_equal_nocase(agreement.protocol, SLICE("mqtt")));
        buf_finish(&digest);
    }
    (void)websocket_is_path(text);
}

/* ---- frames ----------------------------------------------------------------------------- */

struct side {
    struct websocket ws;
    struct websocket_buffers buffers;
    struct buf data;
    struct buf out;
};

static void side_init(struct side *side)
{
    *side = (struct side){
        .buffers = {evbuffer_new(), evbuffer_new(), evbuffer_new(), ROOM, ROOM},
        .data = fuzz_buf(),
        .out = fuzz_buf(),
    };
    websocket_init(&side->ws, &side->buffers);
}

static void side_finish(struct side *side)
{
    websocket_finish(&side->ws);
    evbuffer_free(side->buffers.raw);
    evbuffer_free(side->buffers.data);
    evbuffer_free(side->buffers.out);
    buf_finish(&side->data);
    buf_finish(&side->out);
}

static void drain(struct evbuffer *from, struct buf *to)
{
    size_t len = evbuffer_get_length(from);
    char *end = buf_extend(to, len);
    FUZZ_CHECK(end != NULL && evbuffer_remove(from, end, len) == (int)len);
}

/* Read until nothing is left to be read, draining in between. */
static void feed(struct side *side, struct slice bytes)
{
    size_t before = 0;
    size_t after = 0;
    FUZZ_CHECK(evbuffer_add(side->buffers.raw, bytes.data, bytes.len) == 0);
    do {
        before = side->data.len + side->out.len;
        websocket_read(&side->ws);
        drain(side->buffers.data, &side->data);
        drain(side->buffers.out, &side->out);
        after = side->data.len + side->out.len;
    } while (after != before);
}

static void close_side(struct side *side)
{
    if (!side->ws.is_closed) {
        websocket_close(&side->ws);
        drain(side->buffers.out, &side->out);
    }
}

/* The bytes to and fro with the given cut, the server closing behind `close_at` bytes. */
static void converse(struct side *side, struct slice frames, size_t close_at, size_t cut)
{
    for (size_t at = 0; at < frames.len && !side->ws.has_heard_all;) {
        size_t len = cut < frames.len - at ? cut : frames.len - at;
        if (at <= close_at && at + len > close_at) {
            feed(side, slice_make(frames.data + at, close_at - at));
            if (!side->ws.has_heard_all) {
                websocket_send(&side->ws, SLICE("bye"));
            }
            close_side(side);
            feed(side, slice_make(frames.data + close_at, at + len - close_at));
        } else {
            feed(side, slice_make(frames.data + at, len));
        }
        at += len;
    }
    close_side(side);
}

/* The server's frames, which no client would refuse: whole, unmasked, one close at the end. */
static void check_out(struct slice rest)
{
    bool is_closed = false;
    while (rest.len != 0) {
        FUZZ_CHECK(!is_closed && rest.len >= 2);
        uint8_t first = (uint8_t)rest.data[0];
        uint8_t len = (uint8_t)rest.data[1];
        FUZZ_CHECK(first == 0x82 || first == 0x88 || first == 0x8A);
        FUZZ_CHECK(len <= WEBSOCKET_CONTROL_MAX && rest.len >= (size_t)2 + len);
        is_closed = first == 0x88;
        rest = slice_from(rest, (size_t)2 + len);
    }
    FUZZ_CHECK(is_closed);
}

static void check_frames(struct slice frames, size_t close_at)
{
    struct side whole;
    struct side by_byte;
    side_init(&whole);
    side_init(&by_byte);
    converse(&whole, frames, close_at, frames.len);
    converse(&by_byte, frames, close_at, 1);
    check_out(buf_slice(&whole.out));
    FUZZ_CHECK(whole.data.len <= frames.len);
    FUZZ_CHECK(slice_equal(buf_slice(&by_byte.data), buf_slice(&whole.data)));
    FUZZ_CHECK(slice_equal(buf_slice(&by_byte.out), buf_slice(&whole.out)));
    FUZZ_CHECK(whole.ws.has_heard_all == by_byte.ws.has_heard_all);
    FUZZ_CHECK(whole.ws.was_closed_by_client == by_byte.ws.was_closed_by_client);
    FUZZ_CHECK(whole.ws.close_code == by_byte.ws.close_code);
    side_finish(&whole);
    side_finish(&by_byte);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_input(data, size);
    if ((fuzz_take_byte(&rest) & 1) != 0) {
        check_handshake(rest);
        return 0;
    }
    size_t close_at = fuzz_take_byte(&rest);
    check_frames(rest, close_at);
    return 0;
}
