/*
 * Feedback on cloud-to-device messages: which outcomes are told, and how batches are handed
 * out. Source: IoT Hub documentation, "Understand cloud-to-device messaging from an IoT hub",
 * message feedback.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/mail.h"

#define FEEDBACK "/messages/serviceBound/feedback"

static void post_with_ack(struct fixture *f, const char *id, const char *ack)
{
    char line[40];
    const char *const headers[] = {"iothub-messageid: m", line, NULL};
    (void)snprintf(line, sizeof(line), "iothub-ack: %s", ack);
    post_message(f, id, "", headers);
}

/* A device whose messages are complete as soon as they are sent. */
static void make_eager(struct fixture *f, const char *id)
{
    char filter[200];
    make(f, id);
    (void)snprintf(filter, sizeof(filter), "devices/%s/messages/devicebound/#", id);
    device_want_messages(device_online(f, id), filter, 0);
}

static void complete_some(struct fixture *f, const char *id, int n)
{
    for (int i = 0; i < n; i++) {
        post_with_ack(f, id, "full");
    }
}

static struct reply next_batch(struct fixture *f)
{
    return mail(f, &(struct mail){.method = "GET", .path = FEEDBACK});
}

static void assert_no_batch(struct fixture *f)
{
    struct reply reply = next_batch(f);
    assert_int_equal(reply.status, 204);
    reply_end(&reply);
}

/* The path of the batch that comes now; the caller frees it. */
static char *path_of_batch(struct fixture *f, size_t n_records, const char *delivery_count)
{
    struct buf path = {.cap = BUF_CAP_OWN};
    struct reply reply = next_batch(f);
    assert_int_equal(reply.status, 200);
    assert_int_equal(json_array_size(reply.json), n_records);
    assert_string_equal(reply_header(&reply, "iothub-deliverycount"), delivery_count);
    struct slice etag = slice_of(reply_header(&reply, "ETag"));
    buf_put_text(&path, FEEDBACK "/");
    buf_put_slice(&path, slice_make(etag.data + 1, etag.len - 2));
    reply_end(&reply);
    return buf_take_text(&path);
}

static struct reply complete(struct fixture *f, const char *path)
{
    return mail(f, &(struct mail){.method = "DELETE", .path = path});
}

static struct reply abandon(struct fixture *f, const char *path)
{
    char abandoned[200];
    (void)snprintf(abandoned, sizeof(abandoned), "%s/abandon", path);
    return mail(f, &(struct mail){.method = "POST", .path = abandoned});
}

static void must_work(struct reply reply)
{
    assert_int_equal(reply.status, 204);
    assert_int_equal(reply.exchange.answer.body.len, 0);
    reply_end(&reply);
}

/* ---- which outcomes ------------------------------------------------------------------------
 */

static void end_completed(struct fixture *f)
{
    settle_take(f, "d", fetch_lock(f, "d", ""), COMPLETE);
}

static void end_rejected(struct fixture *f)
{
    settle_take(f, "d", fetch_lock(f, "d", ""), REJECT);
}

static void end_expired(struct fixture *f)
{
    fixture_pass(f, HOUR_MS);
}

static void end_purged(struct fixture *f)
{
    assert_int_equal(purge(f, "d"), 1);
}

static void end_worn_out(struct fixture *f)
{
    for (int i = 0; i < C2D_DELIVERIES; i++) {
        settle_take(f, "d", fetch_lock(f, "d", ""), ABANDON);
    }
}

static void feedback_is_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    static const struct {
        void (*end)(struct fixture *f);
        const char *status_code;
        const char *description;
        const char *asked_by; /* besides "full" */
    } outcomes[] = {
        {end_completed, "Success",               "Success",               "positive"},
        {end_rejected,  "Rejected",              "Message rejected",      "negative"},
        {end_expired,   "Expired",               "Expired",               "negative"},
        {end_purged,    "Purged",                "Purged",                "negative"},
        {end_worn_out,  "DeliveryCountExceeded", "DeliveryCountExceeded", "negative"},
    };
    static const char *const acks[] = {"none", "positive", "negative", "full"};
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        for (size_t k = 0; k < ARRAY_LEN(acks); k++) {
            post_with_ack(f, "d", acks[k]);
            outcomes[i].end(f);
            assert_int_equal(message_count(f, "d"), 0);
            if (strcmp(acks[k], "full") == 0 || strcmp(acks[k], outcomes[i].asked_by) == 0) {
                assert_feedback(f, outcomes[i].status_code, outcomes[i].description);
            } else {
                assert_no_feedback(f);
            }
        }
    }
}

static void nothing_is_told_unless_it_was_asked_for(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "", NULL);
    settle_take(f, "d", fetch_lock(f, "d", ""), REJECT);
    assert_no_feedback(f);
}

static void nothing_is_told_of_what_comes_again(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_with_ack(f, "d", "full");
    settle_take(f, "d", fetch_lock(f, "d", ""), ABANDON);
    free(fetch_lock(f, "d", ""));
    fixture_pass(f, C2D_LOCK_S * SECOND_MS);
    assert_no_feedback(f);
}

