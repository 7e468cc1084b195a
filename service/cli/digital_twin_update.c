/*
 * iothub-service digital-twin update
 */
#include <stdlib.h>

#include "base/macros.h"
#include "service/cli/app.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_TEXT("patch", "JSON", "JSON Patch, an array of add, replace and remove, or @FILE",
             patch),
    APP_OPTION_ETAG,
};

static int run(struct cli_call *call)
{
    struct app app;
    char *patch = NULL;
    const struct app_values *values = call->values;
    if (values->patch == NULL) {
        cli_complain(call, "nothing to write: give --patch");
        return CLI_WRONG;
    }
    if (!app_json_argument(call, "patch", values->patch, &patch)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        enum iothub_status status = iothub_service_digital_twin_update(
            app.service, call->arguments[0], patch, values->etag);
        code = app_end(&app, status, NULL, NULL);
    }
    free(patch);
    return code;
}

const struct cli_verb verb_digital_twin_update = {
    .name = "digital-twin update",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Change a plug and play device's writable properties",
    .details = "  iothub-service digital-twin update t-1 --patch "
               "'[{\"op\":\"add\",\"path\":\"/targetTemperature\",\"value\":21.5}]'",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
