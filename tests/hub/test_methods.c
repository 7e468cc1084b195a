/*
 * Direct methods, from the service's request to the device and back.
 * Source: IoT Hub documentation, "Understand and invoke direct methods"; IoT Hub REST, "Devices
 * - Invoke Method"; the SDKs' method tests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/service.h"
#include "iothub/limits.h"

#define PATH "/twins/d/methods"

static void begin(struct fixture *f, struct pending *p, const char *path, const char *body)
{
    pending_begin(p, f, &(struct ask){.method = "POST", .path = path, .body = body});
}

/* The answer must be a 200 with exactly this text. */
static void expect_answer(struct pending *p, const char *want)
{
    struct reply reply = pending_take(p);
    assert_string_equal(reply.text, want);
    assert_int_equal(reply.status, 200);
    reply_end(&reply);
}

static void expect_refusal(struct fixture *f, const char *path, const char *body,
                           enum iothub_status status)
{
    struct pending p;
    begin(f, &p, path, body);
    expect_nested_error(pending_take(&p), status);
}

static struct device *listening(struct fixture *f, const char *id)
{
    struct device *d = device_online(f, id);
    device_subscribe(d, METHODS);
    return d;
}

/* ---- answered calls --------------------------------------------------------------------- */

static void device_answers_the_caller(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"lockDoor\",\"payload\":{\"lockTime\":\"10m\"}}");
    assert_false(p.exchange.is_done);
    expect_publish(d, "$iothub/methods/POST/lockDoor/?$rid=1", "{\"lockTime\":\"10m\"}");
    device_publish(d, "$iothub/methods/res/200/?$rid=1", "{\"result\":true}", 0);
    assert_true(p.was_woken);
    expect_answer(&p, "{\"status\":200,\"payload\":{\"result\":true}}");
}

static void module_answers_the_caller(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    make(f, "d/m");
    struct device *d = listening(f, "d");
    struct device *m = listening(f, "d/m");
    begin(f, &p, "/twins/d/modules/m/methods", "{\"methodName\":\"go\",\"payload\":1}");
    assert_heard(d, "");
    device_answer(m, "go", 201, "2");
    expect_answer(&p, "{\"status\":201,\"payload\":2}");
}

static void payload_reaches_the_device_as_it_was_written(void **state)
{
    static const char *const payloads[] = {
        "{\"b\":1,\"a\":1.0,\"c\":1e5,\"d\":-0.10}",
        "{ \"spaced\" : [ 1 , 2 ] }",
        "\"\"",
        "\"foo\"",
        "\"{\\\"lockTime\\\":\\\"10m\\\"}\"",
        "\"2023-01-31T10:37:08.4599400+02:00\"",
        "\"\\u00e9\xc3\xa9\"",
        "null",
        "true",
        "0",
        "[]",
        "{}",
        "{\"payload\":{\"payload\":1}}",
    };
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = listening(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
        struct pending p;
        char body[200];
        char want[200];
        (void)snprintf(body, sizeof(body), "{\"methodName\":\"m\",\"payload\":%s}",
                       payloads[i]);
        begin(f, &p, PATH, body);
        struct mqtt_publish publish = device_next_publish(d);
        assert_slice(publish.payload, payloads[i]);
        /* And back. */
        (void)snprintf(want, sizeof(want), "$iothub/methods/res/200/?$rid=%zx", i + 1);
        device_publish(d, want, payloads[i], 0);
        (void)snprintf(want, sizeof(want), "{\"status\":200,\"payload\":%s}", payloads[i]);
        expect_answer(&p, want);
    }
}

