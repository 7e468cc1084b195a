/*
 * Who may do what: shared access tokens of policies and identities, and certificates.
 * Source: IoT Hub documentation, "Control access to IoT Hub with shared access signatures".
 */
#include <stdio.h>
#include <string.h>

#include "base/coding.h"
#include "base/mem.h"
#include "hub/core.h"
#include "iothub/sas_token.h"

/* "host/devices/d" without scheme and final slash, decoded once; false when the host is not
 * ours. */
static bool read_resource(struct hub *hub, struct slice sr, struct slice *out_path)
{
    static const struct slice schemes[] = {
        {"sb://",    5},
        {"amqps://", 8},
        {"amqp://",  7},
        {"https://", 8}
    };
    struct buf *text = &hub->scratch[0];
    buf_reset(text);
    percent_decode(text, sr);
    struct slice resource = buf_slice(text);
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (slice_starts_with_nocase(resource, schemes[i])) {
            resource = slice_from(resource, schemes[i].len);
            break;
        }
    }
    while (resource.len != 0 && resource.data[resource.len - 1] == '/') {
        resource.len--;
    }
    size_t host_len = slice_find(resource, '/');
    if (!hub_is_named(hub, slice_make(resource.data, host_len))) {
        return false;
    }
    *out_path = slice_from(resource, host_len + 1);
    return true;
}

/* The documentation asks for lower-case resources, the SDKs keep the id's case: take either. */
static bool is_lower_case_of(struct slice lower, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        int want = c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
        if ((unsigned char)lower.data[i] != want) {
            return false;
        }
    }
    return true;
}

static bool is_spelling_of(struct slice scope, struct slice segment)
{
    char twice[3 * LIMIT_ID_CHARS + 1];
    if (scope.len == segment.len && is_lower_case_of(scope, segment)) {
        return true;
    }
    if (slice_equal(scope, segment)) {
        return true;
    }
    /* Clients that encode the id and then the whole resource have encoded it twice. */
    struct buf decoded = {.data = twice, .room = sizeof(twice), .cap = sizeof(twice) - 1};
    if (scope.len >= sizeof(twice)) {
        return false;
    }
    percent_decode(&decoded, scope);
    return slice_equal(buf_slice(&decoded), segment);
}

typedef bool id_test(struct slice scope, struct slice id);

/*
 * Whether `scope` is a prefix of `path` by whole segments; words and ids take turns in both.
 * Old devices' tokens end in "/api-version=…" behind the id, which itself may look like that.
 */
static bool scope_covers(struct slice scope, struct slice path, id_test *is_same)
{
    struct slice part = {0};
    struct slice segment = {0};
    for (size_t i = 0; slice_next(&scope, '/', &part); i++) {
        bool is_word = i % 2 == 0;
        if (i >= 2 && is_word && slice_starts_with_nocase(part, SLICE("api-version="))) {
            return true;
        }
        if (!slice_next(&path, '/', &segment)) {
            return false;
        }
        if (is_word ? !slice_equal_nocase(part, segment) : !is_same(part, segment)) {
            return false;
        }
    }
    return true;
}

static const struct hub_policy *find_policy(const struct hub *hub, struct slice name)
{
    for (size_t i = 0; i < hub->n_policies; i++) {
        if (slice_equal_text(name, hub->policies[i].name)) {
            return &hub->policies[i];
        }
    }
    return NULL;
}

static bool is_signed_by_either(const struct sas_token *token, const char *primary,
                                const char *secondary)
{
    /* Both are tried whatever the first says, so the time tells nothing. */
    bool first = sas_token_is_signed_by(token, slice_of(primary));
    bool second = sas_token_is_signed_by(token, slice_of(secondary));
    return first || second;
}

static bool set_scope(struct hub_principal *principal, struct slice path)
{
    if (path.len >= sizeof(principal->scope)) {
        return false;
    }
    memcpy(principal->scope, path.data == NULL ? "" : path.data, path.len);
    principal->scope[path.len] = '\0';
    return true;
}

static int64_t expiry_ms(const struct sas_token *token)
{
    return token->expiry_s > INT64_MAX / 1000 ? NEVER_MS : token->expiry_s * 1000;
}

static enum iothub_status unauthorized(struct hub *hub)
{
    return hub_fail(hub, IOTHUB_UNAUTHORIZED, "Unauthorized");
}

/*
 * A grace shorter than the clocks' allowance shortens that too: a client whose connection was
 * closed for its token must not come back with it.
 */
static bool is_fresh(const struct hub *hub, const struct sas_token *token)
{
    return sas_token_is_fresh(token, hub->now.at_ms) &&
           hub->now.at_ms - hub->token_grace_ms < expiry_ms(token);
}

