/*
 * What peers can make grow, up to its limit and beyond, on real sockets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/mem.h"
#include "e2e/http_peer.h"
#include "e2e/mqtt_peer.h"
#include "gateway/mqtt_session.h"
#include "iothub/limits.h"
#include "query/query.h"
#include "reliability/watch.h"

enum {
    LINES_MAX = 160,
    DESCRIPTORS_LEFT = 8,
    WATCHED_MS = 1500,
    CPU_MS_MAX = 150, /* of it; a loop that spins takes all */
    REFUSED = 200,
    BODIES = LIMIT_HTTP_BODIES_BYTES / LIMIT_HTTP_BODY_BYTES + 8,
    PATH_SIZE = 64,
    TEXT_SIZE = 256,
};

static void begin(struct emulator *e, void **state)
{
    emulator_init(e, *state);
    emulator_start(e, TEXTS("--in-memory", "--log-level", "warning"));
}

static void expect_device_served(struct mqtt_peer *device)
{
    struct mqtt_packet packet;
    uint16_t id = mqtt_peer_publish(device, "devices/d1/messages/events/", "{}");
    mqtt_peer_expect(device, MQTT_PUBACK, &packet);
    assert_int_equal(packet.packet_id, id);
}

/* ---- connections ---- */

static void limit_descriptors(const struct process *process, rlim_t n)
{
    struct rlimit limit;
    assert_int_equal(prlimit(process->pid, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = n;
    assert_int_equal(prlimit(process->pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* Devices take all that is left before others come. */
static void open_lines(struct emulator *e, struct line lines[LINES_MAX])
{
    for (int i = 0; i < LINES_MAX / 2; i++) {
        line_open(&lines[i], e->ports[EMULATOR_MQTT]);
    }
    process_wait_for(e->process, PROCESS_ERR, "cannot accept connections");
    for (int i = LINES_MAX / 2; i < LINES_MAX; i++) {
        line_open(&lines[i], e->ports[i % EMULATOR_PORTS]);
    }
}

static void close_lines(struct line lines[LINES_MAX])
{
    for (int i = 0; i < LINES_MAX; i++) {
        line_close(&lines[i]);
    }
}

static void wait_ms(struct scene *scene, int64_t ms)
{
    int64_t until_ms = scene_now_ms() + ms;
    while (scene_turn(scene, until_ms) || scene_now_ms() < until_ms) {
    }
}

static void lack_of_descriptors_neither_spins_nor_kills_and_passes(void **state)
{
    struct emulator e;
    struct mqtt_peer device;
    struct http_peer peer;
    static struct line lines[LINES_MAX];
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    mqtt_peer_open(&device, &e, connection_string);
    pid_t pid = e.process->pid;
    limit_descriptors(e.process, (rlim_t)watch_descriptors(pid) + DESCRIPTORS_LEFT);
    open_lines(&e, lines);
    int64_t before_ms = watch_cpu_ms(pid);
    wait_ms(e.scene, WATCHED_MS);
    int64_t used_ms = watch_cpu_ms(pid) - before_ms;
    print_message("%d ms of the processor in %d ms without descriptors\n", (int)used_ms,
                  WATCHED_MS);
    assert_in_range(used_ms, 0, CPU_MS_MAX);
    expect_device_served(&device);
    /* Each port says it once. */
    assert_in_range(process_n_lines(e.process, PROCESS_ERR), 1, EMULATOR_PORTS + 1);
    close_lines(lines);
    http_peer_open(&peer, &e);
    http_peer_ask(&peer, "GET", "/devices/d1", NULL, 200);
    http_peer_close(&peer);
    mqtt_peer_close(&device);
    emulator_stop(&e);
}

static void back_end_beyond_the_limit_hears_503_and_the_log_stays_short(void **state)
{
    struct emulator e;
    struct http_peer peers[2];
    struct mqtt_peer device;
    char connection_string[EMULATOR_TEXT_SIZE];
    emulator_init(&e, *state);
    emulator_start(&e,
                   TEXTS("--in-memory", "--log-level", "warning", "--max-connections", "2"));
    device_create(&e, "d1", connection_string);
    for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
        http_peer_open(&peers[i], &e);
        http_peer_ask(&peers[i], "GET", "/devices/d1", NULL, 200);
    }
    for (int i = 0; i < REFUSED; i++) {
        struct line line;
        line_open(&line, e.ports[EMULATOR_HTTP]);
        assert_true(line_receive(&line));
        assert_true(slice_starts_with(buf_slice(&line.in), SLICE("HTTP/1.1 503 ")));
        line_close(&line);
    }
    mqtt_peer_open(&device, &e, connection_string);
    expect_device_served(&device);
    process_wait_for(e.process, PROCESS_ERR, "--max-connections");
    assert_in_range(process_n_lines(e.process, PROCESS_ERR), 1, 3);
    mqtt_peer_close(&device);
    for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
        http_peer_close(&peers[i]);
    }
    emulator_stop(&e);
}

/* ---- requests ---- */

/* The status of what this request is answered with. */
static int64_t status_of(const struct emulator *e, struct slice request)
{
    struct line line;
    int64_t status = 0;
    line_open(&line, e->ports[EMULATOR_HTTP]);
    (void)line_send(&line, request);
    while (line.in.len < strlen("HTTP/1.1 200") && line_receive(&line)) {
    }
    assert_true(slice_starts_with(buf_slice(&line.in), SLICE("HTTP/1.1 ")));
    assert_true(slice_to_i64(slice_make(line.in.data + strlen("HTTP/1.1 "), 3), &status));
    line_close(&line);
    return status;
}

static void put_many(struct buf *out, char c, size_t n)
{
    char *place = buf_extend(out, n);
    assert_non_null(place);
    memset(place, c, n);
}

static void heads_and_addresses_are_bounded(void **state)
{
    struct emulator e;
    struct buf request = {.cap = BUF_CAP_OWN};
    begin(&e, state);
    buf_put_text(&request, "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ");
    put_many(&request, 'x', LIMIT_HTTP_HEAD_BYTES);
    buf_put_text(&request, "\r\n\r\n");
    assert_int_equal(status_of(&e, buf_slice(&request)), 431);
    buf_reset(&request);
    buf_put_text(&request, "GET /");
    put_many(&request, 'x', LIMIT_HTTP_HEAD_BYTES);
    buf_put_text(&request, " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert_int_equal(status_of(&e, buf_slice(&request)), 414);
    buf_finish(&request);
    emulator_stop(&e);
}

static void send_all_but_one_byte(const struct emulator *e, struct line *line,
                                  struct slice body)
{
    struct buf head = {.cap = TEXT_SIZE};
    line_open(line, e->ports[EMULATOR_HTTP]);
    buf_putf(&head,
             "PATCH /twins/d1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %zu\r\n\r\n",
             body.len + 1);
    assert_true(line_send(line, buf_slice(&head)));
    assert_true(line_send(line, body));
    buf_finish(&head);
}

/* Nobody has authenticated, so each is refused one way or the other. */
static void bodies_of_unfinished_requests_are_bounded_in_all(void **state)
{
    struct emulator e;
    static struct line lines[BODIES];
    struct buf body = {.cap = BUF_CAP_OWN};
    int n_busy = 0;
    begin(&e, state);
    put_many(&body, 'x', LIMIT_HTTP_BODY_BYTES - 1);
    for (int i = 0; i < BODIES; i++) {
        send_all_but_one_byte(&e, &lines[i], buf_slice(&body));
    }
    for (int i = BODIES - 1; i >= 0; i--) {
        assert_true(line_send(&lines[i], SLICE("x")));
        while (lines[i].in.len < strlen("HTTP/1.1 200") && line_receive(&lines[i])) {
        }
        bool is_busy = slice_starts_with(buf_slice(&lines[i].in), SLICE("HTTP/1.1 503"));
        assert_true(is_busy ||
                    slice_starts_with(buf_slice(&lines[i].in), SLICE("HTTP/1.1 40")));
        n_busy += is_busy ? 1 : 0;
        line_close(&lines[i]);
    }
    assert_in_range(n_busy, 7, BODIES / 2);
    buf_finish(&body);
    assert_int_equal(status_of(&e, SLICE("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")),
                     200);
    emulator_stop(&e);
}

static void ask_with_nesting(struct http_peer *peer, int depth, int status)
{
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_put_text(&body, "{\"tags\":");
    for (int i = 0; i < depth; i++) {
        buf_put_text(&body, "{\"a\":");
    }
    buf_put_text(&body, "1");
    put_many(&body, '}', (size_t)depth + 1);
    http_peer_ask(peer, "PATCH", "/twins/d1", buf_text(&body), status);
    buf_finish(&body);
}

static void ask_query(struct http_peer *peer, const char *before, char c, size_t n, int status)
{
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_putf(&body, "{\"query\":\"SELECT * FROM devices WHERE %s", before);
    put_many(&body, c, n);
    buf_put_text(&body, "tags.a = 1");
    if (c == '(') {
        put_many(&body, ')', n);
    }
    buf_put_text(&body, "\"}");
    http_peer_ask(peer, "POST", "/devices/query", buf_text(&body), status);
    buf_finish(&body);
}

static void nesting_and_queries_are_bounded(void **state)
{
    struct emulator e;
    struct http_peer peer;
    begin(&e, state);
    http_peer_open(&peer, &e);
    http_peer_ask(&peer, "PUT", "/devices/d1", "{\"deviceId\":\"d1\"}", 200);
    ask_with_nesting(&peer, LIMIT_TWIN_DEPTH - 1, 200);
    ask_with_nesting(&peer, LIMIT_TWIN_DEPTH + 2, 400);
    ask_with_nesting(&peer, 10000, 400);
    ask_query(&peer, "", ' ', LIMIT_QUERY_CHARS / 2, 200);
    ask_query(&peer, "", ' ', LIMIT_QUERY_CHARS, 400);
    ask_query(&peer, "", '(', 50, 200);
    ask_query(&peer, "", '(', 101, 400);
    ask_query(&peer, "", '(', 4000, 400);
    http_peer_close(&peer);
    emulator_stop(&e);
}

/* ---- what waits for a device ---- */

static void device_has_so_many_messages_and_so_many_on_their_way(void **state)
{
    struct emulator e;
    struct http_peer peer;
    struct mqtt_peer device;
    struct mqtt_packet packet;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    http_peer_open(&peer, &e);
    for (int i = 0; i < LIMIT_C2D_QUEUE; i++) {
        http_peer_ask(&peer, "POST", "/devices/d1/messages/deviceBound", "{}", 204);
    }
    http_peer_ask(&peer, "POST", "/devices/d1/messages/deviceBound", "{}", 403);
    mqtt_peer_open(&device, &e, connection_string);
    mqtt_peer_subscribe(&device, "devices/d1/messages/devicebound/#");
    for (int i = 0; i < MQTT_WINDOW; i++) {
        mqtt_peer_expect(&device, MQTT_PUBLISH, &packet);
    }
    /* No 17th without a PUBACK: the next packet is what is asked for now. */
    expect_device_served(&device);
    mqtt_peer_close(&device);
    http_peer_close(&peer);
    emulator_stop(&e);
}

static void connection_has_so_many_subscriptions(void **state)
{
    struct emulator e;
    struct mqtt_peer device;
    struct mqtt_packet packet;
    char filter[TEXT_SIZE];
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    mqtt_peer_open(&device, &e, connection_string);
    for (int i = 0; i < MQTT_SUBSCRIPTIONS_MAX; i++) {
        snprintf(filter, sizeof(filter), "devices/d1/messages/devicebound/a%d", i);
        mqtt_peer_subscribe(&device, filter);
    }
    struct buf subscribe = {.cap = TEXT_SIZE};
    mqtt_put_subscribe(
        &subscribe, 1,
        &(struct mqtt_filter){.topic = SLICE("devices/d1/messages/devicebound/more")}, 1);
    assert_true(line_send(&device.line, buf_slice(&subscribe)));
    assert_false(mqtt_peer_next(&device, &packet));
    buf_finish(&subscribe);
    mqtt_peer_close(&device);
    emulator_stop(&e);
}

/* Each call holds an HTTP connection, so its device's limit is reached with so many. */
static void calls_that_wait_for_a_device_are_bounded(void **state)
{
    struct emulator e;
    struct mqtt_peer silent;
    struct http_reply reply;
    char connection_string[EMULATOR_TEXT_SIZE];
    struct http_peer *peers = mem_array(LIMIT_METHODS_IN_FLIGHT + 1, sizeof(*peers));
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    mqtt_peer_open(&silent, &e, connection_string);
    mqtt_peer_subscribe(&silent, "$iothub/methods/POST/#");
    for (int i = 0; i <= LIMIT_METHODS_IN_FLIGHT; i++) {
        http_peer_open(&peers[i], &e);
        assert_true(
            http_peer_send(&peers[i], "POST", "/twins/d1/methods",
                           "{\"methodName\":\"wait\",\"responseTimeoutInSeconds\":300}"));
        if (i < LIMIT_METHODS_IN_FLIGHT) {
            struct mqtt_packet packet;
            mqtt_peer_expect(&silent, MQTT_PUBLISH, &packet);
        }
    }
    assert_true(http_peer_receive(&peers[LIMIT_METHODS_IN_FLIGHT], &reply));
    assert_int_equal(reply.status, 403);
    for (int i = 0; i <= LIMIT_METHODS_IN_FLIGHT; i++) {
        http_peer_close(&peers[i]);
    }
    free(peers);
    mqtt_peer_close(&silent);
    emulator_stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(lack_of_descriptors_neither_spins_nor_kills_and_passes),
        SCENE_TEST(back_end_beyond_the_limit_hears_503_and_the_log_stays_short),
        SCENE_TEST(heads_and_addresses_are_bounded),
        SCENE_TEST(bodies_of_unfinished_requests_are_bounded_in_all),
        SCENE_TEST(nesting_and_queries_are_bounded),
        SCENE_TEST(device_has_so_many_messages_and_so_many_on_their_way),
        SCENE_TEST(connection_has_so_many_subscriptions),
        SCENE_TEST(calls_that_wait_for_a_device_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
