/*
 * deadline: the heap against a list that is searched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/macros.h"

#define N_DEADLINES 200
#define N_STEPS     20000

static void an_empty_heap_is_never_due(void **state)
{
    (void)state;
    struct deadline_heap heap = {0};
    struct deadline none = {0};

    assert_true(deadline_heap_next_ms(&heap) == NEVER_MS);
    assert_null(deadline_heap_pop_due(&heap, NEVER_MS));
    deadline_clear(&heap, &none);
    deadline_heap_finish(&heap);
    deadline_heap_finish(NULL);
}

static void deadlines_come_out_in_order_and_when_due(void **state)
{
    (void)state;
    struct deadline_heap heap = {0};
    struct deadline items[3] = {0};

    deadline_set(&heap, &items[0], 30);
    deadline_set(&heap, &items[1], 10);
    deadline_set(&heap, &items[2], 20);
    assert_int_equal(deadline_heap_next_ms(&heap), 10);
    assert_null(deadline_heap_pop_due(&heap, 9));
    assert_ptr_equal(deadline_heap_pop_due(&heap, 10), &items[1]);
    assert_false(deadline_is_set(&items[1]));
    assert_ptr_equal(deadline_heap_pop_due(&heap, 30), &items[2]);
    assert_ptr_equal(deadline_heap_pop_due(&heap, 30), &items[0]);
    assert_null(deadline_heap_pop_due(&heap, NEVER_MS));
    deadline_heap_finish(&heap);
}

static void a_deadline_that_is_set_again_moves(void **state)
{
    (void)state;
    struct deadline_heap heap = {0};
    struct deadline a = {0};
    struct deadline b = {0};

    deadline_set(&heap, &a, 10);
    deadline_set(&heap, &b, 20);
    deadline_set(&heap, &a, 30);
    assert_int_equal(heap.n_items, 2);
    assert_int_equal(deadline_heap_next_ms(&heap), 20);
    deadline_set(&heap, &a, 5);
    assert_int_equal(deadline_heap_next_ms(&heap), 5);
    deadline_clear(&heap, &a);
    assert_false(deadline_is_set(&a));
    assert_int_equal(deadline_heap_next_ms(&heap), 20);
    deadline_heap_finish(&heap);
}

static void finishing_the_heap_frees_its_deadlines(void **state)
{
    (void)state;
    struct deadline_heap heap = {0};
    struct deadline a = {0};

    deadline_set(&heap, &a, 10);
    deadline_heap_finish(&heap);
    assert_false(deadline_is_set(&a));
    deadline_set(&heap, &a, 10);
    assert_int_equal(deadline_heap_next_ms(&heap), 10);
    deadline_heap_finish(&heap);
}

/* The earliest of those that are set. */
static int64_t earliest(const struct deadline *items, const int64_t *dues, size_t n)
{
    int64_t first = NEVER_MS;

    for (size_t i = 0; i < n; i++) {
        if (deadline_is_set(&items[i]) && dues[i] < first) {
            first = dues[i];
        }
    }
    return first;
}

/* The same sequence at every run. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void the_heap_agrees_with_a_search_under_random_changes(void **state)
{
    (void)state;
    static struct deadline items[N_DEADLINES];
    static int64_t dues[N_DEADLINES];
    struct deadline_heap heap = {0};
    uint32_t seed = 42;
    size_t n_popped = 0;

    for (int step = 0; step < N_STEPS; step++) {
        size_t which = next_random(&seed) % N_DEADLINES;
        uint32_t act = next_random(&seed) % 8;
        if (act < 4) {
            /* Few values, so that many are equal. */
            dues[which] = next_random(&seed) % 300;
            deadline_set(&heap, &items[which], dues[which]);
        } else if (act < 6) {
            deadline_clear(&heap, &items[which]);
        } else {
            int64_t now_ms = next_random(&seed) % 100;
            int64_t first = earliest(items, dues, N_DEADLINES);
            struct deadline *popped = deadline_heap_pop_due(&heap, now_ms);
            assert_int_equal(popped != NULL, first <= now_ms);
            if (popped != NULL) {
                assert_int_equal(popped->due_ms, first);
                assert_int_equal(dues[popped - items], first);
                n_popped++;
            }
        }
        assert_true(deadline_heap_next_ms(&heap) == earliest(items, dues, N_DEADLINES));
    }
    assert_true(n_popped > 100);
    deadline_heap_finish(&heap);
}

static int compare_dues(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a;
    int64_t second = *(const int64_t *)b;

    return (first > second) - (first < second);
}

static void popping_everything_sorts(void **state)
{
    (void)state;
    static struct deadline items[N_DEADLINES];
    int64_t sorted[N_DEADLINES];
    struct deadline_heap heap = {0};
    uint32_t seed = 7;

    for (size_t i = 0; i < N_DEADLINES; i++) {
        sorted[i] = next_random(&seed) % 1000;
        deadline_set(&heap, &items[i], sorted[i]);
    }
    qsort(sorted, N_DEADLINES, sizeof(sorted[0]), compare_dues);
    for (size_t i = 0; i < N_DEADLINES; i++) {
        struct deadline *popped = deadline_heap_pop_due(&heap, NEVER_MS);
        assert_non_null(popped);
        assert_int_equal(popped->due_ms, sorted[i]);
    }
    assert_null(deadline_heap_pop_due(&heap, NEVER_MS));
    deadline_heap_finish(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_is_never_due),
        cmocka_unit_test(deadlines_come_out_in_order_and_when_due),
        cmocka_unit_test(a_deadline_that_is_set_again_moves),
        cmocka_unit_test(finishing_the_heap_frees_its_deadlines),
        cmocka_unit_test(the_heap_agrees_with_a_search_under_random_changes),
        cmocka_unit_test(popping_everything_sorts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
