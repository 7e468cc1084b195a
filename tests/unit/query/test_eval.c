/*
 * The evaluator: truth in three values, comparisons, lists, arithmetic and paths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ask.h"

static const char document[] =
    "{\"deviceId\":\"d1\",\"version\":7,\"status\":\"enabled\",\"modelId\":null,"
    "\"tags\":{\"n\":5,\"neg\":-1.5,\"s\":\"abc\",\"S\":\"ABC\",\"t\":true,\"f\":false,"
    "\"o\":{\"k\":{\"l\":1}},\"list\":[1,\"x\"],\"esc\":\"a\\\"b\\u00e9\",\"empty\":\"\","
    "\"emoji\":\"\\ud83d\\ude00\",\"high\":\"\\uffee\",\"a\\\"b\":1},"
    "\"properties\":{\"desired\":{\"x\":1,\"$version\":3},\"reported\":{\"x\":2,\"$version\":3}"
    "}}";

/* true, false or undefined, found by what a condition and its negation answer. */
static const char *truth_of(const char *condition)
{
    char negated[400];
    snprintf(negated, sizeof(negated), "NOT (%s)", condition);
    bool is_true = ask_matches(condition, document);
    bool is_false = ask_matches(negated, document);
    assert_false(is_true && is_false);
    return is_true ? "true" : is_false ? "false" : "undefined";
}

static void assert_truth(const char *condition, const char *expected)
{
    const char *truth = truth_of(condition);
    if (strcmp(truth, expected) != 0) {
        print_error("%s is %s, not %s\n", condition, truth, expected);
        fail();
    }
}

#define N_TRUTHS 3
static const char *const truths[N_TRUTHS] = {"true", "false", "undefined"};

static void and_or_and_not_have_three_values(void **state)
{
    (void)state;
    static const char *const and_table[N_TRUTHS][N_TRUTHS] = {
        {"true",      "false", "undefined"},
        {"false",     "false", "false"    },
        {"undefined", "false", "undefined"},
    };
    static const char *const or_table[N_TRUTHS][N_TRUTHS] = {
        {"true", "true",      "true"     },
        {"true", "false",     "undefined"},
        {"true", "undefined", "undefined"},
    };
    char text[100];
    for (size_t i = 0; i < N_TRUTHS; i++) {
        for (size_t j = 0; j < N_TRUTHS; j++) {
            snprintf(text, sizeof(text), "%s AND %s", truths[i], truths[j]);
            assert_truth(text, and_table[i][j]);
            snprintf(text, sizeof(text), "%s OR %s", truths[i], truths[j]);
            assert_truth(text, or_table[i][j]);
        }
    }
    assert_truth("NOT true", "false");
    assert_truth("NOT false", "true");
    assert_truth("NOT undefined", "undefined");
    assert_truth("true AND undefined AND false", "false");
    assert_truth("false OR undefined OR true", "true");
}

static void what_is_no_boolean_counts_as_undefined(void **state)
{
    (void)state;
    static const char *const others[] = {"1",         "'true'", "null",      "tags.o",
                                         "tags.list", "tags.s", "tags.nope", "tags.n + 1"};
    char text[100];
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_truth(others[i], "undefined");
        snprintf(text, sizeof(text), "%s AND true", others[i]);
        assert_truth(text, "undefined");
        snprintf(text, sizeof(text), "%s AND false", others[i]);
        assert_truth(text, "false");
        snprintf(text, sizeof(text), "%s OR true", others[i]);
        assert_truth(text, "true");
    }
    assert_truth("tags.t", "true");
    assert_truth("tags.f", "false");
}

static void values_of_one_type_compare(void **state)
{
    (void)state;
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};
    /* for each operator: lower with higher, equal ones, higher with lower */
    static const bool expected[][3] = {
        {false, true,  false},
        {true,  false, true },
        {true,  false, false},
        {true,  true,  false},
        {false, false, true },
        {false, true,  true },
    };
    static const char *const pairs[][2] = {
        {"1",          "2"         },
        {"-1.5",       "tags.n"    },
        {"'a'",        "'b'"       },
        {"'B'",        "'a'"       },
        {"''",         "'a'"       },
        {"'abc'",      "'abcd'"    },
        {"tags.S",     "tags.s"    },
        {"false",      "true"      },
        {"tags.f",     "tags.t"    },
        {"tags.emoji", "tags.high" }, /* UTF-16 puts pairs of surrogates below U+FFEE */
        {"'\xc3\xa9'", "tags.emoji"},
    };
    char text[200];
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        for (size_t j = 0; j < ARRAY_LEN(pairs); j++) {
            const char *low = pairs[j][0];
            const char *high = pairs[j][1];
            snprintf(text, sizeof(text), "%s %s %s", low, ops[i], high);
            assert_truth(text, expected[i][0] ? "true" : "false");
            snprintf(text, sizeof(text), "%s %s %s", low, ops[i], low);
            assert_truth(text, expected[i][1] ? "true" : "false");
            snprintf(text, sizeof(text), "%s %s %s", high, ops[i], low);
            assert_truth(text, expected[i][2] ? "true" : "false");
        }
    }
    assert_truth("null = null", "true");
    assert_truth("null != null", "false");
    assert_truth("modelId = null", "true");
    assert_truth("tags.n = 5.0", "true");
    assert_truth("(tags.n = 5) = true", "true");
}

