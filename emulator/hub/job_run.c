/*
 * Running jobs: a timer, a query for the targets, then methods or twin writes in chunks, one
 * chunk a turn, outcomes stored as they come.
 *
 *     queued -> scheduled -> running: collect targets -> work on them -> completed
 *
 * Everything that must survive is in the store at the end of each turn.  A device's row turns
 * to "running" in the turn in which the call leaves, so after a restart no device is called
 * twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/job.h"
#include "hub/search.h"
#include "iothub/json.h"
#include "iothub/limits.h"

enum {
    QUEUED_MS = 1000,    /* a future job is "queued" that long, then "scheduled" */
    COLLECT_LOOK = 2000, /* rows looked at in one turn */
    COLLECT_TAKE = 500,  /* targets taken in one turn */
    TWINS_A_TURN = 100,
    CALLS_AT_ONCE = 256,
};

struct job_runner {
    struct hub *hub;
    struct store_job job;
    struct hub_timer timer;
    struct query *query; /* while targets are collected */
    json_t *action;      /* parsed when the job runs */
    struct job_call *calls;
    UT_hash_handle hh; /* in hub->runners, by job.seq */
};

/* A method call of a running job. */
struct job_call {
    struct job_runner *runner;
    int64_t row_seq;
    int64_t start_ms;
    uint64_t call;
    UT_hash_handle hh; /* in runner->calls, by row_seq */
};

static void free_runner(struct hub *hub, struct job_runner *runner)
{
    struct job_call *call = NULL;
    struct job_call *next = NULL;
    HASH_ITER(hh, runner->calls, call, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it overlooks that this moves the head. */
        HASH_DEL(runner->calls, call);
        hub_method_cancel(hub, call->call);
        free(call);
    }
    hub_clear_timer(hub, &runner->timer);
    HASH_DEL(hub->runners, runner);
    query_destroy(runner->query);
    json_decref(runner->action);
    store_job_finish(&runner->job);
    free(runner);
}

/* A failing write breaks the store; the turn's commit then ends the process. */
static void save(struct job_runner *runner)
{
    (void)!store_job_update(runner->hub->store, &runner->job);
}

/* In the next turn, not in this one: others come between a job's chunks. */
static void soon(struct job_runner *runner)
{
    hub_set_timer(runner->hub, &runner->timer, runner->hub->now.now_ms + 1);
}

static int64_t deadline_ms(const struct job_runner *runner)
{
    return runner->job.start_ms + runner->job.execution_s * 1000;
}

/* Wake up at a wall time. */
static void at(struct job_runner *runner, int64_t at_ms)
{
    const struct hub *hub = runner->hub;
    hub_set_timer(runner->hub, &runner->timer, hub->now.now_ms + (at_ms - hub->now.at_ms));
}

/* The runner is gone afterwards. */
static void end(struct job_runner *runner, enum job_status status, const char *failure)
{
    runner->job.status = status;
    runner->job.end_ms = runner->hub->now.at_ms;
    if (failure != NULL) {
        free(runner->job.failure);
        runner->job.failure = mem_dup_text(failure);
    }
    save(runner);
    free_runner(runner->hub, runner);
}

/* ---- targets -------------------------------------------------------------------------------
 */

static void insert_target(struct job_runner *runner, const struct store_identity *target)
{
    int64_t now_ms = runner->hub->now.at_ms;
    struct store_job_row row = {
        .job_seq = runner->job.seq,
        .target = store_identity_id(target),
        .status = JOB_ROW_PENDING,
        .created_ms = now_ms,
        .start_ms = runner->job.start_ms,
        .end_ms = deadline_ms(runner), /* until it is known better */
        .updated_ms = now_ms,
    };
    (void)!store_job_row_insert(runner->hub->store, &row);
    runner->job.n_devices++;
    runner->job.n_pending++;
}

/* Matches are gathered before anything is written: a write would end the scan. */
static int gather(struct job_runner *runner, struct store_identity *targets, size_t *n)
{
    struct search search;
    struct store_twin twin;
    int64_t budget = COLLECT_LOOK;
    int found = search_init(runner->hub, &search, runner->query, runner->job.target_cursor);
    while (found == 0 && *n < COLLECT_TAKE) {
        found = search_next(runner->hub, &search, &budget, &targets[*n], &twin);
        *n += found == 0 ? 1 : 0;
    }
    runner->job.target_cursor = search.scan.after_seq;
    search_finish(runner->hub, &search);
    return found;
}

