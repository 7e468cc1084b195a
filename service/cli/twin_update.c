/*
 * iothub-service twin update
 */
#include "base/macros.h"
#include "service/cli/twin_body.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    TWIN_OPTION_DESIRED(NULL),
    TWIN_OPTION_TAGS,
    APP_TEXT("file", "JSON", "The whole body, or @FILE, instead of the two above", file),
    APP_OPTION_ETAG,
    APP_OPTION_MODULE,
};

static int run(struct cli_call *call)
{
    return twin_body_send(call, iothub_service_twin_update);
}

const struct cli_verb verb_twin_update = {
    .name = "twin update",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Merge into a twin's tags and desired properties",
    .details = "  iothub-service twin update door-1 --desired '{\"building\":43,\"floor\":3}'",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
