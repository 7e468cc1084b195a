/*
 * Fault injection, over MQTT and over HTTP.
 * Source: the end-to-end tests of the C, C#, Node and Python device SDKs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/fault.h"
#include "hub/mail.h"

#define TOPIC "devices/d/messages/events/"
#define FAULT "AzIoTHub_FaultOperation"

/* ---- MQTT ---------------------------------------------------------------------------------
 */

static struct device *online(struct fixture *f)
{
    make(f, "d");
    return device_online(f, "d");
}

/* A request by telemetry of QoS 1; the delay is in seconds, NULL for none. */
static void request(struct device *d, const char *type, const char *delay)
{
    char topic[300];
    (void)snprintf(
        topic, sizeof(topic),
        TOPIC FAULT "CloseReason=boom&" FAULT "Type=%s%s%s&" FAULT "DurationInSecs=20", type,
        delay == NULL ? "" : "&" FAULT "DelayInSecs=", delay == NULL ? "" : delay);
    device_publish(d, topic, "break me", 1);
}

/* The connection ends that much later and not before, having heard nothing. */
static void expect_end(struct device *d, int64_t after_ms, bool is_cut)
{
    if (after_ms > 0) {
        fixture_pass(d->f, after_ms - 1);
        assert_false(device_is_closed(d));
        fixture_pass(d->f, 1);
    }
    assert_true(device_is_closed(d));
    assert_int_equal(d->was_cut, is_cut);
    assert_heard(d, "");
}

static void killed_connection_is_cut_when_its_time_has_come(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    request(d, "KillTcp", "2");
    expect_end(d, 2000, true);
    assert_no_event(f);
}

static void shut_down_connection_ends_in_good_order(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    request(d, "ShutDownMqtt", "1");
    expect_end(d, 1000, false);
    assert_no_event(f);
}

static void invoked_errors_end_the_connection(void **state)
{
    struct fixture *f = *state;
    static const char *const types[] = {"InvokeThrottling", "InvokeMaxMessageQuota",
                                        "InvokeAuthError"};
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct device *d = device_online(f, "d");
        request(d, types[i], "1");
        expect_end(d, 1000, false);
    }
    /* Whatever duration was asked for: everything works. */
    struct device *d = device_online(f, "d");
    device_publish(d, TOPIC, "again", 1);
    assert_heard(d, "PUBACK id 1");
    assert_event(f, "", "again");
    assert_no_event(f);
}

static void fault_without_delay_comes_at_once(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    request(d, "KillTcp", NULL);
    expect_end(d, 0, true);
    d = device_online(f, "d");
    request(d, "ShutDownMqtt", "0");
    expect_end(d, 0, false);
}

static void case_of_the_type_does_not_matter(void **state)
{
    struct device *d = online(*state);
    request(d, "killTCP", "1");
    expect_end(d, 1000, true);
}

static void seconds_may_have_a_fraction(void **state)
{
    struct device *d = online(*state);
    request(d, "KillTcp", "0.25");
    expect_end(d, 250, true);
}

static void delay_that_is_no_number_is_none(void **state)
{
    struct fixture *f = *state;
    static const char *const delays[] = {"soon", "-1", "1e3", ".", "1.2.3", "", "%00", "1s"};
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        struct device *d = device_online(f, "d");
        request(d, "KillTcp", delays[i]);
        expect_end(d, 0, true);
    }
}

static void delay_is_cut_to_an_hour(void **state)
{
    struct fixture *f = *state;
    static const char *const delays[] = {"3601", "99999999999999999999999999999999",
                                         "3600.99999999999999999999999"};
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        const struct login login = {.id = "d", .is_clean = true};
        struct device *d = device_connect(f, &login);
        assert_heard(d, "CONNACK 0");
        request(d, "KillTcp", delays[i]);
        fixture_pass(f, HOUR_MS / 4);
        for (int quarter = 1; quarter < 4; quarter++) {
            device_ping(d);
            assert_heard(d, "PINGRESP");
            fixture_pass(f, HOUR_MS / 4 - (quarter == 3 ? 1 : 0));
        }
        assert_false(device_is_closed(d));
        fixture_pass(f, 1);
        assert_true(device_is_closed(d));
    }
}

