/*
 * Writing events.  Annotations are named as on the Event Hubs-compatible endpoint.
 * Source: IoT Hub documentation, "Create and read IoT Hub messages".
 */
#include "gateway/event_json.h"

#include <inttypes.h>

#include "base/coding.h"
#include "base/iso8601.h"
#include "iothub/json.h"
#include "iothub/message.h"
#include "mqtt/text.h"

/* As they are called in IoT Hub's routing queries, without the "$". */
static const char *const system_names[MESSAGE_N_SYSTEM] = {
    [MESSAGE_ID] = "messageId",
    [MESSAGE_CORRELATION_ID] = "correlationId",
    [MESSAGE_USER_ID] = "userId",
    [MESSAGE_TO] = "to",
    [MESSAGE_CONTENT_TYPE] = "contentType",
    [MESSAGE_CONTENT_ENCODING] = "contentEncoding",
    [MESSAGE_EXPIRY] = "expiryTimeUtc",
    [MESSAGE_CREATION_TIME] = "creationTimeUtc",
    [MESSAGE_OUTPUT_NAME] = "outputName",
    [MESSAGE_COMPONENT] = "componentName",
    [MESSAGE_INTERFACE_ID] = "interfaceId",
    [MESSAGE_SCHEMA] = "messageSchema",
};

/* The beginning of a member, behind others or as the first. */
static void put_name(struct buf *out, const char *name)
{
    if (out->len != 0 && out->data[out->len - 1] != '{') {
        buf_put_char(out, ',');
    }
    buf_putf(out, "\"%s\":", name);
}

static void put_text(struct buf *out, const char *name, struct slice text)
{
    put_name(out, name);
    json_put_string(out, text);
}

static void put_number(struct buf *out, const char *name, int64_t value)
{
    put_name(out, name);
    buf_put_i64(out, value);
}

static void put_system(struct buf *out, const struct message *message)
{
    put_name(out, "systemProperties");
    buf_put_char(out, '{');
    for (size_t i = 0; i < MESSAGE_N_SYSTEM; i++) {
        if (message->system[i].data != NULL) {
            put_text(out, system_names[i], message->system[i]);
        }
    }
    buf_put_char(out, '}');
}

static void put_properties(struct buf *out, const struct message *message)
{
    put_name(out, "properties");
    buf_put_char(out, '{');
    for (size_t i = 0; i < message->n_properties; i++) {
        const struct property *property = &message->properties[i];
        buf_put_text(out, i == 0 ? "" : ",");
        json_put_string(out, property->name);
        buf_put_char(out, ':');
        if (property->is_null) {
            buf_put_text(out, "null");
        } else {
            json_put_string(out, property->value);
        }
    }
    buf_put_char(out, '}');
}

static void put_annotations(struct buf *out, const struct hub_event *event,
                            const struct message *message)
{
    /* What the hub stored is an object: its members without the braces. */
    struct slice stored = slice_make(event->annotations.data + 1, event->annotations.len - 2);
    put_name(out, "annotations");
    buf_put_char(out, '{');
    put_text(out, "iothub-connection-device-id", event->from.device_id);
    if (identity_is_module(event->from)) {
        put_text(out, "iothub-connection-module-id", event->from.module_id);
    }
    if (stored.len != 0) {
        buf_put_char(out, ',');
        buf_put_slice(out, stored);
    }
    put_number(out, "iothub-enqueuedtime", event->enqueued_ms);
    put_text(out, "iothub-message-source", event->source);
    if (message->system[MESSAGE_INTERFACE_ID].data != NULL) {
        put_text(out, "iothub-interface-id", message->system[MESSAGE_INTERFACE_ID]);
    }
    put_number(out, "x-opt-sequence-number", event->sequence);
    put_name(out, "x-opt-offset");
    buf_putf(out, "\"%" PRId64 "\"", event->offset);
    put_number(out, "x-opt-enqueued-time", event->enqueued_ms);
    buf_put_char(out, '}');
}

static void put_body(struct buf *out, struct slice body)
{
    if (mqtt_text_is_valid(body)) {
        put_text(out, "body", body);
        put_text(out, "bodyEncoding", SLICE("text"));
        return;
    }
    put_name(out, "body");
    buf_put_char(out, '"');
    base64_encode(out, body.data, body.len);
    buf_put_char(out, '"');
    put_text(out, "bodyEncoding", SLICE("base64"));
}

void event_put_json(struct buf *out, const struct hub_event *event)
{
    char time[ISO8601_MAX];
    struct property_bag bag = {0};
    struct message message;
    /* It was a bag when it was stored. */
    (void)!property_bag_decode(&bag, event->properties);
    message_from_bag(&bag, event->body, &message);
    buf_put_char(out, '{');
    put_number(out, "offset", event->offset);
    put_number(out, "partition", event->partition);
    put_number(out, "sequenceNumber", event->sequence);
    put_text(out, "enqueuedTime", slice_of(iso8601_format(time, event->enqueued_ms)));
    put_text(out, "deviceId", event->from.device_id);
    if (identity_is_module(event->from)) {
        put_text(out, "moduleId", event->from.module_id);
    }
    put_text(out, "source", event->source);
    put_system(out, &message);
    put_properties(out, &message);
    put_annotations(out, event, &message);
    put_body(out, event->body);
    buf_put_char(out, '}');
    property_bag_finish(&bag);
}
