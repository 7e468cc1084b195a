/*
 * Cloud-to-device messages that wait for their device, in queues by identity.
 *
 * A row is a message that is neither completed nor dead-lettered.  Which of them are handed out
 * at the moment is not known here: locks live in memory, so that a restart returns every
 * message to its queue.
 */
#ifndef STORE_C2D_H
#define STORE_C2D_H

#include <stdbool.h>
#include <stdint.h>

#include "iothub/limits.h"
#include "store/store.h"

/* Which outcomes the sender wants to hear of. */
enum c2d_ack {
    C2D_ACK_NONE,
    C2D_ACK_POSITIVE,
    C2D_ACK_NEGATIVE,
    C2D_ACK_FULL,
};

/* What is known of a message without its content; a plain value. */
struct store_c2d {
    int64_t seq;          /* order of sending in all queues; never used again */
    int64_t identity_seq; /* whose queue it is in */
    int64_t sequence;     /* within the queue, from 1; never used again */
    int64_t enqueued_ms;
    int64_t expires_ms;
    enum c2d_ack ack;
    int64_t delivery_count;
    bool was_sent; /* a connection had it and ended without acknowledging it */
    bool has_message_id;
    char message_id[LIMIT_MESSAGE_ID_CHARS + 1];
};

/* Borrowed: on writing for the call, on reading until the next content is read or the commit.
 */
struct store_c2d_content {
    struct slice properties; /* a property bag in encoded form, system properties as "$.name" */
    struct slice body;
};

/*
 * Sets seq, and in the row the queue's next sequence number.  The identity's message_count
 * follows the rows by itself.
 */
MUST_CHECK int store_c2d_insert(struct store *store, struct store_c2d *message,
                                const struct store_c2d_content *content);

MUST_CHECK int store_c2d_get(struct store *store, int64_t seq, struct store_c2d *out);
MUST_CHECK int store_c2d_read(struct store *store, int64_t seq, struct store_c2d_content *out);

/* The first message of a queue behind after_seq; STORE_NO_ROW at the end. */
MUST_CHECK int store_c2d_next(struct store *store, int64_t identity_seq, int64_t after_seq,
                              struct store_c2d *out);

/* The message that expires first, behind the place that expires_ms and seq of another give. */
MUST_CHECK int store_c2d_next_expiry(struct store *store, int64_t after_ms, int64_t after_seq,
                                     struct store_c2d *out);

MUST_CHECK int store_c2d_set_delivery_count(struct store *store, int64_t seq, int64_t count);
MUST_CHECK int store_c2d_set_sent(struct store *store, int64_t seq);
MUST_CHECK int store_c2d_delete(struct store *store, int64_t seq);

#endif
