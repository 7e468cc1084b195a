/*
 * What schedule-jobs tells.
 */
#include "service/cli/schedule.h"

#include <stdarg.h>
#include <stdio.h>

#include "iothub/json.h"
#include "service/cli/columns.h"
#include "service/cli/job_state.h"

static bool is_json(const struct schedule *schedule)
{
    return schedule->app->values->output == CLI_OUTPUT_JSON;
}

void schedule_say(const struct schedule *schedule, const char *format, ...)
{
    FILE *stream = is_json(schedule) ? stderr : stdout;
    va_list args;
    va_start(args, format);
    (void)vfprintf(stream, format, args);
    va_end(args);
    fputc('\n', stream);
    (void)fflush(stream);
}

void schedule_tell_begun(const struct schedule *schedule, const struct schedule_job *job)
{
    schedule_say(schedule, "\n%s called with Job Id: %s",
                 job->kind == SCHEDULE_METHOD ? "Direct method" : "Device twin", job->id);
}

/* " (2 devices: 1 succeeded, …)", with the hub's own word for where the job is before it. */
static void put_figures(struct buf *line, const json_t *state, struct slice word)
{
    struct buf figures;
    buf_init(&figures, BUF_CAP_OWN);
    job_put_statistics(&figures, state);
    if (figures.len != 0) {
        buf_putf(line, " (%.*s%s%s)", SLICE_ARG(word), word.len == 0 ? "" : ", ",
                 buf_text(&figures));
    } else if (word.len != 0) {
        buf_putf(line, " (%.*s)", SLICE_ARG(word));
    }
    buf_finish(&figures);
}

static void put_status(struct buf *line, const struct schedule_job *job)
{
    struct slice status = job_status(job->state);
    buf_putf(line, "...job %s ", job->id);
    if (job->state == NULL) {
        buf_put_text(line, "waits: the hub runs no more jobs at a time.");
    } else if (!job_is_over(job->state)) {
        buf_put_text(line, "still running.");
        put_figures(line, job->state, status);
    } else if (slice_equal_text(status, "completed")) {
        buf_put_text(line, "complete.");
        put_figures(line, job->state, SLICE(""));
    } else {
        const char *reason = json_string_value(json_object_get(job->state, "failureReason"));
        buf_putf(line, "%.*s%s%s.", SLICE_ARG(status), reason == NULL ? "" : ": ",
                 reason == NULL ? "" : reason);
    }
}

void schedule_tell_status(const struct schedule *schedule)
{
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    schedule_say(schedule, "%s", "");
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        put_status(&line, &schedule->jobs[i]);
        schedule_say(schedule, "%s", buf_text(&line));
        buf_reset(&line);
    }
    if (!schedule_is_over(schedule)) {
        schedule_say(schedule, "Job status posted, press Ctrl-C to exit");
    }
    buf_finish(&line);
}

static void show_job(const struct schedule *schedule, const struct schedule_job *job)
{
    struct buf text;
    struct columns columns;
    buf_init(&text, BUF_CAP_OWN);
    if (job->kind == SCHEDULE_METHOD) {
        buf_putf(&text, "\nDirect method %s", schedule->method.name);
    } else {
        buf_put_text(&text, "\nDevice twin update");
    }
    buf_putf(&text, ", job %s: %.*s\n", job->id, SLICE_ARG(job_status(job->state)));
    if (json_array_size(job->rows) != 0) {
        columns_for_rows(&columns, "DeviceJob", job->rows);
        cli_put_table(&text, columns.items, columns.n_items, job->rows);
    }
    app_print(&text);
    buf_finish(&text);
}

static void show_json(const struct schedule *schedule)
{
    struct buf text;
    json_t *jobs = json_array();
    buf_init(&text, BUF_CAP_OWN);
    condition_put_query(&text, &schedule->selection, "*");
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        const struct schedule_job *job = &schedule->jobs[i];
        (void)json_array_append_new(
            jobs, json_pack("{s:O, s:O?}", "job", job->state, "devices", job->rows));
    }
    json_t *root = json_pack("{s:s, s:o}", "query", buf_text(&text), "jobs", jobs);
    buf_reset(&text);
    cli_put_json(&text, root);
    app_print(&text);
    json_decref(root);
    buf_finish(&text);
}

void schedule_tell_outcome(const struct schedule *schedule)
{
    if (is_json(schedule)) {
        show_json(schedule);
        return;
    }
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        show_job(schedule, &schedule->jobs[i]);
    }
}

bool schedule_is_over(const struct schedule *schedule)
{
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        if (!job_is_over(schedule->jobs[i].state)) {
            return false;
        }
    }
    return true;
}

static bool has_failed_row(const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (job_row_has_failed(json_array_get(rows, i))) {
            return true;
        }
    }
    return false;
}

bool schedule_is_success(const struct schedule *schedule)
{
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        const struct schedule_job *job = &schedule->jobs[i];
        if (!job_is_success(job->state) || has_failed_row(job->rows)) {
            return false;
        }
    }
    return true;
}

void schedule_set_state(struct schedule_job *job, json_t *state)
{
    json_decref(job->state);
    job->state = state;
}
