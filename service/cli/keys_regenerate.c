/*
 * iothub-service keys regenerate
 */
#include <stdlib.h>

#include "base/macros.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_CHOICE("key", "primary|secondary|both", "primary", "Which keys are made anew",
               renewed_key),
    APP_TEXT("module", "ID", "Of this module of each device", module_id),
};

static char *identities(const struct app *app, size_t from, size_t n)
{
    json_t *list = json_array();
    for (size_t i = from; i < from + n; i++) {
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s*}", "id", app->call->arguments[i],
                                              "moduleId", app->values->module_id));
    }
    char *text = json_text(list);
    json_decref(list);
    return text;
}

/* Add a request's results to those before. */
static void take_results(json_t *all, const char *text)
{
    static const char *const names[] = {"rotatedKeys", "errors"};
    json_t *results = json_parse(slice_of(text), NULL);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)json_array_extend(json_object_get(all, names[i]),
                                json_object_get(results, names[i]));
    }
    json_decref(results);
}

static int regenerate(const struct app *app, json_t *all)
{
    size_t n = 0;
    int code = CLI_DONE;
    for (size_t i = 0; i < app->call->n_arguments && code != APP_STOPPED; i += n) {
        char *results = NULL;
        size_t left = app->call->n_arguments - i;
        n = left < LIMIT_BULK_ITEMS ? left : LIMIT_BULK_ITEMS;
        char *list = identities(app, i, n);
        enum iothub_status status = iothub_service_keys_regenerate(
            app->service, (enum iothub_service_key)app->values->renewed_key, list, &results);
        if (status != IOTHUB_OK) {
            code = app_fail(app, status);
        }
        take_results(all, results);
        free(results);
        free(list);
    }
    return code;
}

static int run(struct cli_call *call)
{
    struct app app;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    json_t *all = json_pack("{s:[], s:[]}", "rotatedKeys", "errors");
    code = regenerate(&app, all);
    if (app.values->output == CLI_OUTPUT_JSON) {
        app_show(&app, all, &columns_any);
    } else {
        app_show(&app, json_object_get(all, "rotatedKeys"), &columns_keys);
    }
    json_decref(all);
    app_close(&app);
    return code;
}

const struct cli_verb verb_keys_regenerate = {
    .name = "keys regenerate",
    .arguments = "ID...",
    .min_arguments = 1,
    .max_arguments = SIZE_MAX,
    .summary = "Have the hub make new symmetric keys for devices or modules",
    .details = "The new keys are shown only with --output json, and by device "
               "connection-string. Exit code 0 means that all have new ones.\n"
               "\n"
               "  iothub-service keys regenerate door-1 door-2 --key both",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
