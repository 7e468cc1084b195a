/*
 * Queues of cloud-to-device messages: a message waits for its device, is handed out under a
 * lock, and ends completed or dead-lettered. Source: IoT Hub documentation, "Understand
 * cloud-to-device messaging from an IoT hub".
 */
#include "store/c2d.h"
#include "hub/c2d_message.h"
#include "hub/core.h"
#include "hub/lock.h"
#include "iothub/limits.h"

enum {
    EXPIRY_CHUNK = 500, /* messages that one turn lets expire at most */
    RECHECK_MS = 60000, /* wall time may have jumped while a timer waited */
};

/* ---- the end of a message ---- */

static enum iothub_status stored(struct hub *hub, int rc)
{
    return rc == 0 ? IOTHUB_OK : hub_store_failed(hub);
}

/* Completed or dead-lettered: the sender is told if it wants to know. */
static enum iothub_status end(struct hub *hub, const struct store_c2d *message,
                              enum feedback_status how)
{
    enum iothub_status status = hub_feedback_record(hub, message, how);
    if (status == IOTHUB_OK) {
        status = stored(hub, store_c2d_delete(hub->store, message->seq));
    }
    hub_lock_drop(hub, &hub->message_locks, hub_lock_of(&hub->message_locks, message->seq));
    return status;
}

static bool has_expired(const struct hub *hub, const struct store_c2d *message)
{
    return message->expires_ms <= hub->now.at_ms;
}

/* ---- expiry ---- */

/* Be there when the message expires. */
static void watch(struct hub *hub, const struct store_c2d *message)
{
    struct hub_timer *timer = &hub->message_expiry;
    int64_t wait_ms = message->expires_ms - hub->now.at_ms;
    wait_ms = wait_ms < RECHECK_MS ? wait_ms : RECHECK_MS;
    int64_t due_ms = hub->now.now_ms + (wait_ms > 0 ? wait_ms : 0);
    /* The walk goes on behind what it has passed, so it must not have passed this one. */
    if (message->expires_ms <= hub->expired_ms) {
        hub->expired_ms = message->expires_ms - 1;
        hub->expired_seq = INT64_MAX;
    }
    if (!deadline_is_set(&timer->deadline) || due_ms < timer->deadline.due_ms) {
        hub_set_timer(hub, timer, due_ms);
    }
}

/*
 * A message that is handed out does not expire: whoever gives it back sees to that.  So it is
 * passed, and not looked at again.
 */
static void expire(struct hub *hub, struct hub_timer *timer)
{
    struct store_c2d message;
    int n = 0;
    while (store_c2d_next_expiry(hub->store, hub->expired_ms, hub->expired_seq, &message) ==
           0) {
        if (!has_expired(hub, &message)) {
            watch(hub, &message);
            return;
        }
        if (++n > EXPIRY_CHUNK) {
            hub_set_timer(hub, timer, hub->now.now_ms + 1);
            return;
        }
        hub->expired_ms = message.expires_ms;
        hub->expired_seq = message.seq;
        if (hub_lock_of(&hub->message_locks, message.seq) == NULL) {
            /* A failure breaks the store, and the turn's commit tells of it. */
            (void)!end(hub, &message, FEEDBACK_EXPIRED);
        }
    }
}

void hub_messages_start(struct hub *hub)
{
    hub->expired_ms = INT64_MIN;
    hub->message_expiry.fire = expire;
    hub_set_timer(hub, &hub->message_expiry, hub->now.now_ms);
}

/* ---- handing out ---- */

/*
 * The first message behind a place of the queue that may be handed out; 0, STORE_NO_ROW or a
 * negative errno.  What has expired on the way ends.
 */
static int find_free(struct hub *hub, int64_t queue, int64_t after_seq, struct store_c2d *out)
{
    struct store_c2d message = {.seq = after_seq};
    int found = 0;
    while ((found = store_c2d_next(hub->store, queue, message.seq, &message)) == 0) {
        if (hub_lock_of(&hub->message_locks, message.seq) != NULL) {
            continue;
        }
        if (!has_expired(hub, &message)) {
            *out = message;
            return 0;
        }
        if (end(hub, &message, FEEDBACK_EXPIRED) != IOTHUB_OK) {
            return -1;
        }
    }
    return found;
}

static enum iothub_status open_message(struct hub *hub, const struct store_c2d *message,
                                       const struct hub_lock *lock, struct hub_message *out)
{
    struct store_c2d_content content;
    if (store_c2d_read(hub->store, message->seq, &content) != 0) {
        return hub_store_failed(hub);
    }
    *out = (struct hub_message){
        .id = message->seq,
        .sequence = message->sequence,
        .enqueued_ms = message->enqueued_ms,
        .delivery_count = message->delivery_count,
        .was_sent = message->was_sent || message->delivery_count > 0,
        .lock_token = lock->token,
        .properties = content.properties,
        .body = content.body,
    };
    return IOTHUB_OK;
}

