/*
 * Messages from the hub, and a module's share of everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/device/bench.h"

#define FILTER "devices/dev-1/messages/devicebound/#"
#define TOPIC  "devices/dev-1/messages/devicebound/"

/* What the last message said; absent texts are "-". */
struct seen {
    int n;
    char payload[64];
    size_t payload_len;
    char texts[10][64];
    char properties[256];
};

static void note(char out[64], const char *text)
{
    (void)snprintf(out, 64, "%s", text == NULL ? "-" : text);
}

static void on_message(void *ctx, const struct iothub_device_received *m)
{
    struct seen *seen = ctx;
    const char *texts[] = {
        m->message_id,       m->correlation_id, m->user_id,       m->to,  m->content_type,
        m->content_encoding, m->expiry_time,    m->creation_time, m->ack, m->input};
    seen->n++;
    assert_true(m->payload_len < sizeof(seen->payload));
    memcpy(seen->payload, m->payload, m->payload_len + 1);
    seen->payload_len = m->payload_len;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        note(seen->texts[i], texts[i]);
    }
    seen->properties[0] = '\0';
    for (size_t i = 0; i < m->n_properties; i++) {
        size_t len = strlen(seen->properties);
        const char *value = m->properties[i].value;
        (void)snprintf(seen->properties + len, sizeof(seen->properties) - len, "%s=%s;",
                       m->properties[i].name, value == NULL ? "(null)" : value);
    }
}

static void messages_are_subscribed_to_with_acknowledgement(void **state)
{
    (void)state;
    struct bench b;
    struct seen seen = {0};
    bench_init(&b);
    iothub_device_on_method(b.client, bench_on_method, &b);
    iothub_device_on_message(b.client, on_message, &seen);
    bench_go_up(&b);
    assert_int_equal(b.hub.n_subscribes, 2);
    assert_int_equal(b.hub.n_filters, 2);
    assert_int_equal(b.hub.filter_qos[0], 0);
    assert_string_equal(b.hub.filters[1], FILTER);
    assert_int_equal(b.hub.filter_qos[1], 1);
    bench_finish(&b);
}

static void connection_is_up_when_all_subscriptions_are_granted(void **state)
{
    (void)state;
    struct bench b;
    struct seen seen = {0};
    bench_init(&b);
    b.hub.is_holding_subacks = true;
    iothub_device_on_method(b.client, bench_on_method, &b);
    iothub_device_on_message(b.client, on_message, &seen);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_subscribes == 2);
    fake_hub_send(&b.hub, "\x90\x03\x00\x01\x00", 5);
    for (int i = 0; i < 20; i++) {
        bench_turn(&b);
    }
    assert_int_equal(iothub_device_state(b.client), IOTHUB_DEVICE_CONNECTING);
    fake_hub_send(&b.hub, "\x90\x03\x00\x02\x01", 5);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    bench_finish(&b);
}

static void message_comes_with_all_that_its_topic_says(void **state)
{
    (void)state;
    struct bench b;
    struct seen seen = {0};
    bench_init(&b);
    iothub_device_on_message(b.client, on_message, &seen);
    bench_go_up(&b);
    fake_hub_publish_once(
        &b.hub,
        TOPIC
        "%24.mid=m-1&%24.to=%2Fdevices%2Fdev-1%2Fmessages%2FdeviceBound&%24.cid=c-1"
        "&%24.uid=me&%24.ct=application%2Fjson&%24.ce=utf-8&%24.exp=2030-01-02T03%3A04%3A05"
        "Z&%24.ctime=2026-01-02T03%3A04%3A05Z&iothub-ack=full&floor=3&empty=&bare&K%2Fy=%26",
        SLICE("{\"a\":1}"), 7);
    UNTIL(&b, seen.n == 1);
    static const char *const expected[] = {"m-1",
                                           "c-1",
                                           "me",
                                           "/devices/dev-1/messages/deviceBound",
                                           "application/json",
                                           "utf-8",
                                           "2030-01-02T03:04:05Z",
                                           "2026-01-02T03:04:05Z",
                                           "full",
                                           "-"};
    assert_string_equal(seen.payload, "{\"a\":1}");
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_string_equal(seen.texts[i], expected[i]);
    }
    assert_string_equal(seen.properties, "floor=3;empty=;bare=(null);K/y=&;");
    UNTIL(&b, b.hub.n_pubacks == 1);
    assert_int_equal(b.hub.pubacks[0], 7);
    bench_finish(&b);
}

