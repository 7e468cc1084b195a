/*
 * What waits for the service: feedback on what became of messages, in batches, and
 * notifications of uploaded files, one by one. Source: IoT Hub documentation, "Understand
 * cloud-to-device messaging from an IoT hub", message feedback; "Upload files with IoT Hub",
 * file upload notifications.
 */
#include <inttypes.h>

#include "base/iso8601.h"
#include "hub/core.h"
#include "hub/lock.h"
#include "iothub/json.h"
#include "iothub/limits.h"

/* ---- records ---- */

static bool is_wanted(enum c2d_ack ack, enum feedback_status how)
{
    bool is_good = how == FEEDBACK_SUCCESS;
    return ack == C2D_ACK_FULL || ack == (is_good ? C2D_ACK_POSITIVE : C2D_ACK_NEGATIVE);
}

enum iothub_status hub_feedback_record(struct hub *hub, const struct store_c2d *message,
                                       enum feedback_status how)
{
    struct store_identity sender;
    if (!is_wanted(message->ack, how)) {
        return IOTHUB_OK;
    }
    if (store_identity_get_by_seq(hub->store, message->identity_seq, &sender) != 0) {
        return hub_store_failed(hub);
    }
    struct store_feedback record = {
        .identity_seq = message->identity_seq,
        .at_ms = hub->now.at_ms,
        .status = how,
        .generation = sender.generation,
        .device_id = slice_of(sender.device_id),
    };
    if (message->has_message_id) {
        record.message_id = slice_of(message->message_id);
    }
    return store_feedback_insert(hub->store, FEEDBACK_ON_MESSAGES, &record) == 0
               ? IOTHUB_OK
               : hub_store_failed(hub);
}

enum iothub_status hub_file_notification_record(struct hub *hub, struct slice body)
{
    const struct store_feedback record = {
        .at_ms = hub->now.at_ms, .device_id = SLICE(""), .body = body};
    return store_feedback_insert(hub->store, FEEDBACK_ON_FILES, &record) == 0
               ? IOTHUB_OK
               : hub_store_failed(hub);
}

/* The texts are what the SDKs' enums and the Azure CLI's tests have. */
static const struct {
    const char *code;
    const char *description;
} texts[] = {
    [FEEDBACK_SUCCESS] = {"Success",               "Success"              },
    [FEEDBACK_EXPIRED] = {"Expired",               "Expired"              },
    [FEEDBACK_DELIVERY_COUNT_EXCEEDED] = {"DeliveryCountExceeded", "DeliveryCountExceeded"},
    [FEEDBACK_REJECTED] = {"Rejected",              "Message rejected"     },
    [FEEDBACK_PURGED] = {"Purged",                "Purged"               },
};

static void put_record(struct buf *out, const struct store_feedback *record)
{
    char time[ISO8601_MAX];
    buf_put_text(out, "{\"originalMessageId\":");
    if (record->message_id.data == NULL) {
        buf_put_text(out, "null");
    } else {
        json_put_string(out, record->message_id);
    }
    buf_putf(out, ",\"description\":\"%s\",\"statusCode\":\"%s\",\"deviceId\":",
             texts[record->status].description, texts[record->status].code);
    json_put_string(out, record->device_id);
    buf_putf(out, ",\"deviceGenerationId\":\"%" PRId64 "\",\"enqueuedTimeUtc\":\"%s\"}",
             record->generation, iso8601_format(time, record->at_ms));
}

/* ---- batches ---- */

void hub_service_queues_init(struct hub *hub, const struct hub_options *options)
{
    const struct hub_file_settings *files = &options->files;
    hub->service_queues[FEEDBACK_ON_MESSAGES] = (struct hub_service_queue){
        .which = FEEDBACK_ON_MESSAGES,
        .most = FEEDBACK_BATCH,
        .patience_ms = FEEDBACK_BATCH_S * 1000LL,
        .lock_ms = C2D_LOCK_S * 1000LL,
        .ttl_ms = FEEDBACK_TTL_S * 1000LL,
        .deliveries = FEEDBACK_DELIVERIES,
    };
    hub->service_queues[FEEDBACK_ON_FILES] = (struct hub_service_queue){
        .which = FEEDBACK_ON_FILES,
        .most = 1,
        .lock_ms = files->notification_lock_ms,
        .ttl_ms = files->notification_ttl_ms,
        .deliveries = files->notification_deliveries,
    };
}

/* Make a batch of the loose records when there are enough of them, or the first has waited. */
static enum iothub_status cut(struct hub *hub, const struct hub_service_queue *queue)
{
    struct store_feedback_loose loose;
    if (store_feedback_loose(hub->store, queue->which, queue->most, &loose) != 0) {
        return hub_store_failed(hub);
    }
    int64_t waited_ms = hub->now.at_ms - loose.oldest_ms;
    if (loose.n == 0 || (loose.n < queue->most && waited_ms < queue->patience_ms)) {
        return IOTHUB_OK;
    }
    return store_feedback_cut(hub->store, queue->which, &loose) == 0 ? IOTHUB_OK
                                                                     : hub_store_failed(hub);
}

