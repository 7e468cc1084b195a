/*
 * json_scan: the same answers as a tree gives, and nothing read outside of broken texts.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "iothub/json_scan.h"

static struct slice member(const char *object, const char *name)
{
    struct slice raw = SLICE("none");
    return json_scan_member(slice_of(object), slice_of(name), &raw) ? raw : SLICE("none");
}

/* `steps` are names joined by '/'. */
static struct slice path(const char *document, const char *steps)
{
    struct slice names[10];
    struct slice rest = slice_of(steps);
    struct slice raw = SLICE("none");
    size_t n = 0;
    while (n < ARRAY_LEN(names) && slice_next(&rest, '/', &names[n])) {
        n++;
    }
    return json_scan_path(slice_of(document), names, n, &raw) ? raw : SLICE("none");
}

static void assert_slice(struct slice actual, const char *expected)
{
    if (!slice_equal_text(actual, expected)) {
        print_error("'%.*s' is not '%s'\n", SLICE_ARG(actual), expected);
        fail();
    }
}

static void types_are_told_by_the_first_character(void **state)
{
    (void)state;
    assert_int_equal(json_scan_type(SLICE("null")), JSON_SCAN_NULL);
    assert_int_equal(json_scan_type(SLICE("false")), JSON_SCAN_FALSE);
    assert_int_equal(json_scan_type(SLICE("true")), JSON_SCAN_TRUE);
    assert_int_equal(json_scan_type(SLICE("-1")), JSON_SCAN_NUMBER);
    assert_int_equal(json_scan_type(SLICE("0.5")), JSON_SCAN_NUMBER);
    assert_int_equal(json_scan_type(SLICE("\"\"")), JSON_SCAN_STRING);
    assert_int_equal(json_scan_type(SLICE("[]")), JSON_SCAN_ARRAY);
    assert_int_equal(json_scan_type(SLICE("{}")), JSON_SCAN_OBJECT);
}

static void values_are_cut_off_one_by_one(void **state)
{
    (void)state;
    struct slice rest = SLICE(" {\"a\":[1,\"}\"]}  \"x\\\"y\" -1.5e3\ttrue ");
    struct slice raw;
    assert_true(json_scan_value(&rest, &raw));
    assert_slice(raw, "{\"a\":[1,\"}\"]}");
    assert_true(json_scan_value(&rest, &raw));
    assert_slice(raw, "\"x\\\"y\"");
    assert_true(json_scan_value(&rest, &raw));
    assert_slice(raw, "-1.5e3");
    assert_true(json_scan_value(&rest, &raw));
    assert_slice(raw, "true");
    assert_false(json_scan_value(&rest, &raw));
}

static void members_are_found_with_white_space_anywhere(void **state)
{
    (void)state;
    assert_slice(member("{\"a\":1,\"b\":{\"c\":2}}", "b"), "{\"c\":2}");
    assert_slice(member(" {\n \"a\" :\t1 ,\r\n \"b\" : [ 2 ] }", "b"), "[ 2 ]");
    assert_slice(member("{}", "a"), "none");
    assert_slice(member("[\"a\",1]", "a"), "none");
    assert_slice(member("{\"b\":{\"a\":1}}", "a"), "none");
    assert_slice(member("{\"\":1}", ""), "1");
}

static void of_repeated_members_the_last_counts_and_the_first_of_a_path(void **state)
{
    (void)state;
    assert_slice(member("{\"a\":1,\"b\":2,\"a\":3,\"c\":4}", "a"), "3");
    assert_slice(path("{\"a\":1,\"b\":2,\"a\":3,\"c\":4}", "a"), "1");
}

static void names_are_compared_with_their_escapes_resolved(void **state)
{
    (void)state;
    assert_slice(member("{\"a\\u0062\":1}", "ab"), "1");
    assert_slice(member("{\"a\\\"b\":1}", "a\"b"), "1");
    assert_slice(member("{\"a\\\\b\":1}", "a\\b"), "1");
    assert_slice(member("{\"\\u00e9\\ud83d\\ude00\":1}", "\xc3\xa9\xf0\x9f\x98\x80"), "1");
    assert_slice(member("{\"\\n\":1}", "\n"), "1");
}