static void what_follows_a_request_is_stored_and_not_acknowledged(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    device_publish(d, TOPIC, "before", 1);
    assert_heard(d, "PUBACK id 1");
    request(d, "ShutDownMqtt", "2");
    device_publish(d, TOPIC "a=1", "behind", 1);
    device_publish(d, TOPIC, "plain", 0);
    device_ping(d);
    assert_heard(d, "PINGRESP");
    assert_event(f, "", "before");
    assert_event(f, "a=1", "behind");
    assert_event(f, "", "plain");
    expect_end(d, 2000, false);
}

static void twin_and_methods_go_on_until_the_end(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    device_subscribe(d, ANSWERS);
    device_subscribe(d, DESIRED);
    request(d, "KillTcp", "2");
    device_publish(d, "$iothub/twin/GET/?$rid=7", "", 1);
    expect_publish(d, "$iothub/twin/res/200/?$rid=7",
                   "{\"desired\":{\"$version\":1},\"reported\":{\"$version\":1}}");
    patch_twin(f, "d", "{'properties':{'desired':{'a':1}}}");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=2",
                   "{\"a\":1,\"$version\":2}");
    expect_end(d, 2000, true);
}

/* As a client repeats what was not acknowledged. */
static void repeat(struct device *d, const char *type)
{
    char topic[200];
    (void)snprintf(topic, sizeof(topic), TOPIC FAULT "Type=%s", type);
    mqtt_put_publish(device_packets(d), &(struct mqtt_publish){.topic = slice_of(topic),
                                                               .payload = SLICE("break me"),
                                                               .qos = 1,
                                                               .dup = true,
                                                               .packet_id = 99});
    device_say(d);
}

static void repeated_request_is_passed_over(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    repeat(d, "KillTcp");
    fixture_pass(f, HOUR_MS / 4);
    assert_heard(d, "");
    assert_false(device_is_closed(d));
    /* And only that: what comes behind it is acknowledged. */
    device_publish(d, TOPIC, "behind", 1);
    assert_heard(d, "PUBACK id 1");
    assert_event(f, "", "behind");
    assert_no_event(f);
}

static void earlier_of_two_faults_is_the_last(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    request(d, "ShutDownMqtt", "5");
    request(d, "KillTcp", "1");
    expect_end(d, 1000, true);
    d = device_online(f, "d");
    request(d, "KillTcp", "1");
    request(d, "ShutDownMqtt", "5");
    repeat(d, "ShutDownMqtt");
    expect_end(d, 1000, true);
    fixture_pass(f, MINUTE_MS);
}

static void fault_is_forgotten_with_its_connection(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    request(d, "KillTcp", "5");
    device_break(d);
    d = device_online(f, "d");
    fixture_pass(f, MINUTE_MS);
    assert_false(device_is_closed(d));
}

static void fault_hits_only_the_connection_that_asked(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    make(f, "d/m");
    struct device *m = device_online(f, "d/m");
    device_publish(m, "devices/d/modules/m/messages/events/" FAULT "Type=KillTcp", "", 1);
    expect_end(m, 0, true);
    fixture_pass(f, MINUTE_MS);
    assert_false(device_is_closed(d));
}

static void keep_alive_still_ends_a_faulty_connection(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d =
        device_connect(f, &(struct login){.id = "d", .is_clean = true, .keep_alive_s = 10});
    assert_heard(d, "CONNACK 0");
    request(d, "KillTcp", "60");
    expect_end(d, 15000, false);
}

/* The will is telemetry of a connection that failed, and this one does. */
static void killed_connection_leaves_its_will(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    const struct login login = {
        .id = "d", .is_clean = true, .will_topic = TOPIC, .will_payload = "gone"};
    struct device *d = device_connect(f, &login);
    assert_heard(d, "CONNACK 0");
    request(d, "KillTcp", "1");
    expect_end(d, 1000, true);
    assert_event(f, "iothub-MessageType=Will", "gone");
}

