/*
 * Frames by hand.  Source: RFC 6455.
 */
#include "e2e/ws_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "e2e/mqtt_peer.h"

enum {
    TEXT_MAX_BYTES = 4096,
    FRAME_MAX_BYTES = 16 * 1024 * 1024,
};

/* ---- the handshake ---- */

void ws_peer_dial(struct ws_peer *peer, int64_t port)
{
    *peer = (struct ws_peer){.bytes = {.cap = FRAME_MAX_BYTES}};
    line_open(&peer->line, port);
}

void ws_peer_close(struct ws_peer *peer)
{
    line_close(&peer->line);
    buf_finish(&peer->bytes);
}

static void put_header(struct buf *out, const char *name, const char *value)
{
    if (value != NULL) {
        buf_putf(out, "%s: %s\r\n", name, value);
    }
}

void ws_peer_say_hello(struct ws_peer *peer, const struct ws_hello *hello)
{
    struct buf text = {.cap = TEXT_MAX_BYTES};
    buf_putf(&text, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", hello->method, hello->path);
    put_header(&text, "Upgrade", hello->upgrade);
    put_header(&text, "Connection", hello->connection);
    put_header(&text, "Sec-WebSocket-Version", hello->version);
    put_header(&text, "Sec-WebSocket-Key", hello->key);
    put_header(&text, "Sec-WebSocket-Protocol", hello->protocol);
    buf_put_text(&text, "\r\n");
    assert_true(line_send(&peer->line, buf_slice(&text)));
    buf_finish(&text);
}

static bool find_header(struct slice head, const char *name, struct slice *out)
{
    struct slice row = {0};
    while (slice_next(&head, '\n', &row)) {
        size_t colon = slice_find(row, ':');
        if (slice_equal_nocase(slice_make(row.data, colon), slice_of(name))) {
            *out = slice_trim(slice_from(row, colon + 1));
            return true;
        }
    }
    return false;
}

struct slice ws_header(const struct ws_answer *answer, const char *name)
{
    struct slice value = {0};
    if (!find_header(answer->head, name, &value)) {
        fail_msg("there is no %s in %.*s", name, SLICE_ARG(answer->head));
    }
    return value;
}

/* Drop what was lent last, and wait until `len` bytes are there. */
static bool want(struct ws_peer *peer, size_t len)
{
    buf_drop(&peer->line.in, peer->n_read);
    peer->n_read = 0;
    while (peer->line.in.len < len) {
        if (!line_receive(&peer->line)) {
            return false;
        }
    }
    return true;
}

void ws_peer_hear(struct ws_peer *peer, struct ws_answer *out)
{
    const char *end = NULL;
    struct slice length = {0};
    int64_t number = 0;
    for (size_t len = 1; end == NULL; len = peer->line.in.len + 1) {
        assert_true(want(peer, len));
        end = memmem(peer->line.in.data, peer->line.in.len, "\r\n\r\n", 4);
    }
    size_t head_len = (size_t)(end + 4 - peer->line.in.data);
    struct slice head = slice_make(peer->line.in.data, head_len);
    if (find_header(head, "Content-Length", &length)) {
        assert_true(slice_to_i64(length, &number));
    }
    assert_true(want(peer, head_len + (size_t)number));
    head.data = peer->line.in.data;
    assert_true(slice_starts_with(head, SLICE("HTTP/1.1 ")));
    peer->n_read = head_len + (size_t)number;
    assert_true(slice_to_i64(slice_make(head.data + strlen("HTTP/1.1 "), 3), &number));
    *out = (struct ws_answer){.status = (int)number, .head = head};
}

void ws_peer_upgrade(struct ws_peer *peer)
{
    struct ws_answer answer;
    ws_peer_say_hello(peer, &(struct ws_hello){WS_HELLO});
    ws_peer_hear(peer, &answer);
    assert_int_equal(answer.status, 101);
}

void ws_peer_open(struct ws_peer *peer, const struct emulator *e)
{
    ws_peer_dial(peer, e->ports[EMULATOR_HTTP]);
    ws_peer_upgrade(peer);
}

/* ---- frames ---- */

void ws_put_frame(struct buf *out, int first_byte, struct slice payload)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    buf_put_u8(out, (uint8_t)first_byte);
    if (payload.len < 126) {
        buf_put_u8(out, (uint8_t)(0x80 | payload.len));
    } else if (payload.len < 65536) {
        buf_put_u8(out, 0x80 | 126);
        buf_put_u16(out, (uint16_t)payload.len);
    } else {
        buf_put_u8(out, 0x80 | 127);
        buf_put(out, "\0\0\0\0", 4);
        buf_put_u16(out, (uint16_t)(payload.len >> 16));
        buf_put_u16(out, (uint16_t)payload.len);
    }
    buf_put(out, mask, sizeof(mask));
    for (size_t i = 0; i < payload.len; i++) {
        buf_put_u8(out, (uint8_t)((uint8_t)payload.data[i] ^ mask[i % 4]));
    }
}

