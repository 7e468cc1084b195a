/*
 * The emulator is killed at a chosen moment, and started again; any moment is e2e.kill's.
 */
#include "e2e/emulator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "e2e/mqtt_peer.h"
#include "iothub/json.h"

static void expect_row(struct emulator *e, const char *job_id, const char *wanted)
{
    json_t *rows = service_ask(e, TEXTS("job", "devices", job_id));
    assert_int_equal(json_array_size(rows), 1);
    expect_json(json_array_get(rows, 0), wanted);
    json_decref(rows);
}

/* Whether the method ran is not known, and it may be one that must not run twice. */
static void device_that_was_called_before_a_kill_is_not_called_again(void **state)
{
    struct emulator e;
    struct mqtt_peer silent;
    struct mqtt_packet packet;
    char connection_string[EMULATOR_TEXT_SIZE];
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS(NULL));
    device_create(&e, "d1", connection_string);
    mqtt_peer_open(&silent, &e, connection_string);
    mqtt_peer_subscribe(&silent, "$iothub/methods/POST/#");
    service_run(&e, TEXTS("job", "create-method", "lock", "--method", "lockDoor", "--device-id",
                          "d1", "--response-timeout", "60"));
    mqtt_peer_expect(&silent, MQTT_PUBLISH, &packet);
    process_kill(e.process);
    mqtt_peer_close(&silent);
    emulator_start(&e, TEXTS(NULL));
    struct process *device = device_play(&e, connection_string, TEXTS(NULL));
    struct process *wait =
        service_start(&e, TEXTS("job", "wait", "lock", "--poll-every", "0.2"));
    process_end_with(wait, 1);
    expect_row(&e, "lock", "{\"deviceId\":\"d1\",\"status\":\"failed\"}");
    process_signal(device, SIGTERM);
    process_end_with(device, 0);
    assert_false(process_says(device, PROCESS_OUT, "Locking Door!"));
    emulator_stop(&e);
}

static void emulator_starts_again_beside_what_a_kill_left(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS(NULL));
    process_kill(e.process);
    /* The ready file of the dead, the lock and the write-ahead log are in the way of nothing.
     */
    assert_true(scene_has(e.scene, "ready.json"));
    emulator_start(&e, TEXTS(NULL));
    struct process *health =
        emulator_verb(&e, TEXTS("healthcheck", "--ready-file", e.ready_file));
    process_end_with(health, 0);
    emulator_stop(&e);
    assert_false(scene_has(e.scene, "ready.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(device_that_was_called_before_a_kill_is_not_called_again),
        SCENE_TEST(emulator_starts_again_beside_what_a_kill_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
