/*
 * Scheduled jobs: requests, documents, life, cancelling, lists.
 * Source: IoT Hub documentation, "Schedule jobs on multiple devices"; IoT Hub REST, "Jobs"; the
 * job clients of the SDKs and the command line tool's tests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/jobs.h"
#include "hub/service.h"
#include "iothub/json.h"
#include "iothub/limits.h"

#define TWIN   "'type':'scheduleUpdateTwin','updateTwin':{'etag':'*','tags':{'done':1}}"
#define METHOD "'type':'scheduleDeviceMethod','cloudToDeviceMethod':{'methodName':'go'}"
#define ALL    "'queryCondition':'*'"

/* ---- documents -------------------------------------------------------------------------- */

static void creation_answers_id_type_and_queued(void **state)
{
    static const char *const starts[] = {"", ",\"startTime\":\"2026-03-09T12:00:00Z\""};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        char body[300];
        char path[40];
        char want[100];
        (void)snprintf(path, sizeof(path), "/jobs/v2/job%zu", i);
        (void)snprintf(
            body, sizeof(body),
            "{\"type\":\"scheduleUpdateTwin\",\"queryCondition\":\"*\",\"updateTwin\":"
            "{\"etag\":\"*\",\"tags\":{\"a\":1}}%s}",
            starts[i]);
        struct reply reply = ask(f, &(struct ask){.method = "PUT", .path = path, .body = body});
        (void)snprintf(
            want, sizeof(want),
            "{\"jobId\":\"job%zu\",\"type\":\"scheduleUpdateTwin\",\"status\":\"queued\"}", i);
        assert_string_equal(reply.text, want);
        reply_end(&reply);
    }
}

static void finished_job_is_answered_whole(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_decref(ask_json(
        f, 200,
        &(struct ask){.method = "PUT",
                      .path = "/jobs/v2/Job-1",
                      .body =
                          "{\"jobId\":\"Job-1\",\"type\":\"scheduleUpdateTwin\","
                          "\"queryCondition\":\"deviceId = 'd'\","
                          "\"updateTwin\":{\"deviceId\":null,\"etag\":\"*\",\"tags\":{\"z\":1,"
                          "\"a\":1.0}},\"maxExecutionTimeInSeconds\":300}"}));
    fixture_pass(f, A_MOMENT_MS);
    struct reply reply = ask(f, &(struct ask){.method = "GET", .path = "/jobs/v2/Job-1"});
    json_t *end = json_incref(json_below(reply.json, "endTime"));
    char want[600];
    (void)snprintf(
        want, sizeof(want),
        "{\"jobId\":\"Job-1\",\"type\":\"scheduleUpdateTwin\",\"status\":\"completed\","
        "\"createdTime\":\"2026-03-02T12:00:00Z\",\"startTime\":\"2026-03-02T12:00:00Z\","
        "\"endTime\":\"%s\",\"maxExecutionTimeInSeconds\":300,"
        "\"queryCondition\":\"deviceId = 'd'\","
        "\"updateTwin\":{\"deviceId\":null,\"etag\":\"*\",\"tags\":{\"z\":1,\"a\":1.0}},"
        "\"deviceJobStatistics\":{\"deviceCount\":1,\"failedCount\":0,\"succeededCount\":1,"
        "\"runningCount\":0,\"pendingCount\":0}}",
        json_string_value(end));
    assert_string_equal(reply.text, want);
    json_decref(end);
    reply_end(&reply);
}

static void unknown_job_is_of_unknown_type_and_status(void **state)
{
    struct fixture *f = *state;
    json_t *job = job_get(f, "none");
    assert_json(job, "{'jobId':'none','type':'unknown','status':'unknown'}");
    json_decref(job);
}

static void execution_time_is_an_hour_unless_told_otherwise(void **state)
{
    static const char *const members[] = {"", ",'maxExecutionTimeInSeconds':0",
                                          ",'maxExecutionTimeInSeconds':null"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        char id[20];
        char body[200];
        (void)snprintf(id, sizeof(id), "j%zu", i);
        (void)snprintf(body, sizeof(body), "{" TWIN "," ALL "%s}", members[i]);
        job_put(f, id, body);
        json_t *job = job_get(f, id);
        assert_int_equal(number_below(job, "maxExecutionTimeInSeconds"), 3600);
        json_decref(job);
    }
}

