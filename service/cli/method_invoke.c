/*
 * iothub-service method invoke
 */
#include "base/macros.h"
#include "service/cli/invocation.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_OPTION_PAYLOAD(NULL),
    APP_OPTION_MODULE,
    APP_OPTION_RESPONSE_TIMEOUT,
    APP_OPTION_CONNECT_TIMEOUT,
};

static enum iothub_status invoke(struct app *app, const struct iothub_service_method *method,
                                 struct iothub_service_method_result *result)
{
    return iothub_service_method_invoke(app->service, app->call->arguments[0],
                                        app->values->module_id, method, result);
}

static int run(struct cli_call *call)
{
    return invocation_run(call, invoke);
}

const struct cli_verb verb_method_invoke = {
    .name = "method invoke",
    .arguments = "ID NAME",
    .min_arguments = 2,
    .max_arguments = 2,
    .summary = "Call a method of a device and wait for its answer",
    .details =
        "Exit code 0 means that the device answered, whatever the status it chose.\n"
        "\n"
        "  iothub-service method invoke door-1 lockDoor --payload '{\"lockTime\":\"10m\"}'",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
