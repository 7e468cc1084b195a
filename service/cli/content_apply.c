/*
 * iothub-service configuration apply-content
 */
#include <stdlib.h>

#include "base/macros.h"
#include "service/cli/configuration_body.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {CONFIGURATION_CONTENT_OPTION};

static int run(struct cli_call *call)
{
    struct app app;
    char *content = NULL;
    const struct app_values *values = call->values;
    if (values->content == NULL) {
        cli_complain(call, "nothing to apply: give --content");
        return CLI_WRONG;
    }
    if (!app_json_argument(call, "content", values->content, &content)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        enum iothub_status status =
            iothub_service_content_apply(app.service, call->arguments[0], content);
        code = app_end(&app, status, NULL, NULL);
    }
    free(content);
    return code;
}

const struct cli_verb verb_content_apply = {
    .name = "configuration apply-content",
    .arguments = "DEVICE_ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Apply a configuration's content to one device, once",
    .details = "  iothub-service configuration apply-content edge-1 --content @deployment.json",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