/* Names that look like the raw text of something else. */
static void a_name_is_not_mistaken_for_raw_text(void **state)
{
    (void)state;
    assert_slice(member("{\"ab\\\"c\":1}", "ab\\"), "none");
    assert_slice(member("{\"a\\\\b\":1}", "a\\\\b"), "none");
    assert_slice(member("{\"a\":\"b\"}", "a\":"), "none");
    assert_slice(member("{\"a\":\"b\"}", "a\":\"b"), "none");
}

static void a_path_leads_through_objects_only(void **state)
{
    (void)state;
    const char *document = "{\"a\":{\"b\":{\"c\":\"x\"}},\"d\":[{\"b\":1}],\"e\":\"b\"}";
    assert_slice(path(document, "a/b/c"), "\"x\"");
    assert_slice(path(document, "a/b"), "{\"c\":\"x\"}");
    assert_slice(path(document, "a/x/c"), "none");
    assert_slice(path(document, "a/b/c/d"), "none");
    assert_slice(path(document, "d/b"), "none");
    assert_slice(path(document, "e/b"), "none");
    assert_slice(path(" 5 ", ""), "5");
    assert_slice(path("", ""), "none");
}

static void a_member_that_follows_a_long_text_is_found(void **state)
{
    (void)state;
    for (size_t len = 0; len < 70; len++) {
        struct buf text;
        buf_init(&text, BUF_CAP_OWN);
        buf_put_text(&text, "{\"k\":\"");
        for (size_t i = 0; i < len; i++) {
            buf_put_char(&text, "ab{]"[i % 4]);
        }
        buf_put_text(&text, "\\\"\",\"x\":7}");
        assert_slice(member(buf_text(&text), "x"), "7");
        buf_finish(&text);
    }
}

static void strings_are_decoded_into_scratch_only_if_they_must(void **state)
{
    (void)state;
    struct buf scratch;
    buf_init(&scratch, BUF_CAP_OWN);
    assert_slice(json_scan_string(SLICE("\"plain\""), &scratch), "plain");
    assert_slice(json_scan_string(SLICE("\"\""), &scratch), "");
    assert_int_equal(scratch.len, 0);
    assert_slice(json_scan_string(SLICE("\"a\\b\\f\\n\\r\\t\\/\\\\\\\"z\""), &scratch),
                 "a\b\f\n\r\t/\\\"z");
    assert_slice(json_scan_string(SLICE("\"\\u20ac\\ud83d\\ude00\\u00E9\\u0041\""), &scratch),
                 "\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9"
                 "A");
    assert_slice(json_scan_string(SLICE("\"\\ud83dx\""), &scratch), "\xef\xbf\xbdx");
    assert_slice(json_scan_string(SLICE("\"\\ud83d\\u0041\""), &scratch), "\xef\xbf\xbd"
                                                                          "A");
    assert_true(json_scan_string_is(SLICE("\"\\u0041b\""), SLICE("Ab")));
    assert_false(json_scan_string_is(SLICE("\"\\u0041b\""), SLICE("A")));
    assert_false(json_scan_string_is(SLICE("\"A\""), SLICE("Ab")));
    assert_false(json_scan_string_is(SLICE("5"), SLICE("5")));
    buf_finish(&scratch);
}

static void numbers_are_read_to_the_last_bit(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "1",
        "-1.5",
        "0.1",
        "21.5",
        "1e3",
        "1E-3",
        "-2.5e+2",
        "4503599627370495",
        "-4503599627370496",
        "123456789012345.6",
        "0.30000000000000004",
        "1e300",
        "5e-324",
        "9007199254740993",
        "1.7976931348623157e308",
        "0.000000000000001",
        "999999999999999",
        "0.1000000000000000000000000000000000000000000000000000000000000000000000000000001",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        double expected = strtod(texts[i], NULL);
        assert_true(json_scan_number(slice_of(texts[i])) == expected);
    }
}

