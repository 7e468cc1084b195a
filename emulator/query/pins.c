/*
 * Which strings a condition restricts a path to, read off the tree without asking any row.
 */
#include "query/tree.h"

#include <stdlib.h>

#include "base/mem.h"

static bool pins_of(const struct query_node *node, const struct query_path *path,
                    struct query_pins *out);

void query_pins_finish(struct query_pins *pins)
{
    free(pins->values);
    *pins = (struct query_pins){0};
}

/* Sets of strings: sorted, each once */

static int by_bytes(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static void sort(struct query_pins *set)
{
    size_t n = 0;
    if (set->n_values == 0) {
        return;
    }
    qsort(set->values, set->n_values, sizeof(*set->values), by_bytes);
    for (size_t i = 0; i < set->n_values; i++) {
        if (n == 0 || !slice_equal(set->values[n - 1], set->values[i])) {
            set->values[n] = set->values[i];
            n++;
        }
    }
    set->n_values = n;
}

/* Replace *a by what is in both, or in either. */
static void merge(struct query_pins *a, struct query_pins *b, bool is_union)
{
    struct query_pins merged = {
        .values = mem_array(a->n_values + b->n_values + 1, sizeof(*merged.values))};
    size_t i = 0;
    size_t j = 0;
    while (i < a->n_values || j < b->n_values) {
        int order = i == a->n_values   ? 1
                    : j == b->n_values ? -1
                                       : slice_compare(a->values[i], b->values[j]);
        if (order == 0 || is_union) {
            merged.values[merged.n_values] = order <= 0 ? a->values[i] : b->values[j];
            merged.n_values++;
        }
        i += order <= 0 ? 1 : 0;
        j += order >= 0 ? 1 : 0;
    }
    query_pins_finish(a);
    query_pins_finish(b);
    *a = merged;
}

/* Conditions */

static bool is_path(const struct query_node *node, const struct query_path *path)
{
    return node->kind == NODE_ATTRIBUTE && query_path_equal(&node->attribute->path, path);
}

/* `path = 'a'`, either way round. */
static bool pins_of_equality(const struct query_node *node, const struct query_path *path,
                             struct query_pins *out)
{
    const struct query_node *left = node->first;
    const struct query_node *right = left->next;
    const struct query_node *constant = is_path(left, path) ? right : left;
    bool is_pin = node->op == OP_EQUAL && (is_path(left, path) || is_path(right, path)) &&
                  constant->kind == NODE_CONSTANT && constant->constant.type == QUERY_STRING;
    if (!is_pin) {
        return false;
    }
    out->values = mem_array(1, sizeof(*out->values));
    out->values[0] = constant->constant.text;
    out->n_values = 1;
    return true;
}

/* `path IN ['a', 'b']`; a constant of another type lets values through that are no strings. */
static bool pins_of_list(const struct query_node *node, const struct query_path *path,
                         struct query_pins *out)
{
    if (node->is_negated || !is_path(node->first, path)) {
        return false;
    }
    for (size_t i = 0; i < node->n_list; i++) {
        if (node->list[i].type != QUERY_STRING) {
            return false;
        }
    }
    out->values = mem_array(node->n_list + 1, sizeof(*out->values));
    out->n_values = node->n_list;
    for (size_t i = 0; i < node->n_list; i++) {
        out->values[i] = node->list[i].text;
    }
    sort(out);
    return true;
}

/* Every operand of OR must pin the path, of AND one is enough; more only narrow it. */
static bool pins_of_operands(const struct query_node *node, const struct query_path *path,
                             struct query_pins *out)
{
    bool is_union = node->kind == NODE_OR;
    bool has_any = false;
    struct query_pins all = {0};
    for (const struct query_node *operand = node->first; operand != NULL;
         operand = operand->next) {
        struct query_pins one = {0};
        bool is_pinned = pins_of(operand, path, &one);
        if (!is_pinned && is_union) {
            query_pins_finish(&all);
            return false;
        }
        if (is_pinned && has_any) {
            merge(&all, &one, is_union);
        } else if (is_pinned) {
            all = one;
            has_any = true;
        }
    }
    if (has_any) {
        *out = all;
    }
    return has_any;
}

/* The parser bounds the depth. */
static bool pins_of(const struct query_node *node, const struct query_path *path,
                    struct query_pins *out)
{
    switch (node->kind) {
    case NODE_COMPARE:
        return pins_of_equality(node, path, out);
    case NODE_IN:
        return pins_of_list(node, path, out);
    case NODE_AND:
    case NODE_OR:
        return pins_of_operands(node, path, out);
    case NODE_CONSTANT:
    case NODE_ATTRIBUTE:
    case NODE_CALL:
    case NODE_SIGN:
    case NODE_PRODUCT:
    case NODE_SUM:
    case NODE_NOT:
        break;
    }
    return false;
}

bool query_pins_path(const struct query *query, const struct query_path *path,
                     struct query_pins *out)
{
    return query->condition != NULL && pins_of(query->condition, path, out);
}

bool query_pins(const struct query *query, enum query_root root, struct query_pins *out)
{
    struct query_path path = {.root = root};
    return query_pins_path(query, &path, out);
}
