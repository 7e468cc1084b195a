/*
 * Merging, with the stamps that go with it.
 */
#include "hub/twin_merge.h"

#include <stdbool.h>
#include <string.h>

#define LAST_UPDATED         "$lastUpdated"
#define LAST_UPDATED_VERSION "$lastUpdatedVersion"

/* Clients send whole twins back: the hub's own members in them are no properties. */
static bool is_own_member(const char *key)
{
    return strcmp(key, "$metadata") == 0 || strcmp(key, "$version") == 0;
}

static void put_stamp(json_t *metadata, struct twin_stamp stamp)
{
    if (metadata == NULL) {
        return;
    }
    json_object_set_new(metadata, LAST_UPDATED, json_string(stamp.updated));
    if (stamp.version != 0) {
        json_object_set_new(metadata, LAST_UPDATED_VERSION, json_integer(stamp.version));
    }
}

/* The metadata of a member, made when there is none. */
static json_t *child_metadata(json_t *metadata, const char *key)
{
    json_t *child = json_object_get(metadata, key);
    if (metadata != NULL && child == NULL) {
        child = json_object();
        json_object_set_new(metadata, key, child);
    }
    return child;
}

static void remove_member(json_t *object, json_t *metadata, const char *key)
{
    json_object_del(object, key);
    if (metadata != NULL) {
        json_object_del(metadata, key);
    }
}

static void merge_member(json_t *object, json_t *metadata, const char *key, json_t *value,
                         struct twin_stamp stamp);

static void merge_members(json_t *object, json_t *metadata, const json_t *patch,
                          struct twin_stamp stamp)
{
    const char *key = NULL;
    json_t *value = NULL;
    put_stamp(metadata, stamp);
    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        merge_member(object, metadata, key, value, stamp);
    }
}

static void merge_member(json_t *object, json_t *metadata, const char *key, json_t *value,
                         struct twin_stamp stamp)
{
    json_t *current = json_object_get(object, key);
    if (json_is_null(value)) {
        remove_member(object, metadata, key);
        return;
    }
    if (json_is_object(value) && json_is_object(current)) {
        merge_members(current, child_metadata(metadata, key), value, stamp);
        return;
    }
    /* What comes in the place of something else has metadata of its own. */
    if (current != NULL && metadata != NULL) {
        json_object_set_new(metadata, key, json_object());
    }
    if (json_is_object(value)) {
        json_t *fresh = json_object();
        json_object_set_new(object, key, fresh);
        merge_members(fresh, child_metadata(metadata, key), value, stamp);
        return;
    }
    json_object_set_new(object, key, json_deep_copy(value));
    put_stamp(child_metadata(metadata, key), stamp);
}

void twin_merge(json_t *section, json_t *metadata, const json_t *patch, struct twin_stamp stamp)
{
    const char *key = NULL;
    json_t *value = NULL;
    put_stamp(metadata, stamp);
    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        if (!is_own_member(key)) {
            merge_member(section, metadata, key, value, stamp);
        }
    }
}

json_t *twin_plain_patch(const json_t *patch)
{
    json_t *plain = json_object();
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        if (!is_own_member(key)) {
            json_object_set(plain, key, value);
        }
    }
    return plain;
}

/* Members of `section` that `wanted` lacks become null in `patch`, which begins as a copy of
 * wanted. */
static void add_removals(json_t *patch, const json_t *section)
{
    const char *key = NULL;
    json_t *old = NULL;
    json_object_foreach((json_t *)(uintptr_t)section, key, old)
    {
        json_t *member = json_object_get(patch, key);
        if (member == NULL) {
            json_object_set_new(patch, key, json_null());
        } else if (json_is_object(old) && json_is_object(member)) {
            add_removals(member, old);
        }
    }
}

json_t *twin_replacement(const json_t *section, const json_t *wanted)
{
    json_t *plain = twin_plain_patch(wanted);
    json_t *patch = json_deep_copy(plain);
    json_decref(plain);
    add_removals(patch, section);
    return patch;
}
