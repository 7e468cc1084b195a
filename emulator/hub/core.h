/*
 * What the files of this folder share: the hub's own state and the ways to fail.
 */
#ifndef HUB_CORE_H
#define HUB_CORE_H

#include "base/deadline.h"
#include "hub/hub.h"
#include "hub/lock.h"
#include "store/c2d.h"
#include "store/feedback.h"
#include "store/identities.h"
#include "store/store.h"
#include "store/twins.h"

struct configurations;
struct file_wait;
struct method_call;
struct job_runner;

/* A queue for the service: how it hands out, and what it has handed out. */
struct hub_service_queue {
    enum feedback_queue which;
    int most;            /* records of a batch */
    int64_t patience_ms; /* after which fewer are a batch, too */
    int64_t lock_ms;
    int64_t ttl_ms;
    int64_t deliveries;
    struct hub_lock_table locks;
};

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
    struct hub_peer *peers;      /* by key */
    int64_t n_devices_online;    /* of the peers, those that are no modules */
    struct method_call *calls;   /* by id */
    struct method_call *waiting; /* for their device to come */
    uint64_t last_call;
    int64_t last_generation;    /* of identities */
    struct job_runner *runners; /* by the job's seq */
    struct configurations *configurations;
    struct hub_lock_table message_locks;
    struct hub_service_queue service_queues[FEEDBACK_QUEUES];

    struct hub_file_settings files;
    struct hub_storage_link storage;
    struct file_wait *file_waits; /* by id */
    uint64_t last_file_wait;
    bool has_container; /* as far as is known */

    int64_t event_retention_ms;
    int64_t event_retention_count;
    int64_t *event_sequences; /* the last of each partition, -1 for none; read once */
    struct hub_timer expiry;  /* old events and jobs */
    bool has_new_events;      /* since the last commit */
    struct hub_event_waiter *event_waiters;
    struct hub_query_run *queries; /* that go on in the next turn */
    int64_t query_rows_left;       /* that queries may still look at in this turn */
    int64_t event_round;           /* how often waiters were woken */
    struct hub_timer message_expiry;
    int64_t expired_ms; /* messages up to this place by expiry are gone or handed out */
    int64_t expired_seq;

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

/* Whether the identity's device is enabled, which its modules hang on too. */
bool hub_device_is_enabled(struct hub *hub, struct identity id);

/* presence.c, method.c, job_run.c, events.c, retention.c */
void hub_close_peer(struct hub *hub, struct identity id, enum iothub_status why);
struct hub_peer *hub_find_peer(const struct hub *hub, struct identity id);
void hub_deliver_waiting(struct hub *hub, struct hub_peer *peer);
void hub_calls_lost(struct hub *hub, struct hub_peer *peer);
void hub_calls_finish(struct hub *hub);
void hub_runners_finish(struct hub *hub);
MUST_CHECK bool hub_runners_resume(struct hub *hub);
void hub_start_expiry(struct hub *hub);
MUST_CHECK bool hub_event_sequences_load(struct hub *hub);
void hub_event_waiters_wake(struct hub *hub); /* event_read.c; after a commit */

/* A message of an identity, connected or not; the last activity is the documents' own. */
void hub_touch(struct hub *hub, int64_t seq, struct identity id);

/* c2d.c, feedback.c */
void hub_service_queues_init(struct hub *hub, const struct hub_options *options);
void hub_messages_start(struct hub *hub);
void hub_messages_deliver(struct hub *hub, struct hub_peer *peer);
void hub_messages_lost(struct hub *hub, struct hub_peer *peer);
void hub_messages_forget(struct hub *hub, int64_t queue);
MUST_CHECK enum iothub_status
hub_feedback_record(struct hub *hub, const struct store_c2d *message, enum feedback_status how);
/* A notification whose text is made: it is the whole body when it is handed out. */
MUST_CHECK enum iothub_status hub_file_notification_record(struct hub *hub, struct slice body);

/* files.c */
void hub_files_finish(struct hub *hub);

/* twin.c: tags and desired properties that a new identity begins with. */
MUST_CHECK enum iothub_status hub_twin_begin(struct hub *hub, struct identity id,
                                             const json_t *body);

/* What changed about an identity, as bits. */
enum hub_touched {
    HUB_TOUCHED_SERVICE = 1, /* its record, tags or desired properties, or that it is new */
    HUB_TOUCHED_REPORTED = 2,
    HUB_TOUCHED_CONNECTION = 4, /* it came or went, or announced its model */
};

/* configuration_set.c, configuration_run.c, configuration_view.c */
MUST_CHECK bool hub_configurations_load(struct hub *hub);
void hub_configurations_finish(struct hub *hub);
void hub_configurations_touch(struct hub *hub, int64_t identity_seq, enum hub_touched what);
/* The object of a twin's "configurations"; false and nothing where none targets it. */
bool hub_configurations_put_statuses(const struct hub *hub, int64_t identity_seq,
                                     struct buf *out);

/*
 * twin.c: merge a patch into desired properties on behalf of configurations, which are not
 * looked at again because of it.
 */
MUST_CHECK enum iothub_status hub_twin_configure(struct hub *hub, struct identity id,
                                                 json_t *patch);

/* Wall time as .NET ticks, 100 ns since the year 1. */
int64_t hub_ticks(int64_t at_ms);

/* ---- queries that take several turns (query_pages.c) ---- */

void hub_queries_turn(struct hub *hub);
void hub_queries_tick(struct hub *hub);
void hub_queries_finish(struct hub *hub);

#endif
