/*
 * A configuration file's values among those of the other sources, and the mistakes in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sample.h"

#define TIMEOUT_ERROR \
    "timeout: expected a number of seconds from 0.001 to 60.5, with at most three decimals"

static int unset_all(void **state)
{
    (void)state;
    unsetenv("PROBE_NAME");
    unsetenv("PROBE_VERBOSE");
    return 0;
}

/* "read" prints its values before and after it has read the file. */
static void check_read(const char *file, const char *options, const char *before,
                       const char *after, const char *error)
{
    struct buf line;
    struct buf out;
    struct buf err;
    buf_init(&line, 10000);
    buf_init(&out, 10000);
    buf_init(&err, 10000);
    buf_putf(&line, "read '%s' %s", file, options);
    buf_putf(&out, "%s (*)\n%s (*)\n", before, after);
    if (error != NULL) {
        buf_putf(&err, "probe: %s\n", error);
    }
    struct outcome o = run_line(&sample_program, buf_text(&line));
    assert_string_equal(o.out, buf_text(&out));
    assert_string_equal(o.err, buf_text(&err));
    assert_int_equal(o.code, error == NULL ? CLI_DONE : CLI_WRONG);
    outcome_finish(&o);
    buf_finish(&line);
    buf_finish(&out);
    buf_finish(&err);
}

static void reads(const char *file, const char *options, const char *before, const char *after)
{
    check_read(file, options, before, after, NULL);
}

static void refuses(const char *file, const char *error)
{
    check_read(file, "-n ada --property p", "ada 8883 500 0 0 [p]", "ada 8883 500 0 0 [p]",
               error);
}

static void file_stands_above_defaults(void **state)
{
    (void)state;
    reads("{\"name\":\"file\",\"mqttPort\":5,\"timeout\":0.1,\"verbose\":true,"
          "\"output\":\"text\",\"properties\":[\"a,b\",\"\"]}",
          "", "- 8883 500 0 0 []", "file 5 100 2 1 [a,b,]");
}

static void file_stands_below_command_line_and_variables(void **state)
{
    (void)state;
    assert_int_equal(setenv("PROBE_NAME", "eve", 1), 0);
    assert_int_equal(setenv("PROBE_VERBOSE", "1", 1), 0);
    reads("{\"name\":\"file\",\"verbose\":false,\"mqttPort\":5,\"properties\":[\"x\"],"
          "\"timeout\":1}",
          "-p 6 --property y", "eve 6 500 0 1 [y]", "eve 6 1000 0 1 [y]");
}

static void members_of_others_and_null_are_left_alone(void **state)
{
    (void)state;
    reads("{}", "", "- 8883 500 0 0 []", "- 8883 500 0 0 []");
    reads("{\"devices\":[{}],\"mqttPort\":null,\"properties\":null}", "", "- 8883 500 0 0 []",
          "- 8883 500 0 0 []");
}

static void flags_and_seconds_may_be_whole_numbers(void **state)
{
    (void)state;
    reads("{\"verbose\":1,\"timeout\":60}", "", "- 8883 500 0 0 []", "- 8883 60000 0 1 []");
    reads("{\"verbose\":0,\"timeout\":60.5}", "", "- 8883 500 0 0 []", "- 8883 60500 0 0 []");
    reads("{\"timeout\":1.005}", "", "- 8883 500 0 0 []", "- 8883 1005 0 0 []");
    reads("{\"timeout\":2e-2}", "", "- 8883 500 0 0 []", "- 8883 20 0 0 []");
}

static void bad_member_is_named_and_leaves_the_values(void **state)
{
    (void)state;
    refuses("{\"mqttPort\":65536}", "mqttPort: expected a number from 0 to 65535");
    refuses("{\"mqttPort\":\"1\"}", "mqttPort: expected a number from 0 to 65535");
    refuses("{\"mqttPort\":1.0}", "mqttPort: expected a number from 0 to 65535");
    refuses("{\"mqttPort\":1,\"name\":5}", "name: expected a string");
    refuses("{\"name\":\"a\\u0000b\"}", "name: expected a string");
    refuses("{\"verbose\":2}", "verbose: expected true or false");
    refuses("{\"verbose\":\"true\"}", "verbose: expected true or false");
    refuses("{\"output\":\"xml\"}", "output: expected table, json or text");
    refuses("{\"output\":1}", "output: expected table, json or text");
    refuses("{\"properties\":\"a\"}", "properties: expected an array of strings");
    refuses("{\"properties\":[\"a\",1]}", "properties[1]: expected a string");
    refuses("[1]", "expected an object");
}

static void bad_seconds_are_refused(void **state)
{
    (void)state;
    refuses("{\"timeout\":60.501}", TIMEOUT_ERROR);
    refuses("{\"timeout\":61}", TIMEOUT_ERROR);
    refuses("{\"timeout\":-0.5}", TIMEOUT_ERROR);
    refuses("{\"timeout\":0.0015}", TIMEOUT_ERROR);
    refuses("{\"timeout\":1e300}", TIMEOUT_ERROR);
    refuses("{\"timeout\":9223372036854775807}", TIMEOUT_ERROR);
    refuses("{\"timeout\":-9223372036854775807}", TIMEOUT_ERROR);
    refuses("{\"timeout\":\"1\"}", TIMEOUT_ERROR);
    refuses("{\"timeout\":[1]}", TIMEOUT_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(file_stands_above_defaults, unset_all),
        cmocka_unit_test_setup(file_stands_below_command_line_and_variables, unset_all),
        cmocka_unit_test_setup(members_of_others_and_null_are_left_alone, unset_all),
        cmocka_unit_test_setup(flags_and_seconds_may_be_whole_numbers, unset_all),
        cmocka_unit_test_setup(bad_member_is_named_and_leaves_the_values, unset_all),
        cmocka_unit_test_setup(bad_seconds_are_refused, unset_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
