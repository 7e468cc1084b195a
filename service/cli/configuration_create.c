/*
 * iothub-service configuration create
 */
#include <stdlib.h>

#include "base/macros.h"
#include "iothub/json.h"
#include "service/cli/columns.h"
#include "service/cli/configuration_body.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    CONFIGURATION_CONTENT_OPTION,
    CONFIGURATION_OPTIONS,
    APP_TEXT("file", "JSON", "The whole configuration, or @FILE, instead of the options above",
             file),
};

static bool make(const struct cli_call *call, char **out)
{
    const struct app_values *values = call->values;
    if (values->file != NULL) {
        return app_json_argument(call, "file", values->file, out);
    }
    if (values->content == NULL) {
        cli_complain(call, "nothing to apply: give --content or --file");
        return false;
    }
    json_t *configuration = json_object();
    bool is_good = configuration_change(call, configuration);
    *out = json_text(configuration);
    json_decref(configuration);
    return is_good;
}

static int run(struct cli_call *call)
{
    struct app app;
    char *body = NULL;
    char *configuration = NULL;
    int code = make(call, &body) ? app_open(call, &app) : CLI_WRONG;
    if (code == CLI_DONE) {
        enum iothub_status status = iothub_service_configuration_create(
            app.service, call->arguments[0], body, &configuration);
        code = app_end(&app, status, configuration, &columns_configuration);
    }
    free(body);
    return code;
}

const struct cli_verb verb_configuration_create = {
    .name = "configuration create",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Create a configuration that the hub applies to all twins it selects",
    .details =
        "  iothub-service configuration create cold --target-condition \"tags.floor = 3\" "
        "--priority 10 --content '{\"deviceContent\":{\"properties.desired.limit\":4}}'",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
