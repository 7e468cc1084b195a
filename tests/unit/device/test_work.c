/*
 * Methods, twins and messages against a hub that the test plays, and what becomes of them when
 * the connection breaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "device/src/topics.h"
#include "unit/device/bench.h"

/* Sizes: the hub's limit of a message, and more than a report and a topic may have. */
#define LIMIT ((size_t)256 * 1024)
#define BIG   ((size_t)300 * 1024)
#define LONG  ((size_t)70 * 1024)

static void method_is_answered_by_its_function(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    iothub_device_on_method(b.client, bench_on_method, &b);
    bench_go_up(&b);
    b.answer = (struct iothub_device_answer){299, "{\"Response\": \"done\"}"};
    fake_hub_publish(&b.hub, "$iothub/methods/POST/lockDoor/?$rid=a1",
                     "{\"lockTime\":\"10m\"}");
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.method_name, "lockDoor");
    assert_string_equal(b.method_payload, "{\"lockTime\":\"10m\"}");
    assert_string_equal(b.hub.publishes[0].topic, "$iothub/methods/res/299/?$rid=a1");
    assert_string_equal(b.hub.publishes[0].payload, "{\"Response\": \"done\"}");
    assert_int_equal(b.hub.publishes[0].qos, 0);
    bench_finish(&b);
}

static void method_without_payload_has_an_empty_one(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    iothub_device_on_method(b.client, bench_on_method, &b);
    bench_go_up(&b);
    b.answer = (struct iothub_device_answer){200, NULL};
    fake_hub_publish(&b.hub, "$iothub/methods/POST/ping/?$rid=1", "");
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.method_payload, "");
    assert_string_equal(b.hub.publishes[0].payload, "null");
    bench_finish(&b);
}

static void method_is_answered_later(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    iothub_device_on_method(b.client, bench_on_method, &b);
    bench_go_up(&b);
    b.is_answered_later = true;
    fake_hub_publish(&b.hub, "$iothub/methods/POST/slow/?$rid=z", "1");
    UNTIL(&b, b.n_methods == 1);
    bench_turn(&b);
    assert_int_equal(b.hub.n_publishes, 0);
    assert_int_equal(iothub_device_method_answer(b.client, b.method_id, 201, "{"),
                     IOTHUB_BAD_ARGUMENT);
    assert_int_equal(iothub_device_method_answer(b.client, b.method_id, 201, "[1]"), IOTHUB_OK);
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.hub.publishes[0].topic, "$iothub/methods/res/201/?$rid=z");
    assert_int_equal(iothub_device_method_answer(b.client, b.method_id, 201, "[1]"),
                     IOTHUB_NOT_CONNECTED);
    bench_finish(&b);
}

static void answer_does_not_cross_connections(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    iothub_device_on_method(b.client, bench_on_method, &b);
    bench_go_up(&b);
    b.is_answered_later = true;
    fake_hub_publish(&b.hub, "$iothub/methods/POST/slow/?$rid=z", "1");
    UNTIL(&b, b.n_methods == 1);
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, b.hub.n_connects == 2 && bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_int_equal(iothub_device_method_answer(b.client, b.method_id, 200, "1"),
                     IOTHUB_NOT_CONNECTED);
    bench_finish(&b);
}

static void answer_that_is_not_json_becomes_a_500(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    iothub_device_on_method(b.client, bench_on_method, &b);
    bench_go_up(&b);
    b.answer = (struct iothub_device_answer){200, "not json"};
    fake_hub_publish(&b.hub, "$iothub/methods/POST/x/?$rid=1", "");
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.hub.publishes[0].topic, "$iothub/methods/res/500/?$rid=1");
    bench_finish(&b);
}

static void method_nobody_handles_is_answered_with_501(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    fake_hub_publish(&b.hub, "$iothub/methods/POST/x/?$rid=1", "");
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.hub.publishes[0].topic, "$iothub/methods/res/501/?$rid=1");
    bench_finish(&b);
}

static void desired_patch_arrives_with_its_version(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    iothub_device_on_desired(b.client, bench_on_desired, &b);
    bench_go_up(&b);
    fake_hub_publish(&b.hub, "$iothub/twin/PATCH/properties/desired/?$version=4",
                     "{\"building\":43,\"floor\":3,\"$version\":4}");
    UNTIL(&b, b.n_patches == 1);
    assert_string_equal(b.patch, "{\"building\":43,\"floor\":3,\"$version\":4}");
    assert_int_equal(b.patch_version, 4);
    bench_finish(&b);
}

