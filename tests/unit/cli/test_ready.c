/*
 * ready: what the emulator's file fills, and what it must not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/ready.h"

#define KEY    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define POLICY "HostName=hub.example;SharedAccessKeyName=p;SharedAccessKey=" KEY
#define FILE_TEXT \
    "{\"hostName\":\"hub.example\",\"mqttPort\":1,\"mqttsPort\":2,\"httpPort\":3," \
    "\"httpsPort\":4,\"caFile\":\"/ca.pem\",\"connectionString\":\"" POLICY "\"}"

static const struct cli_ready_port https = {"httpsPort", false};

static bool fill(struct cli_ready *ready, const char *text, struct cli_ready_port port)
{
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    bool is_good = cli_ready_fill(ready, slice_of(text), port, &error);
    assert_int_equal(error.len != 0, !is_good);
    buf_finish(&error);
    return is_good;
}

static void everything_open_is_filled(void **state)
{
    (void)state;
    struct cli_ready ready = {0};
    assert_true(fill(&ready, FILE_TEXT, https));
    assert_int_equal(ready.port, 4);
    assert_string_equal(ready.ca_file, "/ca.pem");
    assert_string_equal(ready.connection_string, POLICY);
    cli_ready_finish(&ready);
}

static void the_port_is_the_one_that_is_asked_for(void **state)
{
    (void)state;
    static const char *const members[] = {"mqttPort", "mqttsPort", "httpPort", "httpsPort"};
    for (int i = 0; i < 4; i++) {
        struct cli_ready ready = {0};
        assert_true(fill(&ready, FILE_TEXT, (struct cli_ready_port){members[i], false}));
        assert_int_equal(ready.port, i + 1);
        cli_ready_finish(&ready);
    }
}

static void without_tls_no_certificates_are_taken(void **state)
{
    (void)state;
    struct cli_ready ready = {0};
    assert_true(fill(&ready, FILE_TEXT, (struct cli_ready_port){"httpPort", true}));
    assert_int_equal(ready.port, 3);
    assert_null(ready.ca_file);
    cli_ready_finish(&ready);
}

static void what_is_given_stays(void **state)
{
    (void)state;
    static const char mine[] = "HostName=HUB.example;DeviceId=d;SharedAccessKey=" KEY;
    struct cli_ready ready = {.connection_string = mem_dup_text(mine),
                              .ca_file = mem_dup_text("/mine.pem"),
                              .port = 9};
    assert_true(fill(&ready, FILE_TEXT, https));
    assert_int_equal(ready.port, 9);
    assert_string_equal(ready.ca_file, "/mine.pem");
    assert_string_equal(ready.connection_string, mine);
    cli_ready_finish(&ready);
}

static void a_file_about_another_hub_is_not_used(void **state)
{
    (void)state;
    static const char *const others[] = {
        ("HostName=real.azure-devices.net;SharedAccessKeyName=q;SharedAccessKey=" KEY),
        "hostname = hub.example;HOSTNAME=other;DeviceId=d;x509=true",
        "no connection string at all",
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct cli_ready ready = {.connection_string = mem_dup_text(others[i])};
        assert_true(fill(&ready, FILE_TEXT, https));
        assert_int_equal(ready.port, 0);
        assert_null(ready.ca_file);
        cli_ready_finish(&ready);
    }
    struct cli_ready same = {
        .connection_string = mem_dup_text("DeviceId=d; hostname=HUB.example;x509=true")};
    assert_true(fill(&same, FILE_TEXT, https));
    assert_int_equal(same.port, 4);
    cli_ready_finish(&same);
}

static void what_is_no_ready_file_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"hostName\":1}",
        "{\"hostName\":\"h\"}",
        "{\"hostName\":\"h\",\"httpsPort\":0}",
        "{\"hostName\":\"h\",\"httpsPort\":65536}",
        "{\"hostName\":\"h\",\"httpsPort\":null}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct cli_ready ready = {0};
        if (fill(&ready, bad[i], https)) {
            fail_msg("\"%s\" is taken for a ready file", bad[i]);
        }
        cli_ready_finish(&ready);
    }
}

static void a_file_is_read_from_its_path(void **state)
{
    (void)state;
    const struct cli_program program = {.name = "test"};
    const struct cli_call call = {.program = &program};
    char path[] = "/tmp/iothub-ready-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, FILE_TEXT, sizeof(FILE_TEXT) - 1), sizeof(FILE_TEXT) - 1);
    (void)close(fd);
    struct cli_ready ready = {0};
    assert_int_equal(cli_ready_read(&call, path, https, &ready), CLI_DONE);
    assert_int_equal(ready.port, 4);
    cli_ready_finish(&ready);
    (void)unlink(path);
    assert_int_equal(cli_ready_read(&call, path, https, &ready), CLI_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_open_is_filled),
        cmocka_unit_test(the_port_is_the_one_that_is_asked_for),
        cmocka_unit_test(without_tls_no_certificates_are_taken),
        cmocka_unit_test(what_is_given_stays),
        cmocka_unit_test(a_file_about_another_hub_is_not_used),
        cmocka_unit_test(what_is_no_ready_file_is_refused),
        cmocka_unit_test(a_file_is_read_from_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
