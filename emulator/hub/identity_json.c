/*
 * The registry's documents.
 * Source: IoT Hub REST, "Devices - Create or Update Identity"; recorded answers in
 * azure-sdk-for-net.
 */
#include "hub/identity_json.h"

#include <inttypes.h>
#include <string.h>

#include "base/coding.h"
#include "base/iso8601.h"
#include "base/random.h"
#include "hub/etag.h"
#include "iothub/json.h"

enum {
    NEW_KEY_BYTES = 32,
};

static const char *const auth_names[] = {
    [AUTH_SAS] = "sas",
    [AUTH_SELF_SIGNED] = "selfSigned",
    [AUTH_AUTHORITY] = "certificateAuthority",
    [AUTH_NONE] = "none",
};

const char *auth_type_name(enum auth_type type)
{
    return auth_names[type];
}

/* ---- reading ------------------------------------------------------------------------------
 */

static enum iothub_status invalid(struct hub *hub, const char *what)
{
    return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "%s", what);
}

/* A text member into an array; absent and null leave it empty.  false: wrong type or too long.
 */
static bool read_text(const json_t *object, const char *name, char *out, size_t size,
                      bool *is_present)
{
    const json_t *value = json_get_nocase(object, name);
    out[0] = '\0';
    *is_present = false;
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    struct slice text = json_string_slice(value);
    if (!json_is_string(value) || text.len >= size) {
        return false;
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    *is_present = true;
    return true;
}

/* Characters, not bytes: what follows a UTF-8 character's first byte is not counted. */
static bool is_short_text(const char *text, size_t max_chars)
{
    size_t n = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return n <= max_chars;
}

static bool key_is_valid(const char *key)
{
    unsigned char room[LIMIT_KEY_MAX_BYTES + 1];
    struct buf bytes = {.data = (char *)room, .room = sizeof(room), .cap = LIMIT_KEY_MAX_BYTES};
    return base64_decode(&bytes, slice_of(key)) && bytes.len >= LIMIT_KEY_MIN_BYTES;
}

void identity_make_key(char out[IDENTITY_KEY_SIZE])
{
    unsigned char bytes[NEW_KEY_BYTES];
    struct buf text = {.data = out, .room = IDENTITY_KEY_SIZE, .cap = IDENTITY_KEY_SIZE - 1};
    random_fill(bytes, sizeof(bytes));
    base64_encode(&text, bytes, sizeof(bytes));
    out[text.len] = '\0';
}

static enum iothub_status read_keys(struct hub *hub, const json_t *authentication,
                                    struct store_identity *record)
{
    const json_t *keys = json_get_nocase(authentication, "symmetricKey");
    bool present = false;
    if (!read_text(keys, "primaryKey", record->primary_key, sizeof(record->primary_key),
                   &present) ||
        !read_text(keys, "secondaryKey", record->secondary_key, sizeof(record->secondary_key),
                   &present)) {
        return invalid(hub, "Invalid device key length.");
    }
    if (record->primary_key[0] == '\0' && record->secondary_key[0] == '\0') {
        identity_make_key(record->primary_key);
        identity_make_key(record->secondary_key);
        return IOTHUB_OK;
    }
    if (record->primary_key[0] == '\0' || record->secondary_key[0] == '\0') {
        return invalid(hub, "Either no keys or both keys can be set.");
    }
    if (!key_is_valid(record->primary_key) || !key_is_valid(record->secondary_key)) {
        return invalid(hub, "Invalid device key length.");
    }
    return IOTHUB_OK;
}

static bool is_thumbprint(const char *text)
{
    size_t len = strlen(text);
    if (len != 0 && len != 40 && len != 64) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (hex_digit(text[i]) < 0) {
            return false;
        }
    }
    return true;
}

static enum iothub_status read_thumbprints(struct hub *hub, const json_t *authentication,
                                           struct store_identity *record)
{
    const json_t *x509 = json_get_nocase(authentication, "x509Thumbprint");
    bool present = false;
    if (!read_text(x509, "primaryThumbprint", record->primary_thumbprint,
                   sizeof(record->primary_thumbprint), &present) ||
        !read_text(x509, "secondaryThumbprint", record->secondary_thumbprint,
                   sizeof(record->secondary_thumbprint), &present) ||
        !is_thumbprint(record->primary_thumbprint) ||
        !is_thumbprint(record->secondary_thumbprint)) {
        return invalid(hub,
                       "StringIsNotThumbprint: a thumbprint is 40 or 64 hexadecimal digits.");
    }
    return IOTHUB_OK;
}

