/*
 * A binary heap; each deadline knows its place in it, so that it can be moved and removed
 * without a search.
 */
#include "base/deadline.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

#define ROOM_MIN 16

static void put_at(struct deadline_heap *heap, size_t index, struct deadline *deadline)
{
    heap->items[index] = deadline;
    deadline->place = index + 1;
}

static void sift_up(struct deadline_heap *heap, size_t index)
{
    struct deadline *moved = heap->items[index];

    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (heap->items[parent]->due_ms <= moved->due_ms) {
            break;
        }
        put_at(heap, index, heap->items[parent]);
        index = parent;
    }
    put_at(heap, index, moved);
}

/* The earlier child of `index`, or `index` itself when it has none. */
static size_t earlier_child(const struct deadline_heap *heap, size_t index)
{
    size_t child = 2 * index + 1;

    if (child >= heap->n_items) {
        return index;
    }
    if (child + 1 < heap->n_items &&
        heap->items[child + 1]->due_ms < heap->items[child]->due_ms) {
        child++;
    }
    return child;
}

static void sift_down(struct deadline_heap *heap, size_t index)
{
    struct deadline *moved = heap->items[index];
    size_t child = earlier_child(heap, index);

    while (child != index && heap->items[child]->due_ms < moved->due_ms) {
        put_at(heap, index, heap->items[child]);
        index = child;
        child = earlier_child(heap, index);
    }
    put_at(heap, index, moved);
}

/* Only one of the two moves anything. */
static void settle(struct deadline_heap *heap, size_t index)
{
    struct deadline *moved = heap->items[index];

    sift_up(heap, index);
    sift_down(heap, moved->place - 1);
}

void deadline_heap_finish(struct deadline_heap *heap)
{
    if (heap == NULL) {
        return;
    }
    for (size_t i = 0; i < heap->n_items; i++) {
        heap->items[i]->place = 0;
    }
    free(heap->items);
    *heap = (struct deadline_heap){0};
}

void deadline_set(struct deadline_heap *heap, struct deadline *deadline, int64_t due_ms)
{
    deadline->due_ms = due_ms;
    if (deadline_is_set(deadline)) {
        size_t index = deadline->place - 1;
        assert(index < heap->n_items && heap->items[index] == deadline);
        settle(heap, index);
        return;
    }
    if (heap->n_items == heap->room) {
        heap->room = heap->room == 0 ? ROOM_MIN : heap->room * 2;
        heap->items = mem_grow(heap->items, heap->room, sizeof(struct deadline *));
    }
    heap->items[heap->n_items++] = deadline;
    sift_up(heap, heap->n_items - 1);
}

void deadline_clear(struct deadline_heap *heap, struct deadline *deadline)
{
    if (!deadline_is_set(deadline)) {
        return;
    }
    size_t index = deadline->place - 1;
    assert(index < heap->n_items && heap->items[index] == deadline);
    struct deadline *last = heap->items[--heap->n_items];
    deadline->place = 0;
    if (last != deadline) {
        put_at(heap, index, last);
        settle(heap, index);
    }
}

int64_t deadline_heap_next_ms(const struct deadline_heap *heap)
{
    return heap->n_items == 0 ? NEVER_MS : heap->items[0]->due_ms;
}

struct deadline *deadline_heap_pop_due(struct deadline_heap *heap, int64_t now_ms)
{
    if (heap->n_items == 0 || heap->items[0]->due_ms > now_ms) {
        return NULL;
    }
    struct deadline *first = heap->items[0];
    deadline_clear(heap, first);
    return first;
}
