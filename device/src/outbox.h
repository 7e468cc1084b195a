/*
 * Messages on their way to the hub, in the order they were sent.
 *
 * A message waits until there is a connection, is then handed to the MQTT library, which keeps
 * it and repeats it after a reconnection, and leaves the box when the hub acknowledges it.
 */
#ifndef DEVICE_SRC_OUTBOX_H
#define DEVICE_SRC_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "base/slice.h"
#include "iothub/device.h"

#define OUTBOX_MAX_BYTES ((size_t)64 * 1024 * 1024)

struct outbox_item {
    struct outbox_item *next;
    char *topic;   /* NULL once handed over */
    char *payload; /* as the topic */
    size_t payload_len;
    size_t size; /* what it counts in the box */
    int mid;     /* MQTT packet id once handed over */
    iothub_device_sent_fn fn;
    void *ctx;
};

/* {0} with max_items is an empty box. */
struct outbox {
    struct outbox_item *first;
    struct outbox_item *last;
    struct outbox_item *waiting; /* the first that is not handed over; none after it is */
    size_t n_items;
    size_t n_bytes;
    size_t max_items;
};

void outbox_finish(struct outbox *box);

bool outbox_has_room(const struct outbox *box, size_t size);

/* Append a message; topic and payload are copied. */
void outbox_add(struct outbox *box, struct slice topic, struct slice payload,
                iothub_device_sent_fn fn, void *ctx);

/* The first waiting item has been handed over under this packet id. */
void outbox_handed_over(struct outbox *box, int mid);

/*
 * Take out the item with that packet id.
 * @return NULL when there is none, as for packets that are no messages; else the caller frees
 * it.
 */
struct outbox_item *outbox_take(struct outbox *box, int mid);

void outbox_item_destroy(struct outbox_item *item);

#endif
