/*
 * What a query is inside: the tree that the parser builds, the checker resolves and the
 * evaluator walks.  Only this folder and its tests look here.
 *
 * Everything a query points to lies in its arena and ends with it.
 */
#ifndef QUERY_TREE_H
#define QUERY_TREE_H

#include "query/query.h"

/* Parentheses, NOT and signs may be nested this deep. */
#define QUERY_DEPTH_MAX 100

/* Memory that is given out in pieces and ends as a whole; {0} is empty. */
struct query_arena {
    struct query_chunk *chunks;
};

/* Zeroed memory for `size` bytes. */
void *query_arena_alloc(struct query_arena *arena, size_t size)
    __attribute__((returns_nonnull));
void query_arena_finish(struct query_arena *arena);

/* Operators bind tighter from line to line; operands of one level form one node, from the left.
 */
enum query_level {
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_COMPARE, /* does not chain */
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_SIGN,
    LEVEL_PRIMARY,
};

enum query_op {
    OP_NONE,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_PLUS,
    OP_MINUS,
    OP_TIMES,
    OP_DIVIDE,
    OP_MODULO,
};

/* What stands before a path's first name: devices., devices.modules., devices.jobs. */
enum query_prefix {
    PREFIX_NONE,
    PREFIX_DEVICES,
    PREFIX_MODULES,
    PREFIX_JOBS,
};

/* An attribute as the query names it. */
struct query_attribute {
    struct query_attribute *next; /* of all attributes of the query */
    size_t at;                    /* where it stands in the text */
    enum query_prefix prefix;
    struct slice *segments; /* as written, without the prefix */
    size_t n_segments;
    struct query_path path; /* what the checker makes of it */
    struct buf scratch;     /* for the row's value */
};

enum query_node_kind {
    NODE_CONSTANT,
    NODE_ATTRIBUTE,
    NODE_CALL,    /* operands are the arguments */
    NODE_SIGN,    /* op is OP_PLUS or OP_MINUS */
    NODE_PRODUCT, /* of each operand but the first, `join` tells its operator */
    NODE_SUM,
    NODE_COMPARE, /* two operands, joined by op */
    NODE_IN,      /* one operand and a list of constants */
    NODE_NOT,
    NODE_AND,
    NODE_OR,
};

struct query_node {
    enum query_node_kind kind;
    enum query_op op;
    enum query_op join;
    bool is_negated; /* NIN */
    size_t at;
    struct query_node *first; /* operand */
    struct query_node *next;  /* operand of the same parent */
    size_t n_operands;
    struct query_value constant;
    struct query_attribute *attribute;
    struct slice name;                     /* of a call, as written */
    const struct query_function *function; /* which the checker finds */
    struct query_value *list;
    size_t n_list;
};

enum query_aggregate {
    AGGREGATE_NONE, /* the item is an attribute */
    AGGREGATE_COUNT,
    AGGREGATE_SUM,
    AGGREGATE_AVG,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
};

struct query_item {
    struct query_item *next;
    size_t at;
    enum query_aggregate aggregate;
    struct query_attribute *attribute; /* NULL for COUNT() */
    struct slice alias;                /* data is NULL without AS */
    struct slice key;                  /* the member's name, from the checker */
    struct query_item *repeat;         /* the next item under the same key */
    size_t group;                      /* of an attribute among the grouped ones */
    struct query_value value;          /* while a row is projected */
};

/* GROUP BY's attributes. */
struct query_group_by {
    struct query_group_by *next;
    struct query_attribute *attribute;
};

struct query {
    struct query_arena arena;
    struct slice text;
    struct query_attribute *attributes;
    enum query_collection collection;
    uint64_t top; /* 0 without TOP */
    bool is_star;
    bool has_aggregates;
    struct query_item *items;
    size_t n_items;
    struct query_node *condition; /* NULL without WHERE */
    struct query_group_by *groups;
    size_t n_groups;
    size_t groups_at; /* where GROUP BY stands */
};

/* Whether two checked attributes are the same place. */
bool query_path_equal(const struct query_path *a, const struct query_path *b);

/* The tightest level at which a node may stand without parentheses. */
enum query_level query_node_level(const struct query_node *node);

#endif
