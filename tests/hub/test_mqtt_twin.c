/*
 * Twins over MQTT: the device's requests and the changes it is told of.
 * Source: IoT Hub documentation, "Communicate using MQTT", "Understand and use device twins";
 * the device SDKs' twin clients.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/service.h"
#include "iothub/json.h"
#include "iothub/limits.h"

#define GET "$iothub/twin/GET/?$rid="

static struct device *online_with(struct fixture *f, const char *id, const char *filter)
{
    struct device *d = device_online(f, id);
    device_subscribe(d, filter);
    return d;
}

/* The next thing the device hears is a failure's answer to the request. */
static void expect_failure(struct device *d, const char *rid, int status)
{
    char topic[100];
    struct mqtt_publish publish = device_next_publish(d);
    (void)snprintf(topic, sizeof(topic), "$iothub/twin/res/%d/?$rid=%s", status, rid);
    assert_slice(publish.topic, topic);
    json_t *body = json_parse(publish.payload, NULL);
    assert_int_equal(number_below(body, "errorCode") / 1000, status);
    assert_true(strlen(text_below(body, "message")) > 0);
    assert_true(has_form(text_below(body, "trackingId"), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    assert_true(has_form(text_below(body, "timestampUtc"), "dddd-dd-ddTdd:dd:ddZ"));
    json_decref(body);
}

static void expect_failed_report(struct fixture *f, struct device *d, const char *patch)
{
    json_t *before = get_twin(f, "d");
    device_publish(d, REPORTED "?$rid=9", patch, 0);
    expect_failure(d, "9", 400);
    json_t *after = get_twin(f, "d");
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

/* ---- reading ---------------------------------------------------------------------------- */

static void device_reads_both_sections_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'t':1},'properties':{'desired':{'a':{'b':1}}}}");
    report(f, "d", "{'x':'y'}");
    struct device *d = online_with(f, "d", ANSWERS);
    device_publish(d, GET "1", "", 0);
    expect_publish(d, "$iothub/twin/res/200/?$rid=1",
                   "{\"desired\":{\"a\":{\"b\":1},\"$version\":2},"
                   "\"reported\":{\"x\":\"y\",\"$version\":2}}");
}

static void new_twin_has_empty_sections_at_version_1(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    struct device *m = online_with(f, "d/m", ANSWERS);
    device_publish(m, GET "1", " ", 0); /* Node and Python send a blank */
    expect_publish(m, "$iothub/twin/res/200/?$rid=1",
                   "{\"desired\":{\"$version\":1},\"reported\":{\"$version\":1}}");
}

static void request_id_comes_back_as_it_was(void **state)
{
    static const char *const rids[] = {
        "1", "0c4a3a45-6a29-4c6c-9f1e-21ad4d4ba8e1", "A%20b", "x/y?z", "$rid=1", "ü",
    };
    struct fixture *f = *state;
    char topic[100];
    make(f, "d");
    struct device *d = online_with(f, "d", ANSWERS);
    for (size_t i = 0; i < ARRAY_LEN(rids); i++) {
        (void)snprintf(topic, sizeof(topic), GET "%s", rids[i]);
        device_publish(d, topic, "", 0);
        (void)snprintf(topic, sizeof(topic), "$iothub/twin/res/200/?$rid=%s", rids[i]);
        assert_slice(device_next_publish(d).topic, topic);
        (void)snprintf(topic, sizeof(topic), REPORTED "?$rid=%s", rids[i]);
        device_publish(d, topic, "{}", 0);
        (void)snprintf(topic, sizeof(topic), "$iothub/twin/res/204/?$rid=%s&$version=%zu",
                       rids[i], i + 2);
        expect_publish(d, topic, "");
    }
}

static void quality_1_request_is_acknowledged_first(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, ANSWERS);
    device_publish(d, REPORTED "?$rid=1", "{}", 1);
    assert_heard(d, "PUBACK id 2; PUBLISH $iothub/twin/res/204/?$rid=1&$version=2= qos 0 id 0");
}

static void answers_go_only_to_who_subscribed_to_them(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, GET "1", "", 0);
    device_publish(d, REPORTED "?$rid=2", "{\"a\":1}", 0);
    assert_heard(d, "");
    json_t *twin = get_twin(f, "d");
    assert_section(json_below(twin, "properties.reported"), "{'a':1}");
    json_decref(twin);
}

