/*
 * The rules for a cloud-to-device message's properties.
 */
#include "hub/c2d_message.h"

#include <string.h>

#include "base/iso8601.h"
#include "hub/core.h"
#include "iothub/limits.h"

/* A sender's own property by its place, but it is the hub that it speaks to. */
#define ACK_PROPERTY "iothub-ack"

/* As captured topics have them; then "iothub-ack", then the sender's own in their order. */
static const enum message_system order[] = {
    MESSAGE_ID,
    MESSAGE_EXPIRY,
    MESSAGE_TO,
    MESSAGE_CORRELATION_ID,
    MESSAGE_USER_ID,
    MESSAGE_CONTENT_TYPE,
    MESSAGE_CONTENT_ENCODING,
    MESSAGE_CREATION_TIME,
};

static enum iothub_status read_id(struct hub *hub, struct slice id, struct store_c2d *out)
{
    if (id.len == 0) {
        return IOTHUB_OK;
    }
    /* The same characters as in a device's id, and as many. */
    if (!identity_is_valid_id(id)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                        "A message id has 1 to %d letters, digits and "
                        "-:.+%%_#*?!(),=@;$' characters.",
                        LIMIT_MESSAGE_ID_CHARS);
    }
    memcpy(out->message_id, id.data, id.len);
    out->message_id[id.len] = '\0';
    out->has_message_id = true;
    return IOTHUB_OK;
}

/* ISO 8601, or milliseconds since 1970 as the Node SDK's users write them. */
static bool read_time(struct slice text, int64_t *out_at_ms)
{
    return iso8601_parse(text, out_at_ms) ||
           (slice_to_i64(text, out_at_ms) && *out_at_ms >= 0 &&
            *out_at_ms <= INT64_C(253402300799999));
}

static enum iothub_status read_expiry(struct hub *hub, struct slice text, struct store_c2d *out)
{
    int64_t at_ms = hub->now.at_ms + C2D_TTL_S * 1000LL;
    int64_t latest_ms = hub->now.at_ms + (int64_t)LIMIT_C2D_TTL_S * 1000;
    if (text.len != 0 && !read_time(text, &at_ms)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "The expiry is not a time: %.*s",
                        SLICE_ARG(text));
    }
    if (at_ms <= hub->now.at_ms) {
        return hub_fail(hub, IOTHUB_INVALID_MESSAGE_EXPIRY_TIME,
                        "The message has expired: %.*s", SLICE_ARG(text));
    }
    out->expires_ms = at_ms < latest_ms ? at_ms : latest_ms;
    return IOTHUB_OK;
}

static enum iothub_status read_ack(struct hub *hub, const struct message *message,
                                   struct store_c2d *out)
{
    static const char *const names[] = {
        [C2D_ACK_NONE] = "none",
        [C2D_ACK_POSITIVE] = "positive",
        [C2D_ACK_NEGATIVE] = "negative",
        [C2D_ACK_FULL] = "full",
    };
    for (size_t i = 0; i < message->n_properties; i++) {
        const struct property *p = &message->properties[i];
        if (!slice_equal(p->name, SLICE(ACK_PROPERTY))) {
            continue;
        }
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            if (slice_equal_nocase(p->value, slice_of(names[k]))) {
                out->ack = (enum c2d_ack)k;
                return IOTHUB_OK;
            }
        }
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                        ACK_PROPERTY " is none, positive, negative or full.");
    }
    return IOTHUB_OK;
}

static void put_system(struct buf *out, enum message_system which, struct slice value)
{
    property_bag_encode(out, slice_of(message_system_name(which)), value, false);
}

/* The C# SDK drops a connection over a time in any other form. */
static enum iothub_status put_time(struct hub *hub, struct buf *out, enum message_system which,
                                   struct slice text)
{
    char seven[ISO8601_MAX];
    int64_t at_ms = 0;
    if (!read_time(text, &at_ms)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "Not a time: %.*s", SLICE_ARG(text));
    }
    put_system(out, which, slice_of(iso8601_format_seven(seven, at_ms)));
    return IOTHUB_OK;
}

/* Always there: the C# SDK reads the properties without looking whether there are any. */
static void put_to(struct buf *out, struct slice device_id, struct slice to)
{
    struct buf address = {.cap = BUF_CAP_OWN};
    if (to.len == 0) {
        buf_putf(&address, "/devices/%.*s/messages/deviceBound", SLICE_ARG(device_id));
        to = buf_slice(&address);
    }
    put_system(out, MESSAGE_TO, to);
    buf_finish(&address);
}

static enum iothub_status put_ordered(struct hub *hub, struct slice device_id,
                                      const struct message *message, struct buf *out)
{
    enum iothub_status status = IOTHUB_OK;
    for (size_t i = 0; i < ARRAY_LEN(order) && status == IOTHUB_OK; i++) {
        struct slice value = message->system[order[i]];
        if (order[i] == MESSAGE_TO) {
            put_to(out, device_id, value);
        } else if (value.len == 0) {
            continue;
        } else if (order[i] == MESSAGE_EXPIRY || order[i] == MESSAGE_CREATION_TIME) {
            status = put_time(hub, out, order[i], value);
        } else {
            put_system(out, order[i], value);
        }
    }
    return status;
}

static void put_own(const struct message *message, bool is_ack, struct buf *out)
{
    for (size_t i = 0; i < message->n_properties; i++) {
        const struct property *p = &message->properties[i];
        if (slice_equal(p->name, SLICE(ACK_PROPERTY)) == is_ack) {
            property_bag_encode(out, p->name, p->value, p->is_null);
        }
    }
}

static enum iothub_status put_properties(struct hub *hub, struct slice device_id,
                                         const struct message *message, struct buf *out)
{
    buf_reset(out);
    enum iothub_status status = put_ordered(hub, device_id, message, out);
    put_own(message, true, out);
    put_own(message, false, out);
    bool is_too_much = out->len > (size_t)LIMIT_C2D_PROPERTIES_BYTES ||
                       message->n_properties > PROPERTY_BAG_MAX - ARRAY_LEN(order);
    if (status == IOTHUB_OK && is_too_much) {
        return hub_fail(hub, IOTHUB_MESSAGE_TOO_LARGE,
                        "The properties are too many or too long.");
    }
    return status;
}

enum iothub_status c2d_message_read(struct hub *hub, struct slice device_id,
                                    const struct message *message, struct store_c2d *out,
                                    struct buf *properties)
{
    struct store_c2d row = {.enqueued_ms = hub->now.at_ms};
    if (message_size(message) > (size_t)LIMIT_C2D_BYTES) {
        return hub_fail(hub, IOTHUB_MESSAGE_TOO_LARGE,
                        "A cloud-to-device message has at most %d bytes.", LIMIT_C2D_BYTES);
    }
    enum iothub_status status = read_id(hub, message->system[MESSAGE_ID], &row);
    if (status == IOTHUB_OK) {
        status = read_expiry(hub, message->system[MESSAGE_EXPIRY], &row);
    }
    if (status == IOTHUB_OK) {
        status = read_ack(hub, message, &row);
    }
    if (status == IOTHUB_OK) {
        status = put_properties(hub, device_id, message, properties);
    }
    if (status == IOTHUB_OK) {
        *out = row;
    }
    return status;
}
