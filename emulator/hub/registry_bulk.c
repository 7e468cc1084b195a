/*
 * Many identities in one request.
 *
 * Items are done in their order and each for itself; what cannot be done becomes a row of
 * "errors". A device whose first twin is refused stays, with a row of "warnings".  Scopes are
 * taken as they are given. Source: IoT Hub REST, "Bulk Registry - Update Registry"; IoT Hub
 * documentation, "Import and export IoT Hub device identities in bulk", import modes; recorded
 * answers in azure-sdk-for-net.
 */
#include <string.h>

#include "hub/registry.h"
#include "iothub/json.h"
#include "iothub/limits.h"

enum bulk_work {
    BULK_WRITE,
    BULK_DELETE,
    BULK_TWIN,
};

struct import_mode {
    const char *name;
    enum bulk_work work;
    bool may_create;
    bool may_update;
    bool heeds_etag;
};

static const struct import_mode modes[] = {
    {"createOrUpdate",            BULK_WRITE,  true,  true,  false}, /* when none is given */
    {"create",                    BULK_WRITE,  true,  false, false},
    {"update",                    BULK_WRITE,  false, true,  false},
    {"updateIfMatchETag",         BULK_WRITE,  false, true,  true },
    {"createOrUpdateIfMatchETag", BULK_WRITE,  true,  true,  true },
    {"delete",                    BULK_DELETE, false, false, false},
    {"deleteIfMatchETag",         BULK_DELETE, false, false, true },
    {"updateTwin",                BULK_TWIN,   false, true,  false},
    {"updateTwinIfMatchETag",     BULK_TWIN,   false, true,  true },
};

struct bulk_item {
    const json_t *json;
    struct identity id;
    const struct import_mode *mode; /* NULL while it is not known */
    struct hub_condition condition;
    struct hub_condition twin_condition;
    bool was_created;
};

struct bulk {
    struct hub *hub;
    uint64_t id_hashes[LIMIT_BULK_ITEMS]; /* of the items so far */
    struct buf errors;
    struct buf warnings;
    struct hub_bulk_counts counts;
};

/* ---- the answer's rows --------------------------------------------------------------- */

static void put_row_begin(struct buf *out, const char *id_name, struct identity id)
{
    buf_put_text(out, out->len == 0 ? "{" : ",{");
    json_put_string(out, slice_of(id_name));
    buf_put_char(out, ':');
    json_put_string(out, id.device_id);
    if (identity_is_module(id)) {
        buf_put_text(out, ",\"moduleId\":");
        json_put_string(out, id.module_id);
    }
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    buf_putf(out, ",\"%s\":", name);
    json_put_string(out, slice_of(text));
}

/* Codes go by name: the C# SDK takes numbers too, the other SDKs hand on what comes. */
static void put_error(struct bulk *bulk, const char *id_name, struct identity id,
                      enum iothub_status status)
{
    put_row_begin(&bulk->errors, id_name, id);
    put_text(&bulk->errors, "errorCode", iothub_status_name(status));
    put_text(&bulk->errors, "errorStatus", hub_error_text(bulk->hub));
}

static void put_item_error(struct bulk *bulk, const struct bulk_item *item,
                           enum iothub_status status)
{
    put_error(bulk, "deviceId", item->id, status);
    if (item->mode != NULL) {
        put_text(&bulk->errors, "operation", item->mode->name);
    }
    buf_put_char(&bulk->errors, '}');
    bulk->counts.n_failed++;
}

static void put_warning(struct bulk *bulk, const struct bulk_item *item)
{
    put_row_begin(&bulk->warnings, "deviceId", item->id);
    put_text(&bulk->warnings, "warningCode", "DeviceRegisteredWithoutTwin");
    put_text(&bulk->warnings, "warningStatus", hub_error_text(bulk->hub));
    buf_put_char(&bulk->warnings, '}');
}

static void finish(struct bulk *bulk)
{
    buf_finish(&bulk->errors);
    buf_finish(&bulk->warnings);
}

/* ---- reading ------------------------------------------------------------------------- */

