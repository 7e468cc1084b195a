/*
 * What scheduled jobs do to devices and modules, and the rows that tell of it.
 * Source: IoT Hub documentation, "Schedule jobs on multiple devices", "Query jobs"; the job
 * clients of the SDKs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/device.h"
#include "hub/jobs.h"
#include "hub/service.h"
#include "iothub/json.h"
#include "iothub/limits.h"

#define CALLS_AT_ONCE 256

static struct device *listening(struct fixture *f, const char *id)
{
    struct device *d = device_online(f, id);
    device_subscribe(d, METHODS);
    return d;
}

/* The only row of the job. */
static json_t *only_row(struct fixture *f, const char *id)
{
    json_t *rows = job_rows(f, id);
    assert_int_equal(json_array_size(rows), 1);
    json_t *row = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    return row;
}

static void expect_failed_row(struct fixture *f, const char *id, const char *code)
{
    json_t *row = only_row(f, id);
    assert_string_equal(text_below(row, "status"), "failed");
    assert_string_equal(text_below(row, "error.code"), code);
    assert_true(strlen(text_below(row, "error.description")) > 0);
    assert_null(json_below(row, "outcome"));
    json_decref(row);
}

/* ---- twin jobs -------------------------------------------------------------------------- */

static void twin_job_writes_tags_and_desired_properties(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d",
               "{'tags':{'old':1,'gone':1},'properties':{'desired':{'old':1,'gone':1}}}");
    struct device *d = device_online(f, "d");
    device_subscribe(d, DESIRED);
    job_put(f, "j",
            "{'type':'scheduleUpdateTwin','queryCondition':'*','updateTwin':{'etag':'*',"
            "'tags':{'building':43,'gone':null},"
            "'properties':{'desired':{'floor':3,'gone':null},'reported':{'x':1}}}}");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    json_t *twin = get_twin(f, "d");
    assert_json(json_below(twin, "tags"), "{'old':1,'building':43}");
    assert_section(json_below(twin, "properties.desired"), "{'old':1,'floor':3}");
    assert_section(json_below(twin, "properties.reported"), "{}");
    json_decref(twin);
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=3",
                   "{\"floor\":3,\"gone\":null,\"$version\":3}");
}

static void row_of_a_twin_job(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    fixture_pass(f, SECOND_MS);
    job_put_twin(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    json_t *row = only_row(f, "j");
    static const char *const members[] = {
        "deviceId",
        "jobId",
        "jobType",
        "status",
        "startTimeUtc",
        "endTimeUtc",
        "createdDateTimeUtc",
        "lastUpdatedDateTimeUtc",
        "outcome",
    };
    size_t i = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(row, key, value)
    {
        assert_true(i < ARRAY_LEN(members));
        assert_string_equal(key, members[i++]);
    }
    assert_int_equal(i, ARRAY_LEN(members));
    assert_string_equal(text_below(row, "deviceId"), "d");
    assert_string_equal(text_below(row, "jobId"), "j");
    assert_string_equal(text_below(row, "jobType"), "scheduleUpdateTwin");
    assert_string_equal(text_below(row, "status"), "completed");
    assert_json(json_below(row, "outcome"), "{'deviceMethodResponse':null}");
    for (i = 4; i < 8; i++) {
        assert_int_equal(strncmp(text_below(row, members[i]), "2026-03-02T12:00:01", 19), 0);
    }
    json_decref(row);
}

static void write_that_fails_is_its_rows_affair(void **state)
{
    struct fixture *f = *state;
    struct buf body = {.cap = BUF_CAP_OWN};
    make(f, "full");
    make(f, "empty");
    buf_put_text(&body, "{'tags':{'a':'");
    memset(buf_extend(&body, 4096), 'x', 4096);
    buf_put_text(&body, "','b':'");
    memset(buf_extend(&body, 4000), 'x', 4000);
    buf_put_text(&body, "'}}");
    patch_twin(f, "full", buf_text(&body));
    job_put(
        f, "j",
        "{'type':'scheduleUpdateTwin','queryCondition':'*','updateTwin':{'etag':'*','tags':{"
        "'much':'0123456789012345678901234567890123456789012345678901234567890123456789"
        "012345678901234567890123456789'}}}");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){.devices = 2, .succeeded = 1, .failed = 1});
    json_t *rows = job_rows(f, "j");
    assert_string_equal(text_below(json_array_get(rows, 0), "error.code"), "ArgumentInvalid");
    assert_string_equal(text_below(json_array_get(rows, 1), "status"), "completed");
    json_decref(rows);
    buf_finish(&body);
}

/* ---- method jobs ------------------------------------------------------------------------ */

