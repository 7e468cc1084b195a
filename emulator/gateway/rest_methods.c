/*
 * Direct methods over HTTP: the request waits until the device or a time-out has answered.
 * Source: IoT Hub REST, "Devices - Invoke Method".
 */
#include "gateway/rest.h"

static void on_done(void *ctx, uint64_t id, const struct hub_method_result *result)
{
    struct http_exchange *exchange = ctx;
    (void)id;
    exchange->call = 0;
    if (result->status != IOTHUB_OK) {
        rest_answer_error(exchange, result->status, result->error_text, REST_NESTED);
        return;
    }
    /* Both members always: the C SDK asks for payload without looking whether it is there. */
    struct buf *body = &exchange->answer.body;
    buf_putf(body, "{\"status\":%d,\"payload\":", result->device_status);
    buf_put_slice(body, result->payload.len == 0 ? SLICE("null") : result->payload);
    buf_put_char(body, '}');
    rest_answer_json(exchange);
}

enum iothub_status rest_method_invoke(struct rest_call *call)
{
    struct hub_method_request request = {.target = rest_identity(call)};
    uint64_t id = 0;
    enum iothub_status status =
        hub_method_parse(call->hub, call->request->body, call->body, &request);
    if (status != IOTHUB_OK) {
        return status;
    }
    status = hub_method_call(call->hub, &request, on_done, call->exchange, &id);
    if (status == IOTHUB_OK && !call->exchange->is_done) {
        call->exchange->call = id;
    }
    return status;
}
