/*
 * schedule-jobs without the hub's jobs: wait here, ask who is selected, and work on one device
 * after the other.  Both timers run in one loop; nothing is done at the same time.
 */
#include <stdlib.h>

#include "base/iso8601.h"
#include "iothub/json.h"
#include "service/cli/rows.h"
#include "service/cli/schedule.h"

/* A twin that someone else writes at the same moment is read again this often. */
#define ETAG_TRIES 3

struct task {
    struct schedule_job *job;
    int64_t due_ms;  /* when it starts */
    int64_t end_ms;  /* when its time is over */
    json_t *targets; /* rows with deviceId and perhaps moduleId; NULL before it starts */
    size_t n_done;
    size_t n_failed;
};

static bool is_over(const struct task *task)
{
    return json_object_get(task->job->state, "endTime") != NULL;
}

static json_t *json_now(void)
{
    char text[ISO8601_MAX];
    return json_string(iso8601_format(text, app_at_ms()));
}

static void set_status(struct task *task, const char *status)
{
    (void)json_object_set_new(task->job->state, "status", json_string(status));
}

static void set_figures(struct task *task)
{
    json_int_t n_all = (json_int_t)json_array_size(task->targets);
    json_int_t n_done = (json_int_t)task->n_done;
    json_int_t n_failed = (json_int_t)task->n_failed;
    json_t *figures = json_pack("{s:I, s:I, s:I, s:I, s:I}", "deviceCount", n_all,
                                "failedCount", n_failed, "succeededCount", n_done - n_failed,
                                "runningCount", (json_int_t)0, "pendingCount", n_all - n_done);
    (void)json_object_set_new(task->job->state, "deviceJobStatistics", figures);
}

static void end_task(struct task *task, const char *status)
{
    set_status(task, status);
    (void)json_object_set_new(task->job->state, "endTime", json_now());
}

/* A document of the form that the hub would answer with. */
static void begin_task(struct schedule *schedule, struct schedule_job *job, struct task *task)
{
    char start[ISO8601_MAX];
    int64_t execution_ms = schedule->app->values->execution_ms;
    struct buf condition;
    buf_init(&condition, BUF_CAP_OWN);
    condition_put_job(&condition, &schedule->selection);
    int64_t now_ms = app_now_ms();
    *task = (struct task){.job = job,
                          .due_ms = now_ms + job->wait_ms,
                          .end_ms = now_ms + job->wait_ms + execution_ms};
    json_t *state =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:I}", "jobId", job->id, "type",
                  job->kind == SCHEDULE_METHOD ? "scheduleDeviceMethod" : "scheduleUpdateTwin",
                  "status", "scheduled", "queryCondition", buf_text(&condition), "createdTime",
                  json_now(), "startTime", iso8601_format(start, app_at_ms() + job->wait_ms),
                  "maxExecutionTimeInSeconds", (json_int_t)(execution_ms / 1000));
    schedule_set_state(job, state);
    job->rows = json_array();
    schedule_tell_begun(schedule, job);
    buf_finish(&condition);
}

static enum iothub_status find_targets(const struct schedule *schedule, struct task *task)
{
    struct buf query;
    buf_init(&query, BUF_CAP_OWN);
    condition_put_query(&query, &schedule->selection,
                        schedule->selection.is_modules ? "deviceId, moduleId" : "deviceId");
    enum iothub_status status = rows_read(schedule->app, buf_text(&query), &task->targets);
    buf_finish(&query);
    if (status == IOTHUB_OK) {
        set_status(task, "running");
        set_figures(task);
    } else if (status != IOTHUB_INTERRUPTED) {
        const char *reason = iothub_service_error_text(schedule->app->service);
        (void)json_object_set_new(task->job->state, "failureReason", json_string(reason));
        end_task(task, "failed");
        status = IOTHUB_OK;
    }
    return status;
}

static enum iothub_status invoke(const struct schedule *schedule, const char *device_id,
                                 const char *module_id, json_t *row)
{
    struct iothub_service_method_result result = {0};
    enum iothub_status status = iothub_service_method_invoke(
        schedule->app->service, device_id, module_id, &schedule->method, &result);
    if (status == IOTHUB_OK) {
        json_t *payload = json_parse(slice_of(result.payload), NULL);
        (void)json_object_set_new(row, "outcome",
                                  json_pack("{s:{s:i, s:o}}", "deviceMethodResponse", "status",
                                            result.status, "payload", payload));
    }
    iothub_service_method_result_finish(&result);
    return status;
}

/* Read the twin and write the patch under its etag. */
static enum iothub_status update_once(const struct schedule *schedule, const char *device_id,
                                      const char *module_id)
{
    char *twin = NULL;
    struct iothub_service *service = schedule->app->service;
    enum iothub_status status = iothub_service_twin_get(service, device_id, module_id, &twin);
    if (status != IOTHUB_OK) {
        return status;
    }
    json_t *tree = json_parse(slice_of(twin), NULL);
    const char *etag = json_string_value(json_object_get(tree, "etag"));
    status =
        iothub_service_twin_update(service, device_id, module_id, schedule->patch, etag, NULL);
    json_decref(tree);
    free(twin);
    return status;
}