/* false: the condition is no query, and the runner is gone. */
static bool compile(struct job_runner *runner)
{
    struct buf error = {.cap = BUF_CAP_OWN};
    bool is_good = query_compile_condition(slice_of(runner->job.condition), &runner->query,
                                           &error) == IOTHUB_OK &&
                   query_collection(runner->query) != QUERY_JOBS;
    if (!is_good) {
        end(runner, JOB_FAILED, error.len != 0 ? buf_text(&error) : "Jobs run on devices.");
    }
    buf_finish(&error);
    return is_good;
}

static void collect(struct job_runner *runner)
{
    /* After a restart in the middle of it the query has to be made again. */
    if (runner->query == NULL && !compile(runner)) {
        return;
    }
    struct store_identity *targets = mem_array(COLLECT_TAKE, sizeof(*targets));
    size_t n = 0;
    int found = gather(runner, targets, &n);
    for (size_t i = 0; i < n; i++) {
        insert_target(runner, &targets[i]);
    }
    free(targets);
    if (found == STORE_NO_ROW) {
        runner->job.has_targets = true;
        query_destroy(runner->query);
        runner->query = NULL;
    }
    save(runner);
    soon(runner);
}

static void begin(struct job_runner *runner)
{
    if (compile(runner)) {
        /* A hub that was down over all of the job's time gives it that time now. */
        if (runner->hub->now.at_ms >= deadline_ms(runner)) {
            runner->job.start_ms = runner->hub->now.at_ms;
        }
        runner->job.status = JOB_RUNNING;
        save(runner);
        soon(runner);
    }
}

/* ---- outcomes ------------------------------------------------------------------------------
 */

static void put_outcome(struct buf *out, const struct hub_method_result *result)
{
    buf_put_text(out, "{\"deviceMethodResponse\":");
    if (result == NULL) {
        buf_put_text(out, "null}");
        return;
    }
    buf_putf(out, "{\"status\":%d,\"payload\":", result->device_status);
    buf_put_slice(out, result->payload.len == 0 ? SLICE("null") : result->payload);
    buf_put_text(out, "}}");
}

/* A row that was `from` is done: OK with an outcome, or failed with the error's name. */
static void finish_row(struct job_runner *runner, struct store_job_row *row,
                       enum iothub_status status, const char *text)
{
    row->status = status == IOTHUB_OK ? JOB_ROW_COMPLETED : JOB_ROW_FAILED;
    row->end_ms = runner->hub->now.at_ms;
    row->updated_ms = runner->hub->now.at_ms;
    if (status != IOTHUB_OK) {
        row->outcome = (struct slice){0};
        row->error_code = slice_of(iothub_status_name(status));
        row->error_text = slice_of(text);
        runner->job.n_failed++;
    } else {
        runner->job.n_succeeded++;
    }
    (void)!store_job_row_update(runner->hub->store, row);
}

static void on_answer(void *ctx, uint64_t id, const struct hub_method_result *result)
{
    struct job_call *call = ctx;
    struct job_runner *runner = call->runner;
    struct buf outcome = {.cap = BUF_CAP_OWN};
    (void)id;
    put_outcome(&outcome, result);
    struct store_job_row row = {
        .seq = call->row_seq, .start_ms = call->start_ms, .outcome = buf_slice(&outcome)};
    runner->job.n_running--;
    finish_row(runner, &row, result->status, result->error_text);
    buf_finish(&outcome);
    HASH_DEL(runner->calls, call);
    free(call);
    /* In this turn: after the intake that brought it, so that the next calls leave with all
     * else.  Where the job is at work itself, it sets the time when it is done. */
    hub_set_timer(runner->hub, &runner->timer, runner->hub->now.now_ms);
}

static void call_method(struct job_runner *runner, const struct store_job_row *pending)
{
    struct hub *hub = runner->hub;
    struct hub_method_request request = {0};
    struct store_job_row row = *pending;
    row.start_ms = hub->now.at_ms;
    row.updated_ms = hub->now.at_ms;
    row.status = JOB_ROW_RUNNING;
    runner->job.n_pending--;
    request.target = row.target;
    enum iothub_status status =
        hub_method_parse(hub, slice_of(runner->job.action), runner->action, &request);
    struct job_call *call = mem_alloc(sizeof(*call));
    call->runner = runner;
    call->row_seq = row.seq;
    call->start_ms = row.start_ms;
    HASH_ADD(hh, runner->calls, row_seq, sizeof(call->row_seq), call);
    runner->job.n_running++;
    (void)!store_job_row_update(hub->store, &row);
    if (status == IOTHUB_OK) {
        /* `call` may be gone when this returns IOTHUB_OK. */
        status = hub_method_call(hub, &request, on_answer, call, &call->call);
    }
    if (status != IOTHUB_OK) {
        on_answer(
            call, 0,
            &(struct hub_method_result){.status = status, .error_text = hub_error_text(hub)});
    }
}

