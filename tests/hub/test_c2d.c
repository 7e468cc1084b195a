/*
 * The life of a cloud-to-device message in its queue.
 * Source: IoT Hub documentation, "Understand cloud-to-device messaging from an IoT hub".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/iso8601.h"
#include "base/mem.h"
#include "hub/mail.h"

static const char *const with_full_ack[] = {"iothub-messageid: m", "iothub-ack: full", NULL};

static struct slice many_bytes(size_t n)
{
    static char bytes[LIMIT_C2D_BYTES + 1];
    assert_in_range(n, 0, sizeof(bytes));
    memset(bytes, 'x', sizeof(bytes));
    return slice_make(bytes, n);
}

/* "iothub-expiry: 2026-…" at a time from now on. */
static const char *expiry_header(struct fixture *f, int64_t ms, char out[80])
{
    char time[ISO8601_MAX];
    (void)snprintf(out, 80, "iothub-expiry: %s",
                   iso8601_format(time, clock_read(&f->clock).at_ms + ms));
    return out;
}

static void post_with_expiry(struct fixture *f, const char *body, int64_t ms)
{
    char line[80];
    const char *const headers[] = {"iothub-messageid: m", "iothub-ack: full",
                                   expiry_header(f, ms, line), NULL};
    post_message(f, "d", body, headers);
}

/* ---- sending ---- */

static void message_waits_for_a_device_that_was_never_there(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "hello", NULL);
    fixture_pass(f, 30 * MINUTE_MS);
    settle_take(f, "d", fetch_lock(f, "d", "hello"), COMPLETE);
    assert_nothing_to_fetch(f, "d");
}

static void fifty_messages_fill_a_queue(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    post_messages(f, "d", LIMIT_C2D_QUEUE);
    post_refused(f, IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED, "d", SLICE("one more"), NULL);
    post_message(f, "e", "another queue", NULL);
    settle_take(f, "d", fetch_lock(f, "d", "0"), COMPLETE);
    post_message(f, "d", "there is room again", NULL);
}

static void messages_that_are_handed_out_count_too(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_messages(f, "d", LIMIT_C2D_QUEUE);
    char *lock = fetch_lock(f, "d", "0");
    post_refused(f, IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED, "d", SLICE("one more"), NULL);
    free(lock);
}

static void message_may_have_64_kilobytes(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"iothub-app-ab: c", NULL};
    make(f, "d");
    struct slice body = many_bytes(LIMIT_C2D_BYTES - 3);
    char *text = slice_dup(body);
    post_message(f, "d", text, headers);
    settle_take(f, "d", fetch_lock(f, "d", text), COMPLETE);
    free(text);
}

static void longer_message_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"iothub-app-ab: c", NULL};
    make(f, "d");
    post_refused(f, IOTHUB_MESSAGE_TOO_LARGE, "d", many_bytes(LIMIT_C2D_BYTES - 2), headers);
    post_refused(f, IOTHUB_MESSAGE_TOO_LARGE, "d", many_bytes(LIMIT_C2D_BYTES + 1), NULL);
    assert_int_equal(message_count(f, "d"), 0);
}

static void properties_must_fit_a_topic(void **state)
{
    struct fixture *f = *state;
    struct buf line = {.cap = BUF_CAP_OWN};
    make(f, "d");
    buf_put_text(&line, "iothub-app-k: ");
    for (int i = 0; i < 21 * KIB; i++) {
        buf_put_char(&line, '/'); /* three characters in a topic */
    }
    const char *const headers[] = {buf_text(&line), NULL};
    post_refused(f, IOTHUB_MESSAGE_TOO_LARGE, "d", SLICE(""), headers);
    buf_finish(&line);
}

static void message_id_has_128_of_certain_characters(void **state)
{
    struct fixture *f = *state;
    char line[200] = "iothub-messageid: ";
    const char *const headers[] = {line, NULL};
    make(f, "d");
    memset(line + 18, 'a', 129);
    post_refused(f, IOTHUB_ARGUMENT_INVALID, "d", SLICE(""), headers);
    line[18 + 128] = '\0';
    post_message(f, "d", "", headers);
    (void)snprintf(line, sizeof(line), "iothub-messageid: aZ09-:.+%%_#*?!(),=@;$'");
    post_message(f, "d", "", headers);
    (void)snprintf(line, sizeof(line), "iothub-messageid: a b");
    post_refused(f, IOTHUB_ARGUMENT_INVALID, "d", SLICE(""), headers);
    (void)snprintf(line, sizeof(line), "iothub-messageid: a/b");
    post_refused(f, IOTHUB_ARGUMENT_INVALID, "d", SLICE(""), headers);
}

