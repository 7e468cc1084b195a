/*
 * The parser: how operators bind, and that a printed query is the same query.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ask.h"
#include "query/tree.h"

/* A condition with every operand in parentheses, so that the tree shows. */

static void show(struct buf *out, const struct query_node *node);

static void show_operands(struct buf *out, const struct query_node *node)
{
    static const char *const ops[] = {
        [OP_NONE] = "",
        [OP_EQUAL] = "=",
        [OP_NOT_EQUAL] = "!=",
        [OP_LESS] = "<",
        [OP_LESS_EQUAL] = "<=",
        [OP_GREATER] = ">",
        [OP_GREATER_EQUAL] = ">=",
        [OP_PLUS] = "+",
        [OP_MINUS] = "-",
        [OP_TIMES] = "*",
        [OP_DIVIDE] = "/",
        [OP_MODULO] = "%",
    };
    size_t n = 0;
    for (const struct query_node *operand = node->first; operand != NULL;
         operand = operand->next) {
        buf_put_char(out, ' ');
        buf_put_text(out, ops[operand->join]);
        show(out, operand);
        n++;
    }
    assert_int_equal(n, node->n_operands);
    buf_put_text(out, ops[node->op]);
}

static void show_constant(struct buf *out, const struct query_value *value)
{
    switch (value->type) {
    case QUERY_STRING:
        buf_putf(out, "'%.*s'", SLICE_ARG(value->text));
        break;
    case QUERY_NUMBER:
        buf_putf(out, "%.17g", value->number);
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
        buf_put_text(out, "undefined");
        break;
    }
}

static void show_attribute(struct buf *out, const struct query_attribute *attribute)
{
    buf_putf(out, "%d", (int)attribute->path.root);
    for (size_t i = 0; i < attribute->path.n_steps; i++) {
        buf_putf(out, ".%.*s", SLICE_ARG(attribute->path.steps[i]));
    }
}

static void show(struct buf *out, const struct query_node *node)
{
    static const char *const kinds[] = {
        [NODE_CONSTANT] = "",       [NODE_ATTRIBUTE] = "",      [NODE_CALL] = "call",
        [NODE_SIGN] = "sign",       [NODE_PRODUCT] = "product", [NODE_SUM] = "sum",
        [NODE_COMPARE] = "compare", [NODE_IN] = "in",           [NODE_NOT] = "not",
        [NODE_AND] = "and",         [NODE_OR] = "or",
    };
    if (node->kind == NODE_CONSTANT) {
        show_constant(out, &node->constant);
        return;
    }
    if (node->kind == NODE_ATTRIBUTE) {
        show_attribute(out, node->attribute);
        return;
    }
    buf_putf(out, "(%s%s", node->is_negated ? "not " : "", kinds[node->kind]);
    if (node->kind == NODE_CALL) {
        buf_putf(out, " %.*s", SLICE_ARG(node->name));
    }
    show_operands(out, node);
    for (size_t i = 0; i < node->n_list; i++) {
        buf_put_char(out, ',');
        show_constant(out, &node->list[i]);
    }
    buf_put_char(out, ')');
}

static char *tree_of(const char *condition)
{
    struct buf text;
    struct buf out;
    buf_init(&text, BUF_CAP_OWN);
    buf_init(&out, BUF_CAP_OWN);
    buf_putf(&text, "SELECT * FROM devices WHERE %s", condition);
    struct query *query = ask_compile(buf_text(&text));
    show(&out, query->condition);
    query_destroy(query);
    buf_finish(&text);
    return buf_take_text(&out);
}

/* Both conditions have the same tree. */
static void assert_same(const char *a, const char *b)
{
    char *left = tree_of(a);
    char *right = tree_of(b);
    assert_string_equal(left, right);
    free(left);
    free(right);
}

static void assert_differ(const char *a, const char *b)
{
    char *left = tree_of(a);
    char *right = tree_of(b);
    assert_string_not_equal(left, right);
    free(left);
    free(right);
}

static void operators_bind_by_their_level(void **state)
{
    (void)state;
    assert_same("a = 1 OR b = 2 AND c = 3", "(a = 1) OR ((b = 2) AND (c = 3))");
    assert_same("NOT a = 1 AND b = 2", "(NOT (a = 1)) AND (b = 2)");
    assert_same("NOT a IN [1] OR b", "(NOT (a IN [1])) OR b");
    assert_same("NOT NOT a", "NOT (NOT (a))");
    assert_same("a + 1 = b * 2 - c", "(a + 1) = ((b * 2) - c)");
    assert_same("a + b IN [1]", "(a + b) IN [1]");
    assert_same("- a * b = 1", "(- a) * b = 1");
    assert_same("a + b * c % d / e - f = 1", "a + (b * c % d / e) - f = 1");
    assert_differ("(a OR b) AND c", "a OR b AND c");
    assert_differ("(NOT a) = b", "NOT a = b");
    assert_differ("a - (b - c) = 0", "a - b - c = 0");
    assert_differ("(a + b) * c = 0", "a + b * c = 0");
    assert_differ("a = (b AND c)", "a = b AND c");
}

