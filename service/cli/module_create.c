/*
 * iothub-service module create
 */
#include <stdlib.h>

#include "base/macros.h"
#include "service/cli/columns.h"
#include "service/cli/identity_body.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    IDENTITY_AUTH_OPTIONS,
    APP_TEXT("managed-by", "TEXT", "Who looks after it; IoT Edge writes iotEdge", managed_by),
};

static int run(struct cli_call *call)
{
    struct app app;
    char *identity = NULL;
    char *module = NULL;
    if (!identity_for_module(call, &identity)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        enum iothub_status status = iothub_service_module_create(
            app.service, call->arguments[0], call->arguments[1], identity, &module);
        code = app_end(&app, status, module, &columns_module);
    }
    free(identity);
    return code;
}

const struct cli_verb verb_module_create = {
    .name = "module create",
    .arguments = "DEVICE_ID ID",
    .min_arguments = 2,
    .max_arguments = 2,
    .summary = "Register a module of a device",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
