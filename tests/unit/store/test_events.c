/*
 * events: every field there and back, order, sequence numbers that survive, retention.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "iothub/limits.h"
#include "store/events.h"
#include "unit/store/fixture.h"

static int64_t append(struct store *store, int partition, int64_t sequence, int64_t at_ms)
{
    struct store_event event = {
        .enqueued_ms = at_ms,
        .partition = partition,
        .sequence = sequence,
        .from = id_of("d", ""),
        .source = SLICE("Telemetry"),
        .body = SLICE("body"),
    };
    assert_int_equal(store_event_append(store, &event), 0);
    return event.offset;
}

/* `n` events, sequence numbers from 0, each a millisecond after the one before, from 1000 on.
 */
static void append_some(struct store *store, int n)
{
    for (int i = 0; i < n; i++) {
        append(store, 0, i, 1000 + i);
    }
}

static int64_t count(struct store *store)
{
    struct store_event event = {0};
    int64_t n = 0;
    while (store_event_next(store, event.offset, &event) == 0) {
        n++;
    }
    assert_null(store_failure(store));
    return n;
}

static int64_t oldest_offset(struct store *store)
{
    struct store_event event;
    assert_int_equal(store_event_next(store, 0, &event), 0);
    return event.offset;
}

static void every_field_comes_back(void **state)
{
    struct fixture *f = *state;
    struct store_event event = {
        .enqueued_ms = 1700000000123,
        .partition = 31,
        .sequence = INT64_MAX - 1,
        .from = id_of("it's \"d\"", "m%"),
        .source = SLICE("deviceConnectionStateEvents"),
        .properties = SLICE("%24.mid=1&a=b%20c"),
        .annotations = SLICE("{\"iothub-enqueuedtime\":1}"),
        .body = SLICE("\x00\xff{\"t\":21.5}\x00"),
    };
    struct store_event back;

    assert_int_equal(store_event_append(f->store, &event), 0);
    assert_int_equal(event.offset, 1);
    fixture_reopen(f);
    assert_int_equal(store_event_next(f->store, 0, &back), 0);
    assert_int_equal(back.offset, 1);
    assert_int_equal(back.enqueued_ms, 1700000000123);
    assert_int_equal(back.partition, 31);
    assert_int_equal(back.sequence, INT64_MAX - 1);
    assert_slice(back.from.device_id, "it's \"d\"");
    assert_slice(back.from.module_id, "m%");
    assert_slice(back.source, "deviceConnectionStateEvents");
    assert_slice(back.properties, "%24.mid=1&a=b%20c");
    assert_slice(back.annotations, "{\"iothub-enqueuedtime\":1}");
    assert_int_equal(back.body.len, event.body.len);
    assert_memory_equal(back.body.data, event.body.data, event.body.len);
}

static void empty_event_comes_back_empty(void **state)
{
    struct fixture *f = *state;
    struct store_event event = {0};
    struct store_event back;

    assert_int_equal(store_event_append(f->store, &event), 0);
    assert_int_equal(store_event_next(f->store, 0, &back), 0);
    assert_slice(back.from.device_id, "");
    assert_slice(back.source, "");
    assert_slice(back.properties, "");
    assert_slice(back.annotations, "");
    assert_slice(back.body, "");
}

static void largest_body_comes_back(void **state)
{
    struct fixture *f = *state;
    const size_t largest = (size_t)LIMIT_D2C_BYTES;
    char *body = mem_alloc(largest);
    struct store_event event = {.body = slice_make(body, largest)};
    struct store_event back;

    for (size_t i = 0; i < largest; i++) {
        body[i] = (char)(i * 7 % 251);
    }
    assert_int_equal(store_event_append(f->store, &event), 0);
    assert_int_equal(store_event_next(f->store, 0, &back), 0);
    assert_int_equal(back.body.len, largest);
    assert_memory_equal(back.body.data, body, largest);
    free(body);
}

static void log_is_read_in_order_of_offsets(void **state)
{
    struct fixture *f = *state;
    struct store_event event = {0};

    assert_int_equal(store_event_next(f->store, 0, &event), STORE_NO_ROW);
    /* Wall time may be moved back; the order is that of writing. */
    append(f->store, 1, 0, 5000);
    append(f->store, 0, 0, 4000);
    append(f->store, 1, 1, 3000);
    static const int partitions[] = {1, 0, 1};
    static const int64_t times[] = {5000, 4000, 3000};
    for (size_t i = 0; i < ARRAY_LEN(partitions); i++) {
        assert_int_equal(store_event_next(f->store, event.offset, &event), 0);
        assert_int_equal(event.offset, i + 1);
        assert_int_equal(event.partition, partitions[i]);
        assert_int_equal(event.enqueued_ms, times[i]);
    }
    assert_int_equal(store_event_next(f->store, event.offset, &event), STORE_NO_ROW);
    append(f->store, 2, 0, 6000);
    assert_int_equal(store_event_next(f->store, event.offset, &event), 0);
    assert_int_equal(event.partition, 2);
}

