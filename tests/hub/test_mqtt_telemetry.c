/*
 * Device-to-cloud messages over MQTT, up to the event log.
 * Source: IoT Hub documentation, "Communicate using MQTT", "Create and read IoT Hub messages";
 * the device SDKs and their end-to-end tests.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/partition.h"
#include "hub/service.h"
#include "iothub/json.h"
#include "iothub/limits.h"

#define EVENTS "devices/d/messages/events/"

static void expect_event(struct fixture *f, const char *properties, const char *body)
{
    struct store_event event;
    assert_true(next_event(f, &event));
    assert_slice(event.properties, properties);
    assert_slice(event.body, body);
}

/* ---- what is stored --------------------------------------------------------------------- */

static void message_is_stored_with_its_sender_and_time(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    struct device *d = device_online(f, "d");
    fixture_pass(f, 1234);
    device_publish(d, EVENTS "a=1", "{\"t\": 20.50}", 0);
    assert_true(next_event(f, &event));
    assert_slice(event.from.device_id, "d");
    assert_slice(event.from.module_id, "");
    assert_slice(event.source, "Telemetry");
    assert_slice(event.body, "{\"t\": 20.50}");
    assert_slice(event.properties, "a=1");
    assert_int_equal(event.enqueued_ms, START_MS + 1234);
    assert_int_equal(event.partition, partition_of_device(SLICE("d"), EVENT_PARTITIONS));
    assert_int_equal(event.sequence, 0);
    assert_no_event(f);
}

static void module_sends_as_itself(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    make(f, "d/m");
    struct device *m = device_online(f, "d/m");
    device_publish(m, "devices/d/modules/m/messages/events/%24.on=output1", "x", 1);
    assert_heard(m, "PUBACK id 1");
    assert_true(next_event(f, &event));
    assert_slice(event.from.device_id, "d");
    assert_slice(event.from.module_id, "m");
    assert_slice(event.properties, "%24.on=output1");
    assert_int_equal(event.partition, partition_of_device(SLICE("d"), EVENT_PARTITIONS));
}

static void sequence_numbers_grow_over_a_restart(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, EVENTS, "1", 0);
    device_publish(d, EVENTS, "2", 0);
    fixture_restart(f);
    d = device_online(f, "d");
    device_publish(d, EVENTS, "3", 0);
    for (int i = 0; i < 3; i++) {
        assert_true(next_event(f, &event));
        assert_int_equal(event.sequence, i);
    }
}

static void annotations_tell_how_the_sender_connected(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    json_t *identity = get_identity(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, EVENTS, "x", 0);
    assert_true(next_event(f, &event));
    json_t *annotations = json_parse(event.annotations, NULL);
    assert_string_equal(text_below(annotations, "iothub-connection-auth-method"),
                        "{\"scope\":\"device\",\"type\":\"sas\",\"issuer\":\"iothub\","
                        "\"acceptingIpFilterRule\":null}");
    assert_string_equal(text_below(annotations, "iothub-connection-auth-generation-id"),
                        text_below(identity, "generationId"));
    assert_int_equal(json_object_size(annotations), 2);
    json_decref(annotations);
    json_decref(identity);
}

static void annotations_name_policy_and_module(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    make(f, "d/m");
    struct device *d = device_connect(
        f, &(struct login){.id = "d",
                           .password = token_for(f, HOST, KEY_DEVICE_POLICY, "device", 3600)});
    struct device *m = device_online(f, "d/m");
    device_publish(d, EVENTS, "x", 0);
    device_publish(m, "devices/d/modules/m/messages/events/", "x", 0);
    assert_true(next_event(f, &event));
    assert_non_null(strstr(event.annotations.data, "\\\"scope\\\":\\\"hub\\\""));
    assert_true(next_event(f, &event));
    assert_non_null(strstr(event.annotations.data, "\\\"scope\\\":\\\"module\\\""));
}

static void annotations_carry_model_and_component(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    struct device *d = device_connect(
        f, &(struct login){.id = "d", .user_name = HOST "/d/?model-id=dtmi%3Aa%3Bb%3B1"});
    device_publish(d, EVENTS "%24.sub=thermostat1", "x", 0);
    assert_true(next_event(f, &event));
    json_t *annotations = json_parse(event.annotations, NULL);
    assert_string_equal(text_below(annotations, "dt-dataschema"), "dtmi:a;b;1");
    assert_string_equal(text_below(annotations, "dt-subject"), "thermostat1");
    json_decref(annotations);
}

/* ---- topics and property bags ----------------------------------------------------------- */

static void each_form_of_the_topic_is_taken(void **state)
{
    static const struct {
        const char *topic;
        const char *properties;
    } rows[] = {
        {"devices/d/messages/events",         ""       },
        {"devices/d/messages/events/",        ""       },
        {"devices/d/messages/events/a=b",     "a=b"    },
        {"devices/d/messages/events/a=b&c=d", "a=b&c=d"},
        {"devices/d/messages/events/a=b/",    "a=b"    },
        {"devices/d/messages/events/?a=b",    "a=b"    },
    };
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        device_publish(d, rows[i].topic, "x", 0);
        expect_event(f, rows[i].properties, "x");
    }
}