static void twin_is_fetched_under_a_request_id(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    assert_int_equal(iothub_device_twin_get(b.client, bench_on_result, &b), IOTHUB_OK);
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_true(fake_hub_has_filter(&b.hub, TOPIC_FILTER_TWIN));
    assert_string_equal(b.hub.publishes[0].topic, "$iothub/twin/GET/?$rid=1");
    fake_hub_publish(&b.hub, "$iothub/twin/res/200/?$rid=99", "{}");
    fake_hub_publish(&b.hub, "$iothub/twin/res/200/?$rid=1",
                     "{\"desired\":{},\"reported\":{}}");
    UNTIL(&b, b.n_results == 1);
    assert_int_equal(b.result_status, IOTHUB_OK);
    assert_string_equal(b.result_document, "{\"desired\":{},\"reported\":{}}");
    bench_finish(&b);
}

static void report_made_before_the_connection_waits_for_it(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    assert_int_equal(iothub_device_twin_report(b.client, "{\"a\":null}", bench_on_result, &b),
                     IOTHUB_OK);
    bench_go_up(&b);
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.hub.publishes[0].topic,
                        "$iothub/twin/PATCH/properties/reported/?$rid=1");
    assert_string_equal(b.hub.publishes[0].payload, "{\"a\":null}");
    fake_hub_publish(&b.hub, "$iothub/twin/res/204/?$rid=1&$version=7", "");
    UNTIL(&b, b.n_results == 1);
    assert_int_equal(b.result_status, IOTHUB_OK);
    assert_int_equal(b.result_version, 7);
    bench_finish(&b);
}

static void refused_report_tells_the_hubs_words(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    assert_int_equal(iothub_device_twin_report(b.client, "{\"$a\":1}", bench_on_result, &b),
                     IOTHUB_OK);
    fake_hub_publish(&b.hub, "$iothub/twin/res/400/?$rid=1",
                     "{\"errorCode\":400004,\"message\":\"a key begins with $\"}");
    UNTIL(&b, b.n_results == 1);
    assert_int_equal(b.result_status, IOTHUB_GENERIC_BAD_REQUEST);
    assert_string_equal(b.result_text, "a key begins with $");
    bench_finish(&b);
}

static void unanswered_request_is_asked_again_over_the_next_connection(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    assert_int_equal(iothub_device_twin_get(b.client, bench_on_result, &b), IOTHUB_OK);
    UNTIL(&b, b.hub.n_publishes == 1);
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, b.hub.n_publishes == 2);
    assert_string_equal(b.hub.publishes[1].topic, b.hub.publishes[0].topic);
    fake_hub_publish(&b.hub, "$iothub/twin/res/200/?$rid=1", "{}");
    UNTIL(&b, b.n_results == 1);
    bench_finish(&b);
}

static void unanswered_request_times_out(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.request_timeout_ms = 20});
    bench_go_up(&b);
    assert_int_equal(iothub_device_twin_get(b.client, bench_on_result, &b), IOTHUB_OK);
    UNTIL(&b, b.n_results == 1);
    assert_int_equal(b.result_status, IOTHUB_TIMED_OUT);
    fake_hub_publish(&b.hub, "$iothub/twin/res/200/?$rid=1", "{}");
    bench_turn(&b);
    bench_turn(&b);
    assert_int_equal(b.n_results, 1);
    bench_finish(&b);
}

static void bad_reports_are_refused_here(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    assert_int_equal(iothub_device_twin_report(b.client, NULL, NULL, NULL),
                     IOTHUB_BAD_ARGUMENT);
    assert_int_equal(iothub_device_twin_report(b.client, "[]", NULL, NULL),
                     IOTHUB_BAD_ARGUMENT);
    assert_int_equal(iothub_device_twin_report(b.client, "{", NULL, NULL), IOTHUB_BAD_ARGUMENT);
    assert_int_equal(iothub_device_twin_get(b.client, NULL, NULL), IOTHUB_BAD_ARGUMENT);
    char *big = calloc(1, BIG);
    memset(big, ' ', BIG - 1);
    big[0] = '{';
    big[BIG - 2] = '}';
    assert_int_equal(iothub_device_twin_report(b.client, big, NULL, NULL),
                     IOTHUB_MESSAGE_TOO_LARGE);
    free(big);
    bench_finish(&b);
}