static enum iothub_status read_token(struct hub *hub, struct slice text,
                                     struct sas_token *token, struct slice *path)
{
    if (!sas_token_parse(text, token) || !is_fresh(hub, token) ||
        !read_resource(hub, token->sr, path)) {
        return unauthorized(hub);
    }
    return IOTHUB_OK;
}

static enum iothub_status authenticate_policy(struct hub *hub, const struct sas_token *token,
                                              struct slice path, struct hub_principal *out)
{
    char name[257];
    struct buf decoded = {.data = name, .room = sizeof(name), .cap = sizeof(name) - 1};
    if (token->skn.len >= sizeof(name)) {
        return unauthorized(hub);
    }
    percent_decode(&decoded, token->skn);
    const struct hub_policy *policy = find_policy(hub, buf_slice(&decoded));
    if (policy == NULL) {
        return unauthorized(hub);
    }
    struct hub_principal principal = {
        .kind = HUB_POLICY, .rights = policy->rights, .expires_ms = expiry_ms(token)};
    if (!is_signed_by_either(token, policy->primary_key, policy->secondary_key) ||
        !set_scope(&principal, path)) {
        return hub_fail(hub, IOTHUB_UNAUTHORIZED_ACCESS, "Unauthorized");
    }
    *out = principal;
    return IOTHUB_OK;
}

static enum iothub_status authenticate_own(struct hub *hub, const struct sas_token *token,
                                           struct slice path,
                                           const struct store_identity *record,
                                           struct hub_principal *out)
{
    struct hub_principal principal = {
        .kind = HUB_IDENTITY, .rights = HUB_DEVICE_CONNECT, .expires_ms = expiry_ms(token)};
    if (record->auth != AUTH_SAS ||
        !is_signed_by_either(token, record->primary_key, record->secondary_key) ||
        !set_scope(&principal, path)) {
        return hub_fail(hub, IOTHUB_UNAUTHORIZED_ACCESS, "Unauthorized");
    }
    *out = principal;
    return IOTHUB_OK;
}

/* The identity that "devices/d[/modules/m][/…]" names. */
static bool identity_of_path(struct slice path, struct identity *out)
{
    struct slice word = {0};
    struct identity id = {0};
    if (!slice_next(&path, '/', &word) || !slice_equal_nocase(word, SLICE("devices")) ||
        !slice_next(&path, '/', &id.device_id)) {
        return false;
    }
    if (slice_next(&path, '/', &word) && slice_equal_nocase(word, SLICE("modules")) &&
        !slice_next(&path, '/', &id.module_id)) {
        return false;
    }
    *out = id;
    return true;
}

bool hub_device_is_enabled(struct hub *hub, struct identity id)
{
    struct store_identity device;
    return hub_find_identity(hub, identity_of_device(id.device_id), &device) == IOTHUB_OK &&
           device.is_enabled;
}

enum iothub_status hub_authenticate(struct hub *hub, struct slice text,
                                    struct hub_principal *out)
{
    struct sas_token token = {0};
    struct slice path = {0};
    enum iothub_status status = read_token(hub, text, &token, &path);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (token.skn.len != 0) {
        return authenticate_policy(hub, &token, path, out);
    }
    struct identity id = {0};
    struct store_identity record;
    if (!identity_of_path(path, &id) || hub_find_identity(hub, id, &record) != IOTHUB_OK ||
        !hub_device_is_enabled(hub, id)) {
        return unauthorized(hub);
    }
    status = authenticate_own(hub, &token, path, &record, out);
    if (status == IOTHUB_OK && identity_is_module(id)) {
        out->rights = 0; /* a device may look after its modules, a module after nothing */
    }
    return status;
}

/* The texts stand behind the structure. */
struct hub_certificate *hub_certificate_dup(const struct hub_certificate *certificate)
{
    struct slice from[3] = {certificate->thumbprints[0], certificate->thumbprints[1],
                            certificate->common_name};
    struct hub_certificate *copy =
        mem_alloc(sizeof(*copy) + from[0].len + from[1].len + from[2].len);
    struct slice *to[3] = {&copy->thumbprints[0], &copy->thumbprints[1], &copy->common_name};
    char *text = (char *)(copy + 1);
    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        *to[i] = slice_make(text, from[i].len);
        memcpy(text, from[i].len == 0 ? "" : from[i].data, from[i].len);
        text += from[i].len;
    }
    copy->is_trusted = certificate->is_trusted;
    return copy;
}

static bool thumbprint_matches(const struct slice given[2], const char *registered)
{
    struct slice want = slice_of(registered);
    return want.len != 0 &&
           (slice_equal_nocase(given[0], want) || slice_equal_nocase(given[1], want));
}

/* A device is named by its id, a module by "deviceId/moduleId". */
static bool common_name_matches(struct slice name, struct identity id)
{
    size_t device_len = slice_find(name, '/');
    return slice_equal(slice_make(name.data, device_len), id.device_id) &&
           (identity_is_module(id)
                ? device_len < name.len &&
                      slice_equal(slice_from(name, device_len + 1), id.module_id)
                : device_len == name.len);
}

