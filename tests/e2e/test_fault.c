/*
 * Faults that a device asks for, as its socket sees them: a reset without a word, or an end in
 * good order.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "e2e/mqtt_peer.h"
#include "e2e/ws_peer.h"
#include "iothub/connection_string.h"
#include "iothub/json.h"
#include "iothub/sas_token.h"

#define EVENTS  "devices/d1/messages/events/"
#define REQUEST EVENTS "AzIoTHub_FaultOperationDelayInSecs=0.2&AzIoTHub_FaultOperationType="

enum {
    TEXT_MAX_BYTES = 4096,
    NORMAL = 1000,
};

static void begin(struct emulator *e, void **state, char connection_string[EMULATOR_TEXT_SIZE])
{
    emulator_init(e, *state);
    emulator_start(e, TEXTS("--in-memory"));
    device_create(e, "d1", connection_string);
}

static SSL_CTX *client_context(const struct emulator *e)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(context);
    assert_int_equal(SSL_CTX_load_verify_file(context, e->ca_file), 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}

/* ---- how connections end ---- */

enum ending {
    FINISHED, /* TCP's end, and TLS's before it */
    CUT,      /* TCP's end without TLS's */
    RESET,
};

static void wait_readable(const struct line *line)
{
    struct pollfd fd = {.fd = line->fd, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, SCENE_DEADLINE_MS), 1);
}

static enum ending end_of_tcp(const struct line *line)
{
    char byte = 0;
    wait_readable(line);
    ssize_t n = recv(line->fd, &byte, 1, 0);
    assert_true(n <= 0);
    if (n < 0) {
        assert_int_equal(errno, ECONNRESET);
    }
    return n == 0 ? FINISHED : RESET;
}

static enum ending end_of_tls(const struct line *line)
{
    char byte = 0;
    int what = SSL_ERROR_WANT_READ;
    while (what == SSL_ERROR_WANT_READ) {
        wait_readable(line);
        errno = 0;
        int n = SSL_read(line->tls, &byte, 1);
        assert_true(n <= 0);
        what = SSL_get_error(line->tls, n);
    }
    if (what == SSL_ERROR_ZERO_RETURN) {
        return end_of_tcp(line);
    }
    return errno == ECONNRESET ? RESET : CUT;
}

/* Nothing may come before it. */
static void expect_ending(const struct line *line, enum ending wanted)
{
    assert_int_equal(line->in.len, 0);
    assert_int_equal(line->tls == NULL ? end_of_tcp(line) : end_of_tls(line), wanted);
}

/* ---- MQTT ---- */

static void open_mqtt(struct mqtt_peer *peer, const struct emulator *e, bool is_secure,
                      const char *connection_string)
{
    struct mqtt_packet packet;
    struct buf bytes = {.cap = TEXT_MAX_BYTES};
    *peer = (struct mqtt_peer){0};
    line_open(&peer->line, e->ports[is_secure ? EMULATOR_MQTTS : EMULATOR_MQTT]);
    if (is_secure) {
        SSL_CTX *context = client_context(e);
        line_secure(&peer->line, context);
        SSL_CTX_free(context);
    }
    mqtt_peer_put_connect(&bytes, connection_string);
    assert_true(line_send(&peer->line, buf_slice(&bytes)));
    mqtt_peer_expect(peer, MQTT_CONNACK, &packet);
    assert_int_equal(packet.connack.code, MQTT_CONNACK_ACCEPTED);
    assert_false(mqtt_peer_look(peer, &packet));
    buf_finish(&bytes);
}

/* Connect, ask for the fault, see it, and come back. */
static void check_mqtt(void **state, bool is_secure, const char *request, enum ending ending)
{
    struct emulator e;
    struct mqtt_peer peer;
    struct mqtt_packet packet;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    for (int i = 0; i < 2; i++) {
        open_mqtt(&peer, &e, is_secure, connection_string);
        assert_int_not_equal(mqtt_peer_publish(&peer, request, "x"), 0);
        expect_ending(&peer.line, ending);
        mqtt_peer_close(&peer);
    }
    open_mqtt(&peer, &e, is_secure, connection_string);
    mqtt_peer_publish(&peer, EVENTS, "recovered");
    mqtt_peer_expect(&peer, MQTT_PUBACK, &packet);
    mqtt_peer_close(&peer);
    emulator_stop(&e);
}