static void containers_are_walked_in_their_order(void **state)
{
    (void)state;
    struct json_scan scan;
    struct slice name;
    struct slice raw;
    assert_true(json_scan_open(&scan, SLICE(" { \"a\" : 1 , \"b\" : [ 2, 3 ] } ")));
    assert_true(json_scan_next(&scan, &name, &raw));
    assert_slice(name, "\"a\"");
    assert_slice(raw, "1");
    assert_true(json_scan_next(&scan, &name, &raw));
    assert_slice(name, "\"b\"");
    assert_slice(raw, "[ 2, 3 ]");
    assert_false(json_scan_next(&scan, &name, &raw));
    assert_true(json_scan_open(&scan, raw));
    assert_true(json_scan_next(&scan, NULL, &raw));
    assert_slice(raw, "2");
    assert_true(json_scan_next(&scan, NULL, &raw));
    assert_slice(raw, "3");
    assert_false(json_scan_next(&scan, NULL, &raw));
    assert_true(json_scan_open(&scan, SLICE("[]")));
    assert_false(json_scan_next(&scan, NULL, &raw));
    assert_false(json_scan_open(&scan, SLICE("\"[]\"")));
    assert_false(json_scan_open(&scan, SLICE("")));
}

/* Random documents, the same on every run. */

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % sides;
}

static json_t *random_string(uint32_t *seed)
{
    static const char *const pieces[] = {"a",    "b",
                                         "\"",   "\\",
                                         "{",    "}",
                                         "[",    "]",
                                         ",",    ":",
                                         "\n",   "\t",
                                         "\x01", "\xc3\xa9",
                                         "/",    "\xf0\x9f\x98\x80",
                                         " ",    "abcdefghijklmnopqrstuvwxyz"};
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    for (uint32_t i = dice(seed, 8); i > 0; i--) {
        buf_put_text(&text, pieces[dice(seed, ARRAY_LEN(pieces))]);
    }
    json_t *string = json_string(buf_text(&text));
    buf_finish(&text);
    return string;
}

/* As deep as `depth`. */
static json_t *random_value(uint32_t *seed, int depth)
{
    json_t *value = NULL;
    uint32_t kind = dice(seed, depth > 0 ? 8 : 5);
    switch (kind) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(dice(seed, 2) == 1);
    case 2:
        return json_integer((json_int_t)dice(seed, 1000000) - 500000);
    case 3:
        return json_real((double)dice(seed, 100000) / 64 - 500);
    case 4:
        return random_string(seed);
    case 5:
        value = json_array();
        for (uint32_t i = dice(seed, 5); i > 0; i--) {
            json_array_append_new(value, random_value(seed, depth - 1));
        }
        return value;
    default:
        value = json_object();
        for (uint32_t i = dice(seed, 6); i > 0; i--) {
            json_t *name = random_string(seed);
            json_object_set_new(value, json_string_value(name), random_value(seed, depth - 1));
            json_decref(name);
        }
        return value;
    }
}

static char *random_text(uint32_t *seed, json_t **tree)
{
    static const size_t flags[] = {JSON_COMPACT, JSON_INDENT(2), 0,
                                   JSON_COMPACT | JSON_ENSURE_ASCII};
    *tree = random_value(seed, 5);
    return json_dumps(*tree, flags[dice(seed, 4)] | JSON_ENCODE_ANY);
}

static void check_value(struct slice raw, json_t *tree);

static void check_object(struct slice raw, json_t *tree)
{
    const char *key = NULL;
    json_t *value = NULL;
    struct json_scan scan;
    struct slice name;
    struct slice found;
    size_t n = 0;
    assert_true(json_scan_open(&scan, raw));
    while (json_scan_next(&scan, &name, &found)) {
        n++;
    }
    assert_int_equal(n, json_object_size(tree));
    assert_slice(slice_trim(scan.rest), "}");
    json_object_foreach(tree, key, value)
    {
        struct slice wanted = slice_of(key);
        assert_true(json_scan_path(raw, &wanted, 1, &found));
        check_value(found, value);
        assert_true(json_scan_member(raw, wanted, &found));
        check_value(found, value);
    }
    assert_false(json_scan_member(raw, SLICE("no such name"), &found));
}

static void check_array(struct slice raw, json_t *tree)
{
    struct json_scan scan;
    struct slice element;
    size_t n = 0;
    assert_true(json_scan_open(&scan, raw));
    while (json_scan_next(&scan, NULL, &element)) {
        check_value(element, json_array_get(tree, n));
        n++;
    }
    assert_int_equal(n, json_array_size(tree));
}

static void check_string(struct slice raw, json_t *tree)
{
    struct slice text = slice_make(json_string_value(tree), json_string_length(tree));
    struct buf scratch;
    buf_init(&scratch, BUF_CAP_OWN);
    assert_true(slice_equal(json_scan_string(raw, &scratch), text));
    assert_true(json_scan_string_is(raw, text));
    buf_finish(&scratch);
}

