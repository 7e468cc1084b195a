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

/* The first word of the two choices that leave a member as it is. */
#define KEEP 0

static const struct cli_option options[] = {
    APP_CHOICE("new-status", "keep|enabled|disabled", "keep", "Whether it may connect",
               new_status),
    APP_TEXT("status-reason", "TEXT", "Why it has its status", status_reason),
    APP_CHOICE("new-auth", "keep|" APP_AUTH_WORDS, "keep", "How it proves who it is", new_auth),
    IDENTITY_SECRET_OPTIONS,
    APP_CHOICE("iot-edge", "keep|yes|no", "keep", "Whether it is an IoT Edge device", new_edge),
    APP_TEXT("file", "JSON", "The whole new identity (or @FILE) instead of the options above",
             file),
    APP_OPTION_ETAG,
};

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text != NULL) {
        (void)json_object_set_new(object, name, json_string(text));
    }
}

/* The object under that name, made when it is missing or null. */
static json_t *inner(json_t *object, const char *name)
{
    if (!json_is_object(json_object_get(object, name))) {
        (void)json_object_set_new(object, name, json_object());
    }
    return json_object_get(object, name);
}

static void change_authentication(json_t *identity, const struct app_values *values)
{
    if (values->new_auth != KEEP) {
        (void)json_object_set_new(identity, "authentication",
                                  identity_authentication(values, values->new_auth - 1));
        return;
    }
    json_t *authentication = inner(identity, "authentication");
    if (values->primary_key != NULL || values->secondary_key != NULL) {
        json_t *keys = inner(authentication, "symmetricKey");
        set_text(keys, "primaryKey", values->primary_key);
        set_text(keys, "secondaryKey", values->secondary_key);
    }
    if (values->primary_thumbprint != NULL || values->secondary_thumbprint != NULL) {
        json_t *thumbprints = inner(authentication, "x509Thumbprint");
        set_text(thumbprints, "primaryThumbprint", values->primary_thumbprint);
        set_text(thumbprints, "secondaryThumbprint", values->secondary_thumbprint);
    }
}

static void change(json_t *identity, const struct app_values *values)
{
    static const char *const statuses[] = {NULL, "enabled", "disabled"};
    set_text(identity, "status", statuses[values->new_status]);
    set_text(identity, "statusReason", values->status_reason);
    if (values->new_edge != KEEP) {
        (void)json_object_set_new(inner(identity, "capabilities"), "iotEdge",
                                  json_boolean(values->new_edge == 1));
    }
    change_authentication(identity, values);
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
