/*
 * The cheapest set of pins that a condition cannot match without.
 */
#include "query/tree.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

/* While the tree is walked: who knows the costs, and pins found so far, the last ones on top.
 */
struct choice {
    query_pin_cost *cost;
    void *ctx;
    struct query_pin_list list;
    size_t room;
};

static size_t choose(struct choice *choice, const struct query_node *node);

static size_t add_costs(size_t a, size_t b)
{
    return a > QUERY_PIN_NEVER - b ? QUERY_PIN_NEVER : a + b;
}

static size_t push(struct choice *choice, const struct query_attribute *attribute,
                   const struct query_value *value)
{
    struct query_pin_list *list = &choice->list;
    const struct query_pin pin = {&attribute->path, *value};
    if (value->type == QUERY_UNDEFINED) {
        return 0; /* nothing equals it */
    }
    if (list->n_pins == choice->room) {
        choice->room = 2 * choice->room + 8;
        list->pins = mem_grow(list->pins, choice->room, sizeof(*list->pins));
    }
    list->pins[list->n_pins++] = pin;
    return choice->cost(choice->ctx, &pin);
}

static size_t choose_equality(struct choice *choice, const struct query_node *node)
{
    const struct query_node *left = node->first;
    const struct query_node *right = left->next;
    if (node->op != OP_EQUAL) {
        return QUERY_PIN_NEVER;
    }
    if (left->kind == NODE_ATTRIBUTE && right->kind == NODE_CONSTANT) {
        return push(choice, left->attribute, &right->constant);
    }
    if (left->kind == NODE_CONSTANT && right->kind == NODE_ATTRIBUTE) {
        return push(choice, right->attribute, &left->constant);
    }
    return QUERY_PIN_NEVER;
}

static size_t choose_list(struct choice *choice, const struct query_node *node)
{
    size_t cost = 0;
    if (node->is_negated || node->first->kind != NODE_ATTRIBUTE) {
        return QUERY_PIN_NEVER;
    }
    for (size_t i = 0; i < node->n_list && cost != QUERY_PIN_NEVER; i++) {
        cost = add_costs(cost, push(choice, node->first->attribute, &node->list[i]));
    }
    return cost;
}

/* A row that matches OR matches one operand: the pins of all are needed. */
static size_t choose_any(struct choice *choice, const struct query_node *node)
{
    size_t cost = 0;
    for (const struct query_node *operand = node->first;
         operand != NULL && cost != QUERY_PIN_NEVER; operand = operand->next) {
        cost = add_costs(cost, choose(choice, operand));
    }
    return cost;
}

/* A row that matches AND matches each operand: the pins of the cheapest will do. */
static size_t choose_cheapest(struct choice *choice, const struct query_node *node)
{
    struct query_pin_list *list = &choice->list;
    size_t begin = list->n_pins;
    size_t n_best = 0;
    size_t best = QUERY_PIN_NEVER;
    for (const struct query_node *operand = node->first; operand != NULL && best > 1;
         operand = operand->next) {
        size_t at = begin + n_best;
        size_t cost = choose(choice, operand);
        if (cost < best) {
            best = cost;
            for (size_t i = at; i < list->n_pins; i++) {
                list->pins[begin + i - at] = list->pins[i];
            }
            n_best = list->n_pins - at;
        }
        list->n_pins = begin + n_best;
    }
    return best;
}

/* The parser bounds the depth.  What a node of no use has pushed, its caller drops. */
static size_t choose(struct choice *choice, const struct query_node *node)
{
    switch (node->kind) {
    case NODE_COMPARE:
        return choose_equality(choice, node);
    case NODE_IN:
        return choose_list(choice, node);
    case NODE_OR:
        return choose_any(choice, node);
    case NODE_AND:
        return choose_cheapest(choice, node);
    case NODE_CONSTANT:
    case NODE_ATTRIBUTE:
    case NODE_CALL:
    case NODE_SIGN:
    case NODE_PRODUCT:
    case NODE_SUM:
    case NODE_NOT:
        break;
    }
    return QUERY_PIN_NEVER;
}

bool query_pins_choose(const struct query *query, query_pin_cost *cost, void *ctx,
                       struct query_pin_list *out, size_t *out_cost)
{
    struct choice choice = {.cost = cost, .ctx = ctx};
    size_t chosen = query->condition == NULL ? QUERY_PIN_NEVER
                                             : choose(&choice, query->condition);
    if (chosen == QUERY_PIN_NEVER) {
        query_pin_list_finish(&choice.list);
        return false;
    }
    *out = choice.list;
    *out_cost = chosen;
    return true;
}

void query_pin_list_finish(struct query_pin_list *list)
{
    free(list->pins);
    *list = (struct query_pin_list){0};
}
