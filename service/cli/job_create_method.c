/*
 * iothub-service job create-method
 */
#include <stdlib.h>

#include "base/macros.h"
#include "service/cli/columns.h"
#include "service/cli/job_request.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_TEXT("method", "NAME", "Which method to call", method),
    APP_OPTION_PAYLOAD(NULL),
    JOB_REQUEST_OPTIONS,
    APP_OPTION_RESPONSE_TIMEOUT,
    APP_OPTION_CONNECT_TIMEOUT,
};

static int create(const struct cli_call *call, const struct job_request *request,
                  const char *payload)
{
    struct app app;
    char *job = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    const struct iothub_service_method method = {
        .name = app.values->method,
        .payload = payload,
        .response_timeout_s = app_seconds(app.values->response_timeout_ms),
        .connect_timeout_s = app_seconds(app.values->connect_timeout_ms),
    };
    enum iothub_status status =
        iothub_service_job_create_method(app.service, &request->job, &method, &job);
    return app_end(&app, status, job, &columns_job);
}

static int run(struct cli_call *call)
{
    struct job_request request;
    char *payload = NULL;
    const struct app_values *values = call->values;
    if (!app_json_argument(call, "payload", values->payload, &payload)) {
        return CLI_WRONG;
    }
    int code = job_request_init(call, &request);
    if (code == CLI_DONE) {
        code = create(call, &request, payload);
    }
    job_request_finish(&request);
    free(payload);
    return code;
}

const struct cli_verb verb_job_create_method = {
    .name = "job create-method",
    .arguments = "[ID]",
    .max_arguments = 1,
    .summary = "Schedule a method on all devices that a query selects",
    .details =
        "Without an id the job gets a GUID.\n"
        "\n"
        "  iothub-service job create-method --method lockDoor --query \"tags.floor = 3\" "
        "--start-in 60",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
