/*
 * The evaluator: values for operands, three-valued truth for conditions.
 *
 * Recursion is as deep as the parser let the text be; nothing is allocated for a row beyond
 * the scratch memory of attributes whose strings have escapes.
 */
#include "query/eval.h"

#include <assert.h>
#include <math.h>

#include "query/functions.h"

static struct query_value value_of(const struct query_row *row, const struct query_node *node);

struct query_value query_row_value(const struct query_row *row,
                                   struct query_attribute *attribute)
{
    if (attribute->path.root == QUERY_ROOT_UNKNOWN) {
        return (struct query_value){0};
    }
    buf_reset(&attribute->scratch);
    return row->ops->lookup(row->row, &attribute->path, &attribute->scratch);
}

/* Arithmetic */

static double join(enum query_op op, double a, double b)
{
    switch (op) {
    case OP_PLUS:
        return a + b;
    case OP_MINUS:
        return a - b;
    case OP_TIMES:
        return a * b;
    case OP_DIVIDE:
        return b == 0 ? (double)NAN : a / b;
    case OP_MODULO:
        return b == 0 ? (double)NAN : fmod(a, b);
    case OP_NONE:
    case OP_EQUAL:
    case OP_NOT_EQUAL:
    case OP_LESS:
    case OP_LESS_EQUAL:
    case OP_GREATER:
    case OP_GREATER_EQUAL:
        break;
    }
    return (double)NAN;
}

/* Numbers joined from the left; anything else among them, or no finite result, is undefined. */
static struct query_value arithmetic(const struct query_row *row, const struct query_node *node)
{
    double result = 0;
    for (const struct query_node *operand = node->first; operand != NULL;
         operand = operand->next) {
        struct query_value value = value_of(row, operand);
        if (value.type != QUERY_NUMBER) {
            return (struct query_value){0};
        }
        bool is_first = operand == node->first;
        result = is_first ? value.number : join(operand->join, result, value.number);
    }
    if (!isfinite(result)) {
        return (struct query_value){0};
    }
    return query_value_number(result);
}

static struct query_value sign(const struct query_row *row, const struct query_node *node)
{
    struct query_value value = value_of(row, node->first);
    if (value.type != QUERY_NUMBER) {
        return (struct query_value){0};
    }
    return query_value_number(node->op == OP_MINUS ? -value.number : value.number);
}

/* Values */

static struct query_value value_of_truth(enum query_truth truth)
{
    if (truth == TRUTH_UNDEFINED) {
        return (struct query_value){0};
    }
    return query_value_bool(truth == TRUTH_TRUE);
}

static struct query_value value_of(const struct query_row *row, const struct query_node *node)
{
    switch (node->kind) {
    case NODE_CONSTANT:
        return node->constant;
    case NODE_ATTRIBUTE:
        return query_row_value(row, node->attribute);
    case NODE_SIGN:
        return sign(row, node);
    case NODE_PRODUCT:
    case NODE_SUM:
        return arithmetic(row, node);
    case NODE_CALL:
    case NODE_COMPARE:
    case NODE_IN:
    case NODE_NOT:
    case NODE_AND:
    case NODE_OR:
        break;
    }
    return value_of_truth(query_condition_truth(row, node));
}

/* Truth */

static enum query_truth call(const struct query_row *row, const struct query_node *node)
{
    struct query_value arguments[QUERY_ARGUMENTS_MAX] = {0};
    size_t n = 0;
    for (const struct query_node *operand = node->first; operand != NULL;
         operand = operand->next) {
        assert(n < QUERY_ARGUMENTS_MAX);
        arguments[n] = value_of(row, operand);
        n++;
    }
    return node->function->call(arguments);
}

static enum query_truth compare(const struct query_row *row, const struct query_node *node)
{
    struct query_value left = value_of(row, node->first);
    if (left.type == QUERY_UNDEFINED) {
        return TRUTH_UNDEFINED;
    }
    struct query_value right = value_of(row, node->first->next);
    return query_value_compare(node->op, &left, &right);
}

/* `x IN [a, b]` is `x = a OR x = b`; over no constants at all it is false. */
static enum query_truth in_list(const struct query_row *row, const struct query_node *node)
{
    struct query_value value = value_of(row, node->first);
    enum query_truth found = TRUTH_FALSE;
    for (size_t i = 0; i < node->n_list && found != TRUTH_TRUE; i++) {
        enum query_truth equal = query_value_compare(OP_EQUAL, &value, &node->list[i]);
        found = equal == TRUTH_FALSE ? found : equal;
    }
    return node->is_negated ? query_truth_not(found) : found;
}

/* AND and OR: one operand that is `decisive` decides, else an undefined one leaves it open. */
static enum query_truth connect(const struct query_row *row, const struct query_node *node,
                                enum query_truth decisive)
{
    enum query_truth truth = query_truth_not(decisive);
    for (const struct query_node *operand = node->first; operand != NULL;
         operand = operand->next) {
        enum query_truth one = query_condition_truth(row, operand);
        if (one == decisive) {
            return decisive;
        }
        truth = one == TRUTH_UNDEFINED ? TRUTH_UNDEFINED : truth;
    }
    return truth;
}

/* An operand as a condition: anything but a boolean is undefined. */
static enum query_truth truth_of_value(const struct query_row *row,
                                       const struct query_node *node)
{
    struct query_value value = value_of(row, node);
    return value.type == QUERY_BOOL ? query_truth_of(value.truth) : TRUTH_UNDEFINED;
}

enum query_truth query_condition_truth(const struct query_row *row,
                                       const struct query_node *node)
{
    switch (node->kind) {
    case NODE_CALL:
        return call(row, node);
    case NODE_COMPARE:
        return compare(row, node);
    case NODE_IN:
        return in_list(row, node);
    case NODE_NOT:
        return query_truth_not(query_condition_truth(row, node->first));
    case NODE_AND:
        return connect(row, node, TRUTH_FALSE);
    case NODE_OR:
        return connect(row, node, TRUTH_TRUE);
    case NODE_CONSTANT:
    case NODE_ATTRIBUTE:
    case NODE_SIGN:
    case NODE_PRODUCT:
    case NODE_SUM:
        break;
    }
    return truth_of_value(row, node);
}

/*
 * Whether the condition is true: unlike its truth this may stop at the first operand of AND
 * that is not true, as undefined and false then make no difference.
 */
static bool is_true(const struct query_row *row, const struct query_node *node)
{
    if (node->kind != NODE_AND && node->kind != NODE_OR) {
        return query_condition_truth(row, node) == TRUTH_TRUE;
    }
    bool decisive = node->kind == NODE_OR;
    for (const struct query_node *operand = node->first; operand != NULL;
         operand = operand->next) {
        if (is_true(row, operand) == decisive) {
            return decisive;
        }
    }
    return !decisive;
}

bool query_matches(struct query *query, const struct query_row_ops *ops, void *row)
{
    struct query_row asked = {.ops = ops, .row = row};
    return query->condition == NULL || is_true(&asked, query->condition);
}
