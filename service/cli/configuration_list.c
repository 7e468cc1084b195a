/*
 * iothub-service configuration list
 */
#include "base/macros.h"
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_NUMBER("top", "N", "0", "How many at most; 0 leaves it to the hub", top, 0, 1000),
};

static int run(struct cli_call *call)
{
    struct app app;
    char *configurations = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status = iothub_service_configuration_list(
        app.service, (unsigned)app.values->top, &configurations);
    return app_end(&app, status, configurations, &columns_configurations);
}

const struct cli_verb verb_configuration_list = {
    .name = "configuration list",
    .arguments = "",
    .summary = "List configurations and edge deployments",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
