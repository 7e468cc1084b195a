/*
 * Digital twins: the same twin by properties and components.
 *
 * A document is put together from reported and desired properties.  A component is an object
 * with the mark {"__t":"c"}, an acknowledged property one with "value", "ac" and "av".  A JSON
 * Patch becomes a patch of desired properties, so that devices, limits and versions are those
 * of twins. Source: IoT Plug and Play documentation, "Conventions" and "Manage digital twins".
 */
#include <string.h>

#include "hub/core.h"
#include "hub/etag.h"
#include "hub/twin_merge.h"
#include "iothub/json.h"

#define COMPONENT_MARK  "__t"
#define COMPONENT_VALUE "c"

enum {
    NAME_CHARS_MAX = 64,
    VALUE_DEPTH_MAX = 5,
    PATH_NAMES_MAX = 2, /* "/property" or "/component/property" */
};

/* A part of a twin; both NULL when it has no such part. */
struct section {
    json_t *content;
    json_t *metadata;
};

struct sections {
    struct section desired;
    struct section reported;
};

static enum iothub_status load(struct hub *hub, struct slice device_id,
                               struct store_identity *identity, struct store_twin *twin)
{
    enum iothub_status status = hub_find_identity(hub, identity_of_device(device_id), identity);
    if (status != IOTHUB_OK) {
        return status;
    }
    return store_twin_get(hub->store, identity->seq, twin) == 0 ? IOTHUB_OK
                                                                : hub_store_failed(hub);
}

static struct sections open_sections(const struct store_twin *twin)
{
    return (struct sections){
        .desired = {json_parse(twin->desired,  NULL), json_parse(twin->desired_metadata, NULL)},
        .reported = {json_parse(twin->reported, NULL),
                    json_parse(twin->reported_metadata,                                  NULL)},
    };
}

static void close_sections(struct sections *sections)
{
    json_decref(sections->desired.content);
    json_decref(sections->desired.metadata);
    json_decref(sections->reported.content);
    json_decref(sections->reported.metadata);
}

static struct section below(struct section section, const char *name)
{
    return (struct section){json_object_get(section.content, name),
                            json_object_get(section.metadata, name)};
}

static bool is_component(const json_t *value)
{
    return slice_equal(json_string_slice(json_object_get(value, COMPONENT_MARK)),
                       SLICE(COMPONENT_VALUE));
}

/* ---- the document -------------------------------------------------------------------- */

/* What a device reports of a property that the service may write. */
static bool is_acknowledgement(const json_t *reported)
{
    return json_object_get(reported, "value") != NULL &&
           json_is_integer(json_object_get(reported, "ac")) &&
           json_is_integer(json_object_get(reported, "av"));
}

static void copy_member(json_t *out, const char *name, const json_t *from,
                        const char *from_name)
{
    json_t *value = json_object_get(from, from_name);
    if (value != NULL) {
        json_object_set(out, name, value);
    }
}

static void put_property(json_t *out, json_t *out_metadata, const char *name,
                         struct sections sides)
{
    json_t *metadata = json_object();
    json_t *reported = sides.reported.content;
    if (sides.desired.content != NULL) {
        json_object_set(metadata, "desiredValue", sides.desired.content);
        copy_member(metadata, "desiredVersion", sides.desired.metadata, "$lastUpdatedVersion");
    }
    if (is_acknowledgement(reported)) {
        copy_member(out, name, reported, "value");
        copy_member(metadata, "ackVersion", reported, "av");
        copy_member(metadata, "ackCode", reported, "ac");
        copy_member(metadata, "ackDescription", reported, "ad");
    } else if (reported != NULL) {
        json_object_set(out, name, reported);
    }
    const json_t *latest = reported != NULL ? sides.reported.metadata : sides.desired.metadata;
    copy_member(metadata, "lastUpdateTime", latest, "$lastUpdated");
    json_object_set_new(out_metadata, name, metadata);
}

static struct sections sides_below(struct sections sides, const char *name)
{
    return (struct sections){below(sides.desired, name), below(sides.reported, name)};
}

