/*
 * Building identities.
 */
#include "service/cli/identity_body.h"

#include <stddef.h>

#include "iothub/json.h"

void identity_set_text(json_t *object, const char *name, const char *text)
{
    if (text != NULL) {
        (void)json_object_set_new(object, name, json_string(text));
    }
}

json_t *identity_inner(json_t *object, const char *name)
{
    if (!json_is_object(json_object_get(object, name))) {
        (void)json_object_set_new(object, name, json_object());
    }
    return json_object_get(object, name);
}

/* {"primaryKey":…,"secondaryKey":…} of what is given; NULL when nothing is. */
static json_t *pair(const char *first_name, const char *first, const char *second_name,
                    const char *second)
{
    if (first == NULL && second == NULL) {
        return NULL;
    }
    json_t *object = json_object();
    identity_set_text(object, first_name, first);
    identity_set_text(object, second_name, second);
    return object;
}

json_t *identity_authentication(const struct app_values *values, int64_t auth)
{
    static const char *const words[] = {"sas", "selfSigned", "certificateAuthority"};
    json_t *object = json_object();
    identity_set_text(object, "type", words[auth]);
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

void identity_change_authentication(json_t *identity, const struct app_values *values)
{
    if (values->new_auth != IDENTITY_KEEP) {
        (void)json_object_set_new(identity, "authentication",
                                  identity_authentication(values, values->new_auth - 1));
        return;
    }
    json_t *authentication = identity_inner(identity, "authentication");
    if (values->primary_key != NULL || values->secondary_key != NULL) {
        json_t *keys = identity_inner(authentication, "symmetricKey");
        identity_set_text(keys, "primaryKey", values->primary_key);
        identity_set_text(keys, "secondaryKey", values->secondary_key);
    }
    if (values->primary_thumbprint != NULL || values->secondary_thumbprint != NULL) {
        json_t *thumbprints = identity_inner(authentication, "x509Thumbprint");
        identity_set_text(thumbprints, "primaryThumbprint", values->primary_thumbprint);
        identity_set_text(thumbprints, "secondaryThumbprint", values->secondary_thumbprint);
    }
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
    identity_set_text(identity, "status", values->is_disabled ? "disabled" : "enabled");
    identity_set_text(identity, "statusReason", values->status_reason);
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
    identity_set_text(identity, "managedBy", values->managed_by);
    *out = end(identity);
    return true;
}
