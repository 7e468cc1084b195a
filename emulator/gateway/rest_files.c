/*
 * File uploads of devices: a place for a file, and the news of its end.
 * Source: IoT Hub documentation, "Upload files with IoT Hub"; the Node SDK's
 * file_upload_api.ts, which puts the correlation id into the path, and the C# and Python SDKs,
 * which put it into the body.
 */
#include "gateway/rest.h"

static void on_done(void *ctx, const struct hub_file_result *result)
{
    struct http_exchange *exchange = ctx;
    exchange->file = 0;
    if (result->status != IOTHUB_OK) {
        rest_answer_error(exchange, result->status, result->error_text, REST_ENVELOPE);
    } else if (result->body.len == 0) {
        rest_answer_empty(exchange, 204);
    } else {
        buf_put_slice(&exchange->answer.body, result->body);
        rest_answer_json(exchange);
    }
}

static void keep_waiting(struct rest_call *call, uint64_t id)
{
    if (!call->exchange->is_done) {
        call->exchange->file = id;
    }
}

enum iothub_status rest_file_begin(struct rest_call *call)
{
    uint64_t id = 0;
    enum iothub_status status =
        hub_file_begin(call->hub, call->ids[0], call->body, on_done, call->exchange, &id);
    if (status == IOTHUB_OK) {
        keep_waiting(call, id);
    }
    return status;
}

enum iothub_status rest_file_end(struct rest_call *call)
{
    uint64_t id = 0;
    enum iothub_status status = hub_file_end(call->hub, call->ids[0], call->ids[1], call->body,
                                             on_done, call->exchange, &id);
    if (status == IOTHUB_OK) {
        keep_waiting(call, id);
    }
    return status;
}