/* mosquitto_rr subscribes to the one topic on which it awaits its answer. */
static void filter_of_one_request_gets_its_answer_alone(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", "$iothub/twin/res/200/?$rid=1");
    device_publish(d, GET "2", "", 0);
    assert_heard(d, "");
    device_publish(d, GET "1", "", 0);
    assert_slice(device_next_publish(d).topic, "$iothub/twin/res/200/?$rid=1");
}

static void filter_of_one_status_gets_no_answer_with_another(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", "$iothub/twin/res/204/+");
    device_publish(d, GET "1", "", 0);
    device_publish(d, REPORTED "?$rid=2", "[]", 0);
    device_publish(d, REPORTED "?$rid=3", "{}", 0);
    expect_publish(d, "$iothub/twin/res/204/?$rid=3&$version=2", "");
    assert_heard(d, "");
}

static void largest_twin_is_read(void **state)
{
    struct fixture *f = *state;
    struct buf patch = {.cap = BUF_CAP_OWN};
    int64_t version = 0;
    make(f, "d");
    buf_put_char(&patch, '{');
    for (int i = 0; i < 8; i++) {
        buf_putf(&patch, "%s\"%c\":\"", i == 0 ? "" : ",", 'a' + i);
        memset(buf_extend(&patch, LIMIT_TWIN_STRING_BYTES - 1), 'x',
               LIMIT_TWIN_STRING_BYTES - 1);
        buf_put_char(&patch, '"');
    }
    buf_put_char(&patch, '}');
    assert_int_equal(hub_twin_report(f->hub, id_of("d"), buf_slice(&patch), &version),
                     IOTHUB_OK);
    struct device *d = online_with(f, "d", ANSWERS);
    device_publish(d, GET "1", "", 0);
    assert_int_equal(device_next_publish(d).payload.len,
                     strlen("{\"desired\":{\"$version\":1},\"reported\":") + patch.len +
                         strlen(",\"$version\":2}"));
    buf_finish(&patch);
}

/* ---- reporting -------------------------------------------------------------------------- */

static void each_report_counts_the_version_up(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", ANSWERS);
    device_publish(d, REPORTED "?$rid=a", "{\"a\":1}", 0);
    expect_publish(d, "$iothub/twin/res/204/?$rid=a&$version=2", "");
    device_publish(d, REPORTED "?$rid=b", "{\"a\":1}", 0);
    expect_publish(d, "$iothub/twin/res/204/?$rid=b&$version=3", "");
    device_publish(d, REPORTED "?$rid=c", "{}", 0);
    expect_publish(d, "$iothub/twin/res/204/?$rid=c&$version=4", "");
}

static void report_is_seen_by_the_service_at_once(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", ANSWERS);
    json_t *before = get_twin(f, "d");
    device_publish(d, REPORTED "?$rid=a", "{\"a\":{\"b\":null,\"c\":1.0,\"d\":[1,{}]}}", 0);
    json_t *twin = get_twin(f, "d");
    assert_section(json_below(twin, "properties.reported"), "{'a':{'c':1.0,'d':[1,{}]}}");
    assert_int_equal(number_below(twin, "properties.reported.$version"), 2);
    assert_int_equal(number_below(twin, "version"), number_below(before, "version") + 1);
    assert_string_equal(text_below(twin, "etag"), text_below(before, "etag"));
    assert_json(json_below(twin, "properties.reported.$metadata.a.c"),
                "{'$lastUpdated':'2026-03-02T12:00:00Z'}");
    json_decref(before);
    json_decref(twin);
}

static void dates_and_numbers_come_back_as_they_were_sent(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", ANSWERS);
    device_publish(
        d, REPORTED "?$rid=a",
        "{\"when\":\"2023-01-31T10:37:08.4599400\",\"one\":1,\"real\":1.0,\"t\":0.1}", 0);
    (void)device_next_publish(d);
    device_publish(d, GET "b", "", 0);
    expect_publish(d, "$iothub/twin/res/200/?$rid=b",
                   "{\"desired\":{\"$version\":1},\"reported\":{\"when\":"
                   "\"2023-01-31T10:37:08.4599400\",\"one\":1,\"real\":1.0,\"t\":0.1,"
                   "\"$version\":2}}");
}