static void properties_keep_order_nulls_and_characters(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, EVENTS "z=1&a=2&null&empty=&K%2Fy2=%3Dal1&%26ey1=V%40l2&p=1%2B1&s=a%20b",
                   "x", 0);
    expect_event(f, "z=1&a=2&null&empty=&K%2Fy2=%3Dal1&%26ey1=V%40l2&p=1%2B1&s=a%20b", "x");
}

static void system_properties_are_known_in_both_spellings(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, EVENTS "own=1&%24.mid=m-1&$.ct=application%2Fjson&$.ce=utf-8", "{}", 0);
    expect_event(f, "%24.mid=m-1&%24.ct=application%2Fjson&%24.ce=utf-8&own=1", "{}");
}

static void payload_is_any_bytes_or_none(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, EVENTS, "", 1);
    expect_event(f, "", "");
    mqtt_put_publish(device_packets(d), &(struct mqtt_publish){.topic = SLICE(EVENTS),
                                                               .payload = SLICE("\0\xff\n\0")});
    device_say(d);
    assert_true(next_event(f, &event));
    assert_int_equal(event.body.len, 4);
    assert_memory_equal(event.body.data, "\0\xff\n\0", 4);
}

static void marks_tell_of_repetition_and_retain(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    mqtt_put_publish(device_packets(d), &(struct mqtt_publish){.topic = SLICE(EVENTS "a=1"),
                                                               .qos = 1,
                                                               .packet_id = 5,
                                                               .dup = true,
                                                               .retain = true});
    device_say(d);
    assert_heard(d, "PUBACK id 5");
    expect_event(f, "a=1&mqtt-dup=true&mqtt-retain=true", "");
}

static void repeated_message_is_stored_again(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    struct mqtt_publish publish = {
        .topic = SLICE(EVENTS), .payload = SLICE("x"), .qos = 1, .packet_id = 5};
    mqtt_put_publish(device_packets(d), &publish);
    publish.dup = true;
    mqtt_put_publish(device_packets(d), &publish);
    device_say(d);
    assert_heard(d, "PUBACK id 5; PUBACK id 5");
    expect_event(f, "", "x");
    expect_event(f, "mqtt-dup=true", "x");
}

/* Source: azure-iot-sdk-c, end-to-end tests *_SendSecurityEvent. */
static void security_message_is_acknowledged_and_dropped(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, EVENTS "%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1", "{}", 1);
    assert_heard(d, "PUBACK id 1");
    assert_no_event(f);
}

/* ---- acknowledgements ------------------------------------------------------------------- */

static void quality_0_is_not_acknowledged(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, EVENTS, "x", 0);
    assert_heard(d, "");
}

static void quality_2_closes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, EVENTS, "x", 2);
    assert_true(device_is_closed(d));
    assert_no_event(f);
}

/* QoS 1, said with the next device_say(). */
static void put_request(struct device *d, const char *topic, const char *payload, uint16_t id)
{
    mqtt_put_publish(device_packets(d), &(struct mqtt_publish){.topic = slice_of(topic),
                                                               .payload = slice_of(payload),
                                                               .qos = 1,
                                                               .packet_id = id});
}

/* Source: azure-iot-sdk-csharp, its ordered work queue. */
static void acknowledgements_come_in_the_order_of_the_messages(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, ANSWERS);
    put_request(d, EVENTS, "", 30);
    put_request(d, "$iothub/twin/GET/?$rid=1", "", 10);
    put_request(d, EVENTS, "", 20);
    put_request(d, REPORTED "?$rid=2", "{}", 5);
    device_say(d);
    const char *heard = device_heard(d);
    assert_int_equal(
        strncmp(heard, "PUBACK id 30; PUBACK id 10; PUBLISH $iothub/twin/res/200/", 57), 0);
    assert_non_null(
        strstr(heard, "; PUBACK id 20; PUBACK id 5; PUBLISH $iothub/twin/res/204/"));
}

static void acknowledged_message_survives_a_crash(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, EVENTS, "x", 1);
    assert_heard(d, "PUBACK id 1");
    fixture_kill(f);
    expect_event(f, "", "x");
    assert_no_event(f);
}

/* ---- sizes ------------------------------------------------------------------------------ */

static void publish_bytes(struct device *d, const char *topic, size_t n)
{
    char *payload = mem_alloc(n + 1);
    memset(payload, 'x', n);
    device_publish(d, topic, payload, 1);
    free(payload);
}

static void message_of_255_kb_is_taken(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    struct device *d = device_online(f, "d");
    publish_bytes(d, EVENTS "a=b", (size_t)255 * KIB);
    assert_heard(d, "PUBACK id 1");
    assert_true(next_event(f, &event));
    assert_int_equal(event.body.len, 255 * KIB);
}

static void properties_count_into_the_size(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    publish_bytes(d, EVENTS "ab=cd", LIMIT_D2C_BYTES - 4);
    assert_heard(d, "PUBACK id 1");
    publish_bytes(d, EVENTS "ab=cd", LIMIT_D2C_BYTES - 3);
    assert_heard(d, "");
    assert_true(device_is_closed(d));
}

