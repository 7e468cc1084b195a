/*
 * json: our writer against jansson's, our reader in front of it.
 */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "iothub/json.h"

static json_t *parse(const char *text)
{
    struct buf error;

    buf_init(&error, 1000);
    json_t *value = json_parse(slice_of(text), &error);
    if (value == NULL) {
        fail_msg("\"%s\" is refused: %s", text, buf_text(&error));
    }
    buf_finish(&error);
    return value;
}

static void trees_are_written_as_jansson_writes_them(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "null",
        "true",
        "false",
        "0",
        "-9223372036854775808",
        "9223372036854775807",
        "\"\"",
        "[]",
        "{}",
        "[1,[2,[]],{}]",
        "{\"b\":1,\"a\":{\"z\":[true,false,null]},\"\":\"\"}",
        "\"a/b\\\"\\\\\\b\\f\\n\\r\\t\"",
        "\"\\u0001\\u001f\\u007f \\u00e4\\u20ac\\ud83d\\ude00\"",
        "{\"\\n\\u0002\\u00e4\":\"\\u000b\"}",
        "{\"a\":1,\"b\":2,\"a\":3}",
        " { \"a\" : [ 1 , 2 ] } ",
        "[1.5,-0.25,1.0,1e22,-0.0,123456.0]",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *value = parse(cases[i]);
        char *expected = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        char *text = json_text(value);
        assert_non_null(expected);
        assert_string_equal(text, expected);
        free(text);
        free(expected);
        json_decref(value);
    }
}

static void every_control_character_is_written_as_jansson_writes_it(void **state)
{
    (void)state;

    for (int c = 1; c < 0x80; c++) {
        char raw[3] = {'x', (char)c, '\0'};
        json_t *value = json_string(raw);
        char *expected = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        char *text = json_text(value);
        assert_string_equal(text, expected);
        free(text);
        free(expected);
        json_decref(value);
    }
}

static void no_tree_is_null(void **state)
{
    (void)state;
    char *text = json_text(NULL);

    assert_string_equal(text, "null");
    free(text);
}

static void check_string(struct slice raw, const char *written)
{
    struct buf out;

    buf_init(&out, 1000);
    json_put_string(&out, raw);
    assert_string_equal(buf_text(&out), written);
    buf_finish(&out);
}

static void invalid_utf8_becomes_the_replacement_character(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        const char *written;
    } cases[] = {
        {"a\xff"
         "b",                       "\"a\xef\xbf\xbd"
         "b\""                                                               },
 /* A lone continuation, a lead alone, a character cut short. */
        {"\x80",                             "\"\xef\xbf\xbd\""                                    },
        {"\xc3",                             "\"\xef\xbf\xbd\""                                    },
        {"\xe2\x82",                         "\"\xef\xbf\xbd\xef\xbf\xbd\""                        },
        {"\xc3x",                            "\"\xef\xbf\xbdx\""                                   },
 /* Overlong, a surrogate, past the last plane. */
        {"\xc0\xaf",                         "\"\xef\xbf\xbd\xef\xbf\xbd\""                        },
        {"\xe0\x80\xaf",                     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""            },
        {"\xed\xa0\x80",                     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""            },
        {"\xf4\x90\x80\x80",                 "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
 /* The edges of what is valid. */
        {"\xc2\x80\xdf\xbf",                 "\"\xc2\x80\xdf\xbf\""                                },
        {"\xe0\xa0\x80\xef\xbf\xbf",         "\"\xe0\xa0\x80\xef\xbf\xbf\""                        },
        {"\xed\x9f\xbf\xee\x80\x80",         "\"\xed\x9f\xbf\xee\x80\x80\""                        },
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""                },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *value;
        check_string(slice_of(cases[i].raw), cases[i].written);
        value = parse(cases[i].written);
        json_decref(value);
    }
}

/* json_parse() would refuse it escaped as well. */
static void nul_inside_a_string_is_replaced(void **state)
{
    (void)state;

    check_string(SLICE("a\0b"), "\"a\xef\xbf\xbd"
                                "b\"");
}

static void a_missing_text_is_null(void **state)
{
    (void)state;
    struct buf out;

    buf_init(&out, 100);
    json_put_string_or_null(&out, NULL);
    buf_put_char(&out, ',');
    json_put_string_or_null(&out, "");
    buf_put_char(&out, ',');
    json_put_string_or_null(&out, "a");
    assert_string_equal(buf_text(&out), "null,\"\",\"a\"");
    buf_finish(&out);
}

