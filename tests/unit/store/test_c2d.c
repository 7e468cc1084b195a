/*
 * c2d: every field there and back, order of a queue, numbers that never come again, the count
 * kept with the identity, the walk by expiry.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/c2d.h"
#include "unit/store/fixture.h"

static int64_t put(struct store *store, int64_t identity_seq, int64_t expires_ms)
{
    struct store_c2d message = {.identity_seq = identity_seq, .expires_ms = expires_ms};
    struct store_c2d_content content = {SLICE("%24.to=x"), SLICE("body")};
    assert_int_equal(store_c2d_insert(store, &message, &content), 0);
    return message.seq;
}

static struct store_c2d get(struct store *store, int64_t seq)
{
    struct store_c2d message;
    assert_int_equal(store_c2d_get(store, seq, &message), 0);
    return message;
}

static int64_t count_of(struct store *store, const char *device_id)
{
    struct store_identity record;
    assert_int_equal(store_identity_get(store, id_of(device_id, ""), &record), 0);
    return record.message_count;
}

static void every_field_comes_back(void **state)
{
    struct fixture *f = *state;
    struct store_c2d message = {
        .identity_seq = add(f->store, "d", ""),
        .enqueued_ms = 1700000000123,
        .expires_ms = 1700000060123,
        .ack = C2D_ACK_NEGATIVE,
        .delivery_count = 3,
        .was_sent = true,
        .has_message_id = true,
        .message_id = "a-1",
    };
    const struct store_c2d_content content = {SLICE("%24.mid=a-1&k=%20"),
                                              SLICE("\x00\xff\x01")};
    struct store_c2d_content back;

    assert_int_equal(store_c2d_insert(f->store, &message, &content), 0);
    fixture_reopen(f);
    struct store_c2d got = get(f->store, message.seq);
    assert_int_equal(got.identity_seq, message.identity_seq);
    assert_int_equal(got.sequence, 1);
    assert_int_equal(got.enqueued_ms, 1700000000123);
    assert_int_equal(got.expires_ms, 1700000060123);
    assert_int_equal(got.ack, C2D_ACK_NEGATIVE);
    assert_int_equal(got.delivery_count, 3);
    assert_true(got.was_sent);
    assert_true(got.has_message_id);
    assert_string_equal(got.message_id, "a-1");
    assert_int_equal(store_c2d_read(f->store, message.seq, &back), 0);
    assert_slice(back.properties, "%24.mid=a-1&k=%20");
    assert_int_equal(back.body.len, 3);
    assert_memory_equal(back.body.data, "\x00\xff\x01", 3);
}

static void message_without_id_and_body_comes_back_so(void **state)
{
    struct fixture *f = *state;
    struct store_c2d message = {.identity_seq = add(f->store, "d", "")};
    const struct store_c2d_content content = {0};
    struct store_c2d_content back;

    assert_int_equal(store_c2d_insert(f->store, &message, &content), 0);
    struct store_c2d got = get(f->store, message.seq);
    assert_false(got.has_message_id);
    assert_false(got.was_sent);
    assert_int_equal(got.ack, C2D_ACK_NONE);
    assert_int_equal(store_c2d_read(f->store, message.seq, &back), 0);
    assert_slice(back.properties, "");
    assert_slice(back.body, "");
}

static void largest_body_comes_back(void **state)
{
    struct fixture *f = *state;
    const size_t largest = (size_t)LIMIT_C2D_BYTES;
    char *body = mem_alloc(largest);
    struct store_c2d message = {.identity_seq = add(f->store, "d", "")};
    const struct store_c2d_content content = {
        SLICE(""), {body, largest}
    };
    struct store_c2d_content back;

    for (size_t i = 0; i < largest; i++) {
        body[i] = (char)(i * 7 % 251);
    }
    assert_int_equal(store_c2d_insert(f->store, &message, &content), 0);
    assert_int_equal(store_c2d_read(f->store, message.seq, &back), 0);
    assert_int_equal(back.body.len, largest);
    assert_memory_equal(back.body.data, body, largest);
    free(body);
}

static void queue_is_walked_in_its_own_order(void **state)
{
    struct fixture *f = *state;
    struct store_c2d message = {0};
    int64_t first = add(f->store, "first", "");
    int64_t second = add(f->store, "second", "");
    int64_t a = put(f->store, first, 9);
    put(f->store, second, 1);
    int64_t c = put(f->store, first, 3);

    assert_int_equal(store_c2d_next(f->store, first, 0, &message), 0);
    assert_int_equal(message.seq, a);
    assert_int_equal(message.sequence, 1);
    assert_int_equal(store_c2d_next(f->store, first, message.seq, &message), 0);
    assert_int_equal(message.seq, c);
    assert_int_equal(message.sequence, 2);
    assert_int_equal(store_c2d_next(f->store, first, message.seq, &message), STORE_NO_ROW);
}

static void numbers_are_never_given_again(void **state)
{
    struct fixture *f = *state;
    int64_t d = add(f->store, "d", "");
    int64_t first = put(f->store, d, 1);

    assert_int_equal(store_c2d_delete(f->store, first), 0);
    fixture_reopen(f);
    int64_t second = put(f->store, d, 1);
    assert_true(second > first);
    assert_int_equal(get(f->store, second).sequence, 2);
}

static void count_follows_the_rows(void **state)
{
    struct fixture *f = *state;
    int64_t d = add(f->store, "d", "");
    int64_t other = add(f->store, "other", "");
    int64_t seq = put(f->store, d, 1);
    put(f->store, d, 1);
    put(f->store, other, 1);

    assert_int_equal(count_of(f->store, "d"), 2);
    assert_int_equal(count_of(f->store, "other"), 1);
    assert_int_equal(store_c2d_delete(f->store, seq), 0);
    assert_int_equal(count_of(f->store, "d"), 1);
    assert_int_equal(store_c2d_delete(f->store, seq), STORE_NO_ROW);
    assert_int_equal(count_of(f->store, "d"), 1);
}

static void what_is_undone_is_not_counted(void **state)
{
    struct fixture *f = *state;
    int64_t d = add(f->store, "d", "");

    put(f->store, d, 1);
    assert_int_equal(store_mark(f->store), 0);
    put(f->store, d, 1);
    assert_int_equal(store_undo(f->store), 0);
    assert_int_equal(count_of(f->store, "d"), 1);
}

static void writing_an_identity_leaves_the_count(void **state)
{
    struct fixture *f = *state;
    struct store_identity record;
    int64_t d = add(f->store, "d", "");

    assert_int_equal(store_identity_get(f->store, id_of("d", ""), &record), 0);
    put(f->store, d, 1);
    record.etag++;
    assert_int_equal(store_identity_update(f->store, &record), 0);
    assert_int_equal(count_of(f->store, "d"), 1);
}

static void message_for_nobody_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct store_c2d message = {.identity_seq = 99};
    const struct store_c2d_content content = {0};

    assert_int_equal(store_c2d_insert(f->store, &message, &content), STORE_NO_ROW);
}

static void deleted_device_takes_its_queue_along(void **state)
{
    struct fixture *f = *state;
    struct store_identity record;
    struct store_c2d message;
    int64_t d = add(f->store, "d", "");
    int64_t other = add(f->store, "other", "");
    int64_t gone = put(f->store, d, 1);
    int64_t stays = put(f->store, other, 1);

    assert_int_equal(store_identity_get(f->store, id_of("d", ""), &record), 0);
    assert_int_equal(store_identity_delete(f->store, &record), 0);
    assert_int_equal(store_c2d_get(f->store, gone, &message), STORE_NO_ROW);
    assert_int_equal(store_c2d_get(f->store, stays, &message), 0);
    assert_false(has(f->store, "d", ""));
}

static void first_to_expire_is_found_in_all_queues(void **state)
{
    struct fixture *f = *state;
    struct store_c2d message;
    int64_t d = add(f->store, "d", "");
    int64_t other = add(f->store, "other", "");
    int64_t late = put(f->store, d, 30);
    int64_t soon = put(f->store, other, 10);
    int64_t also_soon = put(f->store, d, 10);

    assert_int_equal(store_c2d_next_expiry(f->store, INT64_MIN, 0, &message), 0);
    assert_int_equal(message.seq, soon);
    assert_int_equal(store_c2d_next_expiry(f->store, 10, soon, &message), 0);
    assert_int_equal(message.seq, also_soon);
    assert_int_equal(store_c2d_next_expiry(f->store, 10, INT64_MAX, &message), 0);
    assert_int_equal(message.seq, late);
    assert_int_equal(store_c2d_next_expiry(f->store, 30, late, &message), STORE_NO_ROW);
}

static void deliveries_are_counted_and_sending_is_marked(void **state)
{
    struct fixture *f = *state;
    int64_t seq = put(f->store, add(f->store, "d", ""), 1);

    assert_int_equal(store_c2d_set_delivery_count(f->store, seq, 7), 0);
    assert_int_equal(store_c2d_set_sent(f->store, seq), 0);
    assert_int_equal(get(f->store, seq).delivery_count, 7);
    assert_true(get(f->store, seq).was_sent);
    assert_int_equal(store_c2d_set_sent(f->store, seq + 1), STORE_NO_ROW);
}

#define ON_FILE(test)   cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_memory, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(every_field_comes_back),
        IN_MEMORY(message_without_id_and_body_comes_back_so),
        IN_MEMORY(largest_body_comes_back),
        IN_MEMORY(queue_is_walked_in_its_own_order),
        ON_FILE(numbers_are_never_given_again),
        IN_MEMORY(count_follows_the_rows),
        IN_MEMORY(what_is_undone_is_not_counted),
        IN_MEMORY(writing_an_identity_leaves_the_count),
        IN_MEMORY(message_for_nobody_is_not_taken),
        IN_MEMORY(deleted_device_takes_its_queue_along),
        IN_MEMORY(first_to_expire_is_found_in_all_queues),
        IN_MEMORY(deliveries_are_counted_and_sending_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
