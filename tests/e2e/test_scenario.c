/*
 * The tutorial "Schedule and broadcast jobs" from its first to its last line: a device app and
 * a service app over TLS. Source: IoT Hub documentation, "Schedule and broadcast jobs".
 */
#include "e2e/emulator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct tutorial {
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    struct process *device;
};

static void begin(struct tutorial *t, void **state, const char *const options[],
                  const char *const device_options[])
{
    emulator_init(&t->e, *state);
    emulator_start(&t->e, options);
    device_create(&t->e, "door-1", t->connection_string);
    t->device = device_play(&t->e, t->connection_string, device_options);
}

static void end(struct tutorial *t)
{
    process_signal(t->device, SIGINT);
    process_end_with(t->device, 0);
    emulator_stop(&t->e);
}

static json_t *schedule(struct tutorial *t, const char *const options[])
{
    const char *arguments[24] = {
        "schedule-jobs", "--device-id",  "door-1", "--method-wait", "1", "--twin-wait",
        "0.2",           "--poll-every", "0.2"};
    for (size_t n = 9; *options != NULL; options++) {
        arguments[n++] = *options;
    }
    return service_ask(&t->e, arguments);
}

/* What the device app of the tutorial prints, in this order. */
static void expect_story(struct process *device, const char *patch)
{
    static const char *const lines[] = {
        "Starting the IoT Hub jobs sample...\n",
        "Beginning to listen for 'lockDoor' direct method invocations...\n",
        "Beginning to listen for updates to the Twin desired properties...\n",
        "IoTHubDeviceClient waiting for commands, press Ctrl-C to exit\n",
        "Twin desired properties patch received:\n",
    };
    const char *at = process_text(device, PROCESS_OUT);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const char *found = strstr(at, lines[i]);
        assert_non_null(found);
        at = found + strlen(lines[i]);
    }
    assert_int_equal(strncmp(at, patch, strlen(patch)), 0);
    assert_non_null(strstr(at, "Locking Door!\n"));
}

static void expect_outcome(const json_t *outcome)
{
    const json_t *jobs = json_object_get(outcome, "jobs");
    assert_int_equal(json_array_size(jobs), 2);
    const json_t *method = json_array_get(jobs, 0);
    const json_t *twin = json_array_get(jobs, 1);
    expect_json(method, "{\"job\":{\"type\":\"scheduleDeviceMethod\",\"status\":\"completed\","
                        "\"deviceJobStatistics\":{\"deviceCount\":1,\"succeededCount\":1,"
                        "\"failedCount\":0,\"pendingCount\":0,\"runningCount\":0}}}");
    expect_json(twin, "{\"job\":{\"type\":\"scheduleUpdateTwin\",\"status\":\"completed\","
                      "\"deviceJobStatistics\":{\"deviceCount\":1,\"succeededCount\":1}}}");
    expect_json(json_array_get(json_object_get(method, "devices"), 0),
                "{\"deviceId\":\"door-1\",\"status\":\"completed\",\"outcome\":"
                "{\"deviceMethodResponse\":{\"status\":200,\"payload\":"
                "{\"Response\":\"lockDoor called successfully\"}}}}");
    expect_json(json_array_get(json_object_get(twin, "devices"), 0),
                "{\"deviceId\":\"door-1\",\"status\":\"completed\"}");
}

static void expect_twin(struct tutorial *t)
{
    json_t *twin = service_ask(&t->e, TEXTS("twin", "get", "door-1"));
    expect_json(twin,
                "{\"deviceId\":\"door-1\",\"connectionState\":\"Connected\",\"properties\":"
                "{\"desired\":{\"building\":43,\"floor\":3,\"$version\":2}}}");
    json_decref(twin);
}

static void both_jobs_of_the_tutorial_complete(void **state)
{
    struct tutorial t;
    begin(&t, state, TEXTS("--in-memory"), TEXTS(NULL));
    json_t *outcome = schedule(&t, TEXTS(NULL));
    expect_outcome(outcome);
    json_decref(outcome);
    expect_twin(&t);
    end(&t);
    expect_story(t.device, "{\"building\":43,\"floor\":3,\"$version\":2}\n");
    assert_true(process_says(t.device, PROCESS_OUT, "IoTHubDeviceClient sample stopped!\n"));
    assert_string_equal(process_text(t.device, PROCESS_ERR), "");
}

static void both_jobs_complete_with_the_timers_of_the_service_app(void **state)
{
    struct tutorial t;
    begin(&t, state, TEXTS("--in-memory"), TEXTS(NULL));
    json_t *outcome = schedule(&t, TEXTS("--client-timers"));
    expect_outcome(outcome);
    json_decref(outcome);
    expect_twin(&t);
    end(&t);
    expect_story(t.device, "{\"building\":43,\"floor\":3,\"$version\":2}\n");
}

