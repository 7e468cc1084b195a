/*
 * log: what a line looks like, and that no text can forge a second one.
 */
#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

/* "2026-01-02T03:04:05.678Z info  " */
#define START_LEN 31

static int kept_stderr = -1;
static FILE *capture;
static char captured[20000];

static int start_capture(void **state)
{
    (void)state;
    capture = tmpfile();
    kept_stderr = dup(STDERR_FILENO);
    if (capture == NULL || kept_stderr < 0) {
        return -1;
    }
    dup2(fileno(capture), STDERR_FILENO);
    log_set_level(LOG_INFO);
    return 0;
}

static int end_capture(void **state)
{
    (void)state;
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    fclose(capture);
    return 0;
}

/* Everything written to stderr so far. */
static const char *read_captured(void)
{
    rewind(capture);
    size_t len = fread(captured, 1, sizeof(captured) - 1, capture);
    captured[len] = '\0';
    return captured;
}

static void check_matches(const char *text, const char *pattern)
{
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0) {
        fail_msg("\"%s\" does not match %s", text, pattern);
    }
    regfree(&regex);
}

static void a_line_has_time_level_and_message(void **state)
{
    (void)state;

    log_info("device %s is %d", "dev-1", 7);
    check_matches(
        read_captured(),
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z info  device dev-1 "
        "is 7\n$");
}

static void messages_align_at_every_level(void **state)
{
    (void)state;
    log_set_level(LOG_TRACE);
    log_error("m");
    log_warning("m");
    log_info("m");
    log_debug("m");
    log_trace("m");

    const char *line = read_captured();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(strcspn(line, "\n"), START_LEN + 1);
        assert_int_equal(line[START_LEN], 'm');
        line += START_LEN + 2;
    }
    assert_string_equal(line, "");
}

static void lines_above_the_level_are_not_written(void **state)
{
    (void)state;

    assert_true(log_is_on(LOG_INFO));
    assert_false(log_is_on(LOG_DEBUG));
    log_write(LOG_DEBUG, "hidden");
    log_set_level(LOG_ERROR);
    log_warning("hidden");
    assert_string_equal(read_captured(), "");
    log_error("shown");
    assert_non_null(strstr(read_captured(), "shown"));
}

static int count_call(int *n_calls)
{
    return ++*n_calls;
}

static void arguments_of_hidden_debug_lines_are_not_evaluated(void **state)
{
    (void)state;
    int n_calls = 0;

    log_debug("%d", count_call(&n_calls));
    log_trace("%d", count_call(&n_calls));
    assert_int_equal(n_calls, 0);
    log_set_level(LOG_DEBUG);
    log_debug("%d", count_call(&n_calls));
    log_trace("%d", count_call(&n_calls));
    assert_int_equal(n_calls, 1);
}

static void control_characters_are_escaped(void **state)
{
    (void)state;

    log_info("%s", "a\nb\r\t\x1b[31m\x7f\xc2\x9b"
                   "c \xc3\xa4");
    const char *line = read_captured();
    assert_string_equal(line + START_LEN,
                        "a\\x0ab\\x0d\\x09\\x1b[31m\\x7f\xc2\\x9bc \xc3\xa4\n");
}

static void a_long_line_is_cut_with_dots(void **state)
{
    (void)state;
    char text[6000];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    log_info("%s", text);
    const char *line = read_captured();
    size_t len = strlen(line);
    assert_in_range(len, 4000, 4096);
    assert_string_equal(line + len - 5, "x...\n");
}

static void a_line_that_grows_by_escapes_is_cut_too(void **state)
{
    (void)state;
    char text[3000];

    memset(text, '\n', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    log_info("%s", text);
    const char *line = read_captured();
    size_t len = strlen(line);
    assert_in_range(len, 4000, 4096);
    assert_string_equal(line + len - 8, "\\x0a...\n");
}

static void a_cut_leaves_no_half_character(void **state)
{
    (void)state;
    char text[5000];

    /* Three bytes each, at all three alignments. */
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3) {
            memcpy(text + i, "\xe2\x82\xac", 4);
        }
        rewind(capture);
        assert_int_equal(ftruncate(fileno(capture), 0), 0);
        log_info("%s", text);
        const char *line = read_captured();
        size_t len = strlen(line);
        assert_string_equal(line + len - 7, "\xe2\x82\xac...\n");
    }
}

static void a_line_that_just_fits_is_whole(void **state)
{
    (void)state;
    char text[4096];
    size_t fits = 4096 - START_LEN - sizeof("...\n") + 1;

    memset(text, 'x', sizeof(text));
    text[fits] = '\0';
    log_info("%s", text);
    assert_string_equal(read_captured() + START_LEN + fits, "\n");
}

static void errno_survives(void **state)
{
    (void)state;

    errno = EXDEV;
    log_info("x");
    assert_int_equal(errno, EXDEV);
}

static void levels_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"error", "warning", "info", "debug", "trace"};
    enum log_level level = LOG_ERROR;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_true(log_level_parse(names[i], &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_parse("warn", &level));
    assert_false(log_level_parse("INFO", &level));
    assert_false(log_level_parse("", &level));
    assert_false(log_level_parse(NULL, &level));
    assert_int_equal(level, LOG_TRACE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_capture, end_capture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_has_time_level_and_message),
        TEST(messages_align_at_every_level),
        TEST(lines_above_the_level_are_not_written),
        TEST(arguments_of_hidden_debug_lines_are_not_evaluated),
        TEST(control_characters_are_escaped),
        TEST(a_long_line_is_cut_with_dots),
        TEST(a_line_that_grows_by_escapes_is_cut_too),
        TEST(a_cut_leaves_no_half_character),
        TEST(a_line_that_just_fits_is_whole),
        TEST(errno_survives),
        TEST(levels_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
