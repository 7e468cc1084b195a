/*
 * A WebSocket client that says exactly what the test says, right or wrong: handshake and frames
 * byte by byte, on a plain line or one with TLS.
 */
#ifndef E2E_WS_PEER_H
#define E2E_WS_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "e2e/emulator.h"
#include "e2e/line.h"
#include "mqtt/packet.h"

enum ws_opcode {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xa,
};

/* First byte of a frame. */
#define WS_FIN 0x80

struct ws_peer {
    struct line line;
    size_t n_read;    /* of line.in, by the frame lent last */
    struct buf bytes; /* of binary messages: what the MQTT packets are in */
    size_t n_packet;  /* of bytes, by the packet lent last */
};

struct ws_frame {
    bool is_final;
    enum ws_opcode opcode;
    struct slice payload;
};

struct ws_answer {
    int status;
    struct slice head; /* status line and headers; lives until the next call */
};

/* ---- the handshake ---- */

/* What a good client says; NULL leaves a header out. */
struct ws_hello {
    const char *path;
    const char *upgrade;
    const char *connection;
    const char *version;
    const char *key;
    const char *protocol;
    const char *method;
};

/* RFC 6455, 1.3: the key, and what the server makes of it. */
#define WS_KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define WS_HELLO \
    .path = "/$iothub/websocket", .upgrade = "websocket", .connection = "Upgrade", \
    .version = "13", .key = WS_KEY, .protocol = "mqtt", .method = "GET"

/* An HTTP connection; nothing is said yet. */
void ws_peer_dial(struct ws_peer *peer, int64_t port);
void ws_peer_say_hello(struct ws_peer *peer, const struct ws_hello *hello);
/* Wait for the answer's headers; a body is skipped. */
void ws_peer_hear(struct ws_peer *peer, struct ws_answer *out);
/* The value of a header, which must be there. */
struct slice ws_header(const struct ws_answer *answer, const char *name);

/* Dial the plain port and become a WebSocket. */
void ws_peer_open(struct ws_peer *peer, const struct emulator *e);
/* The same, on a line that is there. */
void ws_peer_upgrade(struct ws_peer *peer);
void ws_peer_close(struct ws_peer *peer);

/* ---- frames ---- */

/* Append a frame as clients write it: masked. */
void ws_put_frame(struct buf *out, int first_byte, struct slice payload);

/* Send one; false when the connection is gone. */
bool ws_peer_send(struct ws_peer *peer, int first_byte, struct slice payload);

/* Wait for a frame, which lives until the next call; false when the connection has ended. */
bool ws_peer_next(struct ws_peer *peer, struct ws_frame *out);

/* The next frame must be this one. */
void ws_peer_expect(struct ws_peer *peer, enum ws_opcode opcode, struct slice payload);
/* The next one closes, with this code; 0 for none. */
void ws_peer_expect_close(struct ws_peer *peer, unsigned code);
/* The connection must end without another frame. */
void ws_peer_expect_end(struct ws_peer *peer);

/* ---- MQTT ---- */

/* Wait for the next packet in binary frames, which lives until the next call. */
void ws_peer_expect_packet(struct ws_peer *peer, enum mqtt_packet_type type,
                           struct mqtt_packet *out);

/* CONNECT as that device, and be accepted. */
void ws_peer_connect(struct ws_peer *peer, const char *connection_string);

#endif
