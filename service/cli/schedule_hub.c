/*
 * schedule-jobs by the hub's own jobs.
 */
#include <stdlib.h>

#include "base/iso8601.h"
#include "iothub/json.h"
#include "service/cli/job_state.h"
#include "service/cli/rows.h"
#include "service/cli/schedule.h"

/* A hub that cannot be asked for this many rounds is given up. */
#define FAILED_ROUNDS_MAX 5

/* Queries lag behind: a job's rows may come some seconds after its end. */
#define ROWS_TRIES 4

static enum iothub_status create(const struct schedule *schedule, struct schedule_job *job,
                                 const struct iothub_service_job *request)
{
    struct iothub_service *service = schedule->app->service;
    char *text = NULL;
    enum iothub_status status =
        job->kind == SCHEDULE_METHOD
            ? iothub_service_job_create_method(service, request, &schedule->method, &text)
            : iothub_service_job_create_twin(service, request, schedule->patch, &text);
    if (status == IOTHUB_OK) {
        schedule_set_state(job, json_parse(slice_of(text), NULL));
        schedule_tell_begun(schedule, job);
    }
    free(text);
    return status;
}

/*
 * Create a job that is not there yet.  Small tiers run one job at a time, and one that only
 * waits for its start counts: then the other has to wait here, and is tried again each round.
 */
static enum iothub_status begin(const struct schedule *schedule, struct schedule_job *job,
                                int64_t begun_ms)
{
    struct buf condition;
    char start[ISO8601_MAX];
    int64_t left_ms = begun_ms + job->wait_ms - app_now_ms();
    buf_init(&condition, BUF_CAP_OWN);
    condition_put_job(&condition, &schedule->selection);
    const struct iothub_service_job request = {
        .job_id = job->id,
        .query_condition = buf_text(&condition),
        .start_time = left_ms > 0 ? iso8601_format(start, app_at_ms() + left_ms) : NULL,
        .max_execution_s = app_seconds(schedule->app->values->execution_ms),
    };
    enum iothub_status status = create(schedule, job, &request);
    buf_finish(&condition);
    return status == IOTHUB_THROTTLING_MAX_ACTIVE_JOB_COUNT_EXCEEDED ? IOTHUB_OK : status;
}

/* Ask the hub how a job stands. */
static enum iothub_status look(const struct schedule *schedule, struct schedule_job *job)
{
    char *text = NULL;
    enum iothub_status status = iothub_service_job_get(schedule->app->service, job->id, &text);
    if (status == IOTHUB_OK) {
        schedule_set_state(job, json_parse(slice_of(text), NULL));
    }
    free(text);
    return status;
}

static enum iothub_status do_round(struct schedule *schedule, int64_t begun_ms)
{
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        struct schedule_job *job = &schedule->jobs[i];
        enum iothub_status status = IOTHUB_OK;
        if (job->state == NULL) {
            status = begin(schedule, job, begun_ms);
        } else if (!job_is_over(job->state)) {
            status = look(schedule, job);
        }
        if (status != IOTHUB_OK) {
            return status;
        }
    }
    return IOTHUB_OK;
}

/* What may be over by the next round. */
static bool is_passing(const struct schedule *schedule, enum iothub_status status)
{
    int http_status = iothub_service_http_status(schedule->app->service);
    return status == IOTHUB_CONNECTION_FAILED || status == IOTHUB_TIMED_OUT ||
           http_status == 429 || http_status >= 500;
}

static int stop(const struct schedule *schedule)
{
    schedule_say(schedule, "\nIoTHubService sample stopped");
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        const struct schedule_job *job = &schedule->jobs[i];
        if (job->state != NULL && !job_is_over(job->state)) {
            schedule_say(schedule, "The job goes on: iothub-service job wait %s", job->id);
        }
    }
    return APP_STOPPED;
}

/* When the second job cannot be had, nobody wants half of the pair to happen later. */
static int give_up_beginning(struct schedule *schedule, enum iothub_status status)
{
    int code = app_fail(schedule->app, status);
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        const struct schedule_job *job = &schedule->jobs[i];
        if (job->state == NULL) {
            continue;
        }
        bool is_cancelled = iothub_service_job_cancel(schedule->app->service, job->id, NULL) ==
                            IOTHUB_OK;
        cli_complain(schedule->app->call, "job %s %s", job->id,
                     is_cancelled ? "was cancelled" : "could not be cancelled and goes on");
    }
    return code;
}

static int begin_all(struct schedule *schedule, int64_t begun_ms)
{
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        enum iothub_status status = begin(schedule, &schedule->jobs[i], begun_ms);
        if (status == IOTHUB_INTERRUPTED) {
            return stop(schedule);
        }
        if (status != IOTHUB_OK) {
            return give_up_beginning(schedule, status);
        }
    }
    schedule_tell_status(schedule);
    return CLI_DONE;
}

static int watch(struct schedule *schedule, int64_t begun_ms)
{
    int n_failed = 0;
    while (!schedule_is_over(schedule)) {
        if (!app_sleep(schedule->app->values->poll_ms)) {
            return stop(schedule);
        }
        enum iothub_status status = do_round(schedule, begun_ms);
        if (status == IOTHUB_INTERRUPTED) {
            return stop(schedule);
        }
        n_failed = status == IOTHUB_OK ? 0 : n_failed + 1;
        if (status == IOTHUB_OK) {
            schedule_tell_status(schedule);
            continue;
        }
        int code = app_fail(schedule->app, status);
        if (!is_passing(schedule, status) || n_failed == FAILED_ROUNDS_MAX) {
            return code;
        }
    }
    return CLI_DONE;
}

static bool rows_are_final(const struct schedule_job *job)
{
    const json_t *statistics = json_object_get(job->state, "deviceJobStatistics");
    json_int_t n_devices = json_integer_value(json_object_get(statistics, "deviceCount"));
    for (size_t i = 0; i < json_array_size(job->rows); i++) {
        if (!job_row_is_over(json_array_get(job->rows, i))) {
            return false;
        }
    }
    return (json_int_t)json_array_size(job->rows) >= n_devices;
}

static enum iothub_status read_rows(const struct schedule *schedule, struct schedule_job *job)
{
    struct buf text;
    enum iothub_status status = IOTHUB_OK;
    buf_init(&text, BUF_CAP_OWN);
    job_put_rows_query(&text, job->id);
    for (int n_tries = 0; n_tries < ROWS_TRIES; n_tries++) {
        json_decref(job->rows);
        job->rows = NULL;
        status = rows_read(schedule->app, buf_text(&text), &job->rows);
        if (status != IOTHUB_OK || rows_are_final(job)) {
            break;
        }
        if (!app_sleep(schedule->app->values->poll_ms)) {
            status = IOTHUB_INTERRUPTED;
            break;
        }
    }
    buf_finish(&text);
    return status;
}

int schedule_by_hub(struct schedule *schedule)
{
    int64_t begun_ms = app_now_ms();
    int code = begin_all(schedule, begun_ms);
    if (code == CLI_DONE) {
        code = watch(schedule, begun_ms);
    }
    for (size_t i = 0; i < SCHEDULE_JOBS && code == CLI_DONE; i++) {
        enum iothub_status status = read_rows(schedule, &schedule->jobs[i]);
        if (status != IOTHUB_OK) {
            code = app_fail(schedule->app, status);
        }
    }
    return code;
}
