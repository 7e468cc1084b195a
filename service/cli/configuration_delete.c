/*
 * iothub-service configuration delete
 */
#include "base/macros.h"
#include "service/cli/app.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {APP_OPTION_ETAG};

static int run(struct cli_call *call)
{
    struct app app;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_configuration_delete(app.service, call->arguments[0], app.values->etag);
    return app_end(&app, status, NULL, NULL);
}

const struct cli_verb verb_configuration_delete = {
    .name = "configuration delete",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Remove a configuration",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