static void message_that_is_too_large_closes_and_is_not_stored(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    publish_bytes(d, EVENTS, (size_t)300 * KIB);
    assert_true(device_is_closed(d));
    assert_heard(d, "");
    assert_no_event(f);
}

/* ---- wills ------------------------------------------------------------------------------ */

static struct device *connect_with_will(struct fixture *f, const char *topic)
{
    struct device *d = device_connect(f, &(struct login){.id = "d",
                                                         .keep_alive_s = 60,
                                                         .is_clean = true,
                                                         .will_topic = topic,
                                                         .will_payload = "gone"});
    assert_heard(d, "CONNACK 0");
    return d;
}

static void will_of_a_broken_connection_is_telemetry(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    device_break(connect_with_will(f, EVENTS "a=1"));
    assert_true(next_event(f, &event));
    assert_slice(event.properties, "a=1&iothub-MessageType=Will");
    assert_slice(event.body, "gone");
    assert_slice(event.from.device_id, "d");
    assert_no_event(f);
}

static void goodbye_discards_the_will(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    device_leave(connect_with_will(f, EVENTS));
    assert_no_event(f);
}

static void will_of_a_silent_client_is_sent(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    (void)connect_with_will(f, EVENTS);
    fixture_pass(f, 90 * SECOND_MS);
    expect_event(f, "iothub-MessageType=Will", "gone");
    assert_no_event(f);
}

static void will_is_sent_when_a_breach_closes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = connect_with_will(f, EVENTS);
    device_publish(d, "devices/e/messages/events/", "x", 0);
    assert_true(device_is_closed(d));
    expect_event(f, "iothub-MessageType=Will", "gone");
}

static void will_is_sent_when_a_newer_connection_takes_over(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    (void)connect_with_will(f, EVENTS);
    struct device *second = device_online(f, "d");
    expect_event(f, "iothub-MessageType=Will", "gone");
    assert_no_event(f);
    device_leave(second);
    assert_no_event(f);
}

static void will_of_a_device_that_is_gone_or_disabled_is_not_sent(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    (void)connect_with_will(f, EVENTS);
    json_decref(ask_json(f, 200,
                         &(struct ask){.method = "PUT",
                                       .path = "/devices/d",
                                       .if_match = "*",
                                       .body = "{\"status\":\"disabled\"}"}));
    assert_no_event(f);
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    make(f, "d");
    struct device *d = connect_with_will(f, EVENTS);
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    assert_true(device_is_closed(d));
    assert_no_event(f);
}

static void will_to_another_topic_is_passed_over(void **state)
{
    static const char *const topics[] = {
        "devices/e/messages/events/",
        "$iothub/twin/GET/?$rid=1",
        "test",
    };
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        device_break(connect_with_will(f, topics[i]));
        assert_no_event(f);
    }
}

static void will_of_a_refused_connection_is_not_sent(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_connect(
        f, &(struct login){
               .id = "d", .key = KEY_OTHER, .will_topic = EVENTS, .will_payload = "gone"});
    assert_heard(d, "CONNACK 5");
    assert_no_event(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(message_is_stored_with_its_sender_and_time),
        HUB_TEST(module_sends_as_itself),
        DISK_TEST(sequence_numbers_grow_over_a_restart),
        HUB_TEST(annotations_tell_how_the_sender_connected),
        HUB_TEST(annotations_name_policy_and_module),
        HUB_TEST(annotations_carry_model_and_component),
        HUB_TEST(each_form_of_the_topic_is_taken),
        HUB_TEST(properties_keep_order_nulls_and_characters),
        HUB_TEST(system_properties_are_known_in_both_spellings),
        HUB_TEST(payload_is_any_bytes_or_none),
        HUB_TEST(marks_tell_of_repetition_and_retain),
        HUB_TEST(repeated_message_is_stored_again),
        HUB_TEST(security_message_is_acknowledged_and_dropped),
        HUB_TEST(quality_0_is_not_acknowledged),
        HUB_TEST(quality_2_closes),
        HUB_TEST(acknowledgements_come_in_the_order_of_the_messages),
        DISK_TEST(acknowledged_message_survives_a_crash),
        HUB_TEST(message_of_255_kb_is_taken),
        HUB_TEST(properties_count_into_the_size),
        HUB_TEST(message_that_is_too_large_closes_and_is_not_stored),
        HUB_TEST(will_of_a_broken_connection_is_telemetry),
        HUB_TEST(goodbye_discards_the_will),
        HUB_TEST(will_of_a_silent_client_is_sent),
        HUB_TEST(will_is_sent_when_a_breach_closes),
        HUB_TEST(will_is_sent_when_a_newer_connection_takes_over),
        HUB_TEST(will_of_a_device_that_is_gone_or_disabled_is_not_sent),
        HUB_TEST(will_to_another_topic_is_passed_over),
        HUB_TEST(will_of_a_refused_connection_is_not_sent),
    };
    return cmocka_run_group_tests_name("hub.mqtt_telemetry", tests, NULL, NULL);
}
