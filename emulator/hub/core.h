/*
 * What the files of this folder share: the hub's own state and the ways to fail.
 */
#ifndef HUB_CORE_H
#define HUB_CORE_H

#include "base/deadline.h"
#include "hub/hub.h"
#include "store/identities.h"
#include "store/store.h"
#include "store/twins.h"

struct method_call;
struct job_runner;

struct hub {
    struct store *store;
    struct moment now;
    struct buf error;

    char **names;
    size_t n_names;
    struct hub_policy *policies; /* texts owned */
    size_t n_policies;
    int64_t token_grace_ms;

    struct deadline_heap timers;
    struct hub_peer *peers;     /* by key */
    struct method_call *calls;  /* by id */
    struct method_call *waiting; /* for their device to come */
    uint64_t last_call;
    struct job_runner *runners; /* by the job's seq */

    int64_t event_retention_ms;
    int64_t event_retention_count;
    int64_t *event_sequences; /* the last of each partition, -1 for none; read once */
    struct hub_timer expiry;  /* old events and jobs */

    struct buf scratch[2]; /* for texts that live within one call */
};

/* Write the sentence for the answer; returns `status`. */
enum iothub_status hub_fail(struct hub *hub, enum iothub_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Translate a store's answer that is not 0. */
enum iothub_status hub_store_failed(struct hub *hub);

void hub_set_timer(struct hub *hub, struct hub_timer *timer, int64_t due_ms);
void hub_clear_timer(struct hub *hub, struct hub_timer *timer);

/*
 * Run `work` on a mark of the store: what it wrote stays only when it answers IOTHUB_OK.
 */
typedef enum iothub_status hub_work(struct hub *hub, void *ctx);
MUST_CHECK enum iothub_status hub_all_or_nothing(struct hub *hub, hub_work *work, void *ctx);

/* The identity's record, or IOTHUB_DEVICE_NOT_FOUND / IOTHUB_MODULE_NOT_FOUND. */
MUST_CHECK enum iothub_status hub_find_identity(struct hub *hub, struct identity id,
                                                struct store_identity *out);

/* auth.c, hub.c, presence.c, method.c, job_run.c, events.c */
void hub_close_peer(struct hub *hub, struct identity id, enum iothub_status why);
struct hub_peer *hub_find_peer(const struct hub *hub, struct identity id);
void hub_deliver_waiting(struct hub *hub, struct hub_peer *peer);
void hub_calls_lost(struct hub *hub, struct hub_peer *peer);
void hub_calls_finish(struct hub *hub);
void hub_runners_finish(struct hub *hub);
MUST_CHECK bool hub_runners_resume(struct hub *hub);
void hub_start_expiry(struct hub *hub);
MUST_CHECK bool hub_event_sequences_load(struct hub *hub);

/* Wall time as .NET ticks, 100 ns since the year 1. */
int64_t hub_ticks(int64_t at_ms);

#endif
