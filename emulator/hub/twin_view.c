/*
 * The two views of a twin.
 * Source: IoT Hub REST, "Devices - Get Twin"; IoT Hub documentation, "Communicate using MQTT".
 */
#include "hub/twin_view.h"

#include "base/iso8601.h"
#include "hub/etag.h"
#include "hub/identity_json.h"
#include "iothub/json.h"

/* The object's text without its last brace, ready for another member. */
static void put_open_object(struct slice object, struct buf *out)
{
    if (object.len <= 2) {
        buf_put_char(out, '{');
        return;
    }
    buf_put_slice(out, slice_make(object.data, object.len - 1));
    buf_put_char(out, ',');
}

void twin_view_versioned(struct slice object, int64_t version, struct buf *out)
{
    put_open_object(object, out);
    buf_put_text(out, "\"$version\":");
    buf_put_i64(out, version);
    buf_put_char(out, '}');
}

void twin_view_section(struct slice section, struct slice metadata, int64_t version,
                       struct buf *out)
{
    put_open_object(section, out);
    buf_put_text(out, "\"$metadata\":");
    buf_put_slice(out, metadata);
    buf_put_text(out, ",\"$version\":");
    buf_put_i64(out, version);
    buf_put_char(out, '}');
}

void twin_view_device(const struct store_twin *twin, struct buf *out)
{
    buf_put_text(out, "{\"desired\":");
    twin_view_versioned(twin->desired, twin->desired_version, out);
    buf_put_text(out, ",\"reported\":");
    twin_view_versioned(twin->reported, twin->reported_version, out);
    buf_put_char(out, '}');
}

/* Pages have a hundred views with a dozen members each, so none goes through printf. */
static void put_name(struct buf *out, const char *name)
{
    buf_put_text(out, ",\"");
    buf_put_text(out, name);
    buf_put_text(out, "\":");
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    put_name(out, name);
    json_put_string_or_null(out, text);
}

static void put_i64(struct buf *out, const char *name, int64_t value)
{
    put_name(out, name);
    buf_put_i64(out, value);
}

static void put_ids(const struct store_identity *identity, const struct store_twin *twin,
                    struct buf *out)
{
    char etag[HUB_ETAG_SIZE];
    buf_put_text(out, "{\"deviceId\":");
    json_put_string(out, slice_of(identity->device_id));
    if (identity->module_id[0] != '\0') {
        put_text(out, "moduleId", identity->module_id);
    }
    etag_of_twin(etag, twin->etag);
    put_text(out, "etag", etag);
    etag_of_identity(etag, identity->etag);
    put_text(out, "deviceEtag", etag);
}

static void put_state(const struct hub *hub, const struct store_identity *identity,
                      struct buf *out)
{
    char time[ISO8601_MAX];
    const struct hub_peer *peer = hub_find_peer(hub, store_identity_id(identity));
    put_text(out, "status", identity->is_enabled ? "enabled" : "disabled");
    if (identity->has_status_reason) {
        put_text(out, "statusReason", identity->status_reason);
    }
    put_text(out, "statusUpdateTime", iso8601_format(time, identity->status_updated_ms));
    put_text(out, "connectionState", peer != NULL ? "Connected" : "Disconnected");
    put_text(out, "lastActivityTime",
             iso8601_format(time, peer != NULL ? peer->active_ms : identity->last_activity_ms));
    put_i64(out, "cloudToDeviceMessageCount", identity->message_count);
    put_text(out, "authenticationType", auth_type_name(identity->auth));
    buf_put_text(out, ",\"x509Thumbprint\":{\"primaryThumbprint\":");
    json_put_string_or_null(
        out, identity->primary_thumbprint[0] == '\0' ? NULL : identity->primary_thumbprint);
    put_text(out, "secondaryThumbprint",
             identity->secondary_thumbprint[0] == '\0' ? NULL : identity->secondary_thumbprint);
    buf_put_char(out, '}');
}

static void put_configurations(const struct hub *hub, const struct store_identity *identity,
                               struct buf *out)
{
    size_t before = out->len;
    buf_put_text(out, ",\"configurations\":");
    if (!hub_configurations_put_statuses(hub, identity->seq, out)) {
        buf_cut(out, before);
    }
}

static void put_capabilities(const struct store_identity *identity, struct buf *out)
{
    if (identity->module_id[0] != '\0') {
        return;
    }
    put_name(out, "capabilities");
    buf_put_text(out, identity->is_edge ? "{\"iotEdge\":true}" : "{\"iotEdge\":false}");
    if (identity->device_scope[0] != '\0') {
        put_text(out, "deviceScope", identity->device_scope);
    }
    if (identity->parent_scope[0] != '\0') {
        buf_put_text(out, ",\"parentScopes\":[");
        json_put_string(out, slice_of(identity->parent_scope));
        buf_put_char(out, ']');
    }
}

void twin_view_service(const struct hub *hub, const struct store_identity *identity,
                       const struct store_twin *twin, struct buf *out)
{
    put_ids(identity, twin, out);
    put_state(hub, identity, out);
    buf_put_text(out, ",\"modelId\":");
    json_put_string(out, twin->model_id);
    put_i64(out, "version", twin_version(twin));
    /* The C# SDK refuses a null here, and the hub leaves empty tags out. */
    if (twin->tags.len > 2) {
        buf_put_text(out, ",\"tags\":");
        buf_put_slice(out, twin->tags);
    }
    buf_put_text(out, ",\"properties\":{\"desired\":");
    twin_view_section(twin->desired, twin->desired_metadata, twin->desired_version, out);
    buf_put_text(out, ",\"reported\":");
    twin_view_section(twin->reported, twin->reported_metadata, twin->reported_version, out);
    buf_put_char(out, '}');
    put_configurations(hub, identity, out);
    put_capabilities(identity, out);
    buf_put_char(out, '}');
}
