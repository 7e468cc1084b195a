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

static void on_done(void *ctx, enum iothub_status status, const struct hub_page *page)
{
    struct http_exchange *exchange = ctx;
    exchange->query = NULL;
    if (status == IOTHUB_OK) {
        rest_answer_page(exchange, page);
    } else {
        rest_answer_error(exchange, status, hub_error_text(exchange->hub), REST_ENVELOPE);
    }
}

enum iothub_status rest_query(struct rest_call *call)
{
    const json_t *query = json_get_nocase(call->body, "query");
    struct hub_query_request request = {
        .body = &call->exchange->answer.body, .done = on_done, .ctx = call->exchange};
    if (query == NULL || json_is_null(query)) {
        return fail(call, IOTHUB_ARGUMENT_NULL, "BadRequest");
    }
    if (!json_is_string(query)) {
        return fail(call, IOTHUB_ARGUMENT_INVALID, "query is a text.");
    }
    if (rest_page_request(call, &request.page) != IOTHUB_OK) {
        return fail(call, IOTHUB_ARGUMENT_INVALID, "x-ms-max-item-count is a number above 0.");
    }
    request.text = json_string_slice(query);
    return hub_query(call->hub, &request, &call->exchange->query);
}
