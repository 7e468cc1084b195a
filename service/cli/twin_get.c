/*
 * iothub-service twin get
 */
#include "base/macros.h"
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {APP_OPTION_MODULE};

static int run(struct cli_call *call)
{
    struct app app;
    char *twin = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_twin_get(app.service, call->arguments[0], app.values->module_id, &twin);
    return app_end(&app, status, twin, &columns_twin);
}

const struct cli_verb verb_twin_get = {
    .name = "twin get",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Show a twin",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