static void message_is_sent_with_its_properties_and_acknowledged(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    const struct iothub_device_property properties[] = {
        {"level", "1 2"},
        {"flag",  NULL }
    };
    const struct iothub_device_message message = {
        .payload = "{}",
        .payload_len = 2,
        .properties = properties,
        .n_properties = 2,
        .message_id = "m-1",
        .content_type = "application/json",
        .content_encoding = "utf-8",
    };
    b.hub.is_holding_pubacks = true;
    assert_int_equal(iothub_device_send(b.client, &message, bench_on_sent, &b), IOTHUB_OK);
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.hub.publishes[0].topic,
                        "devices/dev-1/messages/events/%24.mid=m-1&%24.ct=application%2Fjson"
                        "&%24.ce=utf-8&level=1%202&flag");
    assert_int_equal(b.hub.publishes[0].qos, 1);
    bench_turn(&b);
    assert_int_equal(b.n_sent, 0);
    assert_int_equal(iothub_device_n_unsent(b.client), 1);
    fake_hub_puback(&b.hub, b.hub.publishes[0].mid);
    UNTIL(&b, b.n_sent == 1);
    assert_int_equal(iothub_device_n_unsent(b.client), 0);
    bench_finish(&b);
}

static void messages_wait_for_a_connection_in_order(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    assert_int_equal(bench_send(&b, "one"), IOTHUB_OK);
    assert_int_equal(bench_send(&b, "two"), IOTHUB_OK);
    bench_go_up(&b);
    UNTIL(&b, b.n_sent == 2);
    assert_string_equal(b.hub.publishes[0].payload, "one");
    assert_string_equal(b.hub.publishes[1].payload, "two");
    assert_false(b.hub.publishes[0].is_dup);
    bench_finish(&b);
}

static void unacknowledged_messages_are_repeated_before_newer_ones(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    b.hub.is_holding_pubacks = true;
    assert_int_equal(bench_send(&b, "one"), IOTHUB_OK);
    UNTIL(&b, b.hub.n_publishes == 1);
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(bench_send(&b, "two"), IOTHUB_OK);
    b.hub.is_holding_pubacks = false;
    UNTIL(&b, b.n_sent == 2);
    assert_int_equal(b.hub.n_publishes, 3);
    assert_string_equal(b.hub.publishes[1].payload, "one");
    assert_true(b.hub.publishes[1].is_dup);
    assert_int_equal(b.hub.publishes[1].mid, b.hub.publishes[0].mid);
    assert_string_equal(b.hub.publishes[2].payload, "two");
    assert_false(b.hub.publishes[2].is_dup);
    bench_finish(&b);
}

static void full_outbox_says_so(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.max_sends = 2});
    assert_int_equal(bench_send(&b, "one"), IOTHUB_OK);
    assert_int_equal(bench_send(&b, "two"), IOTHUB_OK);
    assert_int_equal(bench_send(&b, "three"), IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED);
    bench_go_up(&b);
    UNTIL(&b, b.n_sent == 2);
    assert_int_equal(bench_send(&b, "three"), IOTHUB_OK);
    bench_finish(&b);
}

static void large_message_passes_and_a_larger_one_is_refused(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    char *payload = calloc(1, LIMIT + 1);
    struct iothub_device_message message = {.payload = payload, .payload_len = LIMIT};
    assert_int_equal(iothub_device_send(b.client, &message, bench_on_sent, &b), IOTHUB_OK);
    UNTIL(&b, b.n_sent == 1);
    message.payload_len++;
    assert_int_equal(iothub_device_send(b.client, &message, bench_on_sent, &b),
                     IOTHUB_MESSAGE_TOO_LARGE);
    message.payload_len = LIMIT;
    message.message_id = "x";
    assert_int_equal(iothub_device_send(b.client, &message, bench_on_sent, &b),
                     IOTHUB_MESSAGE_TOO_LARGE);
    free(payload);
    bench_finish(&b);
}

static void bad_messages_are_refused_here(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    struct iothub_device_message message = {.message_id = "with blank"};
    assert_int_equal(iothub_device_send(b.client, &message, NULL, NULL), IOTHUB_BAD_ARGUMENT);
    const struct iothub_device_property nameless = {"", "x"};
    message = (struct iothub_device_message){.properties = &nameless, .n_properties = 1};
    assert_int_equal(iothub_device_send(b.client, &message, NULL, NULL), IOTHUB_BAD_ARGUMENT);
    message = (struct iothub_device_message){.payload_len = 1};
    assert_int_equal(iothub_device_send(b.client, &message, NULL, NULL), IOTHUB_BAD_ARGUMENT);
    char *value = calloc(1, LONG);
    memset(value, 'v', LONG - 1);
    const struct iothub_device_property long_one = {"n", value};
    message = (struct iothub_device_message){.properties = &long_one, .n_properties = 1};
    assert_int_equal(iothub_device_send(b.client, &message, NULL, NULL),
                     IOTHUB_MESSAGE_TOO_LARGE);
    free(value);
    message = (struct iothub_device_message){0};
    assert_int_equal(iothub_device_send(b.client, &message, NULL, NULL), IOTHUB_OK);
    bench_finish(&b);
}

