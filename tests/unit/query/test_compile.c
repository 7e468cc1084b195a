/*
 * Compiling: what is refused and where, conditions of jobs and configurations, limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ask.h"
#include "base/mem.h"
#include "iothub/limits.h"

static void refusals_name_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        int column;
    } rows[] = {
        {"",                                                         1, 1 },
        {"   ",                                                      1, 4 },
        {"SELECT",                                                   1, 7 },
        {"SELECT * FROM",                                            1, 14},
        {"SELECT * FROM c",                                          1, 15},
        {"SELECT * FROM devices.foo",                                1, 23},
        {"SELECT * FROM devices;",                                   1, 15},
        {"* FROM devices",                                           1, 1 },
        {"SELECT FROM devices",                                      1, 8 },
        {"SELECT *, deviceId FROM devices",                          1, 9 },
        {"SELECT 1 FROM devices",                                    1, 8 },
        {"SELECT deviceId, FROM devices",                            1, 18},
        {"SELECT deviceId AS group FROM devices",                    1, 20},
        {"SELECT deviceId AS 2nd FROM devices",                      1, 20},
        {"SELECT COUNT(*) FROM devices",                             1, 14},
        {"SELECT SUM() FROM devices",                                1, 12},
        {"SELECT TOP 0 * FROM devices",                              1, 12},
        {"SELECT TOP 1.5 * FROM devices",                            1, 12},
        {"SELECT TOP -1 * FROM devices",                             1, 12},
        {"SELECT TOP(2 * FROM devices",                              1, 14},
        {"SELECT *\nFROM devices\nWHERE tags.group = 1",             3, 12},
        {"SELECT *\r\nFROM devices\r\n\tWHERE =",                    3, 8 },
        {"SELECT * FROM devices WHERE",                              1, 28},
        {"SELECT * FROM devices WHERE tags.a = 1 tags.b = 2",        1, 40},
        {"SELECT * FROM devices WHERE tags.n < 1 < 2",               1, 40},
        {"SELECT * FROM devices WHERE tags.a IN ('x')",              1, 39},
        {"SELECT * FROM devices WHERE tags.a IN ['x',]",             1, 44},
        {"SELECT * FROM devices WHERE tags.a IN [- 'x']",            1, 42},
        {"SELECT * FROM devices WHERE tags.x[0] = 1",                1, 35},
        {"SELECT * FROM devices WHERE tags['x'] = 1",                1, 33},
        {"SELECT * FROM devices WHERE tags.a == 1",                  1, 37},
        {"SELECT * FROM devices WHERE devices = 1",                  1, 37},
        {"SELECT * FROM devices WHERE a = NOT b",                    1, 33},
        {"SELECT * FROM devices WHERE tags.-a = 1",                  1, 34},
        {"SELECT * FROM devices ORDER BY deviceId",                  1, 23},
        {"SELECT * FROM devices WHERE a = '\xf0\x9f\x98\x80' AND #", 1, 42},
        {"SELECT * FROM devices GROUP BY tags.a",                    1, 23},
        {"SELECT deviceId, COUNT() FROM devices GROUP BY tags.a",    1, 8 },
        {"SELECT COUNT(), deviceId FROM devices",                    1, 17},
        {"SELECT COUNT() FROM devices.modules GROUP BY tags.a",      1, 37},
        {"SELECT * FROM devices.jobs GROUP BY status",               1, 28},
        {"SELECT jobId FROM devices.jobs",                           1, 8 },
        {"SELECT COUNT() FROM devices.jobs",                         1, 8 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ask_refused_at(rows[i].text, rows[i].line, rows[i].column);
    }
}

static void a_refusal_says_what_was_expected(void **state)
{
    (void)state;
    char *error = ask_error("SELECT * devices");
    assert_string_equal(error, "SQL query parse failed due to following errors: \n\t"
                               "Line 1:10 Unexpected input 'devices', expected FROM");
    free(error);
    error = ask_error("SELECT * FROM devices WHERE tags.a =");
    assert_string_equal(error, "SQL query parse failed due to following errors: \n\t"
                               "Line 1:37 Unexpected end of input, expected an operand");
    free(error);
    error = ask_error("SELECT * FROM devices WHERE tags.group = 1");
    assert_string_equal(error,
                        "SQL query parse failed due to following errors: \n\t"
                        "Line 1:34 Unexpected input 'group', expected the name of an "
                        "attribute; a reserved word as a name must be written [[group]]");
    free(error);
}

static void every_reserved_word_must_be_quoted_as_a_name(void **state)
{
    (void)state;
    static const char *const words[] = {
        "ALL",         "AND",        "AS",           "ASC",       "AVG",        "BY",
        "COUNT",       "DESC",       "DEVICES",      "ENDS_WITH", "ENDSWITH",   "FALSE",
        "FROM",        "GROUP",      "IN",           "IS_BOOL",   "IS_DEFINED", "IS_NULL",
        "IS_NUMBER",   "IS_OBJECT",  "IS_PRIMITIVE", "IS_STRING", "MAX",        "MIN",
        "NIN",         "NOT",        "NULL",         "OR",        "ORDER",      "SELECT",
        "STARTS_WITH", "STARTSWITH", "SUM",          "TOP",       "TRUE",       "WHERE",
    };
    static const char *const free_words[] = {"status", "type",    "id",   "name",
                                             "value",  "modules", "jobs", "undefined",
                                             "limit",  "is_array"};
    char text[200];
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        snprintf(text, sizeof(text), "SELECT * FROM devices WHERE tags.%s = 1", words[i]);
        ask_refused_at(text, 1, 34);
        snprintf(text, sizeof(text), "SELECT deviceId AS %s FROM devices", words[i]);
        ask_refused_at(text, 1, 20);
        snprintf(text, sizeof(text), "SELECT tags.[[%s]] AS [[%s]] FROM devices", words[i],
                 words[i]);
        query_destroy(ask_compile(text));
    }
    for (size_t i = 0; i < ARRAY_LEN(free_words); i++) {
        snprintf(text, sizeof(text), "SELECT tags.%s AS %s FROM devices WHERE tags.%s = 1",
                 free_words[i], free_words[i], free_words[i]);
        query_destroy(ask_compile(text));
    }
}

static void a_query_has_at_most_8192_characters(void **state)
{
    (void)state;
    struct query *query = NULL;
    struct buf text;
    struct buf error;
    buf_init(&text, BUF_CAP_OWN);
    buf_init(&error, BUF_CAP_OWN);
    buf_put_text(&text, "SELECT * FROM devices WHERE tags.a = '");
    for (size_t n = text.len + 1; n < LIMIT_QUERY_CHARS; n++) {
        buf_put_text(&text, "\xc3\xa9"); /* two bytes, one character */
    }
    buf_put_char(&text, '\'');
    assert_int_equal(query_compile(buf_slice(&text), &query, &error), IOTHUB_OK);
    query_destroy(query);
    buf_put_char(&text, ' ');
    query = NULL;
    assert_int_equal(query_compile(buf_slice(&text), &query, &error), IOTHUB_ARGUMENT_INVALID);
    assert_non_null(strstr(buf_text(&error), "Line 1:1 Query is longer than 8192 characters"));
    assert_null(query);
    buf_finish(&text);
    buf_finish(&error);
}

