/*
 * Twins over HTTP.
 * Source: IoT Hub REST, "Devices - Get/Update/Replace Twin" and the same of modules.
 */
#include "gateway/rest.h"

enum iothub_status rest_twin_get(struct rest_call *call)
{
    enum iothub_status status =
        hub_twin_get(call->hub, rest_identity(call), &call->exchange->answer.body);
    if (status == IOTHUB_OK) {
        rest_answer_json(call->exchange);
    }
    return status;
}

static enum iothub_status update(struct rest_call *call, bool replace)
{
    if (!json_is_object(call->body)) {
        rest_answer_error(call->exchange, IOTHUB_FORMAT_ERROR, "A twin is a JSON object.",
                          REST_ENVELOPE);
        return IOTHUB_OK;
    }
    enum iothub_status status = hub_twin_update(call->hub, rest_identity(call), call->body,
                                                replace, rest_if_match(call),
                                                &call->exchange->answer.body);
    if (status == IOTHUB_OK) {
        rest_answer_json(call->exchange);
    }
    return status;
}

enum iothub_status rest_twin_patch(struct rest_call *call)
{
    return update(call, false);
}

enum iothub_status rest_twin_put(struct rest_call *call)
{
    return update(call, true);
}
