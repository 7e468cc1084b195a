/*
 * The loop of the program, and a crowd of one device in it, against a hub that the test plays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "device/cli/crowd.h"
#include "device/cli/loop.h"
#include "unit/device/bench.h"

#define POLICY "HostName=hub.local;SharedAccessKeyName=device;SharedAccessKey=" BENCH_KEY

/* One turn that waits at most a moment, then the hub's. */
static void turn(struct bench *b, struct loop *loop)
{
    assert_int_equal(loop_turn(loop, bench_now_ms() + 1), 0);
    fake_hub_turn(&b->hub);
}

#define LOOP_UNTIL(b, loop, condition) \
    for (int64_t end_ms_ = bench_now_ms() + BENCH_PATIENCE_MS; !(condition);) { \
        if (bench_now_ms() > end_ms_) { \
            fail_msg("in vain: %s", #condition); \
        } \
        turn(b, loop); \
    }

static void client_is_driven_by_the_loop(void **state)
{
    (void)state;
    struct bench b;
    struct loop loop;
    bench_init(&b);
    iothub_device_on_method(b.client, bench_on_method, &b);
    assert_int_equal(loop_init(&loop, &b.client, 1), 0);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    LOOP_UNTIL(&b, &loop, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    fake_hub_publish(&b.hub, "$iothub/methods/POST/m/?$rid=1", "{}");
    LOOP_UNTIL(&b, &loop, b.hub.n_publishes == 1);
    assert_int_equal(bench_send(&b, "x"), IOTHUB_OK);
    loop_touch(&loop, 0);
    LOOP_UNTIL(&b, &loop, b.n_sent == 1);
    loop_finish(&loop);
    bench_finish(&b);
}

static void go_up(struct bench *b, struct loop *loop, int n_connects)
{
    LOOP_UNTIL(b, loop,
               b->hub.n_connects == n_connects && bench_is_in(b, IOTHUB_DEVICE_CONNECTED));
}

static void lost_connections_are_made_again_under_the_same_number(void **state)
{
    (void)state;
    struct bench b;
    struct loop loop;
    bench_init(&b);
    assert_int_equal(loop_init(&loop, &b.client, 1), 0);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    for (int i = 1; i <= 5; i++) {
        go_up(&b, &loop, i);
        fake_hub_hang_up(&b.hub);
    }
    go_up(&b, &loop, 6);
    loop_finish(&loop);
    bench_finish(&b);
}

static void quiet_client_costs_no_turns(void **state)
{
    (void)state;
    struct bench b;
    struct loop loop;
    bench_init(&b);
    assert_int_equal(loop_init(&loop, &b.client, 1), 0);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    LOOP_UNTIL(&b, &loop, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    turn(&b, &loop);
    /* Nothing is due for half a second at least, so that one turn takes all of this time. */
    int64_t until_ms = bench_now_ms() + 100;
    assert_int_equal(loop_turn(&loop, until_ms), 0);
    assert_true(bench_now_ms() >= until_ms);
    loop_finish(&loop);
    bench_finish(&b);
}

static void disconnecting_takes_leave_of_the_hub(void **state)
{
    (void)state;
    struct bench b;
    struct loop loop;
    bench_init(&b);
    assert_int_equal(loop_init(&loop, &b.client, 1), 0);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    LOOP_UNTIL(&b, &loop, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    /* The hub does not turn meanwhile: the client closes first. */
    loop_disconnect(&loop);
    assert_int_equal(iothub_device_state(b.client), IOTHUB_DEVICE_IDLE);
    fake_hub_turn(&b.hub);
    assert_int_equal(b.hub.n_disconnects, 1);
    loop_finish(&loop);
    bench_finish(&b);
}

static void input_is_watched_while_it_is_wanted(void **state)
{
    (void)state;
    struct loop loop;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(loop_init(&loop, NULL, 0), 0);
    assert_int_equal(loop_set_input(&loop, ends[0]), 0);
    assert_int_equal(loop_turn(&loop, bench_now_ms() + 1), 0);
    assert_false(loop.is_input_ready);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(loop_turn(&loop, INT64_MAX), 0);
    assert_true(loop.is_input_ready);
    assert_int_equal(loop_set_input(&loop, -1), 0);
    assert_int_equal(loop_turn(&loop, bench_now_ms() + 1), 0);
    assert_false(loop.is_input_ready);
    loop_finish(&loop);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void ordinary_file_is_always_ready(void **state)
{
    (void)state;
    struct loop loop;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(loop_init(&loop, NULL, 0), 0);
    assert_int_equal(loop_set_input(&loop, fileno(file)), 0);
    assert_int_equal(loop_turn(&loop, INT64_MAX), 0);
    assert_true(loop.is_input_ready);
    assert_int_equal(loop_set_input(&loop, -1), 0);
    assert_int_equal(loop_turn(&loop, bench_now_ms() + 1), 0);
    assert_false(loop.is_input_ready);
    loop_finish(&loop);
    (void)fclose(file);
}

struct crowd_bench {
    struct fake_hub hub;
    struct app_values values;
    struct cli_program program;
    struct cli_call call;
    struct crowd crowd;
    char connection_string[sizeof(POLICY)];
    char prefix[8];
    char address[16];
};

static void crowd_begin(struct crowd_bench *b, int64_t rate)
{
    *b = (struct crowd_bench){.program = {.name = "test"}};
    memcpy(b->connection_string, POLICY, sizeof(POLICY));
    (void)snprintf(b->prefix, sizeof(b->prefix), "door");
    (void)snprintf(b->address, sizeof(b->address), "127.0.0.1");
    fake_hub_init(&b->hub, NULL);
    b->values = (struct app_values){.connection_string = b->connection_string,
                                    .device_prefix = b->prefix,
                                    .address = b->address,
                                    .port = b->hub.port,
                                    .is_plain = true,
                                    .count = 1,
                                    .rate = rate,
                                    .payload_bytes = 10,
                                    .takes_messages = true};
    b->call = (struct cli_call){.program = &b->program, .values = &b->values};
    assert_int_equal(crowd_init(&b->crowd, &b->call), CLI_DONE);
}

static void crowd_end(struct crowd_bench *b)
{
    crowd_finish(&b->crowd);
    fake_hub_finish(&b->hub);
}

static void crowd_step(struct crowd_bench *b)
{
    assert_int_equal(crowd_turn(&b->crowd, bench_now_ms() + 1), CLI_DONE);
    fake_hub_turn(&b->hub);
}

#define CROWD_UNTIL(b, condition) \
    for (int64_t end_ms_ = bench_now_ms() + BENCH_PATIENCE_MS; !(condition);) { \
        if (bench_now_ms() > end_ms_) { \
            fail_msg("in vain: %s", #condition); \
        } \
        crowd_step(b); \
    }

static void crowd_connects_sends_and_counts(void **state)
{
    (void)state;
    struct crowd_bench b;
    crowd_begin(&b, 200);
    CROWD_UNTIL(&b, crowd_is_complete(&b.crowd));
    assert_int_equal(b.crowd.n_up, 1);
    assert_string_equal(b.hub.client_id, "door-1");
    assert_int_equal(b.crowd.connecting_us.n_values, 1);
    crowd_set_sending(&b.crowd, true);
    CROWD_UNTIL(&b, b.crowd.figures.n_acknowledged >= 10);
    crowd_set_sending(&b.crowd, false);
    CROWD_UNTIL(&b, crowd_n_open(&b.crowd) == 0);
    assert_int_equal(b.crowd.figures.n_sent, b.crowd.figures.n_acknowledged);
    assert_int_equal(strlen(b.hub.publishes[0].payload), 10);
    struct histogram latency;
    crowd_take_latency(&b.crowd, &latency);
    assert_int_equal(latency.n_values, b.crowd.figures.n_acknowledged);
    fake_hub_publish(&b.hub, "$iothub/methods/POST/lockDoor/?$rid=1", "{}");
    fake_hub_publish(&b.hub, "$iothub/methods/POST/other/?$rid=2", "{}");
    fake_hub_publish(&b.hub, "$iothub/twin/PATCH/properties/desired/?$version=2", "{}");
    fake_hub_publish(&b.hub, "devices/door-1/messages/devicebound/", "x");
    CROWD_UNTIL(&b, fake_hub_find(&b.hub, "$iothub/methods/res/404/?$rid=2") != NULL &&
                        b.crowd.figures.n_messages == 1);
    assert_non_null(fake_hub_find(&b.hub, "$iothub/methods/res/200/?$rid=1"));
    assert_int_equal(b.crowd.figures.n_methods, 2);
    assert_int_equal(b.crowd.figures.n_patches, 1);
    crowd_end(&b);
}

static void full_window_holds_messages_back(void **state)
{
    (void)state;
    struct crowd_bench b;
    crowd_begin(&b, 100000);
    b.hub.is_holding_pubacks = true;
    CROWD_UNTIL(&b, crowd_is_complete(&b.crowd));
    crowd_set_sending(&b.crowd, true);
    CROWD_UNTIL(&b, crowd_n_open(&b.crowd) == CROWD_WINDOW);
    crowd_step(&b);
    assert_int_equal(crowd_n_open(&b.crowd), CROWD_WINDOW);
    crowd_end(&b);
}

static void lost_connection_is_counted_and_made_again(void **state)
{
    (void)state;
    struct crowd_bench b;
    crowd_begin(&b, 0);
    CROWD_UNTIL(&b, crowd_is_complete(&b.crowd));
    fake_hub_hang_up(&b.hub);
    CROWD_UNTIL(&b, b.crowd.figures.n_losses == 1);
    assert_int_equal(b.crowd.n_up, 0);
    CROWD_UNTIL(&b, b.crowd.n_up == 1);
    assert_int_equal(b.crowd.figures.n_connects, 2);
    crowd_end(&b);
}

static void refused_device_is_counted_and_completes_the_crowd(void **state)
{
    (void)state;
    struct crowd_bench b;
    crowd_begin(&b, 0);
    b.hub.connack = 5;
    CROWD_UNTIL(&b, crowd_is_complete(&b.crowd));
    assert_int_equal(b.crowd.figures.n_refused, 1);
    assert_int_equal(b.crowd.n_up, 0);
    assert_non_null(strstr(b.crowd.reason, "door-1: the hub refused"));
    crowd_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_is_driven_by_the_loop),
        cmocka_unit_test(lost_connections_are_made_again_under_the_same_number),
        cmocka_unit_test(quiet_client_costs_no_turns),
        cmocka_unit_test(disconnecting_takes_leave_of_the_hub),
        cmocka_unit_test(input_is_watched_while_it_is_wanted),
        cmocka_unit_test(ordinary_file_is_always_ready),
        cmocka_unit_test(crowd_connects_sends_and_counts),
        cmocka_unit_test(full_window_holds_messages_back),
        cmocka_unit_test(lost_connection_is_counted_and_made_again),
        cmocka_unit_test(refused_device_is_counted_and_completes_the_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
