/*
 * schedule-jobs against a hub that runs jobs, one that cannot, and one that is stopped in
 * between.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "unit/service/program.h"

#define JOBS_MAX 2
#define GUID_LEN 36

/* What the hub is to do, and what it was told. */
struct fixture {
    struct fake_hub *hub;
    struct program_run run;
    struct buf answer; /* lives until the next request */

    int n_devices;        /* that the query selects */
    int n_polls;          /* how often a job is asked for before it is completed */
    int n_full;           /* how often a second job is refused because one runs */
    bool refuses_second;  /* a second job is no good */
    bool fails_device;    /* the method job's device is offline */
    bool fails_job;       /* both jobs end as failed */
    bool lacks_rows_once; /* rows are there only at the second look */
    int n_outages;        /* this many polls are answered 500 */
    int n_stale;          /* this many twin writes meet a newer etag */
    bool is_stopping;     /* the program gets SIGINT at the first poll */

    char ids[JOBS_MAX][GUID_LEN + 20];
    int n_looks[JOBS_MAX];
    int n_jobs;
    int n_row_queries;
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void set_error(struct fixture *f, struct fake_answer *answer, int status,
                      const char *header, const char *name)
{
    answer->status = status;
    answer->headers[0] = header;
    buf_putf(&f->answer, "{\"Message\":\"ErrorCode:%s;no\",\"ExceptionMessage\":\"\"}", name);
}

static int find_job(const struct fixture *f, const char *text)
{
    for (int i = 0; i < f->n_jobs; i++) {
        if (strstr(text, f->ids[i]) != NULL) {
            return i;
        }
    }
    return -1;
}

static void on_create(struct fixture *f, const struct fake_request *request,
                      struct fake_answer *answer)
{
    const char *id = request->target + strlen("/jobs/v2/");
    if (f->n_jobs == 1 && f->n_full > 0 && f->n_full-- > 0) {
        set_error(f, answer, 429, "iothub-errorcode: ThrottlingMaxActiveJobCountExceeded",
                  "ThrottlingMaxActiveJobCountExceeded");
        return;
    }
    if (f->n_jobs == 1 && f->refuses_second) {
        set_error(f, answer, 400, "iothub-errorcode: ArgumentInvalid", "ArgumentInvalid");
        return;
    }
    assert_true(f->n_jobs < JOBS_MAX);
    (void)snprintf(f->ids[f->n_jobs], sizeof(f->ids[0]), "%.*s", (int)strcspn(id, "?"), id);
    buf_putf(&f->answer, "{\"jobId\":\"%s\",\"type\":\"x\",\"status\":\"queued\"}",
             f->ids[f->n_jobs++]);
}

static void on_look(struct fixture *f, const struct fake_request *request,
                    struct fake_answer *answer)
{
    int i = find_job(f, request->target);
    if (f->is_stopping) {
        (void)kill(program_pid(), SIGINT);
    }
    if (f->n_outages > 0 && f->n_outages-- > 0) {
        set_error(f, answer, 500, "iothub-errorcode: ServerError", "ServerError");
        return;
    }
    f->n_looks[i]++;
    bool is_over = f->n_looks[i] > f->n_polls;
    int n_failed = i == 0 && f->fails_device ? 1 : 0;
    buf_putf(&f->answer, "{\"jobId\":\"%s\",\"type\":\"x\",\"status\":\"%s\"", f->ids[i],
             !is_over       ? "running"
             : f->fails_job ? "failed"
                            : "completed");
    if (is_over && f->fails_job) {
        buf_put_text(&f->answer, ",\"failureReason\":\"SQL query parse failed\"");
    }
    buf_putf(
        &f->answer,
        ",\"deviceJobStatistics\":{\"deviceCount\":1,\"failedCount\":%d,\"succeededCount\":%d,"
        "\"runningCount\":%d,\"pendingCount\":0}}",
        is_over ? n_failed : 0, is_over ? 1 - n_failed : 0, is_over ? 0 : 1);
}

static void put_row(struct fixture *f, int i)
{
    bool is_failed = i == 0 && f->fails_device;
    buf_putf(&f->answer, "[{\"deviceId\":\"door-1\",\"jobId\":\"%s\",\"status\":\"%s\",",
             f->ids[i], is_failed ? "failed" : "completed");
    buf_put_text(
        &f->answer,
        is_failed ? "\"error\":{\"code\":\"DeviceNotOnline\",\"description\":\"Timed out\"}}]"
        : i == 0  ? "\"outcome\":{\"deviceMethodResponse\":{\"status\":200,\"payload\":{"
                    "\"Response\":\"lockDoor called successfully\"}}}}]"
                  : "\"outcome\":{\"deviceMethodResponse\":null}}]");
}

static void on_query(struct fixture *f, const struct fake_request *request)
{
    if (strstr(request->body, "COUNT()") != NULL) {
        buf_putf(&f->answer, "[{\"numberOfDevices\":%d}]", f->n_devices);
    } else if (strstr(request->body, "devices.jobs") != NULL) {
        f->n_row_queries++;
        if (f->lacks_rows_once && f->n_row_queries == 1) {
            buf_put_text(&f->answer, "[]");
        } else {
            put_row(f, find_job(f, request->body));
        }
    } else if (strstr(request->body, "SELECT deviceId FROM") != NULL) {
        buf_put_text(&f->answer, "[{\"deviceId\":\"door-1\"},{\"deviceId\":\"door-2\"}]");
    } else {
        buf_put_text(&f->answer, "[{\"deviceId\":\"door-1\",\"moduleId\":\"lock\"}]");
    }
}

static void on_twins(struct fixture *f, const struct fake_request *request,
                     struct fake_answer *answer)
{
    bool is_method = strstr(request->target, "/methods?") != NULL;
    if (is_method && f->fails_device && starts_with(request->target, "/twins/door-1/")) {
        set_error(f, answer, 404, "iothub-errorcode: DeviceNotOnline", "DeviceNotOnline");
    } else if (is_method) {
        buf_put_text(&f->answer, "{\"status\":200,\"payload\":{\"Response\":\"ok\"}}");
    } else if (strcmp(request->method, "PATCH") == 0 && f->n_stale > 0 && f->n_stale-- > 0) {
        set_error(f, answer, 412, "iothub-errorcode: PreconditionFailed", "PreconditionFailed");
    } else {
        buf_put_text(&f->answer, "{\"deviceId\":\"door-1\",\"etag\":\"AAAAAAAAAAE=\"}");
    }
}

static void on_request(void *ctx, const struct fake_request *request,
                       struct fake_answer *answer)
{
    struct fixture *f = ctx;
    buf_reset(&f->answer);
    answer->status = 200;
    bool is_put = strcmp(request->method, "PUT") == 0;
    bool is_job = starts_with(request->target, "/jobs/v2/");
    if (is_job && is_put) {
        on_create(f, request, answer);
    } else if (is_job && strstr(request->target, "/cancel?") != NULL) {
        buf_put_text(&f->answer, "{\"status\":\"cancelled\"}");
    } else if (is_job) {
        on_look(f, request, answer);
    } else if (starts_with(request->target, "/devices/query?")) {
        on_query(f, request);
    } else {
        on_twins(f, request, answer);
    }
    answer->body = buf_text(&f->answer);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->n_devices = 1;
    f->n_polls = 1;
    buf_init(&f->answer, BUF_CAP_OWN);
    f->hub = fake_hub_start();
    fake_hub_handle(f->hub, on_request, f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    program_run_finish(&f->run);
    fake_hub_stop(f->hub);
    buf_finish(&f->answer);
    free(f);
    return 0;
}

#define SCHEDULE(f, ...) \
    RUN(&(f)->run, (f)->hub, "schedule-jobs", "--poll-every", "0.1", __VA_ARGS__)

/* The first request with that method whose target begins so; NULL when there is none. */
static const struct fake_request *find_request(struct fixture *f, const char *method,
                                               const char *prefix)
{
    for (size_t i = 0; i < fake_hub_n_requests(f->hub); i++) {
        const struct fake_request *request = fake_hub_request(f->hub, i);
        if (strcmp(request->method, method) == 0 && starts_with(request->target, prefix)) {
            return request;
        }
    }
    return NULL;
}

static size_t count_requests(struct fixture *f, const char *method, const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < fake_hub_n_requests(f->hub); i++) {
        const struct fake_request *request = fake_hub_request(f->hub, i);
        n += strcmp(request->method, method) == 0 && strstr(request->target, part) != NULL ? 1
                                                                                           : 0;
    }
    return n;
}

/* The run's output must hold this line about a job, "%s" standing for its id. */
static void expect_job_line(const struct fixture *f, int job, const char *before,
                            const char *after)
{
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    buf_putf(&line, "%s%s%s\n", before, f->ids[job], after);
    program_expect_part(f->run.out, buf_text(&line));
    buf_finish(&line);
}

/* ---- By the hub's jobs ---- */

static void both_jobs_are_scheduled_and_watched_to_their_end(void **state)
{
    struct fixture *f = *state;
    SCHEDULE(f, "--device-id", "door-1");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.out, "Starting the IoT Hub jobs sample...\n"
                                    "    Host    = " PROGRAM_HOST "\n"
                                    "    Policy  = owner\n"
                                    "    Query   = SELECT * FROM devices WHERE deviceId = "
                                    "'door-1'\n"
                                    "    Devices = 1\n");
    assert_int_equal(strlen(f->ids[0]), GUID_LEN);
    expect_job_line(f, 0, "\nDirect method called with Job Id: ", "");
    expect_job_line(f, 1, "\nDevice twin called with Job Id: ", "");
    expect_job_line(f, 0, "...job ", " still running. (queued)");
    expect_job_line(f, 0, "...job ",
                    " still running. (running, 1 device: 0 succeeded, 0 failed, 1 running, 0 "
                    "pending)");
    program_expect_part(f->run.out, "Job status posted, press Ctrl-C to exit\n");
    expect_job_line(f, 0, "...job ",
                    " complete. (1 device: 1 succeeded, 0 failed, 0 running, 0 pending)");
    expect_job_line(f, 1, "...job ",
                    " complete. (1 device: 1 succeeded, 0 failed, 0 running, 0 pending)");
    expect_job_line(f, 0, "\nDirect method lockDoor, job ", ": completed");
    program_expect_part(f->run.out,
                        "door-1    completed           200  {\"Response\":\"lockDoor "
                        "called successfully\"}");
    expect_job_line(f, 1, "\nDevice twin update, job ", ": completed");
    assert_null(strstr(f->run.out, PROGRAM_KEY));
    assert_string_equal(f->run.err, "");
}

