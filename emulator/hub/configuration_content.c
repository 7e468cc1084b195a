/*
 * Reading content, with everything that can be checked before a twin is there.
 * Source: IoT Hub documentation, "Automatic device and module management"; IoT Edge
 * documentation, "Understand IoT Edge automatic deployments".
 */
#include "hub/configuration_content.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/configuration_merge.h"
#include "hub/twin_check.h"
#include "hub/twin_merge.h"
#include "iothub/identity.h"
#include "iothub/json.h"
#include "iothub/limits.h"

#define DESIRED "properties.desired"

enum {
    KEY_SHOWN = 200, /* of a key that is wrong, in a sentence about it */
};

static const char *const kind_names[CONFIGURATION_N_KINDS] = {
    [CONFIGURATION_DEVICE] = "deviceContent",
    [CONFIGURATION_MODULE] = "moduleContent",
    [CONFIGURATION_EDGE] = "modulesContent",
};

const char *configuration_kind_name(enum configuration_kind kind)
{
    return kind_names[kind];
}

/* ---- life -------------------------------------------------------------------------------- */

static void finish_twin(struct content_twin *twin)
{
    for (size_t i = 0; i < twin->n_entries; i++) {
        struct content_entry *entry = &twin->entries[i];
        for (size_t j = 0; j < entry->n_names; j++) {
            free(entry->names[j]);
        }
        free(entry->names);
        json_decref(entry->value);
    }
    free(twin->entries);
    free(twin->module_id);
}

void configuration_content_finish(struct configuration_content *content)
{
    for (size_t i = 0; i < content->n_twins; i++) {
        finish_twin(&content->twins[i]);
    }
    free(content->twins);
    *content = (struct configuration_content){0};
}

/* ---- reading ----------------------------------------------------------------------------- */

/* "a.b" as its names; false when one of them is empty, or they lead deeper than a twin goes. */
static bool split(struct slice path, struct content_entry *out)
{
    struct slice rest = path;
    struct slice name = {0};
    size_t n = 1;
    for (size_t i = 0; i < path.len; i++) {
        n += path.data[i] == '.' ? 1 : 0;
    }
    if (n > LIMIT_TWIN_DEPTH + 1) {
        return false;
    }
    out->names = mem_array(n, sizeof(*out->names));
    for (size_t i = 0; i < n; i++) {
        bool has_name = slice_next(&rest, '.', &name);
        if (!has_name || name.len == 0) {
            return false;
        }
        out->names[out->n_names++] = slice_dup(name);
    }
    return true;
}

static bool read_path(struct slice key, struct content_entry *out, struct buf *error)
{
    struct slice prefix = SLICE(DESIRED);
    struct slice rest = slice_from(key, prefix.len);
    bool is_path = slice_starts_with(key, prefix) &&
                   (rest.len == 0 || (rest.data[0] == '.' && split(slice_from(rest, 1), out)));
    if (!is_path) {
        buf_putf(
            error,
            "The key '%.*s' is not valid: keys are " DESIRED " or a path below it, at most "
            "%d names deep.",
            key.len < KEY_SHOWN ? (int)key.len : KEY_SHOWN, key.data, LIMIT_TWIN_DEPTH + 1);
    }
    return is_path;
}

static bool read_entry(const char *key, json_t *value, struct content_entry *out,
                       struct buf *error)
{
    if (!read_path(slice_of(key), out, error)) {
        return false;
    }
    if (out->n_names == 0 && !json_is_object(value)) {
        buf_put_text(error, "The value of " DESIRED " is an object.");
        return false;
    }
    out->value = out->n_names == 0 ? twin_plain_patch(value) : json_incref(value);
    return true;
}

static bool check_twin(const struct content_twin *twin, struct buf *error)
{
    json_t *document = configuration_merge_document(twin);
    bool is_valid = twin_check_content(document, error);
    size_t size = twin_size_bytes(document);
    json_decref(document);
    if (is_valid && size > (size_t)LIMIT_DESIRED_BYTES) {
        buf_putf(error, "Twin properties size %zu exceeds maximum %d", size,
                 LIMIT_DESIRED_BYTES);
        return false;
    }
    return is_valid;
}

/* Tools leave the name of a schema among the members; it says nothing to the hub. */
static bool is_remark(const char *key)
{
    return strcmp(key, "$schema") == 0;
}

static bool read_twin(const char *module_id, const json_t *value, struct content_twin *out,
                      struct buf *error)
{
    const char *key = NULL;
    json_t *member = NULL;
    out->module_id = mem_dup_text(module_id);
    if (!json_is_object(value)) {
        buf_putf(error, "The content%s%s is an object.", module_id[0] == '\0' ? "" : " of ",
                 module_id);
        return false;
    }
    out->entries = mem_array(json_object_size(value) + 1, sizeof(*out->entries));
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (is_remark(key)) {
            continue;
        }
        /* Counted first: what is read half is freed with the rest. */
        if (!read_entry(key, member, &out->entries[out->n_entries++], error)) {
            return false;
        }
    }
    return check_twin(out, error);
}

static bool check_module_id(const char *module_id, struct buf *error)
{
    if (identity_is_valid_id(slice_of(module_id))) {
        return true;
    }
    buf_putf(error, "The module id '%.*s' is not valid.", KEY_SHOWN, module_id);
    return false;
}

static bool read_modules(const json_t *value, struct configuration_content *out,
                         struct buf *error)
{
    const char *key = NULL;
    json_t *member = NULL;
    if (!json_is_object(value)) {
        buf_put_text(error, "modulesContent is an object.");
        return false;
    }
    if (json_object_size(value) > LIMIT_DEPLOYMENT_MODULES) {
        buf_putf(error, "A deployment has at most %d modules.", LIMIT_DEPLOYMENT_MODULES);
        return false;
    }
    out->twins = mem_array(json_object_size(value) + 1, sizeof(*out->twins));
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (is_remark(key)) {
            continue;
        }
        if (!check_module_id(key, error) ||
            !read_twin(key, member, &out->twins[out->n_twins++], error)) {
            return false;
        }
    }
    return true;
}

bool configuration_content_read(enum configuration_kind kind, const json_t *value,
                                struct configuration_content *out, struct buf *error)
{
    *out = (struct configuration_content){.kind = kind};
    if (kind == CONFIGURATION_EDGE) {
        return read_modules(value, out, error);
    }
    out->twins = mem_array(1, sizeof(*out->twins));
    out->n_twins = 1;
    return read_twin("", value, &out->twins[0], error);
}

/* ---- asking ------------------------------------------------------------------------------ */

const struct content_twin *configuration_content_of(const struct configuration_content *content,
                                                    struct slice module_id)
{
    for (size_t i = 0; i < content->n_twins; i++) {
        const struct content_twin *twin = &content->twins[i];
        if (content->kind != CONFIGURATION_EDGE ||
            slice_equal_text(module_id, twin->module_id)) {
            return twin;
        }
    }
    return NULL;
}

bool content_twin_is_whole(const struct content_twin *twin)
{
    for (size_t i = 0; i < twin->n_entries; i++) {
        if (twin->entries[i].n_names == 0) {
            return true;
        }
    }
    return false;
}