static void numbers_of_any_size_go_there_and_come_back(void **state)
{
    static const char *const numbers[] = {
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890.123456789012345678901234567890",
        "[1e400,{\"a\":-99999999999999999999}]",
    };
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = listening(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct pending p;
        char text[200];
        (void)snprintf(text, sizeof(text), "{\"methodName\":\"m\",\"payload\":%s}", numbers[i]);
        begin(f, &p, PATH, text);
        (void)snprintf(text, sizeof(text), "$iothub/methods/POST/m/?$rid=%zu", i + 1);
        expect_publish(d, text, numbers[i]);
        (void)snprintf(text, sizeof(text), "$iothub/methods/res/200/?$rid=%zu", i + 1);
        device_publish(d, text, numbers[i], 0);
        (void)snprintf(text, sizeof(text), "{\"status\":200,\"payload\":%s}", numbers[i]);
        expect_answer(&p, text);
    }
}

static void absent_payload_is_an_empty_body(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    expect_publish(d, "$iothub/methods/POST/m/?$rid=1", "");
    pending_drop(&p);
}

static void empty_answer_is_payload_null(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    device_answer(d, "m", 200, "");
    expect_answer(&p, "{\"status\":200,\"payload\":null}");
}

static void any_status_of_the_device_passes_through(void **state)
{
    static const int statuses[] = {0, 299, 400, 404, 500, -1, 2147483647};
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = listening(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct pending p;
        char want[100];
        begin(f, &p, PATH, "{\"methodName\":\"m\"}");
        device_answer(d, "m", statuses[i], "{}");
        (void)snprintf(want, sizeof(want), "{\"status\":%d,\"payload\":{}}", statuses[i]);
        expect_answer(&p, want);
    }
}

static void answer_with_quality_1_is_acknowledged(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, METHODS);
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    (void)device_next_publish(d);
    device_publish(d, "$iothub/methods/res/200/?$rid=1", "null", 1);
    assert_heard(d, "PUBACK id 2");
    expect_answer(&p, "{\"status\":200,\"payload\":null}");
}

static void calls_may_be_answered_in_any_order(void **state)
{
    struct fixture *f = *state;
    struct pending first;
    struct pending second;
    make(f, "d");
    struct device *d = listening(f, "d");
    begin(f, &first, PATH, "{\"methodName\":\"a\"}");
    begin(f, &second, PATH, "{\"methodName\":\"b\"}");
    device_publish(d, "$iothub/methods/res/2/?$rid=2", "\"b\"", 0);
    assert_false(first.exchange.is_done);
    expect_answer(&second, "{\"status\":2,\"payload\":\"b\"}");
    device_publish(d, "$iothub/methods/res/1/?$rid=1", "\"a\"", 0);
    expect_answer(&first, "{\"status\":1,\"payload\":\"a\"}");
}

static void answer_has_the_headers_of_every_answer(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    device_answer(d, "m", 200, "{}");
    struct reply reply = pending_take(&p);
    assert_string_equal(reply.exchange.answer.content_type, "application/json; charset=utf-8");
    assert_non_null(reply_header(&reply, "x-ms-request-id"));
    reply_end(&reply);
}

static void subscription_may_name_single_methods(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, "$iothub/methods/POST/reboot/#");
    expect_refusal(f, PATH, "{\"methodName\":\"other\"}", IOTHUB_DEVICE_NOT_ONLINE);
    begin(f, &p, PATH, "{\"methodName\":\"reboot\"}");
    device_answer(d, "reboot", 200, "{}");
    expect_answer(&p, "{\"status\":200,\"payload\":{}}");
}

/* ---- devices that are not there --------------------------------------------------------- */

static void unknown_device_is_not_found(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    expect_refusal(f, "/twins/e/methods", "{\"methodName\":\"m\"}", IOTHUB_DEVICE_NOT_FOUND);
    expect_refusal(f, "/twins/e/modules/m/methods", "{\"methodName\":\"m\"}",
                   IOTHUB_DEVICE_NOT_FOUND);
    expect_refusal(f, "/twins/e/methods",
                   "{\"methodName\":\"m\",\"connectTimeoutInSeconds\":20}",
                   IOTHUB_DEVICE_NOT_FOUND);
}

static void unknown_module_is_not_found(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    expect_refusal(f, "/twins/d/modules/m/methods", "{\"methodName\":\"m\"}",
                   IOTHUB_MODULE_NOT_FOUND);
}