static void kind_of_feedback_is_one_of_four(void **state)
{
    struct fixture *f = *state;
    static const char *const good[] = {"none", "positive", "negative", "full", "Full"};
    char line[40];
    const char *const headers[] = {line, NULL};
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        (void)snprintf(line, sizeof(line), "iothub-ack: %s", good[i]);
        post_message(f, "d", "", headers);
    }
    (void)snprintf(line, sizeof(line), "iothub-ack: maybe");
    post_refused(f, IOTHUB_ARGUMENT_INVALID, "d", SLICE(""), headers);
}

static void unknown_device_has_no_queue(void **state)
{
    struct fixture *f = *state;
    post_refused(f, IOTHUB_DEVICE_NOT_FOUND, "d", SLICE("hello"), NULL);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "DELETE", "/devices/d/commands", NULL);
}

static void disabled_device_keeps_its_queue_and_gets_no_more(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "kept", NULL);
    json_t *identity = get_identity(f, "d");
    json_object_set_new(identity, "status", json_string("disabled"));
    char *body = json_dumps(identity, 0);
    json_t *answer = ask_json(
        f, 200,
        &(struct ask){.method = "PUT", .path = "/devices/d", .body = body, .if_match = "*"});
    free(body);
    json_decref(answer);
    post_refused(f, IOTHUB_DEVICE_NOT_FOUND, "d", SLICE("refused"), NULL);
    expect_error(fetch(f, "d"), IOTHUB_DEVICE_DISABLED);
    assert_int_equal(message_count(f, "d"), 1);
    json_object_set_new(identity, "status", json_string("enabled"));
    body = json_dumps(identity, 0);
    answer = ask_json(
        f, 200,
        &(struct ask){.method = "PUT", .path = "/devices/d", .body = body, .if_match = "*"});
    free(body);
    json_decref(answer);
    json_decref(identity);
    settle_take(f, "d", fetch_lock(f, "d", "kept"), COMPLETE);
}

/* ---- order, locks, settling ---- */

static void messages_come_in_the_order_of_sending(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_messages(f, "d", 3);
    settle_take(f, "d", fetch_lock(f, "d", "0"), COMPLETE);
    settle_take(f, "d", fetch_lock(f, "d", "1"), COMPLETE);
    settle_take(f, "d", fetch_lock(f, "d", "2"), COMPLETE);
    assert_nothing_to_fetch(f, "d");
}

static void locked_message_is_passed_over(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_messages(f, "d", 2);
    char *first = fetch_lock(f, "d", "0");
    char *second = fetch_lock(f, "d", "1");
    assert_string_not_equal(first, second);
    assert_nothing_to_fetch(f, "d");
    settle_take(f, "d", second, COMPLETE);
    settle_take(f, "d", first, COMPLETE);
    assert_int_equal(message_count(f, "d"), 0);
}

static void lock_lasts_a_minute(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "again", NULL);
    char *lock = fetch_lock(f, "d", "again");
    fixture_pass(f, 60 * SECOND_MS - 1);
    assert_nothing_to_fetch(f, "d");
    fixture_pass(f, 1);
    assert_lock_lost(f, "d", lock, COMPLETE);
    assert_lock_lost(f, "d", lock, REJECT);
    assert_lock_lost(f, "d", lock, ABANDON);
    char *second = fetch_lock(f, "d", "again");
    assert_string_not_equal(lock, second);
    settle_take(f, "d", second, COMPLETE);
    free(lock);
}

static void message_is_settled_once(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_messages(f, "d", 1);
    char *lock = fetch_lock(f, "d", "0");
    char *copy = mem_dup_text(lock);
    settle_take(f, "d", lock, COMPLETE);
    assert_lock_lost(f, "d", copy, COMPLETE);
    free(copy);
}