static enum iothub_device_answering poll_inside(void *ctx,
                                                const struct iothub_device_method *method,
                                                struct iothub_device_answer *answer)
{
    (void)method;
    (void)answer;
    struct bench *b = ctx;
    b->n_methods++;
    assert_int_equal(iothub_device_poll(b->client, 0), IOTHUB_INVALID_OPERATION);
    iothub_device_disconnect(b->client);
    return IOTHUB_DEVICE_ANSWER_NOW;
}

static void callback_may_disconnect_but_not_poll(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    iothub_device_on_method(b.client, poll_inside, &b);
    bench_go_up(&b);
    fake_hub_publish(&b.hub, "$iothub/methods/POST/x/?$rid=1", "");
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_IDLE));
    assert_int_equal(b.n_methods, 1);
    UNTIL(&b, b.hub.n_disconnects == 1);
    bench_finish(&b);
}

static void send_next(void *ctx)
{
    struct bench *b = ctx;
    b->n_sent++;
    if (b->n_sent < 5) {
        const struct iothub_device_message message = {.payload = "next", .payload_len = 4};
        assert_int_equal(iothub_device_send(b->client, &message, send_next, b), IOTHUB_OK);
    }
}

static enum iothub_device_answering work_inside(void *ctx,
                                                const struct iothub_device_method *method,
                                                struct iothub_device_answer *answer)
{
    (void)answer;
    struct bench *b = ctx;
    const struct iothub_device_message message = {.payload = "first", .payload_len = 5};
    assert_int_equal(iothub_device_send(b->client, &message, send_next, b), IOTHUB_OK);
    assert_int_equal(iothub_device_twin_report(b->client, "{\"a\":1}", bench_on_result, b),
                     IOTHUB_OK);
    assert_int_equal(iothub_device_method_answer(b->client, method->request_id, 201, "1"),
                     IOTHUB_OK);
    return IOTHUB_DEVICE_ANSWER_LATER;
}

static void callbacks_may_send_report_and_answer(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    iothub_device_on_method(b.client, work_inside, &b);
    bench_go_up(&b);
    fake_hub_publish(&b.hub, "$iothub/methods/POST/x/?$rid=1", "");
    UNTIL(&b, b.n_sent == 5);
    assert_non_null(fake_hub_find(&b.hub, "$iothub/methods/res/201/?$rid=1"));
    assert_non_null(fake_hub_find(&b.hub, "$iothub/twin/PATCH/properties/reported/?$rid=1"));
    fake_hub_publish(&b.hub, "$iothub/twin/res/204/?$rid=1&$version=2", "");
    UNTIL(&b, b.n_results == 1);
    assert_int_equal(iothub_device_n_unsent(b.client), 0);
    bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(method_is_answered_by_its_function),
        cmocka_unit_test(method_without_payload_has_an_empty_one),
        cmocka_unit_test(method_is_answered_later),
        cmocka_unit_test(answer_does_not_cross_connections),
        cmocka_unit_test(answer_that_is_not_json_becomes_a_500),
        cmocka_unit_test(method_nobody_handles_is_answered_with_501),
        cmocka_unit_test(desired_patch_arrives_with_its_version),
        cmocka_unit_test(twin_is_fetched_under_a_request_id),
        cmocka_unit_test(report_made_before_the_connection_waits_for_it),
        cmocka_unit_test(refused_report_tells_the_hubs_words),
        cmocka_unit_test(unanswered_request_is_asked_again_over_the_next_connection),
        cmocka_unit_test(unanswered_request_times_out),
        cmocka_unit_test(bad_reports_are_refused_here),
        cmocka_unit_test(message_is_sent_with_its_properties_and_acknowledged),
        cmocka_unit_test(messages_wait_for_a_connection_in_order),
        cmocka_unit_test(unacknowledged_messages_are_repeated_before_newer_ones),
        cmocka_unit_test(full_outbox_says_so),
        cmocka_unit_test(large_message_passes_and_a_larger_one_is_refused),
        cmocka_unit_test(bad_messages_are_refused_here),
        cmocka_unit_test(callback_may_disconnect_but_not_poll),
        cmocka_unit_test(callbacks_may_send_report_and_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