static void words_of_a_request_may_have_any_case(void **state)
{
    struct fixture *f = *state;
    job_put(f, "j", "{'type':'ScheduleUpdateTwin'," ALL ",'updateTwin':{'etag':'*'}}");
    json_t *job = job_get(f, "j");
    assert_string_equal(text_below(job, "type"), "scheduleUpdateTwin");
    json_decref(job);
}

/* ---- requests that are none ------------------------------------------------------------- */

static void malformed_jobs_are_refused(void **state)
{
    static const struct {
        enum iothub_status status;
        const char *body;
    } rows[] = {
        {IOTHUB_GENERIC_BAD_REQUEST, "{" ALL "}"                                              },
        {IOTHUB_GENERIC_BAD_REQUEST, "{'type':'export'," ALL "}"                              },
        {IOTHUB_GENERIC_BAD_REQUEST, "{'type':5," ALL "}"                                     },
        {IOTHUB_ARGUMENT_NULL,       "{" TWIN "}"                                             },
        {IOTHUB_ARGUMENT_NULL,       "{" TWIN ",'queryCondition':null}"                       },
        {IOTHUB_ARGUMENT_INVALID,    "{" TWIN ",'queryCondition':5}"                          },
        {IOTHUB_ARGUMENT_NULL,       "{'type':'scheduleUpdateTwin'," ALL "}"                  },
        {IOTHUB_ARGUMENT_NULL,       "{'type':'scheduleDeviceMethod'," ALL "}"                },
        {IOTHUB_ARGUMENT_NULL,       "{'type':'scheduleDeviceMethod'," ALL ",'updateTwin':{}}"},
        {IOTHUB_ARGUMENT_INVALID,
         "{'type':'scheduleUpdateTwin'," ALL ",'updateTwin':{'desired':{'a':1}}}"             },
        {IOTHUB_ARGUMENT_NULL,
         "{'type':'scheduleDeviceMethod'," ALL ",'cloudToDeviceMethod':{}}"                   },
        {IOTHUB_ARGUMENT_INVALID,
         "{'type':'scheduleDeviceMethod'," ALL
         ",'cloudToDeviceMethod':{'methodName':'m','responseTimeoutInSeconds':1}}"            },
        {IOTHUB_ARGUMENT_INVALID,    "{" TWIN "," ALL ",'startTime':'soon'}"                  },
        {IOTHUB_ARGUMENT_INVALID,    "{" TWIN "," ALL ",'startTime':5}"                       },
        {IOTHUB_ARGUMENT_INVALID,    "{" TWIN "," ALL ",'startTime':'2026-03-09T12:00:01Z'}"  },
        {IOTHUB_ARGUMENT_INVALID,    "{" TWIN "," ALL ",'maxExecutionTimeInSeconds':-1}"      },
        {IOTHUB_ARGUMENT_INVALID,    "{" TWIN "," ALL ",'maxExecutionTimeInSeconds':'1'}"     },
        {IOTHUB_ARGUMENT_INVALID,    "{" TWIN "," ALL ",'jobId':'other'}"                     },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rest_fails(f, rows[i].status, "PUT", "/jobs/v2/j", rows[i].body);
    }
    assert_job_is(f, "j", "unknown");
}

static void etag_of_a_twin_job_is_a_star_or_nothing(void **state)
{
    static const struct {
        const char *etag;
        bool is_good;
    } rows[] = {
        {"'*'",            true },
        {"null",           true },
        {"''",             true },
        {"'AAAAAAAAAAE='", false},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char path[40];
        (void)snprintf(path, sizeof(path), "/jobs/v2/j%zu", i);
        json_t *asked = json_from("{'type':'scheduleUpdateTwin'," ALL ",'updateTwin':{}}");
        json_object_set_new(json_below(asked, "updateTwin"), "etag", json_from(rows[i].etag));
        char *text = json_text(asked);
        struct reply reply = ask(f, &(struct ask){.method = "PUT", .path = path, .body = text});
        assert_int_equal(reply.status == 200, rows[i].is_good);
        assert_int_equal(reply.status >= 400 && reply.status < 500, !rows[i].is_good);
        reply_end(&reply);
        free(text);
        json_decref(asked);
    }
}

