/*
 * iothub-service module get
 */
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static int run(struct cli_call *call)
{
    struct app app;
    char *module = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_module_get(app.service, call->arguments[0], call->arguments[1], &module);
    return app_end(&app, status, module, &columns_module);
}

const struct cli_verb verb_module_get = {
    .name = "module get",
    .arguments = "DEVICE_ID ID",
    .min_arguments = 2,
    .max_arguments = 2,
    .summary = "Show a module's identity; its keys only with --output json",
    .run = run,
};
