/*
 * iothub-service job wait
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"
#include "iothub/json.h"
#include "service/cli/columns.h"
#include "service/cli/job_state.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_SECONDS("poll-every", "5", "How often to look", poll_ms, 100, 3600000),
};

/* One line that is written over and over, for people only. */
static void show_progress(const json_t *job)
{
    if (isatty(STDERR_FILENO) == 0) {
        return;
    }
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    buf_putf(&line, "\r%.*s  ", SLICE_ARG(job_status(job)));
    job_put_statistics(&line, job);
    buf_put_text(&line, "\033[K");
    if (job_is_over(job)) {
        buf_put_char(&line, '\n');
    }
    fputs(buf_text(&line), stderr);
    buf_finish(&line);
}

static enum iothub_status wait_for(const struct app *app, const char *id, json_t **out)
{
    for (;;) {
        char *text = NULL;
        enum iothub_status status = iothub_service_job_get(app->service, id, &text);
        if (status != IOTHUB_OK) {
            return status;
        }
        json_t *job = json_parse(slice_of(text), NULL);
        free(text);
        show_progress(job);
        if (job_is_over(job)) {
            *out = job;
            return IOTHUB_OK;
        }
        json_decref(job);
        if (!app_sleep(app->values->poll_ms)) {
            return IOTHUB_INTERRUPTED;
        }
    }
}

static int run(struct cli_call *call)
{
    struct app app;
    json_t *job = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status = wait_for(&app, call->arguments[0], &job);
    if (status == IOTHUB_OK) {
        app_show(&app, job, &columns_job);
        code = job_is_success(job) ? CLI_DONE : CLI_FAILED;
    } else {
        code = app_fail(&app, status);
    }
    json_decref(job);
    app_close(&app);
    return code;
}

const struct cli_verb verb_job_wait = {
    .name = "job wait",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Wait until a job is over",
    .details = "Exit code 0 means that the job completed and no device in it failed.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