static enum hub_taken offer(struct hub *hub, struct hub_peer *peer,
                            const struct store_c2d *message)
{
    struct hub_message opened;
    struct hub_lock *lock = hub_lock_take(&hub->message_locks, message->seq, peer->seq);
    enum hub_taken taken = HUB_FULL;
    if (open_message(hub, message, lock, &opened) == IOTHUB_OK) {
        taken = peer->ops->message(peer, &opened);
    }
    switch (taken) {
    case HUB_TAKEN:
        hub_lock_give(lock, peer);
        peer->active_ms = hub->now.at_ms;
        break;
    case HUB_DONE:
        peer->active_ms = hub->now.at_ms;
        (void)!end(hub, message, FEEDBACK_SUCCESS);
        break;
    case HUB_FULL:
    case HUB_UNWANTED:
        hub_lock_drop(hub, &hub->message_locks, lock);
        break;
    }
    return taken;
}

void hub_messages_deliver(struct hub *hub, struct hub_peer *peer)
{
    struct store_c2d message = {0};
    enum hub_taken taken = HUB_TAKEN;
    while (taken != HUB_FULL && (peer->interests & HUB_WANTS_MESSAGES) != 0 &&
           find_free(hub, peer->seq, message.seq, &message) == 0) {
        taken = offer(hub, peer, &message);
    }
}

/* Whoever is connected and waits for messages gets what is free in that queue. */
static void deliver_to(struct hub *hub, struct identity id)
{
    struct hub_peer *peer = hub_find_peer(hub, id);
    if (peer != NULL) {
        hub_messages_deliver(hub, peer);
    }
}

void hub_peer_ready(struct hub *hub, struct hub_peer *peer)
{
    if (peer->is_attached) {
        hub_messages_deliver(hub, peer);
    }
}

/* ---- back into the queue ---- */

/* The message has no lock any more: it is there for who comes next, or expires at once. */
static enum iothub_status put_back(struct hub *hub, const struct store_c2d *message)
{
    struct store_identity record;
    watch(hub, message);
    if (store_identity_get_by_seq(hub->store, message->identity_seq, &record) != 0) {
        return hub_store_failed(hub);
    }
    deliver_to(hub, store_identity_id(&record));
    return IOTHUB_OK;
}

static void on_lock_timeout(struct hub *hub, struct hub_timer *timer)
{
    struct hub_lock *lock = CONTAINER_OF(timer, struct hub_lock, timer);
    struct store_c2d message;
    int found = store_c2d_get(hub->store, lock->id, &message);
    hub_lock_drop(hub, &hub->message_locks, lock);
    if (found == 0) {
        (void)!put_back(hub, &message);
    }
}

/* How often a message was handed out counts only when it comes back by its receiver's will. */
static enum iothub_status abandon(struct hub *hub, struct store_c2d *message)
{
    message->delivery_count++;
    if (message->delivery_count >= C2D_DELIVERIES) {
        return end(hub, message, FEEDBACK_DELIVERY_COUNT_EXCEEDED);
    }
    hub_lock_drop(hub, &hub->message_locks, hub_lock_of(&hub->message_locks, message->seq));
    int rc = store_c2d_set_delivery_count(hub->store, message->seq, message->delivery_count);
    return rc == 0 ? put_back(hub, message) : hub_store_failed(hub);
}

void hub_messages_lost(struct hub *hub, struct hub_peer *peer)
{
    while (peer->locks != NULL) {
        struct hub_lock *lock = peer->locks;
        struct store_c2d message;
        int found = store_c2d_get(hub->store, lock->id, &message);
        hub_lock_drop(hub, &hub->message_locks, lock);
        if (found == 0) {
            (void)!store_c2d_set_sent(hub->store, message.seq);
            watch(hub, &message);
        }
    }
}

/* ---- settling ---- */

static enum iothub_status lock_lost(struct hub *hub)
{
    return hub_fail(hub, IOTHUB_DEVICE_MESSAGE_LOCK_LOST,
                    "The lock of the message is not held any more.");
}

static enum iothub_status settle(struct hub *hub, const struct hub_lock *lock,
                                 enum hub_outcome outcome)
{
    struct store_c2d message;
    int found = store_c2d_get(hub->store, lock->id, &message);
    if (found != 0) {
        return found == STORE_NO_ROW ? lock_lost(hub) : hub_store_failed(hub);
    }
    switch (outcome) {
    case HUB_COMPLETED:
        return end(hub, &message, FEEDBACK_SUCCESS);
    case HUB_REJECTED:
        return end(hub, &message, FEEDBACK_REJECTED);
    case HUB_ABANDONED:
        return abandon(hub, &message);
    }
    return IOTHUB_OK;
}

