/*
 * The identity registry: create, read, change, delete and list devices and modules.
 * Source: IoT Hub documentation, "Understand the identity registry"; IoT Hub REST, devices and
 * modules.
 */
#include "hub/registry.h"

#include <stdio.h>
#include <string.h>

#include "base/iso8601.h"
#include "base/random.h"
#include "hub/core.h"
#include "hub/etag.h"
#include "hub/identity_json.h"
#include "iothub/json.h"

enum {
    /* First etags are random numbers below this, as recorded ones are. */
    ETAG_START_RANGE = 1000000000,
};

enum iothub_status hub_find_identity(struct hub *hub, struct identity id,
                                     struct store_identity *out)
{
    int found = store_identity_get(hub->store, id, out);
    if (found == 0) {
        return IOTHUB_OK;
    }
    if (found != STORE_NO_ROW) {
        return hub_store_failed(hub);
    }
    if (!identity_is_module(id)) {
        return hub_fail(hub, IOTHUB_DEVICE_NOT_FOUND, "%.*s", SLICE_ARG(id.device_id));
    }
    struct store_identity device;
    enum iothub_status status =
        hub_find_identity(hub, identity_of_device(id.device_id), &device);
    return status != IOTHUB_OK ? status
                               : hub_fail(hub, IOTHUB_MODULE_NOT_FOUND, "%.*s/%.*s",
                                          SLICE_ARG(id.device_id), SLICE_ARG(id.module_id));
}

static void answer(const struct hub *hub, const struct store_identity *record,
                   struct hub_document *out)
{
    identity_write(hub, record, out->body);
    etag_of_identity(out->etag, record->etag);
}

enum iothub_status hub_identity_get(struct hub *hub, struct identity id,
                                    struct hub_document *out)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, id, &record);
    if (status == IOTHUB_OK) {
        answer(hub, &record, out);
    }
    return status;
}

enum iothub_status registry_check_etag(struct hub *hub, const struct store_identity *record,
                                       struct hub_condition condition)
{
    char etag[HUB_ETAG_SIZE];
    etag_of_identity(etag, record->etag);
    if (condition.match == HUB_MATCH_ETAG && !slice_equal_text(condition.etag, etag)) {
        return hub_fail(hub, IOTHUB_PRECONDITION_FAILED, "PreconditionFailed");
    }
    return IOTHUB_OK;
}

/* ---- rows ---------------------------------------------------------------------------- */

static enum iothub_status insert_twin(struct hub *hub, const struct store_identity *record)
{
    char metadata[64 + ISO8601_MAX];
    char when[ISO8601_MAX];
    /* Recorded: devices are stamped with their creation, modules with the never-value. */
    int64_t at_ms = record->module_id[0] == '\0' ? hub->now.at_ms : ISO8601_NEVER_MS;
    int len = snprintf(metadata, sizeof(metadata), "{\"$lastUpdated\":\"%s\"}",
                       iso8601_format(when, at_ms));
    struct store_twin twin = {
        .seq = record->seq,
        .etag = 1,
        .desired = SLICE("{}"),
        .desired_metadata = slice_make(metadata, (size_t)len),
        .desired_version = 1,
        .reported = SLICE("{}"),
        .reported_metadata = slice_make(metadata, (size_t)len),
        .reported_version = 1,
    };
    return store_twin_insert(hub->store, &twin) == 0 ? IOTHUB_OK : hub_store_failed(hub);
}

/* The hub's own members.  Two identities of one moment are still two generations. */
static void begin_record(struct hub *hub, struct store_identity *record)
{
    int64_t ticks = hub_ticks(hub->now.at_ms);
    hub->last_generation = ticks > hub->last_generation ? ticks : hub->last_generation + 1;
    record->generation = hub->last_generation;
    record->etag = (int64_t)(random_u64() % ETAG_START_RANGE) + 1;
    record->status_updated_ms = ISO8601_NEVER_MS;
    record->connection_updated_ms = ISO8601_NEVER_MS;
    record->last_activity_ms = ISO8601_NEVER_MS;
}

static enum iothub_status insert_record(struct hub *hub, struct store_identity *record)
{
    if (store_identity_insert(hub->store, record) != 0) {
        return hub_store_failed(hub);
    }
    hub_configurations_touch(hub, record->seq, HUB_TOUCHED_SERVICE);
    return insert_twin(hub, record);
}