static void the_jobs_are_those_of_the_tutorial(void **state)
{
    struct fixture *f = *state;
    SCHEDULE(f, "--device-id", "door-1");
    program_expect_code(&f->run, 0);
    const char *method = fake_hub_request(f->hub, 1)->body;
    const char *twin = fake_hub_request(f->hub, 2)->body;
    program_expect_part(method,
                        "\"type\":\"scheduleDeviceMethod\",\"cloudToDeviceMethod\":{"
                        "\"methodName\":\"lockDoor\",\"payload\":{\"lockTime\":\"10m\"},"
                        "\"responseTimeoutInSeconds\":30},"
                        "\"queryCondition\":\"deviceId = 'door-1'\",\"startTime\":\"2");
    program_expect_part(method, "\"maxExecutionTimeInSeconds\":60}");
    program_expect_part(twin, "\"type\":\"scheduleUpdateTwin\",\"updateTwin\":{\"etag\":\"*\","
                              "\"properties\":{\"desired\":{\"building\":43,\"floor\":3}}},"
                              "\"queryCondition\":\"deviceId = 'door-1'\",\"startTime\":\"2");
    program_expect_part(twin, "\"maxExecutionTimeInSeconds\":60}");
}

static void options_shape_the_jobs(void **state)
{
    struct fixture *f = *state;
    SCHEDULE(f, "--query", "FROM devices.modules WHERE moduleId = 'lock'", "--method", "reboot",
             "--payload", "null", "--desired", "{\"a\":1}", "--tags", "{\"b\":2}",
             "--method-wait", "0", "--twin-wait", "0", "--timeout-execution", "300",
             "--job-id-prefix", "night-");
    program_expect_code(&f->run, 0);
    const char *method = fake_hub_request(f->hub, 1)->body;
    const char *twin = fake_hub_request(f->hub, 2)->body;
    assert_true(starts_with(f->ids[0], "night-"));
    program_expect_part(
        method, "\"cloudToDeviceMethod\":{\"methodName\":\"reboot\",\"payload\":null,"
                "\"responseTimeoutInSeconds\":30},\"queryCondition\":\"FROM devices.modules "
                "WHERE moduleId = 'lock'\",\"maxExecutionTimeInSeconds\":300}");
    program_expect_part(twin,
                        "\"updateTwin\":{\"etag\":\"*\",\"tags\":{\"b\":2},\"properties\":{"
                        "\"desired\":{\"a\":1}}}");
}

