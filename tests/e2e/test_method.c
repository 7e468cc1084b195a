/*
 * Direct methods and method jobs on devices that are there, that are not, and that do not
 * answer.
 */
#include "e2e/emulator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "e2e/mqtt_peer.h"

struct stage {
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
};

static void begin(struct stage *s, void **state)
{
    emulator_init(&s->e, *state);
    emulator_start(&s->e, TEXTS("--in-memory"));
    device_create(&s->e, "d1", s->connection_string);
}

static void expect_failure(struct process *service, const char *error)
{
    process_end_with(service, 1);
    assert_true(process_says(service, PROCESS_ERR, error));
    assert_int_equal(process_n_lines(service, PROCESS_ERR), 1);
    assert_string_equal(process_text(service, PROCESS_OUT), "");
}

static void answer_of_the_device_is_shown(void **state)
{
    struct stage s;
    begin(&s, state);
    struct process *device = device_play(
        &s.e, s.connection_string, TEXTS("--method", "reboot=202:{\"in\": 5, \"why\": \"é\"}"));
    json_t *answer = service_ask(
        &s.e, TEXTS("method", "invoke", "d1", "reboot", "--payload", "{\"delay\":1.0}"));
    expect_json(answer, "{\"status\":202,\"payload\":{\"in\":5,\"why\":\"é\"}}");
    json_decref(answer);
    process_wait_for(device, PROCESS_OUT,
                     "Direct method \"reboot\" called with {\"delay\":1.0}\n");
    answer = service_ask(&s.e, TEXTS("method", "invoke", "d1", "unheardOf"));
    expect_json(answer, "{\"status\":404}");
    json_decref(answer);
    process_wait_for(device, PROCESS_OUT, "Unknown direct method \"unheardOf\" called\n");
    emulator_stop(&s.e);
}

static void device_that_is_offline_is_an_error_at_once(void **state)
{
    struct stage s;
    begin(&s, state);
    struct process *call = service_start(&s.e, TEXTS("method", "invoke", "d1", "lockDoor"));
    expect_failure(call, "iothub-service: DeviceNotOnline: ");
    call = service_start(&s.e, TEXTS("method", "invoke", "nobody", "lockDoor"));
    expect_failure(call, "iothub-service: DeviceNotFound: ");
    emulator_stop(&s.e);
}

static void device_that_comes_within_the_connect_timeout_is_called(void **state)
{
    struct stage s;
    begin(&s, state);
    struct process *call = service_start(
        &s.e, TEXTS("method", "invoke", "d1", "lockDoor", "--connect-timeout", "60",
                    "--response-timeout", "60", "--timeout", "70", "-o", "json"));
    struct process *device =
        device_play(&s.e, s.connection_string, TEXTS("--exit-after-methods", "1"));
    process_end_with(call, 0);
    assert_true(process_says(call, PROCESS_OUT, "lockDoor called successfully"));
    process_end_with(device, 0);
    emulator_stop(&s.e);
}

static void device_that_does_not_come_is_an_error_after_the_connect_timeout(void **state)
{
    struct stage s;
    begin(&s, state);
    int64_t begun_ms = scene_now_ms();
    struct process *call =
        service_start(&s.e, TEXTS("method", "invoke", "d1", "lockDoor", "--connect-timeout",
                                  "1", "--response-timeout", "5"));
    expect_failure(call,
                   "iothub-service: DeviceNotOnline: Timed out waiting for device to connect");
    assert_true(scene_now_ms() - begun_ms >= 1000);
    emulator_stop(&s.e);
}

static void device_app_that_stands_still_is_a_gateway_timeout(void **state)
{
    struct stage s;
    begin(&s, state);
    struct process *device = device_play(&s.e, s.connection_string, TEXTS(NULL));
    process_signal(device, SIGSTOP);
    struct process *call = service_start(
        &s.e, TEXTS("method", "invoke", "d1", "lockDoor", "--response-timeout", "5"));
    expect_failure(call, "iothub-service: GatewayTimeout: ");
    /* Its late answer disturbs nobody. */
    process_go_on(device);
    process_wait_for(device, PROCESS_OUT, "Locking Door!\n");
    service_run(&s.e, TEXTS("method", "invoke", "d1", "lockDoor"));
    emulator_stop(&s.e);
}

static void answer_may_come_late_within_the_response_timeout(void **state)
{
    struct stage s;
    begin(&s, state);
    device_play(&s.e, s.connection_string, TEXTS("--method-delay", "1"));
    struct process *first = service_start(&s.e, TEXTS("method", "invoke", "d1", "lockDoor"));
    struct process *second = service_start(&s.e, TEXTS("method", "invoke", "d1", "lockDoor"));
    process_end_with(first, 0);
    process_end_with(second, 0);
    emulator_stop(&s.e);
}

