/*
 * Queries over HTTP.
 * Source: IoT Hub REST, "Query - Get Twins".
 */
#include "gateway/rest.h"
#include "iothub/json.h"

static enum iothub_status fail(struct rest_call *call, enum iothub_status status,
                               const char *text)
{
    rest_answer_error(call->exchange, status, text, REST_ENVELOPE);
    return IOTHUB_OK;
}

enum iothub_status rest_query(struct rest_call *call)
{
    const json_t *query = json_get_nocase(call->body, "query");
    struct buf continuation = {.cap = BUF_CAP_OWN};
    struct hub_page page = {.body = &call->exchange->answer.body,
                            .continuation = &continuation};
    struct hub_page_request request;
    if (query == NULL || json_is_null(query)) {
        return fail(call, IOTHUB_ARGUMENT_NULL, "BadRequest");
    }
    if (!json_is_string(query)) {
        return fail(call, IOTHUB_ARGUMENT_INVALID, "query is a text.");
    }
    if (rest_page_request(call, &request) != IOTHUB_OK) {
        return fail(call, IOTHUB_ARGUMENT_INVALID, "x-ms-max-item-count is a number above 0.");
    }
    enum iothub_status status = hub_query(call->hub, json_string_slice(query), &request, &page);
    if (status == IOTHUB_OK) {
        rest_answer_page(call->exchange, &page);
    }
    buf_finish(&continuation);
    return status;
}