/* "*" and an etag with or without quotes; absent, null and "" are no condition. */
static struct hub_condition read_condition(const json_t *item, const char *name)
{
    struct slice text = json_string_slice(json_get_nocase(item, name));
    struct hub_condition condition = {.is_quoted = true};
    if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"') {
        text = slice_make(text.data + 1, text.len - 2);
    }
    if (text.len != 0) {
        condition.match = slice_equal(text, SLICE("*")) ? HUB_MATCH_ANY : HUB_MATCH_ETAG;
        condition.etag = text;
    }
    return condition;
}

static const struct import_mode *find_mode(const json_t *item)
{
    const json_t *value = json_get_nocase(item, "importMode");
    if (value == NULL || json_is_null(value)) {
        return &modes[0];
    }
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (slice_equal_nocase(json_string_slice(value), slice_of(modes[i].name))) {
            return &modes[i];
        }
    }
    return NULL;
}

static struct identity read_id(const json_t *item)
{
    return (struct identity){json_string_slice(json_get_nocase(item, "id")),
                             json_string_slice(json_get_nocase(item, "moduleId"))};
}

/* Whether an earlier item has the same id. */
static bool is_repeated(struct bulk *bulk, const json_t *items, size_t at, struct identity id)
{
    uint64_t hash = slice_hash(id.device_id) * 31 + slice_hash(id.module_id);
    bulk->id_hashes[at] = hash;
    for (size_t i = 0; i < at; i++) {
        if (bulk->id_hashes[i] == hash &&
            identity_equal(read_id(json_array_get(items, i)), id)) {
            return true;
        }
    }
    return false;
}

static enum iothub_status check_id(struct bulk *bulk, const json_t *items, size_t at,
                                   struct identity id)
{
    bool has_appeared = is_repeated(bulk, items, at, id);
    if (id.device_id.len == 0) {
        return hub_fail(bulk->hub, IOTHUB_ARGUMENT_NULL, "The item's id is missing.");
    }
    return has_appeared ? hub_fail(bulk->hub, IOTHUB_DEVICE_DEFINED_MULTIPLE_TIMES,
                                   "An earlier item of the request has the same id.")
                        : IOTHUB_OK;
}

static enum iothub_status read_item(struct bulk *bulk, const json_t *items, size_t at,
                                    struct bulk_item *out)
{
    struct hub *hub = bulk->hub;
    const json_t *json = json_array_get(items, at);
    *out = (struct bulk_item){.json = json, .id = read_id(json), .mode = find_mode(json)};
    /* An id that is no object's is empty, and known as such. */
    enum iothub_status status = check_id(bulk, items, at, out->id);
    if (!json_is_object(json)) {
        return hub_fail(hub, IOTHUB_FORMAT_ERROR, "An item is a JSON object.");
    }
    if (status == IOTHUB_OK && out->mode == NULL) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "The importMode is not known.");
    }
    if (status == IOTHUB_OK && out->mode->heeds_etag) {
        out->condition = read_condition(json, "eTag");
    }
    out->twin_condition = read_condition(json, "twinETag");
    return status;
}

/* What an array of items may be as a whole. */
static enum iothub_status check_items(struct hub *hub, const json_t *items)
{
    if (!json_is_array(items)) {
        return hub_fail(hub, IOTHUB_FORMAT_ERROR, "The items are a JSON array.");
    }
    size_t n = json_array_size(items);
    return n >= 1 && n <= LIMIT_BULK_ITEMS
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "A request has 1 to %d items.",
                          LIMIT_BULK_ITEMS);
}

/* ---- twins of items ------------------------------------------------------------------ */

/* A member that is absent or null says nothing: the C# SDK writes null for what it leaves
 * alone. */
static void take_member(json_t *out, const char *name, json_t *value)
{
    if (value != NULL && !json_is_null(value)) {
        json_object_set(out, name, value);
    }
}