static void method_job_calls_and_keeps_the_answer(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = listening(f, "d");
    json_decref(ask_json(
        f, 200,
        &(struct ask){
            .method = "PUT",
            .path = "/jobs/v2/j",
            .body = "{\"type\":\"scheduleDeviceMethod\",\"queryCondition\":\"*\","
                    "\"cloudToDeviceMethod\":{\"methodName\":\"lockDoor\",\"payload\":"
                    "{\"b\":1.0,\"a\":[ 18446744073709551616 ]},\"timeoutInSeconds\":15}}"}));
    fixture_pass(f, A_MOMENT_MS);
    struct mqtt_publish publish = device_next_publish(d);
    assert_slice(publish.payload, "{\"b\":1.0,\"a\":[ 18446744073709551616 ]}");
    assert_job_is(f, "j", "running");
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .running = 1});
    device_publish(d, "$iothub/methods/res/200/?$rid=1", "{\"z\":1,\"y\":\"2020-01-01\"}", 0);
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .succeeded = 1});
    json_t *row = only_row(f, "j");
    assert_string_equal(text_below(row, "status"), "completed");
    assert_string_equal(text_below(row, "jobType"), "scheduleDeviceMethod");
    assert_json(json_below(row, "outcome"),
                "{'deviceMethodResponse':{'status':200,'payload':{'z':1,'y':'2020-01-01'}}}");
    assert_null(json_below(row, "error"));
    json_decref(row);
}

static void running_row_is_seen_as_such(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    (void)listening(f, "d");
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    json_t *row = only_row(f, "j");
    assert_string_equal(text_below(row, "status"), "running");
    assert_non_null(json_below(row, "endTimeUtc"));
    assert_null(json_below(row, "outcome"));
    assert_null(json_below(row, "error"));
    json_decref(row);
}

/* Only delivery decides: what the device says of itself is its own affair. */
static void device_that_answers_an_error_has_completed(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = listening(f, "d");
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    device_answer(d, "go", 500, "");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .succeeded = 1});
    json_t *row = only_row(f, "j");
    assert_json(json_below(row, "outcome"),
                "{'deviceMethodResponse':{'status':500,'payload':null}}");
    json_decref(row);
}

static void device_that_is_away_fails_its_row(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .failed = 1});
    expect_failed_row(f, "j", "DeviceNotOnline");
}

static void job_waits_for_devices_to_come(void **state)
{
    struct fixture *f = *state;
    make(f, "comes");
    make(f, "stays-away");
    job_put(f, "j",
            "{'type':'scheduleDeviceMethod','queryCondition':'*','cloudToDeviceMethod':{"
            "'methodName':'go','connectTimeoutInSeconds':20}}");
    fixture_pass(f, 10 * SECOND_MS);
    assert_job_counts(f, "j", (struct job_counts){.devices = 2, .running = 2});
    struct device *d = device_online(f, "comes");
    mqtt_put_subscribe(device_packets(d), 1, &(struct mqtt_filter){.topic = SLICE(METHODS)}, 1);
    device_say(d);
    assert_non_null(strstr(device_heard(d), "PUBLISH $iothub/methods/POST/go/?$rid=1"));
    device_publish(d, "$iothub/methods/res/200/?$rid=1", "{}", 0);
    fixture_pass(f, 20 * SECOND_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){.devices = 2, .succeeded = 1, .failed = 1});
    json_t *rows = job_rows(f, "j");
    assert_string_equal(text_below(json_array_get(rows, 0), "status"), "completed");
    assert_string_equal(text_below(json_array_get(rows, 1), "error.code"), "DeviceNotOnline");
    json_decref(rows);
}

static void device_that_does_not_answer_fails_its_row(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    (void)listening(f, "d");
    job_put(f, "j",
            "{'type':'scheduleDeviceMethod','queryCondition':'*','cloudToDeviceMethod':{"
            "'methodName':'go','responseTimeoutInSeconds':10}}");
    fixture_pass(f, 9 * SECOND_MS);
    assert_job_is(f, "j", "running");
    fixture_pass(f, 2 * SECOND_MS);
    assert_job_is(f, "j", "completed");
    expect_failed_row(f, "j", "GatewayTimeout");
}

static void device_that_leaves_fails_its_row(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = listening(f, "d");
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    device_break(d);
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    expect_failed_row(f, "j", "DeviceNotOnline");
}

static void device_that_is_deleted_meanwhile_fails_its_row(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", CALLS_AT_ONCE + 1);
    job_put(f, "j",
            "{'type':'scheduleDeviceMethod','queryCondition':'*','cloudToDeviceMethod':{"
            "'methodName':'go','connectTimeoutInSeconds':20}}");
    fixture_pass(f, A_MOMENT_MS);
    /* The last one is still to be called. */
    rest_done(f, 204, "DELETE", "/devices/d0256", NULL);
    fixture_pass(f, MINUTE_MS);
    assert_job_is(f, "j", "completed");
    json_t *rows = job_rows(f, "j");
    assert_int_equal(json_array_size(rows), CALLS_AT_ONCE + 1);
    assert_string_equal(text_below(json_array_get(rows, CALLS_AT_ONCE), "error.code"),
                        "DeviceNotFound");
    json_decref(rows);
}

