/*
 * Deadlines in a heap: the next one due is found without looking at the others.
 *
 * A struct deadline is embedded in what it belongs to; the heap borrows it and never frees it.
 * It must be removed before its owner goes.  {0} is a valid deadline that is in no heap.
 */
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deadline {
    int64_t due_ms;
    size_t place; /* index in the heap + 1; 0 when in none */
};

struct deadline_heap {
    struct deadline **items;
    size_t n_items;
    size_t room;
};

void deadline_heap_finish(struct deadline_heap *heap);

/* Insert, or move when already inside. */
void deadline_set(struct deadline_heap *heap, struct deadline *deadline, int64_t due_ms);

/* Nothing happens when it is in no heap. */
void deadline_clear(struct deadline_heap *heap, struct deadline *deadline);

static inline bool deadline_is_set(const struct deadline *deadline)
{
    return deadline->place != 0;
}

/* When the earliest is due; NEVER_MS when the heap is empty. */
int64_t deadline_heap_next_ms(const struct deadline_heap *heap);

/* Take out the earliest that is due at now_ms (due_ms <= now_ms); NULL when none is. */
struct deadline *deadline_heap_pop_due(struct deadline_heap *heap, int64_t now_ms);

#endif