static bool has_thumbprint(const json_t *authentication)
{
    const json_t *x509 = json_get_nocase(authentication, "x509Thumbprint");
    return json_string_slice(json_get_nocase(x509, "primaryThumbprint")).len != 0 ||
           json_string_slice(json_get_nocase(x509, "secondaryThumbprint")).len != 0;
}

static enum iothub_status read_auth_type(struct hub *hub, const json_t *authentication,
                                         enum auth_type *out)
{
    const json_t *type = json_get_nocase(authentication, "type");
    if (type == NULL || json_is_null(type)) {
        *out = has_thumbprint(authentication) ? AUTH_SELF_SIGNED : AUTH_SAS;
        return IOTHUB_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(auth_names); i++) {
        if (slice_equal_nocase(json_string_slice(type), slice_of(auth_names[i]))) {
            *out = (enum auth_type)i;
            return IOTHUB_OK;
        }
    }
    return invalid(hub, "The authentication type is not known.");
}

static enum iothub_status read_authentication(struct hub *hub, const json_t *body,
                                              struct store_identity *record)
{
    const json_t *authentication = json_get_nocase(body, "authentication");
    if (authentication != NULL && !json_is_object(authentication) &&
        !json_is_null(authentication)) {
        return invalid(hub, "authentication is an object.");
    }
    enum iothub_status status = read_auth_type(hub, authentication, &record->auth);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (record->auth == AUTH_NONE && record->module_id[0] == '\0') {
        return invalid(
            hub, "DeviceAuthenticationTypeIsMissing: a device needs an authentication type.");
    }
    if (record->auth == AUTH_NONE && record->module_id[0] != '$') {
        record->auth = AUTH_SAS; /* so the hub answers for modules but its own */
    }
    record->primary_key[0] = record->secondary_key[0] = '\0';
    record->primary_thumbprint[0] = record->secondary_thumbprint[0] = '\0';
    if (record->auth == AUTH_SAS) {
        return read_keys(hub, authentication, record);
    }
    return record->auth == AUTH_SELF_SIGNED ? read_thumbprints(hub, authentication, record)
                                            : IOTHUB_OK;
}

static enum iothub_status read_status(struct hub *hub, const json_t *body,
                                      struct store_identity *record)
{
    const json_t *value = json_get_nocase(body, "status");
    struct slice text = json_string_slice(value);
    if (value == NULL || json_is_null(value) || slice_equal_nocase(text, SLICE("enabled"))) {
        record->is_enabled = true;
    } else if (slice_equal_nocase(text, SLICE("disabled"))) {
        record->is_enabled = false;
    } else {
        return invalid(hub, "The status is either enabled or disabled.");
    }
    if (!read_text(body, "statusReason", record->status_reason, sizeof(record->status_reason),
                   &record->has_status_reason) ||
        !is_short_text(record->status_reason, LIMIT_STATUS_REASON_CHARS)) {
        return invalid(hub, "The statusReason is a text of at most 128 characters.");
    }
    return IOTHUB_OK;
}

static enum iothub_status read_capabilities(struct hub *hub, const json_t *body,
                                            struct store_identity *record)
{
    const json_t *capabilities = json_get_nocase(body, "capabilities");
    const json_t *value = json_get_nocase(capabilities, "iotEdge");
    if ((capabilities != NULL && !json_is_object(capabilities) &&
         !json_is_null(capabilities)) ||
        (value != NULL && !json_is_boolean(value) && !json_is_null(value))) {
        return invalid(hub, "capabilities is an object whose iotEdge is true or false.");
    }
    record->is_edge = json_is_true(value);
    return IOTHUB_OK;
}

static enum iothub_status read_managed_by(struct hub *hub, const json_t *body,
                                          struct store_identity *record)
{
    return read_text(body, "managedBy", record->managed_by, sizeof(record->managed_by),
                     &record->has_managed_by) &&
                   is_short_text(record->managed_by, LIMIT_STATUS_REASON_CHARS)
               ? IOTHUB_OK
               : invalid(hub, "managedBy is a text of at most 128 characters.");
}