static void message_may_be_empty_or_any_bytes(void **state)
{
    (void)state;
    struct bench b;
    struct seen seen = {0};
    bench_init(&b);
    iothub_device_on_message(b.client, on_message, &seen);
    bench_go_up(&b);
    fake_hub_publish(&b.hub, TOPIC, "");
    UNTIL(&b, seen.n == 1);
    assert_int_equal(seen.payload_len, 0);
    assert_string_equal(seen.payload, "");
    assert_string_equal(seen.properties, "");
    assert_string_equal(seen.texts[0], "-");
    fake_hub_publish_once(&b.hub, TOPIC, SLICE("\0\xff\0"), 3);
    UNTIL(&b, seen.n == 2);
    assert_int_equal(seen.payload_len, 3);
    assert_memory_equal(seen.payload, "\0\xff\0", 3);
    bench_finish(&b);
}

static void message_that_comes_again_is_handed_over_again(void **state)
{
    (void)state;
    struct bench b;
    struct seen seen = {0};
    bench_init(&b);
    iothub_device_on_message(b.client, on_message, &seen);
    bench_go_up(&b);
    fake_hub_publish_once(&b.hub, TOPIC "%24.mid=m", SLICE("x"), 1);
    fake_hub_publish_once(&b.hub, TOPIC "%24.mid=m", SLICE("x"), 1);
    UNTIL(&b, seen.n == 2);
    UNTIL(&b, b.hub.n_pubacks == 2);
    bench_finish(&b);
}

static void message_nobody_wants_is_acknowledged_and_dropped(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    fake_hub_publish_once(&b.hub, TOPIC, SLICE("x"), 9);
    UNTIL(&b, b.hub.n_pubacks == 1);
    bench_finish(&b);
}

struct leaver {
    struct bench *bench;
    int n;
};

static void on_message_leave(void *ctx, const struct iothub_device_received *m)
{
    struct leaver *leaver = ctx;
    (void)m;
    if (++leaver->n == 2) {
        iothub_device_disconnect(leaver->bench->client);
    }
}

static void what_is_not_read_at_a_farewell_is_not_acknowledged(void **state)
{
    (void)state;
    struct bench b;
    struct leaver leaver = {.bench = &b};
    bench_init(&b);
    iothub_device_on_message(b.client, on_message_leave, &leaver);
    bench_go_up(&b);
    for (int mid = 1; mid <= 5; mid++) {
        fake_hub_publish_once(&b.hub, TOPIC, SLICE("x"), mid);
    }
    UNTIL(&b, b.hub.n_disconnects == 1 && bench_is_in(&b, IOTHUB_DEVICE_IDLE));
    assert_int_equal(b.hub.n_pubacks, 2);
    assert_int_equal(b.hub.pubacks[1], 2);
    bench_finish(&b);
}

static void no_function_unsubscribes(void **state)
{
    (void)state;
    struct bench b;
    struct seen seen = {0};
    bench_init(&b);
    iothub_device_on_message(b.client, on_message, &seen);
    bench_go_up(&b);
    iothub_device_on_message(b.client, NULL, NULL);
    UNTIL(&b, b.hub.n_unsubscribes == 1);
    iothub_device_on_message(b.client, on_message, &seen);
    UNTIL(&b, b.hub.n_subscribes == 2);
    fake_hub_publish(&b.hub, TOPIC, "x");
    UNTIL(&b, seen.n == 1);
    bench_finish(&b);
}