static void check_real(double value, const char *written)
{
    struct buf out;

    buf_init(&out, 100);
    json_put_real(&out, value);
    assert_string_equal(buf_text(&out), written);
    buf_finish(&out);
}

static void reals_are_written_in_the_shortest_form(void **state)
{
    (void)state;

    check_real(0.1, "0.1");
    check_real(21.4, "21.4");
    check_real(21.5, "21.5");
    check_real(1e300, "1e300");
    check_real(1.5e-7, "1.5e-7");
    check_real(5e-324, "5e-324");
    check_real(-0.0, "-0.0");
    check_real(0.0, "0.0");
    check_real(1.0, "1.0");
    check_real(-3.0, "-3.0");
    check_real(100.0, "100.0");
    check_real(1e15, "1e15");
    check_real(0.30000000000000004, "0.30000000000000004");
    check_real(2.0 / 3, "0.6666666666666666");
    check_real(9007199254740993.0, "9007199254740992.0");
    check_real(DBL_MAX, "1.7976931348623157e308");
    check_real(DBL_MIN, "2.2250738585072014e-308");
}

static void what_is_no_number_is_null(void **state)
{
    (void)state;

    check_real((double)NAN, "null");
    check_real((double)INFINITY, "null");
    check_real(-(double)INFINITY, "null");
}

/* The same sequence at every run. */
static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005 + 1442695040888963407;
    return *seed ^ *seed >> 29;
}

static void check_round_trip(double value)
{
    struct buf out;

    buf_init(&out, 100);
    json_put_real(&out, value);
    json_t *back = parse(buf_text(&out));
    assert_true(json_is_real(back));
    double got = json_real_value(back);
    if (got != value || signbit(got) != signbit(value)) {
        fail_msg("%a came back as %a from %s", value, got, buf_text(&out));
    }
    json_decref(back);
    buf_finish(&out);
}

static void random_reals_read_back_as_the_same_real(void **state)
{
    (void)state;
    uint64_t seed = 42;

    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value)) {
            check_round_trip(value);
        }
        check_round_trip((double)(int64_t)(bits >> 40) / 100);
    }
}

static void the_locale_does_not_reach_the_text(void **state)
{
    (void)state;
    static const char *const with_comma[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                             "de_DE", "nl_NL.UTF-8"};
    bool is_set = false;

    for (size_t i = 0; i < ARRAY_LEN(with_comma) && !is_set; i++) {
        is_set = setlocale(LC_NUMERIC, with_comma[i]) != NULL;
    }
    if (!is_set) {
        skip();
    }
    check_real(21.4, "21.4");
    check_real(1.5e-7, "1.5e-7");
    check_real(3.0, "3.0");
    assert_non_null(setlocale(LC_NUMERIC, "C"));
}

static void texts_that_are_no_json_are_refused_with_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *place;
    } cases[] = {
        {"",                      "line 1, column 0: "},
        {" ",                     "line 1, column 1: "},
        {"{",                     "line 1, column 1: "},
        {"{\"a\":1,}",            "line 1, column 8: "},
        {"[1,\n2,\n  x]",         "line 3, column 3: "},
        {"1 2",                   "line 1, column 3: "},
        {"nul",                   "line 1, column 3: "},
        {"'a'",                   "line 1, column 1: "},
        {"[01]",                  "line 1, column "   },
        {"\"\\u0000\"",           "line 1, column "   },
        {"{\"\\u0000\":1}",       "line 1, column "   },
        {"\"\\ud800\"",           "line 1, column "   },
        {"\"a\nb\"",              "line 1, column "   },
        {"\"\xff\"",              "line 1, column "   },
        {"099999999999999999999", "line 1, column "   },
        {"99999999999999999999x", "line 1, column "   },
        {"[1e999,01e999]",        "line 1, column "   },
        {"1e999.5",               "line 1, column "   },
        {"-",                     "line 1, column "   },
        {"NaN",                   "line 1, column "   },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf error;
        buf_init(&error, 1000);
        assert_null(json_parse(slice_of(cases[i].text), &error));
        if (!slice_starts_with(buf_slice(&error), slice_of(cases[i].place))) {
            fail_msg("\"%s\": \"%s\" does not start with \"%s\"", cases[i].text,
                     buf_text(&error), cases[i].place);
        }
        assert_true(error.len > strlen("line 1, column 1: "));
        assert_null(json_parse(slice_of(cases[i].text), NULL));
        buf_finish(&error);
    }
    assert_null(json_parse(slice_of(NULL), NULL));
}

