/*
 * One function an attribute, in a table by the query's roots.
 */
#include "hub/twin_row.h"

#include "base/iso8601.h"
#include "hub/etag.h"
#include "hub/identity_json.h"
#include "hub/twin_view.h"
#include "iothub/json.h"

typedef struct query_value attribute(const struct twin_row *row, const struct query_path *path,
                                     struct buf *scratch);

/* A text that is made on the spot lives in the scratch of its path. */
static struct query_value kept(struct buf *scratch, const char *text)
{
    buf_put_text(scratch, text);
    return query_value_string(buf_slice(scratch));
}

static struct query_value text_or_undefined(const char *text)
{
    if (text[0] == '\0') {
        return (struct query_value){0};
    }
    return query_value_string(slice_of(text));
}

/* A document made on the spot, and the value below it that is asked for. */
static struct query_value below_made(struct buf *scratch, const struct query_path *path)
{
    struct buf decoded = {0}; /* names and values of these documents have no escapes */
    return query_value_below(buf_slice(scratch), path, &decoded);
}

static struct query_value device_id(const struct twin_row *row, const struct query_path *path,
                                    struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return query_value_string(slice_of(row->identity->device_id));
}

static struct query_value module_id(const struct twin_row *row, const struct query_path *path,
                                    struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return text_or_undefined(row->identity->module_id);
}

static struct query_value etag(const struct twin_row *row, const struct query_path *path,
                               struct buf *scratch)
{
    char text[HUB_ETAG_SIZE];
    (void)path;
    etag_of_twin(text, row->twin->etag);
    return kept(scratch, text);
}

static struct query_value device_etag(const struct twin_row *row, const struct query_path *path,
                                      struct buf *scratch)
{
    char text[HUB_ETAG_SIZE];
    (void)path;
    etag_of_identity(text, row->identity->etag);
    return kept(scratch, text);
}

static struct query_value version(const struct twin_row *row, const struct query_path *path,
                                  struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return query_value_number((double)twin_version(row->twin));
}

static struct query_value status(const struct twin_row *row, const struct query_path *path,
                                 struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return query_value_string(row->identity->is_enabled ? SLICE("enabled") : SLICE("disabled"));
}

static struct query_value status_reason(const struct twin_row *row,
                                        const struct query_path *path, struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return row->identity->has_status_reason
               ? query_value_string(slice_of(row->identity->status_reason))
               : (struct query_value){0};
}

static struct query_value status_update_time(const struct twin_row *row,
                                             const struct query_path *path, struct buf *scratch)
{
    char text[ISO8601_MAX];
    (void)path;
    return kept(scratch, iso8601_format(text, row->identity->status_updated_ms));
}

static const struct hub_peer *peer_of(const struct twin_row *row)
{
    return hub_find_peer(row->hub, store_identity_id(row->identity));
}

static struct query_value connection_state(const struct twin_row *row,
                                           const struct query_path *path, struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return query_value_string(peer_of(row) != NULL ? SLICE("Connected")
                                                   : SLICE("Disconnected"));
}

static struct query_value last_activity_time(const struct twin_row *row,
                                             const struct query_path *path, struct buf *scratch)
{
    char text[ISO8601_MAX];
    const struct hub_peer *peer = peer_of(row);
    (void)path;
    return kept(scratch, iso8601_format(text, peer != NULL ? peer->active_ms
                                                           : row->identity->last_activity_ms));
}

static struct query_value message_count(const struct twin_row *row,
                                        const struct query_path *path, struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return query_value_number((double)row->identity->message_count);
}

static struct query_value authentication_type(const struct twin_row *row,
                                              const struct query_path *path,
                                              struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return query_value_string(slice_of(auth_type_name(row->identity->auth)));
}

static void put_thumbprint(struct buf *out, const char *name, const char *thumbprint)
{
    buf_putf(out, "\"%s\":", name);
    json_put_string_or_null(out, thumbprint[0] == '\0' ? NULL : thumbprint);
}

static struct query_value x509_thumbprint(const struct twin_row *row,
                                          const struct query_path *path, struct buf *scratch)
{
    buf_put_char(scratch, '{');
    put_thumbprint(scratch, "primaryThumbprint", row->identity->primary_thumbprint);
    buf_put_char(scratch, ',');
    put_thumbprint(scratch, "secondaryThumbprint", row->identity->secondary_thumbprint);
    buf_put_char(scratch, '}');
    return below_made(scratch, path);
}

static struct query_value model_id(const struct twin_row *row, const struct query_path *path,
                                   struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return query_value_string(row->twin->model_id);
}

static struct query_value device_scope(const struct twin_row *row,
                                       const struct query_path *path, struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return text_or_undefined(row->identity->device_scope);
}