static void put_component_members(json_t *out, json_t *metadata, struct sections sides,
                                  const json_t *names)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)names, name, value)
    {
        if (strcmp(name, COMPONENT_MARK) != 0 && json_object_get(metadata, name) == NULL) {
            put_property(out, metadata, name, sides_below(sides, name));
        }
    }
}

/* A component whose last wish was taken back, and which its device does not report, is none. */
static void put_component(json_t *out, const char *name, struct sections sides)
{
    json_t *component = json_object();
    json_t *metadata = json_object();
    put_component_members(component, metadata, sides, sides.reported.content);
    put_component_members(component, metadata, sides, sides.desired.content);
    bool is_there = is_component(sides.reported.content) || json_object_size(metadata) != 0;
    json_object_set_new(component, "$metadata", metadata);
    if (is_there) {
        json_object_set(out, name, component);
    }
    json_decref(component);
}

/* Members that either side names, each once. */
static void put_members(json_t *out, json_t *metadata, struct sections sides,
                        const json_t *names)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)names, name, value)
    {
        struct sections sides_here = sides_below(sides, name);
        if (json_object_get(out, name) != NULL || json_object_get(metadata, name) != NULL) {
            continue;
        }
        if (is_component(sides_here.reported.content) ||
            is_component(sides_here.desired.content)) {
            put_component(out, name, sides_here);
        } else {
            put_property(out, metadata, name, sides_here);
        }
    }
}

enum iothub_status hub_digital_twin_get(struct hub *hub, struct slice device_id,
                                        struct hub_document *out)
{
    struct store_identity identity;
    struct store_twin twin;
    enum iothub_status status = load(hub, device_id, &identity, &twin);
    if (status != IOTHUB_OK) {
        return status;
    }
    struct sections sides = open_sections(&twin);
    json_t *document = json_object();
    json_t *metadata = json_object();
    json_object_set_new(document, "$dtId", json_string(identity.device_id));
    json_object_set_new(metadata, "$model",
                        json_stringn(twin.model_id.data, twin.model_id.len));
    put_members(document, metadata, sides, sides.reported.content);
    put_members(document, metadata, sides, sides.desired.content);
    json_object_set_new(document, "$metadata", metadata);
    json_put(out->body, document);
    etag_of_twin(out->etag, twin.etag);
    json_decref(document);
    close_sections(&sides);
    return IOTHUB_OK;
}

/* ---- reading a patch ----------------------------------------------------------------- */

struct operation {
    bool is_removal;
    struct slice names[PATH_NAMES_MAX];
    size_t n_names;
    json_t *value; /* borrowed; NULL for a removal */
};

/* A DTDL name: letters, digits and underscores, beginning with a letter, ending without one. */
static bool is_name(struct slice name)
{
    if (name.len == 0 || name.len > NAME_CHARS_MAX || name.data[name.len - 1] == '_') {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool is_inner = (c >= '0' && c <= '9') || c == '_';
        if (!is_letter && !(i != 0 && is_inner)) {
            return false;
        }
    }
    return true;
}

/* Names hold no '~' and no '/', so a JSON pointer's escapes need no decoding. */
static bool read_path(struct slice path, struct operation *out)
{
    struct slice name = {0};
    if (path.len < 2 || path.data[0] != '/' || path.data[path.len - 1] == '/') {
        return false;
    }
    path = slice_from(path, 1);
    while (slice_next(&path, '/', &name)) {
        if (out->n_names == PATH_NAMES_MAX || !is_name(name)) {
            return false;
        }
        out->names[out->n_names++] = name;
    }
    return true;
}

static bool is_value(const json_t *value, int depth);

static bool are_members(const json_t *object, int depth)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (!is_name(slice_of(name)) || !is_value(value, depth)) {
            return false;
        }
    }
    return true;
}

/* What a property can be: no array, no null, names of DTDL, not too deep. */
static bool is_value(const json_t *value, int depth)
{
    if (json_is_array(value) || json_is_null(value)) {
        return false;
    }
    return !json_is_object(value) || (depth < VALUE_DEPTH_MAX && are_members(value, depth + 1));
}

static enum iothub_status no_patch(struct hub *hub, const char *why)
{
    return hub_fail(hub, IOTHUB_INVALID_DIGITAL_TWIN_JSON_PATCH, "%s", why);
}

