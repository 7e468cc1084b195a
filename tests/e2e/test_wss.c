/*
 * MQTT over WebSockets with TLS, where the HTTP library carries the bytes between two sockets.
 */
#include "e2e/ws_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "e2e/http_peer.h"
#include "e2e/mqtt_peer.h"
#include "iothub/json.h"

#define EVENTS "devices/d1/messages/events/"

enum {
    PACKETS_MAX_BYTES = 16 * 1024 * 1024,
    PAYLOAD_BYTES = 255 * 1024,
    PUBLISHES = 24,
    NORMAL = 1000,
};

static void begin(struct emulator *e, void **state, char connection_string[EMULATOR_TEXT_SIZE])
{
    emulator_init(e, *state);
    emulator_start(e, TEXTS("--in-memory"));
    device_create(e, "d1", connection_string);
}

/* A WebSocket over TLS, the emulator's certificate being checked. */
static void open_secure(struct ws_peer *peer, const struct emulator *e)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(context);
    assert_int_equal(SSL_CTX_load_verify_file(context, e->ca_file), 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    ws_peer_dial(peer, e->ports[EMULATOR_HTTPS]);
    line_secure(&peer->line, context);
    SSL_CTX_free(context);
    ws_peer_upgrade(peer);
}

static void conversation_ends_well(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    struct mqtt_packet packet;
    struct buf packets = {.cap = PACKETS_MAX_BYTES};
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    open_secure(&peer, &e);
    ws_peer_connect(&peer, connection_string);
    mqtt_put_publish(&packets, &(struct mqtt_publish){.topic = SLICE(EVENTS),
                                                      .payload = SLICE("one"),
                                                      .packet_id = 7,
                                                      .qos = 1});
    mqtt_put_simple(&packets, MQTT_DISCONNECT);
    ws_peer_send(&peer, WS_FIN | WS_BINARY, buf_slice(&packets));
    ws_peer_expect_packet(&peer, MQTT_PUBACK, &packet);
    assert_int_equal(packet.packet_id, 7);
    ws_peer_expect_close(&peer, NORMAL);
    ws_peer_send(&peer, WS_FIN | WS_CLOSE, SLICE("\x03\xe8"));
    ws_peer_expect_end(&peer);
    ws_peer_close(&peer);
    buf_finish(&packets);
    emulator_stop(&e);
}

static void much_is_carried_up(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    struct mqtt_packet packet;
    static char payload[PAYLOAD_BYTES];
    struct buf packets = {.cap = PACKETS_MAX_BYTES};
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    open_secure(&peer, &e);
    ws_peer_connect(&peer, connection_string);
    for (int i = 1; i <= PUBLISHES; i++) {
        buf_reset(&packets);
        mqtt_put_publish(&packets,
                         &(struct mqtt_publish){.topic = SLICE(EVENTS),
                                                .payload = slice_make(payload, sizeof(payload)),
                                                .packet_id = (uint16_t)i,
                                                .qos = 1});
        assert_true(ws_peer_send(&peer, WS_FIN | WS_BINARY, buf_slice(&packets)));
    }
    for (int i = 1; i <= PUBLISHES; i++) {
        ws_peer_expect_packet(&peer, MQTT_PUBACK, &packet);
        assert_int_equal(packet.packet_id, i);
    }
    ws_peer_close(&peer);
    buf_finish(&packets);
    emulator_stop(&e);
}

/* What a service is told of the device. */
static void expect_state(struct emulator *e, const char *state)
{
    struct http_peer service;
    struct http_reply reply;
    char wanted[64];
    bool is_so = false;
    snprintf(wanted, sizeof(wanted), "\"connectionState\":\"%s\"", state);
    http_peer_open(&service, e);
    for (int64_t until_ms = scene_now_ms() + SCENE_DEADLINE_MS;
         !is_so && scene_now_ms() < until_ms;) {
        assert_true(http_peer_send(&service, "GET", "/devices/d1", NULL));
        assert_true(http_peer_receive(&service, &reply));
        is_so = memmem(reply.body.data, reply.body.len, wanted, strlen(wanted)) != NULL;
    }
    http_peer_close(&service);
    assert_true(is_so);
}

static void client_that_vanishes_is_noticed(void **state)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct emulator e;
    struct ws_peer peer;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    for (int i = 0; i < 3; i++) {
        open_secure(&peer, &e);
        ws_peer_connect(&peer, connection_string);
        expect_state(&e, "Connected");
        if (i == 0) {
            SSL_shutdown(peer.line.tls); /* with TLS's goodbye; then without; then by a reset */
        } else if (i == 2) {
            assert_int_equal(
                setsockopt(peer.line.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
        }
        ws_peer_close(&peer);
        expect_state(&e, "Disconnected");
    }
    emulator_stop(&e);
}

static void what_came_before_the_client_vanished_counts(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    struct http_peer service;
    struct http_reply reply;
    struct buf packet = {.cap = PACKETS_MAX_BYTES};
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    open_secure(&peer, &e);
    ws_peer_connect(&peer, connection_string);
    for (int i = 0; i < 1000; i++) {
        mqtt_put_publish(&packet, &(struct mqtt_publish){.topic = SLICE(EVENTS),
                                                         .payload = SLICE("counted")});
    }
    assert_true(ws_peer_send(&peer, WS_FIN | WS_BINARY, buf_slice(&packet)));
    ws_peer_close(&peer);
    expect_state(&e, "Disconnected");
    http_peer_open(&service, &e);
    assert_true(http_peer_send(&service, "GET", "/_emulator/events?after=999&x", NULL));
    assert_true(http_peer_receive(&service, &reply));
    assert_int_equal(reply.status, 200);
    json_t *events = json_parse(reply.body, NULL);
    assert_int_equal(json_array_size(events), 1);
    json_decref(events);
    http_peer_close(&service);
    buf_finish(&packet);
    emulator_stop(&e);
}

static void emulator_ends_with_clients_on_the_line(void **state)
{
    struct emulator e;
    struct ws_peer peers[8];
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    for (size_t i = 0; i < 8; i++) {
        open_secure(&peers[i], &e);
    }
    ws_peer_connect(&peers[7], connection_string);
    emulator_stop(&e);
    for (size_t i = 0; i < 8; i++) {
        ws_peer_expect_end(&peers[i]);
        ws_peer_close(&peers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(conversation_ends_well),
        SCENE_TEST(much_is_carried_up),
        SCENE_TEST(client_that_vanishes_is_noticed),
        SCENE_TEST(what_came_before_the_client_vanished_counts),
        SCENE_TEST(emulator_ends_with_clients_on_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
