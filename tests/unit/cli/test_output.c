/*
 * Tables, cards and JSON, letter by letter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/cli.h"

static const struct cli_column columns[] = {
    {"id",    "deviceId"           },
    {"auth",  "authentication.type"},
    {"count", "count"              },
    {"tags",  "tags"               },
};

typedef void put_function(struct buf *out, const struct cli_column *columns, size_t n_columns,
                          const json_t *value);

static void check_columns(put_function *put, const struct cli_column *some, size_t n_columns,
                          const char *json, const char *text)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(value);
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    put(&out, some, n_columns, value);
    assert_string_equal(buf_text(&out), text);
    buf_finish(&out);
    json_decref(value);
}

static void check_table(const char *json, const char *text)
{
    check_columns(cli_put_table, columns, ARRAY_LEN(columns), json, text);
}

static void check_card(const char *json, const char *text)
{
    check_columns(cli_put_card, columns, ARRAY_LEN(columns), json, text);
}

static void table_aligns_texts_left_and_numbers_right(void **state)
{
    (void)state;
    check_table(
        "[{\"deviceId\":\"sensor-1\",\"authentication\":{\"type\":\"sas\"},\"count\":7},"
        " {\"deviceId\":\"s2\",\"authentication\":{\"type\":\"selfSigned\"},"
        "  \"count\":12345678}]",
        "ID        AUTH           COUNT  TAGS\n"
        "sensor-1  sas                7  -\n"
        "s2        selfSigned  12345678  -\n");
}

static void no_rows_leave_only_the_titles(void **state)
{
    (void)state;
    check_table("[]", "ID  AUTH  COUNT  TAGS\n");
    check_table("{}", "ID  AUTH  COUNT  TAGS\n");
}

static void absent_values_and_null_are_dashes(void **state)
{
    (void)state;
    check_table("[{\"deviceId\":null,\"authentication\":\"none\",\"count\":null},"
                " {\"count\":-100.5},5]",
                "ID  AUTH   COUNT  TAGS\n"
                "-   -          -  -\n"
                "-   -     -100.5  -\n"
                "-   -          -  -\n");
}

static void column_with_a_text_among_numbers_is_aligned_left(void **state)
{
    (void)state;
    check_table("[{\"count\":1},{\"count\":\"many\"}]", "ID  AUTH  COUNT  TAGS\n"
                                                        "-   -     1      -\n"
                                                        "-   -     many   -\n");
    check_table("[{\"count\":true},{\"count\":12}]", "ID  AUTH  COUNT  TAGS\n"
                                                     "-   -     true   -\n"
                                                     "-   -     12     -\n");
}

static void containers_are_compact_json(void **state)
{
    (void)state;
    check_table("[{\"deviceId\":\"a\",\"tags\":{\"b\":[1,2.5,\"x\\ny\"],\"a\":null}}]",
                "ID  AUTH  COUNT  TAGS\n"
                "a   -     -      {\"b\":[1,2.5,\"x\\ny\"],\"a\":null}\n");
}

static void widths_count_code_points(void **state)
{
    (void)state;
    check_table("[{\"deviceId\":\"f\xc3\xbcnf\",\"count\":1},"
                " {\"deviceId\":\"\xe6\xb8\xa9\xe5\xba\xa6\",\"count\":2},"
                " {\"deviceId\":\"\xf0\x9f\x8c\xa1\",\"count\":3},{\"deviceId\":\"four\"}]",
                "ID    AUTH  COUNT  TAGS\n"
                "f\xc3\xbcnf  -         1  -\n"
                "\xe6\xb8\xa9\xe5\xba\xa6    -         2  -\n"
                "\xf0\x9f\x8c\xa1     -         3  -\n"
                "four  -         -  -\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    check_table(
        "[{\"deviceId\":\"a\\nb\\u001b[1m\\u0000\\u007f\\u009b\",\"tags\":[\"\\u009b\"]}]",
        "ID          AUTH  COUNT  TAGS\n"
        "a?b?[1m?\?\?  -     -      [\"?\"]\n");
}

/* Of rows with whatever members the titles are their names. */
static void control_characters_in_titles_do_not_either(void **state)
{
    (void)state;
    static const struct cli_column foreign[] = {
        {"a\x1b[1m\x7f\xc2\x9b", "a"},
    };
    check_columns(cli_put_table, foreign, 1, "[{\"a\":\"long enough\"}]",
                  "A?[1M??\n"
                  "long enough\n");
    check_columns(cli_put_card, foreign, 1, "{\"a\":1}", "a?[1m?\?  1\n");
}

