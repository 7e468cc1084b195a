/*
 * How long a connection lives, and what the registry shows of it.
 * Source: MQTT 3.1.1; IoT Hub documentation, "Communicate using MQTT", "Understand the identity
 * registry", "Monitor, diagnose and troubleshoot device connectivity".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/device.h"
#include "hub/service.h"

#define NEVER "0001-01-01T00:00:00Z"

/* A member of the registry's document and, where it is there too, of the twin. */
static void assert_identity_says(struct fixture *f, const char *id, const char *member,
                                 const char *want)
{
    json_t *identity = get_identity(f, id);
    assert_string_equal(text_below(identity, member), want);
    json_decref(identity);
}

static void assert_twin_says(struct fixture *f, const char *id, const char *member,
                             const char *want)
{
    json_t *twin = get_twin(f, id);
    assert_string_equal(text_below(twin, member), want);
    json_decref(twin);
}

static void update_device(struct fixture *f, const char *members)
{
    char body[500];
    (void)snprintf(body, sizeof(body),
                   "{%s\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"" KEY_FIRST
                   "\",\"secondaryKey\":\"" KEY_SECOND "\"}}}",
                   members);
    json_decref(ask_json(
        f, 200,
        &(struct ask){.method = "PUT", .path = "/devices/d", .if_match = "*", .body = body}));
}

/* ---- takeover --------------------------------------------------------------------------- */

static void newer_connection_takes_over(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *first = device_online(f, "d");
    struct device *second = device_online(f, "d");
    assert_true(device_is_closed(first));
    assert_heard(first, ""); /* no packet says so */
    assert_false(device_is_closed(second));
    assert_identity_says(f, "d", "connectionState", "Connected");
    device_ping(second);
    assert_heard(second, "PINGRESP");
}

static void refused_connection_does_not_take_over(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *first = device_online(f, "d");
    struct device *second = device_connect(f, &(struct login){.id = "d", .key = KEY_OTHER});
    assert_true(device_is_closed(second));
    assert_false(device_is_closed(first));
}

static void device_and_its_modules_do_not_take_each_other_over(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    make(f, "d/n");
    make(f, "e");
    make(f, "e/m");
    struct device *connections[] = {
        device_online(f, "d"),   device_online(f, "d/m"), device_online(f, "d/n"),
        device_online(f, "e/m"), device_online(f, "e"),
    };
    for (size_t i = 0; i < ARRAY_LEN(connections); i++) {
        assert_false(device_is_closed(connections[i]));
    }
}

static void ids_that_differ_in_case_are_two_devices(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "D");
    struct device *small = device_online(f, "d");
    struct device *large = device_online(f, "D");
    assert_false(device_is_closed(small));
    assert_false(device_is_closed(large));
}

static void end_of_the_older_connection_does_not_touch_the_newer(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    (void)device_online(f, "d");
    struct device *second = device_online(f, "d");
    device_subscribe(second, DESIRED);
    patch_twin(f, "d", "{'properties':{'desired':{'a':1}}}");
    expect_publish(second, "$iothub/twin/PATCH/properties/desired/?$version=2",
                   "{\"a\":1,\"$version\":2}");
}

/* ---- revocation ------------------------------------------------------------------------- */

static void deleted_device_and_its_modules_are_closed(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    make(f, "e");
    struct device *device = device_online(f, "d");
    struct device *module = device_online(f, "d/m");
    struct device *other = device_online(f, "e");
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    assert_true(device_is_closed(device));
    assert_true(device_is_closed(module));
    assert_false(device_is_closed(other));
}

static void deleted_module_is_closed_alone(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    make(f, "d/n");
    struct device *device = device_online(f, "d");
    struct device *module = device_online(f, "d/m");
    struct device *other = device_online(f, "d/n");
    rest_done(f, 204, "DELETE", "/devices/d/modules/m", NULL);
    assert_true(device_is_closed(module));
    assert_false(device_is_closed(device));
    assert_false(device_is_closed(other));
}

static void disabled_device_and_its_modules_are_closed(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    struct device *device = device_online(f, "d");
    struct device *module = device_online(f, "d/m");
    update_device(f, "\"status\":\"disabled\",");
    assert_true(device_is_closed(device));
    assert_true(device_is_closed(module));
    assert_identity_says(f, "d", "connectionState", "Disconnected");
}

static void device_with_new_keys_is_closed(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    struct device *device = device_online(f, "d");
    struct device *module = device_online(f, "d/m");
    json_decref(ask_json(
        f, 200,
        &(struct ask){.method = "PUT", .path = "/devices/d", .if_match = "*", .body = "{}"}));
    assert_true(device_is_closed(device));
    assert_false(device_is_closed(module));
}