static void answer_that_is_no_json_fails_its_row(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = listening(f, "d");
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    device_answer(d, "go", 200, "ok");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .failed = 1});
}

/* ---- the execution time ----------------------------------------------------------------- */

static void what_is_not_done_in_time_fails(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = listening(f, "d");
    job_put(
        f, "j",
        "{'type':'scheduleDeviceMethod','queryCondition':'*','maxExecutionTimeInSeconds':60,"
        "'cloudToDeviceMethod':{'methodName':'go','responseTimeoutInSeconds':300}}");
    fixture_pass(f, MINUTE_MS - 1);
    assert_job_is(f, "j", "running");
    fixture_pass(f, 1);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .failed = 1});
    expect_failed_row(f, "j", "GatewayTimeout");
    /* An answer that comes now changes nothing. */
    device_answer(d, "go", 200, "{}");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .failed = 1});
}

static void what_was_not_begun_in_time_fails(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", CALLS_AT_ONCE + 10);
    job_put(
        f, "j",
        "{'type':'scheduleDeviceMethod','queryCondition':'*','maxExecutionTimeInSeconds':60,"
        "'cloudToDeviceMethod':{'methodName':'go','responseTimeoutInSeconds':300,"
        "'connectTimeoutInSeconds':300}}");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_counts(f, "j",
                      (struct job_counts){.devices = CALLS_AT_ONCE + 10,
                                          .running = CALLS_AT_ONCE,
                                          .pending = 10});
    fixture_pass(f, MINUTE_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(
        f, "j",
        (struct job_counts){.devices = CALLS_AT_ONCE + 10, .failed = CALLS_AT_ONCE + 10});
    json_t *rows = job_rows(f, "j");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        assert_string_equal(text_below(json_array_get(rows, i), "status"), "failed");
    }
    json_decref(rows);
}

/* ---- many devices ----------------------------------------------------------------------- */

/* No turn may do so much that others wait for theirs. */
#define MOST_ROWS_A_TURN 500

static int done_of(struct fixture *f, const char *id)
{
    json_t *job = job_get(f, id);
    int64_t done = number_below(job, "deviceJobStatistics.succeededCount") +
                   number_below(job, "deviceJobStatistics.failedCount");
    json_decref(job);
    return (int)done;
}

static void run_in_chunks(struct fixture *f, const char *id, int n)
{
    int done = 0;
    int turns = 0;
    while (done < n) {
        assert_in_range(++turns, 1, 1000);
        clock_advance(&f->clock, 1);
        fixture_turn(f);
        int now_done = done_of(f, id);
        assert_in_range(now_done - done, 0, MOST_ROWS_A_TURN);
        done = now_done;
    }
    fixture_pass(f, 10);
    assert_job_is(f, id, "completed");
}

static void twins_of_2000_devices_are_written_in_chunks(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 2000);
    job_put_twin(f, "j", "*");
    run_in_chunks(f, "j", 2000);
    assert_job_counts(f, "j", (struct job_counts){.devices = 2000, .succeeded = 2000});
    json_t *answer = rest(f, 200, "POST", "/devices/query",
                          "{'query':'SELECT COUNT() AS n FROM devices WHERE tags.done = 1'}");
    assert_json(answer, "[{'n':2000}]");
    json_decref(answer);
    json_t *rows = job_rows(f, "j");
    assert_int_equal(json_array_size(rows), 2000);
    json_decref(rows);
}

static void devices_that_are_away_are_done_in_chunks(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 2000);
    job_put_method(f, "j", "*");
    run_in_chunks(f, "j", 2000);
    assert_job_counts(f, "j", (struct job_counts){.devices = 2000, .failed = 2000});
}

static void jobs_take_turns(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 1000);
    job_put_twin(f, "a", "*");
    job_put_twin(f, "b", "*");
    while (done_of(f, "a") < 500) {
        clock_advance(&f->clock, 1);
        fixture_turn(f);
    }
    assert_in_range(done_of(f, "b"), 1, 1000);
}