static void a_selection_of_nobody_schedules_nothing(void **state)
{
    struct fixture *f = *state;
    f->n_devices = 0;
    SCHEDULE(f, "--device-id", "door-9");
    program_expect_code(&f->run, 1);
    assert_string_equal(f->run.err,
                        "iothub-service: the query selects no device: SELECT * FROM "
                        "devices WHERE deviceId = 'door-9'\n");
    assert_int_equal(f->n_jobs, 0);
}

static void a_failed_device_is_a_failure(void **state)
{
    struct fixture *f = *state;
    f->fails_device = true;
    SCHEDULE(f, "--device-id", "door-1");
    program_expect_code(&f->run, 1);
    expect_job_line(f, 0, "...job ",
                    " complete. (1 device: 0 succeeded, 1 failed, 0 running, 0 pending)");
    program_expect_part(f->run.out, "DeviceNotOnline");
}

static void a_failed_job_is_told_with_its_reason(void **state)
{
    struct fixture *f = *state;
    f->fails_job = true;
    SCHEDULE(f, "--query", "*");
    program_expect_code(&f->run, 1);
    expect_job_line(f, 1, "...job ", " failed: SQL query parse failed.");
}

static void a_hub_with_one_place_gets_the_second_job_later(void **state)
{
    struct fixture *f = *state;
    f->n_full = 3;
    SCHEDULE(f, "--device-id", "door-1");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.out, " waits: the hub runs no more jobs at a time.\n");
    expect_job_line(f, 1, "\nDevice twin called with Job Id: ", "");
    assert_int_equal(f->n_jobs, 2);
}