static void job_ids_have_64_characters_without_separators(void **state)
{
    static const char *const ids[] = {"a%20b", "a%2Cb", "%22", "a%3Db", "%C3%A9"};
    struct fixture *f = *state;
    char path[100] = "/jobs/v2/";
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        (void)snprintf(path, sizeof(path), "/jobs/v2/%s", ids[i]);
        rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", path, "{" TWIN "," ALL "}");
    }
    memset(path + 9, 'x', LIMIT_JOB_ID_CHARS + 1);
    path[9 + LIMIT_JOB_ID_CHARS + 1] = '\0';
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", path, "{" TWIN "," ALL "}");
    path[9 + LIMIT_JOB_ID_CHARS] = '\0';
    rest_done(f, 200, "PUT", path, "{" TWIN "," ALL "}");
}

/* Source: azure-iot-sdk-csharp, issue 1680. */
static void condition_that_is_too_long_fails_a_precondition(void **state)
{
    struct fixture *f = *state;
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_put_text(&body, "{" TWIN ",'queryCondition':'");
    memset(buf_extend(&body, LIMIT_QUERY_CHARS + 1), 'x', LIMIT_QUERY_CHARS + 1);
    buf_put_text(&body, "'}");
    rest_fails(f, IOTHUB_PRECONDITION_FAILED, "PUT", "/jobs/v2/j", buf_text(&body));
    buf_finish(&body);
}

static void id_is_used_once(void **state)
{
    struct fixture *f = *state;
    job_put_twin(f, "j", "*");
    rest_fails(f, IOTHUB_JOB_ALREADY_EXISTS, "PUT", "/jobs/v2/j", "{" TWIN "," ALL "}");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    rest_fails(f, IOTHUB_JOB_ALREADY_EXISTS, "PUT", "/jobs/v2/j", "{" TWIN "," ALL "}");
}

static void number_of_active_jobs_has_a_limit(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < LIMIT_ACTIVE_JOBS; i++) {
        char id[20];
        (void)snprintf(id, sizeof(id), "j%d", i);
        job_put(f, id, "{" TWIN "," ALL ",'startTime':'2026-03-02T13:00:00Z'}");
    }
    rest_fails(f, IOTHUB_THROTTLING_MAX_ACTIVE_JOB_COUNT_EXCEEDED, "PUT", "/jobs/v2/more",
               "{" TWIN "," ALL "}");
    rest_done(f, 200, "POST", "/jobs/v2/j0/cancel", NULL);
    job_put(f, "more", "{" TWIN "," ALL "}");
}

/* ---- life ------------------------------------------------------------------------------- */

static void job_for_now_is_soon_completed(void **state)
{
    struct fixture *f = *state;
    make(f, "a");
    make(f, "b");
    job_put_twin(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){.devices = 2, .succeeded = 2});
    json_t *twin = get_twin(f, "b");
    assert_json(json_below(twin, "tags"), "{'done':1}");
    json_decref(twin);
}

static void job_for_later_is_queued_then_scheduled_then_run(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    job_put(f, "j", "{" TWIN "," ALL ",'startTime':'2026-03-02T12:10:00Z'}");
    assert_job_is(f, "j", "queued");
    fixture_pass(f, 5 * SECOND_MS);
    assert_job_is(f, "j", "scheduled");
    assert_job_counts(f, "j", (struct job_counts){0});
    fixture_pass(f, 10 * MINUTE_MS - 5 * SECOND_MS - 1);
    assert_job_is(f, "j", "scheduled");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    json_t *job = job_get(f, "j");
    assert_string_equal(text_below(job, "startTime"), "2026-03-02T12:10:00Z");
    assert_int_equal(strncmp(text_below(job, "endTime"), "2026-03-02T12:10:0", 18), 0);
    json_decref(job);
}

