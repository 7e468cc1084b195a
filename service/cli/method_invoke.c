/*
 * iothub-service method invoke
 */
#include <stdlib.h>

#include "base/macros.h"
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_OPTION_PAYLOAD(NULL),
    APP_OPTION_MODULE,
    APP_OPTION_RESPONSE_TIMEOUT,
    APP_OPTION_CONNECT_TIMEOUT,
};

/* One document of both, as the hub itself writes it. */
static char *join(const struct iothub_service_method_result *result)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    buf_putf(&text, "{\"status\":%d,\"payload\":%s}", result->status, result->payload);
    return buf_take_text(&text);
}

static enum iothub_status invoke(struct app *app, const char *payload, char **out)
{
    const struct app_values *values = app->values;
    const struct iothub_service_method method = {
        .name = app->call->arguments[1],
        .payload = payload,
        .response_timeout_s = app_seconds(values->response_timeout_ms),
        .connect_timeout_s = app_seconds(values->connect_timeout_ms),
    };
    struct iothub_service_method_result result = {0};
    enum iothub_status status = iothub_service_method_invoke(
        app->service, app->call->arguments[0], values->module_id, &method, &result);
    if (status == IOTHUB_OK) {
        *out = join(&result);
    }
    iothub_service_method_result_finish(&result);
    return status;
}

static int run(struct cli_call *call)
{
    struct app app;
    char *payload = NULL;
    char *result = NULL;
    const struct app_values *values = call->values;
    if (!app_json_argument(call, "payload", values->payload, &payload)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        enum iothub_status status = invoke(&app, payload, &result);
        code = app_end(&app, status, result, &columns_method_result);
    }
    free(payload);
    return code;
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
