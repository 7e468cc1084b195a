/*
 * Many identities in one request.
 * Source: IoT Hub REST, "Bulk Registry - Update Registry".
 */
#include "gateway/rest.h"

enum {
    HTTP_MULTI_STATUS = 207,
    HTTP_BAD_REQUEST = 400,
};

/* The body tells of each item; the headers tell that it does. */
static void answer_failure(struct http_exchange *exchange, enum iothub_status status)
{
    const char *name = iothub_status_name(status);
    buf_put_text(rest_header(exchange, "iothub-errorcode"), name);
    /* The C# SDK reads the body only when this one is there. */
    buf_put_text(rest_header(exchange, "IotHubErrorCode"), name);
    rest_answer_json_as(exchange, HTTP_BAD_REQUEST);
}

enum iothub_status rest_registry_bulk(struct rest_call *call)
{
    bool is_successful = false;
    enum iothub_status status =
        hub_registry_bulk(call->hub, call->body, &call->exchange->answer.body, &is_successful);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (is_successful) {
        rest_answer_json(call->exchange);
    } else {
        answer_failure(call->exchange, IOTHUB_BULK_REGISTRY_OPERATION_FAILURE);
    }
    return IOTHUB_OK;
}

enum iothub_status rest_keys_regenerate(struct rest_call *call)
{
    struct hub_bulk_counts counts = {0};
    enum iothub_status status =
        hub_keys_regenerate(call->hub, call->body, &call->exchange->answer.body, &counts);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (counts.n_failed == 0) {
        rest_answer_json(call->exchange);
    } else if (counts.n_done != 0) {
        rest_answer_json_as(call->exchange, HTTP_MULTI_STATUS);
    } else {
        answer_failure(call->exchange, IOTHUB_BULK_REGENERATE_DEVICE_KEY_OPERATION_FAILURE);
    }
    return IOTHUB_OK;
}