/* Conditions */

static struct query *compile_condition(const char *condition)
{
    struct query *query = NULL;
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    enum iothub_status status = query_compile_condition(slice_of(condition), &query, &error);
    if (status != IOTHUB_OK) {
        print_error("%s: %s\n", condition, buf_text(&error));
    }
    assert_int_equal(status, IOTHUB_OK);
    buf_finish(&error);
    return query;
}

static void conditions_are_completed_to_queries(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        enum query_collection collection;
        bool matches;
    } rows[] = {
        {"*",                                           QUERY_DEVICES, true },
        {" * ",                                         QUERY_DEVICES, true },
        {"deviceId = 'd'",                              QUERY_DEVICES, true },
        {"deviceId IN ['x']",                           QUERY_DEVICES, false},
        {"tags.fromage = 'x'",                          QUERY_DEVICES, false},
        {"FROM devices.modules WHERE moduleId = 'm'",   QUERY_MODULES, true },
        {" from\tDevices where devices.moduleId = 'm'", QUERY_DEVICES, true },
        {"FROM devices.modules",                        QUERY_MODULES, true },
    };
    struct slice row = SLICE("{\"deviceId\":\"d\",\"moduleId\":\"m\"}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct query *query = compile_condition(rows[i].condition);
        assert_int_equal(query_collection(query), rows[i].collection);
        assert_true(query_is_star(query));
        assert_int_equal(query_matches(query, &query_json_row, &row), rows[i].matches);
        query_destroy(query);
    }
}

