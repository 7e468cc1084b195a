/*
 * hub/twin_check: names, values, depth and size of twin sections.
 */
#include "hub/twin_check.h"

#include <stdlib.h>
#include <string.h>

#include "unit/hub/documents.h"

static void accept(const char *text)
{
    struct buf error = {.cap = BUF_CAP_OWN};
    json_t *section = document(text);
    bool is_good = twin_check_content(section, &error);
    if (!is_good) {
        print_error("%s: %s\n", text, buf_text(&error));
    }
    assert_true(is_good);
    assert_int_equal(error.len, 0);
    json_decref(section);
}

static void refuse(const char *text, const char *sentence)
{
    struct buf error = {.cap = BUF_CAP_OWN};
    json_t *section = document(text);
    assert_false(twin_check_content(section, &error));
    assert_string_equal(buf_text(&error), sentence);
    buf_finish(&error);
    json_decref(section);
}

static void ordinary_names_are_taken(void **state)
{
    (void)state;
    accept("{}");
    accept("{'a':1,'HomeTemp(F)':1,'a-b':1,'a/b':1,'a_b':1,'a:b':1,'@':1,'':1}");
    accept("{'\\u00fc\\u4e2d\\ud83d\\ude00':1}");
    accept("{'\\u00a0':1}");
}

static void names_with_forbidden_characters_are_refused(void **state)
{
    (void)state;
    refuse("{'a.b':1}", "Property name a.b contains invalid character '.'");
    refuse("{'$a':1}", "Property name $a contains invalid character '$'");
    refuse("{'a#b':1}", "Property name a#b contains invalid character '#'");
    refuse("{'a b':1}", "Property name a b contains invalid character ' '");
    refuse("{'x':{'y':{'a b':1}}}", "Property name a b contains invalid character ' '");
    refuse("{'x':[{'a b':1}]}", "Property name a b contains invalid character ' '");
}

static void names_with_control_characters_are_refused(void **state)
{
    static const char *const texts[] = {
        "{'a\\u0007':1}", "{'a\\u001f':1}", "{'a\\u007f':1}",
        "{'a\\u0080':1}", "{'a\\u009f':1}", "{'\\n':1}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct buf error = {.cap = BUF_CAP_OWN};
        json_t *section = document(texts[i]);
        assert_false(twin_check_content(section, &error));
        assert_true(error.len > 0);
        buf_finish(&error);
        json_decref(section);
    }
}

/* {"name":"value"} of repeated letters. */
static json_t *repeated(const char *letter, size_t name_count, size_t value_count)
{
    struct buf name = {.cap = BUF_CAP_OWN};
    struct buf value = {.cap = BUF_CAP_OWN};
    for (size_t i = 0; i < name_count; i++) {
        buf_put_text(&name, letter);
    }
    for (size_t i = 0; i < value_count; i++) {
        buf_put_text(&value, letter);
    }
    json_t *section = json_pack("{s:s}", buf_text(&name), buf_text(&value));
    buf_finish(&name);
    buf_finish(&value);
    return section;
}

static void check_lengths(const char *letter, size_t name_count, size_t value_count,
                          const char *sentence)
{
    struct buf error = {.cap = BUF_CAP_OWN};
    json_t *section = repeated(letter, name_count, value_count);
    assert_int_equal(twin_check_content(section, &error), sentence == NULL);
    assert_string_equal(buf_text(&error), sentence == NULL ? "" : sentence);
    buf_finish(&error);
    json_decref(section);
}

static void lengths_count_in_bytes(void **state)
{
    (void)state;
    check_lengths("k", 1024, 4096, NULL);
    check_lengths("k", 1025, 1,
                  "Length of property name kkkkkkkkkk.. exceeds maximum length of 1024");
    check_lengths("k", 1, 4097,
                  "Value associated with property name k has length 4097 that exceeds maximum "
                  "length of 4096");
    check_lengths("\xc3\xa9", 512, 2048, NULL);
    check_lengths("\xc3\xa9", 1, 2049,
                  "Value associated with property name \xc3\xa9 has length 4098 that exceeds "
                  "maximum length of 4096");
}

static void integers_have_bounds_and_reals_have_none(void **state)
{
    (void)state;
    accept("{'a':4503599627370495,'b':-4503599627370496,'c':1e300,'d':4503599627370496.0}");
    refuse(
        "{'a':4503599627370496}",
        "Property a has an out of bound value. Valid values are between -4503599627370496 and "
        "4503599627370495");
    refuse(
        "{'x':[-4503599627370497]}",
        "Property x has an out of bound value. Valid values are between -4503599627370496 and "
        "4503599627370495");
}

/* A scalar in `levels` objects or arrays below the section. */
static void check_depth(int levels, bool is_array, bool is_good)
{
    struct buf error = {.cap = BUF_CAP_OWN};
    json_t *value = json_integer(1);
    for (int i = 0; i < levels; i++) {
        value = is_array ? json_pack("[o]", value) : json_pack("{s:o}", "k", value);
    }
    json_t *section = json_pack("{s:o}", "top", value);
    assert_int_equal(twin_check_content(section, &error), is_good);
    assert_string_equal(buf_text(&error),
                        is_good ? "" : "Nested depth of twin property exceeds 10");
    buf_finish(&error);
    json_decref(section);
}

static void ten_levels_below_the_section_are_taken(void **state)
{
    (void)state;
    check_depth(10, false, true);
    check_depth(11, false, false);
    check_depth(10, true, true);
    check_depth(11, true, false);
}

static void null_removes_but_not_in_arrays(void **state)
{
    (void)state;
    accept("{'a':null,'b':{'c':null}}");
    refuse("{'a':[null]}", "Arrays cannot contain 'null' as value");
    refuse("{'a':[1,[null]]}", "Arrays cannot contain 'null' as value");
    refuse("{'a':[{'b':{'c':null}}]}", "Arrays cannot contain 'null' as value");
}

static void size_counts_names_and_values(void **state)
{
    static const struct {
        const char *text;
        size_t size;
    } rows[] = {
        {"{}",                                0 },
        {"{'ab':'cde'}",                      5 },
        {"{'a':1}",                           9 },
        {"{'a':1.5}",                         9 },
        {"{'a':true,'b':false}",              10},
        {"{'a':null}",                        1 },
        {"{'a':{'b':{'c':'d'}}}",             4 },
        {"{'a':['b',1,true,{'c':'d'}]}",      16},
        {"{'\\u00e9':'\\u00e9'}",             4 },
        {"{'a':'\\u0001b\\n\\u0080\\u007f'}", 2 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *section = document(rows[i].text);
        assert_int_equal(twin_size_bytes(section), rows[i].size);
        json_decref(section);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_names_are_taken),
        cmocka_unit_test(names_with_forbidden_characters_are_refused),
        cmocka_unit_test(names_with_control_characters_are_refused),
        cmocka_unit_test(lengths_count_in_bytes),
        cmocka_unit_test(integers_have_bounds_and_reals_have_none),
        cmocka_unit_test(ten_levels_below_the_section_are_taken),
        cmocka_unit_test(null_removes_but_not_in_arrays),
        cmocka_unit_test(size_counts_names_and_values),
    };
    return cmocka_run_group_tests_name("hub.twin_check", tests, NULL, NULL);
}
