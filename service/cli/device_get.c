/*
 * iothub-service device get
 */
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static int run(struct cli_call *call)
{
    struct app app;
    char *device = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_device_get(app.service, call->arguments[0], &device);
    return app_end(&app, status, device, &columns_device);
}

const struct cli_verb verb_device_get = {
    .name = "device get",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Show a device's identity; its keys only with --output json",
    .run = run,
};