static void device_that_leaves_instead_of_answering_ends_the_call(void **state)
{
    struct stage s;
    struct mqtt_peer silent;
    struct mqtt_packet packet;
    begin(&s, state);
    mqtt_peer_open(&silent, &s.e, s.connection_string);
    mqtt_peer_subscribe(&silent, "$iothub/methods/POST/#");
    struct process *call = service_start(
        &s.e, TEXTS("method", "invoke", "d1", "lockDoor", "--response-timeout", "5"));
    mqtt_peer_expect(&silent, MQTT_PUBLISH, &packet);
    mqtt_peer_close(&silent);
    process_end_with(call, 1);
    assert_true(process_says(call, PROCESS_ERR, "iothub-service: "));
    emulator_stop(&s.e);
}

/* ---- jobs ---- */

static void expect_row(struct emulator *e, const char *wanted)
{
    json_t *rows = service_ask(e, TEXTS("job", "devices", "lock"));
    assert_int_equal(json_array_size(rows), 1);
    expect_json(json_array_get(rows, 0), wanted);
    json_decref(rows);
}

static void wait_for_failed_row(struct stage *s)
{
    struct process *wait =
        service_start(&s->e, TEXTS("job", "wait", "lock", "--poll-every", "0.2", "-o", "json"));
    process_end_with(wait, 1);
    assert_true(process_says(wait, PROCESS_OUT, "\"failedCount\": 1"));
}

static void job_on_a_device_that_does_not_answer_has_a_failed_row(void **state)
{
    struct stage s;
    struct mqtt_peer silent;
    struct mqtt_packet packet;
    begin(&s, state);
    mqtt_peer_open(&silent, &s.e, s.connection_string);
    mqtt_peer_subscribe(&silent, "$iothub/methods/POST/#");
    service_run(&s.e, TEXTS("job", "create-method", "lock", "--method", "lockDoor", "--payload",
                            "{\"lockTime\":\"10m\"}", "--device-id", "d1", "--response-timeout",
                            "5"));
    mqtt_peer_expect(&silent, MQTT_PUBLISH, &packet);
    assert_true(
        slice_starts_with(packet.publish.topic, SLICE("$iothub/methods/POST/lockDoor/?$rid=")));
    assert_true(slice_equal_text(packet.publish.payload, "{\"lockTime\":\"10m\"}"));
    wait_for_failed_row(&s);
    expect_row(&s.e, "{\"deviceId\":\"d1\",\"status\":\"failed\","
                     "\"error\":{\"code\":\"GatewayTimeout\"}}");
    mqtt_peer_close(&silent);
    emulator_stop(&s.e);
}

static void job_on_a_device_that_is_offline_has_a_failed_row(void **state)
{
    struct stage s;
    begin(&s, state);
    service_run(&s.e, TEXTS("job", "create-method", "lock", "--method", "lockDoor",
                            "--device-id", "d1"));
    wait_for_failed_row(&s);
    expect_row(&s.e, "{\"deviceId\":\"d1\",\"status\":\"failed\","
                     "\"error\":{\"code\":\"DeviceNotOnline\"}}");
    emulator_stop(&s.e);
}

static void tutorial_fails_when_its_device_is_offline(void **state)
{
    struct stage s;
    begin(&s, state);
    struct process *service =
        service_start(&s.e, TEXTS("schedule-jobs", "--device-id", "d1", "--method-wait", "0.5",
                                  "--twin-wait", "0", "--poll-every", "0.2"));
    process_end_with(service, 1);
    assert_true(process_says(service, PROCESS_OUT, "DeviceNotOnline"));
    emulator_stop(&s.e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(answer_of_the_device_is_shown),
        SCENE_TEST(device_that_is_offline_is_an_error_at_once),
        SCENE_TEST(device_that_comes_within_the_connect_timeout_is_called),
        SCENE_TEST(device_that_does_not_come_is_an_error_after_the_connect_timeout),
        SCENE_TEST(device_app_that_stands_still_is_a_gateway_timeout),
        SCENE_TEST(answer_may_come_late_within_the_response_timeout),
        SCENE_TEST(device_that_leaves_instead_of_answering_ends_the_call),
        SCENE_TEST(job_on_a_device_that_does_not_answer_has_a_failed_row),
        SCENE_TEST(job_on_a_device_that_is_offline_has_a_failed_row),
        SCENE_TEST(tutorial_fails_when_its_device_is_offline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