static void update_that_keeps_the_keys_closes_nothing(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *device = device_online(f, "d");
    update_device(f, "\"statusReason\":\"well\",");
    assert_false(device_is_closed(device));
}

/* ---- what the registry shows ------------------------------------------------------------ */

static void new_device_never_was_connected(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_identity_says(f, "d", "connectionState", "Disconnected");
    assert_identity_says(f, "d", "connectionStateUpdatedTime", NEVER);
    assert_identity_says(f, "d", "lastActivityTime", NEVER);
    assert_twin_says(f, "d", "connectionState", "Disconnected");
    assert_twin_says(f, "d", "lastActivityTime", NEVER);
}

static void connection_is_seen_in_identity_and_twin(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    fixture_pass(f, 1500);
    (void)device_online(f, "d/m");
    assert_identity_says(f, "d/m", "connectionState", "Connected");
    assert_identity_says(f, "d/m", "connectionStateUpdatedTime", "2026-03-02T12:00:01.5Z");
    assert_identity_says(f, "d/m", "lastActivityTime", "2026-03-02T12:00:01.5Z");
    assert_twin_says(f, "d/m", "connectionState", "Connected");
    assert_identity_says(f, "d", "connectionState", "Disconnected");
}

static void end_of_a_connection_is_seen_with_its_time(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    fixture_pass(f, 10 * SECOND_MS);
    device_publish(d, "devices/d/messages/events/", "x", 0);
    fixture_pass(f, 10 * SECOND_MS);
    device_leave(d);
    assert_identity_says(f, "d", "connectionState", "Disconnected");
    assert_identity_says(f, "d", "connectionStateUpdatedTime", "2026-03-02T12:00:20Z");
    assert_identity_says(f, "d", "lastActivityTime", "2026-03-02T12:00:10Z");
    assert_twin_says(f, "d", "lastActivityTime", "2026-03-02T12:00:10Z");
}

static void telemetry_is_activity_while_connected(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    fixture_pass(f, 10 * SECOND_MS);
    device_publish(d, "devices/d/messages/events/", "x", 0);
    assert_identity_says(f, "d", "lastActivityTime", "2026-03-02T12:00:10Z");
    assert_identity_says(f, "d", "connectionStateUpdatedTime", "2026-03-02T12:00:00Z");
}

static void connections_leave_etags_alone(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_t *identity = get_identity(f, "d");
    json_t *twin = get_twin(f, "d");
    device_leave(device_online(f, "d"));
    assert_identity_says(f, "d", "etag", text_below(identity, "etag"));
    assert_twin_says(f, "d", "etag", text_below(twin, "etag"));
    assert_twin_says(f, "d", "deviceEtag", text_below(identity, "etag"));
    json_decref(identity);
    json_decref(twin);
}

static void nobody_is_connected_after_a_crash(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    (void)device_online(f, "d");
    fixture_kill(f);
    assert_identity_says(f, "d", "connectionState", "Disconnected");
    (void)device_online(f, "d");
    assert_identity_says(f, "d", "connectionState", "Connected");
}

static void announced_model_is_seen_in_the_twin(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_twin_says(f, "d", "modelId", "");
    struct device *d = device_connect(
        f, &(struct login){.id = "d",
                           .user_name = HOST "/d/?api-version=2020-09-30&model-id="
                                             "dtmi%3Acom%3Aexample%3AThermostat%3B1"});
    assert_heard(d, "CONNACK 0");
    assert_twin_says(f, "d", "modelId", "dtmi:com:example:Thermostat;1");
    device_leave(d);
    assert_twin_says(f, "d", "modelId", "dtmi:com:example:Thermostat;1");
}

/* ---- time ------------------------------------------------------------------------------- */

static void client_has_one_and_a_half_keep_alives(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_connect(f, &(struct login){.id = "d", .keep_alive_s = 60});
    assert_heard(d, "CONNACK 0");
    fixture_pass(f, 90 * SECOND_MS - 1);
    assert_false(device_is_closed(d));
    fixture_pass(f, 1);
    assert_true(device_is_closed(d));
    assert_identity_says(f, "d", "connectionState", "Disconnected");
}

static void each_packet_begins_the_keep_alive_anew(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_connect(f, &(struct login){.id = "d", .keep_alive_s = 60});
    fixture_pass(f, 80 * SECOND_MS);
    device_ping(d);
    fixture_pass(f, 80 * SECOND_MS);
    device_publish(d, "devices/d/messages/events/", "x", 0);
    fixture_pass(f, 90 * SECOND_MS - 1);
    assert_false(device_is_closed(d));
    fixture_pass(f, 1);
    assert_true(device_is_closed(d));
}

