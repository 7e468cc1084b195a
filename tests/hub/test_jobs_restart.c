/*
 * Scheduled jobs over the end of the process, in order or not: they go on, and nobody is called
 * or written twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/device.h"
#include "hub/jobs.h"
#include "hub/service.h"
#include "iothub/json.h"

#define LATER \
    "{'type':'scheduleUpdateTwin','updateTwin':{'etag':'*','tags':{'done':1}}," \
    "'queryCondition':'*','startTime':'2026-03-02T12:10:00Z','maxExecutionTimeInSeconds':300}"

static void assert_done(struct fixture *f, const char *id, int n)
{
    assert_job_is(f, id, "completed");
    assert_job_counts(f, id, (struct job_counts){.devices = n, .succeeded = n});
}

static void job_for_later_outlives_the_process(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    job_put(f, "queued", LATER);
    fixture_restart(f);
    assert_job_is(f, "queued", "queued");
    fixture_pass(f, 5 * SECOND_MS);
    assert_job_is(f, "queued", "scheduled");
    fixture_restart(f);
    assert_job_is(f, "queued", "scheduled");
    fixture_pass(f, 10 * MINUTE_MS - 5 * SECOND_MS - 1);
    assert_job_is(f, "queued", "scheduled");
    fixture_pass(f, A_MOMENT_MS);
    assert_done(f, "queued", 1);
}

static void job_for_now_goes_on(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    job_put_twin(f, "j", "*");
    fixture_restart(f);
    fixture_pass(f, A_MOMENT_MS);
    assert_done(f, "j", 1);
}

/* The process was down from before the start until after it. */
static void start_that_was_missed_is_made_up_for(void **state)
{
    static const int64_t down_ms[] = {11 * MINUTE_MS, 10 * HOUR_MS};
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(down_ms); i++) {
        char id[20];
        (void)snprintf(id, sizeof(id), "j%zu", i);
        f->clock.fake.at_ms = START_MS;
        job_put(f, id, LATER);
        clock_advance(&f->clock, down_ms[i]);
        fixture_restart(f);
        fixture_pass(f, A_MOMENT_MS);
        assert_done(f, id, 1);
    }
}

/* A process that stops in order still learns that its calls are lost. */
static void call_is_lost_when_the_process_stops(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, METHODS);
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    fixture_restart(f);
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .failed = 1});
}

static void cancelled_and_finished_jobs_stay_so(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    job_put(f, "cancelled", LATER);
    rest_done(f, 200, "POST", "/jobs/v2/cancelled/cancel", NULL);
    job_put_twin(f, "failed", "((");
    job_put_twin(f, "completed", "*");
    fixture_pass(f, A_MOMENT_MS);
    json_t *before = rest(f, 200, "GET", "/jobs/v2/query", NULL);
    json_t *rows = job_rows(f, "completed");
    fixture_restart(f);
    fixture_pass(f, HOUR_MS);
    json_t *after = rest(f, 200, "GET", "/jobs/v2/query", NULL);
    json_t *rows_after = job_rows(f, "completed");
    assert_true(json_equal(before, after));
    assert_true(json_equal(rows, rows_after));
    json_decref(before);
    json_decref(after);
    json_decref(rows);
    json_decref(rows_after);
}

/* The process is killed after each single turn, in all phases of the job. */
static void kill_after_each_turn_writes_each_twin_once(void **state)
{
    struct fixture *f = *state;
    enum { N = 700 };
    make_many(f, "d", N);
    job_put(f, "j",
            "{'type':'scheduleUpdateTwin','queryCondition':'*','updateTwin':{'etag':'*',"
            "'properties':{'desired':{'a':1}}}}");
    for (int i = 0; i < 40; i++) {
        clock_advance(&f->clock, 1);
        fixture_turn(f);
        fixture_kill(f);
    }
    fixture_pass(f, A_MOMENT_MS);
    assert_done(f, "j", N);
    json_t *rows = job_rows(f, "j");
    assert_int_equal(json_array_size(rows), N);
    json_decref(rows);
    json_t *answer = rest(
        f, 200, "POST", "/devices/query",
        "{'query':'SELECT COUNT() AS n FROM devices WHERE properties.desired.$version = 2'}");
    char want[40];
    (void)snprintf(want, sizeof(want), "[{'n':%d}]", N);
    assert_json(answer, want);
    json_decref(answer);
}