static void will_that_asks_for_a_fault_is_nothing(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    const struct login login = {.id = "d",
                                .is_clean = true,
                                .will_topic = TOPIC FAULT "Type=KillTcp",
                                .will_payload = "gone"};
    device_break(device_connect(f, &login));
    assert_no_event(f);
}

static void what_cannot_be_done_is_acknowledged_and_no_event(void **state)
{
    struct fixture *f = *state;
    static const char *const types[] = {"KillAmqpConnection", "ShutDownAmqp", "KillAmqpD2CLink",
                                        "Explode", ""};
    struct device *d = online(f);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        char want[32];
        request(d, types[i], "1");
        (void)snprintf(want, sizeof(want), "PUBACK id %zu", i + 1);
        assert_heard(d, want);
    }
    fixture_pass(f, MINUTE_MS);
    assert_false(device_is_closed(d));
    assert_no_event(f);
}

static void message_without_a_type_is_telemetry(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    device_publish(d, TOPIC FAULT "DelayInSecs=1", "x", 1);
    assert_heard(d, "PUBACK id 1");
    assert_event(f, FAULT "DelayInSecs=1", "x");
}

static void without_fault_injection_the_request_is_telemetry(void **state)
{
    struct fixture *f = *state;
    faults_destroy(f->faults);
    f->faults = NULL;
    struct device *d = online(f);
    device_publish(d, TOPIC FAULT "Type=KillTcp", "x", 1);
    assert_heard(d, "PUBACK id 1");
    assert_event(f, FAULT "Type=KillTcp", "x");
    say(f, (struct mail){.headers = {"iothub-app-" FAULT "Type: InvokeThrottling"},
                         .body = SLICE("y")});
    assert_event(f, FAULT "Type=InvokeThrottling", "y");
}

/* ---- HTTP ---------------------------------------------------------------------------------
 */

#define HEADER "iothub-app-" FAULT

static struct mail faulty(const char *type, const char *duration)
{
    return (struct mail){
        .headers = {type, duration},
          .body = SLICE("break me")
    };
}

static void request_over_http_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    say_refused(f, IOTHUB_THROTTLING_EXCEPTION,
                faulty(HEADER "Type: InvokeThrottling", HEADER "DurationInSecs: 5"));
    say_refused(f, IOTHUB_QUOTA_EXCEEDED,
                faulty(HEADER "Type: InvokeMaxMessageQuota", HEADER "DurationInSecs: 5"));
    say_refused(f, IOTHUB_UNAUTHORIZED,
                faulty("iothub-app-aziothub_faultoperationtype: invokeautherror", NULL));
}

static void repetitions_are_refused_while_the_fault_lasts(void **state)
{
    struct fixture *f = *state;
    const struct mail m = faulty(HEADER "Type: InvokeThrottling", HEADER "DurationInSecs: 5");
    make(f, "d");
    say_refused(f, IOTHUB_THROTTLING_EXCEPTION, m);
    fixture_pass(f, 4999);
    say_refused(f, IOTHUB_THROTTLING_EXCEPTION, m);
    fixture_pass(f, 1);
    say(f, m);
    assert_no_event(f);
    /* Now it asks anew. */
    say_refused(f, IOTHUB_THROTTLING_EXCEPTION, m);
}

static void another_request_after_the_fault_is_another_fault(void **state)
{
    struct fixture *f = *state;
    struct mail m = faulty(HEADER "Type: InvokeThrottling", HEADER "DurationInSecs: 5");
    make(f, "d");
    say_refused(f, IOTHUB_THROTTLING_EXCEPTION, m);
    fixture_pass(f, 5000);
    m.body = SLICE("break me again");
    say_refused(f, IOTHUB_THROTTLING_EXCEPTION, m);
    fixture_pass(f, 5000 + MINUTE_MS);
    /* So long after it, it is no repetition either. */
    say_refused(f, IOTHUB_THROTTLING_EXCEPTION, m);
}

static void other_telemetry_is_not_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    say_refused(f, IOTHUB_THROTTLING_EXCEPTION,
                faulty(HEADER "Type: InvokeThrottling", HEADER "DurationInSecs: 60"));
    say(f, (struct mail){.body = SLICE("plain")});
    assert_event(f, "", "plain");
}

