/*
 * From the options of a verb to the document of what was answered.
 */
#include "service/cli/invocation.h"

#include <stdlib.h>

#include "service/cli/columns.h"

/* One document of both, as the hub itself writes it. */
static char *join(const struct iothub_service_method_result *result)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    buf_putf(&text, "{\"status\":%d,\"payload\":%s}", result->status, result->payload);
    return buf_take_text(&text);
}

static int invoke_with(struct app *app, const char *payload, invocation *invoke)
{
    const struct iothub_service_method method = {
        .name = app->call->arguments[1],
        .payload = payload,
        .response_timeout_s = app_seconds(app->values->response_timeout_ms),
        .connect_timeout_s = app_seconds(app->values->connect_timeout_ms),
    };
    struct iothub_service_method_result result = {0};
    enum iothub_status status = invoke(app, &method, &result);
    char *document = status == IOTHUB_OK ? join(&result) : NULL;
    iothub_service_method_result_finish(&result);
    return app_end(app, status, document, &columns_method_result);
}

int invocation_run(struct cli_call *call, invocation *invoke)
{
    struct app app;
    char *payload = NULL;
    const struct app_values *values = call->values;
    if (!app_json_argument(call, "payload", values->payload, &payload)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        code = invoke_with(&app, payload, invoke);
    }
    free(payload);
    return code;
}
