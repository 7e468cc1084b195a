/*
 * iothub-service module list
 */
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static int run(struct cli_call *call)
{
    struct app app;
    char *modules = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_module_list(app.service, call->arguments[0], &modules);
    return app_end(&app, status, modules, &columns_modules);
}

const struct cli_verb verb_module_list = {
    .name = "module list",
    .arguments = "DEVICE_ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "List a device's modules",
    .run = run,
};
