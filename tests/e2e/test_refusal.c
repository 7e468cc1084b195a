/*
 * Who is not let in, who is put out, and what is said to them.
 */
#include "e2e/emulator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "iothub/sas_token.h"

#define WRONG_KEY "d3JvbmdrZXl3cm9uZ2tleQ=="

enum {
    AN_HOUR_S = 3600,
    HALF_THE_SKEW_S = SAS_SKEW_S / 2,
};

static void begin(struct emulator *e, void **state, char connection_string[EMULATOR_TEXT_SIZE])
{
    emulator_init(e, *state);
    emulator_start(e, TEXTS("--in-memory"));
    device_create(e, "d1", connection_string);
}

/* The device app ends with 1 and says this in one line. */
static void expect_refused(struct emulator *e, const char *connection_string, const char *line)
{
    struct process *device = device_start(e, TEXTS("run", "-c", connection_string));
    process_end_with(device, 1);
    assert_string_equal(process_text(device, PROCESS_ERR), line);
    assert_false(process_says(device, PROCESS_OUT, "waiting for commands"));
}

/* The connection string of d1 with a token that ends so many seconds from now. */
static void with_token(const char *connection_string, int64_t seconds,
                       char out[2 * EMULATOR_TEXT_SIZE])
{
    struct buf token = {.cap = EMULATOR_TEXT_SIZE};
    int64_t now_s = clock_read(&(struct clock){0}).at_ms / 1000;
    assert_true(sas_token_write(&token, SLICE("127.0.0.1/devices/d1"),
                                slice_of(key_of(connection_string)), SLICE(""),
                                now_s + seconds));
    snprintf(out, (size_t)2 * EMULATOR_TEXT_SIZE,
             "HostName=127.0.0.1;DeviceId=d1;SharedAccessSignature=%s", buf_text(&token));
    buf_finish(&token);
}

static void wrong_key_is_refused(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    expect_refused(&e, "HostName=127.0.0.1;DeviceId=d1;SharedAccessKey=" WRONG_KEY,
                   "iothub-device: d1: the hub refused the connection: not authorized\n");
    assert_true(process_says(e.process, PROCESS_ERR, "IotHubUnauthorizedAccess"));
    emulator_stop(&e);
}

static void unknown_device_is_refused(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    expect_refused(&e, "HostName=127.0.0.1;DeviceId=nobody;SharedAccessKey=" WRONG_KEY,
                   "iothub-device: nobody: the hub refused the connection: not authorized\n");
    assert_true(process_says(e.process, PROCESS_ERR, "nobody: connection from "));
    assert_true(process_says(e.process, PROCESS_ERR, "DeviceNotFound"));
    emulator_stop(&e);
}

