/*
 * The emulator's own route, for container health checks; it needs no token.
 */
#include "gateway/rest.h"

enum iothub_status rest_health(struct rest_call *call)
{
    buf_put_text(&call->exchange->answer.body, "{\"status\":\"healthy\"}");
    rest_answer_json(call->exchange);
    return IOTHUB_OK;
}
