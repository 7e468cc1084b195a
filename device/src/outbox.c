/*
 * A singly linked list with a mark: handed over before it, waiting from it on.
 */
#include "device/src/outbox.h"

#include <stdlib.h>

#include "base/mem.h"

void outbox_item_destroy(struct outbox_item *item)
{
    if (item == NULL) {
        return;
    }
    free(item->topic);
    free(item->payload);
    free(item);
}

void outbox_finish(struct outbox *box)
{
    if (box == NULL) {
        return;
    }
    while (box->first != NULL) {
        struct outbox_item *next = box->first->next;
        outbox_item_destroy(box->first);
        box->first = next;
    }
    *box = (struct outbox){.max_items = box->max_items};
}

bool outbox_has_room(const struct outbox *box, size_t size)
{
    return box->n_items < box->max_items && size <= OUTBOX_MAX_BYTES - box->n_bytes;
}

void outbox_add(struct outbox *box, struct slice topic, struct slice payload,
                iothub_device_sent_fn fn, void *ctx)
{
    struct outbox_item *item = mem_alloc(sizeof(*item));
    *item = (struct outbox_item){.topic = slice_dup(topic),
                                 .payload = slice_dup(payload),
                                 .payload_len = payload.len,
                                 .size = topic.len + payload.len,
                                 .fn = fn,
                                 .ctx = ctx};
    if (box->last != NULL) {
        box->last->next = item;
    } else {
        box->first = item;
    }
    box->last = item;
    if (box->waiting == NULL) {
        box->waiting = item;
    }
    box->n_items++;
    box->n_bytes += item->size;
}

void outbox_handed_over(struct outbox *box, int mid)
{
    struct outbox_item *item = box->waiting;
    item->mid = mid;
    free(item->topic);
    free(item->payload);
    item->topic = NULL;
    item->payload = NULL;
    box->waiting = item->next;
}

/* `before` is the item whose next it is, NULL for the first. */
static struct outbox_item *unlink_item(struct outbox *box, struct outbox_item *before,
                                       struct outbox_item *item)
{
    if (before != NULL) {
        before->next = item->next;
    } else {
        box->first = item->next;
    }
    if (box->last == item) {
        box->last = before;
    }
    box->n_items--;
    box->n_bytes -= item->size;
    return item;
}

struct outbox_item *outbox_take(struct outbox *box, int mid)
{
    struct outbox_item *before = NULL;
    for (struct outbox_item *i = box->first; i != box->waiting; i = i->next) {
        if (i->mid == mid) {
            return unlink_item(box, before, i);
        }
        before = i;
    }
    return NULL;
}