/* ---- records -------------------------------------------------------------------------------
 */

static void record_has_its_members(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_t *identity = get_identity(f, "d");
    post_with_ack(f, "d", "full");
    fixture_pass(f, 1500);
    settle_take(f, "d", fetch_lock(f, "d", ""), COMPLETE);
    fixture_pass(f, 20 * SECOND_MS);
    json_t *records = take_feedback(f);
    const json_t *record = json_array_get(records, 0);
    assert_int_equal(json_object_size(record), 6);
    assert_string_equal(text_below(record, "originalMessageId"), "m");
    assert_string_equal(text_below(record, "description"), "Success");
    assert_string_equal(text_below(record, "statusCode"), "Success");
    assert_string_equal(text_below(record, "deviceId"), "d");
    assert_string_equal(text_below(record, "deviceGenerationId"),
                        text_below(identity, "generationId"));
    /* When it was completed. */
    assert_string_equal(text_below(record, "enqueuedTimeUtc"), "2026-03-02T12:00:01.5Z");
    json_decref(records);
    json_decref(identity);
}

static void message_without_id_has_a_null(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"iothub-ack: full", NULL};
    make(f, "d");
    post_message(f, "d", "", headers);
    settle_take(f, "d", fetch_lock(f, "d", ""), COMPLETE);
    fixture_pass(f, 15 * SECOND_MS);
    json_t *records = take_feedback(f);
    assert_true(json_is_null(json_object_get(json_array_get(records, 0), "originalMessageId")));
    json_decref(records);
}

static void records_of_all_devices_are_in_their_order(void **state)
{
    struct fixture *f = *state;
    make_eager(f, "d");
    make_eager(f, "e");
    post_with_ack(f, "e", "full");
    post_with_ack(f, "d", "full");
    post_with_ack(f, "e", "full");
    fixture_pass(f, 15 * SECOND_MS);
    json_t *records = take_feedback(f);
    assert_int_equal(json_array_size(records), 3);
    assert_string_equal(text_below(json_array_get(records, 0), "deviceId"), "e");
    assert_string_equal(text_below(json_array_get(records, 1), "deviceId"), "d");
    assert_string_equal(text_below(json_array_get(records, 2), "deviceId"), "e");
    json_decref(records);
}

/* ---- batches -------------------------------------------------------------------------------
 */

static void batch_is_there_after_15_seconds(void **state)
{
    struct fixture *f = *state;
    make_eager(f, "d");
    complete_some(f, "d", 1);
    fixture_pass(f, 10 * SECOND_MS);
    complete_some(f, "d", 1);
    fixture_pass(f, 5 * SECOND_MS - 1);
    assert_no_batch(f);
    fixture_pass(f, 1);
    char *path = path_of_batch(f, 2, "0");
    must_work(complete(f, path));
    free(path);
}

static void batch_of_64_does_not_wait(void **state)
{
    struct fixture *f = *state;
    make_eager(f, "d");
    complete_some(f, "d", 63);
    assert_no_batch(f);
    complete_some(f, "d", 2);
    char *path = path_of_batch(f, 64, "0");
    assert_no_batch(f);
    must_work(complete(f, path));
    free(path);
    fixture_pass(f, 15 * SECOND_MS);
    path = path_of_batch(f, 1, "0");
    must_work(complete(f, path));
    assert_no_batch(f);
    free(path);
}

static void batch_that_is_handed_out_is_nobody_elses(void **state)
{
    struct fixture *f = *state;
    make_eager(f, "d");
    complete_some(f, "d", 1);
    fixture_pass(f, 15 * SECOND_MS);
    char *first = path_of_batch(f, 1, "0");
    assert_no_batch(f);
    complete_some(f, "d", 2);
    fixture_pass(f, 15 * SECOND_MS);
    char *second = path_of_batch(f, 2, "0");
    must_work(complete(f, second));
    must_work(complete(f, first));
    assert_no_batch(f);
    free(first);
    free(second);
}

static void batch_comes_again_after_a_minute(void **state)
{
    struct fixture *f = *state;
    make_eager(f, "d");
    complete_some(f, "d", 1);
    fixture_pass(f, 15 * SECOND_MS);
    char *first = path_of_batch(f, 1, "0");
    fixture_pass(f, 60 * SECOND_MS);
    expect_error(complete(f, first), IOTHUB_DEVICE_MESSAGE_LOCK_LOST);
    expect_error(abandon(f, first), IOTHUB_DEVICE_MESSAGE_LOCK_LOST);
    char *second = path_of_batch(f, 1, "0");
    must_work(complete(f, second));
    expect_error(complete(f, second), IOTHUB_DEVICE_MESSAGE_LOCK_LOST);
    free(first);
    free(second);
}