static void write_twin(struct job_runner *runner, const struct store_job_row *pending)
{
    struct hub_condition always = {.match = HUB_MATCH_NONE};
    struct store_job_row row = *pending;
    row.start_ms = runner->hub->now.at_ms;
    row.outcome = SLICE("{\"deviceMethodResponse\":null}");
    runner->job.n_pending--;
    enum iothub_status status =
        hub_twin_update(runner->hub, row.target, runner->action, false, always, NULL);
    finish_row(runner, &row, status, hub_error_text(runner->hub));
}

/* ---- the turn of a job ----------------------------------------------------------------------
 */

struct pending {
    int64_t row_seq;
    char device_id[LIMIT_ID_CHARS + 1];
    char module_id[LIMIT_ID_CHARS + 1];
};

struct batch {
    struct pending *rows;
    size_t n;
};

static void take(void *ctx, const struct store_job_row *row)
{
    struct batch *batch = ctx;
    struct pending *pending = &batch->rows[batch->n++];
    pending->row_seq = row->seq;
    memcpy(pending->device_id, row->target.device_id.data, row->target.device_id.len);
    if (identity_is_module(row->target)) {
        memcpy(pending->module_id, row->target.module_id.data, row->target.module_id.len);
    }
}

static void work_on(struct job_runner *runner, const struct pending *pending)
{
    const struct store_job_row row = {
        .seq = pending->row_seq,
        .target = {slice_of(pending->device_id), slice_of(pending->module_id)},
        .end_ms = deadline_ms(runner),
    };
    if (runner->job.type == JOB_DEVICE_METHOD) {
        call_method(runner, &row);
    } else {
        write_twin(runner, &row);
    }
}

/* All are read before one is worked on: writes beside an open read cost more than both. */
static void work_on_some(struct job_runner *runner, size_t most)
{
    struct batch batch = {.rows = mem_array(most, sizeof(*batch.rows))};
    /* A failure breaks the store, and the turn's commit tells of it. */
    if (store_job_row_each(runner->hub->store, runner->job.seq, JOB_ROW_PENDING, (int64_t)most,
                           take, &batch) == 0) {
        for (size_t i = 0; i < batch.n; i++) {
            work_on(runner, &batch.rows[i]);
        }
    }
    free(batch.rows);
}

static void work(struct job_runner *runner)
{
    size_t room = runner->job.type == JOB_DEVICE_METHOD
                      ? CALLS_AT_ONCE - HASH_COUNT(runner->calls)
                      : TWINS_A_TURN;
    if (room > 0 && runner->job.n_pending > 0) {
        work_on_some(runner, room);
    }
    if (runner->job.n_pending == 0 && runner->job.n_running == 0) {
        end(runner, JOB_COMPLETED, NULL);
        return;
    }
    save(runner);
    if (runner->job.n_pending > 0 && HASH_COUNT(runner->calls) < CALLS_AT_ONCE) {
        soon(runner);
    } else {
        at(runner, deadline_ms(runner)); /* an answer wakes the job before that */
    }
}

static void close_rows(struct job_runner *runner, enum job_row_status from,
                       enum iothub_status why, const char *text)
{
    int64_t n = 0;
    struct store_job_row becomes = {
        .status = JOB_ROW_FAILED,
        .end_ms = runner->hub->now.at_ms,
        .updated_ms = runner->hub->now.at_ms,
        .error_code = slice_of(iothub_status_name(why)),
        .error_text = slice_of(text),
    };
    (void)!store_job_row_close(runner->hub->store, runner->job.seq, from, &becomes, &n);
    runner->job.n_failed += n;
}

/* What has not been done in time fails; the job itself is completed, as the hub counts it. */
static void give_up(struct job_runner *runner)
{
    static const char text[] = "The job's maximum execution time is over.";
    close_rows(runner, JOB_ROW_PENDING, IOTHUB_GENERIC_TIMEOUT, text);
    close_rows(runner, JOB_ROW_RUNNING, IOTHUB_GATEWAY_TIMEOUT, text);
    runner->job.n_pending = 0;
    runner->job.n_running = 0;
    end(runner, JOB_COMPLETED, NULL);
}

static void advance_running(struct job_runner *runner)
{
    if (runner->hub->now.at_ms >= deadline_ms(runner)) {
        give_up(runner);
    } else if (!runner->job.has_targets) {
        collect(runner);
    } else {
        work(runner);
    }
}

