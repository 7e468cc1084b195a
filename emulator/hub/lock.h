/*
 * What was handed out and not settled yet: locks, each with a token, which go with the process.
 *
 * A lock belongs to a connection, and ends with it, or to nobody, and ends by its timer.
 */
#ifndef HUB_LOCK_H
#define HUB_LOCK_H

#include "base/hash.h"
#include "base/random.h"
#include "hub/peer.h"

struct hub_lock {
    int64_t id;    /* of what is locked */
    int64_t queue; /* the identity's whose queue it is in; of what waits for the service, which
                      queue */
    char token[GUID_LEN + 1];
    struct hub_peer *peer; /* NULL: nobody's */
    struct hub_timer timer;
    UT_hash_handle hh; /* by id */
    UT_hash_handle hh_token;
    struct hub_lock *prev; /* in the peer's locks */
    struct hub_lock *next;
};

/* {0} is an empty table. */
struct hub_lock_table {
    struct hub_lock *by_id;
    struct hub_lock *by_token;
};

/* A new lock on an id that has none; nobody's and without a timer. */
struct hub_lock *hub_lock_take(struct hub_lock_table *table, int64_t id, int64_t queue);

/* From then on it is among the peer's locks. */
void hub_lock_give(struct hub_lock *lock, struct hub_peer *peer);

/* NULL when there is none. */
struct hub_lock *hub_lock_of(const struct hub_lock_table *table, int64_t id);
struct hub_lock *hub_lock_by_token(const struct hub_lock_table *table, struct slice token);

/* NULL is allowed. */
void hub_lock_drop(struct hub *hub, struct hub_lock_table *table, struct hub_lock *lock);

void hub_locks_finish(struct hub *hub, struct hub_lock_table *table);

#endif
