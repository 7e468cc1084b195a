/*
 * iothub-service job devices
 */
#include "base/macros.h"
#include "service/cli/app.h"
#include "service/cli/job_state.h"
#include "service/cli/rows.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_NUMBER("max", "N", "0", "Stop after this many rows; 0 for all", max_rows, 0, INT64_MAX),
};

static int run(struct cli_call *call)
{
    struct app app;
    struct iothub_service_query *query = NULL;
    struct buf text;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    buf_init(&text, BUF_CAP_OWN);
    job_put_rows_query(&text, call->arguments[0]);
    enum iothub_status status =
        iothub_service_query_create(app.service, buf_text(&text), 0, &query);
    code = status == IOTHUB_OK ? rows_show(&app, query, app.values->max_rows)
                               : app_fail(&app, status);
    buf_finish(&text);
    app_close(&app);
    return code;
}

const struct cli_verb verb_job_devices = {
    .name = "job devices",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Show a job's outcome on each device",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
