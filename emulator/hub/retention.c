/*
 * What is removed with time: events, feedback, and jobs that ended long ago.
 */
#include "hub/core.h"
#include "iothub/limits.h"
#include "store/events.h"
#include "store/feedback.h"
#include "store/jobs.h"
#include "store/uploads.h"

enum {
    EVERY_MS = 10000,
    CHUNK = 2000, /* rows one turn removes at most */
    HURRY_MS = 50,
};

/* IoT Hub documentation, "Schedule jobs on multiple devices": job history is kept for 30 days.
 */
#define JOB_RETENTION_MS (30LL * 24 * 3600 * 1000)

/* A failing write breaks the store; the turn's commit then ends the process. */
static void remove_old(struct hub *hub, struct hub_timer *timer)
{
    int64_t before_ms = hub->now.at_ms - hub->event_retention_ms;
    int removed = store_event_expire(hub->store, before_ms, hub->event_retention_count, CHUNK);
    bool has_more = removed == CHUNK;
    has_more |= store_job_expire(hub->store, hub->now.at_ms - JOB_RETENTION_MS) == 0;
    has_more |= store_job_row_expire(hub->store, CHUNK) == 0;
    has_more |= store_upload_forget(hub->store, hub->now.at_ms, CHUNK) >= CHUNK;
    for (size_t i = 0; i < FEEDBACK_QUEUES; i++) {
        const struct hub_service_queue *queue = &hub->service_queues[i];
        has_more |= store_feedback_expire(hub->store, queue->which,
                                          hub->now.at_ms - queue->ttl_ms,
                                          LIMIT_FEEDBACK_RECORDS, CHUNK) >= CHUNK;
    }
    /* Others have their turns in between. */
    hub_set_timer(hub, timer, hub->now.now_ms + (has_more ? HURRY_MS : EVERY_MS));
}

void hub_start_expiry(struct hub *hub)
{
    hub->expiry.fire = remove_old;
    hub_set_timer(hub, &hub->expiry, hub->now.now_ms + EVERY_MS);
}