static void unknown_lock_is_lost(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_lock_lost(f, "d", "5b1b8a5c-3c5d-4a0e-9d5f-0123456789ab", COMPLETE);
    assert_lock_lost(f, "d", "nonsense", ABANDON);
}

static void lock_of_another_device_is_lost(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    post_messages(f, "d", 1);
    char *lock = fetch_lock(f, "d", "0");
    assert_lock_lost(f, "e", lock, COMPLETE);
    settle_take(f, "d", lock, COMPLETE);
}

static void abandoned_message_comes_again_at_once_before_younger_ones(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_messages(f, "d", 2);
    settle_take(f, "d", fetch_lock(f, "d", "0"), ABANDON);
    struct reply reply = fetch(f, "d");
    assert_string_equal(reply.text, "0");
    assert_string_equal(reply_header(&reply, "iothub-deliverycount"), "1");
    assert_string_equal(reply_header(&reply, "iothub-sequencenumber"), "1");
    reply_end(&reply);
}

static void rejected_message_does_not_come_again(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_messages(f, "d", 2);
    settle_take(f, "d", fetch_lock(f, "d", "0"), REJECT);
    settle_take(f, "d", fetch_lock(f, "d", "1"), COMPLETE);
    assert_nothing_to_fetch(f, "d");
}

static void message_is_handed_out_ten_times(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "again", with_full_ack);
    for (int i = 0; i < C2D_DELIVERIES; i++) {
        char count[16];
        struct reply reply = fetch(f, "d");
        (void)snprintf(count, sizeof(count), "%d", i);
        assert_string_equal(reply_header(&reply, "iothub-deliverycount"), count);
        const char *etag = reply_header(&reply, "ETag");
        settle_take(f, "d", slice_dup(slice_make(etag + 1, strlen(etag) - 2)), ABANDON);
        reply_end(&reply);
    }
    assert_nothing_to_fetch(f, "d");
    assert_int_equal(message_count(f, "d"), 0);
    assert_feedback(f, "DeliveryCountExceeded", "DeliveryCountExceeded");
}

static void lost_locks_are_no_deliveries_that_count(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "again", NULL);
    for (int i = 0; i < 2 * C2D_DELIVERIES; i++) {
        struct reply reply = fetch(f, "d");
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply_header(&reply, "iothub-deliverycount"), "0");
        reply_end(&reply);
        fixture_pass(f, C2D_LOCK_S * SECOND_MS);
    }
}

/* ---- time ---- */

static void message_expires_after_an_hour(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "old", with_full_ack);
    fixture_pass(f, HOUR_MS - 1);
    assert_int_equal(message_count(f, "d"), 1);
    fixture_pass(f, 1);
    assert_int_equal(message_count(f, "d"), 0);
    assert_nothing_to_fetch(f, "d");
    assert_feedback(f, "Expired", "Expired");
}

static void expiry_that_is_set_counts(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_with_expiry(f, "short", 5 * SECOND_MS);
    post_with_expiry(f, "long", 3 * HOUR_MS);
    fixture_pass(f, 5 * SECOND_MS);
    assert_int_equal(message_count(f, "d"), 1);
    fixture_pass(f, 2 * HOUR_MS);
    settle_take(f, "d", fetch_lock(f, "d", "long"), COMPLETE);
}

static void messages_expire_each_in_its_time(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    post_with_expiry(f, "third", 30 * SECOND_MS);
    post_with_expiry(f, "first", 10 * SECOND_MS);
    post_message(f, "e", "last", NULL);
    post_with_expiry(f, "second", 20 * SECOND_MS);
    for (int64_t left = 3; left > 0; left--) {
        assert_int_equal(message_count(f, "d"), left);
        fixture_pass(f, 10 * SECOND_MS);
    }
    assert_int_equal(message_count(f, "d"), 0);
    assert_int_equal(message_count(f, "e"), 1);
    fixture_pass(f, HOUR_MS);
    assert_int_equal(message_count(f, "e"), 0);
}

static void message_lives_two_days_at_most(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_with_expiry(f, "long", 100 * HOUR_MS);
    fixture_pass(f, 48 * HOUR_MS - 1);
    assert_int_equal(message_count(f, "d"), 1);
    fixture_pass(f, 1);
    assert_int_equal(message_count(f, "d"), 0);
}

