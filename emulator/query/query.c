/*
 * Compiling: parse, check, and what callers ask of the result.
 */
#include "query/query.h"

#include <stdlib.h>

#include "base/mem.h"
#include "iothub/limits.h"
#include "query/check.h"
#include "query/parser.h"

#define EVERY_DEVICE     SLICE("SELECT * FROM devices")
#define BEFORE_CONDITION SLICE("SELECT * FROM devices WHERE ")
#define BEFORE_FROM      SLICE("SELECT * ")

/* Compile `before` and `text` as one text. */
static enum iothub_status compile(struct slice before, struct slice text, struct query **out,
                                  struct buf *error)
{
    struct query *query = mem_alloc(sizeof(*query));
    char *copy = query_arena_alloc(&query->arena, before.len + text.len + 1);
    struct query_error report = {.out = error};
    if (before.len > 0) {
        memcpy(copy, before.data, before.len);
    }
    if (text.len > 0) {
        memcpy(copy + before.len, text.data, text.len);
    }
    query->text = report.text = slice_make(copy, before.len + text.len);
    if (query_count_chars(text) > LIMIT_QUERY_CHARS) {
        query_error_set(&report, 0, "Query is longer than %d characters", LIMIT_QUERY_CHARS);
    }
    if (report.is_set || !query_parse(query, &report) || !query_check(query, &report)) {
        query_destroy(query);
        return IOTHUB_ARGUMENT_INVALID;
    }
    *out = query;
    return IOTHUB_OK;
}

enum iothub_status query_compile(struct slice text, struct query **out, struct buf *error)
{
    return compile((struct slice){0}, text, out, error);
}

/* Whether a trimmed condition brings its own FROM. */
static bool has_from(struct slice condition)
{
    return slice_starts_with_nocase(condition, SLICE("from")) && condition.len > 4 &&
           strchr(" \t\r\n/", condition.data[4]) != NULL;
}

enum iothub_status query_compile_condition(struct slice condition, struct query **out,
                                           struct buf *error)
{
    struct slice trimmed = slice_trim(condition);
    if (slice_equal(trimmed, SLICE("*"))) {
        return compile(EVERY_DEVICE, (struct slice){0}, out, error);
    }
    return compile(has_from(trimmed) ? BEFORE_FROM : BEFORE_CONDITION, condition, out, error);
}

void query_destroy(struct query *query)
{
    if (query == NULL) {
        return;
    }
    for (struct query_attribute *attribute = query->attributes; attribute != NULL;
         attribute = attribute->next) {
        buf_finish(&attribute->scratch);
    }
    query_arena_finish(&query->arena);
    free(query);
}

enum query_collection query_collection(const struct query *query)
{
    return query->collection;
}

const char *query_item_type(const struct query *query)
{
    if (!query->is_star) {
        return "Raw";
    }
    return query->collection == QUERY_JOBS ? "DeviceJob" : "Twin";
}

bool query_is_star(const struct query *query)
{
    return query->is_star;
}

bool query_is_aggregate(const struct query *query)
{
    return query->has_aggregates || query->n_groups > 0;
}

bool query_top(const struct query *query, uint64_t *out)
{
    if (query->top == 0) {
        return false;
    }
    *out = query->top;
    return true;
}

static uint64_t root_of(const struct query_attribute *attribute)
{
    enum query_root root = attribute->path.root;
    return root == QUERY_ROOT_UNKNOWN ? 0 : QUERY_ROOT_BIT(root);
}

uint64_t query_roots(const struct query *query)
{
    uint64_t roots = 0;
    for (const struct query_attribute *attribute = query->attributes; attribute != NULL;
         attribute = attribute->next) {
        roots |= root_of(attribute);
    }
    return roots;
}

/* The parser bounds the depth. */
static uint64_t roots_below(const struct query_node *node)
{
    uint64_t roots = node->attribute == NULL ? 0 : root_of(node->attribute);
    for (const struct query_node *operand = node->first; operand != NULL;
         operand = operand->next) {
        roots |= roots_below(operand);
    }
    return roots;
}

uint64_t query_condition_roots(const struct query *query)
{
    return query->condition == NULL ? 0 : roots_below(query->condition);
}

bool query_has_condition(const struct query *query)
{
    return query->condition != NULL;
}
