/*
 * Scopes of edge devices and their children.
 */
#include "hub/scopes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "iothub/json.h"

#define SCOPE_SCHEME "ms-azure-iot-edge://"

enum {
    /* The documented hierarchy has five layers; this only ends the walk through a ring. */
    LAYERS_MAX = 64,
};

static enum iothub_status invalid(struct hub *hub, const char *what)
{
    return hub_fail(hub, IOTHUB_INVALID_DEVICE_SCOPE, "%s", what);
}

/* A scope of the body, empty when it is absent, null or "". */
static enum iothub_status read_scope(struct hub *hub, const json_t *value, struct slice *out)
{
    struct slice text = json_string_slice(value);
    if (value != NULL && !json_is_string(value) && !json_is_null(value)) {
        return invalid(hub, "A scope is a text.");
    }
    if (text.len >= IDENTITY_SCOPE_SIZE) {
        return invalid(hub, "The scope is too long.");
    }
    *out = text;
    return IOTHUB_OK;
}

/* The first of parentScopes: a device has one parent. */
static enum iothub_status read_parent(struct hub *hub, const json_t *body, struct slice *out)
{
    const json_t *scopes = json_get_nocase(body, "parentScopes");
    if (scopes != NULL && !json_is_null(scopes) && !json_is_array(scopes)) {
        return invalid(hub, "parentScopes is an array.");
    }
    if (json_array_size(scopes) > 1) {
        return invalid(hub, "A device has at most one parent.");
    }
    return read_scope(hub, json_array_get(scopes, 0), out);
}

/* ---- checking ------------------------------------------------------------------------ */

/* The edge device that owns the scope: "ms-azure-iot-edge://{deviceId}-{generation or
 * nothing}". */
static enum iothub_status find_owner(struct hub *hub, struct slice scope,
                                     struct store_identity *out)
{
    size_t begin = sizeof(SCOPE_SCHEME) - 1;
    size_t end = scope.len;
    while (end > begin && scope.data[end - 1] != '-') {
        end--;
    }
    if (!slice_starts_with(scope, SLICE(SCOPE_SCHEME)) || end == begin) {
        return invalid(hub, "The scope is not an edge device's.");
    }
    struct identity id = {.device_id = slice_make(scope.data + begin, end - 1 - begin)};
    int found = store_identity_get(hub->store, id, out);
    if (found < 0) {
        return hub_store_failed(hub);
    }
    return found == 0 && out->is_edge && slice_equal_text(scope, out->device_scope)
               ? IOTHUB_OK
               : invalid(hub, "The scope is not an edge device's.");
}

/* Whether the device may stand below the scope: it belongs to one that is not below the device.
 */
static enum iothub_status check_parent(struct hub *hub, const struct store_identity *record,
                                       struct slice scope)
{
    char next[IDENTITY_SCOPE_SIZE];
    struct store_identity above = {0};
    enum iothub_status status = find_owner(hub, scope, &above);
    for (int layer = 0; status == IOTHUB_OK && layer < LAYERS_MAX; layer++) {
        if (strcmp(above.device_id, record->device_id) == 0) {
            return invalid(hub, "A device cannot be its own ancestor.");
        }
        if (above.parent_scope[0] == '\0') {
            return IOTHUB_OK;
        }
        memcpy(next, above.parent_scope, sizeof(next));
        enum iothub_status found = find_owner(hub, slice_of(next), &above);
        if (found == IOTHUB_INVALID_DEVICE_SCOPE) {
            return IOTHUB_OK; /* a scope whose device is gone: the walk ends there */
        }
        status = found;
    }
    return status != IOTHUB_OK ? status : invalid(hub, "Devices are their own ancestors.");
}

/* What a device has already may stay, even when its parent is gone. */
static enum iothub_status check_change(struct hub *hub, enum scope_check check,
                                       const struct store_identity *was,
                                       const struct store_identity *record, struct slice scope)
{
    bool is_kept = was != NULL && slice_equal_text(scope, was->parent_scope);
    if (scope.len == 0 || is_kept || check == SCOPES_TAKEN) {
        return IOTHUB_OK;
    }
    return check_parent(hub, record, scope);
}

/* ---- the three kinds of change ------------------------------------------------------- */

static void set_scope(char out[IDENTITY_SCOPE_SIZE], struct slice scope)
{
    memcpy(out, scope.len == 0 ? "" : scope.data, scope.len);
    out[scope.len] = '\0';
}

/* A leaf's own scope is its parent's; parentScopes alone change nothing, as seen at the hub. */
static enum iothub_status read_leaf(struct hub *hub, const json_t *body, enum scope_check check,
                                    const struct store_identity *was,
                                    struct store_identity *record)
{
    struct slice scope = {0};
    if (was != NULL && was->is_edge) {
        /* Seen at the hub: the write that ends an edge device's life as one ends its childhood.
         */
        set_scope(record->device_scope, scope);
        set_scope(record->parent_scope, scope);
        return IOTHUB_OK;
    }
    enum iothub_status status = read_scope(hub, json_get_nocase(body, "deviceScope"), &scope);
    if (status == IOTHUB_OK) {
        status = check_change(hub, check, was, record, scope);
    }
    if (status == IOTHUB_OK) {
        set_scope(record->device_scope, scope);
        set_scope(record->parent_scope, scope);
    }
    return status;
}

static void make_own_scope(const struct store_identity *was, struct store_identity *record)
{
    char *out = record->device_scope;
    if (was == NULL) {
        snprintf(out, IDENTITY_SCOPE_SIZE, SCOPE_SCHEME "%s-%" PRId64, record->device_id,
                 record->generation);
    } else {
        /* Recorded: a scope that is made later has no generation. */
        snprintf(out, IDENTITY_SCOPE_SIZE, SCOPE_SCHEME "%s-", record->device_id);
    }
}

/* An edge device's own scope never changes; a body must show that it knows it. */
static enum iothub_status check_own_scope(struct hub *hub, enum scope_check check,
                                          const struct store_identity *was, struct slice given)
{
    if (was == NULL || check == SCOPES_TAKEN) {
        return IOTHUB_OK; /* a new device's is the hub's to make, whatever is given */
    }
    if (!was->is_edge) {
        return given.len == 0
                   ? IOTHUB_OK
                   : invalid(hub, "A device that becomes an edge device has no scope to give.");
    }
    return slice_equal_text(given, was->device_scope)
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "Device scope is immutable");
}

static enum iothub_status read_edge(struct hub *hub, const json_t *body, enum scope_check check,
                                    const struct store_identity *was,
                                    struct store_identity *record)
{
    struct slice own = {0};
    struct slice parent = {0};
    enum iothub_status status = read_scope(hub, json_get_nocase(body, "deviceScope"), &own);
    if (status == IOTHUB_OK) {
        status = check_own_scope(hub, check, was, own);
    }
    if (status == IOTHUB_OK) {
        status = read_parent(hub, body, &parent);
    }
    if (status == IOTHUB_OK) {
        status = check_change(hub, check, was, record, parent);
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    if (was == NULL || !was->is_edge) {
        make_own_scope(was, record);
    }
    set_scope(record->parent_scope, parent);
    return IOTHUB_OK;
}

enum iothub_status scopes_read(struct hub *hub, const json_t *body, enum scope_check check,
                               const struct store_identity *was, struct store_identity *record)
{
    if (record->module_id[0] != '\0') {
        return IOTHUB_OK;
    }
    return record->is_edge ? read_edge(hub, body, check, was, record)
                           : read_leaf(hub, body, check, was, record);
}