static void half_a_pair_is_cancelled(void **state)
{
    struct fixture *f = *state;
    f->refuses_second = true;
    SCHEDULE(f, "--device-id", "door-1");
    program_expect_code(&f->run, 1);
    program_expect_part(f->run.err, "iothub-service: ArgumentInvalid: no\n");
    program_expect_part(f->run.err, " was cancelled\n");
    assert_int_equal(count_requests(f, "POST", "/cancel?"), 1);
}

static void an_outage_between_polls_is_sat_out(void **state)
{
    struct fixture *f = *state;
    f->n_outages = 4; /* with so short a time limit that is two rounds with their attempts */
    SCHEDULE(f, "--device-id", "door-1", "--timeout", "1");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.err, "iothub-service: ServerError: no\n");
}

static void rows_that_come_late_are_waited_for(void **state)
{
    struct fixture *f = *state;
    f->lacks_rows_once = true;
    SCHEDULE(f, "--device-id", "door-1");
    program_expect_code(&f->run, 0);
    assert_int_equal(f->n_row_queries, 3);
    program_expect_part(f->run.out, "lockDoor called successfully");
}

static void json_output_is_one_document(void **state)
{
    struct fixture *f = *state;
    SCHEDULE(f, "--device-id", "door-1", "-o", "json");
    program_expect_code(&f->run, 0);
    assert_true(starts_with(f->run.out,
                            "{\n  \"query\": \"SELECT * FROM devices WHERE deviceId = "
                            "'door-1'\",\n  \"jobs\": [\n"));
    program_expect_part(f->run.err, "Starting the IoT Hub jobs sample...\n");
}

static void interruption_leaves_the_jobs_to_the_hub(void **state)
{
    struct fixture *f = *state;
    f->is_stopping = true;
    f->n_polls = 1000;
    SCHEDULE(f, "--device-id", "door-1");
    program_expect_code(&f->run, 130);
    program_expect_part(f->run.out, "\nIoTHubService sample stopped\n");
    expect_job_line(f, 1, "The job goes on: iothub-service job wait ", "");
    assert_int_equal(count_requests(f, "POST", "/cancel?"), 0);
}