/* ---- the modules that every edge device has ------------------------------------------ */

static const char *const system_modules[] = {"$edgeAgent", "$edgeHub"};

static enum iothub_status insert_system_module(struct hub *hub, const char *device_id,
                                               const char *module_id)
{
    struct store_identity module = {
        .is_enabled = true, .auth = AUTH_NONE, .has_managed_by = true};
    snprintf(module.device_id, sizeof(module.device_id), "%s", device_id);
    snprintf(module.module_id, sizeof(module.module_id), "%s", module_id);
    snprintf(module.managed_by, sizeof(module.managed_by), "iotEdge");
    begin_record(hub, &module);
    return insert_record(hub, &module);
}

static enum iothub_status insert_system_modules(struct hub *hub, const char *device_id)
{
    enum iothub_status status = IOTHUB_OK;
    for (size_t i = 0; i < ARRAY_LEN(system_modules) && status == IOTHUB_OK; i++) {
        struct identity id = {slice_of(device_id), slice_of(system_modules[i])};
        struct store_identity existing;
        int found = store_identity_get(hub->store, id, &existing);
        if (found < 0) {
            return hub_store_failed(hub);
        }
        if (found == STORE_NO_ROW) {
            status = insert_system_module(hub, device_id, system_modules[i]);
        }
    }
    return status;
}

static enum iothub_status delete_system_modules(struct hub *hub, const char *device_id)
{
    for (size_t i = 0; i < ARRAY_LEN(system_modules); i++) {
        struct identity id = {slice_of(device_id), slice_of(system_modules[i])};
        struct store_identity module;
        int rc = store_identity_get(hub->store, id, &module);
        if (rc == 0) {
            hub_close_peer(hub, id, IOTHUB_DEVICE_NOT_FOUND);
            rc = store_identity_delete(hub->store, &module);
        }
        if (rc < 0) {
            return hub_store_failed(hub);
        }
    }
    return IOTHUB_OK;
}

/* A device's keys open them too. */
static void close_system_modules(struct hub *hub, struct identity id)
{
    for (size_t i = 0; i < ARRAY_LEN(system_modules) && !identity_is_module(id); i++) {
        struct identity module = {id.device_id, slice_of(system_modules[i])};
        hub_close_peer(hub, module, IOTHUB_UNAUTHORIZED);
    }
}

/* ---- creating ------------------------------------------------------------------------ */

static enum iothub_status insert_with_modules(struct hub *hub, void *ctx)
{
    struct store_identity *record = ctx;
    enum iothub_status status = insert_record(hub, record);
    return status == IOTHUB_OK && record->is_edge
               ? insert_system_modules(hub, record->device_id)
               : status;
}

static enum iothub_status check_new_id(struct hub *hub, struct identity id)
{
    struct slice own = identity_is_module(id) ? id.module_id : id.device_id;
    if (!identity_is_valid_id(own)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                        "The id '%.*s' is not valid: 1 to 128 letters, digits and "
                        "-:.+%%_#*?!(),=@;$' are allowed.",
                        SLICE_ARG(own));
    }
    if (!identity_is_module(id)) {
        return IOTHUB_OK;
    }
    if (id.module_id.data[0] == '$') {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "Ids of modules may not begin with '$'.");
    }
    int64_t n_modules = 0;
    if (store_identity_count_modules(hub->store, id.device_id, &n_modules) != 0) {
        return hub_store_failed(hub);
    }
    return n_modules < LIMIT_MODULES_PER_DEVICE
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_TOO_MANY_MODULES_ON_DEVICE,
                          "A device has at most %d modules.", LIMIT_MODULES_PER_DEVICE);
}

static void set_ids(struct store_identity *record, struct identity id)
{
    memcpy(record->device_id, id.device_id.data, id.device_id.len);
    if (identity_is_module(id)) {
        memcpy(record->module_id, id.module_id.data, id.module_id.len);
    }
}

enum iothub_status registry_create(struct hub *hub, struct identity id, const json_t *body,
                                   enum scope_check check, struct store_identity *record)
{
    enum iothub_status status = check_new_id(hub, id);
    if (status != IOTHUB_OK) {
        return status;
    }
    *record = (struct store_identity){0};
    set_ids(record, id);
    status = identity_read(hub, body, record);
    if (status == IOTHUB_OK) {
        begin_record(hub, record);
        status = scopes_read(hub, body, check, NULL, record);
    }
    return status != IOTHUB_OK ? status : hub_all_or_nothing(hub, insert_with_modules, record);
}