static void kinds_for_connections_do_nothing_over_http(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    say(f, faulty(HEADER "Type: KillTcp", NULL));
    say(f, faulty(HEADER "Type: ShutDownMqtt", NULL));
    say(f, faulty(HEADER "Type: KillAmqpD2CLink", NULL));
    say(f, faulty(HEADER "Type: Explode", NULL));
    assert_no_event(f);
}

static void request_in_a_batch_decides_on_the_whole(void **state)
{
    struct fixture *f = *state;
    const struct mail m = {
        .headers = {"Content-Type: application/vnd.microsoft.iothub.json"},
        .body = SLICE("[{\"body\":\"a\",\"base64Encoded\":false},"
                      "{\"body\":\"b\",\"base64Encoded\":false,\"properties\":"
                      "{\"" HEADER "Type\":\"InvokeMaxMessageQuota\"}},"
                      "{\"body\":\"c\",\"base64Encoded\":false}]"),
    };
    make(f, "d");
    say_refused(f, IOTHUB_QUOTA_EXCEEDED, m);
    /* Without a duration it is over at once. */
    say(f, m);
    assert_event(f, "", "a");
    assert_event(f, "", "c");
    assert_no_event(f);
}

static void many_devices_with_faults_are_not_all_remembered(void **state)
{
    struct fixture *f = *state;
    const struct fault fault = {.type = FAULT_THROTTLING, .duration_ms = 1000};
    char id[16];
    for (int i = 0; i < 2500; i++) {
        (void)snprintf(id, sizeof(id), "d%d", i);
        assert_int_equal(
            faults_answer(f->faults, identity_of_device(slice_of(id)), &fault, 1, 0),
            IOTHUB_THROTTLING_EXCEPTION);
    }
    /* The first was forgotten, so this asks for a fault; the last is over. */
    assert_int_equal(faults_answer(f->faults, identity_of_device(SLICE("d0")), &fault, 1, 1000),
                     IOTHUB_THROTTLING_EXCEPTION);
    assert_int_equal(
        faults_answer(f->faults, identity_of_device(SLICE("d2499")), &fault, 1, 1000),
        IOTHUB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(killed_connection_is_cut_when_its_time_has_come),
        HUB_TEST(shut_down_connection_ends_in_good_order),
        HUB_TEST(invoked_errors_end_the_connection),
        HUB_TEST(fault_without_delay_comes_at_once),
        HUB_TEST(case_of_the_type_does_not_matter),
        HUB_TEST(seconds_may_have_a_fraction),
        HUB_TEST(delay_that_is_no_number_is_none),
        HUB_TEST(delay_is_cut_to_an_hour),
        HUB_TEST(what_follows_a_request_is_stored_and_not_acknowledged),
        HUB_TEST(twin_and_methods_go_on_until_the_end),
        HUB_TEST(repeated_request_is_passed_over),
        HUB_TEST(earlier_of_two_faults_is_the_last),
        HUB_TEST(fault_is_forgotten_with_its_connection),
        HUB_TEST(fault_hits_only_the_connection_that_asked),
        HUB_TEST(keep_alive_still_ends_a_faulty_connection),
        HUB_TEST(killed_connection_leaves_its_will),
        HUB_TEST(will_that_asks_for_a_fault_is_nothing),
        HUB_TEST(what_cannot_be_done_is_acknowledged_and_no_event),
        HUB_TEST(message_without_a_type_is_telemetry),
        HUB_TEST(without_fault_injection_the_request_is_telemetry),
        HUB_TEST(request_over_http_is_refused),
        HUB_TEST(repetitions_are_refused_while_the_fault_lasts),
        HUB_TEST(another_request_after_the_fault_is_another_fault),
        HUB_TEST(other_telemetry_is_not_refused),
        HUB_TEST(kinds_for_connections_do_nothing_over_http),
        HUB_TEST(request_in_a_batch_decides_on_the_whole),
        HUB_TEST(many_devices_with_faults_are_not_all_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
