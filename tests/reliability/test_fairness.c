/*
 * A device or back end that asks for as much as it can: others are served as if there were a
 * few more of them, not as if it were alone.
 *
 * The flood comes from a process of its own, so that measuring is not kept waiting by it.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "e2e/ws_peer.h"
#include "reliability/load.h"

enum {
    ROUND_TRIPS = 41,
    TWINS = 20000,
    BIG_BYTES = 200 * 1024,
    SCANNERS = 8,
    CYCLES = 6, /* in which each of them is answered */
    ASKERS = 8,
    AHEAD = 32, /* requests that are sent before the answers are read */
    TEXT_SIZE = 128,
    MS = 1000,
    /* A busy machine's share of what the median may be. */
    SLACK_US = 200 * MS,
    WORSE = 10,
};

struct stage {
    struct emulator e;
    struct load *load; /* makes the devices */
    struct mqtt_peer victim;
    int64_t alone_us;
};

/* ---- measuring ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t round_trip_us(struct mqtt_peer *peer)
{
    struct mqtt_packet packet;
    struct buf question = {.cap = TEXT_SIZE};
    int64_t begin_us = clock_monotonic_us();
    mqtt_put_publish(&question,
                     &(struct mqtt_publish){.topic = SLICE("$iothub/twin/GET/?$rid=1")});
    assert_true(line_send(&peer->line, buf_slice(&question)));
    buf_finish(&question);
    mqtt_peer_expect(peer, MQTT_PUBLISH, &packet);
    return clock_monotonic_us() - begin_us;
}

static int64_t median_us(struct stage *stage)
{
    int64_t times[ROUND_TRIPS];
    for (int i = 0; i < ROUND_TRIPS; i++) {
        times[i] = round_trip_us(&stage->victim);
        (void)scene_turn(stage->e.scene, 0);
    }
    qsort(times, ROUND_TRIPS, sizeof(times[0]), by_size);
    return times[ROUND_TRIPS / 2];
}

/* Of all that begin until then, without the two that the system may have kept waiting. */
static int64_t third_worst_us(struct stage *stage, int64_t until_us)
{
    int64_t worst[3] = {0};
    while (clock_monotonic_us() < until_us) {
        int64_t us = round_trip_us(&stage->victim);
        if (us > worst[0]) {
            worst[0] = us;
            qsort(worst, ARRAY_LEN(worst), sizeof(worst[0]), by_size);
        }
        (void)scene_turn(stage->e.scene, 0);
    }
    return worst[0];
}

static struct stage *begin(void **state, int n_devices)
{
    struct stage *stage = mem_alloc(sizeof(*stage));
    stage->load = mem_alloc(sizeof(*stage->load));
    emulator_init(&stage->e, *state);
    emulator_start(&stage->e, TEXTS("--in-memory", "--log-level", "warning"));
    load_init(stage->load, &stage->e, (struct chance){1}, n_devices);
    mqtt_peer_open(&stage->victim, &stage->e, stage->load->devices[0].connection_string);
    mqtt_peer_subscribe(&stage->victim, "$iothub/twin/res/#");
    stage->alone_us = median_us(stage);
    return stage;
}

static void end(struct stage *stage)
{
    mqtt_peer_close(&stage->victim);
    emulator_stop(&stage->e);
    load_finish(stage->load);
    free(stage->load);
    free(stage);
}

/* ---- floods: each goes on until it is killed ---- */

typedef void flood(struct stage *stage);

static void take_all(struct line *line)
{
    if (!line_take(line)) {
        _exit(1); /* put out: there is no flood any more, and the test fails */
    }
    buf_reset(&line->in);
}

static struct mqtt_peer *flooder(struct stage *stage)
{
    static struct mqtt_peer peer;
    mqtt_peer_open(&peer, &stage->e, stage->load->devices[1].connection_string);
    return &peer;
}

static void flood_with_events(struct stage *stage, size_t len, uint8_t qos)
{
    struct mqtt_peer *peer = flooder(stage);
    char *payload = mem_alloc(len);
    memset(payload, 'x', len);
    struct buf packet = {.cap = BUF_CAP_OWN};
    do {
        mqtt_put_publish(&packet,
                         &(struct mqtt_publish){.topic = SLICE("devices/d1/messages/events/"),
                                                .payload = slice_make(payload, len),
                                                .qos = qos,
                                                .packet_id = qos == 0 ? 0 : 1});
    } while (packet.len < BIG_BYTES);
    for (;;) {
        (void)line_send(&peer->line, buf_slice(&packet));
        take_all(&peer->line);
    }
}

static void small_events(struct stage *stage)
{
    flood_with_events(stage, 10, 0);
}

static void small_acknowledged_events(struct stage *stage)
{
    flood_with_events(stage, 10, 1);
}

static void big_events(struct stage *stage)
{
    flood_with_events(stage, BIG_BYTES, 1);
}

static void pings(struct stage *stage)
{
    struct ws_peer peer;
    struct buf frames = {.cap = BUF_CAP_OWN};
    ws_peer_open(&peer, &stage->e);
    while (frames.len < BIG_BYTES) {
        ws_put_frame(&frames, WS_FIN | WS_PING, SLICE("are you there"));
    }
    for (;;) {
        (void)line_send(&peer.line, buf_slice(&frames));
        take_all(&peer.line);
    }
}

