/*
 * Twins: reading, the service's writes and the device's, and who is told.
 * Source: IoT Hub documentation, "Understand and use device twins"; IoT Hub REST, twins.
 */
#include <stdlib.h>
#include <string.h>

#include "base/iso8601.h"
#include "hub/core.h"
#include "hub/etag.h"
#include "hub/twin_check.h"
#include "hub/twin_merge.h"
#include "hub/twin_view.h"
#include "iothub/json.h"
#include "iothub/limits.h"

/* A twin and its identity, with room for the texts that a write makes. */
struct twin_write {
    struct store_identity identity;
    struct store_twin twin;
    struct buf texts[3]; /* section, metadata, notification */
    bool tells_device;
    bool is_first;   /* what a twin begins with: no change of it */
    bool is_changed; /* a section was in the request, were it with the values it had */
    bool has_tags;   /* and it was the tags */
};

static void finish(struct twin_write *write)
{
    for (size_t i = 0; i < ARRAY_LEN(write->texts); i++) {
        buf_finish(&write->texts[i]);
    }
}

static enum iothub_status load(struct hub *hub, struct identity id,
                               struct store_identity *identity, struct store_twin *twin)
{
    enum iothub_status status = hub_find_identity(hub, id, identity);
    if (status != IOTHUB_OK) {
        return status;
    }
    return store_twin_get(hub->store, identity->seq, twin) == 0 ? IOTHUB_OK
                                                                : hub_store_failed(hub);
}

enum iothub_status hub_twin_get(struct hub *hub, struct identity id, struct buf *out)
{
    struct store_identity identity;
    struct store_twin twin;
    enum iothub_status status = load(hub, id, &identity, &twin);
    if (status == IOTHUB_OK) {
        twin_view_service(hub, &identity, &twin, out);
    }
    return status;
}

enum iothub_status hub_twin_get_own(struct hub *hub, struct identity id, struct buf *out)
{
    struct store_identity identity;
    struct store_twin twin;
    enum iothub_status status = load(hub, id, &identity, &twin);
    if (status == IOTHUB_OK) {
        twin_view_device(&twin, out);
    }
    return status;
}

/* ---- one section's write ------------------------------------------------------------------
 */

/* Trees of a section while it is changed. */
struct section {
    json_t *content;
    json_t *metadata; /* NULL for tags */
    size_t limit_bytes;
};

static struct section open_section(struct slice content, struct slice metadata, size_t limit)
{
    struct section section = {.limit_bytes = limit};
    section.content = content.len == 0 ? json_object() : json_parse(content, NULL);
    section.metadata = metadata.len == 0 ? NULL : json_parse(metadata, NULL);
    return section;
}

static void close_section(struct section *section)
{
    json_decref(section->content);
    json_decref(section->metadata);
}

static enum iothub_status check_patch(struct hub *hub, const json_t *patch)
{
    buf_reset(&hub->error);
    json_t *plain = twin_plain_patch(patch);
    bool is_valid = twin_check_content(plain, &hub->error);
    json_decref(plain);
    return is_valid ? IOTHUB_OK : IOTHUB_ARGUMENT_INVALID;
}

static enum iothub_status check_size(struct hub *hub, const struct section *section)
{
    size_t size = twin_size_bytes(section->content);
    return size <= section->limit_bytes
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                          "Twin properties size %zu exceeds maximum %zu", size,
                          section->limit_bytes);
}

/* Apply a checked patch and write the section's texts; the slices borrow from texts. */
static enum iothub_status apply(struct hub *hub, struct section *section, const json_t *patch,
                                struct twin_stamp stamp, struct buf texts[2])
{
    twin_merge(section->content, section->metadata, patch, stamp);
    enum iothub_status status = check_size(hub, section);
    if (status != IOTHUB_OK) {
        return status;
    }
    json_put(&texts[0], section->content);
    if (section->metadata != NULL) {
        json_put(&texts[1], section->metadata);
    }
    return IOTHUB_OK;
}

/*
 * The patch that a request stands for: itself, or for a replacement and for null the changes
 * that lead there.  A new reference; NULL when the value is no object.
 */
static json_t *effective_patch(const struct section *section, const json_t *value, bool replace)
{
    if (value == NULL || json_is_null(value)) {
        json_t *nothing = json_object();
        json_t *patch = twin_replacement(section->content, nothing);
        json_decref(nothing);
        return patch;
    }
    if (!json_is_object(value)) {
        return NULL;
    }
    return replace ? twin_replacement(section->content, value) : twin_plain_patch(value);
}

static enum iothub_status not_an_object(struct hub *hub)
{
    return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                    "Provided json is not a valid 'tags' or 'properties' object");
}