/* ---- By timers of the program ---- */

#define BY_TIMERS(f, ...) \
    SCHEDULE((f), "--client-timers", "--method-wait", "0.2", "--twin-wait", "0", __VA_ARGS__)

static void timers_do_what_the_tutorial_does(void **state)
{
    struct fixture *f = *state;
    BY_TIMERS(f, "--query", "tags.floor = 3");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.out, "\nDirect method called with Job Id: ");
    program_expect_part(f->run.out, "\nDevice twin called with Job Id: ");
    program_expect_part(f->run.out, " still running. (scheduled)\n");
    program_expect_part(f->run.out, "\nDevice twin updated.\n");
    program_expect_part(f->run.out, "\nDirect method lockDoor called.\n");
    program_expect_part(
        f->run.out, " complete. (2 devices: 2 succeeded, 0 failed, 0 running, 0 pending)\n");
    assert_true(strstr(f->run.out, "Device twin updated.") <
                strstr(f->run.out, "Direct method lockDoor called."));
    assert_int_equal(f->n_jobs, 0);
    assert_int_equal(count_requests(f, "POST", "/methods?"), 2);
    const struct fake_request *patch = find_request(f, "PATCH", "/twins/door-2?");
    assert_non_null(patch);
    assert_string_equal(patch->body,
                        "{\"properties\":{\"desired\":{\"building\":43,\"floor\":3}}}");
    assert_string_equal(fake_request_header(patch, "If-Match"), "\"AAAAAAAAAAE=\"");
    const struct fake_request *method = find_request(f, "POST", "/twins/door-1/methods?");
    assert_non_null(method);
    assert_string_equal(method->body,
                        "{\"methodName\":\"lockDoor\",\"payload\":{\"lockTime\":\"10m\"},"
                        "\"responseTimeoutInSeconds\":30}");
}

static void timers_reach_modules(void **state)
{
    struct fixture *f = *state;
    BY_TIMERS(f, "--query", "SELECT * FROM devices.modules");
    program_expect_code(&f->run, 0);
    assert_non_null(find_request(f, "POST", "/twins/door-1/modules/lock/methods?"));
    assert_non_null(find_request(f, "PATCH", "/twins/door-1/modules/lock?"));
}

static void timers_note_each_devices_failure(void **state)
{
    struct fixture *f = *state;
    f->fails_device = true;
    BY_TIMERS(f, "--query", "*");
    program_expect_code(&f->run, 1);
    program_expect_part(
        f->run.out, " complete. (2 devices: 1 succeeded, 1 failed, 0 running, 0 pending)\n");
    program_expect_part(f->run.out, "DeviceNotOnline");
}

static void timers_read_a_twin_again_that_another_wrote(void **state)
{
    struct fixture *f = *state;
    f->n_stale = 2;
    BY_TIMERS(f, "--query", "*");
    program_expect_code(&f->run, 0);
    assert_int_equal(count_requests(f, "PATCH", "/twins/"), 4);
}

static void timers_give_up_a_twin_that_is_always_newer(void **state)
{
    struct fixture *f = *state;
    f->n_stale = 3;
    BY_TIMERS(f, "--query", "*");
    program_expect_code(&f->run, 1);
    program_expect_part(f->run.out, "PreconditionFailed");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_jobs_are_scheduled_and_watched_to_their_end),
        TEST(the_jobs_are_those_of_the_tutorial),
        TEST(options_shape_the_jobs),
        TEST(a_selection_of_nobody_schedules_nothing),
        TEST(a_failed_device_is_a_failure),
        TEST(a_failed_job_is_told_with_its_reason),
        TEST(a_hub_with_one_place_gets_the_second_job_later),
        TEST(half_a_pair_is_cancelled),
        TEST(an_outage_between_polls_is_sat_out),
        TEST(rows_that_come_late_are_waited_for),
        TEST(json_output_is_one_document),
        TEST(interruption_leaves_the_jobs_to_the_hub),
        TEST(timers_do_what_the_tutorial_does),
        TEST(timers_reach_modules),
        TEST(timers_note_each_devices_failure),
        TEST(timers_read_a_twin_again_that_another_wrote),
        TEST(timers_give_up_a_twin_that_is_always_newer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
