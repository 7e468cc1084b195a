/*
 * Choosing pins: by cost, and never fewer than every row that can match needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ask.h"

/* An index knows 1 row for deviceId, 10 for tags.a, 100 for tags.b, and nothing else. */
static size_t cost_of(void *ctx, const struct query_pin *pin)
{
    size_t *n_asked = ctx;
    const struct query_path *path = pin->path;
    ++*n_asked;
    if (path->root == QUERY_ROOT_DEVICE_ID) {
        return 1;
    }
    if (path->root != QUERY_ROOT_TAGS || path->n_names != 1) {
        return QUERY_PIN_NEVER;
    }
    return slice_equal_text(path->names[0], "a")   ? 10
           : slice_equal_text(path->names[0], "b") ? 100
                                                   : QUERY_PIN_NEVER;
}

static void put_value(struct buf *out, const struct query_value *value)
{
    switch (value->type) {
    case QUERY_STRING:
        buf_put_slice(out, value->text);
        break;
    case QUERY_NUMBER:
        buf_putf(out, "%g", value->number);
        break;
    case QUERY_BOOL:
        buf_put_text(out, value->truth ? "true" : "false");
        break;
    case QUERY_NULL:
        buf_put_text(out, "null");
        break;
    case QUERY_UNDEFINED:
    case QUERY_ARRAY:
    case QUERY_OBJECT:
        fail_msg("a pin has a value that nothing equals");
    }
}

/* The pins as "a=1 b=2:110", a path by its last name, the cost behind the colon; or "none". */
static void show(const struct query *query, struct buf *out, size_t *n_asked)
{
    struct query_pin_list list = {0};
    size_t cost = 0;
    *n_asked = 0;
    if (!query_pins_choose(query, cost_of, n_asked, &list, &cost)) {
        buf_put_text(out, "none");
        return;
    }
    for (size_t i = 0; i < list.n_pins; i++) {
        const struct query_path *path = list.pins[i].path;
        buf_put_text(out, i == 0 ? "" : " ");
        buf_put_slice(out, path->steps[path->n_steps - 1]);
        buf_put_char(out, '=');
        put_value(out, &list.pins[i].value);
    }
    buf_putf(out, ":%zu", cost);
    query_pin_list_finish(&list);
}

static void assert_choice_asks(const char *condition, const char *expected, size_t most_asked)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    struct buf shown = {.cap = BUF_CAP_OWN};
    size_t n_asked = 0;
    buf_putf(&text, "SELECT * FROM devices WHERE %s", condition);
    struct query *query = ask_compile(buf_text(&text));
    show(query, &shown, &n_asked);
    if (strcmp(buf_text(&shown), expected) != 0) {
        print_error("%s chooses '%s', expected '%s'\n", condition, buf_text(&shown), expected);
        fail();
    }
    assert_true(n_asked <= most_asked);
    query_destroy(query);
    buf_finish(&text);
    buf_finish(&shown);
}

static void assert_choice(const char *condition, const char *expected)
{
    assert_choice_asks(condition, expected, SIZE_MAX);
}

static void values_of_every_scalar_type_are_pins(void **state)
{
    (void)state;
    assert_choice("tags.a = 'x'", "a=x:10");
    assert_choice("5 = tags.a", "a=5:10");
    assert_choice("tags.a = true", "a=true:10");
    assert_choice("tags.a = null", "a=null:10");
    assert_choice("tags.a IN ['x', 5, null]", "a=x a=5 a=null:30");
}

static void nothing_equals_undefined(void **state)
{
    (void)state;
    assert_choice("tags.a = undefined", ":0");
    assert_choice("tags.a IN [undefined, 1]", "a=1:10");
    assert_choice("tags.a IN []", ":0");
}

static void and_takes_the_cheapest_operand(void **state)
{
    (void)state;
    assert_choice("tags.a = 1 AND tags.b = 2", "a=1:10");
    assert_choice("tags.b = 2 AND tags.a = 1", "a=1:10");
    assert_choice("tags.b = 2 AND tags.c = 3 AND NOT tags.a = 1", "b=2:100");
    assert_choice("(tags.a = 1 OR tags.a = 2) AND deviceId = 'd' AND tags.b = 1",
                  "deviceId=d:1");
    assert_choice("tags.b = 1 AND (tags.a IN [1, 2] OR deviceId = 'x') AND tags.b = 2",
                  "a=1 a=2 deviceId=x:21");
}

static void one_row_is_cheap_enough(void **state)
{
    (void)state;
    assert_choice_asks("deviceId = 'd' AND tags.a = 1 AND tags.b = 2", "deviceId=d:1", 1);
}

static void or_needs_all_operands(void **state)
{
    (void)state;
    assert_choice("tags.a = 1 OR tags.b = 2 OR deviceId = 'd'", "a=1 b=2 deviceId=d:111");
    assert_choice("tags.a = 1 OR tags.c = 2", "none");
    assert_choice("(tags.a = 1 AND tags.c = 2) OR (tags.b = 3 AND tags.a = 4)", "a=1 a=4:20");
    assert_choice("(tags.c = 1 OR tags.a = 2) AND tags.b = 7", "b=7:100");
    assert_choice("(tags.a = 2 OR tags.c = 1) AND tags.b = 7", "b=7:100");
}

static void nothing_else_is_a_pin(void **state)
{
    (void)state;
    static const char *const conditions[] = {
        "true",
        "tags.a",
        "NOT tags.a = 1",
        "NOT NOT tags.a = 1",
        "tags.a != 1",
        "tags.a > 1",
        "tags.a NIN [1]",
        "tags.a = tags.b",
        "tags.a + 0 = 1",
        "1 = 1",
        "(tags.a = 1) = true",
        "tags.c = 1",
        "IS_NULL(tags.a)",
        "1 IN [1]",
    };
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        assert_choice(conditions[i], "none");
    }
}

static void without_condition_there_are_no_pins(void **state)
{
    (void)state;
    struct query *query = ask_compile("SELECT * FROM devices");
    struct query_pin_list list = {0};
    size_t n_asked = 0;
    size_t cost = 0;
    assert_false(query_pins_choose(query, cost_of, &n_asked, &list, &cost));
    query_destroy(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_scalar_type_are_pins),
        cmocka_unit_test(nothing_equals_undefined),
        cmocka_unit_test(and_takes_the_cheapest_operand),
        cmocka_unit_test(one_row_is_cheap_enough),
        cmocka_unit_test(or_needs_all_operands),
        cmocka_unit_test(nothing_else_is_a_pin),
        cmocka_unit_test(without_condition_there_are_no_pins),
    };
    return cmocka_run_group_tests_name("query.choice", tests, NULL, NULL);
}