static void expiry_may_be_milliseconds(void **state)
{
    struct fixture *f = *state;
    char line[80];
    const char *const headers[] = {line, NULL};
    make(f, "d");
    (void)snprintf(line, sizeof(line), "iothub-expiry: %lld",
                   (long long)(START_MS + 5 * SECOND_MS));
    post_message(f, "d", "short", headers);
    struct reply reply = fetch(f, "d");
    assert_string_equal(reply_header(&reply, "iothub-expiry"), "2026-03-02T12:00:05.0000000Z");
    reply_end(&reply);
}

static void expiry_in_the_past_is_refused(void **state)
{
    struct fixture *f = *state;
    char line[80];
    const char *const headers[] = {line, NULL};
    make(f, "d");
    (void)expiry_header(f, 0, line);
    post_refused(f, IOTHUB_INVALID_MESSAGE_EXPIRY_TIME, "d", SLICE(""), headers);
    (void)snprintf(line, sizeof(line), "iothub-expiry: soon");
    post_refused(f, IOTHUB_ARGUMENT_INVALID, "d", SLICE(""), headers);
}

static void message_that_is_handed_out_does_not_expire(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_with_expiry(f, "held", 30 * SECOND_MS);
    char *lock = fetch_lock(f, "d", "held");
    fixture_pass(f, 40 * SECOND_MS);
    assert_int_equal(message_count(f, "d"), 1);
    settle_take(f, "d", lock, COMPLETE);
    assert_feedback(f, "Success", "Success");
}

static void message_expires_when_it_comes_back_too_late(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_with_expiry(f, "held", 30 * SECOND_MS);
    char *lock = fetch_lock(f, "d", "held");
    fixture_pass(f, 40 * SECOND_MS);
    settle_take(f, "d", lock, ABANDON);
    assert_int_equal(message_count(f, "d"), 0);
    assert_feedback(f, "Expired", "Expired");
}

static void message_expires_when_its_lock_ends_too_late(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_with_expiry(f, "held", 30 * SECOND_MS);
    char *lock = fetch_lock(f, "d", "held");
    fixture_pass(f, C2D_LOCK_S * SECOND_MS);
    assert_int_equal(message_count(f, "d"), 0);
    assert_lock_lost(f, "d", lock, COMPLETE);
    free(lock);
    assert_feedback(f, "Expired", "Expired");
}

static void younger_messages_expire_behind_one_that_is_held(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_with_expiry(f, "held", 30 * SECOND_MS);
    char *lock = fetch_lock(f, "d", "held");
    post_with_expiry(f, "not held", 35 * SECOND_MS);
    fixture_pass(f, 40 * SECOND_MS);
    assert_int_equal(message_count(f, "d"), 1);
    settle_take(f, "d", lock, COMPLETE);
    assert_int_equal(message_count(f, "d"), 0);
}

/* ---- purge, deletion, restart ---- */

static void purge_empties_the_queue(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    assert_int_equal(purge(f, "d"), 0);
    post_messages(f, "d", 3);
    post_messages(f, "e", 1);
    char *lock = fetch_lock(f, "d", "0");
    assert_int_equal(purge(f, "d"), 3);
    assert_nothing_to_fetch(f, "d");
    assert_lock_lost(f, "d", lock, COMPLETE);
    assert_int_equal(message_count(f, "d"), 0);
    assert_int_equal(message_count(f, "e"), 1);
    assert_null(f->hub->message_locks.by_id);
    free(lock);
}

static void purge_gives_feedback(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "", with_full_ack);
    assert_int_equal(purge(f, "d"), 1);
    assert_feedback(f, "Purged", "Purged");
}

static void deleted_device_takes_queue_and_feedback_along(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "done", with_full_ack);
    post_message(f, "d", "held", with_full_ack);
    settle_take(f, "d", fetch_lock(f, "d", "done"), COMPLETE);
    char *lock = fetch_lock(f, "d", "held");
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    assert_null(f->hub->message_locks.by_id);
    make(f, "d");
    assert_int_equal(message_count(f, "d"), 0);
    assert_nothing_to_fetch(f, "d");
    assert_lock_lost(f, "d", lock, COMPLETE);
    assert_no_feedback(f);
    free(lock);
}

