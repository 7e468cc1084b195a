/*
 * The server's side of a WebSocket: frames in, the bytes of binary messages out, and back.
 *
 * No socket is seen here; bytes go through three buffers that others fill and drain.  wslay
 * reads and writes the frames; the rules of a conversation are ours, so that each mistake is
 * answered with its own code (RFC 6455, 7.4.1).
 */
#ifndef SERVER_WEBSOCKET_H
#define SERVER_WEBSOCKET_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdint.h>
#include <wslay/wslay.h>

#include "base/macros.h"
#include "base/slice.h"
#include "iothub/limits.h"

/* Ours: far above every MQTT packet, and a frame is handed on as it comes. */
#define WEBSOCKET_FRAME_MAX_BYTES ((uint64_t)KIB * KIB)
#define WEBSOCKET_CONTROL_MAX     125 /* RFC 6455, 5.5 */

enum websocket_code {
    WEBSOCKET_NO_CODE = 0, /* a close frame may come without one */
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_UNSUPPORTED_DATA = 1003,
    WEBSOCKET_TOO_BIG = 1009,
};

struct websocket_buffers {
    struct evbuffer *raw;  /* from the client */
    struct evbuffer *data; /* what its binary messages hold, joined */
    struct evbuffer *out;  /* to the client */
    size_t data_max_bytes; /* reading pauses while one of the two holds more */
    size_t out_max_bytes;
};

/* {0} may be finished.  Read freely: the first three. */
struct websocket {
    bool
        has_heard_all; /* nothing more is read; websocket_close() is due if it was not called */
    bool was_closed_by_client; /* by a close frame */
    uint16_t close_code;       /* the answer to what ended the reading */

    bool is_closed; /* our close frame is out: what comes is thrown away until the client's does
                     */
    struct websocket_buffers buffers;
    wslay_frame_context_ptr frames;
    bool is_in_message; /* a message of several frames is under way */
    bool is_in_frame;
    uint64_t frame_left; /* bytes of the payload */
    uint8_t control[WEBSOCKET_CONTROL_MAX];
    size_t control_len;
};

/* The buffers are borrowed until websocket_finish(). */
void websocket_init(struct websocket *ws, const struct websocket_buffers *buffers);
void websocket_finish(struct websocket *ws);

/*
 * Read what is in `raw`, as far as there is room.  Pings are answered at once; nothing else is
 * written.
 */
void websocket_read(struct websocket *ws);

/* Send a binary message; not after websocket_close(). */
void websocket_send(struct websocket *ws, struct slice bytes);

/*
 * Send the close frame: with the code that answers what ended the reading, or with 1000.
 * Reading goes on until the client's own close frame, unless that was there before.
 */
void websocket_close(struct websocket *ws);

#endif