static void values_of_different_types_do_not_compare(void **state)
{
    (void)state;
    static const char *const values[] = {"1", "'1'", "true", "null", "undefined", "tags.nope"};
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};
    char text[100];
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        for (size_t j = 0; j < ARRAY_LEN(values); j++) {
            for (size_t op = 0; op < ARRAY_LEN(ops) && i != j; op++) {
                snprintf(text, sizeof(text), "%s %s %s", values[i], ops[op], values[j]);
                assert_truth(text, "undefined");
            }
        }
    }
    assert_truth("undefined = undefined", "undefined");
}

static void objects_and_arrays_do_not_compare(void **state)
{
    (void)state;
    assert_truth("tags.o = tags.o", "undefined");
    assert_truth("tags.list = tags.list", "undefined");
    assert_truth("tags.list != 1", "undefined");
    assert_truth("tags.o > tags.o", "undefined");
}

static void lists_are_equalities_joined_by_or(void **state)
{
    (void)state;
    assert_truth("tags.n IN [1, 5]", "true");
    assert_truth("tags.n IN [1, 2]", "false");
    assert_truth("tags.n NIN [1, 2]", "true");
    assert_truth("tags.n NIN [1, 5]", "false");
    assert_truth("tags.n IN ['5']", "undefined");
    assert_truth("tags.n IN ['5', 5]", "true");
    assert_truth("tags.n IN [5, '5']", "true");
    assert_truth("tags.n IN ['5', 4]", "undefined");
    assert_truth("tags.n NIN ['5', 4]", "undefined");
    assert_truth("tags.s IN ['abc']", "true");
    assert_truth("tags.neg IN [-1.5]", "true");
    assert_truth("tags.t IN [true, null, undefined]", "true");
    assert_truth("modelId IN [null]", "true");
    assert_truth("tags.nope IN ['a']", "undefined");
    assert_truth("tags.nope NIN ['a']", "undefined");
    assert_truth("tags.o IN ['a']", "undefined");
    assert_truth("tags.list IN [1]", "undefined");
    assert_truth("tags.n IN []", "false");
    assert_truth("tags.n NIN []", "true");
    assert_truth("5 IN [5]", "true");
}

static void arithmetic_is_on_numbers_alone(void **state)
{
    (void)state;
    assert_truth("tags.n + 1 = 6", "true");
    assert_truth("tags.n - 1 - 1 = 3", "true");
    assert_truth("tags.n * 2 + 1 = 11", "true");
    assert_truth("1 + tags.n * 2 = 11", "true");
    assert_truth("(1 + tags.n) * 2 = 12", "true");
    assert_truth("tags.n / 2 = 2.5", "true");
    assert_truth("tags.n % 3 = 2", "true");
    assert_truth("- tags.n % 3 = -2", "true");
    assert_truth("- tags.n = -5", "true");
    assert_truth("+ tags.n = 5", "true");
    assert_truth("tags.n / 0 = 0", "undefined");
    assert_truth("tags.n % 0 = 0", "undefined");
    assert_truth("tags.n / 0 != 0", "undefined");
    assert_truth("tags.s + 'x' = 'abcx'", "undefined");
    assert_truth("tags.s + 1 = 1", "undefined");
    assert_truth("tags.t + 1 = 2", "undefined");
    assert_truth("tags.nope + 1 = 1", "undefined");
    assert_truth("- tags.s = 0", "undefined");
    assert_truth("1e308 * 10 > 0", "undefined");
}

static void paths_end_in_undefined_where_there_is_no_member(void **state)
{
    (void)state;
    assert_truth("tags.o.k.l = 1", "true");
    assert_truth("tags.o.k = 1", "undefined");
    assert_truth("tags.o.nope.l = 1", "undefined");
    assert_truth("tags.s.x = 1", "undefined");
    assert_truth("tags.list.x = 1", "undefined");
    assert_truth("tags.[[a\"b]] = 1", "true");
    assert_truth("properties.desired.x = 1 AND properties.reported.x = 2", "true");
    assert_truth("properties.desired.$version = properties.reported.$version", "true");
    assert_truth("IS_DEFINED(properties.nope)", "false");
    assert_truth("IS_DEFINED(properties)", "true");
    assert_truth("IS_DEFINED(nope)", "false");
    assert_truth("x = 1", "undefined");
    assert_truth("version = 7 AND devices.version = 7", "true");
}

