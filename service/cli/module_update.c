/*
 * iothub-service module update: as device update, for a module.
 */
#include <stdlib.h>

#include "base/macros.h"
#include "iothub/json.h"
#include "service/cli/columns.h"
#include "service/cli/identity_body.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    IDENTITY_CHANGE_OPTIONS,
    APP_TEXT("managed-by", "TEXT", "Who looks after it; IoT Edge writes iotEdge", managed_by),
    APP_TEXT("file", "JSON", "The whole new identity (or @FILE) instead of the options above",
             file),
    APP_OPTION_ETAG,
};

static enum iothub_status read_and_write(struct app *app, char **out)
{
    char *old = NULL;
    char **arguments = app->call->arguments;
    enum iothub_status status =
        iothub_service_module_get(app->service, arguments[0], arguments[1], &old);
    if (status != IOTHUB_OK) {
        return status;
    }
    json_t *identity = json_parse(slice_of(old), NULL);
    const char *etag = app->values->etag;
    if (etag == NULL) {
        etag = json_string_value(json_object_get(identity, "etag"));
    }
    identity_set_text(identity, "managedBy", app->values->managed_by);
    identity_change_authentication(identity, app->values);
    char *text = json_text(identity);
    status =
        iothub_service_module_update(app->service, arguments[0], arguments[1], text, etag, out);
    json_decref(identity);
    free(text);
    free(old);
    return status;
}

static int run(struct cli_call *call)
{
    struct app app;
    char *identity = NULL;
    char *module = NULL;
    const struct app_values *values = call->values;
    if (!app_json_argument(call, "file", values->file, &identity)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        enum iothub_status status =
            identity == NULL ? read_and_write(&app, &module)
                             : iothub_service_module_update(app.service, call->arguments[0],
                                                            call->arguments[1], identity,
                                                            values->etag, &module);
        code = app_end(&app, status, module, &columns_module);
    }
    free(identity);
    return code;
}

const struct cli_verb verb_module_update = {
    .name = "module update",
    .arguments = "DEVICE_ID ID",
    .min_arguments = 2,
    .max_arguments = 2,
    .summary = "Change a module's keys, thumbprints or manager",
    .details = "Reads the identity, changes what the options say, and writes it back under the "
               "etag that was read: when someone else changed it meanwhile, it fails with "
               "PreconditionFailed.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