static enum iothub_status read_operation(struct hub *hub, const json_t *json,
                                         struct operation *out)
{
    struct slice op = json_string_slice(json_object_get(json, "op"));
    const json_t *path = json_object_get(json, "path");
    *out = (struct operation){.is_removal = slice_equal(op, SLICE("remove"))};
    if (!out->is_removal && !slice_equal(op, SLICE("add")) &&
        !slice_equal(op, SLICE("replace"))) {
        return no_patch(hub, "An operation is add, replace or remove.");
    }
    if (!json_is_string(path)) {
        return no_patch(hub, "An operation's path is missing.");
    }
    if (!read_path(json_string_slice(path), out)) {
        return hub_fail(hub, IOTHUB_INVALID_DIGITAL_TWIN_PATCH_PATH,
                        "The path is not /property, /component or /component/property.");
    }
    out->value = out->is_removal ? NULL : json_object_get(json, "value");
    return out->is_removal || out->value != NULL
               ? IOTHUB_OK
               : no_patch(hub, "An operation's value is missing.");
}

/* ---- from operations to a patch of desired properties -------------------------------- */

struct patching {
    struct hub *hub;
    struct sections twin;
    json_t *patch;
};

static enum iothub_status bad_value(struct hub *hub)
{
    return hub_fail(
        hub, IOTHUB_INVALID_DIGITAL_TWIN_PAYLOAD,
        "A property's value has no array, no null, valid names and at most %d levels.",
        VALUE_DEPTH_MAX);
}

/* Put a value where the twin has another one: what the new one lacks is removed. */
static void put_replacement(json_t *patch, const json_t *current, const char *name,
                            json_t *value)
{
    json_t *old = json_object_get(current, name);
    json_object_set_new(patch, name,
                        json_is_object(value) && json_is_object(old)
                            ? twin_replacement(old, value)
                            : json_deep_copy(value));
}

static json_t *new_component(void)
{
    json_t *component = json_object();
    json_object_set_new(component, COMPONENT_MARK, json_string(COMPONENT_VALUE));
    return component;
}

/* Where a component's changes are collected; after its removal it begins anew. */
static json_t *component_patch(struct patching *p, const char *name)
{
    json_t *patch = json_object_get(p->patch, name);
    if (json_is_object(patch)) {
        return patch;
    }
    json_t *component = new_component();
    if (json_is_null(patch)) {
        put_replacement(p->patch, p->twin.desired.content, name, component);
    } else {
        json_object_set(p->patch, name, component);
    }
    json_decref(component);
    return json_object_get(p->patch, name);
}

static enum iothub_status not_conformant(struct hub *hub, const char *name)
{
    return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                    "'%s' exists within the device twin and is not digital twin conformant "
                    "property. Please refer to aka.ms/dtpatch to update this to be conformant.",
                    name);
}

/* The name as the twin has it: a component, something else, or nothing yet. */
static bool is_known_component(const struct patching *p, const char *name)
{
    return is_component(json_object_get(p->patch, name)) ||
           is_component(json_object_get(p->twin.desired.content, name)) ||
           is_component(json_object_get(p->twin.reported.content, name));
}

static bool is_plain_property(const struct patching *p, const char *name)
{
    return !is_known_component(p, name) &&
           (json_object_get(p->twin.desired.content, name) != NULL ||
            json_object_get(p->twin.reported.content, name) != NULL ||
            (json_object_get(p->patch, name) != NULL &&
             !json_is_null(json_object_get(p->patch, name))));
}

static enum iothub_status change_component(struct patching *p, const char *name, json_t *value)
{
    const json_t *mark = json_object_get(value, "$metadata");
    if (!json_is_object(mark) || json_object_size(mark) != 0) {
        return hub_fail(p->hub, IOTHUB_INVALID_DIGITAL_TWIN_PATCH,
                        "The value of component '%s' has an empty object as its $metadata.",
                        name);
    }
    if (is_plain_property(p, name)) {
        return not_conformant(p->hub, name);
    }
    json_t *members = twin_plain_patch(value);
    bool is_valid = are_members(members, 0);
    if (is_valid) {
        json_object_set_new(members, COMPONENT_MARK, json_string(COMPONENT_VALUE));
        put_replacement(p->patch, p->twin.desired.content, name, members);
    }
    json_decref(members);
    return is_valid ? IOTHUB_OK : bad_value(p->hub);
}

