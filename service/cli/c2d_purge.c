/*
 * iothub-service c2d purge
 */
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static int run(struct cli_call *call)
{
    struct app app;
    char *result = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_c2d_purge(app.service, call->arguments[0], &result);
    return app_end(&app, status, result, &columns_purge);
}

const struct cli_verb verb_c2d_purge = {
    .name = "c2d purge",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Drop all messages that wait for a device",
    .run = run,
};
