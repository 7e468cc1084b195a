/*
 * iothub-service configuration test
 */
#include <stdlib.h>

#include "base/macros.h"
#include "iothub/json.h"
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_TEXT("target-condition", "TEXT", "The condition to be tested", target_condition),
    APP_TEXT("metrics", "JSON", "An object of queries by name, or @FILE", metrics),
};

/* Whether the hub found nothing to say against anything. */
static bool is_good(const char *result)
{
    json_t *tree = json_parse(slice_of(result), NULL);
    bool is_good = json_string_slice(json_object_get(tree, "targetConditionError")).len == 0;
    json_t *metrics = json_object_get(tree, "customMetricQueryErrors");
    for (void *at = json_object_iter(metrics); at != NULL;
         at = json_object_iter_next(metrics, at)) {
        is_good = is_good && json_string_slice(json_object_iter_value(at)).len == 0;
    }
    json_decref(tree);
    return is_good;
}

static int test(struct app *app, const char *metrics)
{
    char *result = NULL;
    const char *condition =
        app->values->target_condition == NULL ? "" : app->values->target_condition;
    enum iothub_status status =
        iothub_service_configuration_test(app->service, condition, metrics, &result);
    bool is_accepted = status == IOTHUB_OK && is_good(result);
    int code = app_end(app, status, result, &columns_configuration_test);
    return code == CLI_DONE && !is_accepted ? CLI_FAILED : code;
}

static int run(struct cli_call *call)
{
    struct app app;
    char *metrics = NULL;
    const struct app_values *values = call->values;
    if (!app_json_argument(call, "metrics", values->metrics, &metrics)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        code = test(&app, metrics);
    }
    free(metrics);
    return code;
}

const struct cli_verb verb_configuration_test = {
    .name = "configuration test",
    .arguments = "",
    .summary = "Ask whether a target condition and queries for metrics can be used",
    .details =
        "Shows what the hub has against them. Exit code 0 means that it has nothing.\n"
        "\n"
        "  iothub-service configuration test --target-condition \"tags.floor = 3\" --metrics "
        "'{\"cold\":\"SELECT deviceId FROM devices WHERE properties.reported.t < 4\"}'",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
