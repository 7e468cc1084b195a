/*
 * iothub-service configuration update: read it, change what was asked for, write it back under
 * the etag that was read, so that another's change in between is not lost.
 */
#include <stdlib.h>

#include "base/macros.h"
#include "iothub/json.h"
#include "service/cli/columns.h"
#include "service/cli/configuration_body.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    CONFIGURATION_OPTIONS,
    APP_TEXT("file", "JSON", "The whole configuration, or @FILE, instead of the options above",
             file),
    APP_OPTION_ETAG,
};

/* @return CLI_DONE and the status; else the exit code, and it was said why. */
static int read_and_write(struct app *app, enum iothub_status *status, char **out)
{
    char *old = NULL;
    int code = CLI_DONE;
    const char *id = app->call->arguments[0];
    *status = iothub_service_configuration_get(app->service, id, &old);
    if (*status != IOTHUB_OK) {
        return CLI_DONE;
    }
    json_t *configuration = json_parse(slice_of(old), NULL);
    const char *etag = app->values->etag;
    if (etag == NULL) {
        etag = json_string_value(json_object_get(configuration, "etag"));
    }
    if (configuration_change(app->call, configuration)) {
        char *text = json_text(configuration);
        *status = iothub_service_configuration_update(app->service, id, text, etag, out);
        free(text);
    } else {
        code = CLI_WRONG;
    }
    json_decref(configuration);
    free(old);
    return code;
}

static int run(struct cli_call *call)
{
    struct app app;
    char *body = NULL;
    char *configuration = NULL;
    enum iothub_status status = IOTHUB_OK;
    const struct app_values *values = call->values;
    if (!app_json_argument(call, "file", values->file, &body)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE && body == NULL) {
        code = read_and_write(&app, &status, &configuration);
    } else if (code == CLI_DONE) {
        status = iothub_service_configuration_update(app.service, call->arguments[0], body,
                                                     values->etag, &configuration);
    }
    free(body);
    if (code != CLI_DONE) {
        app_close(&app);
        return code;
    }
    return app_end(&app, status, configuration, &columns_configuration);
}

const struct cli_verb verb_configuration_update = {
    .name = "configuration update",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Change a configuration's condition, priority, labels or metrics",
    .details =
        "Its content cannot change. Reads the configuration, changes what the options say, and "
        "writes it back under the etag that was read: when someone else changed it meanwhile, "
        "it fails with PreconditionFailed.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
