/*
 * The functions of conditions, and how calls are checked.
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
    "{\"deviceId\":\"d1\",\"modelId\":null,\"tags\":{\"n\":5,\"s\":\"abc\",\"t\":true,"
    "\"o\":{},\"list\":[1,\"x\",null,true,\"a\\\"b\",{\"k\":1},[2]],\"none\":[],"
    "\"esc\":\"\\u0061bc\"}}";

static void assert_truth(const char *condition, const char *expected)
{
    char negated[400];
    snprintf(negated, sizeof(negated), "NOT %s", condition);
    bool is_true = ask_matches(condition, document);
    bool is_false = ask_matches(negated, document);
    const char *truth = is_true ? "true" : is_false ? "false" : "undefined";
    if (strcmp(truth, expected) != 0) {
        print_error("%s is %s, not %s\n", condition, truth, expected);
        fail();
    }
}

static void type_functions_tell_types_and_are_false_for_undefined(void **state)
{
    (void)state;
    static const char *const values[] = {"tags.nope", "modelId", "tags.t",    "tags.n",
                                         "tags.s",    "tags.o",  "tags.list", "tags.none"};
    static const struct {
        const char *name;
        bool expected[ARRAY_LEN(values)];
    } rows[] = {
        {"IS_DEFINED",   {false, true, true, true, true, true, true, true}      },
        {"IS_NULL",      {false, true, false, false, false, false, false, false}},
        {"IS_BOOL",      {false, false, true, false, false, false, false, false}},
        {"IS_NUMBER",    {false, false, false, true, false, false, false, false}},
        {"IS_STRING",    {false, false, false, false, true, false, false, false}},
        {"IS_OBJECT",    {false, false, false, false, false, true, false, false}},
        {"IS_ARRAY",     {false, false, false, false, false, false, true, true} },
        {"IS_PRIMITIVE", {false, true, true, true, true, false, false, false}   },
    };
    char text[100];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t j = 0; j < ARRAY_LEN(values); j++) {
            snprintf(text, sizeof(text), "%s(%s)", rows[i].name, values[j]);
            assert_truth(text, rows[i].expected[j] ? "true" : "false");
        }
    }
}

static void prefixes_and_suffixes_are_compared_with_case(void **state)
{
    (void)state;
    assert_truth("STARTSWITH(tags.s, 'ab')", "true");
    assert_truth("STARTSWITH(tags.s, '')", "true");
    assert_truth("STARTSWITH(tags.s, 'abc')", "true");
    assert_truth("STARTSWITH(tags.s, 'abcd')", "false");
    assert_truth("STARTSWITH(tags.s, 'AB')", "false");
    assert_truth("STARTS_WITH(tags.esc, 'abc')", "true");
    assert_truth("ENDSWITH(tags.s, 'bc')", "true");
    assert_truth("ENDS_WITH(tags.s, 'BC')", "false");
    assert_truth("startsWith('abc', tags.s)", "true");
    assert_truth("STARTSWITH(tags.s, tags.esc)", "true");
}

static void prefixes_of_what_is_no_string_are_undefined(void **state)
{
    (void)state;
    assert_truth("STARTSWITH(tags.nope, 'a')", "undefined");
    assert_truth("STARTSWITH(tags.n, '5')", "undefined");
    assert_truth("STARTSWITH(tags.s, 5)", "undefined");
    assert_truth("ENDSWITH(tags.o, 'a')", "undefined");
    assert_truth("ENDSWITH(tags.s, tags.nope)", "undefined");
}

static void an_array_contains_what_equals_an_element(void **state)
{
    (void)state;
    assert_truth("ARRAY_CONTAINS(tags.list, 'x')", "true");
    assert_truth("ARRAY_CONTAINS(tags.list, 1.0)", "true");
    assert_truth("ARRAY_CONTAINS(tags.list, '1')", "false");
    assert_truth("ARRAY_CONTAINS(tags.list, null)", "true");
    assert_truth("ARRAY_CONTAINS(tags.list, true)", "true");
    assert_truth("ARRAY_CONTAINS(tags.list, false)", "false");
    assert_truth("ARRAY_CONTAINS(tags.list, 'a\"b')", "true");
    assert_truth("ARRAY_CONTAINS(tags.list, 2)", "false");
    assert_truth("ARRAY_CONTAINS(tags.none, 'x')", "false");
    assert_truth("ARRAY_CONTAINS(tags.s, 'abc')", "undefined");
    assert_truth("ARRAY_CONTAINS(tags.nope, 'x')", "undefined");
    assert_truth("ARRAY_CONTAINS(tags.list, tags.nope)", "undefined");
    assert_truth("ARRAY_CONTAINS(tags.list, tags.o)", "undefined");
}

static void functions_are_operands_like_others(void **state)
{
    (void)state;
    assert_truth("(IS_DEFINED(tags.s) = true)", "true");
    assert_truth("(IS_DEFINED(tags.nope) != true)", "true");
    assert_truth("(startswith(tags.nope, 'x') = true)", "undefined");
}

static void calls_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        int column;
        const char *what;
    } rows[] = {
        {"LOWER(tags.a) = 'x'",          29, "Unknown function 'LOWER'"                     },
        {"tags.a = foo()",               38, "Unknown function 'foo'"                       },
        {"IS_DEFINED()",                 29, "Function IS_DEFINED takes 1 argument, not 0"  },
        {"IS_DEFINED(tags.a, tags.b)",   29, "Function IS_DEFINED takes 1 argument, not 2"  },
        {"startswith(tags.a)",           29, "Function STARTSWITH takes 2 arguments, not 1" },
        {"IS_DEFINED('tags.a')",         40, "Function IS_DEFINED takes an attribute"       },
        {"IS_DEFINED(- tags.a)",         40, "Function IS_DEFINED takes an attribute"       },
        {"NOT (tags.a = 1 OR BAR(1))",   48, "Unknown function 'BAR'"                       },
        {"IS_STRING(tags.a = 'x')",      46, "Unexpected input '=', expected ')' or ','"    },
        {"STARTSWITH(tags.a, )",         48, "Unexpected input ')', expected an operand"    },
        {"IS_DEFINED tags.a",            40, "Unexpected input 'tags', expected '('"        },
        {"IS_DEFINED",                   39, "Unexpected end of input, expected '('"        },
        {"tags.IS_DEFINED = 1",          34, "Unexpected input 'IS_DEFINED'"                },
        {"properties.reported.T(F) = 1", 50,
         "Unexpected input '(', expected the end of the query"                              },
        {"COUNT() > 1",                  29, "Unexpected input 'COUNT', expected an operand"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[200];
        snprintf(text, sizeof(text), "SELECT * FROM devices WHERE %s", rows[i].condition);
        ask_refused_at(text, 1, rows[i].column);
        char *error = ask_error(text);
        if (strstr(error, rows[i].what) == NULL) {
            print_error("%s\nhas not: %s\n", error, rows[i].what);
            fail();
        }
        free(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_functions_tell_types_and_are_false_for_undefined),
        cmocka_unit_test(prefixes_and_suffixes_are_compared_with_case),
        cmocka_unit_test(prefixes_of_what_is_no_string_are_undefined),
        cmocka_unit_test(an_array_contains_what_equals_an_element),
        cmocka_unit_test(functions_are_operands_like_others),
        cmocka_unit_test(calls_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
