/*
 * Widths, cleaning and wrapping of text, and the search for the nearest name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/suggest.h"
#include "cli/text.h"

struct piece {
    const char *text;
    const char *clean;
    size_t width;
};

static void text_is_cleaned_and_counted_by_code_points(void **state)
{
    (void)state;
    static const struct piece pieces[] = {
        {"",                                 "",                                 0},
        {"abc~",                             "abc~",                             4},
        {"\t\r\n",                           "?\?\?",                            3},
        {"\x7f",                             "?",                                1},
        {"\xc2\x80\xc2\x9f\xc2\xa0",         "?\?\xc2\xa0",                      3},
        {"\xdf\xbf\xe0\xa0\x80\xef\xbf\xbd", "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbd", 3},
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 2},
 /* Alone, cut off, overlong, a surrogate, past the last code point, no first byte. */
        {"\x80z",                            "?z",                               2},
        {"\xe6\xb8",                         "?\?",                              2},
        {"\xe6\xb8z",                        "?\?z",                             3},
        {"\xc0\x80",                         "?\?",                              2},
        {"\xe0\x9f\xbf",                     "?\?\?",                            3},
        {"\xf0\x8f\xbf\xbf",                 "?\?\?\?",                          4},
        {"\xed\xa0\x80",                     "?\?\?",                            3},
        {"\xf4\x90\x80\x80",                 "?\?\?\?",                          4},
        {"\xf5\xff",                         "?\?",                              2},
    };
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct slice text = slice_of(pieces[i].text);
        struct buf out;
        buf_init(&out, 100);
        text_put_clean(&out, text);
        assert_string_equal(buf_text(&out), pieces[i].clean);
        assert_int_equal(text_width(text), pieces[i].width);
        assert_int_equal(text_width(buf_slice(&out)), pieces[i].width);
        buf_finish(&out);
    }
}

static void check_wrap(const char *text, size_t indent, size_t width, const char *wrapped)
{
    struct buf out;
    buf_init(&out, 1000);
    text_wrap(&out, slice_of(text), indent, width);
    assert_string_equal(buf_text(&out), wrapped);
    buf_finish(&out);
}

static void words_are_wrapped_at_the_width(void **state)
{
    (void)state;
    check_wrap("", 4, 20, "\n");
    check_wrap("one two", 0, 7, "one two\n");
    check_wrap("one two", 0, 6, "one\ntwo\n");
    check_wrap("  one   two  ", 0, 20, "one two\n");
    check_wrap("one two three", 2, 9, "one two\n  three\n");
    check_wrap("unbreakable is long", 2, 6, "unbreakable\n  is\n  long\n");
    check_wrap("a [b\x01"
               "c] d",
               0, 6, "a\n[b c]\nd\n");
    check_wrap("\xc3\xa4\xc3\xa4 \xc3\xb6\xc3\xb6", 0, 5,
               "\xc3\xa4\xc3\xa4 \xc3\xb6\xc3\xb6\n");
}

static const char *nearest(const char *typed)
{
    static const char *const names[] = {"for", "force", "connection-string", "count", "to"};
    struct suggest s = {0};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        suggest_offer(&s, slice_of(typed), slice_of(names[i]));
    }
    return s.best.len == 0 ? "" : s.best.data;
}

static void nearest_name_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(nearest("foo"), "for");
    assert_string_equal(nearest("fro"), "for");
    assert_string_equal(nearest("or"), "for");
    assert_string_equal(nearest("forces"), "force");
    assert_string_equal(nearest("fo"), "for");
    assert_string_equal(nearest("cuont"), "count");
    assert_string_equal(nearest("connection"), "connection-string");
    assert_string_equal(nearest("conection-strnig"), "connection-string");
    assert_string_equal(nearest("count"), "count");
}

static void nothing_near_suggests_nothing(void **state)
{
    (void)state;
    assert_string_equal(nearest(""), "");
    assert_string_equal(nearest("c"), "");
    assert_string_equal(nearest("x"), "");
    assert_string_equal(nearest("xyzzy"), "");
    assert_string_equal(nearest("abcde"), "");
    assert_string_equal(
        nearest("connection-string-connection-string-connection-string-connection-string"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cleaned_and_counted_by_code_points),
        cmocka_unit_test(words_are_wrapped_at_the_width),
        cmocka_unit_test(nearest_name_is_suggested),
        cmocka_unit_test(nothing_near_suggests_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
