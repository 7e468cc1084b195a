/*
 * iothub-service module delete
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
    enum iothub_status status = iothub_service_module_delete(
        app.service, call->arguments[0], call->arguments[1], app.values->etag);
    return app_end(&app, status, NULL, NULL);
}

const struct cli_verb verb_module_delete = {
    .name = "module delete",
    .arguments = "DEVICE_ID ID",
    .min_arguments = 2,
    .max_arguments = 2,
    .summary = "Remove a module",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
