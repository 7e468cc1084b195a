/*
 * iothub-service configuration get
 */
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static int run(struct cli_call *call)
{
    struct app app;
    char *configuration = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_configuration_get(app.service, call->arguments[0], &configuration);
    return app_end(&app, status, configuration, &columns_configuration);
}

const struct cli_verb verb_configuration_get = {
    .name = "configuration get",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Show a configuration and on how many twins it works",
    .run = run,
};
