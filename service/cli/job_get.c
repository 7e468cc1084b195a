/*
 * iothub-service job get
 */
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static int run(struct cli_call *call)
{
    struct app app;
    char *job = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status = iothub_service_job_get(app.service, call->arguments[0], &job);
    return app_end(&app, status, job, &columns_job);
}

const struct cli_verb verb_job_get = {
    .name = "job get",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Show a job",
    .run = run,
};