static void key_of_another_device_is_refused(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    char crossed[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    service_run(&e, TEXTS("device", "create", "d2"));
    snprintf(crossed, sizeof(crossed), "HostName=127.0.0.1;DeviceId=d2;SharedAccessKey=%s",
             key_of(connection_string));
    expect_refused(&e, crossed,
                   "iothub-device: d2: the hub refused the connection: not authorized\n");
    emulator_stop(&e);
}

static void expired_token_is_refused(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    char expired[2 * EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    with_token(connection_string, -AN_HOUR_S, expired);
    expect_refused(&e, expired,
                   "iothub-device: d1: the hub refused the connection: not authorized\n");
    emulator_stop(&e);
}

static void token_is_taken_that_expired_within_the_skew_of_clocks(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    char expired[2 * EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    with_token(connection_string, -HALF_THE_SKEW_S, expired);
    device_run(&e, TEXTS("twin", "get", "-c", expired));
    emulator_stop(&e);
}

static void disabled_device_is_refused_and_put_out(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    struct process *device = device_play(&e, connection_string, TEXTS(NULL));
    service_run(&e, TEXTS("device", "update", "d1", "--new-status", "disabled"));
    process_wait_for(device, PROCESS_ERR, "d1: the hub closed the connection");
    expect_refused(&e, connection_string,
                   "iothub-device: d1: the hub refused the connection: not authorized\n");
    emulator_stop(&e);
}

static void deleted_device_is_put_out(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    struct process *device = device_play(&e, connection_string, TEXTS(NULL));
    service_run(&e, TEXTS("device", "delete", "d1"));
    process_wait_for(device, PROCESS_ERR, "d1: the hub closed the connection");
    emulator_stop(&e);
}

static void untrusted_certificate_is_refused_by_both_apps(void **state)
{
    struct emulator e;
    struct emulator other;
    char connection_string[EMULATOR_TEXT_SIZE];
    char foreign_ca[SCENE_PATH_SIZE];
    begin(&e, state, connection_string);
    emulator_init(&other, *state);
    scene_path(other.scene, "other", other.data_dir);
    scene_path(other.scene, "other/tls/ca.pem", foreign_ca);
    process_end_with(emulator_verb(&other, TEXTS("ca")), 0);
    struct process *device = device_start(
        &e,
        TEXTS("twin", "get", "--wait", "2", "-c", connection_string, "--ca-file", foreign_ca));
    process_end_with(device, 1);
    assert_true(process_says(device, PROCESS_ERR, "ertificate"));
    struct process *service =
        service_start(&e, TEXTS("device", "get", "d1", "--ca-file", foreign_ca));
    process_end_with(service, 1);
    assert_true(process_says(service, PROCESS_ERR, "ertificate"));
    emulator_stop(&e);
}

/* ---- takeover ---- */

static void second_connection_puts_out_the_first(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    struct process *first = device_play(&e, connection_string, TEXTS(NULL));
    struct process *second = device_play(&e, connection_string, TEXTS(NULL));
    process_wait_for(first, PROCESS_ERR, "d1: the hub closed the connection");
    process_wait_for(e.process, PROCESS_ERR, "ConnectionForcefullyClosedOnNewConnection");
    /* The app would take it back after its pause: it has to be gone before. */
    process_kill(first);
    service_run(&e, TEXTS("method", "invoke", "d1", "lockDoor", "--connect-timeout", "30"));
    process_wait_for(second, PROCESS_OUT, "Locking Door!\n");
    emulator_stop(&e);
}

static void device_and_its_module_do_not_put_each_other_out(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    char module_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    service_run(&e, TEXTS("module", "create", "d1", "m1"));
    const char *text =
        service_run(&e, TEXTS("device", "connection-string", "d1", "--module", "m1"));
    snprintf(module_string, sizeof(module_string), "%.*s", (int)strcspn(text, "\n"), text);
    struct process *device = device_play(&e, connection_string, TEXTS(NULL));
    struct process *module = device_play(&e, module_string, TEXTS(NULL));
    service_run(&e, TEXTS("method", "invoke", "d1", "lockDoor"));
    process_wait_for(device, PROCESS_OUT, "Locking Door!\n");
    service_run(&e, TEXTS("method", "invoke", "d1", "lockDoor", "--module", "m1"));
    process_wait_for(module, PROCESS_OUT, "Locking Door!\n");
    assert_string_equal(process_text(device, PROCESS_ERR), "");
    assert_string_equal(process_text(module, PROCESS_ERR), "");
    emulator_stop(&e);
}

/* ---- the back end ---- */

static void expect_service_refused(struct emulator *e, const char *connection_string,
                                   const char *error)
{
    struct process *service =
        service_start(e, TEXTS("device", "get", "d1", "-c", connection_string));
    process_end_with(service, 1);
    assert_true(process_says(service, PROCESS_ERR, error));
    assert_int_equal(process_n_lines(service, PROCESS_ERR), 1);
}

static void service_without_the_right_or_the_key_is_refused(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    struct process *policy =
        emulator_verb(&e, TEXTS("connection-string", "--policy", "service"));
    process_end_with(policy, 0);
    const char *text = process_text(policy, PROCESS_OUT);
    snprintf(connection_string, EMULATOR_TEXT_SIZE, "%.*s", (int)strcspn(text, "\n"), text);
    expect_service_refused(&e, connection_string, "iothub-service: IotHubUnauthorizedAccess: ");
    expect_service_refused(
        &e, "HostName=127.0.0.1;SharedAccessKeyName=iothubowner;SharedAccessKey=" WRONG_KEY,
        "iothub-service: IotHubUnauthorizedAccess: ");
    expect_service_refused(
        &e, "HostName=127.0.0.1;SharedAccessKeyName=nobody;SharedAccessKey=" WRONG_KEY,
        "iothub-service: IotHubUnauthorized: ");
    emulator_stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(wrong_key_is_refused),
        SCENE_TEST(unknown_device_is_refused),
        SCENE_TEST(key_of_another_device_is_refused),
        SCENE_TEST(expired_token_is_refused),
        SCENE_TEST(token_is_taken_that_expired_within_the_skew_of_clocks),
        SCENE_TEST(disabled_device_is_refused_and_put_out),
        SCENE_TEST(deleted_device_is_put_out),
        SCENE_TEST(untrusted_certificate_is_refused_by_both_apps),
        SCENE_TEST(second_connection_puts_out_the_first),
        SCENE_TEST(device_and_its_module_do_not_put_each_other_out),
        SCENE_TEST(service_without_the_right_or_the_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