static void last_sequence_is_each_partitions_own(void **state)
{
    struct fixture *f = *state;
    int64_t last = -5;

    assert_int_equal(store_event_last(f->store, 0, &last), STORE_NO_ROW);
    assert_int_equal(last, -5);
    append(f->store, 0, 0, 1);
    append(f->store, 1, 0, 1);
    append(f->store, 1, 1, 1);
    append(f->store, 0, 1, 1);
    append(f->store, 0, 2, 1);
    assert_int_equal(store_event_last(f->store, 0, &last), 0);
    assert_int_equal(last, 2);
    assert_int_equal(store_event_last(f->store, 1, &last), 0);
    assert_int_equal(last, 1);
    assert_int_equal(store_event_last(f->store, 2, &last), STORE_NO_ROW);
    assert_int_equal(last, 1);
}

static void last_sequence_survives_its_events(void **state)
{
    struct fixture *f = *state;
    int64_t last = 0;

    append(f->store, 0, 0, 1);
    append(f->store, 1, 0, 1);
    append(f->store, 0, 1, 1);
    assert_int_equal(store_event_expire(f->store, 0, 0, 2), 2);
    assert_int_equal(store_event_expire(f->store, 0, 0, 2), 1);
    assert_int_equal(count(f->store), 0);
    fixture_reopen(f);
    assert_int_equal(store_event_last(f->store, 0, &last), 0);
    assert_int_equal(last, 1);
    assert_int_equal(store_event_last(f->store, 1, &last), 0);
    assert_int_equal(last, 0);
    assert_int_equal(append(f->store, 0, 2, 2), 4);
    assert_int_equal(store_event_last(f->store, 0, &last), 0);
    assert_int_equal(last, 2);
}

static void old_events_are_removed_and_younger_stay(void **state)
{
    struct fixture *f = *state;

    append_some(f->store, 10);
    assert_int_equal(store_event_expire(f->store, 1000, 100, 100), 0);
    assert_int_equal(count(f->store), 10);
    assert_int_equal(store_event_expire(f->store, 1004, 100, 100), 4);
    assert_int_equal(oldest_offset(f->store), 5);
    assert_int_equal(count(f->store), 6);
    assert_int_equal(store_event_expire(f->store, 1004, 100, 100), 0);
    assert_int_equal(store_event_expire(f->store, INT64_MAX, 100, 100), 6);
    assert_int_equal(store_event_expire(f->store, INT64_MAX, 100, 100), 0);
}

static void only_the_last_are_kept(void **state)
{
    struct fixture *f = *state;

    append_some(f->store, 10);
    assert_int_equal(store_event_expire(f->store, 0, 10, 100), 0);
    assert_int_equal(store_event_expire(f->store, 0, 7, 100), 3);
    assert_int_equal(count(f->store), 7);
    assert_int_equal(oldest_offset(f->store), 4);
    assert_int_equal(store_event_expire(f->store, 0, INT64_MAX, 100), 0);
    assert_int_equal(store_event_expire(f->store, 0, 0, 100), 7);
}

static void one_call_removes_no_more_than_it_may(void **state)
{
    struct fixture *f = *state;

    append_some(f->store, 10);
    assert_int_equal(store_event_expire(f->store, 1008, 100, 3), 3);
    assert_int_equal(count(f->store), 7);
    assert_int_equal(store_event_expire(f->store, 1008, 100, 3), 3);
    assert_int_equal(store_event_expire(f->store, 1008, 100, 3), 2);
    assert_int_equal(store_event_expire(f->store, 1008, 100, 3), 0);
    assert_int_equal(count(f->store), 2);
}

static void nothing_to_remove_writes_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_event_expire(f->store, 1000, 100, 100), 0);
    append_some(f->store, 3);
    assert_int_equal(store_commit(f->store), 0);
    assert_int_equal(store_event_expire(f->store, 1000, 100, 100), 0);
    assert_false(store_is_dirty(f->store));
}

static void undone_removal_brings_the_events_back(void **state)
{
    struct fixture *f = *state;
    int64_t last = 0;

    append_some(f->store, 5);
    assert_int_equal(store_mark(f->store), 0);
    assert_int_equal(store_event_expire(f->store, INT64_MAX, 0, 100), 5);
    assert_int_equal(store_undo(f->store), 0);
    assert_int_equal(count(f->store), 5);
    assert_int_equal(store_event_last(f->store, 0, &last), 0);
    assert_int_equal(last, 4);
}

static void event_stays_readable_while_it_is_removed(void **state)
{
    struct fixture *f = *state;
    struct store_event event;

    append_some(f->store, 2);
    assert_int_equal(store_event_next(f->store, 0, &event), 0);
    assert_int_equal(store_event_expire(f->store, INT64_MAX, 0, 100), 2);
    assert_slice(event.source, "Telemetry");
    assert_slice(event.body, "body");
    assert_int_equal(store_event_next(f->store, 0, &event), STORE_NO_ROW);
}

#define ON_FILE(test)   cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_memory, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(every_field_comes_back),
        IN_MEMORY(empty_event_comes_back_empty),
        IN_MEMORY(largest_body_comes_back),
        IN_MEMORY(log_is_read_in_order_of_offsets),
        IN_MEMORY(last_sequence_is_each_partitions_own),
        ON_FILE(last_sequence_survives_its_events),
        IN_MEMORY(old_events_are_removed_and_younger_stay),
        IN_MEMORY(only_the_last_are_kept),
        IN_MEMORY(one_call_removes_no_more_than_it_may),
        IN_MEMORY(nothing_to_remove_writes_nothing),
        IN_MEMORY(undone_removal_brings_the_events_back),
        IN_MEMORY(event_stays_readable_while_it_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
