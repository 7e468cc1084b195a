/*
 * iothub-service query
 */
#include "base/macros.h"
#include "iothub/limits.h"
#include "service/cli/app.h"
#include "service/cli/rows.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_NUMBER("page-size", "N", "100", "Rows that are asked for at a time", page_size, 1,
               QUERY_PAGE_ITEMS),
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
    enum iothub_status status = iothub_service_query_create(
        app.service, call->arguments[0], (unsigned)app.values->page_size, &query);
    code = status == IOTHUB_OK ? rows_show(&app, query, app.values->max_rows)
                               : app_fail(&app, status);
    app_close(&app);
    return code;
}

const struct cli_verb verb_query = {
    .name = "query",
    .arguments = "TEXT",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Ask the hub in its query language",
    .details =
        "  iothub-service query \"SELECT * FROM devices WHERE tags.floor = 3\"\n"
        "  iothub-service query \"SELECT status, COUNT() AS n FROM devices GROUP BY status\"\n"
        "  iothub-service query \"SELECT * FROM devices.jobs WHERE devices.jobs.status = "
        "'failed'\" -o json",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
