/*
 * Digital twins and their commands over HTTP.
 * Source: IoT Hub REST, "Digital Twin"; IoT Plug and Play documentation, "Manage digital
 * twins".
 */
#include "base/coding.h"
#include "gateway/rest.h"
#include "iothub/limits.h"

enum {
    HTTP_ACCEPTED = 202,
};

enum iothub_status rest_digital_twin_get(struct rest_call *call)
{
    struct hub_document document = {.body = &call->exchange->answer.body};
    enum iothub_status status = hub_digital_twin_get(call->hub, call->ids[0], &document);
    if (status == IOTHUB_OK) {
        rest_etag_header(call->exchange, document.etag);
        rest_answer_json(call->exchange);
    }
    return status;
}

/* Where the changed twin is found, as the client has called this hub. */
static void put_location(struct rest_call *call)
{
    const struct http_request *request = call->request;
    struct buf *location = rest_header(call->exchange, "Location");
    struct slice host = request->header(request->source, "Host");
    if (host.len != 0) {
        buf_putf(location, "https://%.*s", SLICE_ARG(host));
    }
    buf_put_text(location, "/digitaltwins/");
    percent_encode(location, call->ids[0]);
    buf_put_text(location, "?api-version=");
    percent_encode(location, request->argument(request->source, "api-version"));
}

enum iothub_status rest_digital_twin_patch(struct rest_call *call)
{
    char etag[HUB_ETAG_SIZE];
    enum iothub_status status =
        hub_digital_twin_patch(call->hub, call->ids[0], call->body, rest_if_match(call), etag);
    if (status == IOTHUB_OK) {
        rest_etag_header(call->exchange, etag);
        put_location(call);
        rest_answer_empty(call->exchange, HTTP_ACCEPTED);
    }
    return status;
}

/* ---- commands ------------------------------------------------------------------------ */

/* The device's payload is the whole answer; its status goes into a header. */
static void on_done(void *ctx, uint64_t id, const struct hub_method_result *result)
{
    struct http_exchange *exchange = ctx;
    (void)id;
    exchange->call = 0;
    if (result->status != IOTHUB_OK) {
        rest_answer_error(exchange, result->status, result->error_text, REST_NESTED);
        return;
    }
    buf_put_slice(&exchange->answer.body,
                  result->payload.len == 0 ? SLICE("null") : result->payload);
    buf_put_i64(rest_header(exchange, "x-ms-command-statuscode"), result->device_status);
    rest_answer_json(exchange);
}

static bool read_seconds(const struct rest_call *call, const char *name, int64_t otherwise,
                         int64_t *out)
{
    const struct http_request *request = call->request;
    return rest_number(request->argument(request->source, name), otherwise, out);
}

static enum iothub_status invoke(struct rest_call *call, struct slice component,
                                 struct slice name)
{
    struct hub_command command = {
        .device_id = call->ids[0],
        .component = component,
        .name = name,
        .payload = slice_trim(call->request->body),
    };
    uint64_t id = 0;
    if (!read_seconds(call, "responseTimeoutInSeconds", METHOD_RESPONSE_S,
                      &command.response_s) ||
        !read_seconds(call, "connectTimeoutInSeconds", METHOD_CONNECT_S, &command.connect_s)) {
        rest_answer_error(call->exchange, IOTHUB_ARGUMENT_INVALID, "A time-out is a number.",
                          REST_NESTED);
        return IOTHUB_OK;
    }
    enum iothub_status status =
        hub_command_invoke(call->hub, &command, on_done, call->exchange, &id);
    if (status == IOTHUB_OK && !call->exchange->is_done) {
        call->exchange->call = id;
    }
    return status;
}

enum iothub_status rest_command_invoke(struct rest_call *call)
{
    return invoke(call, (struct slice){0}, call->ids[1]);
}

enum iothub_status rest_component_command_invoke(struct rest_call *call)
{
    return invoke(call, call->ids[1], call->ids[2]);
}