enum iothub_status registry_create_deployed(struct hub *hub, struct identity id)
{
    struct store_identity module = {
        .is_enabled = true, .auth = AUTH_NONE, .has_managed_by = true};
    enum iothub_status status = check_new_id(hub, id);
    if (status != IOTHUB_OK) {
        return status;
    }
    set_ids(&module, id);
    snprintf(module.managed_by, sizeof(module.managed_by), "iotEdge");
    begin_record(hub, &module);
    return insert_record(hub, &module);
}

/* ---- changing ------------------------------------------------------------------------ */

/* A connection may not outlive what allowed it. */
static void close_if_revoked(struct hub *hub, const struct store_identity *was,
                             const struct store_identity *is)
{
    struct identity id = store_identity_id(is);
    bool same_secrets = was->auth == is->auth &&
                        strcmp(was->primary_key, is->primary_key) == 0 &&
                        strcmp(was->secondary_key, is->secondary_key) == 0 &&
                        strcmp(was->primary_thumbprint, is->primary_thumbprint) == 0 &&
                        strcmp(was->secondary_thumbprint, is->secondary_thumbprint) == 0;
    if (!is->is_enabled) {
        hub_close_peer(hub, id, IOTHUB_DEVICE_DISABLED);
        struct store_identity module = {0};
        while (store_identity_next_module(hub->store, id.device_id, module.seq, &module) == 0) {
            hub_close_peer(hub, store_identity_id(&module), IOTHUB_DEVICE_DISABLED);
        }
    } else if (!same_secrets) {
        hub_close_peer(hub, id, IOTHUB_UNAUTHORIZED);
        close_system_modules(hub, id);
    }
}

struct change {
    const struct store_identity *was;
    const struct store_identity *is;
};

static enum iothub_status write_change(struct hub *hub, void *ctx)
{
    const struct change *change = ctx;
    if (store_identity_update(hub->store, change->is) != 0) {
        return hub_store_failed(hub);
    }
    if (change->is->is_edge == change->was->is_edge) {
        return IOTHUB_OK;
    }
    return change->is->is_edge ? insert_system_modules(hub, change->is->device_id)
                               : delete_system_modules(hub, change->is->device_id);
}

/* Put `is` in the place of the record. */
static enum iothub_status replace(struct hub *hub, struct store_identity *is,
                                  struct store_identity *record)
{
    struct change change = {.was = record, .is = is};
    if (is->is_enabled != record->is_enabled) {
        is->status_updated_ms = hub->now.at_ms;
    }
    is->etag++;
    enum iothub_status status = hub_all_or_nothing(hub, write_change, &change);
    if (status == IOTHUB_OK) {
        hub_configurations_touch(hub, is->seq, HUB_TOUCHED_SERVICE);
        close_if_revoked(hub, record, is);
        *record = *is;
    }
    return status;
}

enum iothub_status registry_update(struct hub *hub, const json_t *body, enum scope_check check,
                                   struct store_identity *record)
{
    struct store_identity is = *record;
    enum iothub_status status = identity_read(hub, body, &is);
    if (status == IOTHUB_OK) {
        status = scopes_read(hub, body, check, record, &is);
    }
    return status == IOTHUB_OK ? replace(hub, &is, record) : status;
}

enum iothub_status registry_new_keys(struct hub *hub, bool is_primary, bool is_secondary,
                                     struct store_identity *record)
{
    struct store_identity is = *record;
    if (record->auth != AUTH_SAS) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "The identity has no symmetric keys.");
    }
    if (is_primary) {
        identity_make_key(is.primary_key);
    }
    if (is_secondary) {
        identity_make_key(is.secondary_key);
    }
    return replace(hub, &is, record);
}

enum iothub_status registry_already_exists(struct hub *hub, struct identity id)
{
    if (!identity_is_module(id)) {
        return hub_fail(hub, IOTHUB_DEVICE_ALREADY_EXISTS,
                        "A device with ID '%.*s' is already registered.",
                        SLICE_ARG(id.device_id));
    }
    return hub_fail(hub, IOTHUB_MODULE_ALREADY_EXISTS_ON_DEVICE,
                    "Device %.*s already contains Module %.*s.", SLICE_ARG(id.device_id),
                    SLICE_ARG(id.module_id));
}