static void bag_with_too_many_properties_is_left_out(void **state)
{
    (void)state;
    struct bench b;
    struct seen seen = {0};
    struct buf topic;
    bench_init(&b);
    buf_init(&topic, BUF_CAP_OWN);
    buf_put_text(&topic, TOPIC);
    for (int i = 0; i < 300; i++) {
        buf_putf(&topic, "p%d=1&", i);
    }
    iothub_device_on_message(b.client, on_message, &seen);
    bench_go_up(&b);
    fake_hub_publish(&b.hub, buf_text(&topic), "body");
    UNTIL(&b, seen.n == 1);
    assert_string_equal(seen.payload, "body");
    assert_string_equal(seen.properties, "");
    buf_finish(&topic);
    bench_finish(&b);
}

static void module_receives_by_its_inputs(void **state)
{
    (void)state;
    struct bench b;
    struct seen seen = {0};
    bench_init_with(&b, (struct iothub_device_options){.connection_string = BENCH_MODULE});
    iothub_device_on_message(b.client, on_message, &seen);
    bench_go_up(&b);
    assert_string_equal(b.hub.filters[0], "devices/dev-1/modules/mod/inputs/#");
    fake_hub_publish(&b.hub, "devices/dev-1/modules/mod/inputs/in1/a=b", "x");
    UNTIL(&b, seen.n == 1);
    assert_string_equal(seen.texts[9], "in1");
    assert_string_equal(seen.properties, "a=b;");
    /* Not a message, so that nothing happens. */
    fake_hub_publish(&b.hub, "devices/dev-1/modules/mod/other/in1/a=b", "x");
    fake_hub_publish(&b.hub, "devices/dev-1/modules/mod/inputs/in2", "y");
    UNTIL(&b, seen.n == 2);
    assert_string_equal(seen.texts[9], "in2");
    bench_finish(&b);
}

static void module_sends_reports_and_answers_as_a_device_does(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.connection_string = BENCH_MODULE});
    iothub_device_on_method(b.client, bench_on_method, &b);
    iothub_device_on_desired(b.client, bench_on_desired, &b);
    bench_go_up(&b);
    assert_string_equal(b.hub.client_id, "dev-1/mod");
    const struct iothub_device_message message = {
        .payload = "x", .payload_len = 1, .output = "out 1"};
    assert_int_equal(iothub_device_send(b.client, &message, bench_on_sent, &b), IOTHUB_OK);
    UNTIL(&b, b.n_sent == 1);
    assert_string_equal(b.hub.publishes[0].topic,
                        "devices/dev-1/modules/mod/messages/events/%24.on=out%201");
    fake_hub_publish(&b.hub, "$iothub/methods/POST/go/?$rid=1", "{}");
    UNTIL(&b, fake_hub_find(&b.hub, "$iothub/methods/res/200/?$rid=1") != NULL);
    assert_int_equal(iothub_device_twin_report(b.client, "{\"a\":1}", bench_on_result, &b),
                     IOTHUB_OK);
    UNTIL(&b, fake_hub_find(&b.hub, "$iothub/twin/PATCH/properties/reported/") != NULL);
    fake_hub_publish(&b.hub, "$iothub/twin/res/204/?$rid=1&$version=5", "");
    UNTIL(&b, b.n_results == 1);
    assert_int_equal(b.result_version, 5);
    fake_hub_publish(&b.hub, "$iothub/twin/PATCH/properties/desired/?$version=2", "{}");
    UNTIL(&b, b.n_patches == 1);
    bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_subscribed_to_with_acknowledgement),
        cmocka_unit_test(connection_is_up_when_all_subscriptions_are_granted),
        cmocka_unit_test(message_comes_with_all_that_its_topic_says),
        cmocka_unit_test(message_may_be_empty_or_any_bytes),
        cmocka_unit_test(message_that_comes_again_is_handed_over_again),
        cmocka_unit_test(message_nobody_wants_is_acknowledged_and_dropped),
        cmocka_unit_test(what_is_not_read_at_a_farewell_is_not_acknowledged),
        cmocka_unit_test(no_function_unsubscribes),
        cmocka_unit_test(bag_with_too_many_properties_is_left_out),
        cmocka_unit_test(module_receives_by_its_inputs),
        cmocka_unit_test(module_sends_reports_and_answers_as_a_device_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