/* What an item says of its twin, a new reference.  Reported properties are the device's own. */
static json_t *twin_of(const json_t *item)
{
    json_t *twin = json_object();
    json_t *properties = json_object();
    json_t *given = json_get_nocase(item, "properties");
    take_member(twin, "tags", json_get_nocase(item, "tags"));
    take_member(properties, "desired", json_get_nocase(given, "desired"));
    if (json_object_size(properties) != 0) {
        json_object_set(twin, "properties", properties);
    }
    json_decref(properties);
    return twin;
}

static enum iothub_status write_twin(struct bulk *bulk, const struct bulk_item *item)
{
    json_t *twin = twin_of(item->json);
    enum iothub_status status = IOTHUB_OK;
    if (json_object_size(twin) != 0 && item->was_created) {
        status = hub_twin_begin(bulk->hub, item->id, twin);
    } else if (json_object_size(twin) != 0) {
        status = hub_twin_update(bulk->hub, item->id, twin, false, item->twin_condition, NULL);
    }
    json_decref(twin);
    return status;
}

/* As write_twin(), of an identity that has just been written. */
static enum iothub_status add_twin(struct bulk *bulk, const struct bulk_item *item)
{
    enum iothub_status status = write_twin(bulk, item);
    if (status == IOTHUB_OK || status == IOTHUB_SERVER_ERROR || !item->was_created) {
        return status;
    }
    put_warning(bulk, item);
    return IOTHUB_OK;
}

static enum iothub_status update_twin(struct bulk *bulk, struct bulk_item *item)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(bulk->hub, item->id, &record);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (!item->mode->heeds_etag) {
        item->twin_condition = (struct hub_condition){0};
    }
    return write_twin(bulk, item);
}

/* ---- identities of items ------------------------------------------------------------- */

static enum iothub_status write_identity(struct bulk *bulk, struct bulk_item *item)
{
    struct hub *hub = bulk->hub;
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, item->id, &record);
    bool is_new = status == (identity_is_module(item->id) ? IOTHUB_MODULE_NOT_FOUND
                                                          : IOTHUB_DEVICE_NOT_FOUND);
    if (is_new && item->mode->may_create) {
        status = registry_create(hub, item->id, item->json, SCOPES_TAKEN, &record);
        item->was_created = true;
    } else if (status == IOTHUB_OK && !item->mode->may_update) {
        status = registry_already_exists(hub, item->id);
    } else if (status == IOTHUB_OK) {
        status = registry_check_etag(hub, &record, item->condition);
        status = status == IOTHUB_OK ? registry_update(hub, item->json, SCOPES_TAKEN, &record)
                                     : status;
    }
    return status == IOTHUB_OK ? add_twin(bulk, item) : status;
}

static enum iothub_status delete_identity(struct bulk *bulk, const struct bulk_item *item)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(bulk->hub, item->id, &record);
    if (status == IOTHUB_OK) {
        status = registry_check_etag(bulk->hub, &record, item->condition);
    }
    return status == IOTHUB_OK ? registry_delete(bulk->hub, &record) : status;
}

static enum iothub_status do_item(struct bulk *bulk, struct bulk_item *item)
{
    switch (item->mode->work) {
    case BULK_WRITE:
        return write_identity(bulk, item);
    case BULK_DELETE:
        return delete_identity(bulk, item);
    case BULK_TWIN:
        return update_twin(bulk, item);
    }
    return IOTHUB_OK;
}

enum iothub_status hub_registry_bulk(struct hub *hub, const json_t *items, struct buf *out,
                                     bool *out_is_successful)
{
    struct bulk bulk = {
        .hub = hub, .errors = {.cap = BUF_CAP_OWN}, .warnings = {.cap = BUF_CAP_OWN}};
    enum iothub_status status = check_items(hub, items);
    for (size_t i = 0; status == IOTHUB_OK && i < json_array_size(items); i++) {
        struct bulk_item item;
        enum iothub_status done = read_item(&bulk, items, i, &item);
        done = done == IOTHUB_OK ? do_item(&bulk, &item) : done;
        if (done != IOTHUB_OK) {
            put_item_error(&bulk, &item, done);
        }
        /* A broken store is no item's fault. */
        status = done == IOTHUB_SERVER_ERROR ? done : IOTHUB_OK;
    }
    if (status == IOTHUB_OK) {
        *out_is_successful = bulk.counts.n_failed == 0;
        buf_putf(out, "{\"isSuccessful\":%s,\"errors\":[",
                 *out_is_successful ? "true" : "false");
        buf_put_slice(out, buf_slice(&bulk.errors));
        buf_put_text(out, "],\"warnings\":[");
        buf_put_slice(out, buf_slice(&bulk.warnings));
        buf_put_text(out, "]}");
    }
    finish(&bulk);
    return status;
}