static void errors_in_conditions_count_from_the_text_that_is_built(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        const char *place;
    } rows[] = {
        {"#",                            "Line 1:29 Unexpected character at input '#'"},
        {"",                             "Line 1:29 Unexpected end of input"          },
        {"tags.a =",                     "Line 1:37 Unexpected end of input"          },
        {"tags.a = 1\nAND !",            "Line 2:5 Unexpected character"              },
        {"FROM devices.modules WHERE :", "Line 1:37 Unexpected character at input ':'"},
        {"tags.a = 1 GROUP BY tags.a",   "Line 1:40 SELECT * cannot be grouped"       },
        {"SELECT * FROM devices",        "Line 1:29 Unexpected input 'SELECT'"        },
        {"FROM",                         "Line 1:29 Unexpected input 'FROM'"          },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct query *query = NULL;
        struct buf error;
        buf_init(&error, BUF_CAP_OWN);
        assert_int_equal(query_compile_condition(slice_of(rows[i].condition), &query, &error),
                         IOTHUB_ARGUMENT_INVALID);
        if (strstr(buf_text(&error), rows[i].place) == NULL) {
            print_error("%s has not: %s\n", buf_text(&error), rows[i].place);
            fail();
        }
        assert_null(query);
        buf_finish(&error);
    }
}

/* Broken texts */

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % sides;
}

/* Compile from memory that ends where the text does; what is accepted prints and compiles
 * again. */
static void try(const char *text, size_t len)
{
    struct query *query = NULL;
    struct query *again = NULL;
    struct buf error;
    struct buf printed;
    struct slice row = SLICE("{\"deviceId\":\"a\",\"tags\":{\"a\":1}}");
    char *exact = mem_dup(text, len);
    buf_init(&error, BUF_CAP_OWN);
    buf_init(&printed, BUF_CAP_OWN);
    enum iothub_status status = query_compile(slice_make(exact, len), &query, &error);
    free(exact);
    assert_int_equal(error.len == 0, status == IOTHUB_OK);
    if (status == IOTHUB_OK) {
        query_print(query, &printed);
        assert_int_equal(query_compile(buf_slice(&printed), &again, &error), IOTHUB_OK);
        assert_int_equal(query_matches(query, &query_json_row, &row),
                         query_matches(again, &query_json_row, &row));
    }
    query_destroy(query);
    query_destroy(again);
    buf_finish(&error);
    buf_finish(&printed);
}

static void broken_texts_are_refused_without_harm(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT TOP 3 deviceId AS a, tags.[[b c]] FROM devices WHERE NOT (tags.a >= -1.5e3 AND "
        "deviceId IN ['x''y', \"z\\u00e9\", null]) OR STARTSWITH(deviceId, 'a')",
        "SELECT tags.a, COUNT() AS n, AVG(tags.b) FROM devices GROUP BY tags.a, devices.status",
        "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j' /* x */ AND a + 2 * - b % 3 "
        "= 0",
    };
    static const char marks[] = "'\"[]()., *=<>!$#-+/%\\\n0xA\xc3";
    uint32_t seed = 5;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        size_t len = strlen(texts[i]);
        for (size_t cut = 1; cut <= len; cut++) {
            try(texts[i], cut);
        }
        for (int n = 0; n < 3000; n++) {
            char *broken = mem_dup_text(texts[i]);
            for (uint32_t changes = dice(&seed, 4) + 1; changes > 0; changes--) {
                broken[dice(&seed, (uint32_t)len)] = marks[dice(&seed, sizeof(marks) - 1)];
            }
            try(broken, len);
            free(broken);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_name_line_and_column),
        cmocka_unit_test(a_refusal_says_what_was_expected),
        cmocka_unit_test(every_reserved_word_must_be_quoted_as_a_name),
        cmocka_unit_test(a_query_has_at_most_8192_characters),
        cmocka_unit_test(conditions_are_completed_to_queries),
        cmocka_unit_test(errors_in_conditions_count_from_the_text_that_is_built),
        cmocka_unit_test(broken_texts_are_refused_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
