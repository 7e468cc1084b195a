/*
 * Reading the log of events, and waiting for more of them.
 */
#include <utlist.h>

#include "hub/core.h"
#include "store/events.h"

enum iothub_status hub_event_next(struct hub *hub, int64_t after_offset, struct hub_event *out,
                                  bool *found)
{
    struct store_event event;
    int rc = store_event_next(hub->store, after_offset, &event);
    if (rc < 0) {
        return hub_store_failed(hub);
    }
    *found = rc == 0;
    if (*found) {
        *out = (struct hub_event){
            .offset = event.offset,
            .enqueued_ms = event.enqueued_ms,
            .partition = event.partition,
            .sequence = event.sequence,
            .from = event.from,
            .source = event.source,
            .properties = event.properties,
            .annotations = event.annotations,
            .body = event.body,
        };
    }
    return IOTHUB_OK;
}

enum iothub_status hub_event_last(struct hub *hub, int64_t *out_offset)
{
    return store_event_last_offset(hub->store, out_offset) == 0 ? IOTHUB_OK
                                                                : hub_store_failed(hub);
}

/* ---- waiting ---- */

static void wake(struct hub *hub, struct hub_event_waiter *waiter)
{
    hub_event_unwait(hub, waiter);
    waiter->wake(waiter);
}

static void on_time(struct hub *hub, struct hub_timer *timer)
{
    wake(hub, CONTAINER_OF(timer, struct hub_event_waiter, timer));
}

void hub_event_wait(struct hub *hub, struct hub_event_waiter *waiter, int64_t until_ms)
{
    hub_event_unwait(hub, waiter);
    waiter->is_waiting = true;
    waiter->round = hub->event_round;
    DL_APPEND(hub->event_waiters, waiter);
    waiter->timer.fire = on_time;
    hub_set_timer(hub, &waiter->timer, until_ms);
}

void hub_event_unwait(struct hub *hub, struct hub_event_waiter *waiter)
{
    if (waiter->is_waiting) {
        waiter->is_waiting = false;
        DL_DELETE(hub->event_waiters, waiter);
        hub_clear_timer(hub, &waiter->timer);
    }
}

/* Who waits again while being woken stands behind those that were there, with the next round.
 */
void hub_event_waiters_wake(struct hub *hub)
{
    if (!hub->has_new_events) {
        return;
    }
    hub->has_new_events = false;
    int64_t round = hub->event_round++;
    while (hub->event_waiters != NULL && hub->event_waiters->round <= round) {
        wake(hub, hub->event_waiters);
    }
}