static void job_starts_to_the_millisecond(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, METHODS);
    job_put(f, "j", "{" METHOD "," ALL ",'startTime':'2026-03-02T12:00:03.5Z'}");
    fixture_pass(f, 3499);
    assert_heard(d, "");
    fixture_pass(f, 100);
    assert_int_equal(strncmp(device_heard(d), "PUBLISH $iothub/methods/POST/go/", 31), 0);
    assert_job_is(f, "j", "running");
}

static void start_may_be_a_week_ahead(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    job_put(f, "j", "{" TWIN "," ALL ",'startTime':'2026-03-09T12:00:00Z'}");
    fixture_pass(f, 7LL * 24 * HOUR_MS - 1);
    assert_job_is(f, "j", "scheduled");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
}

static void start_in_the_past_is_now(void **state)
{
    static const char *const starts[] = {
        "'2026-03-02T11:59:59Z'",
        "'2026-03-02 09:00:00'",
        "'2020-01-01T00:00:00Z'",
        "'1960-01-01T00:00:00Z'",
        "null",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        char id[20];
        char body[300];
        (void)snprintf(id, sizeof(id), "j%zu", i);
        (void)snprintf(body, sizeof(body),
                       "{" TWIN "," ALL ",'startTime':%s,'maxExecutionTimeInSeconds':60}",
                       starts[i]);
        job_put(f, id, body);
        fixture_pass(f, A_MOMENT_MS);
        assert_job_is(f, id, "completed");
        assert_job_counts(f, id, (struct job_counts){.devices = 1, .succeeded = 1});
    }
}

static void job_without_targets_is_completed(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    job_put_twin(f, "j", "deviceId = 'none'");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    assert_job_counts(f, "j", (struct job_counts){0});
}

static void bad_condition_is_taken_and_fails_later(void **state)
{
    struct fixture *f = *state;
    job_put_twin(f, "j", "%% 1");
    fixture_pass(f, A_MOMENT_MS);
    json_t *job = job_get(f, "j");
    assert_string_equal(text_below(job, "status"), "failed");
    static const char want[] = "SQL query parse failed due to following errors: \n\tLine 1:29 ";
    assert_int_equal(strncmp(text_below(job, "failureReason"), want, strlen(want)), 0);
    assert_non_null(json_below(job, "endTime"));
    json_decref(job);
    assert_job_counts(f, "j", (struct job_counts){0});
}

static void job_on_job_rows_fails(void **state)
{
    struct fixture *f = *state;
    job_put_twin(f, "j", "FROM devices.jobs");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "failed");
}

static void each_form_of_condition_finds_its_devices(void **state)
{
    static const struct {
        const char *condition;
        int n;
    } rows[] = {
        {"*",                                 3},
        {"deviceId IN ['a','b','none']",      2},
        {"deviceId = 'a' OR tags.x = 1",      2},
        {"FROM devices WHERE tags.x = 1",     1},
        {"FROM devices",                      3},
        {"tags.x = 1 AND status = 'enabled'", 1},
        {"NOT IS_DEFINED(tags.x)",            2},
    };
    struct fixture *f = *state;
    make(f, "a");
    make(f, "b");
    make(f, "c");
    patch_twin(f, "c", "{'tags':{'x':1}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char id[20];
        (void)snprintf(id, sizeof(id), "j%zu", i);
        job_put_twin(f, id, rows[i].condition);
        fixture_pass(f, A_MOMENT_MS);
        assert_job_is(f, id, "completed");
        assert_job_counts(f, id,
                          (struct job_counts){.devices = rows[i].n, .succeeded = rows[i].n});
    }
}

