/*
 * Many requests on one connection, and peers that are slow, silent or gone: nobody waits for
 * them.
 */
#include "e2e/emulator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"
#include "e2e/http_peer.h"
#include "e2e/mqtt_peer.h"

enum {
    REQUESTS = 1000,
    PIPELINED = 100,
    SILENT = 50, /* connections to each port, of each kind */
    FLOOD_BYTES = 4 * 1024 * 1024,
};

static void begin(struct emulator *e, void **state)
{
    emulator_init(e, *state);
    emulator_start(e, TEXTS("--in-memory"));
}

/* ---- one connection ---- */

static void many_requests_share_a_connection(void **state)
{
    struct emulator e;
    struct http_peer peer;
    char path[64];
    begin(&e, state);
    http_peer_open(&peer, &e);
    for (int i = 0; i < REQUESTS / 4; i++) {
        snprintf(path, sizeof(path), "/devices/d%d", i);
        http_peer_ask(&peer, "PUT", path, "{}", 200);
        http_peer_ask(&peer, "GET", path, NULL, 200);
        http_peer_ask(&peer, "POST", "/devices/query", "{\"query\":\"SELECT nonsense\"}", 400);
        http_peer_ask(&peer, "DELETE", path, NULL, 204);
    }
    http_peer_close(&peer);
    emulator_stop(&e);
}

static void requests_that_are_sent_ahead_are_answered_in_order(void **state)
{
    struct emulator e;
    struct http_peer peer;
    struct http_reply reply;
    char path[64];
    char body[64];
    begin(&e, state);
    http_peer_open(&peer, &e);
    for (int i = 0; i < PIPELINED; i++) {
        snprintf(path, sizeof(path), "/devices/d%d", i);
        snprintf(body, sizeof(body), "{\"deviceId\":\"d%d\"}", i);
        assert_true(http_peer_send(&peer, "PUT", path, body));
    }
    for (int i = 0; i < PIPELINED; i++) {
        snprintf(body, sizeof(body), "{\"deviceId\":\"d%d\",", i);
        assert_true(http_peer_receive(&peer, &reply));
        assert_int_equal(reply.status, 200);
        assert_true(slice_starts_with(reply.body, slice_of(body)));
    }
    http_peer_close(&peer);
    emulator_stop(&e);
}

static void connection_stays_open_while_a_request_of_it_waits(void **state)
{
    struct emulator e;
    struct http_peer waiting;
    struct http_peer other;
    struct http_reply reply;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    http_peer_open(&waiting, &e);
    http_peer_open(&other, &e);
    assert_true(http_peer_send(&waiting, "POST", "/twins/d1/methods",
                               "{\"methodName\":\"lockDoor\",\"connectTimeoutInSeconds\":60,"
                               "\"responseTimeoutInSeconds\":60}"));
    for (int i = 0; i < PIPELINED; i++) {
        http_peer_ask(&other, "GET", "/twins/d1", NULL, 200);
    }
    device_play(&e, connection_string, TEXTS(NULL));
    assert_true(http_peer_receive(&waiting, &reply));
    assert_int_equal(reply.status, 200);
    http_peer_ask(&waiting, "GET", "/twins/d1", NULL, 200);
    http_peer_close(&waiting);
    http_peer_close(&other);
    emulator_stop(&e);
}

static void request_whose_client_has_left_is_forgotten(void **state)
{
    struct emulator e;
    begin(&e, state);
    service_run(&e, TEXTS("device", "create", "d1"));
    for (int i = 0; i < PIPELINED; i++) {
        struct http_peer peer;
        http_peer_open(&peer, &e);
        assert_true(
            http_peer_send(&peer, "POST", "/twins/d1/methods",
                           "{\"methodName\":\"lockDoor\",\"connectTimeoutInSeconds\":60,"
                           "\"responseTimeoutInSeconds\":60}"));
        http_peer_close(&peer);
    }
    service_run(&e, TEXTS("device", "get", "d1"));
    emulator_stop(&e);
}

/* ---- the silent ---- */

/* What a connection says before it falls silent. */
static const struct {
    enum emulator_port port;
    struct slice says;
} silences[] = {
    {EMULATOR_MQTTS, {NULL, 0}                                     },
    {EMULATOR_HTTPS, {NULL, 0}                                     },
    {EMULATOR_MQTT,  {NULL, 0}                                     },
    {EMULATOR_HTTP,  {NULL, 0}                                     },
    {EMULATOR_MQTTS, {"\x16\x03\x01\x02\x00\x01", 6}               }, /* a ClientHello's begin */
    {EMULATOR_HTTPS, {"\x16\x03\x01\x02\x00\x01", 6}               },
    {EMULATOR_MQTT,  {"\x10\x40\x00\x04MQTT\x04", 9}               }, /* a CONNECT's begin */
    {EMULATOR_HTTP,  {"POST /devices/query HTTP/1.1\r\nHost: ", 36}},
    {EMULATOR_HTTP,
     {"PUT /devices/x?api-version=2021-04-12 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
      "Content-Length: 100\r\n\r\n{",
      89}                                                          },
};

