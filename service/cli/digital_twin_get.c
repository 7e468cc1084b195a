/*
 * iothub-service digital-twin get
 */
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static int run(struct cli_call *call)
{
    struct app app;
    char *twin = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_digital_twin_get(app.service, call->arguments[0], &twin, NULL);
    return app_end(&app, status, twin, &columns_any);
}

const struct cli_verb verb_digital_twin_get = {
    .name = "digital-twin get",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Show a plug and play device's properties and components",
    .run = run,
};