static enum iothub_status check_body_id(struct hub *hub, const json_t *body, const char *name,
                                        struct slice id)
{
    const json_t *value = json_get_nocase(body, name);
    if (value == NULL || json_is_null(value) || slice_equal(json_string_slice(value), id)) {
        return IOTHUB_OK;
    }
    return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                    "The %s in the body differs from the address.", name);
}

enum iothub_status hub_identity_put(struct hub *hub, struct identity id, const json_t *body,
                                    struct hub_condition condition, struct hub_document *out)
{
    struct store_identity record;
    if (!json_is_object(body)) {
        return hub_fail(hub, IOTHUB_FORMAT_ERROR, "An identity is a JSON object.");
    }
    enum iothub_status status = check_body_id(hub, body, "deviceId", id.device_id);
    if (status == IOTHUB_OK && identity_is_module(id)) {
        status = check_body_id(hub, body, "moduleId", id.module_id);
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    enum iothub_status found = hub_find_identity(hub, id, &record);
    bool is_new = found ==
                  (identity_is_module(id) ? IOTHUB_MODULE_NOT_FOUND : IOTHUB_DEVICE_NOT_FOUND);
    if (found != IOTHUB_OK && !(is_new && condition.match == HUB_MATCH_NONE)) {
        return found;
    }
    if (is_new) {
        status = registry_create(hub, id, body, SCOPES_CHECKED, &record);
    } else if (condition.match == HUB_MATCH_NONE) {
        status = registry_already_exists(hub, id);
    } else {
        status = registry_check_etag(hub, &record, condition);
        status = status == IOTHUB_OK ? registry_update(hub, body, SCOPES_CHECKED, &record)
                                     : status;
    }
    if (status == IOTHUB_OK) {
        answer(hub, &record, out);
    }
    return status;
}

enum iothub_status registry_delete(struct hub *hub, const struct store_identity *record)
{
    struct identity id = store_identity_id(record);
    if (identity_is_module(id) && id.module_id.data[0] == '$') {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                        "%s goes when its device is no edge device any more.",
                        record->module_id);
    }
    hub_close_peer(hub, id, IOTHUB_DEVICE_NOT_FOUND);
    struct store_identity module = {0};
    while (!identity_is_module(id) &&
           store_identity_next_module(hub->store, id.device_id, module.seq, &module) == 0) {
        hub_close_peer(hub, store_identity_id(&module), IOTHUB_DEVICE_NOT_FOUND);
    }
    hub_messages_forget(hub, record->seq);
    return store_identity_delete(hub->store, record) == 0 ? IOTHUB_OK : hub_store_failed(hub);
}

enum iothub_status hub_identity_delete(struct hub *hub, struct identity id,
                                       struct hub_condition condition)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, id, &record);
    if (status == IOTHUB_OK) {
        status = registry_check_etag(hub, &record, condition);
    }
    return status == IOTHUB_OK ? registry_delete(hub, &record) : status;
}

/* ---- listing ------------------------------------------------------------------------- */

enum iothub_status hub_device_list(struct hub *hub, int64_t top, struct buf *out)
{
    struct store_identity record = {0};
    int found = 0;
    buf_put_char(out, '[');
    for (int64_t n = 0; n < top; n++) {
        found = store_identity_next_device(hub->store, record.seq, &record);
        if (found != 0) {
            break;
        }
        buf_put_text(out, n == 0 ? "" : ",");
        identity_write(hub, &record, out);
    }
    buf_put_char(out, ']');
    return found < 0 ? hub_store_failed(hub) : IOTHUB_OK;
}

enum iothub_status hub_module_list(struct hub *hub, struct slice device_id, struct buf *out)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, identity_of_device(device_id), &record);
    if (status != IOTHUB_OK) {
        return status;
    }
    const char *separator = "";
    int found = 0;
    record.seq = 0;
    buf_put_char(out, '[');
    while ((found = store_identity_next_module(hub->store, device_id, record.seq, &record)) ==
           0) {
        buf_put_text(out, separator);
        identity_write(hub, &record, out);
        separator = ",";
    }
    buf_put_char(out, ']');
    return found < 0 ? hub_store_failed(hub) : IOTHUB_OK;
}
