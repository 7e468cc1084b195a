/*
 * Locks in two hash tables, by what they lock and by their token.
 */
#include "hub/lock.h"

#include <utlist.h>

#include "base/mem.h"
#include "hub/core.h"

struct hub_lock *hub_lock_take(struct hub_lock_table *table, int64_t id, int64_t queue)
{
    struct hub_lock *lock = mem_alloc(sizeof(*lock));
    lock->id = id;
    lock->queue = queue;
    random_guid(lock->token);
    HASH_ADD(hh, table->by_id, id, sizeof(lock->id), lock);
    HASH_ADD(hh_token, table->by_token, token, GUID_LEN, lock);
    return lock;
}

void hub_lock_give(struct hub_lock *lock, struct hub_peer *peer)
{
    lock->peer = peer;
    DL_APPEND(peer->locks, lock);
}

struct hub_lock *hub_lock_of(const struct hub_lock_table *table, int64_t id)
{
    struct hub_lock *lock = NULL;
    HASH_FIND(hh, table->by_id, &id, sizeof(id), lock);
    return lock;
}

struct hub_lock *hub_lock_by_token(const struct hub_lock_table *table, struct slice token)
{
    struct hub_lock *lock = NULL;
    if (token.len == GUID_LEN) {
        HASH_FIND(hh_token, table->by_token, token.data, GUID_LEN, lock);
    }
    return lock;
}

void hub_lock_drop(struct hub *hub, struct hub_lock_table *table, struct hub_lock *lock)
{
    if (lock == NULL) {
        return;
    }
    HASH_DELETE(hh, table->by_id, lock);
    HASH_DELETE(hh_token, table->by_token, lock);
    if (lock->peer != NULL) {
        DL_DELETE(lock->peer->locks, lock);
    }
    hub_clear_timer(hub, &lock->timer);
    free(lock);
}

void hub_locks_finish(struct hub *hub, struct hub_lock_table *table)
{
    struct hub_lock *lock = table->by_id;
    /* The tables go first: what they held is still a list. */
    HASH_CLEAR(hh, table->by_id);
    HASH_CLEAR(hh_token, table->by_token);
    while (lock != NULL) {
        struct hub_lock *next = lock->hh.next;
        hub_clear_timer(hub, &lock->timer);
        free(lock);
        lock = next;
    }
}
