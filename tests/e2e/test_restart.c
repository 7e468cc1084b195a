/*
 * What an emulator keeps when it ends and starts again, and how it ends.
 */
#include "e2e/emulator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "e2e/mqtt_peer.h"

/* A limit that every system allows, so that no warning about it is written. */
#define USUAL "--max-connections", "500"

static void begin(struct emulator *e, void **state)
{
    emulator_init(e, *state);
    emulator_start(e, TEXTS(USUAL));
}

static void expect_job(struct emulator *e, const char *id, const char *wanted)
{
    json_t *job = service_ask(e, TEXTS("job", "get", id));
    expect_json(job, wanted);
    json_decref(job);
}

static void expect_twin(struct emulator *e, const char *id, const char *wanted)
{
    json_t *twin = service_ask(e, TEXTS("twin", "get", id));
    expect_json(twin, wanted);
    json_decref(twin);
}

static void identities_and_twins_are_kept(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    service_run(&e, TEXTS("module", "create", "d1", "m1"));
    service_run(&e, TEXTS("twin", "update", "d1", "--tags", "{\"floor\":3}", "--desired",
                          "{\"speed\":1.50}"));
    device_run(&e, TEXTS("twin", "report", "{\"locked\":true}", "-c", connection_string));
    json_t *before = service_ask(&e, TEXTS("device", "get", "d1"));
    emulator_stop(&e);
    emulator_start(&e, TEXTS(USUAL));
    json_t *after = service_ask(&e, TEXTS("device", "get", "d1"));
    static const char *const members[] = {"generationId", "etag", "authentication"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        assert_true(json_equal(json_object_get(before, members[i]),
                               json_object_get(after, members[i])));
    }
    json_decref(before);
    json_decref(after);
    expect_twin(&e, "d1",
                "{\"connectionState\":\"Disconnected\",\"tags\":{\"floor\":3},\"properties\":{"
                "\"desired\":{\"speed\":1.5,\"$version\":2},"
                "\"reported\":{\"locked\":true,\"$version\":2}}}");
    service_run(&e, TEXTS("module", "get", "d1", "m1"));
    device_run(&e, TEXTS("send", "--data", "hello", "-c", connection_string));
    emulator_stop(&e);
}

static void job_in_the_future_runs_after_a_restart(void **state)
{
    struct emulator e;
    begin(&e, state);
    service_run(&e, TEXTS("device", "create", "d1"));
    service_run(&e, TEXTS("job", "create-twin", "later", "--device-id", "d1", "--desired",
                          "{\"floor\":4}", "--start-in", "3"));
    json_t *job = service_ask(&e, TEXTS("job", "get", "later"));
    emulator_stop(&e);
    const char *status = json_string_value(json_object_get(job, "status"));
    assert_true(strcmp(status, "queued") == 0 || strcmp(status, "scheduled") == 0);
    json_decref(job);
    emulator_start(&e, TEXTS(USUAL));
    service_run(&e, TEXTS("job", "wait", "later", "--poll-every", "0.2"));
    expect_job(&e, "later",
               "{\"status\":\"completed\",\"deviceJobStatistics\":{\"succeededCount\":1}}");
    expect_twin(&e, "d1", "{\"properties\":{\"desired\":{\"floor\":4}}}");
    emulator_stop(&e);
}

static void job_whose_start_passed_while_nothing_ran_runs_at_the_next_start(void **state)
{
    struct emulator e;
    begin(&e, state);
    service_run(&e, TEXTS("device", "create", "d1"));
    service_run(&e, TEXTS("job", "create-twin", "soon", "--device-id", "d1", "--desired",
                          "{\"floor\":5}", "--start-in", "1"));
    emulator_stop(&e);
    emulator_start(&e, TEXTS(USUAL));
    service_run(&e, TEXTS("job", "wait", "soon", "--poll-every", "0.2"));
    expect_twin(&e, "d1", "{\"properties\":{\"desired\":{\"floor\":5}}}");
    emulator_stop(&e);
}

static void device_app_comes_back_after_a_restart(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    struct process *device = device_play(&e, connection_string, TEXTS("--log-level", "info"));
    emulator_stop(&e);
    process_wait_for(device, PROCESS_ERR, "d1: the hub closed the connection");
    e.keeps_ports = true;
    emulator_start(&e, TEXTS(USUAL));
    /* Its first pause may be long enough for the method to find nobody. */
    service_run(&e, TEXTS("method", "invoke", "d1", "lockDoor", "--connect-timeout", "60",
                          "--response-timeout", "60", "--timeout", "70"));
    process_wait_for(device, PROCESS_OUT, "Locking Door!\n");
    service_run(&e, TEXTS("twin", "update", "d1", "--desired", "{\"floor\":6}"));
    process_wait_for(device, PROCESS_OUT, "{\"floor\":6,\"$version\":2}\n");
    process_signal(device, SIGTERM);
    process_end_with(device, 0);
    emulator_stop(&e);
}

static void second_emulator_on_the_same_data_is_refused_in_one_line(void **state)
{
    struct emulator e;
    struct emulator second;
    begin(&e, state);
    emulator_init(&second, *state);
    scene_path(second.scene, "second.json", second.ready_file);
    struct process *refused = emulator_try(&second, TEXTS(USUAL));
    process_end_with(refused, 1);
    char wanted[EMULATOR_TEXT_SIZE];
    snprintf(wanted, sizeof(wanted), "iothub-emulator: %s/hub.db is in use by process %d\n",
             e.data_dir, (int)e.process->pid);
    assert_string_equal(process_text(refused, PROCESS_ERR), wanted);
    assert_string_equal(process_text(refused, PROCESS_OUT), "");
    assert_false(scene_has(e.scene, "second.json"));
    /* And the first is none the worse for it. */
    service_run(&e, TEXTS("device", "create", "d1"));
    emulator_stop(&e);
}