static enum iothub_status change_root(struct patching *p, const char *name, json_t *value)
{
    if (value == NULL) {
        json_object_set_new(p->patch, name, json_null());
        return IOTHUB_OK;
    }
    if (json_object_get(value, "$metadata") != NULL || is_known_component(p, name)) {
        return change_component(p, name, value);
    }
    if (!is_value(value, 0)) {
        return bad_value(p->hub);
    }
    put_replacement(p->patch, p->twin.desired.content, name, value);
    return IOTHUB_OK;
}

static enum iothub_status change_member(struct patching *p, const char *component,
                                        const char *name, json_t *value)
{
    if (is_plain_property(p, component)) {
        return not_conformant(p->hub, component);
    }
    if (value != NULL && !is_value(value, 0)) {
        return bad_value(p->hub);
    }
    const json_t *current = json_object_get(p->twin.desired.content, component);
    if (value != NULL) {
        put_replacement(component_patch(p, component), current, name, value);
    } else if (current != NULL || json_object_get(p->patch, component) != NULL) {
        json_object_set_new(component_patch(p, component), name, json_null());
    }
    return IOTHUB_OK;
}

static void copy_name(char out[NAME_CHARS_MAX + 1], struct slice name)
{
    memcpy(out, name.len == 0 ? "" : name.data, name.len);
    out[name.len] = '\0';
}

static enum iothub_status change(struct patching *p, const struct operation *operation)
{
    char first[NAME_CHARS_MAX + 1];
    char second[NAME_CHARS_MAX + 1];
    copy_name(first, operation->names[0]);
    copy_name(second, operation->names[1]);
    return operation->n_names == 1 ? change_root(p, first, operation->value)
                                   : change_member(p, first, second, operation->value);
}

static enum iothub_status collect(struct patching *p, const json_t *operations)
{
    enum iothub_status status = IOTHUB_OK;
    if (!json_is_array(operations) || json_array_size(operations) == 0) {
        return no_patch(p->hub, "A patch is an array of operations.");
    }
    for (size_t i = 0; i < json_array_size(operations) && status == IOTHUB_OK; i++) {
        struct operation operation;
        status = read_operation(p->hub, json_array_get(operations, i), &operation);
        if (status == IOTHUB_OK) {
            status = change(p, &operation);
        }
    }
    return status;
}

static enum iothub_status write_desired(struct hub *hub, struct slice device_id,
                                        json_t *desired, struct hub_condition condition)
{
    json_t *body = json_object();
    json_t *properties = json_object();
    json_object_set(properties, "desired", desired);
    json_object_set_new(body, "properties", properties);
    condition.is_quoted =
        true; /* the Python SDK writes the etag without quotes, and means it */
    enum iothub_status status =
        hub_twin_update(hub, identity_of_device(device_id), body, false, condition, NULL);
    json_decref(body);
    return status;
}

enum iothub_status hub_digital_twin_patch(struct hub *hub, struct slice device_id,
                                          const json_t *operations,
                                          struct hub_condition condition,
                                          char out_etag[HUB_ETAG_SIZE])
{
    struct store_identity identity;
    struct store_twin twin;
    enum iothub_status status = load(hub, device_id, &identity, &twin);
    if (status != IOTHUB_OK) {
        return status;
    }
    struct patching p = {.hub = hub, .twin = open_sections(&twin), .patch = json_object()};
    status = collect(&p, operations);
    if (status == IOTHUB_OK) {
        status = write_desired(hub, device_id, p.patch, condition);
    }
    if (status == IOTHUB_OK) {
        status = load(hub, device_id, &identity, &twin);
    }
    if (status == IOTHUB_OK) {
        etag_of_twin(out_etag, twin.etag);
    }
    json_decref(p.patch);
    close_sections(&p.twin);
    return status;
}