static void check_value(struct slice raw, json_t *tree)
{
    switch (json_scan_type(raw)) {
    case JSON_SCAN_NULL:
        assert_true(json_is_null(tree));
        break;
    case JSON_SCAN_FALSE:
        assert_true(json_is_false(tree));
        break;
    case JSON_SCAN_TRUE:
        assert_true(json_is_true(tree));
        break;
    case JSON_SCAN_NUMBER:
        assert_true(json_is_number(tree));
        assert_true(json_scan_number(raw) == json_number_value(tree));
        break;
    case JSON_SCAN_STRING:
        assert_true(json_is_string(tree));
        check_string(raw, tree);
        break;
    case JSON_SCAN_ARRAY:
        assert_true(json_is_array(tree));
        check_array(raw, tree);
        break;
    case JSON_SCAN_OBJECT:
        assert_true(json_is_object(tree));
        check_object(raw, tree);
        break;
    }
}

static void random_documents_are_read_as_a_tree_reads_them(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int i = 0; i < 2000; i++) {
        json_t *tree = NULL;
        char *text = random_text(&seed, &tree);
        struct slice rest = slice_of(text);
        struct slice raw;
        assert_true(json_scan_value(&rest, &raw));
        assert_int_equal(rest.len, 0);
        check_value(raw, tree);
        free(text);
        json_decref(tree);
    }
}

/* Ask everything of a text that may be broken, in memory that ends where the text does. */
static void ask_everything(const char *text, size_t len)
{
    char *exact = len == 0 ? NULL : mem_dup(text, len);
    struct slice broken = slice_make(exact, len);
    struct slice names[] = {SLICE("a"), SLICE(""), SLICE("b")};
    struct slice rest = broken;
    struct slice raw = {0};
    struct slice name = {0};
    struct json_scan scan;
    struct buf scratch;
    buf_init(&scratch, BUF_CAP_OWN);
    while (json_scan_value(&rest, &raw)) {
        json_scan_string(raw, &scratch);
        json_scan_number(raw);
        json_scan_string_is(raw, SLICE("ab"));
    }
    bool is_found = json_scan_member(broken, names[0], &raw) ||
                    json_scan_path(broken, names, ARRAY_LEN(names), &raw);
    assert_true(!is_found || raw.len <= len);
    json_scan_type(broken);
    if (json_scan_open(&scan, broken)) {
        struct json_scan again = scan;
        while (json_scan_next(&scan, &name, &raw)) {
            json_scan_string(name, &scratch);
        }
        while (json_scan_next(&again, NULL, &raw)) {
            json_scan_string(raw, &scratch);
        }
    }
    buf_finish(&scratch);
    free(exact);
}

static void broken_texts_are_never_read_past_their_end(void **state)
{
    (void)state;
    uint32_t seed = 11;
    for (int i = 0; i < 150; i++) {
        json_t *tree = NULL;
        char *text = random_text(&seed, &tree);
        size_t len = strlen(text);
        for (size_t cut = 0; cut <= len; cut++) {
            ask_everything(text, cut);
        }
        for (int change = 0; change < 50 && len > 0; change++) {
            static const char marks[] = "\"\\{}[],: u0";
            text[dice(&seed, (uint32_t)len)] = marks[dice(&seed, sizeof(marks) - 1)];
            ask_everything(text, len);
        }
        free(text);
        json_decref(tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_told_by_the_first_character),
        cmocka_unit_test(values_are_cut_off_one_by_one),
        cmocka_unit_test(members_are_found_with_white_space_anywhere),
        cmocka_unit_test(of_repeated_members_the_last_counts_and_the_first_of_a_path),
        cmocka_unit_test(names_are_compared_with_their_escapes_resolved),
        cmocka_unit_test(a_name_is_not_mistaken_for_raw_text),
        cmocka_unit_test(a_path_leads_through_objects_only),
        cmocka_unit_test(a_member_that_follows_a_long_text_is_found),
        cmocka_unit_test(strings_are_decoded_into_scratch_only_if_they_must),
        cmocka_unit_test(numbers_are_read_to_the_last_bit),
        cmocka_unit_test(containers_are_walked_in_their_order),
        cmocka_unit_test(random_documents_are_read_as_a_tree_reads_them),
        cmocka_unit_test(broken_texts_are_never_read_past_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
