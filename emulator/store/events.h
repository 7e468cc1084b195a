/*
 * The event log: what devices sent, in order, until retention removes it.
 */
#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include <stdint.h>

#include "iothub/identity.h"
#include "store/store.h"

/* Slices are borrowed: on writing for the call, on reading until the next read or commit. */
struct store_event {
    int64_t offset; /* of the whole log, growing */
    int64_t enqueued_ms;
    int partition;
    int64_t sequence; /* within the partition, from 0 */
    struct identity from;
    struct slice source;     /* "Telemetry" */
    struct slice properties; /* a property bag in encoded form, system properties as "$.name" */
    struct slice annotations; /* a JSON object: what the hub stamped */
    struct slice body;
};

/* Sets event->offset. */
MUST_CHECK int store_event_append(struct store *store, struct store_event *event);

/* The first event with an offset above after_offset. */
MUST_CHECK int store_event_next(struct store *store, int64_t after_offset,
                                struct store_event *out);

/* The offset of the newest event; 0 when there is none. */
MUST_CHECK int store_event_last_offset(struct store *store, int64_t *out);

/*
 * The highest sequence number a partition ever gave, also of events that are removed by now;
 * STORE_NO_ROW when it gave none.
 */
MUST_CHECK int store_event_last(struct store *store, int partition, int64_t *out_sequence);

/*
 * Remove at most `most` events that are older than before_ms or not among the last `keep`, the
 * oldest first and none behind one that stays.
 * @return how many were removed, or a negative errno.
 */
MUST_CHECK int store_event_expire(struct store *store, int64_t before_ms, int64_t keep,
                                  int most);

#endif