static void report_that_is_no_json_object_is_refused(void **state)
{
    static const char *const patches[] = {"",  "{",    "{\"a\":1", "[]",
                                          "5", "null", "\"a\"",    "{a:1}"};
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", ANSWERS);
    for (size_t i = 0; i < ARRAY_LEN(patches); i++) {
        expect_failed_report(f, d, patches[i]);
    }
    assert_false(device_is_closed(d));
}

static void one_bad_name_spoils_the_whole_report(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    report(f, "d", "{'good':1}");
    struct device *d = online_with(f, "d", ANSWERS);
    expect_failed_report(f, d, "{\"good\":2,\"b$d\":1}");
    expect_failed_report(f, d, "{\"new\":{\"a.b\":1}}");
    expect_failed_report(f, d, "{\"new\":[1,null]}");
    expect_failed_report(f, d, "{\"new\":4503599627370496}");
}

/* Too large for 64 bits is too large for a twin, not bad JSON. */
static void report_of_a_number_of_any_size_is_told_the_bounds(void **state)
{
    static const char *const patches[] = {"{\"n\":18446744073709551616}",
                                          "{\"n\":[-9223372036854775809]}",
                                          "{\"n\":{\"m\":1e400}}"};
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", ANSWERS);
    for (size_t i = 0; i < ARRAY_LEN(patches); i++) {
        device_publish(d, REPORTED "?$rid=9", patches[i], 0);
        struct mqtt_publish publish = device_next_publish(d);
        assert_slice(publish.topic, "$iothub/twin/res/400/?$rid=9");
        json_t *body = json_parse(publish.payload, NULL);
        assert_non_null(strstr(text_below(body, "message"), "has an out of bound value"));
        json_decref(body);
    }
}

static void version_and_metadata_in_a_report_are_passed_over(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", ANSWERS);
    device_publish(d, REPORTED "?$rid=a", "{\"a\":1,\"$version\":7,\"$metadata\":{\"x\":1}}",
                   0);
    expect_publish(d, "$iothub/twin/res/204/?$rid=a&$version=2", "");
    json_t *twin = get_twin(f, "d");
    assert_section(json_below(twin, "properties.reported"), "{'a':1}");
    json_decref(twin);
}

static void module_and_device_report_apart(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    struct device *m = online_with(f, "d/m", ANSWERS);
    device_publish(m, REPORTED "?$rid=a", "{\"a\":1}", 0);
    json_t *module = get_twin(f, "d/m");
    json_t *device = get_twin(f, "d");
    assert_section(json_below(module, "properties.reported"), "{'a':1}");
    assert_section(json_below(device, "properties.reported"), "{}");
    json_decref(module);
    json_decref(device);
}

/* ---- desired changes -------------------------------------------------------------------- */

static void change_reaches_a_subscribed_device(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", DESIRED);
    patch_twin(f, "d", "{'properties':{'desired':{'building':43,'floor':3}}}");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=2",
                   "{\"building\":43,\"floor\":3,\"$version\":2}");
    assert_heard(d, "");
}

static void device_that_did_not_subscribe_is_not_told(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", ANSWERS);
    patch_twin(f, "d", "{'properties':{'desired':{'a':1}}}");
    assert_heard(d, "");
}

static void change_is_not_kept_for_a_device_that_is_away(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_connect(f, &(struct login){.id = "d"});
    assert_heard(d, "CONNACK 0");
    device_subscribe(d, DESIRED);
    device_leave(d);
    patch_twin(f, "d", "{'properties':{'desired':{'a':1}}}");
    d = device_connect(f, &(struct login){.id = "d"});
    assert_heard(d, "CONNACK 0 session");
    device_subscribe(d, DESIRED);
    patch_twin(f, "d", "{'properties':{'desired':{'a':2}}}");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=3",
                   "{\"a\":2,\"$version\":3}");
}

static void others_changes_are_not_heard_of(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    make(f, "e");
    struct device *d = online_with(f, "d", DESIRED);
    patch_twin(f, "d/m", "{'properties':{'desired':{'a':1}}}");
    patch_twin(f, "e", "{'properties':{'desired':{'a':1}}}");
    assert_heard(d, "");
    struct device *m = online_with(f, "d/m", DESIRED);
    patch_twin(f, "d/m", "{'properties':{'desired':{'a':2}}}");
    expect_publish(m, "$iothub/twin/PATCH/properties/desired/?$version=3",
                   "{\"a\":2,\"$version\":3}");
    assert_heard(d, "");
}