static void operators_of_one_level_join_from_the_left(void **state)
{
    (void)state;
    char *tree = tree_of("a - 1 + 2 = 3");
    assert_non_null(strstr(tree, " -1 +2)"));
    free(tree);
    assert_same("(a - 1) + 2 = 3", "(a - 1) + 2 = (3)");
    assert_differ("a - (1 + 2) = 3", "a - 1 + 2 = 3");
    assert_differ("a AND (b AND c)", "a AND b AND c");
}

static void signs_belong_to_constants(void **state)
{
    (void)state;
    assert_same("a = -5", "a = - 5");
    assert_same("a = +5", "a = 5");
    assert_same("a = -0", "a = 0");
    assert_same("a - -5 = 0", "a - (-5) = 0");
    assert_same("a IN [-1, +2]", "a IN [- 1, + 2.0]");
    assert_differ("a = -(5)", "a = -5");
}

static void the_same_constant_may_be_written_in_many_ways(void **state)
{
    (void)state;
    assert_same("a = 43", "a = 0x2b");
    assert_same("a = 1e2", "a = 100.0");
    assert_same("a = 'x'", "a = \"x\"");
    assert_same("a = '\\u0041'", "a = 'A'");
    assert_same("a = TRUE", "a = true");
    assert_same("a = NULL", "a = null");
    assert_same("Undefined", "undefined");
    assert_same("a <> 1", "a != 1");
}

static void the_same_attribute_may_be_written_in_many_ways(void **state)
{
    (void)state;
    assert_same("DEVICEID = 'x'", "deviceId = 'x'");
    assert_same("id = 'x'", "deviceId = 'x'");
    assert_same("devices.deviceId = 'x'", "deviceId = 'x'");
    assert_same("[[deviceId]] = 'x'", "deviceId = 'x'");
    assert_same("Properties.Desired.x = 1", "properties.desired.x = 1");
    assert_same("[[properties]].[[reported]].[[x]] = 1", "properties.reported.x = 1");
    assert_same("statusUpdatedTime = 'x'", "statusUpdateTime = 'x'");
    assert_same("devices . tags . x = 1", "tags.x = 1");
    assert_differ("tags.X = 1", "tags.x = 1");
    assert_differ("devices.modules.deviceId = 'x'", "deviceId = 'x'");
    assert_differ("[[devices]].deviceId = 'x'", "deviceId = 'x'");
}

static void nesting_has_an_end(void **state)
{
    (void)state;
    static const char *const openings[] = {"(", "NOT ", "- ", "IS_NULL("};
    static const char *const closings[] = {")", "", "", ")"};
    for (size_t i = 0; i < ARRAY_LEN(openings); i++) {
        for (int depth = QUERY_DEPTH_MAX; depth <= QUERY_DEPTH_MAX + 1; depth++) {
            struct buf text;
            struct buf error;
            struct query *query = NULL;
            buf_init(&text, BUF_CAP_OWN);
            buf_init(&error, BUF_CAP_OWN);
            buf_put_text(&text, "SELECT * FROM devices WHERE ");
            for (int n = 0; n < depth; n++) {
                buf_put_text(&text, openings[i]);
            }
            buf_put_text(&text, "tags.a");
            for (int n = 0; n < depth; n++) {
                buf_put_text(&text, closings[i]);
            }
            enum iothub_status status = query_compile(buf_slice(&text), &query, &error);
            assert_int_equal(status,
                             depth > QUERY_DEPTH_MAX ? IOTHUB_ARGUMENT_INVALID : IOTHUB_OK);
            assert_true(depth <= QUERY_DEPTH_MAX ||
                        strstr(buf_text(&error), "Nested deeper than 100 levels") != NULL);
            query_destroy(query);
            buf_finish(&text);
            buf_finish(&error);
        }
    }
}

/* As many operands as fit into a query, which are no nesting. */
static void long_chains_are_no_nesting(void **state)
{
    (void)state;
    static const char *const joints[] = {" OR a", " AND a", " + a", " * a"};
    for (size_t i = 0; i < ARRAY_LEN(joints); i++) {
        struct buf text;
        buf_init(&text, 8192);
        buf_put_text(&text, "SELECT * FROM devices WHERE a");
        while (!text.failed) {
            buf_put_text(&text, joints[i]);
        }
        struct slice row = SLICE("{}");
        struct query *query = ask_compile(buf_text(&text));
        assert_false(query_matches(query, &query_json_row, &row));
        query_destroy(query);
        buf_finish(&text);
    }
}

/* Printing */