static void data_in_memory_leaves_no_database(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS("--in-memory"));
    service_run(&e, TEXTS("device", "create", "d1"));
    emulator_stop(&e);
    assert_true(scene_has(e.scene, "data/tls/ca.pem"));
    assert_false(scene_has(e.scene, "data/hub.db"));
    assert_false(scene_has(e.scene, "data/hub.db.lock"));
    emulator_start(&e, TEXTS("--in-memory"));
    struct process *get = service_start(&e, TEXTS("device", "get", "d1"));
    process_end_with(get, 1);
    assert_true(process_says(get, PROCESS_ERR, "DeviceNotFound"));
    emulator_stop(&e);
}

static void ready_file_is_there_while_it_runs_only(void **state)
{
    struct emulator e;
    begin(&e, state);
    assert_true(scene_has(e.scene, "ready.json"));
    emulator_stop(&e);
    assert_false(scene_has(e.scene, "ready.json"));
}

static void certificates_stay_the_same(void **state)
{
    struct emulator e;
    begin(&e, state);
    struct process *first = emulator_verb(&e, TEXTS("ca"));
    process_end_with(first, 0);
    emulator_stop(&e);
    emulator_start(&e, TEXTS(USUAL));
    struct process *second = emulator_verb(&e, TEXTS("ca"));
    process_end_with(second, 0);
    assert_string_equal(process_text(first, PROCESS_OUT), process_text(second, PROCESS_OUT));
    emulator_stop(&e);
}

/* ---- signals ---- */

static void interrupt_ends_it_cleanly(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    struct process *device = device_play(&e, connection_string, TEXTS(NULL));
    process_signal(e.process, SIGINT);
    process_end_with(e.process, 0);
    assert_true(process_says(e.process, PROCESS_ERR, "ending: Interrupt"));
    process_wait_for(device, PROCESS_ERR, "the hub closed the connection");
    assert_false(scene_has(e.scene, "data/hub.db-wal"));
}

static void call_that_waits_is_answered_at_the_end(void **state)
{
    struct emulator e;
    struct mqtt_peer silent;
    struct mqtt_packet packet;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    mqtt_peer_open(&silent, &e, connection_string);
    mqtt_peer_subscribe(&silent, "$iothub/methods/POST/#");
    struct process *call =
        service_start(&e, TEXTS("method", "invoke", "d1", "lockDoor", "--response-timeout",
                                "300", "--timeout", "310"));
    mqtt_peer_expect(&silent, MQTT_PUBLISH, &packet);
    emulator_stop(&e);
    process_end_with(call, 1);
    assert_false(mqtt_peer_next(&silent, &packet));
    mqtt_peer_close(&silent);
}

static void second_interrupt_ends_it_at_once(void **state)
{
    struct emulator e;
    begin(&e, state);
    process_signal(e.process, SIGINT);
    process_wait_for(e.process, PROCESS_ERR, "ending: Interrupt");
    /* It may have ended by itself before the signal is there. */
    process_signal(e.process, SIGINT);
    int code = process_end(e.process);
    assert_true(code == 0 || code == 128 + SIGINT);
    emulator_start(&e, TEXTS(USUAL));
    emulator_stop(&e);
}

static void second_interrupt_ends_the_device_app_that_waits_for_the_hub(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state);
    device_create(&e, "d1", connection_string);
    struct process *device = device_play(&e, connection_string, TEXTS(NULL));
    /* A hub that does not answer keeps the app from taking leave. */
    process_signal(e.process, SIGSTOP);
    process_signal(device, SIGINT);
    process_wait_for(device, PROCESS_OUT, "Shutting down IoT Hub Client\n");
    process_signal(device, SIGINT);
    int code = process_end(device);
    assert_true(code == 0 || code == 128 + SIGINT);
    process_go_on(e.process);
    emulator_stop(&e);
}

static void interrupt_leaves_the_jobs_to_the_hub(void **state)
{
    struct emulator e;
    begin(&e, state);
    service_run(&e, TEXTS("device", "create", "d1"));
    struct process *service =
        service_start(&e, TEXTS("schedule-jobs", "--device-id", "d1", "--method-wait", "60",
                                "--twin-wait", "60", "--poll-every", "0.2"));
    process_wait_for(service, PROCESS_OUT, "press Ctrl-C to exit\n");
    process_signal(service, SIGINT);
    process_end_with(service, 130);
    assert_true(process_says(service, PROCESS_OUT, "IoTHubService sample stopped\n"));
    json_t *jobs = service_ask(&e, TEXTS("job", "list"));
    assert_int_equal(json_array_size(jobs), 2);
    json_decref(jobs);
    emulator_stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(identities_and_twins_are_kept),
        SCENE_TEST(job_in_the_future_runs_after_a_restart),
        SCENE_TEST(job_whose_start_passed_while_nothing_ran_runs_at_the_next_start),
        SCENE_TEST(device_app_comes_back_after_a_restart),
        SCENE_TEST(second_emulator_on_the_same_data_is_refused_in_one_line),
        SCENE_TEST(data_in_memory_leaves_no_database),
        SCENE_TEST(ready_file_is_there_while_it_runs_only),
        SCENE_TEST(certificates_stay_the_same),
        SCENE_TEST(interrupt_ends_it_cleanly),
        SCENE_TEST(call_that_waits_is_answered_at_the_end),
        SCENE_TEST(second_interrupt_ends_it_at_once),
        SCENE_TEST(second_interrupt_ends_the_device_app_that_waits_for_the_hub),
        SCENE_TEST(interrupt_leaves_the_jobs_to_the_hub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