enum iothub_status identity_read(struct hub *hub, const json_t *body,
                                 struct store_identity *record)
{
    struct store_identity changed = *record;
    enum iothub_status status = read_authentication(hub, body, &changed);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (changed.module_id[0] != '\0') {
        changed.is_enabled = true;
        status = read_managed_by(hub, body, &changed);
    } else {
        status = read_status(hub, body, &changed);
        status = status == IOTHUB_OK ? read_capabilities(hub, body, &changed) : status;
    }
    if (status == IOTHUB_OK) {
        *record = changed;
    }
    return status;
}

/* ---- writing ------------------------------------------------------------------------------
 */

static void put_member(struct buf *out, const char *name, const char *text)
{
    buf_putf(out, "\"%s\":", name);
    json_put_string_or_null(out, text);
    buf_put_char(out, ',');
}

static void put_time(struct buf *out, const char *name, int64_t at_ms)
{
    char text[ISO8601_MAX];
    put_member(out, name, iso8601_format(text, at_ms));
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static void put_authentication(struct buf *out, const struct store_identity *record)
{
    buf_put_text(out, "\"authentication\":{\"symmetricKey\":{");
    put_member(out, "primaryKey", or_null(record->primary_key));
    buf_put_text(out, "\"secondaryKey\":");
    json_put_string_or_null(out, or_null(record->secondary_key));
    buf_put_text(out, "},\"x509Thumbprint\":{");
    put_member(out, "primaryThumbprint", or_null(record->primary_thumbprint));
    buf_put_text(out, "\"secondaryThumbprint\":");
    json_put_string_or_null(out, or_null(record->secondary_thumbprint));
    buf_putf(out, "},\"type\":\"%s\"}", auth_names[record->auth]);
}

static void put_connection(const struct hub *hub, const struct store_identity *record,
                           struct buf *out)
{
    const struct hub_peer *peer = hub_find_peer(hub, store_identity_id(record));
    put_time(out, "connectionStateUpdatedTime",
             peer != NULL ? peer->connected_ms : record->connection_updated_ms);
    if (record->module_id[0] == '\0') {
        put_time(out, "statusUpdatedTime", record->status_updated_ms);
    }
    put_time(out, "lastActivityTime",
             peer != NULL ? peer->active_ms : record->last_activity_ms);
}

static void put_scopes(struct buf *out, const struct store_identity *record)
{
    if (record->device_scope[0] != '\0') {
        buf_put_text(out, ",\"deviceScope\":");
        json_put_string(out, slice_of(record->device_scope));
    }
    buf_put_text(out, ",\"parentScopes\":[");
    if (record->parent_scope[0] != '\0') {
        json_put_string(out, slice_of(record->parent_scope));
    }
    buf_put_char(out, ']');
}

void identity_write(const struct hub *hub, const struct store_identity *record, struct buf *out)
{
    char etag[HUB_ETAG_SIZE];
    bool is_module = record->module_id[0] != '\0';
    etag_of_identity(etag, record->etag);
    buf_put_char(out, '{');
    if (is_module) {
        put_member(out, "moduleId", record->module_id);
        put_member(out, "managedBy", record->has_managed_by ? record->managed_by : NULL);
    }
    put_member(out, "deviceId", record->device_id);
    buf_putf(out, "\"generationId\":\"%" PRId64 "\",", record->generation);
    put_member(out, "etag", etag);
    put_member(out, "connectionState",
               hub_find_peer(hub, store_identity_id(record)) != NULL ? "Connected"
                                                                     : "Disconnected");
    if (!is_module) {
        put_member(out, "status", record->is_enabled ? "enabled" : "disabled");
        put_member(out, "statusReason",
                   record->has_status_reason ? record->status_reason : NULL);
    }
    put_connection(hub, record, out);
    buf_putf(out, "\"cloudToDeviceMessageCount\":%" PRId64 ",", record->message_count);
    put_authentication(out, record);
    if (!is_module) {
        buf_putf(out, ",\"capabilities\":{\"iotEdge\":%s}", record->is_edge ? "true" : "false");
        put_scopes(out, record);
    }
    buf_put_char(out, '}');
}
