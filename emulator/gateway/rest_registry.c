/*
 * Devices and modules over HTTP.
 * Source: IoT Hub REST, "Devices" and "Modules".
 *
 * In two things the hub is stricter, and no client needs it: it answers 401 to whatever is
 * asked of the modules of a device that is missing or disabled, and 412 to a deletion without
 * If-Match.
 */
#include "gateway/rest.h"
#include "iothub/limits.h"

static enum iothub_status answer(struct rest_call *call, const struct hub_document *document,
                                 enum iothub_status status)
{
    if (status != IOTHUB_OK) {
        return status;
    }
    /* Recorded: devices carry their etag in a header too, modules do not. */
    if (call->ids[1].len == 0) {
        rest_etag_header(call->exchange, document->etag);
    }
    rest_answer_json(call->exchange);
    return IOTHUB_OK;
}

enum iothub_status rest_identity_get(struct rest_call *call)
{
    struct hub_document document = {.body = &call->exchange->answer.body};
    return answer(call, &document, hub_identity_get(call->hub, rest_identity(call), &document));
}

enum iothub_status rest_identity_put(struct rest_call *call)
{
    struct hub_document document = {.body = &call->exchange->answer.body};
    return answer(call, &document,
                  hub_identity_put(call->hub, rest_identity(call), call->body,
                                   rest_if_match(call), &document));
}

enum iothub_status rest_identity_delete(struct rest_call *call)
{
    enum iothub_status status =
        hub_identity_delete(call->hub, rest_identity(call), rest_if_match(call));
    if (status == IOTHUB_OK) {
        rest_answer_empty(call->exchange, 204);
    }
    return status;
}

enum iothub_status rest_device_list(struct rest_call *call)
{
    int64_t top = 0;
    struct slice text = call->request->argument(call->request->source, "top");
    if (!rest_number(text, LIMIT_LIST_DEVICES, &top) || top < 1) {
        rest_answer_error(call->exchange, IOTHUB_ARGUMENT_INVALID,
                          "top is a number from 1 to 1000.", REST_ENVELOPE);
        return IOTHUB_OK;
    }
    top = top > LIMIT_LIST_DEVICES ? LIMIT_LIST_DEVICES : top;
    enum iothub_status status = hub_device_list(call->hub, top, &call->exchange->answer.body);
    if (status == IOTHUB_OK) {
        rest_answer_json(call->exchange);
    }
    return status;
}

enum iothub_status rest_module_list(struct rest_call *call)
{
    enum iothub_status status =
        hub_module_list(call->hub, call->ids[0], &call->exchange->answer.body);
    if (status == IOTHUB_OK) {
        rest_answer_json(call->exchange);
    }
    return status;
}
