/*
 * Scheduled jobs over HTTP.
 * Source: IoT Hub REST, "Jobs - Create/Get/Cancel Scheduled Job, Query Scheduled Jobs".
 */
#include "gateway/rest.h"

static enum iothub_status answer(struct rest_call *call, enum iothub_status status)
{
    if (status == IOTHUB_OK) {
        rest_answer_json(call->exchange);
    }
    return status;
}

enum iothub_status rest_job_put(struct rest_call *call)
{
    return answer(call, hub_job_create(call->hub, call->ids[0], call->request->body, call->body,
                                       &call->exchange->answer.body));
}

enum iothub_status rest_job_get(struct rest_call *call)
{
    return answer(call, hub_job_get(call->hub, call->ids[0], &call->exchange->answer.body));
}

enum iothub_status rest_job_cancel(struct rest_call *call)
{
    return answer(call, hub_job_cancel(call->hub, call->ids[0], &call->exchange->answer.body));
}

enum iothub_status rest_job_list(struct rest_call *call)
{
    const struct http_request *request = call->request;
    struct buf continuation = {.cap = BUF_CAP_OWN};
    struct hub_page page = {.body = &call->exchange->answer.body,
                            .continuation = &continuation};
    struct hub_page_request wanted;
    if (rest_page_request(call, &wanted) != IOTHUB_OK) {
        rest_answer_error(call->exchange, IOTHUB_ARGUMENT_INVALID,
                          "x-ms-max-item-count is a number above 0.", REST_ENVELOPE);
        return IOTHUB_OK;
    }
    enum iothub_status status =
        hub_job_list(call->hub, request->argument(request->source, "jobType"),
                     request->argument(request->source, "jobStatus"), &wanted, &page);
    if (status == IOTHUB_OK) {
        rest_answer_page(call->exchange, &page);
    }
    buf_finish(&continuation);
    return status;
}
