/*
 * ready: what the emulator's file fills, and what it must not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "service/cli/ready.h"

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define FILE_TEXT \
    "{\"hostName\":\"hub.example\",\"mqttPort\":1,\"mqttsPort\":2,\"httpPort\":3," \
    "\"httpsPort\":4," \
    "\"caFile\":\"/" \
    "ca.pem\",\"connectionString\":\"HostName=hub.example;SharedAccessKeyName=p;" \
    "SharedAccessKey=" KEY "\"}"

static void everything_open_is_filled(void **state)
{
    (void)state;
    struct ready ready = {0};
    assert_true(ready_read(SLICE(FILE_TEXT), false, NULL, &ready));
    assert_int_equal(ready.port, 4);
    assert_string_equal(ready.ca_file, "/ca.pem");
    assert_string_equal(ready.connection_string,
                        "HostName=hub.example;SharedAccessKeyName=p;SharedAccessKey=" KEY);
    ready_finish(&ready);
}

static void without_tls_the_other_port_and_no_certificates_are_taken(void **state)
{
    (void)state;
    struct ready ready = {0};
    assert_true(ready_read(SLICE(FILE_TEXT), true, NULL, &ready));
    assert_int_equal(ready.port, 3);
    assert_null(ready.ca_file);
    ready_finish(&ready);
}

static void what_is_given_stays(void **state)
{
    (void)state;
    struct ready ready = {
        .connection_string =
            mem_dup_text("HostName=HUB.example;SharedAccessKeyName=q;SharedAccessKey=" KEY),
        .ca_file = mem_dup_text("/mine.pem"),
        .port = 9,
    };
    assert_true(ready_read(SLICE(FILE_TEXT), false, NULL, &ready));
    assert_int_equal(ready.port, 9);
    assert_string_equal(ready.ca_file, "/mine.pem");
    assert_non_null(strstr(ready.connection_string, "SharedAccessKeyName=q"));
    ready_finish(&ready);
}

static void a_file_about_another_hub_is_not_used(void **state)
{
    (void)state;
    struct ready ready = {
        .connection_string = mem_dup_text(
            "HostName=real.azure-devices.net;SharedAccessKeyName=q;SharedAccessKey=" KEY),
    };
    assert_true(ready_read(SLICE(FILE_TEXT), false, NULL, &ready));
    assert_int_equal(ready.port, 0);
    assert_null(ready.ca_file);
    ready_finish(&ready);
}

static void expect_refused(const char *text, const char *expected)
{
    struct ready ready = {0};
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    assert_false(ready_read(slice_of(text), false, &error, &ready));
    assert_non_null(strstr(buf_text(&error), expected));
    buf_finish(&error);
    ready_finish(&ready);
}

static void what_is_no_ready_file_is_refused(void **state)
{
    (void)state;
    expect_refused("", "");
    expect_refused("[]", "is no ready file");
    expect_refused("{\"hostName\":\"h\"}", "has no httpsPort");
    expect_refused("{\"hostName\":\"h\",\"httpsPort\":0}", "has no httpsPort");
    expect_refused("{\"hostName\":\"h\",\"httpsPort\":65536}", "has no httpsPort");
    expect_refused("{\"hostName\":\"h\",\"httpsPort\":null}", "has no httpsPort");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_open_is_filled),
        cmocka_unit_test(without_tls_the_other_port_and_no_certificates_are_taken),
        cmocka_unit_test(what_is_given_stays),
        cmocka_unit_test(a_file_about_another_hub_is_not_used),
        cmocka_unit_test(what_is_no_ready_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
