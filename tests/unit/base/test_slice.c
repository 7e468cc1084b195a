/*
 * slice: comparing, cutting, reading numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/slice.h"

static void check_slice(struct slice s, const char *text)
{
    char *got = slice_dup(s);

    assert_string_equal(got, text);
    free(got);
}

static void slices_are_equal_by_content(void **state)
{
    (void)state;

    assert_true(slice_equal(SLICE("abc"), slice_make("abcd", 3)));
    assert_false(slice_equal(SLICE("abc"), SLICE("abd")));
    assert_false(slice_equal(SLICE("abc"), SLICE("ab")));
    assert_true(slice_equal(slice_of(NULL), SLICE("")));
    assert_true(slice_equal_text(SLICE("a"), "a"));
    assert_false(slice_equal_text(SLICE("A"), "a"));
    assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
}

static void case_is_ignored_for_ascii_letters_alone(void **state)
{
    (void)state;

    assert_true(slice_equal_nocase(SLICE("HostName9"), SLICE("hOSTnAME9")));
    assert_false(slice_equal_nocase(SLICE("host"), SLICE("hos")));
    assert_false(slice_equal_nocase(SLICE("@"), SLICE("`")));
    assert_false(slice_equal_nocase(SLICE("["), SLICE("{")));
    assert_false(slice_equal_nocase(SLICE("\xc3\x84"), SLICE("\xc3\xa4")));
}

static void prefixes_and_suffixes_are_found(void **state)
{
    (void)state;

    assert_true(slice_starts_with(SLICE("devices/d"), SLICE("devices/")));
    assert_false(slice_starts_with(SLICE("Devices/d"), SLICE("devices/")));
    assert_true(slice_starts_with_nocase(SLICE("Devices/d"), SLICE("devices/")));
    assert_false(slice_starts_with(SLICE("dev"), SLICE("devices/")));
    assert_false(slice_starts_with_nocase(SLICE("dev"), SLICE("devices/")));
    assert_true(slice_starts_with(slice_of(NULL), SLICE("")));
    assert_true(slice_ends_with(SLICE("a/b"), SLICE("/b")));
    assert_false(slice_ends_with(SLICE("b"), SLICE("/b")));
    assert_false(slice_ends_with(SLICE("a/c"), SLICE("/b")));
    assert_true(slice_ends_with(slice_of(NULL), SLICE("")));
}

static void the_shorter_of_equal_prefixes_orders_first(void **state)
{
    (void)state;

    assert_true(slice_compare(SLICE("a"), SLICE("b")) < 0);
    assert_true(slice_compare(SLICE("b"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE("a"), SLICE("aa")) < 0);
    assert_true(slice_compare(SLICE("aa"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE("aa"), SLICE("aa")) == 0);
    assert_true(slice_compare(SLICE("\x80"), SLICE("a")) > 0);
    assert_true(slice_compare(slice_of(NULL), SLICE("")) == 0);
}

static void from_past_the_end_is_empty(void **state)
{
    (void)state;

    check_slice(slice_from(SLICE("abc"), 1), "bc");
    check_slice(slice_from(SLICE("abc"), 3), "");
    check_slice(slice_from(SLICE("abc"), 4), "");
    check_slice(slice_from(slice_of(NULL), 4), "");
}

static void find_gives_the_first_or_the_length(void **state)
{
    (void)state;

    assert_int_equal(slice_find(SLICE("a=b=c"), '='), 1);
    assert_int_equal(slice_find(SLICE("abc"), '='), 3);
    assert_int_equal(slice_find(slice_of(NULL), '='), 0);
}

static void parts_between_separators_are_taken_in_order(void **state)
{
    (void)state;
    struct slice rest = SLICE("a,,b");
    struct slice part;

    assert_true(slice_next(&rest, ',', &part));
    check_slice(part, "a");
    assert_true(slice_next(&rest, ',', &part));
    check_slice(part, "");
    assert_true(slice_next(&rest, ',', &part));
    check_slice(part, "b");
    assert_false(slice_next(&rest, ',', &part));
    rest = SLICE("");
    assert_false(slice_next(&rest, ',', &part));
}

static void trim_drops_ascii_white_space_at_both_ends(void **state)
{
    (void)state;

    check_slice(slice_trim(SLICE(" \t\r\n\v\fa b \n")), "a b");
    check_slice(slice_trim(SLICE(" \t ")), "");
    check_slice(slice_trim(slice_of(NULL)), "");
}

static void decimals_are_read_to_the_edges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {
        {"0",                    0        },
        {"+7",                   7        },
        {"-7",                   -7       },
        {"0042",                 42       },
        {"9223372036854775807",  INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value = 1;
        assert_true(slice_to_i64(slice_of(cases[i].text), &value));
        assert_int_equal(value, cases[i].value);
    }
}

static void what_is_no_decimal_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "+",
        "-",
        "--1",
        "+-1",
        " 1",
        "1 ",
        "0x1",
        "1.0",
        "1e3",
        "a",
        "9223372036854775808",
        "１",
        "",
        "-1\t",
        "1,0",
        "- 10",
        "-9223372036854775809",
        "99999999999999999999999999",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value = 77;
        assert_false(slice_to_i64(slice_of(cases[i]), &value));
        assert_int_equal(value, 77);
    }
}

static void the_hash_is_fnv_1a(void **state)
{
    (void)state;

    /* The reference values of draft-eastlake-fnv. */
    assert_true(slice_hash(SLICE("")) == 0xcbf29ce484222325);
    assert_true(slice_hash(SLICE("a")) == 0xaf63dc4c8601ec8c);
    assert_true(slice_hash(SLICE("foobar")) == 0x85944171f73967e8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_are_equal_by_content),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_alone),
        cmocka_unit_test(prefixes_and_suffixes_are_found),
        cmocka_unit_test(the_shorter_of_equal_prefixes_orders_first),
        cmocka_unit_test(from_past_the_end_is_empty),
        cmocka_unit_test(find_gives_the_first_or_the_length),
        cmocka_unit_test(parts_between_separators_are_taken_in_order),
        cmocka_unit_test(trim_drops_ascii_white_space_at_both_ends),
        cmocka_unit_test(decimals_are_read_to_the_edges),
        cmocka_unit_test(what_is_no_decimal_is_refused),
        cmocka_unit_test(the_hash_is_fnv_1a),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
