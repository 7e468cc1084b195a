/*
 * The program's inputs: method rules, who is meant by which options, and what
 * is read to be sent.
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

#include "base/macros.h"
#include "device/cli/app.h"
#include "device/cli/rules.h"
#include "device/cli/source.h"
#include "iothub/connection_string.h"

#define KEY    "MDEyMzQ1Njc4OWFiY2RlZg=="
#define DEVICE "HostName=hub.local;DeviceId=dev-1;SharedAccessKey=" KEY
#define POLICY "HostName=hub.local;SharedAccessKeyName=device;SharedAccessKey=" KEY

static struct rules parse_rules(char **texts, size_t n)
{
    struct rules rules = {0};
    struct buf error;
    const struct cli_list list = {texts, n};
    buf_init(&error, BUF_CAP_OWN);
    if (!rules_parse(&list, &error, &rules)) {
        fail_msg("%s", buf_text(&error));
    }
    buf_finish(&error);
    return rules;
}

static void assert_rule(const struct rule *rule, int status, const char *payload)
{
    assert_non_null(rule);
    assert_int_equal(rule->status, status);
    assert_string_equal(rule->payload, payload);
}

static void lock_door_is_known_without_an_option(void **state)
{
    (void)state;
    struct rules rules = parse_rules(NULL, 0);
    const struct rule *rule = rules_find(&rules, "lockDoor");
    assert_rule(rule, 200, "{\"Response\": \"lockDoor called successfully\"}");
    assert_true(rule_is_lock_door(rule));
    assert_null(rules_find(&rules, "lockdoor"));
    assert_null(rules_find(&rules, "reboot"));
    rules_finish(&rules);
}

static void rule_has_a_status_and_a_payload(void **state)
{
    (void)state;
    char full[] = "reboot=-7:{\"a\":\"x=y:z\"}";
    char bare[] = "ping";
    char status[] = "stop=204";
    char empty[] = "go=201:";
    char *texts[] = {full, bare, status, empty};
    struct rules rules = parse_rules(texts, ARRAY_LEN(texts));
    assert_rule(rules_find(&rules, "reboot"), -7, "{\"a\":\"x=y:z\"}");
    assert_rule(rules_find(&rules, "ping"), 200, "null");
    assert_rule(rules_find(&rules, "stop"), 204, "null");
    assert_rule(rules_find(&rules, "go"), 201, "null");
    rules_finish(&rules);
    rules_finish(&rules);
}

static void later_rule_takes_the_place_of_an_earlier_one(void **state)
{
    (void)state;
    char first[] = "a=201";
    char second[] = "a=202";
    char door[] = "lockDoor=423:\"jammed\"";
    char *texts[] = {first, second, door};
    struct rules rules = parse_rules(texts, ARRAY_LEN(texts));
    assert_rule(rules_find(&rules, "a"), 202, "null");
    assert_rule(rules_find(&rules, "lockDoor"), 423, "\"jammed\"");
    assert_false(rule_is_lock_door(rules_find(&rules, "lockDoor")));
    rules_finish(&rules);
}

static void bad_rules_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "=200",      "a=",   "a=x",
                                      "a=1:{", "a=200:nul", "a=:1", "a=99999999999:1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%s", bad[i]);
        char *texts[] = {text};
        const struct cli_list list = {texts, 1};
        struct rules rules = {0};
        struct buf error;
        buf_init(&error, BUF_CAP_OWN);
        if (rules_parse(&list, &error, &rules)) {
            fail_msg("\"%s\" is taken for a rule", bad[i]);
        }
        assert_true(error.len > 0);
        buf_finish(&error);
    }
}

/* Complaints of these calls go to stderr, where nobody reads them. */
static int make_roster(struct app_values *values, struct roster *out)
{
    const struct cli_program program = {.name = "test"};
    const struct cli_call call = {.program = &program, .values = values};
    return roster_init(&call, ROSTER_MQTT, out);
}

static void connection_string_names_its_device(void **state)
{
    (void)state;
    char text[] = "HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey=" KEY;
    struct app_values values = {.connection_string = text, .port = 99};
    struct roster roster = {0};
    assert_int_equal(make_roster(&values, &roster), CLI_DONE);
    assert_int_equal(roster.n_devices, 1);
    assert_string_equal(roster.names[0], "d/m");
    assert_int_equal(roster.port, 99);
    roster_finish(&roster);
}

static void policy_speaks_for_the_device_that_is_named(void **state)
{
    (void)state;
    char text[] = POLICY;
    char id[] = "door";
    struct app_values values = {.connection_string = text, .device_id = id};
    struct roster roster = {0};
    assert_int_equal(make_roster(&values, &roster), CLI_DONE);
    struct connection_string cs = {0};
    assert_true(connection_string_parse(slice_of(roster.connection_strings[0]),
                                        CONNECTION_STRING_DEVICE, NULL, &cs));
    assert_string_equal(cs.device_id, "door");
    assert_string_equal(cs.shared_access_key_name, "device");
    assert_string_equal(cs.shared_access_key, KEY);
    connection_string_finish(&cs);
    roster_finish(&roster);
}