static void abandoned_batch_comes_again_at_once_ten_times_in_all(void **state)
{
    struct fixture *f = *state;
    make_eager(f, "d");
    complete_some(f, "d", 2);
    fixture_pass(f, 15 * SECOND_MS);
    for (int i = 0; i < FEEDBACK_DELIVERIES; i++) {
        char count[16];
        (void)snprintf(count, sizeof(count), "%d", i);
        char *path = path_of_batch(f, 2, count);
        must_work(abandon(f, path));
        free(path);
    }
    assert_no_batch(f);
}

static void feedback_lives_an_hour(void **state)
{
    struct fixture *f = *state;
    make_eager(f, "d");
    complete_some(f, "d", 1);
    fixture_pass(f, 15 * SECOND_MS);
    char *cut = path_of_batch(f, 1, "0");
    complete_some(f, "d", 1);
    fixture_pass(f, 59 * MINUTE_MS);
    char *first = path_of_batch(f, 1, "0");
    char *second = path_of_batch(f, 1, "0");
    fixture_pass(f, 2 * MINUTE_MS);
    assert_no_batch(f);
    free(cut);
    free(first);
    free(second);
}

static void feedback_of_a_deleted_device_vanishes_from_its_batch(void **state)
{
    struct fixture *f = *state;
    make_eager(f, "d");
    make_eager(f, "e");
    complete_some(f, "d", 1);
    complete_some(f, "e", 1);
    fixture_pass(f, 15 * SECOND_MS);
    char *path = path_of_batch(f, 2, "0");
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    must_work(abandon(f, path));
    free(path);
    path = path_of_batch(f, 1, "1");
    rest_done(f, 204, "DELETE", "/devices/e", NULL);
    must_work(complete(f, path));
    assert_no_batch(f);
    free(path);
}

static void feedback_outlives_the_process(void **state)
{
    struct fixture *f = *state;
    make_eager(f, "d");
    complete_some(f, "d", 1);
    fixture_pass(f, 15 * SECOND_MS);
    char *path = path_of_batch(f, 1, "0");
    must_work(abandon(f, path));
    free(path);
    path = path_of_batch(f, 1, "1");
    fixture_restart(f);
    expect_error(complete(f, path), IOTHUB_DEVICE_MESSAGE_LOCK_LOST);
    free(path);
    path = path_of_batch(f, 1, "1");
    must_work(complete(f, path));
    assert_no_batch(f);
    free(path);
}

static void answer_says_what_the_batch_is(void **state)
{
    struct fixture *f = *state;
    make_eager(f, "d");
    complete_some(f, "d", 1);
    fixture_pass(f, 10 * SECOND_MS);
    complete_some(f, "d", 1);
    fixture_pass(f, 15 * SECOND_MS);
    struct reply reply = next_batch(f);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.exchange.answer.content_type,
                        "application/vnd.microsoft.iothub.feedback.json");
    assert_true(
        has_form(reply_header(&reply, "ETag"), "\"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\""));
    assert_string_equal(reply_header(&reply, "iothub-enqueuedtime"),
                        "2026-03-02T12:00:10.0000000Z");
    assert_string_equal(reply_header(&reply, "iothub-sequencenumber"), "1");
    reply_end(&reply);
}

static void only_services_read_feedback(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct mail m = {.method = "GET", .path = FEEDBACK};
    m.token = token_for(f, HOST, KEY_SERVICE, "service", 3600);
    mail_done(f, 204, &m);
    m.token = token_for(f, HOST, KEY_READ, "registryRead", 3600);
    mail_error(f, IOTHUB_UNAUTHORIZED_ACCESS, &m);
    m.token = token_for(f, HOST, KEY_DEVICE_POLICY, "device", 3600);
    mail_error(f, IOTHUB_UNAUTHORIZED_ACCESS, &m);
    m.token = own_token(f, "d");
    mail_error(f, IOTHUB_UNAUTHORIZED_ACCESS, &m);
    m.token = "";
    mail_error(f, IOTHUB_UNAUTHORIZED, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(feedback_is_what_was_asked_for),
        HUB_TEST(nothing_is_told_unless_it_was_asked_for),
        HUB_TEST(nothing_is_told_of_what_comes_again),
        HUB_TEST(record_has_its_members),
        HUB_TEST(message_without_id_has_a_null),
        HUB_TEST(records_of_all_devices_are_in_their_order),
        HUB_TEST(batch_is_there_after_15_seconds),
        HUB_TEST(batch_of_64_does_not_wait),
        HUB_TEST(batch_that_is_handed_out_is_nobody_elses),
        HUB_TEST(batch_comes_again_after_a_minute),
        HUB_TEST(abandoned_batch_comes_again_at_once_ten_times_in_all),
        HUB_TEST(feedback_lives_an_hour),
        HUB_TEST(feedback_of_a_deleted_device_vanishes_from_its_batch),
        DISK_TEST(feedback_outlives_the_process),
        HUB_TEST(answer_says_what_the_batch_is),
        HUB_TEST(only_services_read_feedback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
