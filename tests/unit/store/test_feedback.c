/*
 * feedback: every field there and back, batches that are cut, returned and removed, and age.
 */
#include <string.h>

#include "store/feedback.h"
#include "unit/store/fixture.h"

static void put(struct store *store, int64_t identity_seq, int64_t at_ms)
{
    const struct store_feedback record = {
        .identity_seq = identity_seq, .at_ms = at_ms, .device_id = SLICE("d")};
    assert_int_equal(store_feedback_insert(store, FEEDBACK_ON_MESSAGES, &record), 0);
}

static struct store_feedback_loose loose(struct store *store, int most)
{
    struct store_feedback_loose found;
    assert_int_equal(store_feedback_loose(store, FEEDBACK_ON_MESSAGES, most, &found), 0);
    return found;
}

/* Make a batch of what is loose; its number. */
static int64_t cut(struct store *store, int most)
{
    struct store_feedback_loose found = loose(store, most);
    assert_int_equal(store_feedback_cut(store, FEEDBACK_ON_MESSAGES, &found), 0);
    return found.first_seq;
}

static int64_t size_of_batch(struct store *store, int64_t batch)
{
    struct store_feedback record = {0};
    int64_t n = 0;
    while (store_feedback_next(store, FEEDBACK_ON_MESSAGES, batch, record.seq, &record) == 0) {
        n++;
    }
    assert_null(store_failure(store));
    return n;
}

static void every_field_comes_back(void **state)
{
    struct fixture *f = *state;
    const struct store_feedback record = {
        .identity_seq = add(f->store, "d", ""),
        .at_ms = 1700000000123,
        .status = FEEDBACK_REJECTED,
        .generation = 637345907161634714,
        .device_id = SLICE("it's \"d\""),
        .message_id = SLICE("m-1"),
    };
    struct store_feedback back;

    assert_int_equal(store_feedback_insert(f->store, FEEDBACK_ON_MESSAGES, &record), 0);
    int64_t batch = cut(f->store, 1);
    fixture_reopen(f);
    assert_int_equal(store_feedback_next(f->store, FEEDBACK_ON_MESSAGES, batch, 0, &back), 0);
    assert_int_equal(back.identity_seq, record.identity_seq);
    assert_int_equal(back.at_ms, 1700000000123);
    assert_int_equal(back.status, FEEDBACK_REJECTED);
    assert_int_equal(back.generation, 637345907161634714);
    assert_slice(back.device_id, "it's \"d\"");
    assert_slice(back.message_id, "m-1");
}

static void message_without_id_has_none(void **state)
{
    struct fixture *f = *state;
    struct store_feedback back;

    put(f->store, 1, 1);
    assert_int_equal(
        store_feedback_next(f->store, FEEDBACK_ON_MESSAGES, cut(f->store, 1), 0, &back), 0);
    assert_null(back.message_id.data);
}

static void loose_records_are_counted_up_to_a_batch(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loose(f->store, 3).n, 0);
    put(f->store, 1, 20);
    put(f->store, 1, 30);
    assert_int_equal(loose(f->store, 3).n, 2);
    assert_int_equal(loose(f->store, 3).oldest_ms, 20);
    put(f->store, 1, 40);
    put(f->store, 1, 50);
    assert_int_equal(loose(f->store, 3).n, 3);
    int64_t batch = cut(f->store, 3);
    assert_int_equal(size_of_batch(f->store, batch), 3);
    assert_int_equal(loose(f->store, 3).n, 1);
    assert_int_equal(loose(f->store, 3).oldest_ms, 50);
}

static void batches_are_found_in_their_order(void **state)
{
    struct fixture *f = *state;
    int64_t batch = 0;
    int64_t count = -1;

    assert_int_equal(
        store_feedback_next_batch(f->store, FEEDBACK_ON_MESSAGES, 0, &batch, &count),
        STORE_NO_ROW);
    put(f->store, 1, 1);
    assert_int_equal(
        store_feedback_next_batch(f->store, FEEDBACK_ON_MESSAGES, 0, &batch, &count),
        STORE_NO_ROW);
    int64_t first = cut(f->store, 64);
    put(f->store, 1, 2);
    put(f->store, 1, 3);
    int64_t second = cut(f->store, 64);
    assert_int_equal(
        store_feedback_next_batch(f->store, FEEDBACK_ON_MESSAGES, 0, &batch, &count), 0);
    assert_int_equal(batch, first);
    assert_int_equal(count, 0);
    assert_int_equal(
        store_feedback_next_batch(f->store, FEEDBACK_ON_MESSAGES, batch, &batch, &count), 0);
    assert_int_equal(batch, second);
    assert_int_equal(
        store_feedback_next_batch(f->store, FEEDBACK_ON_MESSAGES, batch, &batch, &count),
        STORE_NO_ROW);
}