static struct line *open_silent(const struct emulator *e)
{
    struct line *lines = mem_array(ARRAY_LEN(silences) * SILENT, sizeof(*lines));
    for (size_t i = 0; i < ARRAY_LEN(silences) * SILENT; i++) {
        line_open(&lines[i], e->ports[silences[i / SILENT].port]);
        assert_true(line_send(&lines[i], silences[i / SILENT].says));
    }
    return lines;
}

static void close_silent(struct line *lines)
{
    for (size_t i = 0; i < ARRAY_LEN(silences) * SILENT; i++) {
        line_close(&lines[i]);
    }
    free(lines);
}

static void play_tutorial(struct emulator *e, const char *connection_string)
{
    struct process *device =
        device_play(e, connection_string,
                    TEXTS("--exit-after-methods", "1", "--exit-after-patches", "1",
                          "--telemetry-every", "0.1"));
    service_run(e, TEXTS("schedule-jobs", "--device-id", "d1", "--method-wait", "0.5",
                         "--twin-wait", "0", "--poll-every", "0.2"));
    process_end_with(device, 0);
}

static void silent_connections_keep_nobody_waiting(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    struct line *lines = open_silent(&e);
    device_create(&e, "d1", connection_string);
    play_tutorial(&e, connection_string);
    service_run(&e, TEXTS("twin", "get", "d1", "--plain"));
    /* And they are no burden at the end. */
    emulator_stop(&e);
    close_silent(lines);
}

static void connections_that_break_off_in_between_do_no_harm(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    close_silent(open_silent(&e));
    device_create(&e, "d1", connection_string);
    play_tutorial(&e, connection_string);
    emulator_stop(&e);
}

/* ---- those that talk, but not sense ---- */

static void expect_hung_up(const struct emulator *e, enum emulator_port port, struct slice says)
{
    struct line line;
    line_open(&line, e->ports[port]);
    (void)line_send(&line, says);
    while (line_receive(&line)) {
    }
    line_close(&line);
}

static void nonsense_ends_the_connection(void **state)
{
    struct emulator e;
    begin(&e, state);
    struct slice web = SLICE("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_hung_up(&e, EMULATOR_MQTT, web);
    expect_hung_up(&e, EMULATOR_MQTTS, web);
    expect_hung_up(&e, EMULATOR_HTTPS, web);
    expect_hung_up(&e, EMULATOR_HTTP, SLICE("\x10\x02\x00\x00\r\n\r\n"));
    expect_hung_up(&e, EMULATOR_MQTT, SLICE("\xc0\x00")); /* PINGREQ before CONNECT */
    service_run(&e, TEXTS("device", "create", "d1"));
    emulator_stop(&e);
}

static void body_that_is_too_large_is_refused(void **state)
{
    struct emulator e;
    struct http_reply reply;
    struct http_peer peer;
    begin(&e, state);
    http_peer_open(&peer, &e);
    struct buf request = {.cap = BUF_CAP_OWN};
    buf_put_text(&request, "PUT /devices/d1?api-version=2021-04-12 HTTP/1.1\r\n");
    buf_put_slice(&request, buf_slice(&peer.head));
    buf_putf(&request, "Content-Length: %d\r\n\r\n", FLOOD_BYTES);
    memset(buf_extend(&request, FLOOD_BYTES), ' ', FLOOD_BYTES);
    assert_true(line_send(&peer.line, buf_slice(&request)));
    buf_finish(&request);
    assert_true(http_peer_receive(&peer, &reply));
    assert_int_equal(reply.status, 413);
    http_peer_ask(&peer, "PUT", "/devices/d1", "{}", 200);
    http_peer_close(&peer);
    emulator_stop(&e);
}

static void device_that_sends_too_large_a_packet_is_put_out(void **state)
{
    struct emulator e;
    struct mqtt_peer peer;
    struct mqtt_packet packet;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    mqtt_peer_open(&peer, &e, connection_string);
    struct buf flood = {.cap = BUF_CAP_OWN};
    char *payload = mem_alloc(FLOOD_BYTES);
    mqtt_put_publish(&flood,
                     &(struct mqtt_publish){.topic = SLICE("devices/d1/messages/events/"),
                                            .payload = slice_make(payload, FLOOD_BYTES),
                                            .packet_id = 1,
                                            .qos = 1});
    free(payload);
    (void)line_send(&peer.line, buf_slice(&flood));
    buf_finish(&flood);
    assert_false(mqtt_peer_next(&peer, &packet));
    mqtt_peer_close(&peer);
    play_tutorial(&e, connection_string);
    emulator_stop(&e);
}

/* More than the sockets hold: it has to be kept by the emulator, up to a limit. */
static void device_that_does_not_read_is_put_out(void **state)
{
    struct emulator e;
    struct mqtt_peer deaf;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    service_run(&e, TEXTS("twin", "update", "d1", "--desired",
                          "{\"text\":\"so that answers are longer than questions\"}"));
    mqtt_peer_open(&deaf, &e, connection_string);
    mqtt_peer_subscribe(&deaf, "$iothub/twin/res/#");
    struct buf questions = {.cap = BUF_CAP_OWN};
    for (int i = 0; i < 1000; i++) {
        mqtt_put_publish(&questions,
                         &(struct mqtt_publish){.topic = SLICE("$iothub/twin/GET/?$rid=1")});
    }
    size_t n_sent = 0;
    while (n_sent < (size_t)64 * FLOOD_BYTES && line_send(&deaf.line, buf_slice(&questions))) {
        n_sent += questions.len;
        if (process_says(e.process, PROCESS_ERR, "d1: closing")) {
            break;
        }
        (void)scene_turn(e.scene, scene_now_ms());
    }
    buf_finish(&questions);
    process_wait_for(e.process, PROCESS_ERR, "d1: closing the connection");
    mqtt_peer_close(&deaf);
    play_tutorial(&e, connection_string);
    emulator_stop(&e);
}

static void no_more_connections_are_served_than_allowed(void **state)
{
    struct emulator e;
    struct mqtt_peer peers[3];
    struct line refused;
    char connection_strings[3][EMULATOR_TEXT_SIZE];
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS("--in-memory", "--max-connections", "3"));
    for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
        char id[8];
        snprintf(id, sizeof(id), "d%zu", i);
        device_create(&e, id, connection_strings[i]);
        mqtt_peer_open(&peers[i], &e, connection_strings[i]);
    }
    line_open(&refused, e.ports[EMULATOR_MQTT]);
    /* CONNACK, "the service is unavailable". */
    assert_true(line_receive(&refused));
    assert_memory_equal(buf_text(&refused.in), "\x20\x02\x00\x03", 4);
    assert_false(line_receive(&refused));
    line_close(&refused);
    process_wait_for(e.process, PROCESS_ERR, "--max-connections");
    /* Back ends are counted by themselves. */
    service_run(&e, TEXTS("device", "get", "d1"));
    for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
        mqtt_peer_close(&peers[i]);
    }
    emulator_stop(&e);
}