static void what_the_hub_sends_does_not_keep_a_connection_alive(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_connect(f, &(struct login){.id = "d", .keep_alive_s = 60});
    assert_heard(d, "CONNACK 0");
    device_subscribe(d, DESIRED);
    fixture_pass(f, 80 * SECOND_MS);
    patch_twin(f, "d", "{'properties':{'desired':{'a':1}}}");
    fixture_pass(f, 10 * SECOND_MS);
    assert_true(device_is_closed(d));
}

static void keep_alive_has_a_ceiling(void **state)
{
    static const uint16_t keep_alives[] = {0, 1178, 65535};
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(keep_alives); i++) {
        struct device *d =
            device_connect(f, &(struct login){.id = "d", .keep_alive_s = keep_alives[i]});
        fixture_pass(f, 1767 * SECOND_MS - 1);
        assert_false(device_is_closed(d));
        fixture_pass(f, 1);
        assert_true(device_is_closed(d));
    }
}

static void connect_must_come_within_a_minute(void **state)
{
    struct fixture *f = *state;
    struct device *d = device_open(f, NULL);
    fixture_pass(f, 60 * SECOND_MS - 1);
    assert_false(device_is_closed(d));
    fixture_pass(f, 1);
    assert_true(device_is_closed(d));
    assert_heard(d, "");
}

/* ---- breaches --------------------------------------------------------------------------- */

static void second_connect_closes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_login(d, &(struct login){.id = "d"});
    assert_true(device_is_closed(d));
    assert_identity_says(f, "d", "connectionState", "Disconnected");
}

static void anything_before_connect_closes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_open(f, NULL);
    device_ping(d);
    assert_true(device_is_closed(d));
    assert_heard(d, "");
}

static void nonsense_closes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_feed(d, SLICE("\x00\x00\x00\x00"));
    assert_true(device_is_closed(d));
}

static void packets_may_come_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    struct buf bytes = {.cap = BUF_CAP_OWN};
    make(f, "d");
    struct device *d = device_open(f, NULL);
    mqtt_put_connect(
        &bytes, &(struct mqtt_connect){.client_id = SLICE("d"),
                                       .has_user_name = true,
                                       .user_name = SLICE(HOST "/d"),
                                       .has_password = true,
                                       .password = slice_of(token_of(f, "d", "", KEY_FIRST)),
                                       .clean_session = true});
    mqtt_put_publish(&bytes,
                     &(struct mqtt_publish){.topic = SLICE("devices/d/messages/events/"),
                                            .payload = SLICE("x"),
                                            .qos = 1,
                                            .packet_id = 77});
    for (size_t i = 0; i < bytes.len; i++) {
        device_feed(d, slice_make(bytes.data + i, 1));
    }
    assert_heard(d, "CONNACK 0; PUBACK id 77");
    buf_finish(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(newer_connection_takes_over),
        HUB_TEST(refused_connection_does_not_take_over),
        HUB_TEST(device_and_its_modules_do_not_take_each_other_over),
        HUB_TEST(ids_that_differ_in_case_are_two_devices),
        HUB_TEST(end_of_the_older_connection_does_not_touch_the_newer),
        HUB_TEST(deleted_device_and_its_modules_are_closed),
        HUB_TEST(deleted_module_is_closed_alone),
        HUB_TEST(disabled_device_and_its_modules_are_closed),
        HUB_TEST(device_with_new_keys_is_closed),
        HUB_TEST(update_that_keeps_the_keys_closes_nothing),
        HUB_TEST(new_device_never_was_connected),
        HUB_TEST(connection_is_seen_in_identity_and_twin),
        HUB_TEST(end_of_a_connection_is_seen_with_its_time),
        HUB_TEST(telemetry_is_activity_while_connected),
        HUB_TEST(connections_leave_etags_alone),
        DISK_TEST(nobody_is_connected_after_a_crash),
        HUB_TEST(announced_model_is_seen_in_the_twin),
        HUB_TEST(client_has_one_and_a_half_keep_alives),
        HUB_TEST(each_packet_begins_the_keep_alive_anew),
        HUB_TEST(what_the_hub_sends_does_not_keep_a_connection_alive),
        HUB_TEST(keep_alive_has_a_ceiling),
        HUB_TEST(connect_must_come_within_a_minute),
        HUB_TEST(second_connect_closes),
        HUB_TEST(anything_before_connect_closes),
        HUB_TEST(nonsense_closes),
        HUB_TEST(packets_may_come_byte_by_byte),
    };
    return cmocka_run_group_tests_name("hub.mqtt_connection", tests, NULL, NULL);
}