static void returns_of_a_batch_are_counted(void **state)
{
    struct fixture *f = *state;
    int64_t found = 0;
    int64_t count = 0;

    put(f->store, 1, 1);
    put(f->store, 1, 1);
    int64_t batch = cut(f->store, 64);
    assert_int_equal(store_feedback_return(f->store, FEEDBACK_ON_MESSAGES, batch), 0);
    assert_int_equal(store_feedback_return(f->store, FEEDBACK_ON_MESSAGES, batch), 0);
    assert_int_equal(
        store_feedback_next_batch(f->store, FEEDBACK_ON_MESSAGES, 0, &found, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(store_feedback_return(f->store, FEEDBACK_ON_MESSAGES, batch + 5),
                     STORE_NO_ROW);
}

static void batch_is_removed_as_a_whole(void **state)
{
    struct fixture *f = *state;

    put(f->store, 1, 1);
    put(f->store, 1, 1);
    int64_t batch = cut(f->store, 64);
    put(f->store, 1, 1);
    assert_int_equal(store_feedback_delete(f->store, FEEDBACK_ON_MESSAGES, batch), 0);
    assert_int_equal(size_of_batch(f->store, batch), 0);
    assert_int_equal(loose(f->store, 64).n, 1);
    assert_int_equal(store_feedback_delete(f->store, FEEDBACK_ON_MESSAGES, batch),
                     STORE_NO_ROW);
}

static void deleted_device_takes_its_feedback_along(void **state)
{
    struct fixture *f = *state;
    struct store_identity record;

    put(f->store, add(f->store, "d", ""), 1);
    put(f->store, add(f->store, "other", ""), 1);
    int64_t batch = cut(f->store, 64);
    assert_int_equal(store_identity_get(f->store, id_of("d", ""), &record), 0);
    assert_int_equal(store_identity_delete(f->store, &record), 0);
    assert_int_equal(size_of_batch(f->store, batch), 1);
}

static void old_records_go_loose_or_not(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_feedback_expire(f->store, FEEDBACK_ON_MESSAGES, 100, 10, 10), 0);
    assert_false(store_is_dirty(f->store));
    put(f->store, 1, 10);
    int64_t batch = cut(f->store, 64);
    put(f->store, 1, 20);
    put(f->store, 1, 30);
    assert_int_equal(store_feedback_expire(f->store, FEEDBACK_ON_MESSAGES, 30, 10, 10), 2);
    assert_int_equal(size_of_batch(f->store, batch), 0);
    assert_int_equal(loose(f->store, 64).oldest_ms, 30);
    assert_int_equal(store_feedback_expire(f->store, FEEDBACK_ON_MESSAGES, 30, 10, 10), 0);
}

static void only_the_last_are_kept(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 10; i++) {
        put(f->store, 1, 50);
    }
    assert_int_equal(store_feedback_expire(f->store, FEEDBACK_ON_MESSAGES, 0, 4, 5), 5);
    assert_int_equal(store_feedback_expire(f->store, FEEDBACK_ON_MESSAGES, 0, 4, 5), 1);
    assert_int_equal(store_feedback_expire(f->store, FEEDBACK_ON_MESSAGES, 0, 4, 5), 0);
    assert_int_equal(loose(f->store, 64).n, 4);
}

static void queues_do_not_mix(void **state)
{
    struct fixture *f = *state;
    const struct store_feedback record = {
        .at_ms = 10, .device_id = SLICE(""), .body = SLICE("{}")};
    struct store_feedback_loose found;
    struct store_feedback back;
    int64_t batch = 0;
    int64_t count = 0;

    assert_int_equal(store_feedback_insert(f->store, FEEDBACK_ON_FILES, &record), 0);
    for (int i = 0; i < 6; i++) {
        put(f->store, 1, 10);
    }
    assert_int_equal(store_feedback_loose(f->store, FEEDBACK_ON_FILES, 64, &found), 0);
    assert_int_equal(found.n, 1);
    assert_int_equal(store_feedback_cut(f->store, FEEDBACK_ON_FILES, &found), 0);
    assert_int_equal(loose(f->store, 64).n, 6);
    assert_int_equal(
        store_feedback_next_batch(f->store, FEEDBACK_ON_MESSAGES, 0, &batch, &count),
        STORE_NO_ROW);
    assert_int_equal(
        store_feedback_next(f->store, FEEDBACK_ON_FILES, found.first_seq, 0, &back), 0);
    assert_slice(back.body, "{}");
    /* What the other queue holds does not count. */
    assert_int_equal(store_feedback_expire(f->store, FEEDBACK_ON_FILES, 0, 2, 9), 0);
    assert_int_equal(store_feedback_expire(f->store, FEEDBACK_ON_MESSAGES, 11, 9, 9), 6);
    assert_int_equal(store_feedback_expire(f->store, FEEDBACK_ON_FILES, 11, 9, 9), 1);
}

#define ON_FILE(test)   cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_memory, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(every_field_comes_back),
        IN_MEMORY(message_without_id_has_none),
        IN_MEMORY(loose_records_are_counted_up_to_a_batch),
        IN_MEMORY(batches_are_found_in_their_order),
        IN_MEMORY(returns_of_a_batch_are_counted),
        IN_MEMORY(batch_is_removed_as_a_whole),
        IN_MEMORY(deleted_device_takes_its_feedback_along),
        IN_MEMORY(old_records_go_loose_or_not),
        IN_MEMORY(only_the_last_are_kept),
        IN_MEMORY(queues_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