static void number_of_calls_at_once_is_limited(void **state)
{
    struct fixture *f = *state;
    enum { N = CALLS_AT_ONCE + 4 };
    struct device *devices[N];
    make_many(f, "d", N);
    for (int i = 0; i < N; i++) {
        char id[20];
        (void)snprintf(id, sizeof(id), "d%04d", i);
        devices[i] = device_connect(
            f,
            &(struct login){.id = id,
                            .is_clean = true,
                            .password = token_for(f, HOST, KEY_DEVICE_POLICY, "device", 3600)});
        assert_heard(devices[i], "CONNACK 0");
        device_subscribe(devices[i], METHODS);
    }
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_counts(
        f, "j", (struct job_counts){.devices = N, .running = CALLS_AT_ONCE, .pending = 4});
    assert_heard(devices[N - 1], "");
    /* Each answer makes room for another call. */
    for (int i = 0; i < N; i++) {
        device_answer(devices[i], "go", 200, "{}");
        fixture_pass(f, 10);
    }
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){.devices = N, .succeeded = N});
}

static void targets_are_those_of_the_start(void **state)
{
    struct fixture *f = *state;
    make(f, "old");
    struct device *d = listening(f, "old");
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    make(f, "new");
    device_answer(d, "go", 200, "{}");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){.devices = 1, .succeeded = 1});
}

/* ---- modules ---------------------------------------------------------------------------- */

static void job_runs_on_modules(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    make(f, "d/m");
    make(f, "e/m");
    make(f, "e/n");
    struct device *m = listening(f, "d/m");
    job_put_twin(f, "t", "FROM devices.modules WHERE moduleId = 'm'");
    job_put_method(f, "g", "FROM devices.modules WHERE deviceId = 'd'");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_counts(f, "t", (struct job_counts){.devices = 2, .succeeded = 2});
    json_t *twin = get_twin(f, "e/m");
    assert_json(json_below(twin, "tags"), "{'done':1}");
    json_decref(twin);
    twin = get_twin(f, "e/n");
    assert_null(json_below(twin, "tags"));
    json_decref(twin);
    twin = get_twin(f, "e");
    assert_null(json_below(twin, "tags"));
    json_decref(twin);
    device_answer(m, "go", 200, "1");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_counts(f, "g", (struct job_counts){.devices = 1, .succeeded = 1});
    json_t *row = only_row(f, "g");
    assert_string_equal(text_below(row, "deviceId"), "d");
    assert_string_equal(text_below(row, "moduleId"), "m");
    json_decref(row);
}

static void rows_are_found_by_their_attributes(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *condition;
        size_t n;
    } rows[] = {
        {"",                                                         5},
        {" WHERE devices.jobs.jobId = 't'",                          3},
        {" WHERE status = 'failed'",                                 2},
        {" WHERE deviceId = 'a' AND jobType = 'scheduleUpdateTwin'", 1},
        {" WHERE devices.jobs.status = 'completed' AND devices.jobs.startTimeUtc > "
         "'2026-01-01'",                                    3},
        {" WHERE error.code = 'DeviceNotOnline'",                    2},
        {" WHERE tags.done = 1",                                     0},
    };
    make(f, "a");
    make(f, "b");
    make(f, "c");
    job_put_twin(f, "t", "*");
    job_put_method(f, "m", "deviceId IN ['a', 'b']");
    fixture_pass(f, A_MOMENT_MS);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[200];
        (void)snprintf(body, sizeof(body), "{\"query\":\"SELECT * FROM devices.jobs%s\"}",
                       rows[i].condition);
        json_t *answer = ask_json(
            f, 200, &(struct ask){.method = "POST", .path = "/devices/query", .body = body});
        if (json_array_size(answer) != rows[i].n) {
            print_error("%s\n", body);
        }
        assert_int_equal(json_array_size(answer), rows[i].n);
        json_decref(answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(twin_job_writes_tags_and_desired_properties),
        HUB_TEST(row_of_a_twin_job),
        HUB_TEST(write_that_fails_is_its_rows_affair),
        HUB_TEST(method_job_calls_and_keeps_the_answer),
        HUB_TEST(running_row_is_seen_as_such),
        HUB_TEST(device_that_answers_an_error_has_completed),
        HUB_TEST(device_that_is_away_fails_its_row),
        HUB_TEST(job_waits_for_devices_to_come),
        HUB_TEST(device_that_does_not_answer_fails_its_row),
        HUB_TEST(device_that_leaves_fails_its_row),
        HUB_TEST(device_that_is_deleted_meanwhile_fails_its_row),
        HUB_TEST(answer_that_is_no_json_fails_its_row),
        HUB_TEST(what_is_not_done_in_time_fails),
        HUB_TEST(what_was_not_begun_in_time_fails),
        HUB_TEST(twins_of_2000_devices_are_written_in_chunks),
        HUB_TEST(devices_that_are_away_are_done_in_chunks),
        HUB_TEST(jobs_take_turns),
        HUB_TEST(number_of_calls_at_once_is_limited),
        HUB_TEST(targets_are_those_of_the_start),
        HUB_TEST(job_runs_on_modules),
        HUB_TEST(rows_are_found_by_their_attributes),
    };
    return cmocka_run_group_tests_name("hub.jobs_run", tests, NULL, NULL);
}
