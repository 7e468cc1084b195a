/*
 * iothub-service device create
 */
#include <stdlib.h>

#include "base/macros.h"
#include "service/cli/columns.h"
#include "service/cli/identity_body.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    IDENTITY_AUTH_OPTIONS,
    APP_FLAG("disabled", "Register it, but do not let it connect", is_disabled),
    APP_TEXT("status-reason", "TEXT", "Why it has its status", status_reason),
    APP_FLAG("edge", "It is an IoT Edge device", is_edge),
};

static int run(struct cli_call *call)
{
    struct app app;
    char *identity = NULL;
    char *device = NULL;
    if (!identity_for_device(call, &identity)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        enum iothub_status status =
            iothub_service_device_create(app.service, call->arguments[0], identity, &device);
        code = app_end(&app, status, device, &columns_device);
    }
    free(identity);
    return code;
}

const struct cli_verb verb_device_create = {
    .name = "device create",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Register a device",
    .details =
        "Without keys the hub makes two. They are shown with --output json, and by device "
        "connection-string.\n"
        "\n"
        "  iothub-service device create door-1\n"
        "  iothub-service device create door-2 --auth selfSigned --primary-thumbprint HEX",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