static void job_history_is_kept_for_30_days(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    job_put_twin(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    clock_advance(&f->clock, 30LL * 24 * HOUR_MS - HOUR_MS);
    fixture_pass(f, 30 * SECOND_MS);
    assert_job_is(f, "j", "completed");
    clock_advance(&f->clock, 2 * HOUR_MS);
    fixture_pass(f, 30 * SECOND_MS);
    assert_job_is(f, "j", "unknown");
    json_t *rows = job_rows(f, "j");
    assert_int_equal(json_array_size(rows), 0);
    json_decref(rows);
}

/* ---- cancelling ------------------------------------------------------------------------- */

static json_t *cancel(struct fixture *f, const char *id)
{
    char path[60];
    (void)snprintf(path, sizeof(path), "/jobs/v2/%s/cancel", id);
    return rest(f, 200, "POST", path, NULL);
}

static void waiting_job_is_cancelled(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    job_put(f, "queued", "{" TWIN "," ALL ",'startTime':'2026-03-02T12:10:00Z'}");
    json_t *job = cancel(f, "queued");
    assert_string_equal(text_below(job, "status"), "cancelled");
    assert_string_equal(text_below(job, "jobId"), "queued");
    assert_non_null(json_below(job, "endTime"));
    json_decref(job);
    job_put(f, "scheduled", "{" TWIN "," ALL ",'startTime':'2026-03-02T12:10:00Z'}");
    fixture_pass(f, MINUTE_MS);
    job = cancel(f, "scheduled");
    assert_string_equal(text_below(job, "status"), "cancelled");
    json_decref(job);
    fixture_pass(f, 10 * MINUTE_MS);
    assert_job_is(f, "queued", "cancelled");
    assert_job_is(f, "scheduled", "cancelled");
    json_t *twin = get_twin(f, "d");
    assert_null(json_below(twin, "tags"));
    json_decref(twin);
}

static void job_for_now_is_cancelled_right_behind_its_creation(void **state)
{
    struct fixture *f = *state;
    struct buf answer = {.cap = BUF_CAP_OWN};
    static const char body[] = "{\"type\":\"scheduleUpdateTwin\",\"queryCondition\":\"*\","
                               "\"updateTwin\":{\"etag\":\"*\",\"tags\":{\"a\":1}}}";
    json_t *parsed = json_parse(slice_of(body), NULL);
    make(f, "d");
    /* Both requests come in the same turn. */
    assert_int_equal(hub_job_create(f->hub, SLICE("j"), slice_of(body), parsed, &answer),
                     IOTHUB_OK);
    assert_int_equal(hub_job_cancel(f->hub, SLICE("j"), &answer), IOTHUB_OK);
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "cancelled");
    json_decref(parsed);
    buf_finish(&answer);
}

static void running_or_finished_job_is_not_cancelled(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, METHODS);
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "running");
    rest_fails(f, IOTHUB_OPERATION_NOT_ALLOWED_IN_CURRENT_STATE, "POST", "/jobs/v2/j/cancel",
               NULL);
    device_answer(d, "go", 200, "{}");
    fixture_pass(f, A_MOMENT_MS);
    assert_job_is(f, "j", "completed");
    rest_fails(f, IOTHUB_OPERATION_NOT_ALLOWED_IN_CURRENT_STATE, "POST", "/jobs/v2/j/cancel",
               NULL);
    assert_job_is(f, "j", "completed");
}

static void unknown_job_is_not_cancelled(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_JOB_NOT_FOUND, "POST", "/jobs/v2/none/cancel", NULL);
}

/* ---- lists ------------------------------------------------------------------------------ */

static void expect_list(struct fixture *f, const char *query, const char *max_items,
                        const char *want)
{
    struct buf have = {.cap = BUF_CAP_OWN};
    char *next = NULL;
    do {
        size_t i = 0;
        json_t *job = NULL;
        struct reply reply = ask(f, &(struct ask){.method = "GET",
                                                  .path = "/jobs/v2/query",
                                                  .query = query,
                                                  .max_items = max_items,
                                                  .continuation = next});
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply_header(&reply, "x-ms-item-type"), "JobResponse");
        buf_put_text(&have, next == NULL ? "" : "| ");
        json_array_foreach(reply.json, i, job)
        {
            buf_putf(&have, "%s ", text_below(job, "jobId"));
        }
        free(next);
        next = mem_dup_text(reply_header(&reply, "x-ms-continuation"));
        reply_end(&reply);
    } while (next != NULL);
    assert_string_equal(buf_text(&have), want);
    buf_finish(&have);
}

