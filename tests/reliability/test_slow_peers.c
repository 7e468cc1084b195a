/*
 * Peers that begin and do not go on, or go on a byte at a time: each is put out in its time.
 * They all wait together, so that the test takes as long as the slowest of them may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "e2e/line.h"
#include "e2e/mqtt_peer.h"
#include "e2e/ws_peer.h"
#include "iothub/limits.h"

enum {
    DRIP_MS = 1000,
    SLACK_MS = 15000, /* of a busy machine */
    SECOND_MS = 1000,
};

/* What a peer says at once, and then byte by byte without end; NULL is nothing. */
struct peer_plan {
    const char *name;
    enum emulator_port port;
    struct slice at_once;
    struct slice drip;
    int allowed_s;
};

/* The beginning of a record with a ClientHello. */
#define HELLO_BEGIN "\x16\x03\x01\x02\x00\x01\x00"

#define HEAD_BEGIN    "GET / HTTP/1.1\r\nX-Slow: "
#define BODY_BEGIN    "POST /devices/query HTTP/1.1\r\nContent-Length: 99999\r\n\r\n"
#define UPGRADE_BEGIN "GET /$iothub/websocket HTTP/1.1\r\nUpgrade: websocket\r\n"
#define CONNECT_BEGIN "\x10\xff\x01\x00\x04MQTT\x04\xc2"

/* As SLICE(), for a table. */
#define BYTES(literal) \
    { \
        (literal), sizeof(literal) - 1 \
    }
#define NOTHING \
    { \
        NULL, 0 \
    }

/* A row a line. */
// clang-format off
static const struct peer_plan plans[] = {
    {"silence to MQTT over TLS",    EMULATOR_MQTTS, NOTHING,              NOTHING,      TLS_HANDSHAKE_S},
    {"half a ClientHello",          EMULATOR_MQTTS, BYTES(HELLO_BEGIN),   NOTHING,      TLS_HANDSHAKE_S},
    {"a dripping ClientHello",      EMULATOR_HTTPS, BYTES(HELLO_BEGIN),   BYTES("\0"),  TLS_HANDSHAKE_S},
    {"silence to HTTPS",            EMULATOR_HTTPS, NOTHING,              NOTHING,      TLS_HANDSHAKE_S},
    {"silence to HTTP",             EMULATOR_HTTP,  NOTHING,              NOTHING,      HTTP_REQUEST_S},
    {"a dripping request line",     EMULATOR_HTTP,  BYTES("GET /"),       BYTES("x"),   HTTP_REQUEST_S},
    {"a dripping head",             EMULATOR_HTTP,  BYTES(HEAD_BEGIN),    BYTES("x"),   HTTP_REQUEST_S},
    {"a dripping body",             EMULATOR_HTTP,  BYTES(BODY_BEGIN),    BYTES("x"),   HTTP_REQUEST_S},
    {"half a WebSocket handshake",  EMULATOR_HTTP,  BYTES(UPGRADE_BEGIN), NOTHING,      HTTP_REQUEST_S},
    {"silence to MQTT",             EMULATOR_MQTT,  NOTHING,              NOTHING,      MQTT_CONNECT_ARRIVAL_S},
    {"a dripping CONNECT",          EMULATOR_MQTT,  BYTES(CONNECT_BEGIN), BYTES("x"),   MQTT_CONNECT_ARRIVAL_S},
};
// clang-format on

struct slow_peer {
    const struct peer_plan *plan;
    struct line line;
    bool is_over;
};

/* Whether the emulator has hung up; an answer may come before. */
static bool is_over(struct slow_peer *peer, bool drips)
{
    if (drips && peer->plan->drip.len != 0 && !line_send(&peer->line, peer->plan->drip)) {
        return true;
    }
    return !line_take(&peer->line);
}

static bool watch(struct slow_peer *peer, int64_t lasted_ms, bool drips)
{
    int64_t allowed_ms = (int64_t)peer->plan->allowed_s * SECOND_MS;
    if (is_over(peer, drips)) {
        print_message("%s was ended after %d ms\n", peer->plan->name, (int)lasted_ms);
        peer->is_over = true;
        assert_true(lasted_ms > allowed_ms / 2);
    } else if (lasted_ms > allowed_ms + SLACK_MS) {
        fail_msg("%s still goes on after %d ms", peer->plan->name, (int)lasted_ms);
    }
    return peer->is_over;
}

/* The upgrade is done, and then nothing, or pings only. */
static void open_websockets(struct ws_peer peers[2], const struct emulator *e)
{
    for (int i = 0; i < 2; i++) {
        ws_peer_open(&peers[i], e);
    }
}

static void slow_peers_are_put_out_in_time(void **state)
{
    struct emulator e;
    struct slow_peer peers[ARRAY_LEN(plans)];
    struct ws_peer sockets[2];
    size_t n_left = ARRAY_LEN(plans);
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS("--in-memory", "--log-level", "warning"));
    int64_t begin_ms = scene_now_ms();
    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        peers[i] = (struct slow_peer){.plan = &plans[i]};
        line_open(&peers[i].line, e.ports[plans[i].port]);
        assert_true(line_send(&peers[i].line, plans[i].at_once));
    }
    open_websockets(sockets, &e);
    int64_t drip_ms = begin_ms;
    while (n_left != 0) {
        bool drips = scene_now_ms() >= drip_ms;
        drip_ms += drips ? DRIP_MS : 0;
        for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
            if (!peers[i].is_over && watch(&peers[i], scene_now_ms() - begin_ms, drips)) {
                n_left--;
            }
        }
        if (drips) {
            (void)ws_peer_send(&sockets[1], WS_FIN | WS_PING, SLICE(""));
        }
        (void)scene_turn(e.scene, scene_now_ms() + DRIP_MS / 10);
    }
    /* A CONNECT was awaited of them as long; the first says nothing before its close. */
    ws_peer_expect_close(&sockets[0], 1000);
    for (int i = 0; i < 2; i++) {
        ws_peer_close(&sockets[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        line_close(&peers[i].line);
    }
    emulator_stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(slow_peers_are_put_out_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
