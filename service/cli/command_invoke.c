/*
 * iothub-service command invoke
 */
#include <stdlib.h>

#include "base/macros.h"
#include "service/cli/method_result.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_OPTION_PAYLOAD(NULL),
    APP_TEXT("component", "PATH", "A command of this component", component),
    APP_OPTION_RESPONSE_TIMEOUT,
    APP_OPTION_CONNECT_TIMEOUT,
};

static int invoke(struct app *app, const char *payload)
{
    const struct iothub_service_method command =
        method_of_options(app->values, app->call->arguments[1], payload);
    struct iothub_service_method_result result = {0};
    enum iothub_status status = iothub_service_command_invoke(
        app->service, app->call->arguments[0], app->values->component, &command, &result);
    return method_result_end(app, status, &result);
}

static int run(struct cli_call *call)
{
    struct app app;
    char *payload = NULL;
    const struct app_values *values = call->values;
    if (!app_json_argument(call, "payload", values->payload, &payload)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        code = invoke(&app, payload);
    }
    free(payload);
    return code;
}

const struct cli_verb verb_command_invoke = {
    .name = "command invoke",
    .arguments = "ID NAME",
    .min_arguments = 2,
    .max_arguments = 2,
    .summary = "Call a command of a plug and play device and wait for its answer",
    .details = "Exit code 0 means that the device answered, whatever the status it chose.\n"
               "\n"
               "  iothub-service command invoke t-1 getMaxMinReport --component thermostat1 "
               "--payload '\"2026-01-01T00:00:00Z\"'",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