static void name_with_dots_is_found_whole(void **state)
{
    (void)state;
    static const struct cli_column dotted[] = {
        {"a.b", "a.b"},
    };
    check_columns(cli_put_card, dotted, 1, "{\"a.b\":1,\"a\":{\"b\":2}}", "a.b  1\n");
    check_columns(cli_put_card, dotted, 1, "{\"a\":{\"b\":2}}", "a.b  2\n");
}

static void lines_have_no_blanks_at_their_end(void **state)
{
    (void)state;
    check_table("[{\"deviceId\":\"a\",\"tags\":\"\"},{\"tags\":\"long enough\"}]",
                "ID  AUTH  COUNT  TAGS\n"
                "a   -     -\n"
                "-   -     -      long enough\n");
}

static void empty_path_shows_the_row_itself(void **state)
{
    (void)state;
    static const struct cli_column whole[] = {
        {"value", ""},
    };
    check_columns(cli_put_table, whole, 1, "[1,22,null]",
                  "VALUE\n"
                  "    1\n"
                  "   22\n"
                  "    -\n");
}

static void card_shows_one_value_a_line(void **state)
{
    (void)state;
    check_card(
        "{\"deviceId\":\"f\xc3\xbcnf\\n\",\"authentication\":{\"type\":\"\"},\"count\":7,"
        "\"tags\":{\"a\":0.1}}",
        "id     f\xc3\xbcnf?\n"
        "auth\n"
        "count  7\n"
        "tags   {\"a\":0.1}\n");
    check_card("{}", "id     -\n"
                     "auth   -\n"
                     "count  -\n"
                     "tags   -\n");
}

static void check_json(const char *json, const char *text)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(value);
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    cli_put_json(&out, value);
    assert_string_equal(buf_text(&out), text);
    buf_finish(&out);
    json_decref(value);
}

static void json_is_indented_and_keeps_its_order(void **state)
{
    (void)state;
    check_json("{\"b\":[1,{\"x\":0.1},[]],\"a\":{},\"\\u00e4\\n\":null,\"t\":true,\"r\":1.0}",
               "{\n"
               "  \"b\": [\n"
               "    1,\n"
               "    {\n"
               "      \"x\": 0.1\n"
               "    },\n"
               "    []\n"
               "  ],\n"
               "  \"a\": {},\n"
               "  \"\xc3\xa4\\n\": null,\n"
               "  \"t\": true,\n"
               "  \"r\": 1.0\n"
               "}\n");
    check_json("[]", "[]\n");
    check_json("{}", "{}\n");
    check_json("\"a\\u0000\"", "\"a\xef\xbf\xbd\"\n");
    check_json("9223372036854775807", "9223372036854775807\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_aligns_texts_left_and_numbers_right),
        cmocka_unit_test(no_rows_leave_only_the_titles),
        cmocka_unit_test(absent_values_and_null_are_dashes),
        cmocka_unit_test(column_with_a_text_among_numbers_is_aligned_left),
        cmocka_unit_test(containers_are_compact_json),
        cmocka_unit_test(widths_count_code_points),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(control_characters_in_titles_do_not_either),
        cmocka_unit_test(name_with_dots_is_found_whole),
        cmocka_unit_test(lines_have_no_blanks_at_their_end),
        cmocka_unit_test(empty_path_shows_the_row_itself),
        cmocka_unit_test(card_shows_one_value_a_line),
        cmocka_unit_test(json_is_indented_and_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
