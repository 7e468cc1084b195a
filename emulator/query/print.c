/*
 * A query as text again, with no more parentheses than it needs.
 */
#include "query/tree.h"

#include <math.h>

#include "iothub/json.h"

static void print_node(struct buf *out, const struct query_node *node,
                       enum query_level loosest);

static const char *const op_texts[] = {
    [OP_NONE] = "",
    [OP_EQUAL] = " = ",
    [OP_NOT_EQUAL] = " != ",
    [OP_LESS] = " < ",
    [OP_LESS_EQUAL] = " <= ",
    [OP_GREATER] = " > ",
    [OP_GREATER_EQUAL] = " >= ",
    [OP_PLUS] = " + ",
    [OP_MINUS] = " - ",
    [OP_TIMES] = " * ",
    [OP_DIVIDE] = " / ",
    [OP_MODULO] = " % ",
};

static void print_name(struct buf *out, struct slice name)
{
    buf_put_text(out, "[[");
    buf_put_slice(out, name);
    buf_put_text(out, "]]");
}

static void print_path(struct buf *out, const struct query_path *path)
{
    buf_put_text(out, query_root_name(path->root));
    for (size_t i = 0; i < path->n_names; i++) {
        if (i > 0 || path->root != QUERY_ROOT_UNKNOWN) {
            buf_put_char(out, '.');
        }
        print_name(out, path->names[i]);
    }
}

static void print_string(struct buf *out, struct slice text)
{
    buf_put_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\') {
            buf_put_char(out, '\\');
        }
        buf_put_char(out, text.data[i]);
    }
    buf_put_char(out, '\'');
}

static void print_number(struct buf *out, double number)
{
    if (isinf(number)) {
        buf_put_text(out,
                     number < 0 ? "-1e999" : "1e999"); /* what can only have been written so */
        return;
    }
    json_put_real(out, number);
}

static void print_constant(struct buf *out, const struct query_value *value)
{
    switch (value->type) {
    case QUERY_NULL:
        buf_put_text(out, "null");
        break;
    case QUERY_BOOL:
        buf_put_text(out, value->truth ? "true" : "false");
        break;
    case QUERY_NUMBER:
        print_number(out, value->number);
        break;
    case QUERY_STRING:
        print_string(out, value->text);
        break;
    case QUERY_UNDEFINED:
    case QUERY_ARRAY:
    case QUERY_OBJECT:
        buf_put_text(out, "undefined");
        break;
    }
}

static void print_operands(struct buf *out, const struct query_node *node, const char *mark,
                           enum query_level loosest)
{
    for (const struct query_node *operand = node->first; operand != NULL;
         operand = operand->next) {
        if (operand != node->first) {
            buf_put_text(out, mark != NULL ? mark : op_texts[operand->join]);
        }
        print_node(out, operand, loosest);
    }
}

static void print_list(struct buf *out, const struct query_node *node)
{
    print_node(out, node->first, LEVEL_SUM);
    buf_put_text(out, node->is_negated ? " NIN [" : " IN [");
    for (size_t i = 0; i < node->n_list; i++) {
        buf_put_text(out, i == 0 ? "" : ", ");
        print_constant(out, &node->list[i]);
    }
    buf_put_char(out, ']');
}

/* A number without a sign needs parentheses: joined with this one it would be one constant. */
static void print_sign(struct buf *out, const struct query_node *node)
{
    const struct query_node *operand = node->first;
    bool is_number = operand->kind == NODE_CONSTANT && operand->constant.type == QUERY_NUMBER;
    bool joins = is_number && query_node_level(operand) == LEVEL_PRIMARY;
    buf_put_text(out, node->op == OP_MINUS ? "- " : "+ ");
    buf_put_text(out, joins ? "(" : "");
    print_node(out, operand, LEVEL_SIGN);
    buf_put_text(out, joins ? ")" : "");
}

static void print_bare(struct buf *out, const struct query_node *node)
{
    switch (node->kind) {
    case NODE_CONSTANT:
        print_constant(out, &node->constant);
        break;
    case NODE_ATTRIBUTE:
        print_path(out, &node->attribute->path);
        break;
    case NODE_CALL:
        buf_put_slice(out, node->name);
        buf_put_char(out, '(');
        print_operands(out, node, ", ", LEVEL_SUM);
        buf_put_char(out, ')');
        break;
    case NODE_SIGN:
        print_sign(out, node);
        break;
    case NODE_PRODUCT:
        print_operands(out, node, NULL, LEVEL_SIGN);
        break;
    case NODE_SUM:
        print_operands(out, node, NULL, LEVEL_PRODUCT);
        break;
    case NODE_COMPARE:
        print_operands(out, node, op_texts[node->op], LEVEL_SUM);
        break;
    case NODE_IN:
        print_list(out, node);
        break;
    case NODE_NOT:
        buf_put_text(out, "NOT ");
        print_node(out, node->first, LEVEL_NOT);
        break;
    case NODE_AND:
        print_operands(out, node, " AND ", LEVEL_NOT);
        break;
    case NODE_OR:
        print_operands(out, node, " OR ", LEVEL_AND);
        break;
    }
}

/* The parser bounds the depth. */
static void print_node(struct buf *out, const struct query_node *node, enum query_level loosest)
{
    if (query_node_level(node) >= loosest) {
        print_bare(out, node);
        return;
    }
    buf_put_char(out, '(');
    print_bare(out, node);
    buf_put_char(out, ')');
}

static void print_item(struct buf *out, const struct query_item *item)
{
    static const char *const names[] = {
        [AGGREGATE_NONE] = "",   [AGGREGATE_COUNT] = "COUNT", [AGGREGATE_SUM] = "SUM",
        [AGGREGATE_AVG] = "AVG", [AGGREGATE_MIN] = "MIN",     [AGGREGATE_MAX] = "MAX",
    };
    bool is_aggregate = item->aggregate != AGGREGATE_NONE;
    buf_put_text(out, names[item->aggregate]);
    buf_put_text(out, is_aggregate ? "(" : "");
    if (item->attribute != NULL) {
        print_path(out, &item->attribute->path);
    }
    buf_put_text(out, is_aggregate ? ") AS " : " AS ");
    print_name(out, item->key);
}

static void print_items(struct buf *out, const struct query *query)
{
    buf_put_text(out, query->is_star ? "*" : "");
    for (const struct query_item *item = query->items; item != NULL; item = item->next) {
        buf_put_text(out, item == query->items ? "" : ", ");
        print_item(out, item);
    }
}

void query_print(const struct query *query, struct buf *out)
{
    static const char *const collections[] = {
        [QUERY_DEVICES] = "devices",
        [QUERY_MODULES] = "devices.modules",
        [QUERY_JOBS] = "devices.jobs",
    };
    buf_put_text(out, "SELECT ");
    if (query->top != 0) {
        buf_putf(out, "TOP %llu ", (unsigned long long)query->top);
    }
    print_items(out, query);
    buf_putf(out, " FROM %s", collections[query->collection]);
    if (query->condition != NULL) {
        buf_put_text(out, " WHERE ");
        print_node(out, query->condition, LEVEL_OR);
    }
    for (const struct query_group_by *by = query->groups; by != NULL; by = by->next) {
        buf_put_text(out, by == query->groups ? " GROUP BY " : ", ");
        print_path(out, &by->attribute->path);
    }
}