void hub_peer_settle(struct hub *hub, struct hub_peer *peer, int64_t id,
                     enum hub_outcome outcome)
{
    const struct hub_lock *lock = hub_lock_of(&hub->message_locks, id);
    if (!peer->is_attached) {
        return;
    }
    peer->active_ms = hub->now.at_ms;
    if (lock != NULL && lock->peer == peer) {
        (void)!settle(hub, lock, outcome);
    }
    hub_messages_deliver(hub, peer);
}

enum iothub_status hub_c2d_settle(struct hub *hub, struct slice device_id, struct slice token,
                                  enum hub_outcome outcome)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, identity_of_device(device_id), &record);
    if (status != IOTHUB_OK) {
        return status;
    }
    const struct hub_lock *lock = hub_lock_by_token(&hub->message_locks, token);
    if (lock == NULL || lock->queue != record.seq) {
        return lock_lost(hub);
    }
    hub_touch(hub, record.seq, store_identity_id(&record));
    return settle(hub, lock, outcome);
}

/* ---- a service's and a device's calls ---- */

static enum iothub_status check_queue(struct hub *hub, const struct store_identity *record)
{
    if (!record->is_enabled) {
        return hub_fail(hub, IOTHUB_DEVICE_NOT_FOUND, "%s", record->device_id);
    }
    if (record->message_count >= LIMIT_C2D_QUEUE) {
        return hub_fail(hub, IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED,
                        "Device Queue depth cannot exceed %d messages", LIMIT_C2D_QUEUE);
    }
    return IOTHUB_OK;
}

enum iothub_status hub_c2d_send(struct hub *hub, struct slice device_id,
                                const struct message *message)
{
    struct store_identity record;
    struct store_c2d row;
    struct buf *properties = &hub->scratch[0];
    struct identity id = identity_of_device(device_id);
    enum iothub_status status = hub_find_identity(hub, id, &record);
    if (status == IOTHUB_OK) {
        status = check_queue(hub, &record);
    }
    if (status == IOTHUB_OK) {
        status = c2d_message_read(hub, device_id, message, &row, properties);
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    const struct store_c2d_content content = {buf_slice(properties), message->body};
    row.identity_seq = record.seq;
    if (store_c2d_insert(hub->store, &row, &content) != 0) {
        return hub_store_failed(hub);
    }
    watch(hub, &row);
    deliver_to(hub, id);
    return IOTHUB_OK;
}

enum iothub_status hub_c2d_next(struct hub *hub, struct slice device_id,
                                struct hub_message *out)
{
    struct store_identity record;
    struct store_c2d message;
    enum iothub_status status = hub_find_identity(hub, identity_of_device(device_id), &record);
    if (status != IOTHUB_OK) {
        return status;
    }
    int found = find_free(hub, record.seq, 0, &message);
    if (found != 0) {
        *out = (struct hub_message){0};
        return found == STORE_NO_ROW ? IOTHUB_OK : hub_store_failed(hub);
    }
    struct hub_lock *lock = hub_lock_take(&hub->message_locks, message.seq, record.seq);
    lock->timer.fire = on_lock_timeout;
    hub_set_timer(hub, &lock->timer, hub->now.now_ms + C2D_LOCK_S * 1000LL);
    hub_touch(hub, record.seq, store_identity_id(&record));
    return open_message(hub, &message, lock, out);
}

enum iothub_status hub_c2d_purge(struct hub *hub, struct slice device_id, int64_t *out_n)
{
    struct store_identity record;
    struct store_c2d message = {0};
    int64_t n = 0;
    int found = 0;
    enum iothub_status status = hub_find_identity(hub, identity_of_device(device_id), &record);
    while (status == IOTHUB_OK &&
           (found = store_c2d_next(hub->store, record.seq, message.seq, &message)) == 0) {
        status = end(hub, &message, FEEDBACK_PURGED);
        n++;
    }
    if (status == IOTHUB_OK && found < 0) {
        return hub_store_failed(hub);
    }
    if (status == IOTHUB_OK) {
        *out_n = n;
    }
    return status;
}

void hub_messages_forget(struct hub *hub, int64_t queue)
{
    struct store_c2d message = {0};
    while (store_c2d_next(hub->store, queue, message.seq, &message) == 0) {
        hub_lock_drop(hub, &hub->message_locks, hub_lock_of(&hub->message_locks, message.seq));
    }
}