static void killed_tcp_is_reset(void **state)
{
    check_mqtt(state, false, REQUEST "KillTcp", RESET);
}

static void killed_tls_is_reset_without_an_alert(void **state)
{
    check_mqtt(state, true, REQUEST "KillTcp", RESET);
}

static void shut_down_tcp_is_finished(void **state)
{
    check_mqtt(state, false, REQUEST "ShutDownMqtt", FINISHED);
}

static void shut_down_tls_says_goodbye(void **state)
{
    check_mqtt(state, true, REQUEST "ShutDownMqtt", FINISHED);
}

static void invoked_error_finishes(void **state)
{
    check_mqtt(state, true, REQUEST "InvokeThrottling", FINISHED);
}

/* ---- WebSockets ---- */

static void open_websocket(struct ws_peer *peer, const struct emulator *e, bool is_secure,
                           const char *connection_string)
{
    ws_peer_dial(peer, e->ports[is_secure ? EMULATOR_HTTPS : EMULATOR_HTTP]);
    if (is_secure) {
        SSL_CTX *context = client_context(e);
        line_secure(&peer->line, context);
        SSL_CTX_free(context);
    }
    ws_peer_upgrade(peer);
    ws_peer_connect(peer, connection_string);
    buf_drop(&peer->line.in, peer->n_read);
    peer->n_read = 0;
}

static void send_request(struct ws_peer *peer, const char *request)
{
    struct buf packet = {.cap = TEXT_MAX_BYTES};
    mqtt_put_publish(&packet, &(struct mqtt_publish){.topic = slice_of(request),
                                                     .payload = SLICE("x"),
                                                     .packet_id = 7,
                                                     .qos = 1});
    assert_true(ws_peer_send(peer, WS_FIN | WS_BINARY, buf_slice(&packet)));
    buf_finish(&packet);
}