static enum iothub_status update(const struct schedule *schedule, const char *device_id,
                                 const char *module_id)
{
    enum iothub_status status = IOTHUB_PRECONDITION_FAILED;
    for (int i = 0; i < ETAG_TRIES && status == IOTHUB_PRECONDITION_FAILED; i++) {
        status = update_once(schedule, device_id, module_id);
    }
    return status;
}

static void set_error(json_t *row, const char *code, const char *description)
{
    (void)json_object_set_new(
        row, "error", json_pack("{s:s, s:s}", "code", code, "description", description));
}

/* Work on the next device, and note in a row what came of it. */
static enum iothub_status work(const struct schedule *schedule, struct task *task)
{
    const json_t *target = json_array_get(task->targets, task->n_done);
    const char *device_id = json_string_value(json_object_get(target, "deviceId"));
    const char *module_id = json_string_value(json_object_get(target, "moduleId"));
    json_t *row = json_pack("{s:s?, s:s*, s:s, s:O, s:o}", "deviceId", device_id, "moduleId",
                            module_id, "jobId", task->job->id, "jobType",
                            json_object_get(task->job->state, "type"), "startTimeUtc",
                            json_now());
    enum iothub_status status = IOTHUB_TIMED_OUT;
    if (app_now_ms() >= task->end_ms) {
        set_error(row, "JobExecutionTimedOut", "Not reached within the job's execution time");
    } else {
        status = task->job->kind == SCHEDULE_METHOD
                     ? invoke(schedule, device_id, module_id, row)
                     : update(schedule, device_id, module_id);
        if (status != IOTHUB_OK) {
            set_error(row, iothub_status_name(status),
                      iothub_service_error_text(schedule->app->service));
        }
    }
    (void)json_object_set_new(row, "endTimeUtc", json_now());
    (void)json_object_set_new(row, "status",
                              json_string(status == IOTHUB_OK ? "completed" : "failed"));
    (void)json_array_append_new(task->job->rows, row);
    task->n_done++;
    task->n_failed += status == IOTHUB_OK ? 0 : 1;
    set_figures(task);
    return status == IOTHUB_INTERRUPTED ? status : IOTHUB_OK;
}

static void complete(const struct schedule *schedule, struct task *task)
{
    end_task(task, "completed");
    if (task->job->kind == SCHEDULE_METHOD) {
        schedule_say(schedule, "\nDirect method %s called.", schedule->method.name);
    } else {
        schedule_say(schedule, "\nDevice twin updated.");
    }
}

/* Do what there is to do now, one device at most. */
static enum iothub_status advance(const struct schedule *schedule, struct task *task)
{
    if (is_over(task) || app_now_ms() < task->due_ms) {
        return IOTHUB_OK;
    }
    if (task->targets == NULL) {
        return find_targets(schedule, task);
    }
    if (task->n_done < json_array_size(task->targets)) {
        return work(schedule, task);
    }
    complete(schedule, task);
    return IOTHUB_OK;
}

/* How long nothing is to be done: until a task is due or the status is to be told. */
static int64_t idle_ms(const struct task *tasks, int64_t tell_ms)
{
    int64_t now_ms = app_now_ms();
    int64_t next_ms = tell_ms;
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        if (!is_over(&tasks[i]) && tasks[i].due_ms < next_ms) {
            next_ms = tasks[i].due_ms;
        }
    }
    return next_ms > now_ms ? next_ms - now_ms : 0;
}

static enum iothub_status run(struct schedule *schedule, struct task *tasks)
{
    int64_t tell_ms = app_now_ms();
    while (!schedule_is_over(schedule)) {
        if (app_now_ms() >= tell_ms) {
            schedule_tell_status(schedule);
            tell_ms = app_now_ms() + schedule->app->values->poll_ms;
        }
        if (!app_sleep(idle_ms(tasks, tell_ms))) {
            return IOTHUB_INTERRUPTED;
        }
        for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
            enum iothub_status status = advance(schedule, &tasks[i]);
            if (status != IOTHUB_OK) {
                return status;
            }
        }
    }
    schedule_tell_status(schedule);
    return IOTHUB_OK;
}

int schedule_by_timers(struct schedule *schedule)
{
    struct task tasks[SCHEDULE_JOBS];
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        begin_task(schedule, &schedule->jobs[i], &tasks[i]);
    }
    enum iothub_status status = run(schedule, tasks);
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        json_decref(tasks[i].targets);
    }
    if (status == IOTHUB_OK) {
        return CLI_DONE;
    }
    schedule_say(schedule, "\nIoTHubService sample stopped");
    schedule_say(schedule, "What was not done yet is not done any more.");
    return APP_STOPPED;
}