static struct query_value parent_scopes(const struct twin_row *row,
                                        const struct query_path *path, struct buf *scratch)
{
    if (row->identity->parent_scope[0] == '\0') {
        return (struct query_value){0};
    }
    buf_put_char(scratch, '[');
    json_put_string(scratch, slice_of(row->identity->parent_scope));
    buf_put_char(scratch, ']');
    return below_made(scratch, path);
}

static struct query_value tags(const struct twin_row *row, const struct query_path *path,
                               struct buf *scratch)
{
    /* As in the view: tags that are empty are not there. */
    if (row->twin->tags.len <= 2) {
        return (struct query_value){0};
    }
    return query_value_below(row->twin->tags, path, scratch);
}

/* A section has its own members, and "$metadata" and "$version" that are stored beside it. */
static struct query_value section(struct slice content, struct slice metadata, int64_t number,
                                  const struct query_path *path, struct buf *scratch)
{
    if (path->n_names == 0) {
        twin_view_section(content, metadata, number, scratch);
        return below_made(scratch, path);
    }
    if (slice_equal(path->names[0], SLICE("$version"))) {
        return path->n_names == 1 ? query_value_number((double)number)
                                  : (struct query_value){0};
    }
    if (slice_equal(path->names[0], SLICE("$metadata"))) {
        struct query_path rest = {
            .root = path->root, .names = path->names + 1, .n_names = path->n_names - 1};
        return query_value_below(metadata, &rest, scratch);
    }
    return query_value_below(content, path, scratch);
}

static struct query_value desired(const struct twin_row *row, const struct query_path *path,
                                  struct buf *scratch)
{
    return section(row->twin->desired, row->twin->desired_metadata, row->twin->desired_version,
                   path, scratch);
}

static struct query_value reported(const struct twin_row *row, const struct query_path *path,
                                   struct buf *scratch)
{
    return section(row->twin->reported, row->twin->reported_metadata,
                   row->twin->reported_version, path, scratch);
}

static struct query_value properties(const struct twin_row *row, const struct query_path *path,
                                     struct buf *scratch)
{
    const struct store_twin *t = row->twin;
    buf_put_text(scratch, "{\"desired\":");
    twin_view_section(t->desired, t->desired_metadata, t->desired_version, scratch);
    buf_put_text(scratch, ",\"reported\":");
    twin_view_section(t->reported, t->reported_metadata, t->reported_version, scratch);
    buf_put_char(scratch, '}');
    return below_made(scratch, path);
}

static struct query_value capabilities(const struct twin_row *row,
                                       const struct query_path *path, struct buf *scratch)
{
    if (row->identity->module_id[0] != '\0') {
        return (struct query_value){0};
    }
    buf_putf(scratch, "{\"iotEdge\":%s}", row->identity->is_edge ? "true" : "false");
    return below_made(scratch, path);
}

static struct query_value configurations(const struct twin_row *row,
                                         const struct query_path *path, struct buf *scratch)
{
    return hub_configurations_put_statuses(row->hub, row->identity->seq, scratch)
               ? below_made(scratch, path)
               : (struct query_value){0};
}

static attribute *const attributes[QUERY_N_ROOTS] = {
    [QUERY_ROOT_DEVICE_ID] = device_id,
    [QUERY_ROOT_MODULE_ID] = module_id,
    [QUERY_ROOT_ETAG] = etag,
    [QUERY_ROOT_DEVICE_ETAG] = device_etag,
    [QUERY_ROOT_VERSION] = version,
    [QUERY_ROOT_STATUS] = status,
    [QUERY_ROOT_STATUS_REASON] = status_reason,
    [QUERY_ROOT_STATUS_UPDATE_TIME] = status_update_time,
    [QUERY_ROOT_CONNECTION_STATE] = connection_state,
    [QUERY_ROOT_LAST_ACTIVITY_TIME] = last_activity_time,
    [QUERY_ROOT_CLOUD_TO_DEVICE_MESSAGE_COUNT] = message_count,
    [QUERY_ROOT_AUTHENTICATION_TYPE] = authentication_type,
    [QUERY_ROOT_X509_THUMBPRINT] = x509_thumbprint,
    [QUERY_ROOT_MODEL_ID] = model_id,
    [QUERY_ROOT_DEVICE_SCOPE] = device_scope,
    [QUERY_ROOT_PARENT_SCOPES] = parent_scopes,
    [QUERY_ROOT_TAGS] = tags,
    [QUERY_ROOT_DESIRED] = desired,
    [QUERY_ROOT_REPORTED] = reported,
    [QUERY_ROOT_PROPERTIES] = properties,
    [QUERY_ROOT_CAPABILITIES] = capabilities,
    [QUERY_ROOT_CONFIGURATIONS] = configurations,
};

static struct query_value lookup(void *row, const struct query_path *path, struct buf *scratch)
{
    attribute *of = path->root < QUERY_N_ROOTS ? attributes[path->root] : NULL;
    if (of == NULL) {
        return (struct query_value){0};
    }
    return of(row, path, scratch);
}

const struct query_row_ops twin_row_ops = {.lookup = lookup};
