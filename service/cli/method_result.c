/*
 * Showing what a method answered.
 */
#include "service/cli/method_result.h"

#include "service/cli/columns.h"

struct iothub_service_method method_of_options(const struct app_values *values,
                                               const char *name, const char *payload)
{
    return (struct iothub_service_method){
        .name = name,
        .payload = payload,
        .response_timeout_s = app_seconds(values->response_timeout_ms),
        .connect_timeout_s = app_seconds(values->connect_timeout_ms),
    };
}

/* One document of both, as the hub itself writes it. */
static char *join(const struct iothub_service_method_result *result)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    buf_putf(&text, "{\"status\":%d,\"payload\":%s}", result->status, result->payload);
    return buf_take_text(&text);
}

int method_result_end(struct app *app, enum iothub_status status,
                      struct iothub_service_method_result *result)
{
    char *document = status == IOTHUB_OK ? join(result) : NULL;
    iothub_service_method_result_finish(result);
    return app_end(app, status, document, &columns_method_result);
}
