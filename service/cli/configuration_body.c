/*
 * Building configurations.
 */
#include "service/cli/configuration_body.h"

#include <stdlib.h>

#include "iothub/json.h"

static bool set_json(const struct cli_call *call, json_t *object, const char *name,
                     const char *option, const char *value)
{
    char *text = NULL;
    if (value == NULL) {
        return true;
    }
    if (!app_json_argument(call, option, value, &text)) {
        return false;
    }
    (void)json_object_set_new(object, name, json_parse(slice_of(text), NULL));
    free(text);
    return true;
}

bool configuration_change(const struct cli_call *call, json_t *configuration)
{
    const struct app_values *values = call->values;
    json_t *metrics = json_object();
    bool is_good = set_json(call, configuration, "content", "content", values->content) &&
                   set_json(call, configuration, "labels", "labels", values->labels) &&
                   set_json(call, metrics, "queries", "metrics", values->metrics);
    if (values->target_condition != NULL) {
        (void)json_object_set_new(configuration, "targetCondition",
                                  json_string(values->target_condition));
    }
    if (values->priority >= 0) {
        (void)json_object_set_new(configuration, "priority", json_integer(values->priority));
    }
    if (json_object_size(metrics) != 0) {
        (void)json_object_set(configuration, "metrics", metrics);
    }
    json_decref(metrics);
    return is_good;
}