static void advance(struct hub *hub, struct hub_timer *timer)
{
    struct job_runner *runner = CONTAINER_OF(timer, struct job_runner, timer);
    if (runner->job.status == JOB_RUNNING) {
        advance_running(runner);
    } else if (runner->job.start_ms <= hub->now.at_ms) {
        begin(runner);
    } else {
        if (runner->job.status == JOB_QUEUED) {
            runner->job.status = JOB_SCHEDULED;
            save(runner);
        }
        at(runner, runner->job.start_ms);
    }
}

void job_runner_start(struct hub *hub, struct store_job *job)
{
    struct job_runner *runner = mem_alloc(sizeof(*runner));
    runner->hub = hub;
    runner->job = *job;
    *job = (struct store_job){0};
    runner->action = json_parse_clamped(slice_of(runner->job.action), NULL);
    runner->timer.fire = advance;
    HASH_ADD(hh, hub->runners, job.seq, sizeof(runner->job.seq), runner);
    if (runner->job.status == JOB_QUEUED && runner->job.start_ms > hub->now.at_ms + QUEUED_MS) {
        at(runner, hub->now.at_ms + QUEUED_MS);
    } else if (runner->job.start_ms > hub->now.at_ms) {
        at(runner, runner->job.start_ms);
    } else {
        soon(runner);
    }
}

static struct job_runner *find(struct hub *hub, int64_t job_seq)
{
    struct job_runner *runner = NULL;
    HASH_FIND(hh, hub->runners, &job_seq, sizeof(job_seq), runner);
    return runner;
}

struct store_job *job_runner_find(struct hub *hub, int64_t job_seq)
{
    struct job_runner *runner = find(hub, job_seq);
    return runner == NULL ? NULL : &runner->job;
}

enum iothub_status job_runner_cancel(struct hub *hub, int64_t job_seq)
{
    struct job_runner *runner = find(hub, job_seq);
    if (runner == NULL || runner->job.status == JOB_RUNNING) {
        return hub_fail(hub, IOTHUB_OPERATION_NOT_ALLOWED_IN_CURRENT_STATE,
                        "A job that is running or has ended cannot be cancelled.");
    }
    end(runner, JOB_CANCELLED, NULL);
    return IOTHUB_OK;
}

/* ---- over restarts --------------------------------------------------------------------------
 */

static void count_row(struct store_job *job, enum job_row_status status)
{
    job->n_devices++;
    switch (status) {
    case JOB_ROW_PENDING:
        job->n_pending++;
        break;
    case JOB_ROW_RUNNING:
        job->n_running++;
        break;
    case JOB_ROW_COMPLETED:
        job->n_succeeded++;
        break;
    case JOB_ROW_FAILED:
    case JOB_ROW_CANCELED:
        job->n_failed++;
        break;
    }
}

static int recount(struct hub *hub, struct store_job *job)
{
    struct store_job_row row = {0};
    int found = 0;
    job->n_devices = job->n_pending = job->n_running = job->n_succeeded = job->n_failed = 0;
    while ((found = store_job_row_scan_job(hub->store, job->seq, row.seq, &row)) == 0) {
        count_row(job, row.status);
    }
    return found == STORE_NO_ROW ? 0 : found;
}

/* Calls that were under way when the process ended may have reached their devices or not. */
static void resume(struct hub *hub, struct store_job *job)
{
    int64_t seq = job->seq;
    job_runner_start(hub, job);
    struct job_runner *runner = find(hub, seq);
    close_rows(runner, JOB_ROW_RUNNING, IOTHUB_SERVER_ERROR,
               "The hub was restarted while the device's answer was awaited.");
    runner->job.n_running = 0;
    save(runner);
}

bool hub_runners_resume(struct hub *hub)
{
    struct store_job job = {0};
    int64_t after_seq = 0;
    int found = 0;
    while ((found = store_job_next_unfinished(hub->store, after_seq, &job)) == 0) {
        after_seq = job.seq;
        found = recount(hub, &job);
        if (found != 0) {
            store_job_finish(&job);
            break;
        }
        resume(hub, &job);
    }
    if (found < 0) {
        (void)hub_store_failed(hub);
    }
    return found >= 0 && hub_commit(hub);
}

void hub_runners_finish(struct hub *hub)
{
    struct job_runner *runner = NULL;
    struct job_runner *next = NULL;
    HASH_ITER(hh, hub->runners, runner, next)
    {
        free_runner(hub, runner);
    }
}