static void only_roots_are_found_in_any_case(void **state)
{
    (void)state;
    assert_truth("DEVICEID = 'd1' AND Status = 'enabled'", "true");
    assert_truth("TAGS.n = 5 AND Properties.DESIRED.x = 1", "true");
    assert_truth("tags.N = 5", "undefined");
    assert_truth("properties.desired.X = 1", "undefined");
    assert_truth("deviceId = 'D1'", "false");
}

static void strings_with_escapes_are_compared_by_their_characters(void **state)
{
    (void)state;
    assert_truth("tags.esc = 'a\"b\xc3\xa9'", "true");
    assert_truth("tags.esc = \"a\\\"b\\u00e9\"", "true");
    assert_truth("tags.emoji = '\\ud83d\\ude00'", "true");
    assert_truth("tags.esc = tags.esc", "true"); /* two decoded values at once */
    assert_truth("tags.esc != tags.emoji", "true");
    assert_truth("tags.emoji = '\\ud83d'", "false");
}

/* A job row has no twin's attributes and a twin none of a job's, even if its text had them. */
static void rows_are_not_asked_for_what_their_kind_lacks(void **state)
{
    (void)state;
    struct slice row = SLICE("{\"jobId\":\"j\",\"deviceId\":\"d\",\"tags\":{\"a\":1}}");
    struct query *job = ask_compile("SELECT * FROM devices.jobs WHERE IS_DEFINED(tags)");
    struct query *twin = ask_compile("SELECT * FROM devices WHERE IS_DEFINED(jobId)");
    struct query *prefixed =
        ask_compile("SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j'");
    struct query *foreign =
        ask_compile("SELECT * FROM devices WHERE IS_DEFINED(devices.jobs.deviceId)");
    assert_false(query_matches(job, &query_json_row, &row));
    assert_false(query_matches(twin, &query_json_row, &row));
    assert_true(query_matches(prefixed, &query_json_row, &row));
    assert_false(query_matches(foreign, &query_json_row, &row));
    query_destroy(job);
    query_destroy(twin);
    query_destroy(prefixed);
    query_destroy(foreign);
}

/* A row kept in columns, as a store has it. */
struct columns {
    struct slice id;
    struct slice tags;
    int lookups;
};

static struct query_value lookup_column(void *row, const struct query_path *path,
                                        struct buf *scratch)
{
    struct columns *columns = row;
    columns->lookups++;
    switch ((int)path->root) {
    case QUERY_ROOT_DEVICE_ID:
        return query_value_string(columns->id);
    case QUERY_ROOT_VERSION:
        return query_value_number(3);
    case QUERY_ROOT_TAGS:
        return query_value_below(columns->tags, path, scratch);
    default:
        return (struct query_value){0};
    }
}

static void a_row_may_be_anything_that_answers_lookups(void **state)
{
    (void)state;
    static const struct query_row_ops ops = {.lookup = lookup_column};
    struct columns row = {.id = SLICE("d\"1"), .tags = SLICE("{\"a\":{\"b\":[1]}}")};
    struct buf out;
    struct query *query = ask_compile("SELECT deviceId, version, tags.a, nope, tags AS t FROM "
                                      "devices WHERE deviceId = 'd\"1' OR tags.a.b");
    buf_init(&out, BUF_CAP_OWN);
    assert_true(query_matches(query, &ops, &row));
    assert_int_equal(row.lookups, 1); /* the first operand of OR decides */
    query_project(query, &ops, &row, &out);
    assert_string_equal(buf_text(&out),
                        "{\"deviceId\":\"d\\\"1\",\"version\":3,\"a\":{\"b\":[1]},"
                        "\"t\":{\"a\":{\"b\":[1]}}}");
    assert_true(query_uses(query, QUERY_ROOT_VERSION));
    assert_true(query_uses(query, QUERY_ROOT_TAGS));
    assert_false(query_uses(query, QUERY_ROOT_DESIRED));
    buf_finish(&out);
    query_destroy(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(and_or_and_not_have_three_values),
        cmocka_unit_test(what_is_no_boolean_counts_as_undefined),
        cmocka_unit_test(values_of_one_type_compare),
        cmocka_unit_test(values_of_different_types_do_not_compare),
        cmocka_unit_test(objects_and_arrays_do_not_compare),
        cmocka_unit_test(lists_are_equalities_joined_by_or),
        cmocka_unit_test(arithmetic_is_on_numbers_alone),
        cmocka_unit_test(paths_end_in_undefined_where_there_is_no_member),
        cmocka_unit_test(only_roots_are_found_in_any_case),
        cmocka_unit_test(strings_with_escapes_are_compared_by_their_characters),
        cmocka_unit_test(rows_are_not_asked_for_what_their_kind_lacks),
        cmocka_unit_test(a_row_may_be_anything_that_answers_lookups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
