/*
 * The list of methods to be answered, oldest first.
 */
#include "device/src/calls.h"

#include <stdlib.h>

#include "base/mem.h"
#include "iothub/limits.h"

static void drop_first(struct calls *calls)
{
    struct call *call = calls->first;
    calls->first = call->next;
    if (calls->first == NULL) {
        calls->last = NULL;
    }
    calls->n_items--;
    free(call->rid);
    free(call);
}

void calls_clear(struct calls *calls)
{
    while (calls->first != NULL) {
        drop_first(calls);
    }
}

uint64_t calls_add(struct calls *calls, struct slice rid, int64_t due_ms)
{
    if (calls->n_items == LIMIT_METHODS_IN_FLIGHT) {
        drop_first(calls);
    }
    struct call *call = mem_alloc(sizeof(*call));
    *call = (struct call){.id = ++calls->last_id, .rid = slice_dup(rid), .due_ms = due_ms};
    if (calls->last != NULL) {
        calls->last->next = call;
    } else {
        calls->first = call;
    }
    calls->last = call;
    calls->n_items++;
    return call->id;
}

char *calls_take(struct calls *calls, uint64_t id)
{
    struct call *before = NULL;
    struct call *call = calls->first;
    while (call != NULL && call->id != id) {
        before = call;
        call = call->next;
    }
    if (call == NULL) {
        return NULL;
    }
    char *rid = call->rid;
    if (before != NULL) {
        before->next = call->next;
    } else {
        calls->first = call->next;
    }
    if (calls->last == call) {
        calls->last = before;
    }
    calls->n_items--;
    free(call);
    return rid;
}

void calls_expire(struct calls *calls, int64_t now_ms)
{
    while (calls->first != NULL && calls->first->due_ms <= now_ms) {
        drop_first(calls);
    }
}
