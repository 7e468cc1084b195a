/*
 * iso8601: texts to times and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/iso8601.h"

#define DAY_MS 86400000LL

static void times_have_their_texts(void **state)
{
    (void)state;
    static const struct {
        int64_t at_ms;
        const char *rest;
        const char *seven;
    } cases[] = {
        {0,                "1970-01-01T00:00:00Z",     "1970-01-01T00:00:00.0000000Z"},
        {-1,               "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.9990000Z"},
        {1595974643785,    "2020-07-28T22:17:23.785Z", "2020-07-28T22:17:23.7850000Z"},
        {1595974643780,    "2020-07-28T22:17:23.78Z",  "2020-07-28T22:17:23.7800000Z"},
        {1595974643700,    "2020-07-28T22:17:23.7Z",   "2020-07-28T22:17:23.7000000Z"},
        {1595974643005,    "2020-07-28T22:17:23.005Z", "2020-07-28T22:17:23.0050000Z"},
        {1595974643050,    "2020-07-28T22:17:23.05Z",  "2020-07-28T22:17:23.0500000Z"},
        {951782400000,     "2000-02-29T00:00:00Z",     "2000-02-29T00:00:00.0000000Z"},
        {978220800000,     "2000-12-31T00:00:00Z",     "2000-12-31T00:00:00.0000000Z"},
        {ISO8601_NEVER_MS, "0001-01-01T00:00:00Z",     "0001-01-01T00:00:00.0000000Z"},
        {253402300799999,  "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.9990000Z"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[ISO8601_MAX];
        int64_t at_ms = 1;
        assert_string_equal(iso8601_format(text, cases[i].at_ms), cases[i].rest);
        assert_true(iso8601_parse(slice_of(text), &at_ms));
        assert_int_equal(at_ms, cases[i].at_ms);
        assert_string_equal(iso8601_format_seven(text, cases[i].at_ms), cases[i].seven);
        at_ms = 1;
        assert_true(iso8601_parse(slice_of(text), &at_ms));
        assert_int_equal(at_ms, cases[i].at_ms);
    }
}

static void times_without_a_text_move_to_the_edge(void **state)
{
    (void)state;
    char text[ISO8601_MAX];

    assert_string_equal(iso8601_format(text, INT64_MIN), "0001-01-01T00:00:00Z");
    assert_string_equal(iso8601_format(text, INT64_MAX), "9999-12-31T23:59:59.999Z");
}

static void days_of_all_years_make_the_round_trip_and_agree_with_libc(void **state)
{
    (void)state;
    const int64_t first = ISO8601_NEVER_MS / DAY_MS;

    /* 3652059 days in the years 0001 to 9999; a prime stride meets every day of every month. */
    for (int64_t day = first; day < first + 3652059; day += 11) {
        char text[ISO8601_MAX];
        char expected[ISO8601_MAX];
        int64_t at_ms = 1;
        time_t at_s = (time_t)(day * (DAY_MS / 1000));
        struct tm parts;
        assert_non_null(gmtime_r(&at_s, &parts));
        assert_true(snprintf(expected, sizeof(expected), "%04d-%02d-%02dT00:00:00Z",
                             parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday) > 0);
        assert_string_equal(iso8601_format(text, day * DAY_MS), expected);
        assert_true(iso8601_parse(slice_of(text), &at_ms));
        assert_int_equal(at_ms, day * DAY_MS);
    }
}

static void variants_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t at_ms;
    } cases[] = {
        {"2020-07-28t22:17:23z",           1595974643000},
        {"2020-07-28 22:17:23",            1595974643000},
        {"2020-07-28T22:17:23.1",          1595974643100},
        {"2020-07-28T22:17:23.12Z",        1595974643120},
        {"2020-07-28T22:17:23.785999999Z", 1595974643785},
        {"2020-07-29T00:17:23+02:00",      1595974643000},
        {"2020-07-28T12:47:23.5-09:30",    1595974643500},
        {"2020-07-28T22:17:23+00:00",      1595974643000},
        {"2020-07-28T22:17:23-00:00",      1595974643000},
        {"2024-02-29T23:59:59Z",           1709251199000},
        {"1969-12-31T23:59:59.999Z",       -1           },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t at_ms = 1;
        assert_true(iso8601_parse(slice_of(cases[i].text), &at_ms));
        assert_int_equal(at_ms, cases[i].at_ms);
    }
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "now",
        "2020-07-28",
        "2020-07-28T",
        "2020-07-28T22:17",
        "2020-07-28T22:17Z",
        "2020-13-28T22:17:23Z",
        "2020-00-28T22:17:23Z",
        "2020-02-30T22:17:23Z",
        "2019-02-29T22:17:23Z",
        "1900-02-29T22:17:23Z",
        "2020-04-31T22:17:23Z",
        "2020-12-32T22:17:23Z",
        "2020-07-00T22:17:23Z",
        "0000-01-01T00:00:00Z",
        "2020-07-28T24:00:00Z",
        "2020-07-28T22:60:23Z",
        "2020-07-28T22:17:60Z",
        "2020-07-28T22:17:23.Z",
        "2020-07-28T22:17:23.1234567890Z",
        "2020-07-28T22:17:23,5Z",
        "2020-07-28T22:17:23ZZ",
        "2020-07-28T22:17:23Z ",
        " 2020-07-28T22:17:23Z",
        "2020-07-28X22:17:23Z",
        "2020/07/28T22:17:23Z",
        "2020-7-28T22:17:23Z",
        "20-07-28T22:17:23Z",
        "2020-07-28T22:17:23+2:00",
        "2020-07-28T22:17:23+0200",
        "2020-07-28T22:17:23+02",
        "2020-07-28T22:17:23+24:00",
        "2020-07-28T22:17:23+02:60",
        "2020-07-28T22:17:23+02:00Z",
        "+020-07-28T22:17:23Z",
        "2020-07-28T-2:17:23Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t at_ms = 77;
        assert_false(iso8601_parse(slice_of(cases[i]), &at_ms));
        assert_int_equal(at_ms, 77);
    }
}

static void every_truncation_is_refused_or_still_a_time(void **state)
{
    (void)state;
    const struct slice whole = SLICE("2020-07-28T22:17:23.785+02:00");
    const size_t seconds = sizeof("2020-07-28T22:17:23") - 1;

    for (size_t len = 0; len < whole.len; len++) {
        int64_t at_ms;
        bool is_time = len == seconds || (len > seconds + 1 && len <= seconds + 4);
        assert_int_equal(iso8601_parse(slice_make(whole.data, len), &at_ms), is_time);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_have_their_texts),
        cmocka_unit_test(times_without_a_text_move_to_the_edge),
        cmocka_unit_test(days_of_all_years_make_the_round_trip_and_agree_with_libc),
        cmocka_unit_test(variants_are_parsed),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(every_truncation_is_refused_or_still_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