static void tags_are_not_told(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", DESIRED);
    patch_twin(f, "d", "{'tags':{'a':1}}");
    assert_heard(d, "");
}

static void own_reports_are_not_told(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", DESIRED);
    device_publish(d, REPORTED "?$rid=1", "{\"a\":1}", 0);
    assert_heard(d, "");
}

static void replacement_with_nothing_names_every_key_with_null(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'properties':{'desired':{'a':1,'b':{'c':2}}}}");
    struct device *d = online_with(f, "d", DESIRED);
    rest_done(f, 200, "PUT", "/twins/d", "{}");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=3",
                   "{\"a\":null,\"b\":null,\"$version\":3}");
}

/* Source: azure-iot-sdk-node, end-to-end twin tests. */
static void desired_null_names_every_key_with_null(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'properties':{'desired':{'a':1,'b':{'c':2}}}}");
    struct device *d = online_with(f, "d", DESIRED);
    patch_twin(f, "d", "{'properties':{'desired':null}}");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=3",
                   "{\"a\":null,\"b\":null,\"$version\":3}");
    json_t *twin = get_twin(f, "d");
    assert_section(json_below(twin, "properties.desired"), "{}");
    json_decref(twin);
}

static void refused_change_is_not_told(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = online_with(f, "d", DESIRED);
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PATCH", "/twins/d",
               "{'properties':{'desired':{'a':1,'b.c':1}}}");
    assert_heard(d, "");
}

static void client_that_does_not_read_is_not_drowned(void **state)
{
    struct fixture *f = *state;
    char value[LIMIT_TWIN_STRING_BYTES + 1];
    char body[sizeof(value) + 60];
    make(f, "d");
    struct device *d = online_with(f, "d", DESIRED);
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    (void)snprintf(body, sizeof(body), "{\"properties\":{\"desired\":{\"a\":\"%s\"}}}", value);
    json_t *patch = json_parse(slice_of(body), NULL);
    /* Nothing is taken from the connection's output meanwhile. */
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(
            hub_twin_update(f->hub, id_of("d"), patch, false, (struct hub_condition){0}, NULL),
            IOTHUB_OK);
    }
    assert_in_range(mqtt_client_out(d->client)->len, 1, 4 * KIB * KIB);
    fixture_turn(f);
    json_decref(patch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(device_reads_both_sections_and_nothing_else),
        HUB_TEST(new_twin_has_empty_sections_at_version_1),
        HUB_TEST(request_id_comes_back_as_it_was),
        HUB_TEST(quality_1_request_is_acknowledged_first),
        HUB_TEST(answers_go_only_to_who_subscribed_to_them),
        HUB_TEST(filter_of_one_request_gets_its_answer_alone),
        HUB_TEST(filter_of_one_status_gets_no_answer_with_another),
        HUB_TEST(largest_twin_is_read),
        HUB_TEST(each_report_counts_the_version_up),
        HUB_TEST(report_is_seen_by_the_service_at_once),
        HUB_TEST(dates_and_numbers_come_back_as_they_were_sent),
        HUB_TEST(report_that_is_no_json_object_is_refused),
        HUB_TEST(one_bad_name_spoils_the_whole_report),
        HUB_TEST(report_of_a_number_of_any_size_is_told_the_bounds),
        HUB_TEST(version_and_metadata_in_a_report_are_passed_over),
        HUB_TEST(module_and_device_report_apart),
        HUB_TEST(change_reaches_a_subscribed_device),
        HUB_TEST(device_that_did_not_subscribe_is_not_told),
        HUB_TEST(change_is_not_kept_for_a_device_that_is_away),
        HUB_TEST(others_changes_are_not_heard_of),
        HUB_TEST(tags_are_not_told),
        HUB_TEST(own_reports_are_not_told),
        HUB_TEST(replacement_with_nothing_names_every_key_with_null),
        HUB_TEST(desired_null_names_every_key_with_null),
        HUB_TEST(refused_change_is_not_told),
        HUB_TEST(client_that_does_not_read_is_not_drowned),
    };
    return cmocka_run_group_tests_name("hub.mqtt_twin", tests, NULL, NULL);
}