/* With a second client on the line, which is not to notice anything. */
static void check_killed_websocket(void **state, bool is_secure)
{
    struct emulator e;
    struct ws_peer other;
    struct ws_peer peer;
    char connection_string[EMULATOR_TEXT_SIZE];
    char others[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    device_create(&e, "d2", others);
    open_websocket(&other, &e, is_secure, others);
    for (int i = 0; i < 3; i++) {
        open_websocket(&peer, &e, is_secure, connection_string);
        send_request(&peer, REQUEST "KillTcp");
        expect_ending(&peer.line, RESET);
        ws_peer_close(&peer);
    }
    ws_peer_send(&other, WS_FIN | WS_PING, SLICE("still there?"));
    ws_peer_expect(&other, WS_PONG, SLICE("still there?"));
    ws_peer_close(&other);
    emulator_stop(&e);
}

static void killed_websocket_is_reset_without_a_close_frame(void **state)
{
    check_killed_websocket(state, false);
}

static void killed_secure_websocket_is_reset_without_a_close_frame(void **state)
{
    check_killed_websocket(state, true);
}

static void check_shut_down_websocket(void **state, bool is_secure)
{
    struct emulator e;
    struct ws_peer peer;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    open_websocket(&peer, &e, is_secure, connection_string);
    send_request(&peer, REQUEST "ShutDownMqtt");
    ws_peer_expect_close(&peer, NORMAL);
    buf_drop(&peer.line.in, peer.n_read);
    ws_peer_send(&peer, WS_FIN | WS_CLOSE, SLICE("\x03\xe8"));
    expect_ending(&peer.line, FINISHED);
    ws_peer_close(&peer);
    emulator_stop(&e);
}

static void shut_down_websocket_has_a_close_frame(void **state)
{
    check_shut_down_websocket(state, false);
}

static void shut_down_secure_websocket_has_a_close_frame(void **state)
{
    check_shut_down_websocket(state, true);
}

/* ---- HTTP ---- */

static void put_token(struct buf *out, const char *connection_string)
{
    struct connection_string cs;
    struct buf resource = {.cap = TEXT_MAX_BYTES};
    int64_t now_s = clock_read(&(struct clock){0}).at_ms / 1000;
    assert_true(connection_string_parse(slice_of(connection_string), CONNECTION_STRING_DEVICE,
                                        NULL, &cs));
    buf_putf(&resource, "%s/devices/%s", cs.host_name, cs.device_id);
    assert_true(sas_token_write(out, buf_slice(&resource), slice_of(cs.shared_access_key),
                                SLICE(""), now_s + 3600));
    buf_finish(&resource);
    connection_string_finish(&cs);
}

/* A request with the fault, and the status of its answer. */
static int post_fault(struct line *line, const char *connection_string, const char *type)
{
    int64_t status = 0;
    struct buf text = {.cap = TEXT_MAX_BYTES};
    buf_put_text(&text, "POST /devices/d1/messages/events?api-version=2021-04-12 HTTP/1.1\r\n"
                        "Host: 127.0.0.1\r\nContent-Length: 1\r\nAuthorization: ");
    put_token(&text, connection_string);
    buf_putf(&text, "\r\niothub-app-AzIoTHub_FaultOperationType: %s\r\n\r\nx", type);
    assert_true(line_send(line, buf_slice(&text)));
    buf_finish(&text);
    buf_reset(&line->in);
    while (line->in.len == 0 || strstr(buf_text(&line->in), "\r\n\r\n") == NULL) {
        assert_true(line_receive(line));
    }
    const struct slice version = SLICE("HTTP/1.1 ");
    struct slice answer = buf_slice(&line->in);
    assert_true(slice_starts_with(answer, version));
    assert_true(slice_to_i64(slice_make(answer.data + version.len, 3), &status));
    return (int)status;
}

static void refused_https_requests_leave_the_connection(void **state)
{
    struct emulator e;
    struct line line;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    SSL_CTX *context = client_context(&e);
    line_open(&line, e.ports[EMULATOR_HTTPS]);
    line_secure(&line, context);
    SSL_CTX_free(context);
    assert_int_equal(post_fault(&line, connection_string, "InvokeThrottling"), 429);
    assert_int_equal(post_fault(&line, connection_string, "InvokeMaxMessageQuota"), 403);
    assert_non_null(strstr(buf_text(&line.in), "IotHubQuotaExceeded"));
    assert_int_equal(post_fault(&line, connection_string, "InvokeAuthError"), 401);
    assert_int_equal(post_fault(&line, connection_string, "KillTcp"), 204);
    line_close(&line);
    emulator_stop(&e);
}

/* ---- the switch ---- */

static void without_fault_injection_nothing_breaks(void **state)
{
    struct emulator e;
    struct mqtt_peer peer;
    struct mqtt_packet packet;
    struct line line;
    char connection_string[EMULATOR_TEXT_SIZE];
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS("--in-memory", "--no-fault-injection"));
    device_create(&e, "d1", connection_string);
    mqtt_peer_open(&peer, &e, connection_string);
    mqtt_peer_publish(&peer, EVENTS "AzIoTHub_FaultOperationType=KillTcp", "x");
    mqtt_peer_expect(&peer, MQTT_PUBACK, &packet);
    mqtt_peer_publish(&peer, EVENTS, "y");
    mqtt_peer_expect(&peer, MQTT_PUBACK, &packet);
    mqtt_peer_close(&peer);
    line_open(&line, e.ports[EMULATOR_HTTP]);
    assert_int_equal(post_fault(&line, connection_string, "InvokeThrottling"), 204);
    line_close(&line);
    emulator_stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(killed_tcp_is_reset),
        SCENE_TEST(killed_tls_is_reset_without_an_alert),
        SCENE_TEST(shut_down_tcp_is_finished),
        SCENE_TEST(shut_down_tls_says_goodbye),
        SCENE_TEST(invoked_error_finishes),
        SCENE_TEST(killed_websocket_is_reset_without_a_close_frame),
        SCENE_TEST(killed_secure_websocket_is_reset_without_a_close_frame),
        SCENE_TEST(shut_down_websocket_has_a_close_frame),
        SCENE_TEST(shut_down_secure_websocket_has_a_close_frame),
        SCENE_TEST(refused_https_requests_leave_the_connection),
        SCENE_TEST(without_fault_injection_nothing_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
