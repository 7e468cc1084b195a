/*
 * The order of frames, control frames and the close.
 * Source: RFC 6455, sections 5 and 7.
 */
#include "server/websocket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* ---- what wslay calls ---- */

static ssize_t on_receive(uint8_t *out, size_t len, int flags, void *ctx)
{
    const struct websocket *ws = ctx;
    (void)flags;
    int n = evbuffer_remove(ws->buffers.raw, out, len);
    return n > 0 ? n : -1; /* "no more for now" */
}

static ssize_t on_send(const uint8_t *data, size_t len, int flags, void *ctx)
{
    const struct websocket *ws = ctx;
    (void)flags;
    return evbuffer_add(ws->buffers.out, data, len) == 0 ? (ssize_t)len : -1;
}

void websocket_init(struct websocket *ws, const struct websocket_buffers *buffers)
{
    static const struct wslay_frame_callbacks callbacks = {
        .recv_callback = on_receive,
        .send_callback = on_send,
    };
    *ws = (struct websocket){.buffers = *buffers};
    if (wslay_frame_context_init(&ws->frames, &callbacks, ws) != 0) {
        log_error("out of memory");
        abort();
    }
}

void websocket_finish(struct websocket *ws)
{
    wslay_frame_context_free(ws->frames);
    ws->frames = NULL;
}

/* ---- writing ---- */

static void send_frame(struct websocket *ws, enum wslay_opcode opcode, struct slice payload)
{
    struct wslay_frame_iocb frame = {
        .fin = 1,
        .opcode = (uint8_t)opcode,
        .payload_length = payload.len,
        .data = (const uint8_t *)payload.data,
        .data_length = payload.len,
    };
    /* The buffer takes everything, so one call is the whole frame. */
    (void)!wslay_frame_send(ws->frames, &frame);
}

void websocket_send(struct websocket *ws, struct slice bytes)
{
    assert(!ws->is_closed);
    send_frame(ws, WSLAY_BINARY_FRAME, bytes);
}

void websocket_close(struct websocket *ws)
{
    uint16_t code = ws->has_heard_all ? ws->close_code : (uint16_t)WEBSOCKET_NORMAL;
    const char payload[] = {(char)(code >> 8), (char)(code & 0xff)};
    assert(!ws->is_closed);
    ws->is_closed = true;
    send_frame(ws, WSLAY_CONNECTION_CLOSE,
               slice_make(payload, code == WEBSOCKET_NO_CODE ? 0 : sizeof(payload)));
}

/* ---- reading ---- */

static void stop(struct websocket *ws, uint16_t code)
{
    ws->has_heard_all = true;
    ws->close_code = code;
}

static bool is_control(const struct wslay_frame_iocb *frame)
{
    return wslay_is_ctrl_frame(frame->opcode) != 0;
}

static enum websocket_code check_data_frame(const struct websocket *ws,
                                            const struct wslay_frame_iocb *frame)
{
    bool is_first = frame->opcode != WSLAY_CONTINUATION_FRAME;
    if (is_first == ws->is_in_message) {
        return WEBSOCKET_PROTOCOL_ERROR;
    }
    if (frame->opcode == WSLAY_TEXT_FRAME) {
        return WEBSOCKET_UNSUPPORTED_DATA; /* MQTT 3.1.1, [MQTT-6.0.0-1] */
    }
    return frame->payload_length > WEBSOCKET_FRAME_MAX_BYTES ? WEBSOCKET_TOO_BIG
                                                             : WEBSOCKET_NO_CODE;
}

/* With which code to close, or none.  wslay has seen to the sizes and wholeness of controls. */
static enum websocket_code check_frame(const struct websocket *ws,
                                       const struct wslay_frame_iocb *frame)
{
    if (frame->rsv != 0 || frame->mask == 0) {
        return WEBSOCKET_PROTOCOL_ERROR;
    }
    switch (frame->opcode) {
    case WSLAY_CONTINUATION_FRAME:
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
        return check_data_frame(ws, frame);
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return WEBSOCKET_NO_CODE;
    default:
        return WEBSOCKET_PROTOCOL_ERROR;
    }
}

static bool is_close_code(unsigned code)
{
    bool is_of_protocol = code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
                          code != 1006;
    return is_of_protocol || (code >= 3000 && code <= 4999);
}

static void on_close(struct websocket *ws)
{
    unsigned code = WEBSOCKET_NO_CODE;
    if (ws->control_len >= 2) {
        code = (unsigned)ws->control[0] << 8 | ws->control[1];
    }
    bool is_good = ws->control_len == 0 || is_close_code(code);
    ws->was_closed_by_client = true;
    stop(ws, is_good ? (uint16_t)code : (uint16_t)WEBSOCKET_PROTOCOL_ERROR);
}

static void end_frame(struct websocket *ws, const struct wslay_frame_iocb *frame)
{
    ws->is_in_frame = false;
    if (!is_control(frame)) {
        ws->is_in_message = frame->fin == 0;
    } else if (frame->opcode == WSLAY_CONNECTION_CLOSE) {
        on_close(ws);
    } else if (frame->opcode == WSLAY_PING && !ws->is_closed) {
        send_frame(ws, WSLAY_PONG, slice_make((const char *)ws->control, ws->control_len));
    }
}

static void take_payload(struct websocket *ws, const struct wslay_frame_iocb *part)
{
    if (!is_control(part)) {
        if (!ws->is_closed) {
            evbuffer_add(ws->buffers.data, part->data, part->data_length);
        }
    } else if (part->data_length != 0) {
        memcpy(ws->control + ws->control_len, part->data, part->data_length);
        ws->control_len += part->data_length;
    }
}

/* A frame comes in parts; each repeats what the header said. */
static void on_part(struct websocket *ws, const struct wslay_frame_iocb *part)
{
    if (!ws->is_in_frame) {
        enum websocket_code code = check_frame(ws, part);
        if (code != WEBSOCKET_NO_CODE) {
            stop(ws, (uint16_t)code);
            return;
        }
        ws->is_in_frame = true;
        ws->frame_left = part->payload_length;
        ws->control_len = 0;
    }
    ws->frame_left -= part->data_length;
    take_payload(ws, part);
    if (ws->frame_left == 0) {
        end_frame(ws, part);
    }
}

static bool has_room(const struct websocket *ws)
{
    return evbuffer_get_length(ws->buffers.data) < ws->buffers.data_max_bytes &&
           evbuffer_get_length(ws->buffers.out) < ws->buffers.out_max_bytes;
}

void websocket_read(struct websocket *ws)
{
    ssize_t n = 0;
    while (n >= 0 && !ws->has_heard_all && has_room(ws)) {
        struct wslay_frame_iocb part = {0};
        n = wslay_frame_recv(ws->frames, &part);
        if (n >= 0) {
            on_part(ws, &part);
        } else if (n != WSLAY_ERR_WANT_READ) {
            stop(ws, WEBSOCKET_PROTOCOL_ERROR);
        }
    }
    if (ws->has_heard_all) {
        evbuffer_drain(ws->buffers.raw, evbuffer_get_length(ws->buffers.raw));
    }
}
