/*
 * Building a job's request.
 */
#include "service/cli/job_request.h"

#include <stdlib.h>

static const char *start_time(const struct app_values *values, struct job_request *out)
{
    if (values->start_time != NULL) {
        return values->start_time;
    }
    if (values->start_in_ms == 0) {
        return NULL;
    }
    return iso8601_format(out->start_time, app_at_ms() + values->start_in_ms);
}

int job_request_init(const struct cli_call *call, struct job_request *out)
{
    const struct app_values *values = call->values;
    *out = (struct job_request){0};
    if (values->start_time != NULL && values->start_in_ms != 0) {
        cli_complain(call, "give either --start or --start-in");
        return CLI_WRONG;
    }
    int code = selection_read(call, &out->selection);
    if (code != CLI_DONE) {
        return code;
    }
    struct buf condition;
    buf_init(&condition, BUF_CAP_OWN);
    condition_put_job(&condition, &out->selection);
    out->condition = buf_take_text(&condition);
    out->job = (struct iothub_service_job){
        .job_id = call->n_arguments > 0 ? call->arguments[0] : random_guid(out->id),
        .query_condition = out->condition,
        .start_time = start_time(values, out),
        .max_execution_s = app_seconds(values->execution_ms),
    };
    return CLI_DONE;
}

void job_request_finish(struct job_request *request)
{
    condition_finish(&request->selection);
    free(request->condition);
    *request = (struct job_request){0};
}