bool ws_peer_send(struct ws_peer *peer, int first_byte, struct slice payload)
{
    struct buf frame = {.cap = FRAME_MAX_BYTES};
    ws_put_frame(&frame, first_byte, payload);
    assert_false(frame.failed);
    bool is_sent = line_send(&peer->line, buf_slice(&frame));
    buf_finish(&frame);
    return is_sent;
}

/* The length in a frame's header, which is whole; `at` is where the payload begins. */
static uint64_t read_length(const uint8_t *header, size_t *at)
{
    uint64_t len = header[1];
    size_t n = len < 126 ? 0 : len == 126 ? 2 : 8;
    len = n == 0 ? len : 0;
    for (size_t i = 0; i < n; i++) {
        len = len << 8 | header[2 + i];
    }
    *at = 2 + n;
    return len;
}

bool ws_peer_next(struct ws_peer *peer, struct ws_frame *out)
{
    static const size_t header_len[] = {[126] = 4, [127] = 10};
    size_t at = 0;
    if (!want(peer, 2)) {
        return false;
    }
    uint8_t second = (uint8_t)peer->line.in.data[1];
    assert_in_range(second, 0, 127); /* servers do not mask */
    if (!want(peer, header_len[second] == 0 ? 2 : header_len[second])) {
        return false;
    }
    uint64_t len = read_length((const uint8_t *)peer->line.in.data, &at);
    assert_in_range(len, 0, FRAME_MAX_BYTES);
    if (!want(peer, at + len)) {
        return false;
    }
    uint8_t first = (uint8_t)peer->line.in.data[0];
    assert_int_equal(first & 0x70, 0);
    *out = (struct ws_frame){
        .is_final = (first & WS_FIN) != 0,
        .opcode = (enum ws_opcode)(first & 0xf),
        .payload = slice_make(peer->line.in.data + at, len),
    };
    peer->n_read = at + len;
    return true;
}

void ws_peer_expect(struct ws_peer *peer, enum ws_opcode opcode, struct slice payload)
{
    struct ws_frame frame;
    assert_true(ws_peer_next(peer, &frame));
    assert_true(frame.is_final);
    assert_int_equal(frame.opcode, opcode);
    assert_int_equal(frame.payload.len, payload.len);
    assert_memory_equal(frame.payload.data, payload.data, payload.len);
}

void ws_peer_expect_close(struct ws_peer *peer, unsigned code)
{
    const char payload[] = {(char)(code >> 8), (char)code};
    ws_peer_expect(peer, WS_CLOSE, slice_make(payload, code == 0 ? 0 : 2));
}

void ws_peer_expect_end(struct ws_peer *peer)
{
    struct ws_frame frame;
    if (ws_peer_next(peer, &frame)) {
        fail_msg("instead of the end there came a frame of type %d", (int)frame.opcode);
    }
}

/* ---- MQTT ---- */

static bool look(struct ws_peer *peer, struct mqtt_packet *out)
{
    const char *reason = NULL;
    buf_drop(&peer->bytes, peer->n_packet);
    peer->n_packet = 0;
    size_t used = 0;
    enum wire_result result =
        mqtt_packet_read(buf_slice(&peer->bytes), MQTT_PACKET_MAX_BYTES, out, &used, &reason);
    if (result == WIRE_BAD) {
        fail_msg("the emulator sent what is no packet: %s", reason);
    }
    peer->n_packet = result == WIRE_OK ? used : 0;
    return result == WIRE_OK;
}

void ws_peer_expect_packet(struct ws_peer *peer, enum mqtt_packet_type type,
                           struct mqtt_packet *out)
{
    while (!look(peer, out)) {
        struct ws_frame frame = {0};
        if (!ws_peer_next(peer, &frame) || frame.opcode != WS_BINARY) {
            fail_msg("the emulator hung up instead of sending %s", mqtt_packet_name(type));
        }
        buf_put_slice(&peer->bytes, frame.payload);
    }
    assert_string_equal(mqtt_packet_name(out->type), mqtt_packet_name(type));
}

void ws_peer_connect(struct ws_peer *peer, const char *connection_string)
{
    struct mqtt_packet answer;
    struct buf packet = {.cap = TEXT_MAX_BYTES};
    mqtt_peer_put_connect(&packet, connection_string);
    assert_true(ws_peer_send(peer, WS_FIN | WS_BINARY, buf_slice(&packet)));
    buf_finish(&packet);
    ws_peer_expect_packet(peer, MQTT_CONNACK, &answer);
    assert_int_equal(answer.connack.code, MQTT_CONNACK_ACCEPTED);
}