/* ---- new keys ------------------------------------------------------------------------ */

struct key_choice {
    const char *name;
    bool is_primary;
    bool is_secondary;
};

static const struct key_choice key_choices[] = {
    {"primaryKey",   true,  false},
    {"secondaryKey", false, true },
    {"both",         true,  true },
};

static const struct key_choice *find_choice(const json_t *body)
{
    struct slice name = json_string_slice(json_get_nocase(body, "policyKey"));
    for (size_t i = 0; i < ARRAY_LEN(key_choices); i++) {
        if (slice_equal_nocase(name, slice_of(key_choices[i].name))) {
            return &key_choices[i];
        }
    }
    return NULL;
}

static void put_keys(struct buf *out, const struct store_identity *record)
{
    put_row_begin(out, "id", store_identity_id(record));
    put_text(out, "primaryKey", record->primary_key);
    put_text(out, "secondaryKey", record->secondary_key);
    buf_put_char(out, '}');
}

static enum iothub_status regenerate(struct bulk *bulk, const json_t *items, size_t at,
                                     const struct key_choice *choice, struct buf *rotated)
{
    struct hub *hub = bulk->hub;
    struct store_identity record;
    struct identity id = read_id(json_array_get(items, at));
    enum iothub_status status = check_id(bulk, items, at, id);
    if (status == IOTHUB_OK) {
        status = hub_find_identity(hub, id, &record);
    }
    if (status == IOTHUB_OK) {
        status = registry_new_keys(hub, choice->is_primary, choice->is_secondary, &record);
    }
    if (status != IOTHUB_OK) {
        put_error(bulk, "id", id, status);
        buf_put_char(&bulk->errors, '}');
        bulk->counts.n_failed++;
        return status;
    }
    put_keys(rotated, &record);
    bulk->counts.n_done++;
    return IOTHUB_OK;
}

static enum iothub_status regenerate_all(struct bulk *bulk, const json_t *items,
                                         const struct key_choice *choice, struct buf *out)
{
    struct buf rotated = {.cap = BUF_CAP_OWN};
    enum iothub_status status = check_items(bulk->hub, items);
    for (size_t i = 0; status == IOTHUB_OK && i < json_array_size(items); i++) {
        enum iothub_status done = regenerate(bulk, items, i, choice, &rotated);
        status = done == IOTHUB_SERVER_ERROR ? done : IOTHUB_OK;
    }
    if (status == IOTHUB_OK) {
        buf_putf(out, "{\"policyKey\":\"%s\",\"rotatedKeys\":[", choice->name);
        buf_put_slice(out, buf_slice(&rotated));
        buf_put_text(out, "],\"errors\":[");
        buf_put_slice(out, buf_slice(&bulk->errors));
        buf_put_text(out, "]}");
    }
    buf_finish(&rotated);
    return status;
}

enum iothub_status hub_keys_regenerate(struct hub *hub, const json_t *body, struct buf *out,
                                       struct hub_bulk_counts *out_counts)
{
    struct bulk bulk = {
        .hub = hub, .errors = {.cap = BUF_CAP_OWN}, .warnings = {.cap = BUF_CAP_OWN}};
    const struct key_choice *choice = find_choice(body);
    if (choice == NULL) {
        return hub_fail(hub, IOTHUB_INVALID_POLICY_KEY,
                        "The policyKey is primaryKey, secondaryKey or both.");
    }
    enum iothub_status status =
        regenerate_all(&bulk, json_get_nocase(body, "devices"), choice, out);
    if (status == IOTHUB_OK) {
        *out_counts = bulk.counts;
    }
    finish(&bulk);
    return status;
}