static void ask_on(struct stage *stage, int n_peers, int n_ahead, const char *path,
                   const char *body)
{
    struct http_peer peers[SCANNERS > ASKERS ? SCANNERS : ASKERS];
    struct http_reply reply;
    for (int i = 0; i < n_peers; i++) {
        http_peer_open(&peers[i], &stage->e);
    }
    for (;;) {
        for (int i = 0; i < n_peers * n_ahead; i++) {
            (void)http_peer_send(&peers[i % n_peers], body == NULL ? "GET" : "POST", path,
                                 body);
        }
        for (int i = 0; i < n_peers * n_ahead; i++) {
            if (!http_peer_receive(&peers[i % n_peers], &reply) || reply.status != 200) {
                _exit(1);
            }
        }
    }
}

static void requests(struct stage *stage)
{
    ask_on(stage, ASKERS, AHEAD, "/devices/d1", NULL);
}

#define COUNT_ALL \
    "{\"query\":\"SELECT COUNT() AS n FROM devices WHERE NOT tags.isLoaded = false\"}"

static void scans(struct stage *stage)
{
    ask_on(stage, SCANNERS, 1, "/devices/query", COUNT_ALL);
}

static pid_t start_flood(struct stage *stage, flood *run)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
            run(stage);
        }
        _exit(1);
    }
    return pid;
}

/* It must have gone on until now. */
static void end_flood(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static int64_t median_in_flood_us(struct stage *stage, flood *run)
{
    pid_t pid = start_flood(stage, run);
    (void)median_us(stage); /* until it is in full flow */
    int64_t us = median_us(stage);
    end_flood(pid);
    return us;
}

/* ---- tests ---- */

static void no_flood_takes_more_than_its_share(void **state)
{
    static const struct {
        const char *name;
        flood *run;
    } floods[] = {
        {"small events",              small_events             },
        {"small acknowledged events", small_acknowledged_events},
        {"big events",                big_events               },
        {"WebSocket pings",           pings                    },
        {"requests",                  requests                 },
    };
    struct stage *stage = begin(state, 2);
    for (size_t i = 0; i < ARRAY_LEN(floods); i++) {
        int64_t us = median_in_flood_us(stage, floods[i].run);
        print_message("%s: a twin in %d us, alone in %d us\n", floods[i].name, (int)us,
                      (int)stage->alone_us);
        assert_in_range(us, 0, stage->alone_us * WORSE + SLACK_US);
    }
    end(stage);
}

static int64_t one_scan_us(struct stage *stage)
{
    struct http_peer peer;
    http_peer_open(&peer, &stage->e);
    http_peer_ask(&peer, "POST", "/devices/query", COUNT_ALL, 200);
    int64_t begin_us = clock_monotonic_us();
    http_peer_ask(&peer, "POST", "/devices/query", COUNT_ALL, 200);
    int64_t us = clock_monotonic_us() - begin_us;
    http_peer_close(&peer);
    return us;
}

static void expect_answer(struct http_peer *peer, const char *body, const char *answer)
{
    struct http_reply reply = {0};
    assert_true(http_peer_send(peer, "POST", "/devices/query", body));
    assert_true(http_peer_receive(peer, &reply));
    assert_int_equal(reply.status, 200);
    char *text = slice_dup(reply.body);
    assert_string_equal(text, answer);
    free(text);
}

/* The row that is wanted is the last, and nothing tells where it is. */
static void scan_of_several_turns_is_answered_whole_or_forgotten(void **state)
{
    char answer[TEXT_SIZE];
    char query[2 * TEXT_SIZE];
    struct http_peer peer;
    struct http_peer leaving;
    struct stage *stage = begin(state, TWINS);
    http_peer_open(&peer, &stage->e);
    snprintf(answer, sizeof(answer), "[{\"n\":%d}]", TWINS);
    snprintf(query, sizeof(query),
             "{\"query\":\"SELECT deviceId FROM devices WHERE NOT deviceId != 'd%d'\"}",
             TWINS - 1);
    for (int i = 0; i < 3; i++) {
        http_peer_open(&leaving, &stage->e);
        assert_true(http_peer_send(&leaving, "POST", "/devices/query", COUNT_ALL));
        expect_answer(&peer, COUNT_ALL, answer);
        assert_true(http_peer_send(&leaving, "POST", "/devices/query", query));
        http_peer_close(&leaving);
    }
    snprintf(answer, sizeof(answer), "[{\"deviceId\":\"d%d\"}]", TWINS - 1);
    expect_answer(&peer, query, answer);
    /* Its end in the midst of one is a good end, too. */
    assert_true(http_peer_send(&peer, "POST", "/devices/query", COUNT_ALL));
    (void)round_trip_us(&stage->victim);
    end(stage);
    http_peer_close(&peer);
}

/* Many at once are not in each other's turn, however many they are. */
static void scans_of_many_twins_leave_turns_to_others(void **state)
{
    int n_twins = (int)environment_number("IOTHUB_TEST_TWINS", TWINS);
    struct stage *stage = begin(state, n_twins);
    int64_t scan_us = one_scan_us(stage);
    pid_t pid = start_flood(stage, scans);
    int64_t cycle_us = SCANNERS * scan_us;
    int64_t us = third_worst_us(stage, clock_monotonic_us() + CYCLES * cycle_us);
    end_flood(pid);
    print_message(
        "%d scans of %d twins: a twin in %d us at worst, alone in %d us; a scan takes "
        "%d us\n",
        SCANNERS, n_twins, (int)us, (int)stage->alone_us, (int)scan_us);
    assert_in_range(us, 0, SCANNERS / 2 * scan_us);
    end(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(no_flood_takes_more_than_its_share),
        SCENE_TEST(scan_of_several_turns_is_answered_whole_or_forgotten),
        SCENE_TEST(scans_of_many_twins_leave_turns_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
