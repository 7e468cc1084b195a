/*
 * iothub-service device list
 */
#include "base/macros.h"
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_NUMBER("top", "N", "1000", "How many at most; the hub lists no more than 1000", top, 1,
               1000),
};

static int run(struct cli_call *call)
{
    struct app app;
    char *devices = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_device_list(app.service, (unsigned)app.values->top, &devices);
    return app_end(&app, status, devices, &columns_devices);
}

const struct cli_verb verb_device_list = {
    .name = "device list",
    .arguments = "",
    .summary = "List devices; for more than 1000 use query",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
