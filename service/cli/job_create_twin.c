/*
 * iothub-service job create-twin
 */
#include <stdlib.h>

#include "base/macros.h"
#include "service/cli/columns.h"
#include "service/cli/job_request.h"
#include "service/cli/twin_body.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    TWIN_OPTION_DESIRED(NULL),
    TWIN_OPTION_TAGS,
    APP_TEXT("file", "JSON", "The whole patch, or @FILE, instead of the two above", file),
    JOB_REQUEST_OPTIONS,
};

static int create(const struct cli_call *call, const struct job_request *request,
                  const char *patch)
{
    struct app app;
    char *job = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_job_create_twin(app.service, &request->job, patch, &job);
    return app_end(&app, status, job, &columns_job);
}

static int run(struct cli_call *call)
{
    struct job_request request;
    char *patch = NULL;
    if (!twin_body(call, &patch)) {
        return CLI_WRONG;
    }
    int code = job_request_init(call, &request);
    if (code == CLI_DONE) {
        code = create(call, &request, patch);
    }
    job_request_finish(&request);
    free(patch);
    return code;
}

const struct cli_verb verb_job_create_twin = {
    .name = "job create-twin",
    .arguments = "[ID]",
    .max_arguments = 1,
    .summary = "Schedule a twin update on all devices that a query selects",
    .details =
        "Without an id the job gets a GUID.\n"
        "\n"
        "  iothub-service job create-twin --desired '{\"floor\":3}' --query \"tags.building = "
        "43\"",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