/* The first batch that is not handed out: 0, STORE_NO_ROW or a negative errno. */
static int find_free(struct hub *hub, const struct hub_service_queue *queue,
                     struct hub_feedback *out)
{
    struct hub_feedback batch = {0};
    int found = 0;
    while ((found = store_feedback_next_batch(hub->store, queue->which, batch.id, &batch.id,
                                              &batch.delivery_count)) == 0) {
        if (hub_lock_of(&queue->locks, batch.id) == NULL) {
            *out = batch;
            return 0;
        }
    }
    return found;
}

/* A list of records, or the one text that is the batch. */
static enum iothub_status read_batch(struct hub *hub, const struct hub_service_queue *queue,
                                     struct hub_feedback *batch, struct buf *body)
{
    struct store_feedback record = {0};
    bool is_list = queue->most > 1;
    int found = 0;
    buf_put_text(body, is_list ? "[" : "");
    while ((found = store_feedback_next(hub->store, queue->which, batch->id, record.seq,
                                        &record)) == 0) {
        buf_put_text(body, batch->n_records == 0 ? "" : ",");
        if (record.body.data == NULL) {
            put_record(body, &record);
        } else {
            buf_put_slice(body, record.body);
        }
        batch->n_records++;
        batch->enqueued_ms = record.at_ms;
    }
    buf_put_text(body, is_list ? "]" : "");
    return found < 0 ? hub_store_failed(hub) : IOTHUB_OK;
}

static void on_lock_timeout(struct hub *hub, struct hub_timer *timer)
{
    struct hub_lock *lock = CONTAINER_OF(timer, struct hub_lock, timer);
    hub_lock_drop(hub, &hub->service_queues[lock->queue].locks, lock);
}

static enum iothub_status next(struct hub *hub, struct hub_service_queue *queue,
                               struct buf *body, struct hub_feedback *out)
{
    struct hub_feedback batch = {0};
    enum iothub_status status = cut(hub, queue);
    if (status != IOTHUB_OK) {
        return status;
    }
    int found = find_free(hub, queue, &batch);
    if (found == 0) {
        status = read_batch(hub, queue, &batch, body);
    } else if (found != STORE_NO_ROW) {
        status = hub_store_failed(hub);
    }
    if (status != IOTHUB_OK || found != 0) {
        *out = (struct hub_feedback){0};
        return status;
    }
    struct hub_lock *lock = hub_lock_take(&queue->locks, batch.id, queue->which);
    lock->timer.fire = on_lock_timeout;
    hub_set_timer(hub, &lock->timer, hub->now.now_ms + queue->lock_ms);
    batch.lock_token = lock->token;
    *out = batch;
    return IOTHUB_OK;
}

/* The batch may be gone with its device, or with time: that is no matter any more. */
static enum iothub_status settle_batch(struct hub *hub, const struct hub_service_queue *queue,
                                       int64_t id, bool is_completed)
{
    struct hub_feedback batch = {0};
    int rc = store_feedback_next_batch(hub->store, queue->which, id - 1, &batch.id,
                                       &batch.delivery_count);
    if (rc == STORE_NO_ROW || (rc == 0 && batch.id != id)) {
        return IOTHUB_OK;
    }
    if (rc == 0 && (is_completed || batch.delivery_count + 1 >= queue->deliveries)) {
        rc = store_feedback_delete(hub->store, queue->which, id);
    } else if (rc == 0) {
        rc = store_feedback_return(hub->store, queue->which, id);
    }
    return rc == 0 ? IOTHUB_OK : hub_store_failed(hub);
}

static enum iothub_status settle(struct hub *hub, struct hub_service_queue *queue,
                                 struct slice token, bool is_completed)
{
    struct hub_lock *lock = hub_lock_by_token(&queue->locks, token);
    if (lock == NULL) {
        return hub_fail(hub, IOTHUB_DEVICE_MESSAGE_LOCK_LOST, "The lock is not held any more.");
    }
    int64_t id = lock->id;
    hub_lock_drop(hub, &queue->locks, lock);
    return settle_batch(hub, queue, id, is_completed);
}

/* ---- each of the two queues ---- */

enum iothub_status hub_feedback_next(struct hub *hub, struct buf *body,
                                     struct hub_feedback *out)
{
    return next(hub, &hub->service_queues[FEEDBACK_ON_MESSAGES], body, out);
}

enum iothub_status hub_feedback_settle(struct hub *hub, struct slice token, bool is_completed)
{
    return settle(hub, &hub->service_queues[FEEDBACK_ON_MESSAGES], token, is_completed);
}

enum iothub_status hub_file_notification_next(struct hub *hub, struct buf *body,
                                              struct hub_feedback *out)
{
    return next(hub, &hub->service_queues[FEEDBACK_ON_FILES], body, out);
}

enum iothub_status hub_file_notification_settle(struct hub *hub, struct slice token,
                                                bool is_completed)
{
    return settle(hub, &hub->service_queues[FEEDBACK_ON_FILES], token, is_completed);
}
