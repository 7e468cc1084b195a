/*
 * Device-to-cloud messages: checked, stamped and put into the log.
 * Source: IoT Hub documentation, "Send device-to-cloud messages" and "Read device-to-cloud
 * messages".
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/iso8601.h"
#include "base/mem.h"
#include "hub/core.h"
#include "hub/partition.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "store/events.h"

/* Security messages are taken and not shown (C SDK, *_SendSecurityEvent end-to-end tests). */
#define SECURITY_INTERFACE "urn:azureiot:Security:SecurityAgent:1"

bool hub_event_sequences_load(struct hub *hub)
{
    hub->event_sequences = mem_array(EVENT_PARTITIONS, sizeof(*hub->event_sequences));
    for (int i = 0; i < EVENT_PARTITIONS; i++) {
        int found = store_event_last(hub->store, i, &hub->event_sequences[i]);
        if (found < 0) {
            (void)hub_store_failed(hub);
            return false;
        }
        if (found == STORE_NO_ROW) {
            hub->event_sequences[i] = -1;
        }
    }
    return true;
}

/* What the hub adds to a message, as one JSON object. */
static void put_annotations(const struct hub_sender *sender, const struct message *message,
                            struct buf *out)
{
    buf_putf(out,
             "{\"iothub-connection-auth-method\":\"{\\\"scope\\\":\\\"%s\\\",\\\"type\\\":\\\"%"
             "s\\\","
             "\\\"issuer\\\":\\\"iothub\\\",\\\"acceptingIpFilterRule\\\":null}\","
             "\"iothub-connection-auth-generation-id\":\"%" PRId64 "\"",
             sender->auth_scope, sender->auth_type, sender->generation);
    if (sender->model_id[0] != '\0') {
        buf_put_text(out, ",\"dt-dataschema\":");
        json_put_string(out, slice_of(sender->model_id));
    }
    if (message->system[MESSAGE_COMPONENT].data != NULL) {
        buf_put_text(out, ",\"dt-subject\":");
        json_put_string(out, message->system[MESSAGE_COMPONENT]);
    }
    buf_put_char(out, '}');
}

static enum iothub_status append(struct hub *hub, const struct hub_sender *sender,
                                 const struct message *message)
{
    struct buf *properties = &hub->scratch[0];
    struct buf *annotations = &hub->scratch[1];
    buf_reset(properties);
    buf_reset(annotations);
    message_put_bag(properties, message);
    put_annotations(sender, message, annotations);
    int partition = partition_of_device(sender->id.device_id, EVENT_PARTITIONS);
    struct store_event event = {
        .enqueued_ms = hub->now.at_ms,
        .partition = partition,
        .sequence = hub->event_sequences[partition] + 1,
        .from = sender->id,
        .source = SLICE("Telemetry"),
        .properties = buf_slice(properties),
        .annotations = buf_slice(annotations),
        .body = message->body,
    };
    if (store_event_append(hub->store, &event) != 0) {
        return hub_store_failed(hub);
    }
    hub->event_sequences[partition]++;
    hub->has_new_events = true;
    return IOTHUB_OK;
}

/*
 * A connected identity exists.  Others are looked up: whoever has no connection, and the will
 * of a connection that had to give way, which comes when the hub has let go of its peer.
 */
static enum iothub_status check_sender(struct hub *hub, const struct hub_sender *sender)
{
    struct store_identity record;
    struct hub_peer *peer = hub_find_peer(hub, sender->id);
    if (peer != NULL && peer->generation == sender->generation) {
        peer->active_ms = hub->now.at_ms;
        return IOTHUB_OK;
    }
    enum iothub_status status = hub_find_identity(hub, sender->id, &record);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (record.generation != sender->generation || !hub_device_is_enabled(hub, sender->id)) {
        return hub_fail(hub, IOTHUB_DEVICE_NOT_FOUND, "%.*s", SLICE_ARG(sender->id.device_id));
    }
    hub_touch(hub, record.seq, sender->id);
    return IOTHUB_OK;
}

/* What was stored must be readable as a bag again. */
static bool has_readable_properties(const struct message *message, struct buf *scratch)
{
    size_t n = message->n_properties + MESSAGE_N_SYSTEM;
    size_t raw_bytes = message_size(message) - message->body.len;
    /* At most three characters for one, and a name of ten with "=" and "&" around. */
    if (n <= PROPERTY_BAG_MAX && raw_bytes * 3 + n * 12 <= PROPERTY_BAG_MAX_BYTES) {
        return true;
    }
    n = message->n_properties;
    for (size_t i = 0; i < MESSAGE_N_SYSTEM; i++) {
        n += message->system[i].data != NULL;
    }
    buf_reset(scratch);
    message_put_bag(scratch, message);
    return n <= PROPERTY_BAG_MAX && scratch->len <= PROPERTY_BAG_MAX_BYTES;
}

static enum iothub_status check_size(struct hub *hub, const struct message *messages, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        size += message_size(&messages[i]);
        if (!has_readable_properties(&messages[i], &hub->scratch[0])) {
            return hub_fail(hub, IOTHUB_MESSAGE_TOO_LARGE,
                            "The properties are too many or too long.");
        }
    }
    return size <= (size_t)LIMIT_D2C_BYTES
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_MESSAGE_TOO_LARGE, "A message has at most %d bytes.",
                          LIMIT_D2C_BYTES);
}

enum iothub_status hub_event_send_batch(struct hub *hub, const struct hub_sender *sender,
                                        const struct message *messages, size_t n)
{
    enum iothub_status status = check_size(hub, messages, n);
    if (status == IOTHUB_OK) {
        status = check_sender(hub, sender);
    }
    for (size_t i = 0; i < n && status == IOTHUB_OK; i++) {
        if (!slice_equal(messages[i].system[MESSAGE_INTERFACE_ID], SLICE(SECURITY_INTERFACE))) {
            status = append(hub, sender, &messages[i]);
        }
    }
    return status;
}

enum iothub_status hub_event_send(struct hub *hub, const struct hub_sender *sender,
                                  const struct message *message)
{
    return hub_event_send_batch(hub, sender, message, 1);
}
