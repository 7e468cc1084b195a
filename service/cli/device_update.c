/*
 * iothub-service device update: read the identity, change what was asked for, write it back
 * under the etag that was read, so that another's change in between is not lost.
 */
#include <stdlib.h>

#include "base/macros.h"
#include "iothub/json.h"
#include "service/cli/columns.h"
#include "service/cli/identity_body.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_CHOICE("new-status", "keep|enabled|disabled", "keep", "Whether it may connect",
               new_status),
    APP_TEXT("status-reason", "TEXT", "Why it has its status", status_reason),
    IDENTITY_CHANGE_OPTIONS,
    APP_CHOICE("iot-edge", "keep|yes|no", "keep", "Whether it is an IoT Edge device", new_edge),
    APP_TEXT("file", "JSON", "The whole new identity (or @FILE) instead of the options above",
             file),
    APP_OPTION_ETAG,
};

static void change(json_t *identity, const struct app_values *values)
{
    static const char *const statuses[] = {NULL, "enabled", "disabled"};
    identity_set_text(identity, "status", statuses[values->new_status]);
    identity_set_text(identity, "statusReason", values->status_reason);
    if (values->new_edge != IDENTITY_KEEP) {
        (void)json_object_set_new(identity_inner(identity, "capabilities"), "iotEdge",
                                  json_boolean(values->new_edge == 1));
    }
    identity_change_authentication(identity, values);
}

static enum iothub_status read_and_write(struct app *app, const char *id, char **out)
{
    char *old = NULL;
    enum iothub_status status = iothub_service_device_get(app->service, id, &old);
    if (status != IOTHUB_OK) {
        return status;
    }
    json_t *identity = json_parse(slice_of(old), NULL);
    const char *etag = app->values->etag;
    if (etag == NULL) {
        etag = json_string_value(json_object_get(identity, "etag"));
    }
    change(identity, app->values);
    char *text = json_text(identity);
    status = iothub_service_device_update(app->service, id, text, etag, out);
    json_decref(identity);
    free(text);
    free(old);
    return status;
}

static int run(struct cli_call *call)
{
    struct app app;
    char *identity = NULL;
    char *device = NULL;
    const struct app_values *values = call->values;
    if (!app_json_argument(call, "file", values->file, &identity)) {
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        const char *id = call->arguments[0];
        enum iothub_status status = identity == NULL
                                        ? read_and_write(&app, id, &device)
                                        : iothub_service_device_update(
                                              app.service, id, identity, values->etag, &device);
        code = app_end(&app, status, device, &columns_device);
    }
    free(identity);
    return code;
}

const struct cli_verb verb_device_update = {
    .name = "device update",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Change a device's status, keys, thumbprints or capabilities",
    .details = "Reads the identity, changes what the options say, and writes it back under the "
               "etag that was read: when someone else changed it meanwhile, it fails with "
               "PreconditionFailed.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
