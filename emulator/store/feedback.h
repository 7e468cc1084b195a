/*
 * What waits for the service: records of what became of cloud-to-device messages, and
 * notifications of uploaded files, each in a queue of its own.
 *
 * A record is loose until it is cut into a batch; a batch is handed out and settled as a whole.
 */
#ifndef STORE_FEEDBACK_H
#define STORE_FEEDBACK_H

#include <stdint.h>

#include "store/store.h"

enum feedback_queue {
    FEEDBACK_ON_MESSAGES,
    FEEDBACK_ON_FILES,
};
#define FEEDBACK_QUEUES 2

enum feedback_status {
    FEEDBACK_SUCCESS,
    FEEDBACK_EXPIRED,
    FEEDBACK_DELIVERY_COUNT_EXCEEDED,
    FEEDBACK_REJECTED,
    FEEDBACK_PURGED,
};

/* Texts are borrowed: on writing for the call, on reading until the next read or the commit. */
struct store_feedback {
    int64_t seq;          /* on reading */
    int64_t identity_seq; /* 0: it does not go with any */
    int64_t at_ms;
    enum feedback_status status;
    int64_t generation;
    struct slice device_id;
    struct slice message_id; /* data NULL when the message had none */
    struct slice body;       /* data NULL where the fields say all */
};

MUST_CHECK int store_feedback_insert(struct store *store, enum feedback_queue queue,
                                     const struct store_feedback *record);

/* The loose records at the front of the line, at most `most` of them. */
struct store_feedback_loose {
    int64_t n;
    int64_t oldest_ms;
    int64_t first_seq;
    int64_t last_seq;
};

MUST_CHECK int store_feedback_loose(struct store *store, enum feedback_queue queue, int most,
                                    struct store_feedback_loose *out);

/* Make one batch of them, which is known by first_seq from then on. */
MUST_CHECK int store_feedback_cut(struct store *store, enum feedback_queue queue,
                                  const struct store_feedback_loose *loose);

/* The first batch behind after_batch (0 first), and how often it was given back. */
MUST_CHECK int store_feedback_next_batch(struct store *store, enum feedback_queue queue,
                                         int64_t after_batch, int64_t *out_batch,
                                         int64_t *out_delivery_count);

/* The first record of a batch behind after_seq. */
MUST_CHECK int store_feedback_next(struct store *store, enum feedback_queue queue,
                                   int64_t batch, int64_t after_seq,
                                   struct store_feedback *out);

/* Count a batch's return; the count before it is in the next batch's answer. */
MUST_CHECK int store_feedback_return(struct store *store, enum feedback_queue queue,
                                     int64_t batch);

/* STORE_NO_ROW when the batch is not there any more. */
MUST_CHECK int store_feedback_delete(struct store *store, enum feedback_queue queue,
                                     int64_t batch);

/*
 * Remove at most `most` records of a queue that are older than before_ms, and as many that are
 * not among the last `keep`, loose or not.
 * @return how many were removed, or a negative errno.
 */
MUST_CHECK int store_feedback_expire(struct store *store, enum feedback_queue queue,
                                     int64_t before_ms, int64_t keep, int most);

#endif