static void assert_prints(const char *text, const char *expected)
{
    struct buf out;
    struct query *query = ask_compile(text);
    buf_init(&out, BUF_CAP_OWN);
    query_print(query, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_finish(&out);
    query_destroy(query);
}

static void queries_are_printed_in_one_form(void **state)
{
    (void)state;
    assert_prints("select*from DEVICES.jobs where jobID='a''b'",
                  "SELECT * FROM devices.jobs WHERE jobId = 'a\\'b'");
    assert_prints(
        "select top(3) tags.x,COUNT() as n, SUM(tags.y) from devices where ((a=1) or "
        "(b in [1,'x',null])) and not(not c) group by tags.x",
        "SELECT TOP 3 tags.[[x]] AS [[x]], COUNT() AS [[n]], SUM(tags.[[y]]) AS [[$1]] "
        "FROM devices WHERE ([[a]] = 1.0 OR [[b]] IN [1.0, 'x', null]) AND NOT NOT "
        "[[c]] GROUP BY tags.[[x]]");
    assert_prints("SELECT devices.Properties.Desired FROM devices.modules",
                  "SELECT properties.desired AS [[desired]] FROM devices.modules");
}

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % sides;
}

static const char *pick(uint32_t *seed, const char *const *texts, uint32_t n)
{
    return texts[dice(seed, n)];
}

static void put_random_primary(struct buf *out, uint32_t *seed)
{
    static const char *const texts[] = {
        "tags.a",
        "deviceId",
        "properties.reported.[[a b]]",
        "1",
        "0x1f",
        "-2.5",
        "'x''y\\\\'",
        "true",
        "null",
        "undefined",
        "IS_DEFINED(tags.x)",
        "startswith(tags.a, 'b')",
        "nope.x",
        "devices.jobs.status",
        "1e300",
        "''",
    };
    buf_put_text(out, pick(seed, texts, ARRAY_LEN(texts)));
}

/* Any condition of at most `depth` nested parentheses. */
static void put_random(struct buf *out, uint32_t *seed, int depth)
{
    static const char *const joints[] = {" AND ", " OR ", " + ", " - ", " * ", " / ", " % "};
    static const char *const comparisons[] = {" = ", " != ", "<", "<=", ">", ">="};
    static const char *const fronts[] = {"", "NOT ", "- ", "+ "};
    if (depth == 0 || dice(seed, 4) == 0) {
        put_random_primary(out, seed);
        return;
    }
    buf_put_char(out, '(');
    buf_put_text(out, dice(seed, 3) == 0 ? pick(seed, fronts, ARRAY_LEN(fronts)) : "");
    put_random(out, seed, depth - 1);
    for (uint32_t n = dice(seed, 4); n > 0; n--) {
        buf_put_text(out, pick(seed, joints, ARRAY_LEN(joints)));
        put_random(out, seed, depth - 1);
    }
    if (dice(seed, 3) == 0) {
        buf_put_text(out, ") IN [1, 'x', -2]");
        return;
    }
    if (dice(seed, 2) == 0) {
        buf_put_char(out, ')');
        buf_put_text(out, pick(seed, comparisons, ARRAY_LEN(comparisons)));
        buf_put_char(out, '(');
        put_random(out, seed, depth - 1);
    }
    buf_put_char(out, ')');
}

static void assert_survives_printing(const char *condition)
{
    struct buf text;
    struct buf printed;
    buf_init(&text, BUF_CAP_OWN);
    buf_init(&printed, BUF_CAP_OWN);
    buf_putf(&text, "SELECT * FROM devices WHERE %s", condition);
    struct query *query = ask_compile(buf_text(&text));
    query_print(query, &printed);
    query_destroy(query);
    const char *again = strstr(buf_text(&printed), "WHERE ") + strlen("WHERE ");
    assert_same(condition, again);
    buf_finish(&text);
    buf_finish(&printed);
}

static void a_printed_condition_has_the_same_tree(void **state)
{
    (void)state;
    uint32_t seed = 3;
    for (int i = 0; i < 3000; i++) {
        struct query *query = NULL;
        struct buf condition;
        struct buf text;
        struct buf error;
        buf_init(&condition, 4000);
        buf_init(&text, BUF_CAP_OWN);
        buf_init(&error, BUF_CAP_OWN);
        put_random(&condition, &seed, 4);
        buf_putf(&text, "SELECT * FROM devices WHERE %s", buf_text(&condition));
        bool is_query = !condition.failed &&
                        query_compile(buf_slice(&text), &query, &error) == IOTHUB_OK;
        if (is_query) { /* chains of comparisons are not */
            query_destroy(query);
            assert_survives_printing(buf_text(&condition));
        }
        buf_finish(&condition);
        buf_finish(&text);
        buf_finish(&error);
    }
    assert_survives_printing("- - -5 = - (5)");
    assert_survives_printing("a - -5 * - 3 = 1e999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_bind_by_their_level),
        cmocka_unit_test(operators_of_one_level_join_from_the_left),
        cmocka_unit_test(signs_belong_to_constants),
        cmocka_unit_test(the_same_constant_may_be_written_in_many_ways),
        cmocka_unit_test(the_same_attribute_may_be_written_in_many_ways),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(long_chains_are_no_nesting),
        cmocka_unit_test(queries_are_printed_in_one_form),
        cmocka_unit_test(a_printed_condition_has_the_same_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