static void disabled_device_counts_as_not_found(void **state)
{
    struct fixture *f = *state;
    rest_done(f, 200, "PUT", "/devices/d", "{'status':'disabled'}");
    rest_done(f, 200, "PUT", "/devices/d/modules/m", "{}");
    expect_refusal(f, PATH, "{\"methodName\":\"m\"}", IOTHUB_DEVICE_NOT_FOUND);
    expect_refusal(f, "/twins/d/modules/m/methods", "{\"methodName\":\"m\"}",
                   IOTHUB_DEVICE_NOT_FOUND);
}

static void device_that_is_away_is_not_online(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    (void)listening(f, "d/m");
    expect_refusal(f, PATH, "{\"methodName\":\"m\"}", IOTHUB_DEVICE_NOT_ONLINE);
}

static void device_that_did_not_subscribe_is_not_online(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    expect_refusal(f, PATH, "{\"methodName\":\"m\"}", IOTHUB_DEVICE_NOT_ONLINE);
    device_subscribe(d, METHODS);
    device_unsubscribe(d, METHODS);
    expect_refusal(f, PATH, "{\"methodName\":\"m\"}", IOTHUB_DEVICE_NOT_ONLINE);
    assert_heard(d, "");
}

/* ---- waiting ---------------------------------------------------------------------------- */

#define PATIENT \
    "{\"methodName\":\"m\",\"payload\":{\"a\":1},\"connectTimeoutInSeconds\":20," \
    "\"responseTimeoutInSeconds\":30}"

static void call_waits_for_its_device_to_come(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    begin(f, &p, PATH, PATIENT);
    fixture_pass(f, 10 * SECOND_MS);
    assert_false(p.exchange.is_done);
    struct device *d = device_online(f, "d");
    fixture_pass(f, 5 * SECOND_MS);
    assert_false(p.exchange.is_done);
    device_subscribe(d, DESIRED);
    mqtt_put_subscribe(device_packets(d), 77, &(struct mqtt_filter){.topic = SLICE(METHODS)},
                       1);
    device_say(d);
    const char *heard = device_heard(d);
    assert_non_null(strstr(heard, "SUBACK id 77 0x00"));
    assert_non_null(strstr(heard, "PUBLISH $iothub/methods/POST/m/?$rid=1={\"a\":1} qos 0"));
    device_publish(d, "$iothub/methods/res/200/?$rid=1", "{}", 0);
    expect_answer(&p, "{\"status\":200,\"payload\":{}}");
}

static void calls_that_wait_are_delivered_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct pending calls[3];
    make(f, "d");
    make(f, "e");
    begin(f, &calls[0], PATH, PATIENT);
    begin(f, &calls[1], "/twins/e/methods", PATIENT);
    begin(f, &calls[2], PATH, PATIENT);
    struct device *d = device_online(f, "d");
    mqtt_put_subscribe(device_packets(d), 1, &(struct mqtt_filter){.topic = SLICE(METHODS)}, 1);
    device_say(d);
    const char *heard = device_heard(d);
    const char *first = strstr(heard, "?$rid=1=");
    const char *third = strstr(heard, "?$rid=3=");
    assert_non_null(first);
    assert_non_null(third);
    assert_true(first < third);
    assert_null(strstr(heard, "?$rid=2="));
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        pending_drop(&calls[i]);
    }
}

static void second_subscription_brings_the_calls_it_covers(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, "$iothub/methods/POST/other/#");
    begin(f, &p, PATH, PATIENT);
    assert_false(p.exchange.is_done);
    mqtt_put_subscribe(device_packets(d), 1,
                       &(struct mqtt_filter){.topic = SLICE("$iothub/methods/POST/m/#")}, 1);
    device_say(d);
    assert_non_null(strstr(device_heard(d), "PUBLISH $iothub/methods/POST/m/"));
    pending_drop(&p);
}