static void restart_returns_what_was_handed_out(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_messages(f, "d", 2);
    settle_take(f, "d", fetch_lock(f, "d", "0"), ABANDON);
    char *lock = fetch_lock(f, "d", "0");
    fixture_restart(f);
    assert_lock_lost(f, "d", lock, COMPLETE);
    struct reply reply = fetch(f, "d");
    assert_string_equal(reply.text, "0");
    assert_string_equal(reply_header(&reply, "iothub-deliverycount"), "1");
    reply_end(&reply);
    settle_take(f, "d", fetch_lock(f, "d", "1"), COMPLETE);
    free(lock);
}

static void messages_expire_after_a_restart(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_with_expiry(f, "short", 10 * SECOND_MS);
    post_with_expiry(f, "long", 20 * SECOND_MS);
    clock_advance(&f->clock, 15 * SECOND_MS);
    fixture_restart(f);
    fixture_pass(f, 0);
    assert_int_equal(message_count(f, "d"), 1);
    fixture_pass(f, 5 * SECOND_MS);
    assert_int_equal(message_count(f, "d"), 0);
}

static void sequence_numbers_are_never_given_again(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_messages(f, "d", 2);
    assert_int_equal(purge(f, "d"), 2);
    fixture_restart(f);
    post_messages(f, "d", 1);
    struct reply reply = fetch(f, "d");
    assert_string_equal(reply_header(&reply, "iothub-sequencenumber"), "3");
    reply_end(&reply);
}

/* ---- the count ---- */

static void count_is_in_all_documents(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    post_messages(f, "d", 2);
    assert_int_equal(message_count(f, "d"), 2);
    json_t *twin = get_twin(f, "d");
    assert_int_equal(number_below(twin, "cloudToDeviceMessageCount"), 2);
    json_decref(twin);
    json_t *found = rest(f, 200, "POST", "/devices/query",
                         "{'query':'SELECT deviceId FROM devices WHERE "
                         "cloudToDeviceMessageCount > 1'}");
    assert_json(found, "[{'deviceId':'d'}]");
    json_decref(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(message_waits_for_a_device_that_was_never_there),
        HUB_TEST(fifty_messages_fill_a_queue),
        HUB_TEST(messages_that_are_handed_out_count_too),
        HUB_TEST(message_may_have_64_kilobytes),
        HUB_TEST(longer_message_is_refused),
        HUB_TEST(properties_must_fit_a_topic),
        HUB_TEST(message_id_has_128_of_certain_characters),
        HUB_TEST(kind_of_feedback_is_one_of_four),
        HUB_TEST(unknown_device_has_no_queue),
        HUB_TEST(disabled_device_keeps_its_queue_and_gets_no_more),
        HUB_TEST(messages_come_in_the_order_of_sending),
        HUB_TEST(locked_message_is_passed_over),
        HUB_TEST(lock_lasts_a_minute),
        HUB_TEST(message_is_settled_once),
        HUB_TEST(unknown_lock_is_lost),
        HUB_TEST(lock_of_another_device_is_lost),
        HUB_TEST(abandoned_message_comes_again_at_once_before_younger_ones),
        HUB_TEST(rejected_message_does_not_come_again),
        HUB_TEST(message_is_handed_out_ten_times),
        HUB_TEST(lost_locks_are_no_deliveries_that_count),
        HUB_TEST(message_expires_after_an_hour),
        HUB_TEST(expiry_that_is_set_counts),
        HUB_TEST(messages_expire_each_in_its_time),
        HUB_TEST(message_lives_two_days_at_most),
        HUB_TEST(expiry_may_be_milliseconds),
        HUB_TEST(expiry_in_the_past_is_refused),
        HUB_TEST(message_that_is_handed_out_does_not_expire),
        HUB_TEST(message_expires_when_it_comes_back_too_late),
        HUB_TEST(message_expires_when_its_lock_ends_too_late),
        HUB_TEST(younger_messages_expire_behind_one_that_is_held),
        HUB_TEST(purge_empties_the_queue),
        HUB_TEST(purge_gives_feedback),
        HUB_TEST(deleted_device_takes_queue_and_feedback_along),
        DISK_TEST(restart_returns_what_was_handed_out),
        DISK_TEST(messages_expire_after_a_restart),
        DISK_TEST(sequence_numbers_are_never_given_again),
        HUB_TEST(count_is_in_all_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
