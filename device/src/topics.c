/*
 * Writing and reading a hub's MQTT topics from the device's side.
 *
 * Identities stand in topics as they are, never percent-encoded; only property bags are.
 */
#include "device/src/topics.h"

#include <inttypes.h>
#include <limits.h>

#include "iothub/topics.h"

/* The value of `name` ("$rid=") among "?a=1&b=2"; empty when it is not there. */
static struct slice parameter(struct slice query, struct slice name)
{
    struct slice rest = slice_from(query, 1);
    struct slice part = {0};
    while (slice_next(&rest, '&', &part)) {
        if (slice_starts_with(part, name)) {
            return slice_from(part, name.len);
        }
    }
    return (struct slice){0};
}

static int64_t version_of(struct slice query)
{
    int64_t version = 0;
    if (!slice_to_i64(parameter(query, SLICE(TOPIC_VERSION)), &version) || version < 0) {
        return 0;
    }
    return version;
}

/* Split "{first}/{query}" where the query begins with '?'; anything else is refused. */
static bool split(struct slice text, struct slice *first, struct slice *query)
{
    size_t slash = slice_find(text, '/');
    *first = slice_make(text.data, slash);
    *query = slice_from(text, slash + 1);
    return query->len != 0 && query->data[0] == '?';
}

static struct topic read_method(struct slice rest)
{
    struct topic topic = {.kind = TOPIC_KIND_METHOD};
    struct slice query = {0};
    if (!split(rest, &topic.name, &query)) {
        return (struct topic){0};
    }
    topic.rid = parameter(query, SLICE("$rid="));
    if (topic.name.len == 0 || topic.rid.len == 0) {
        topic.kind = TOPIC_KIND_OTHER;
    }
    return topic;
}

static struct topic read_twin(struct slice rest)
{
    struct topic topic = {.kind = TOPIC_KIND_TWIN};
    struct slice status_text = {0};
    struct slice query = {0};
    int64_t status = 0;
    if (!split(rest, &status_text, &query) || !slice_to_i64(status_text, &status) ||
        status < 0 || status > 999) {
        return (struct topic){0};
    }
    topic.status = (int)status;
    topic.rid = parameter(query, SLICE("$rid="));
    topic.version = version_of(query);
    if (topic.rid.len == 0) {
        topic.kind = TOPIC_KIND_OTHER;
    }
    return topic;
}

/* What is behind "devices/{d}", and for a module behind "/modules/{m}". */
static struct slice behind_identity(struct slice text, bool *is_module)
{
    struct slice rest = slice_from(text, sizeof(TOPIC_DEVICES) - 1);
    rest = slice_from(rest, slice_find(rest, '/'));
    *is_module = slice_starts_with(rest, SLICE(TOPIC_MODULES));
    if (*is_module) {
        rest = slice_from(rest, sizeof(TOPIC_MODULES) - 1);
        rest = slice_from(rest, slice_find(rest, '/'));
    }
    return rest;
}

/* {d}/messages/devicebound/{bag} or {d}/modules/{m}/inputs/{input}/{bag}: the subscription was
 * for this client's own identity, so that it need not be looked at. */
static struct topic read_message(struct slice text)
{
    bool is_module = false;
    struct topic topic = {.kind = TOPIC_KIND_MESSAGE};
    struct slice rest = behind_identity(text, &is_module);
    const struct slice prefix = is_module ? SLICE(TOPIC_INPUTS) : SLICE(TOPIC_DEVICEBOUND);
    if (!slice_starts_with(rest, prefix)) {
        return (struct topic){0};
    }
    rest = slice_from(rest, prefix.len);
    if (is_module) {
        topic.name = slice_make(rest.data, slice_find(rest, '/'));
        rest = slice_from(rest, topic.name.len + 1);
    }
    topic.bag = rest;
    return topic;
}

struct topic topic_read(struct slice text)
{
    const struct slice method = SLICE(TOPIC_METHOD_POST);
    const struct slice twin = SLICE(TOPIC_TWIN_RES);
    const struct slice desired = SLICE(TOPIC_TWIN_DESIRED);
    if (slice_starts_with(text, method)) {
        return read_method(slice_from(text, method.len));
    }
    if (slice_starts_with(text, twin)) {
        return read_twin(slice_from(text, twin.len));
    }
    if (slice_starts_with(text, desired)) {
        return (struct topic){.kind = TOPIC_KIND_DESIRED,
                              .version = version_of(slice_from(text, desired.len))};
    }
    if (slice_starts_with(text, SLICE(TOPIC_DEVICES))) {
        return read_message(text);
    }
    return (struct topic){0};
}

static void put_identity(struct buf *out, struct identity id)
{
    buf_put_text(out, TOPIC_DEVICES);
    buf_put_slice(out, id.device_id);
    if (identity_is_module(id)) {
        buf_put_text(out, TOPIC_MODULES);
        buf_put_slice(out, id.module_id);
    }
}

void topic_put_messages_filter(struct buf *out, struct identity id)
{
    put_identity(out, id);
    buf_put_text(out, identity_is_module(id) ? TOPIC_INPUTS "#" : TOPIC_DEVICEBOUND "#");
}

void topic_put_events(struct buf *out, struct identity id, const struct message *message)
{
    struct buf bag;
    buf_init(&bag, out->cap);
    message_put_bag(&bag, message);

    put_identity(out, id);
    buf_put_text(out, TOPIC_EVENTS);
    buf_put_slice(out, buf_slice(&bag));
    out->failed = out->failed || bag.failed;
    buf_finish(&bag);
}

void topic_put_method_answer(struct buf *out, int status, struct slice rid)
{
    buf_putf(out, TOPIC_METHOD_RES "%d/" TOPIC_RID, status);
    buf_put_slice(out, rid);
}

void topic_put_twin_get(struct buf *out, uint64_t rid)
{
    buf_putf(out, TOPIC_TWIN_GET TOPIC_RID "%" PRIu64, rid);
}

void topic_put_twin_report(struct buf *out, uint64_t rid)
{
    buf_putf(out, TOPIC_TWIN_REPORTED TOPIC_RID "%" PRIu64, rid);
}
