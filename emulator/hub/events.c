/*
 * Device-to-cloud messages: checked, stamped and put into the log.
 * Source: IoT Hub documentation, "Send device-to-cloud messages" and "Read device-to-cloud messages".
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
static void put_annotations(const struct hub_peer *peer, const struct message *message,
                            struct buf *out)
{
    buf_putf(out,
             "{\"iothub-connection-auth-method\":\"{\\\"scope\\\":\\\"%s\\\",\\\"type\\\":\\\"%s\\\","
             "\\\"issuer\\\":\\\"iothub\\\",\\\"acceptingIpFilterRule\\\":null}\","
             "\"iothub-connection-auth-generation-id\":\"%" PRId64 "\"",
             peer->auth_scope, peer->auth_type, peer->generation);
    if (peer->model_id[0] != '\0') {
        buf_put_text(out, ",\"dt-dataschema\":");
        json_put_string(out, slice_of(peer->model_id));
    }
    if (message->system[MESSAGE_COMPONENT].data != NULL) {
        buf_put_text(out, ",\"dt-subject\":");
        json_put_string(out, message->system[MESSAGE_COMPONENT]);
    }
    buf_put_char(out, '}');
}

static enum iothub_status append(struct hub *hub, const struct hub_peer *peer,
                                 const struct message *message)
{
    struct buf *properties = &hub->scratch[0];
    struct buf *annotations = &hub->scratch[1];
    buf_reset(properties);
    buf_reset(annotations);
    message_put_bag(properties, message);
    put_annotations(peer, message, annotations);
    int partition = partition_of_device(slice_of(peer->device_id), EVENT_PARTITIONS);
    struct store_event event = {
        .enqueued_ms = hub->now.at_ms,
        .partition = partition,
        .sequence = hub->event_sequences[partition] + 1,
        .from = hub_peer_id(peer),
        .source = SLICE("Telemetry"),
        .properties = buf_slice(properties),
        .annotations = buf_slice(annotations),
        .body = message->body,
    };
    if (store_event_append(hub->store, &event) != 0) {
        return hub_store_failed(hub);
    }
    hub->event_sequences[partition]++;
    return IOTHUB_OK;
}

enum iothub_status hub_event_send(struct hub *hub, struct hub_peer *peer,
                                  const struct message *message)
{
    if (message_size(message) > LIMIT_D2C_BYTES) {
        return hub_fail(hub, IOTHUB_MESSAGE_TOO_LARGE, "A message has at most %d bytes.",
                        LIMIT_D2C_BYTES);
    }
    peer->active_ms = hub->now.at_ms;
    if (slice_equal(message->system[MESSAGE_INTERFACE_ID], SLICE(SECURITY_INTERFACE))) {
        return IOTHUB_OK;
    }
    return append(hub, peer, message);
}