static void wait_for_the_device_ends(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    begin(f, &p, PATH, PATIENT);
    fixture_pass(f, 20 * SECOND_MS - 1);
    assert_false(p.exchange.is_done);
    fixture_pass(f, 1);
    assert_true(p.was_woken);
    expect_nested_error(pending_take(&p), IOTHUB_DEVICE_NOT_ONLINE);
    /* What came too late is not delivered later. */
    struct device *d = listening(f, "d");
    assert_heard(d, "");
}

static void wait_for_the_answer_ends(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"m\",\"responseTimeoutInSeconds\":5}");
    fixture_pass(f, 5 * SECOND_MS - 1);
    assert_false(p.exchange.is_done);
    fixture_pass(f, 1);
    assert_true(p.was_woken);
    expect_nested_error(pending_take(&p), IOTHUB_GATEWAY_TIMEOUT);
    /* The late answer is acknowledged and forgotten. */
    (void)device_next_publish(d);
    device_publish(d, "$iothub/methods/res/200/?$rid=1", "{}", 1);
    assert_heard(d, "PUBACK id 2");
    assert_false(device_is_closed(d));
}

static void answer_is_awaited_for_30_seconds_unless_told_otherwise(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    (void)listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    fixture_pass(f, 30 * SECOND_MS - 1);
    assert_false(p.exchange.is_done);
    fixture_pass(f, 1);
    expect_nested_error(pending_take(&p), IOTHUB_GATEWAY_TIMEOUT);
}

static void device_that_leaves_ends_its_calls(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    device_break(d);
    assert_true(p.was_woken);
    expect_nested_error(pending_take(&p), IOTHUB_DEVICE_NOT_ONLINE);
}

static void newer_connection_does_not_inherit_calls(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    (void)listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    struct device *second = listening(f, "d");
    expect_nested_error(pending_take(&p), IOTHUB_DEVICE_NOT_ONLINE);
    device_publish(second, "$iothub/methods/res/200/?$rid=1", "{}", 0);
    assert_false(device_is_closed(second));
}

static void caller_that_goes_away_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    pending_drop(&p);
    device_answer(d, "m", 200, "{}");
    fixture_pass(f, MINUTE_MS);
    assert_false(p.was_woken);
    begin(f, &p, "/twins/d/methods", PATIENT);
    device_break(d);
    pending_drop(&p);
    make(f, "e");
    begin(f, &p, "/twins/e/methods", PATIENT);
    pending_drop(&p);
    fixture_pass(f, MINUTE_MS);
}

/* ---- answers that are none -------------------------------------------------------------- */

static void answer_that_is_no_json_is_a_bad_gateway(void **state)
{
    static const char *const payloads[] = {"ok", "{", "{\"a\":}", "\"a", "1 2"};
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = listening(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
        struct pending p;
        begin(f, &p, PATH, "{\"methodName\":\"m\"}");
        device_answer(d, "m", 200, payloads[i]);
        expect_nested_error(pending_take(&p), IOTHUB_GENERIC_BAD_GATEWAY);
    }
    assert_false(device_is_closed(d));
}

static void answer_to_no_call_is_ignored(void **state)
{
    static const char *const rids[] = {"0", "2", "ffffffffffffffff", "11111111111111111",
                                       "x", "-1"};
    struct fixture *f = *state;
    struct pending p;
    char topic[80];
    make(f, "d");
    struct device *d = listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    for (size_t i = 0; i < ARRAY_LEN(rids); i++) {
        (void)snprintf(topic, sizeof(topic), "$iothub/methods/res/200/?$rid=%s", rids[i]);
        device_publish(d, topic, "{}", 0);
        assert_false(p.exchange.is_done);
        assert_false(device_is_closed(d));
    }
    pending_drop(&p);
}

static void device_cannot_answer_anothers_call(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    make(f, "e");
    (void)listening(f, "d");
    struct device *e = listening(f, "e");
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    device_publish(e, "$iothub/methods/res/200/?$rid=1", "{}", 0);
    assert_false(p.exchange.is_done);
    pending_drop(&p);
}

