/*
 * The rules beyond the grammar.
 *
 * Source: IoT Hub documentation, "IoT Hub query language" (GROUP BY, limitations of device
 * jobs).
 */
#include "query/check.h"

#include <stdio.h>

#include "query/functions.h"
#include "query/roots.h"

/* "$" and a number. */
#define AGGREGATE_KEY_CHARS 24

static bool fail(struct query_error *error, size_t at, const char *what)
{
    query_error_set(error, at, "%s", what);
    return false;
}

/* Calls */

static bool check_call(struct query_node *node, struct query_error *error)
{
    node->function = query_function_find(node->name);
    if (node->function == NULL) {
        query_error_set(error, node->at, "Unknown function '%.*s'", SLICE_ARG(node->name));
        return false;
    }
    if (node->n_operands != node->function->n_arguments) {
        query_error_set(error, node->at, "Function %s takes %zu argument%s, not %zu",
                        node->function->name.data, node->function->n_arguments,
                        node->function->n_arguments == 1 ? "" : "s", node->n_operands);
        return false;
    }
    if (node->function->takes_attribute && node->first->kind != NODE_ATTRIBUTE) {
        query_error_set(error, node->first->at, "Function %s takes an attribute",
                        node->function->name.data);
        return false;
    }
    return true;
}

/* The parser bounds the depth. */
static bool check_node(struct query_node *node, struct query_error *error)
{
    if (node->kind == NODE_CALL && !check_call(node, error)) {
        return false;
    }
    for (struct query_node *operand = node->first; operand != NULL; operand = operand->next) {
        if (!check_node(operand, error)) {
            return false;
        }
    }
    return true;
}

/* Items */

static struct slice last_name(const struct query_path *path)
{
    return path->steps[path->n_steps - 1];
}

/* The n-th aggregate without a name is called "$n". */
static struct slice aggregate_key(size_t number, struct query_arena *arena)
{
    char *key = query_arena_alloc(arena, AGGREGATE_KEY_CHARS);
    int len = snprintf(key, AGGREGATE_KEY_CHARS, "$%zu", number);
    return slice_make(key, (size_t)len);
}

/* Let the last one before `item` that has its key know of it. */
static void link_repeat(struct query_item *items, struct query_item *item)
{
    struct query_item *last = NULL;
    for (struct query_item *other = items; other != item; other = other->next) {
        last = slice_equal(other->key, item->key) ? other : last;
    }
    if (last != NULL) {
        last->repeat = item;
    }
}

static void name_items(struct query *query)
{
    size_t n_unnamed = 0;
    for (struct query_item *item = query->items; item != NULL; item = item->next) {
        if (item->alias.data != NULL) {
            item->key = item->alias;
        } else if (item->aggregate == AGGREGATE_NONE) {
            item->key = last_name(&item->attribute->path);
        } else {
            n_unnamed++;
            item->key = aggregate_key(n_unnamed, &query->arena);
        }
        link_repeat(query->items, item);
    }
}

static bool find_group(const struct query *query, const struct query_attribute *attribute,
                       size_t *out)
{
    size_t index = 0;
    for (const struct query_group_by *group = query->groups; group != NULL;
         group = group->next) {
        if (query_path_equal(&group->attribute->path, &attribute->path)) {
            *out = index;
            return true;
        }
        index++;
    }
    return false;
}

/* Rows of aggregates have what is grouped or aggregated, nothing else. */
static bool check_aggregation(struct query *query, struct query_error *error)
{
    for (struct query_item *item = query->items; item != NULL; item = item->next) {
        if (item->aggregate != AGGREGATE_NONE) {
            query->has_aggregates = true;
        }
    }
    if (!query->has_aggregates && query->n_groups == 0) {
        return true;
    }
    if (query->is_star) {
        return fail(error, query->groups_at, "SELECT * cannot be grouped");
    }
    for (struct query_item *item = query->items; item != NULL; item = item->next) {
        if (item->aggregate == AGGREGATE_NONE &&
            !find_group(query, item->attribute, &item->group)) {
            return fail(error, item->at, "Attribute must be in GROUP BY or in an aggregate");
        }
    }
    return true;
}

static bool check_collection(const struct query *query, struct query_error *error)
{
    if (query->n_groups > 0 && query->collection != QUERY_DEVICES) {
        return fail(error, query->groups_at, "GROUP BY is only available on devices");
    }
    if (query->collection == QUERY_JOBS && !query->is_star) {
        return fail(error, query->items->at, "Only SELECT * is available on devices.jobs");
    }
    return true;
}

bool query_check(struct query *query, struct query_error *error)
{
    struct query_attribute *attribute = query->attributes;
    for (; attribute != NULL; attribute = attribute->next) {
        query_roots_resolve(attribute, query->collection, &query->arena);
    }
    if (!check_collection(query, error) || !check_aggregation(query, error)) {
        return false;
    }
    name_items(query);
    return query->condition == NULL || check_node(query->condition, error);
}