static void numbers_of_any_size_are_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *nearest;
        const char *clamped;
    } cases[] = {
        {"9223372036854775807",                                      "9223372036854775807",      "9223372036854775807"                                         },
        {"9223372036854775808",                                      "9.223372036854775808e18",  "9223372036854775807"                                         },
        {"-9223372036854775809",                                     "-9.223372036854775809e18", "-9223372036854775808"                                        },
        {"[18446744073709551616,\"99999999999999999999\\\"1e999\"]",
         "[18446744073709551616.0,\"99999999999999999999\\\"1e999\"]",                           "[9223372036854775807,\"99999999999999999999\\\"1e999\"]"     },
        {"{\"a\":1e999,\"b\":[-1.5E+400,1e-999]}",
         "{\"a\":1.7976931348623157e308,\"b\":[-1.7976931348623157e308,0.0]}",                   "{\"a\":9223372036854775807,\"b\":[-9223372036854775808,0.0]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *nearest = parse(cases[i].text);
        json_t *clamped = json_parse_clamped(slice_of(cases[i].text), NULL);
        json_t *wanted = json_loads(cases[i].nearest, JSON_DECODE_ANY, NULL);
        assert_true(json_equal(nearest, wanted));
        json_decref(wanted);
        wanted = json_loads(cases[i].clamped, JSON_DECODE_ANY, NULL);
        assert_true(json_equal(clamped, wanted));
        json_decref(wanted);
        json_decref(nearest);
        json_decref(clamped);
    }
    assert_null(json_parse_clamped(SLICE("[99999999999999999999"), NULL));
    /* What is put for a number may not become one together with what follows. */
    assert_null(json_parse_clamped(SLICE("1e400.5"), NULL));
    assert_null(json_parse_clamped(SLICE("1e400e5"), NULL));
    assert_null(json_parse(SLICE("1e400.5"), NULL));
}

static void a_nul_byte_is_refused_everywhere(void **state)
{
    (void)state;
    struct buf error;

    buf_init(&error, 100);
    assert_null(json_parse(SLICE("[true,\n1\0]"), &error));
    assert_string_equal(buf_text(&error), "line 2, column 2: a NUL byte");
    assert_null(json_parse(SLICE("1\0"), NULL));
    assert_null(json_parse(SLICE("\0"), NULL));
    assert_null(json_parse(SLICE("true\0\0"), NULL));
    assert_null(json_parse(SLICE("\"a\0b\""), NULL));
    buf_finish(&error);
}

static void the_slices_length_ends_the_text(void **state)
{
    (void)state;
    json_t *value = json_parse(slice_make("123456", 3), NULL);

    assert_int_equal(json_integer_value(value), 123);
    json_decref(value);
}

/* `depth` brackets, opened and closed. */
static void put_nested(struct buf *out, int depth, const char *open, char close)
{
    buf_reset(out);
    for (int i = 0; i < depth; i++) {
        buf_put_text(out, open);
    }
    buf_put_char(out, '1');
    for (int i = 0; i < depth; i++) {
        buf_put_char(out, close);
    }
}

static void texts_nested_too_deep_are_refused(void **state)
{
    (void)state;
    struct buf text;
    struct buf error;

    buf_init(&text, 1 << 20);
    buf_init(&error, 1000);
    put_nested(&text, JSON_DEPTH_MAX, "[", ']');
    json_t *value = parse(buf_text(&text));
    json_decref(value);
    put_nested(&text, JSON_DEPTH_MAX + 1, "[", ']');
    assert_null(json_parse(buf_slice(&text), &error));
    assert_string_equal(buf_text(&error), "line 1, column 101: nested too deep");
    put_nested(&text, JSON_DEPTH_MAX + 1, "\n{\"a\":", '}');
    buf_reset(&error);
    assert_null(json_parse(buf_slice(&text), &error));
    assert_string_equal(buf_text(&error), "line 102, column 1: nested too deep");
    put_nested(&text, 100000, "[", ']');
    assert_null(json_parse(buf_slice(&text), NULL));
    buf_finish(&text);
    buf_finish(&error);
}