static void prefix_makes_a_fleet(void **state)
{
    (void)state;
    char text[] = POLICY;
    char prefix[] = "door";
    struct app_values values = {
        .connection_string = text, .device_prefix = prefix, .count = 12};
    struct roster roster = {0};
    assert_int_equal(make_roster(&values, &roster), CLI_DONE);
    assert_int_equal(roster.n_devices, 12);
    assert_string_equal(roster.names[0], "door-1");
    assert_string_equal(roster.names[11], "door-12");
    roster_finish(&roster);
}

static void contradictions_are_complained_about(void **state)
{
    (void)state;
    char policy[] = POLICY;
    char device[] = DEVICE;
    char id[] = "d";
    char blank[] = "a b";
    struct app_values bad[] = {
        {.connection_string = NULL  },
        {.connection_string = policy},
        {.connection_string = policy, .device_id = id, .device_prefix = id},
        {.connection_string = policy,        .device_id = id, .count = 2},
        {.connection_string = policy, .device_id = blank},
        {.connection_string = device,                 .device_id = id},
        {.connection_string = device, .count = 2},
        {.connection_string = id                          },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct roster roster = {0};
        if (make_roster(&bad[i], &roster) != CLI_WRONG) {
            fail_msg("case %zu is accepted", i);
        }
    }
}

static void file_of_connection_strings_takes_the_environments_place(void **state)
{
    (void)state;
    char path[] = "/tmp/iothub-device-list-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char lines[] = "# doors\r\n" DEVICE "\r\n\n"
                                "HostName=h;DeviceId=d2;SharedAccessKey=" KEY;
    assert_int_equal(write(fd, lines, sizeof(lines) - 1), sizeof(lines) - 1);
    (void)close(fd);
    char other[] = "HostName=h;DeviceId=other;SharedAccessKey=" KEY;
    struct app_values values = {.connection_string = other, .connection_strings = path};
    struct roster roster = {0};
    assert_int_equal(make_roster(&values, &roster), CLI_DONE);
    assert_int_equal(roster.n_devices, 2);
    assert_string_equal(roster.names[0], "dev-1");
    assert_string_equal(roster.names[1], "d2");
    roster_finish(&roster);
    (void)unlink(path);
    assert_int_equal(make_roster(&values, &roster), CLI_FAILED);
}

static void text_is_sent_as_often_as_wanted(void **state)
{
    (void)state;
    struct source source;
    struct slice text = {0};
    source_of_text(&source, SLICE("a\nb"), 2);
    assert_false(source_is_done(&source));
    assert_true(source_next(&source, &text));
    assert_true(slice_equal_text(text, "a\nb"));
    assert_true(source_next(&source, &text));
    assert_true(source_is_done(&source));
    assert_false(source_next(&source, &text));
    source_finish(&source);
}

static void feed(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void assert_line(struct source *source, const char *wanted)
{
    struct slice line = {0};
    assert_true(source_next(source, &line));
    char *text = slice_dup(line);
    assert_string_equal(text, wanted);
    free(text);
}

static void lines_are_messages_as_they_come(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct source source;
    struct slice line = {0};
    source_of_lines(&source, fds[0]);
    feed(fds[1], "one\ntw");
    assert_int_equal(source_read(&source), 0);
    assert_line(&source, "one");
    assert_false(source_next(&source, &line));
    assert_false(source_is_done(&source));
    feed(fds[1], "o\r\n\nlast");
    assert_int_equal(source_read(&source), 0);
    assert_line(&source, "two");
    assert_line(&source, "");
    assert_false(source_next(&source, &line));
    (void)close(fds[1]);
    assert_int_equal(source_read(&source), 0);
    assert_false(source_is_done(&source));
    assert_line(&source, "last");
    assert_true(source_is_done(&source));
    source_finish(&source);
    (void)close(fds[0]);
}

static void endless_line_is_refused(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct source source;
    source_of_lines(&source, fds[0]);
    char block[4096];
    memset(block, 'x', sizeof(block));
    int result = 0;
    for (size_t n = 0; n <= SOURCE_MAX_BYTES / sizeof(block) && result == 0; n++) {
        assert_int_equal(write(fds[1], block, sizeof(block)), sizeof(block));
        result = source_read(&source);
    }
    assert_true(result < 0);
    source_finish(&source);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_door_is_known_without_an_option),
        cmocka_unit_test(rule_has_a_status_and_a_payload),
        cmocka_unit_test(later_rule_takes_the_place_of_an_earlier_one),
        cmocka_unit_test(bad_rules_are_refused),
        cmocka_unit_test(connection_string_names_its_device),
        cmocka_unit_test(policy_speaks_for_the_device_that_is_named),
        cmocka_unit_test(prefix_makes_a_fleet),
        cmocka_unit_test(contradictions_are_complained_about),
        cmocka_unit_test(file_of_connection_strings_takes_the_environments_place),
        cmocka_unit_test(text_is_sent_as_often_as_wanted),
        cmocka_unit_test(lines_are_messages_as_they_come),
        cmocka_unit_test(endless_line_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
