/*
 * The identity registry: create, read, change, delete and list devices and modules.
 * Source: IoT Hub documentation, "Understand the identity registry"; IoT Hub REST, devices and modules.
 */
#include <inttypes.h>
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

enum iothub_status hub_identity_get(struct hub *hub, struct identity id, struct hub_document *out)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, id, &record);
    if (status == IOTHUB_OK) {
        answer(hub, &record, out);
    }
    return status;
}

static enum iothub_status check_etag(struct hub *hub, const struct store_identity *record,
                                     struct hub_condition condition)
{
    char etag[HUB_ETAG_SIZE];
    etag_of_identity(etag, record->etag);
    if (condition.match == HUB_MATCH_ETAG && !slice_equal_text(condition.etag, etag)) {
        return hub_fail(hub, IOTHUB_PRECONDITION_FAILED, "PreconditionFailed");
    }
    return IOTHUB_OK;
}

/* ---- creating ----------------------------------------------------------------------------- */

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

static enum iothub_status insert_record(struct hub *hub, struct store_identity *record)
{
    record->generation = hub_ticks(hub->now.at_ms);
    record->etag = (int64_t)(random_u64() % ETAG_START_RANGE) + 1;
    record->status_updated_ms = ISO8601_NEVER_MS;
    record->connection_updated_ms = ISO8601_NEVER_MS;
    record->last_activity_ms = ISO8601_NEVER_MS;
    if (record->is_edge) {
        snprintf(record->device_scope, sizeof(record->device_scope),
                 "ms-azure-iot-edge://%s-%" PRId64, record->device_id, record->generation);
    }
    if (store_identity_insert(hub->store, record) != 0) {
        return hub_store_failed(hub);
    }
    return insert_twin(hub, record);
}

/* What every edge device has from the start. */
static enum iothub_status insert_system_module(struct hub *hub, const char *device_id,
                                               const char *module_id)
{
    struct store_identity module = {.is_enabled = true, .auth = AUTH_NONE, .has_managed_by = true};
    snprintf(module.device_id, sizeof(module.device_id), "%s", device_id);
    snprintf(module.module_id, sizeof(module.module_id), "%s", module_id);
    snprintf(module.managed_by, sizeof(module.managed_by), "iotEdge");
    return insert_record(hub, &module);
}

static enum iothub_status insert_with_modules(struct hub *hub, void *ctx)
{
    struct store_identity *record = ctx;
    enum iothub_status status = insert_record(hub, record);
    if (status == IOTHUB_OK && record->is_edge) {
        status = insert_system_module(hub, record->device_id, "$edgeAgent");
    }
    if (status == IOTHUB_OK && record->is_edge) {
        status = insert_system_module(hub, record->device_id, "$edgeHub");
    }
    return status;
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

static enum iothub_status create(struct hub *hub, struct identity id, const json_t *body,
                                 struct store_identity *record)
{
    enum iothub_status status = check_new_id(hub, id);
    if (status != IOTHUB_OK) {
        return status;
    }
    *record = (struct store_identity){0};
    set_ids(record, id);
    status = identity_read(hub, body, record);
    return status != IOTHUB_OK ? status : hub_all_or_nothing(hub, insert_with_modules, record);
}

/* ---- changing ----------------------------------------------------------------------------- */

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
    }
}

static enum iothub_status update(struct hub *hub, const json_t *body,
                                 struct store_identity *record)
{
    struct store_identity was = *record;
    enum iothub_status status = identity_read(hub, body, record);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (record->is_enabled != was.is_enabled) {
        record->status_updated_ms = hub->now.at_ms;
    }
    record->etag++;
    if (store_identity_update(hub->store, record) != 0) {
        return hub_store_failed(hub);
    }
    close_if_revoked(hub, &was, record);
    return IOTHUB_OK;
}

static enum iothub_status already_exists(struct hub *hub, struct identity id)
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
    return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "The %s in the body differs from the address.",
                    name);
}

enum iothub_status hub_identity_put(struct hub *hub, struct identity id, const json_t *body,
                                    struct hub_condition condition, struct hub_document *out)
{
    struct store_identity record;
    enum iothub_status status = check_body_id(hub, body, "deviceId", id.device_id);
    if (status == IOTHUB_OK && identity_is_module(id)) {
        status = check_body_id(hub, body, "moduleId", id.module_id);
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    enum iothub_status found = hub_find_identity(hub, id, &record);
    bool is_new = found == (identity_is_module(id) ? IOTHUB_MODULE_NOT_FOUND
                                                   : IOTHUB_DEVICE_NOT_FOUND);
    if (found != IOTHUB_OK && !(is_new && condition.match == HUB_MATCH_NONE)) {
        return found;
    }
    if (is_new) {
        status = create(hub, id, body, &record);
    } else if (condition.match == HUB_MATCH_NONE) {
        status = already_exists(hub, id);
    } else {
        status = check_etag(hub, &record, condition);
        status = status == IOTHUB_OK ? update(hub, body, &record) : status;
    }
    if (status == IOTHUB_OK) {
        answer(hub, &record, out);
    }
    return status;
}

enum iothub_status hub_identity_delete(struct hub *hub, struct identity id,
                                       struct hub_condition condition)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, id, &record);
    if (status == IOTHUB_OK) {
        status = check_etag(hub, &record, condition);
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    hub_close_peer(hub, id, IOTHUB_DEVICE_NOT_FOUND);
    struct store_identity module = {0};
    while (!identity_is_module(id) && store_identity_next_module(hub->store, id.device_id,
                                                                 module.seq, &module) == 0) {
        hub_close_peer(hub, store_identity_id(&module), IOTHUB_DEVICE_NOT_FOUND);
    }
    return store_identity_delete(hub->store, &record) == 0 ? IOTHUB_OK : hub_store_failed(hub);
}

/* ---- listing ------------------------------------------------------------------------------ */

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