static void service_app_tells_the_story_of_the_tutorial(void **state)
{
    static const char *const lines[] = {
        "Starting the IoT Hub jobs sample...\n",
        "Direct method called with Job Id: ",
        "Device twin called with Job Id: ",
        " still running.",
        "Job status posted, press Ctrl-C to exit\n",
        " complete.",
        "Direct method lockDoor, job ",
        "lockDoor called successfully",
        "Device twin update, job ",
    };
    struct tutorial t;
    begin(&t, state, TEXTS("--in-memory"), TEXTS(NULL));
    struct process *service =
        service_start(&t.e, TEXTS("schedule-jobs", "--device-id", "door-1", "--method-wait",
                                  "1", "--twin-wait", "0", "--poll-every", "0.2"));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        process_wait_for(service, PROCESS_OUT, lines[i]);
    }
    process_end_with(service, 0);
    assert_string_equal(process_text(service, PROCESS_ERR), "");
    end(&t);
}

static void many_devices_are_served_by_one_job(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS("--in-memory"));
    service_run(&e, TEXTS("device", "create", "door-1"));
    service_run(&e, TEXTS("device", "create", "door-2"));
    service_run(&e, TEXTS("device", "create", "door-3"));
    struct process *fleet =
        device_start(&e, TEXTS("run", "--device-prefix", "door", "--count", "3",
                               "--exit-after-methods", "3", "--exit-after-patches", "3"));
    process_wait_for(fleet, PROCESS_OUT, "press Ctrl-C to exit\n");
    json_t *outcome = service_ask(&e, TEXTS("schedule-jobs", "--query", "*", "--method-wait",
                                            "0.5", "--twin-wait", "0", "--poll-every", "0.2"));
    expect_json(json_object_get(json_array_get(json_object_get(outcome, "jobs"), 0), "job"),
                "{\"status\":\"completed\",\"deviceJobStatistics\":{\"deviceCount\":3,"
                "\"succeededCount\":3,\"failedCount\":0}}");
    json_decref(outcome);
    process_end_with(fleet, 0);
    assert_true(process_says(fleet, PROCESS_OUT, "[door-1] Locking Door!\n"));
    assert_true(process_says(fleet, PROCESS_OUT, "[door-2] Locking Door!\n"));
    assert_true(process_says(fleet, PROCESS_OUT, "[door-3] Locking Door!\n"));
    emulator_stop(&e);
}

/* ---- what must not be seen ---- */

static void expect_no_secret(struct process *process, enum process_stream stream,
                             const struct tutorial *t)
{
    assert_false(process_says(process, stream, "SharedAccessSignature"));
    assert_false(process_says(process, stream, "SharedAccessKey="));
    assert_false(process_says(process, stream, "sig="));
    assert_false(process_says(process, stream, key_of(t->connection_string)));
    assert_false(process_says(process, stream, key_of(t->e.connection_string)));
}

static void no_log_shows_a_key_or_a_token(void **state)
{
    struct tutorial t;
    begin(&t, state, TEXTS("--in-memory", "--log-level", "trace"),
          TEXTS("--log-level", "trace"));
    struct process *service = service_start(
        &t.e, TEXTS("schedule-jobs", "--device-id", "door-1", "--method-wait", "0.5",
                    "--twin-wait", "0", "--poll-every", "0.2", "--log-level", "trace"));
    process_end_with(service, 0);
    struct process *stranger = device_start(
        &t.e,
        TEXTS("twin", "get", "--log-level", "trace", "--connection-string",
              "HostName=127.0.0.1;DeviceId=door-1;SharedAccessKey=d3JvbmdrZXl3cm9uZ2tleQ=="));
    process_end_with(stranger, 1);
    end(&t);
    /* There is something to be searched. */
    assert_true(process_says(t.e.process, PROCESS_ERR, "door-1: connected"));
    assert_true(process_n_lines(service, PROCESS_ERR) > 5);
    assert_true(process_n_lines(t.device, PROCESS_ERR) > 0);
    expect_no_secret(t.e.process, PROCESS_ERR, &t);
    expect_no_secret(service, PROCESS_ERR, &t);
    expect_no_secret(service, PROCESS_OUT, &t);
    expect_no_secret(t.device, PROCESS_ERR, &t);
    expect_no_secret(t.device, PROCESS_OUT, &t);
    expect_no_secret(stranger, PROCESS_ERR, &t);
    assert_false(process_says(stranger, PROCESS_ERR, "d3JvbmdrZXl3cm9uZ2tleQ"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(both_jobs_of_the_tutorial_complete),
        SCENE_TEST(both_jobs_complete_with_the_timers_of_the_service_app),
        SCENE_TEST(service_app_tells_the_story_of_the_tutorial),
        SCENE_TEST(many_devices_are_served_by_one_job),
        SCENE_TEST(no_log_shows_a_key_or_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
