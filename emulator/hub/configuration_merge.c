/*
 * Documents of several configurations, and the way from one to the next.
 */
#include "hub/configuration_merge.h"

/* Names of paths are never empty, so this key is free for a mark. */
#define OWNER ""

/* ---- putting together -------------------------------------------------------------------- */

static json_t *child_object(json_t *object, const char *name)
{
    json_t *child = json_object_get(object, name);
    if (!json_is_object(child)) {
        child = json_object();
        json_object_set_new(object, name, child);
    }
    return child;
}

/* Values are copied: what comes later may be put inside of them. */
static void put_entry(json_t *document, const struct content_entry *entry)
{
    json_t *value = json_deep_copy(entry->value);
    json_t *at = document;
    if (entry->n_names == 0) {
        json_object_clear(document);
        json_object_update(document, value);
        json_decref(value);
        return;
    }
    for (size_t i = 0; i + 1 < entry->n_names; i++) {
        at = child_object(at, entry->names[i]);
    }
    json_object_set_new(at, entry->names[entry->n_names - 1], value);
}

void configuration_merge_put(json_t *document, const struct content_twin *twin)
{
    for (size_t i = 0; i < twin->n_entries; i++) {
        put_entry(document, &twin->entries[i]);
    }
}

json_t *configuration_merge_document(const struct content_twin *twin)
{
    json_t *document = json_object();
    configuration_merge_put(document, twin);
    return document;
}

/* ---- who has its way --------------------------------------------------------------------- */

static bool is_taken(const json_t *place, int64_t owner)
{
    const json_t *mark = json_object_get(place, OWNER);
    return mark != NULL && json_integer_value(mark) != owner;
}

static bool claim_path(json_t *claims, const struct content_entry *entry, int64_t owner)
{
    json_t *place = claims;
    for (size_t i = 0; i < entry->n_names && !is_taken(place, owner); i++) {
        place = child_object(place, entry->names[i]);
    }
    if (is_taken(place, owner)) {
        return false;
    }
    json_object_set_new(place, OWNER, json_integer(owner));
    return true;
}

bool configuration_merge_claim(json_t *claims, const struct content_twin *twin, int64_t owner)
{
    bool has_any = twin->n_entries == 0;
    for (size_t i = 0; i < twin->n_entries; i++) {
        has_any |= claim_path(claims, &twin->entries[i], owner);
    }
    return has_any;
}

/* ---- the way there ----------------------------------------------------------------------- */

static json_t *removal(const json_t *current, const json_t *was);

/* Whether something of `current` stays when what takes `was` out of it goes into the patch. */
static bool add_removal(json_t *patch, const char *key, const json_t *current,
                        const json_t *was)
{
    json_t *inner = removal(current, was);
    bool has_rest = !json_is_null(inner);
    if (!has_rest || json_object_size(inner) != 0) {
        json_object_set(patch, key, inner);
    }
    json_decref(inner);
    return has_rest;
}

/*
 * What takes `was` out of `current`: null when nothing would be left of it, else a patch that
 * leaves what others put beside it.  A new reference.
 */
static json_t *removal(const json_t *current, const json_t *was)
{
    const char *key = NULL;
    json_t *member = NULL;
    bool has_rest = false;
    if (!json_is_object(current) || !json_is_object(was)) {
        return json_null();
    }
    json_t *patch = json_object();
    json_object_foreach((json_t *)(uintptr_t)current, key, member)
    {
        const json_t *old = json_object_get(was, key);
        /* A null was no property: what stands there now is somebody else's. */
        bool is_other = old == NULL || json_is_null(old);
        has_rest |= is_other || add_removal(patch, key, member, old);
    }
    if (has_rest) {
        return patch;
    }
    json_decref(patch);
    return json_null();
}

static void add_change(json_t *patch, const char *key, const json_t *current, const json_t *was,
                       json_t *wanted)
{
    if (json_is_null(wanted)) {
        if (current != NULL) {
            json_object_set_new(patch, key, json_null());
        }
    } else if (json_is_object(wanted) && json_is_object(current)) {
        json_t *inner = configuration_merge_patch(current, was, wanted);
        if (json_object_size(inner) != 0) {
            json_object_set(patch, key, inner);
        }
        json_decref(inner);
    } else if (!json_equal(current, wanted)) {
        json_object_set(patch, key, wanted);
    }
}

json_t *configuration_merge_patch(const json_t *current, const json_t *was,
                                  const json_t *wanted)
{
    const char *key = NULL;
    json_t *member = NULL;
    json_t *patch = json_object();
    json_object_foreach((json_t *)(uintptr_t)wanted, key, member)
    {
        add_change(patch, key, json_object_get(current, key), json_object_get(was, key),
                   member);
    }
    json_object_foreach((json_t *)(uintptr_t)was, key, member)
    {
        const json_t *there = json_object_get(current, key);
        if (json_object_get(wanted, key) == NULL && there != NULL && !json_is_null(member)) {
            (void)add_removal(patch, key, there, member);
        }
    }
    return patch;
}