static const char *judge_certificate(const struct store_identity *record,
                                     const struct hub_certificate *certificate)
{
    switch (record->auth) {
    case AUTH_SELF_SIGNED:
        return thumbprint_matches(certificate->thumbprints, record->primary_thumbprint) ||
                       thumbprint_matches(certificate->thumbprints,
                                          record->secondary_thumbprint)
                   ? NULL
                   : "The client certificate does not match the registered thumbprints.";
    case AUTH_AUTHORITY:
        if (!certificate->is_trusted) {
            return "The client certificate does not lead to a trusted CA of devices.";
        }
        return common_name_matches(certificate->common_name, store_identity_id(record))
                   ? NULL
                   : "The common name of the client certificate is not the identity's.";
    case AUTH_SAS:
    case AUTH_NONE:
        break;
    }
    return "The identity does not authenticate by certificate.";
}

static enum iothub_status authenticate_certificate(struct hub *hub,
                                                   const struct store_identity *record,
                                                   const struct hub_certificate *certificate,
                                                   struct hub_principal *out)
{
    const char *why = certificate == NULL ? "There is no token and no client certificate."
                                          : judge_certificate(record, certificate);
    if (why != NULL) {
        return hub_fail(hub, IOTHUB_UNAUTHORIZED, "%s", why);
    }
    *out = (struct hub_principal){
        .kind = HUB_IDENTITY, .rights = HUB_DEVICE_CONNECT, .expires_ms = NEVER_MS};
    return IOTHUB_OK;
}

static enum iothub_status authenticate_token(struct hub *hub, struct identity id,
                                             const struct store_identity *record,
                                             struct slice text, struct hub_principal *out)
{
    struct sas_token token = {0};
    struct slice path = {0};
    char target[2 * LIMIT_ID_CHARS + 32];
    enum iothub_status status = read_token(hub, text, &token, &path);
    if (status != IOTHUB_OK) {
        return status;
    }
    int len = snprintf(target, sizeof(target), "devices/%.*s%s%.*s", SLICE_ARG(id.device_id),
                       identity_is_module(id) ? "/modules/" : "", SLICE_ARG(id.module_id));
    if (!scope_covers(path, slice_make(target, (size_t)len), is_spelling_of)) {
        return unauthorized(hub);
    }
    if (token.skn.len == 0) {
        /* The host and all its devices are a policy's resource; an identity names its device.
         */
        struct identity named = {0};
        return identity_of_path(path, &named) ? authenticate_own(hub, &token, path, record, out)
                                              : unauthorized(hub);
    }
    status = authenticate_policy(hub, &token, path, out);
    if (status == IOTHUB_OK && (out->rights & HUB_DEVICE_CONNECT) == 0) {
        *out = (struct hub_principal){0};
        return unauthorized(hub);
    }
    return status;
}

/* With what is registered for `record`, which is the identity or stands for it. */
static enum iothub_status authenticate_as(struct hub *hub, struct identity id,
                                          const struct store_identity *record,
                                          struct slice token,
                                          const struct hub_certificate *certificate,
                                          struct hub_principal *out)
{
    return token.len == 0 ? authenticate_certificate(hub, record, certificate, out)
                          : authenticate_token(hub, id, record, token, out);
}

static bool is_system_module(struct identity id)
{
    return identity_is_module(id) && id.module_id.data[0] == '$';
}

enum iothub_status hub_authenticate_identity(struct hub *hub, struct identity id,
                                             struct slice token,
                                             const struct hub_certificate *certificate,
                                             struct hub_principal *out)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, id, &record);
    if (status != IOTHUB_OK) {
        return status;
    }
    status = authenticate_as(hub, id, &record, token, certificate, out);
    /*
     * What opens an edge device opens its own modules too: they begin without keys, and the C#
     * SDK's suite connects $edgeHub with the device's key.
     */
    if (status != IOTHUB_OK && is_system_module(id) &&
        hub_find_identity(hub, identity_of_device(id.device_id), &record) == IOTHUB_OK) {
        status = authenticate_as(hub, id, &record, token, certificate, out);
    }
    /* Only who can prove to be the device learns that it is disabled. */
    if (status == IOTHUB_OK && !hub_device_is_enabled(hub, id)) {
        *out = (struct hub_principal){0};
        return hub_fail(hub, IOTHUB_DEVICE_DISABLED, "The device is disabled.");
    }
    return status;
}

bool hub_principal_may(const struct hub_principal *principal, unsigned rights,
                       struct slice path)
{
    /* Another spelling is another device, whose key has not been asked for. */
    id_test *is_same = principal->kind == HUB_IDENTITY ? slice_equal : is_spelling_of;
    return (principal->rights & rights) != 0 &&
           scope_covers(slice_of(principal->scope), path, is_same);
}