static void second_answer_is_ignored(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = listening(f, "d");
    begin(f, &p, PATH, "{\"methodName\":\"m\"}");
    device_publish(d, "$iothub/methods/res/1/?$rid=1", "{}", 0);
    device_publish(d, "$iothub/methods/res/2/?$rid=1", "{}", 0);
    expect_answer(&p, "{\"status\":1,\"payload\":{}}");
}

/* ---- requests that are none ------------------------------------------------------------- */

static void bad_timeouts_are_refused(void **state)
{
    static const char *const members[] = {
        "\"responseTimeoutInSeconds\":4",
        "\"responseTimeoutInSeconds\":301",
        "\"responseTimeoutInSeconds\":-5",
        "\"responseTimeoutInSeconds\":\"30\"",
        "\"responseTimeoutInSeconds\":30.5",
        "\"connectTimeoutInSeconds\":-1",
        "\"connectTimeoutInSeconds\":301,\"responseTimeoutInSeconds\":300",
        "\"connectTimeoutInSeconds\":31",
        "\"connectTimeoutInSeconds\":11,\"responseTimeoutInSeconds\":10",
    };
    struct fixture *f = *state;
    make(f, "d");
    (void)listening(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        char body[200];
        (void)snprintf(body, sizeof(body), "{\"methodName\":\"m\",%s}", members[i]);
        expect_refusal(f, PATH, body, IOTHUB_ARGUMENT_INVALID);
    }
}

static void equal_and_extreme_timeouts_are_taken(void **state)
{
    static const char *const members[] = {
        "\"responseTimeoutInSeconds\":5",
        "\"responseTimeoutInSeconds\":300,\"connectTimeoutInSeconds\":300",
        "\"responseTimeoutInSeconds\":60,\"connectTimeoutInSeconds\":60",
        "\"responseTimeoutInSeconds\":null,\"connectTimeoutInSeconds\":null",
        "\"connectTimeoutInSeconds\":0,\"timeoutInSeconds\":15",
    };
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = listening(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct pending p;
        char body[200];
        (void)snprintf(body, sizeof(body), "{\"methodName\":\"m\",%s}", members[i]);
        begin(f, &p, PATH, body);
        device_answer(d, "m", 200, "{}");
        expect_answer(&p, "{\"status\":200,\"payload\":{}}");
    }
}

static void call_needs_a_method_name(void **state)
{
    struct fixture *f = *state;
    char body[200];
    char name[LIMIT_METHOD_NAME_CHARS + 2];
    make(f, "d");
    (void)listening(f, "d");
    expect_refusal(f, PATH, "{}", IOTHUB_ARGUMENT_NULL);
    expect_refusal(f, PATH, "{\"methodName\":null}", IOTHUB_ARGUMENT_NULL);
    expect_refusal(f, PATH, "{\"methodName\":\"\"}", IOTHUB_ARGUMENT_NULL);
    expect_refusal(f, PATH, "{\"methodName\":\"a b\"}", IOTHUB_ARGUMENT_INVALID);
    expect_refusal(f, PATH, "{\"methodName\":\"a/b\"}", IOTHUB_ARGUMENT_INVALID);
    expect_refusal(f, PATH, "{\"methodName\":\"a#\"}", IOTHUB_ARGUMENT_INVALID);
    memset(name, 'm', sizeof(name));
    name[LIMIT_METHOD_NAME_CHARS + 1] = '\0';
    (void)snprintf(body, sizeof(body), "{\"methodName\":\"%s\"}", name);
    expect_refusal(f, PATH, body, IOTHUB_ARGUMENT_INVALID);
}

static char *body_with_payload(size_t payload_bytes)
{
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_put_text(&body, "{\"methodName\":\"m\",\"payload\":\"");
    memset(buf_extend(&body, payload_bytes - 2), 'x', payload_bytes - 2);
    buf_put_text(&body, "\"}");
    return buf_take_text(&body);
}