static void brackets_in_strings_do_not_count_as_depth(void **state)
{
    (void)state;
    struct buf text;

    buf_init(&text, 10000);
    buf_put_text(&text, "[\"\\\"\\\\");
    for (int i = 0; i < 500; i++) {
        buf_put_text(&text, "[{");
    }
    buf_put_text(&text, "\",[],{},[],{}]");
    json_t *value = parse(buf_text(&text));
    assert_int_equal(json_array_size(value), 5);
    json_decref(value);
    /* Siblings do not add up either. */
    buf_reset(&text);
    buf_put_text(&text, "[[]");
    for (int i = 0; i < 500; i++) {
        buf_put_text(&text, ",{}");
    }
    buf_put_text(&text, "]");
    value = parse(buf_text(&text));
    assert_int_equal(json_array_size(value), 501);
    json_decref(value);
    buf_finish(&text);
}

static void an_escaped_backslash_does_not_hide_the_end_of_a_string(void **state)
{
    (void)state;
    struct buf text;
    struct buf error;

    buf_init(&text, 10000);
    buf_init(&error, 1000);
    buf_put_text(&text, "[\"\\\\\",");
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        buf_put_char(&text, '[');
    }
    assert_null(json_parse(buf_slice(&text), &error));
    assert_string_equal(buf_text(&error), "line 1, column 106: nested too deep");
    buf_finish(&text);
    buf_finish(&error);
}

static void a_strings_slice_holds_its_bytes(void **state)
{
    (void)state;
    json_t *text = json_stringn("a\0b", 3);
    json_t *number = json_integer(1);

    assert_true(slice_equal(json_string_slice(text), SLICE("a\0b")));
    assert_int_equal(json_string_slice(number).len, 0);
    assert_int_equal(json_string_slice(NULL).len, 0);
    json_decref(text);
    json_decref(number);
}

static void members_are_found_without_regard_to_case(void **state)
{
    (void)state;
    json_t *object = parse("{\"DeviceId\":1,\"etag\":2,\"ETag\":3,\"status\":null}");
    json_t *array = parse("[1]");

    assert_int_equal(json_integer_value(json_get_nocase(object, "deviceID")), 1);
    assert_int_equal(json_integer_value(json_get_nocase(object, "etag")), 2);
    assert_int_equal(json_integer_value(json_get_nocase(object, "ETag")), 3);
    assert_int_equal(json_integer_value(json_get_nocase(object, "ETAG")), 3);
    assert_true(json_is_null(json_get_nocase(object, "Status")));
    assert_null(json_get_nocase(object, "device"));
    assert_null(json_get_nocase(array, "a"));
    assert_null(json_get_nocase(NULL, "a"));
    json_decref(object);
    json_decref(array);
}

static void a_tree_over_the_cap_fails(void **state)
{
    (void)state;
    json_t *value = parse("{\"a\":[1,2,3]}");
    struct buf out;

    buf_init(&out, 12);
    json_put(&out, value);
    assert_true(out.failed);
    buf_finish(&out);
    buf_init(&out, 13);
    json_put(&out, value);
    assert_false(out.failed);
    buf_finish(&out);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_are_written_as_jansson_writes_them),
        cmocka_unit_test(every_control_character_is_written_as_jansson_writes_it),
        cmocka_unit_test(no_tree_is_null),
        cmocka_unit_test(invalid_utf8_becomes_the_replacement_character),
        cmocka_unit_test(nul_inside_a_string_is_replaced),
        cmocka_unit_test(a_missing_text_is_null),
        cmocka_unit_test(reals_are_written_in_the_shortest_form),
        cmocka_unit_test(what_is_no_number_is_null),
        cmocka_unit_test(random_reals_read_back_as_the_same_real),
        cmocka_unit_test(the_locale_does_not_reach_the_text),
        cmocka_unit_test(texts_that_are_no_json_are_refused_with_a_place),
        cmocka_unit_test(numbers_of_any_size_are_json),
        cmocka_unit_test(a_nul_byte_is_refused_everywhere),
        cmocka_unit_test(the_slices_length_ends_the_text),
        cmocka_unit_test(texts_nested_too_deep_are_refused),
        cmocka_unit_test(brackets_in_strings_do_not_count_as_depth),
        cmocka_unit_test(an_escaped_backslash_does_not_hide_the_end_of_a_string),
        cmocka_unit_test(a_strings_slice_holds_its_bytes),
        cmocka_unit_test(members_are_found_without_regard_to_case),
        cmocka_unit_test(a_tree_over_the_cap_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