static void list_is_filtered_without_case(void **state)
{
    struct fixture *f = *state;
    expect_list(f, NULL, NULL, "");
    make(f, "d");
    job_put_twin(f, "t1", "*");
    job_put_method(f, "m1", "*");
    job_put_twin(f, "bad", "((");
    fixture_pass(f, A_MOMENT_MS);
    job_put(f, "later", "{" METHOD "," ALL ",'startTime':'2026-03-02T13:00:00Z'}");
    fixture_pass(f, MINUTE_MS);
    expect_list(f, NULL, NULL, "t1 m1 bad later ");
    expect_list(f, "&jobType=scheduleUpdateTwin", NULL, "t1 bad ");
    expect_list(f, "&jobType=ScheduleDeviceMethod", NULL, "m1 later ");
    expect_list(f, "&jobStatus=Completed", NULL, "t1 m1 ");
    expect_list(f, "&jobStatus=failed&jobType=scheduleupdatetwin", NULL, "bad ");
    expect_list(f, "&jobStatus=scheduled", NULL, "later ");
    expect_list(f, "&jobStatus=running", NULL, "");
    expect_list(f, "&jobStatus=nonsense", NULL, "");
}

static void list_comes_in_pages(void **state)
{
    struct fixture *f = *state;
    char id[20];
    for (int i = 0; i < 5; i++) {
        (void)snprintf(id, sizeof(id), "j%d", i);
        job_put_twin(f, id, i % 2 == 0 ? "*" : "((");
    }
    fixture_pass(f, A_MOMENT_MS);
    expect_list(f, NULL, "2", "j0 j1 | j2 j3 | j4 ");
    expect_list(f, NULL, "5", "j0 j1 j2 j3 j4 ");
    expect_list(f, "&jobStatus=completed", "1", "j0 | j2 | j4 ");
    expect_list(f, "&jobStatus=failed", "2", "j1 j3 ");
    ask_fails(f, IOTHUB_ARGUMENT_INVALID,
              &(struct ask){.method = "GET", .path = "/jobs/v2/query", .max_items = "0"});
    ask_fails(f, IOTHUB_ARGUMENT_INVALID,
              &(struct ask){.method = "GET", .path = "/jobs/v2/query", .continuation = "abcd"});
}

static void list_shows_jobs_as_get_does(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, METHODS);
    job_put_method(f, "j", "*");
    fixture_pass(f, A_MOMENT_MS);
    json_t *job = job_get(f, "j");
    json_t *list = rest(f, 200, "GET", "/jobs/v2/query", NULL);
    assert_string_equal(text_below(job, "status"), "running");
    assert_true(json_equal(json_array_get(list, 0), job));
    json_decref(job);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(creation_answers_id_type_and_queued),
        HUB_TEST(finished_job_is_answered_whole),
        HUB_TEST(unknown_job_is_of_unknown_type_and_status),
        HUB_TEST(execution_time_is_an_hour_unless_told_otherwise),
        HUB_TEST(words_of_a_request_may_have_any_case),
        HUB_TEST(malformed_jobs_are_refused),
        HUB_TEST(etag_of_a_twin_job_is_a_star_or_nothing),
        HUB_TEST(job_ids_have_64_characters_without_separators),
        HUB_TEST(condition_that_is_too_long_fails_a_precondition),
        HUB_TEST(id_is_used_once),
        HUB_TEST(number_of_active_jobs_has_a_limit),
        HUB_TEST(job_for_now_is_soon_completed),
        HUB_TEST(job_for_later_is_queued_then_scheduled_then_run),
        HUB_TEST(job_starts_to_the_millisecond),
        HUB_TEST(start_may_be_a_week_ahead),
        HUB_TEST(start_in_the_past_is_now),
        HUB_TEST(job_without_targets_is_completed),
        HUB_TEST(bad_condition_is_taken_and_fails_later),
        HUB_TEST(job_on_job_rows_fails),
        HUB_TEST(each_form_of_condition_finds_its_devices),
        HUB_TEST(job_history_is_kept_for_30_days),
        HUB_TEST(waiting_job_is_cancelled),
        HUB_TEST(job_for_now_is_cancelled_right_behind_its_creation),
        HUB_TEST(running_or_finished_job_is_not_cancelled),
        HUB_TEST(unknown_job_is_not_cancelled),
        HUB_TEST(list_is_filtered_without_case),
        HUB_TEST(list_comes_in_pages),
        HUB_TEST(list_shows_jobs_as_get_does),
    };
    return cmocka_run_group_tests_name("hub.jobs", tests, NULL, NULL);
}
