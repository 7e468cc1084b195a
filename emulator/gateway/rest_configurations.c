/*
 * Configurations and edge deployments over HTTP.
 * Source: IoT Hub REST, "Configuration".
 */
#include "gateway/rest.h"
#include "iothub/limits.h"

static enum iothub_status answer(struct rest_call *call, const struct hub_document *document,
                                 enum iothub_status status)
{
    if (status == IOTHUB_OK) {
        rest_etag_header(call->exchange, document->etag);
        rest_answer_json(call->exchange);
    }
    return status;
}

enum iothub_status rest_configuration_get(struct rest_call *call)
{
    struct hub_document document = {.body = &call->exchange->answer.body};
    return answer(call, &document, hub_configuration_get(call->hub, call->ids[0], &document));
}

enum iothub_status rest_configuration_put(struct rest_call *call)
{
    struct hub_document document = {.body = &call->exchange->answer.body};
    return answer(call, &document,
                  hub_configuration_put(call->hub, call->ids[0], call->request->body,
                                        call->body, rest_if_match(call), &document));
}

enum iothub_status rest_configuration_delete(struct rest_call *call)
{
    enum iothub_status status =
        hub_configuration_delete(call->hub, call->ids[0], rest_if_match(call));
    if (status == IOTHUB_OK) {
        rest_answer_empty(call->exchange, 204);
    }
    return status;
}

enum iothub_status rest_configuration_list(struct rest_call *call)
{
    int64_t top = 0;
    struct slice text = call->request->argument(call->request->source, "top");
    if (!rest_number(text, LIMIT_CONFIGURATIONS, &top) || top < 1) {
        rest_answer_error(call->exchange, IOTHUB_ARGUMENT_INVALID, "top is a number above 0.",
                          REST_ENVELOPE);
        return IOTHUB_OK;
    }
    enum iothub_status status =
        hub_configuration_list(call->hub, top, &call->exchange->answer.body);
    if (status == IOTHUB_OK) {
        rest_answer_json(call->exchange);
    }
    return status;
}

enum iothub_status rest_configuration_test(struct rest_call *call)
{
    enum iothub_status status =
        hub_configuration_test(call->hub, call->body, &call->exchange->answer.body);
    if (status == IOTHUB_OK) {
        rest_answer_json(call->exchange);
    }
    return status;
}

enum iothub_status rest_configuration_apply(struct rest_call *call)
{
    enum iothub_status status = hub_configuration_apply(call->hub, call->ids[0], call->body);
    if (status == IOTHUB_OK) {
        rest_answer_empty(call->exchange, 204);
    }
    return status;
}
