/*
 * Direct methods that the application answers later.
 *
 * A call lives no longer than the connection it came over, since its id means nothing on
 * another one, and no longer than the caller can wait.
 */
#ifndef DEVICE_SRC_CALLS_H
#define DEVICE_SRC_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct call {
    struct call *next;
    uint64_t id;
    char *rid;
    int64_t due_ms;
};

/* {0} is empty. */
struct calls {
    struct call *first;
    struct call *last;
    size_t n_items;
    uint64_t last_id;
};

/* Forget all: the end of a connection or of the client. */
void calls_clear(struct calls *calls);

/* Remember a call until due_ms; the oldest gives way when there are too many. */
uint64_t calls_add(struct calls *calls, struct slice rid, int64_t due_ms);

/* The hub's id of a call, which is forgotten; NULL when it is not known; the caller frees it.
 */
char *calls_take(struct calls *calls, uint64_t id);

/* Forget what is due. */
void calls_expire(struct calls *calls, int64_t now_ms);

#endif
