/*
 * What waits: messages for their acknowledgement, twin requests for their answer, method calls
 * for the application's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "device/src/calls.h"
#include "device/src/outbox.h"
#include "device/src/requests.h"
#include "iothub/limits.h"

static void messages_are_handed_over_in_order(void **state)
{
    (void)state;
    struct outbox box = {.max_items = 10};
    outbox_add(&box, SLICE("t1"), SLICE("a"), NULL, NULL);
    outbox_add(&box, SLICE("t2"), SLICE("b"), NULL, NULL);
    assert_string_equal(box.waiting->topic, "t1");
    outbox_handed_over(&box, 1);
    assert_string_equal(box.waiting->topic, "t2");
    outbox_handed_over(&box, 2);
    assert_null(box.waiting);
    assert_int_equal(box.n_items, 2);
    outbox_finish(&box);
    assert_int_equal(box.n_items, 0);
}

static void acknowledged_messages_leave_in_any_order(void **state)
{
    (void)state;
    struct outbox box = {.max_items = 10};
    for (int i = 0; i < 3; i++) {
        outbox_add(&box, SLICE("t"), SLICE("p"), NULL, NULL);
        outbox_handed_over(&box, 10 + i);
    }
    const int order[] = {11, 12, 10};
    for (size_t i = 0; i < 3; i++) {
        struct outbox_item *item = outbox_take(&box, order[i]);
        assert_non_null(item);
        assert_int_equal(item->mid, order[i]);
        outbox_item_destroy(item);
    }
    assert_int_equal(box.n_items, 0);
    assert_int_equal(box.n_bytes, 0);
    assert_null(box.last);
    outbox_add(&box, SLICE("t"), SLICE("p"), NULL, NULL);
    assert_ptr_equal(box.first, box.waiting);
    outbox_finish(&box);
}

static void waiting_messages_are_not_acknowledged(void **state)
{
    (void)state;
    struct outbox box = {.max_items = 10};
    outbox_add(&box, SLICE("t"), SLICE("p"), NULL, NULL);
    assert_null(outbox_take(&box, 0));
    outbox_finish(&box);
}

static void outbox_is_full_by_count_and_by_bytes(void **state)
{
    (void)state;
    struct outbox box = {.max_items = 2};
    assert_true(outbox_has_room(&box, OUTBOX_MAX_BYTES));
    assert_false(outbox_has_room(&box, OUTBOX_MAX_BYTES + 1));
    outbox_add(&box, SLICE("t"), SLICE("p"), NULL, NULL);
    assert_false(outbox_has_room(&box, OUTBOX_MAX_BYTES - 1));
    assert_true(outbox_has_room(&box, OUTBOX_MAX_BYTES - 2));
    outbox_add(&box, SLICE("t"), SLICE("p"), NULL, NULL);
    assert_false(outbox_has_room(&box, 0));
    outbox_finish(&box);
}

static void answered_request_is_found_by_its_rid(void **state)
{
    (void)state;
    struct requests requests = {0};
    for (int i = 0; i < 3; i++) {
        requests_add(&requests, NULL, 100, NULL, NULL);
    }
    struct request *middle = requests_take(&requests, SLICE("2"));
    assert_non_null(middle);
    assert_int_equal(middle->rid, 2);
    request_destroy(middle);
    assert_null(requests_take(&requests, SLICE("2")));
    assert_null(requests_take(&requests, SLICE("x")));
    assert_null(requests_take(&requests, SLICE("-1")));
    struct request *last = requests_take(&requests, SLICE("3"));
    assert_non_null(last);
    request_destroy(last);
    requests_add(&requests, NULL, 100, NULL, NULL);
    assert_int_equal(requests.n_items, 2);
    assert_int_equal(requests.last->rid, 4);
    requests_finish(&requests);
}

static void lost_connection_makes_requests_unsent_again(void **state)
{
    (void)state;
    struct requests requests = {0};
    requests_add(&requests, "{\"a\":1}", 100, NULL, NULL);
    requests_add(&requests, NULL, 100, NULL, NULL);
    requests_next_unsent(&requests)->is_sent = true;
    assert_int_equal(requests_next_unsent(&requests)->rid, 2);
    requests_next_unsent(&requests)->is_sent = true;
    assert_null(requests_next_unsent(&requests));
    requests_forget_sent(&requests);
    assert_int_equal(requests_next_unsent(&requests)->rid, 1);
    assert_string_equal(requests_next_unsent(&requests)->patch, "{\"a\":1}");
    requests_finish(&requests);
}

static void requests_end_when_their_time_is_up(void **state)
{
    (void)state;
    struct requests requests = {0};
    assert_true(requests_deadline_ms(&requests) == NEVER_MS);
    assert_null(requests_take_due(&requests, INT64_MAX - 1));
    requests_add(&requests, NULL, 100, NULL, NULL);
    requests_add(&requests, NULL, 200, NULL, NULL);
    assert_int_equal(requests_deadline_ms(&requests), 100);
    assert_null(requests_take_due(&requests, 99));
    struct request *due = requests_take_due(&requests, 100);
    assert_non_null(due);
    assert_int_equal(due->rid, 1);
    request_destroy(due);
    assert_int_equal(requests_deadline_ms(&requests), 200);
    requests_finish(&requests);
}

static void call_is_answered_once(void **state)
{
    (void)state;
    struct calls calls = {0};
    uint64_t first = calls_add(&calls, SLICE("r1"), 100);
    uint64_t second = calls_add(&calls, SLICE("r2"), 100);
    assert_int_not_equal(first, second);
    char *rid = calls_take(&calls, second);
    assert_string_equal(rid, "r2");
    free(rid);
    assert_null(calls_take(&calls, second));
    (void)calls_add(&calls, SLICE("r3"), 100);
    assert_int_equal(calls.n_items, 2);
    calls_clear(&calls);
    assert_null(calls_take(&calls, first));
    assert_int_equal(calls.n_items, 0);
}

static void call_nobody_waits_for_is_forgotten(void **state)
{
    (void)state;
    struct calls calls = {0};
    uint64_t id = calls_add(&calls, SLICE("r"), 300);
    calls_expire(&calls, 299);
    assert_int_equal(calls.n_items, 1);
    calls_expire(&calls, 300);
    assert_int_equal(calls.n_items, 0);
    assert_null(calls_take(&calls, id));
}

static void oldest_call_gives_way(void **state)
{
    (void)state;
    struct calls calls = {0};
    uint64_t first = calls_add(&calls, SLICE("first"), 300);
    for (int i = 0; i < LIMIT_METHODS_IN_FLIGHT; i++) {
        (void)calls_add(&calls, SLICE("r"), 300);
    }
    assert_int_equal(calls.n_items, LIMIT_METHODS_IN_FLIGHT);
    assert_null(calls_take(&calls, first));
    calls_clear(&calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_handed_over_in_order),
        cmocka_unit_test(acknowledged_messages_leave_in_any_order),
        cmocka_unit_test(waiting_messages_are_not_acknowledged),
        cmocka_unit_test(outbox_is_full_by_count_and_by_bytes),
        cmocka_unit_test(answered_request_is_found_by_its_rid),
        cmocka_unit_test(lost_connection_makes_requests_unsent_again),
        cmocka_unit_test(requests_end_when_their_time_is_up),
        cmocka_unit_test(call_is_answered_once),
        cmocka_unit_test(call_nobody_waits_for_is_forgotten),
        cmocka_unit_test(oldest_call_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