static void payload_has_a_limit(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = listening(f, "d");
    char *most = body_with_payload((size_t)LIMIT_METHOD_PAYLOAD_BYTES);
    char *more = body_with_payload((size_t)LIMIT_METHOD_PAYLOAD_BYTES + 1);
    expect_refusal(f, PATH, more, IOTHUB_MESSAGE_TOO_LARGE);
    begin(f, &p, PATH, most);
    assert_int_equal(device_next_publish(d).payload.len, LIMIT_METHOD_PAYLOAD_BYTES);
    pending_drop(&p);
    free(most);
    free(more);
}

static void number_of_calls_under_way_has_a_limit(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    (void)listening(f, "d");
    struct device *e = listening(f, "e");
    struct pending *calls = mem_array(LIMIT_METHODS_IN_FLIGHT, sizeof(*calls));
    for (size_t i = 0; i < LIMIT_METHODS_IN_FLIGHT; i++) {
        begin(f, &calls[i], PATH, "{\"methodName\":\"m\"}");
        assert_false(calls[i].exchange.is_done);
    }
    expect_refusal(f, PATH, "{\"methodName\":\"m\"}",
                   IOTHUB_DEVICE_MAXIMUM_INFLIGHT_METHOD_EXCEEDED);
    /* Others are not concerned. */
    struct pending p;
    begin(f, &p, "/twins/e/methods", "{\"methodName\":\"m\"}");
    device_answer(e, "m", 200, "{}");
    expect_answer(&p, "{\"status\":200,\"payload\":{}}");
    for (size_t i = 0; i < LIMIT_METHODS_IN_FLIGHT; i++) {
        pending_drop(&calls[i]);
    }
    free(calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(device_answers_the_caller),
        HUB_TEST(module_answers_the_caller),
        HUB_TEST(payload_reaches_the_device_as_it_was_written),
        HUB_TEST(numbers_of_any_size_go_there_and_come_back),
        HUB_TEST(absent_payload_is_an_empty_body),
        HUB_TEST(empty_answer_is_payload_null),
        HUB_TEST(any_status_of_the_device_passes_through),
        HUB_TEST(answer_with_quality_1_is_acknowledged),
        HUB_TEST(calls_may_be_answered_in_any_order),
        HUB_TEST(answer_has_the_headers_of_every_answer),
        HUB_TEST(subscription_may_name_single_methods),
        HUB_TEST(unknown_device_is_not_found),
        HUB_TEST(unknown_module_is_not_found),
        HUB_TEST(disabled_device_counts_as_not_found),
        HUB_TEST(device_that_is_away_is_not_online),
        HUB_TEST(device_that_did_not_subscribe_is_not_online),
        HUB_TEST(call_waits_for_its_device_to_come),
        HUB_TEST(calls_that_wait_are_delivered_in_their_order),
        HUB_TEST(second_subscription_brings_the_calls_it_covers),
        HUB_TEST(wait_for_the_device_ends),
        HUB_TEST(wait_for_the_answer_ends),
        HUB_TEST(answer_is_awaited_for_30_seconds_unless_told_otherwise),
        HUB_TEST(device_that_leaves_ends_its_calls),
        HUB_TEST(newer_connection_does_not_inherit_calls),
        HUB_TEST(caller_that_goes_away_is_forgotten),
        HUB_TEST(answer_that_is_no_json_is_a_bad_gateway),
        HUB_TEST(answer_to_no_call_is_ignored),
        HUB_TEST(device_cannot_answer_anothers_call),
        HUB_TEST(second_answer_is_ignored),
        HUB_TEST(bad_timeouts_are_refused),
        HUB_TEST(equal_and_extreme_timeouts_are_taken),
        HUB_TEST(call_needs_a_method_name),
        HUB_TEST(payload_has_a_limit),
        HUB_TEST(number_of_calls_under_way_has_a_limit),
    };
    return cmocka_run_group_tests_name("hub.methods", tests, NULL, NULL);
}