static enum iothub_status write_tags(struct hub *hub, struct twin_write *write,
                                     const json_t *value, bool replace)
{
    struct section section =
        open_section(write->twin.tags, (struct slice){0}, LIMIT_TAGS_BYTES);
    struct buf texts[2] = {{.cap = BUF_CAP_OWN}, {.cap = BUF_CAP_OWN}};
    json_t *patch = effective_patch(&section, value, replace);
    enum iothub_status status = patch == NULL ? not_an_object(hub) : check_patch(hub, patch);
    if (status == IOTHUB_OK) {
        status = apply(hub, &section, patch, (struct twin_stamp){0}, texts);
    }
    if (status == IOTHUB_OK) {
        buf_finish(&write->texts[2]);
        write->texts[2] = texts[0];
        texts[0] = (struct buf){0};
        write->twin.tags = buf_slice(&write->texts[2]);
    }
    buf_finish(&texts[0]);
    json_decref(patch);
    close_section(&section);
    return status;
}

static enum iothub_status write_desired(struct hub *hub, struct twin_write *write,
                                        const json_t *value, bool replace, struct buf *told)
{
    struct store_twin *twin = &write->twin;
    struct section section =
        open_section(twin->desired, twin->desired_metadata, LIMIT_DESIRED_BYTES);
    json_t *patch = effective_patch(&section, value, replace);
    char when[ISO8601_MAX];
    /* Recorded: what a device is created with has version 1 and was never updated. */
    const struct twin_stamp stamp = {
        iso8601_format(when, write->is_first ? ISO8601_NEVER_MS : hub->now.at_ms),
        twin->desired_version + (write->is_first ? 0 : 1)};
    enum iothub_status status = patch == NULL ? not_an_object(hub) : check_patch(hub, patch);
    if (status == IOTHUB_OK) {
        status = apply(hub, &section, patch, stamp, write->texts);
    }
    if (status == IOTHUB_OK) {
        twin->desired = buf_slice(&write->texts[0]);
        twin->desired_metadata = buf_slice(&write->texts[1]);
        twin->desired_version = stamp.version;
        write->tells_device = !write->is_first;
        if (write->tells_device) {
            json_put(told, patch);
        }
    }
    json_decref(patch);
    close_section(&section);
    return status;
}

/* ---- the service's write ------------------------------------------------------------------
 */

static enum iothub_status check_condition(struct hub *hub, const struct twin_write *write,
                                          struct hub_condition condition)
{
    char etag[HUB_ETAG_SIZE];
    etag_of_twin(etag, write->twin.etag);
    /* Seen at the hub: an etag without quotes is no condition for a twin. */
    if (condition.match != HUB_MATCH_ETAG || !condition.is_quoted ||
        slice_equal_text(condition.etag, etag)) {
        return IOTHUB_OK;
    }
    return hub_fail(hub, IOTHUB_PRECONDITION_FAILED, "ETag mismatch for device ID '%s'",
                    write->identity.device_id);
}

static void tell_device(struct hub *hub, const struct twin_write *write, struct slice patch)
{
    struct hub_peer *peer = hub_find_peer(hub, store_identity_id(&write->identity));
    if (peer == NULL || (peer->interests & HUB_WANTS_DESIRED) == 0) {
        return; /* not queued: a device that comes later reads its whole twin */
    }
    struct buf *text = &hub->scratch[1];
    buf_reset(text);
    twin_view_versioned(patch, write->twin.desired_version, text);
    /* A full outbox means a device that does not read: it will find the change in its twin. */
    (void)peer->ops->desired(peer, buf_slice(text), write->twin.desired_version);
}

static enum iothub_status change_sections(struct hub *hub, struct twin_write *write,
                                          const json_t *body, bool replace, struct buf *told)
{
    const json_t *properties = json_get_nocase(body, "properties");
    const json_t *tags = json_get_nocase(body, "tags");
    const json_t *desired = json_get_nocase(properties, "desired");
    enum iothub_status status = IOTHUB_OK;
    if (properties != NULL && !json_is_object(properties) && !json_is_null(properties)) {
        return not_an_object(hub);
    }
    if (tags != NULL || replace) {
        status = write_tags(hub, write, tags, replace);
        write->is_changed = true;
        write->has_tags = true;
    }
    /* A replacement without them empties what is there, and leaves alone what is empty. */
    if (status == IOTHUB_OK && (desired != NULL || (replace && write->twin.desired.len > 2))) {
        status = write_desired(hub, write, desired, replace, told);
        write->is_changed = true;
    }
    return status;
}

static enum iothub_status store_service_write(struct hub *hub, struct twin_write *write,
                                              struct slice told)
{
    write->twin.etag += write->is_first ? 0 : 1;
    int rc = write->has_tags ? store_twin_write_service(hub->store, &write->twin)
                             : store_twin_write_desired(hub->store, &write->twin);
    if (rc != 0) {
        return hub_store_failed(hub);
    }
    if (write->tells_device) {
        tell_device(hub, write, told);
    }
    return IOTHUB_OK;
}

