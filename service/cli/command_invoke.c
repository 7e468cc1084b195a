/*
 * iothub-service command invoke
 */
#include "base/macros.h"
#include "service/cli/invocation.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_OPTION_PAYLOAD(NULL),
    APP_TEXT("component", "PATH", "A command of this component", component),
    APP_OPTION_RESPONSE_TIMEOUT,
    APP_OPTION_CONNECT_TIMEOUT,
};

static enum iothub_status invoke(struct app *app, const struct iothub_service_method *method,
                                 struct iothub_service_method_result *result)
{
    return iothub_service_command_invoke(app->service, app->call->arguments[0],
                                         app->values->component, method, result);
}

static int run(struct cli_call *call)
{
    return invocation_run(call, invoke);
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
