/*
 * Building identities.
 */
#include "service/cli/identity_body.h"

#include <stddef.h>

#include "iothub/json.h"

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text != NULL) {
        (void)json_object_set_new(object, name, json_string(text));
    }
}

/* {"primaryKey":…,"secondaryKey":…} of what is given; NULL when nothing is. */
static json_t *pair(const char *first_name, const char *first, const char *second_name,
                    const char *second)
{
    if (first == NULL && second == NULL) {
        return NULL;
    }
    json_t *object = json_object();
    set_text(object, first_name, first);
    set_text(object, second_name, second);
    return object;
}

json_t *identity_authentication(const struct app_values *values, int64_t auth)
{
    static const char *const words[] = {"sas", "selfSigned", "certificateAuthority"};
    json_t *object = json_object();
    set_text(object, "type", words[auth]);
    json_t *keys =
        pair("primaryKey", values->primary_key, "secondaryKey", values->secondary_key);
    json_t *thumbprints = pair("primaryThumbprint", values->primary_thumbprint,
                               "secondaryThumbprint", values->secondary_thumbprint);
    if (keys != NULL) {
        (void)json_object_set_new(object, "symmetricKey", keys);
    }
    if (thumbprints != NULL) {
        (void)json_object_set_new(object, "x509Thumbprint", thumbprints);
    }
    return object;
}

static json_t *begin(const struct app_values *values)
{
    json_t *identity = json_object();
    (void)json_object_set_new(identity, "authentication",
                              identity_authentication(values, values->auth));
    return identity;
}

static char *end(json_t *identity)
{
    char *text = json_text(identity);
    json_decref(identity);
    return text;
}

bool identity_for_device(const struct cli_call *call, char **out)
{
    const struct app_values *values = call->values;
    if (values->file != NULL) {
        return app_json_argument(call, "file", values->file, out);
    }
    json_t *identity = begin(values);
    set_text(identity, "status", values->is_disabled ? "disabled" : "enabled");
    set_text(identity, "statusReason", values->status_reason);
    (void)json_object_set_new(identity, "capabilities",
                              json_pack("{s:b}", "iotEdge", (int)values->is_edge));
    *out = end(identity);
    return true;
}

bool identity_for_module(const struct cli_call *call, char **out)
{
    const struct app_values *values = call->values;
    if (values->file != NULL) {
        return app_json_argument(call, "file", values->file, out);
    }
    json_t *identity = begin(values);
    set_text(identity, "managedBy", values->managed_by);
    *out = end(identity);
    return true;
}