static void call_under_way_is_not_made_again(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_connect(f, &(struct login){.id = "d"});
    assert_heard(d, "CONNACK 0");
    device_subscribe(d, METHODS);
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    (void)device_next_publish(d);
    fixture_kill(f);
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .failed = 1});
    d = device_connect(f, &(struct login){.id = "d"});
    fixture_pass(f, MINUTE_MS);
    assert_heard(d, "CONNACK 0 session");
    assert_job_is(f, "j", "completed");
    json_t *rows = job_rows(f, "j");
    assert_string_equal(text_below(json_array_get(rows, 0), "status"), "failed");
    assert_string_equal(text_below(json_array_get(rows, 0), "error.code"), "ServerError");
    json_decref(rows);
    /* The old call's answer, should it come, is nobody's. */
    device_publish(d, "$iothub/methods/res/200/?$rid=1", "{}", 0);
    fixture_pass(f, A_MOMENT_MS);
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .failed = 1});
}

static void calls_that_were_to_come_are_made(void **state)
{
    struct fixture *f = *state;
    enum { AT_ONCE = 256, N = AT_ONCE + 20 };
    make_many(f, "d", N);
    job_put(f, "j",
            "{'type':'scheduleDeviceMethod','queryCondition':'*','cloudToDeviceMethod':{"
            "'methodName':'go','connectTimeoutInSeconds':30}}");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_counts(
        f, "j", (struct job_counts){.devices = N, .running = AT_ONCE, .pending = N - AT_ONCE});
    fixture_kill(f);
    fixture_pass(f, A_MOMENT_MS);
    assert_job_counts(
        f, "j", (struct job_counts){.devices = N, .failed = AT_ONCE, .running = N - AT_ONCE});
    struct device *d = device_connect(
        f, &(struct login){.id = "d0260",
                           .is_clean = true,
                           .password = token_for(f, HOST, KEY_DEVICE_POLICY, "device", 3600)});
    assert_heard(d, "CONNACK 0");
    mqtt_put_subscribe(device_packets(d), 1, &(struct mqtt_filter){.topic = SLICE(METHODS)}, 1);
    device_say(d);
    const char *call = strstr(device_heard(d), "?$rid=");
    char topic[80];
    assert_non_null(call);
    /* "?$rid=5=payload": the id ends at the second '='. */
    (void)snprintf(topic, sizeof(topic), "$iothub/methods/res/200/?$rid=%.*s",
                   (int)strcspn(call + 6, "="), call + 6);
    device_publish(d, topic, "{}", 0);
    fixture_pass(f, MINUTE_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j",
                      (struct job_counts){.devices = N, .failed = N - 1, .succeeded = 1});
}

static void execution_time_goes_on_while_the_process_is_down(void **state)
{
    struct fixture *f = *state;
    enum { AT_ONCE = 256, N = AT_ONCE + 20 };
    make_many(f, "d", N);
    job_put(
        f, "j",
        "{'type':'scheduleDeviceMethod','queryCondition':'*','maxExecutionTimeInSeconds':60,"
        "'cloudToDeviceMethod':{'methodName':'go','connectTimeoutInSeconds':30}}");
    fixture_pass(f, A_MOMENT_MS);
    clock_advance(&f->clock, 2 * MINUTE_MS);
    fixture_restart(f);
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){.devices = N, .failed = N});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(job_for_later_outlives_the_process),
        DISK_TEST(job_for_now_goes_on),
        DISK_TEST(start_that_was_missed_is_made_up_for),
        DISK_TEST(call_is_lost_when_the_process_stops),
        DISK_TEST(cancelled_and_finished_jobs_stay_so),
        DISK_TEST(kill_after_each_turn_writes_each_twin_once),
        DISK_TEST(call_under_way_is_not_made_again),
        DISK_TEST(calls_that_were_to_come_are_made),
        DISK_TEST(execution_time_goes_on_while_the_process_is_down),
    };
    return cmocka_run_group_tests_name("hub.jobs_restart", tests, NULL, NULL);
}