/* Descriptors that leave room for so many connections, beside the emulator's own. */
static void start_with_room(struct emulator *e, size_t n, const char *const options[])
{
    e->n_descriptors = 64 + n;
    emulator_start(e, options);
}

static void connections_are_as_many_as_descriptors_allow_and_nothing_is_said_of_it(void **state)
{
    struct emulator e;
    struct line lines[3];
    emulator_init(&e, *state);
    start_with_room(&e, ARRAY_LEN(lines) - 1, TEXTS("--in-memory"));
    assert_false(process_says(e.process, PROCESS_ERR, "warn"));
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        line_open(&lines[i], e.ports[EMULATOR_MQTT]);
    }
    process_wait_for(e.process, PROCESS_ERR, "there are 2 already");
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        line_close(&lines[i]);
    }
    emulator_stop(&e);
}

static void
more_connections_than_descriptors_allow_are_a_warning_to_who_wants_them(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    start_with_room(&e, 100, TEXTS("--in-memory", "--max-connections", "101"));
    process_wait_for(e.process, PROCESS_ERR,
                     "the system allows 100 connections, not the 101 of --max-connections");
    emulator_stop(&e);
    start_with_room(&e, 100, TEXTS("--in-memory", "--max-connections", "100"));
    assert_false(process_says(e.process, PROCESS_ERR, "warn"));
    emulator_stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(many_requests_share_a_connection),
        SCENE_TEST(requests_that_are_sent_ahead_are_answered_in_order),
        SCENE_TEST(connection_stays_open_while_a_request_of_it_waits),
        SCENE_TEST(request_whose_client_has_left_is_forgotten),
        SCENE_TEST(silent_connections_keep_nobody_waiting),
        SCENE_TEST(connections_that_break_off_in_between_do_no_harm),
        SCENE_TEST(nonsense_ends_the_connection),
        SCENE_TEST(body_that_is_too_large_is_refused),
        SCENE_TEST(device_that_sends_too_large_a_packet_is_put_out),
        SCENE_TEST(device_that_does_not_read_is_put_out),
        SCENE_TEST(no_more_connections_are_served_than_allowed),
        SCENE_TEST(connections_are_as_many_as_descriptors_allow_and_nothing_is_said_of_it),
        SCENE_TEST(more_connections_than_descriptors_allow_are_a_warning_to_who_wants_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