static enum iothub_status write_service(struct hub *hub, struct twin_write *write,
                                        const json_t *body, bool replace)
{
    struct buf told = {.cap = BUF_CAP_OWN};
    enum iothub_status status = change_sections(hub, write, body, replace, &told);
    if (status == IOTHUB_OK && write->is_changed) {
        status = store_service_write(hub, write, buf_slice(&told));
    }
    buf_finish(&told);
    return status;
}

enum iothub_status hub_twin_update(struct hub *hub, struct identity id, const json_t *body,
                                   bool replace, struct hub_condition condition,
                                   struct buf *out)
{
    struct twin_write write = {
        .texts = {{.cap = BUF_CAP_OWN}, {.cap = BUF_CAP_OWN}, {.cap = BUF_CAP_OWN}}
    };
    enum iothub_status status = load(hub, id, &write.identity, &write.twin);
    if (status == IOTHUB_OK) {
        status = check_condition(hub, &write, condition);
    }
    if (status == IOTHUB_OK) {
        status = write_service(hub, &write, body, replace);
    }
    if (status == IOTHUB_OK) {
        hub_configurations_touch(hub, write.identity.seq, HUB_TOUCHED_SERVICE);
    }
    if (status == IOTHUB_OK && out != NULL) {
        twin_view_service(hub, &write.identity, &write.twin, out);
    }
    finish(&write);
    return status;
}

enum iothub_status hub_twin_begin(struct hub *hub, struct identity id, const json_t *body)
{
    struct twin_write write = {
        .texts = {{.cap = BUF_CAP_OWN}, {.cap = BUF_CAP_OWN}, {.cap = BUF_CAP_OWN}},
        .is_first = true
    };
    enum iothub_status status = load(hub, id, &write.identity, &write.twin);
    if (status == IOTHUB_OK) {
        status = write_service(hub, &write, body, false);
    }
    finish(&write);
    return status;
}

enum iothub_status hub_twin_configure(struct hub *hub, struct identity id, json_t *patch)
{
    struct twin_write write = {
        .texts = {{.cap = BUF_CAP_OWN}, {.cap = BUF_CAP_OWN}, {.cap = BUF_CAP_OWN}}
    };
    enum iothub_status status = load(hub, id, &write.identity, &write.twin);
    if (status == IOTHUB_OK) {
        json_t *body = json_object();
        json_t *properties = json_object();
        json_object_set(properties, "desired", patch);
        json_object_set_new(body, "properties", properties);
        status = write_service(hub, &write, body, false);
        json_decref(body);
    }
    finish(&write);
    return status;
}

/* ---- the device's write -------------------------------------------------------------------
 */

static enum iothub_status merge_reported(struct hub *hub, struct twin_write *write,
                                         const json_t *patch)
{
    struct store_twin *twin = &write->twin;
    struct section section =
        open_section(twin->reported, twin->reported_metadata, LIMIT_REPORTED_BYTES);
    enum iothub_status status = check_patch(hub, patch);
    if (status == IOTHUB_OK) {
        char now[ISO8601_MAX];
        const struct twin_stamp stamp = {iso8601_format(now, hub->now.at_ms), 0};
        status = apply(hub, &section, patch, stamp, write->texts);
    }
    if (status == IOTHUB_OK) {
        twin->reported = buf_slice(&write->texts[0]);
        twin->reported_metadata = buf_slice(&write->texts[1]);
        twin->reported_version++;
        status = store_twin_write_reported(hub->store, twin) == 0 ? IOTHUB_OK
                                                                  : hub_store_failed(hub);
    }
    close_section(&section);
    return status;
}

enum iothub_status hub_twin_report(struct hub *hub, struct identity id, struct slice text,
                                   int64_t *out_version)
{
    struct twin_write write = {
        .texts = {{.cap = BUF_CAP_OWN}, {.cap = BUF_CAP_OWN}, {.cap = BUF_CAP_OWN}}
    };
    json_t *patch = json_parse_clamped(text, NULL);
    if (!json_is_object(patch)) {
        json_decref(patch);
        return not_an_object(hub);
    }
    enum iothub_status status = load(hub, id, &write.identity, &write.twin);
    if (status == IOTHUB_OK) {
        status = merge_reported(hub, &write, patch);
    }
    if (status == IOTHUB_OK) {
        hub_configurations_touch(hub, write.identity.seq, HUB_TOUCHED_REPORTED);
        *out_version = write.twin.reported_version;
    }
    finish(&write);
    json_decref(patch);
    return status;
}
