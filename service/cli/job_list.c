/*
 * iothub-service job list
 */
#include "base/macros.h"
#include "service/cli/app.h"
#include "service/cli/rows.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_TEXT("type", "TYPE", "Only scheduleDeviceMethod or scheduleUpdateTwin", job_type),
    APP_TEXT("status", "STATUS",
             "Only queued, scheduled, running, completed, failed or cancelled", job_status),
    APP_NUMBER("max", "N", "0", "Stop after this many rows; 0 for all", max_rows, 0, INT64_MAX),
};

static int run(struct cli_call *call)
{
    struct app app;
    struct iothub_service_query *query = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status = iothub_service_job_query_create(
        app.service, app.values->job_type, app.values->job_status, 0, &query);
    code = status == IOTHUB_OK ? rows_show(&app, query, app.values->max_rows)
                               : app_fail(&app, status);
    app_close(&app);
    return code;
}

const struct cli_verb verb_job_list = {
    .name = "job list",
    .arguments = "",
    .summary = "List jobs",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
