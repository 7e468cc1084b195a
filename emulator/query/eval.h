/*
 * Asking a row.
 */
#ifndef QUERY_EVAL_H
#define QUERY_EVAL_H

#include "query/value.h"

/* A row and how it is asked. */
struct query_row {
    const struct query_row_ops *ops;
    void *row;
};

struct query_value query_row_value(const struct query_row *row,
                                   struct query_attribute *attribute);

/* What a condition is for a row, in three values. */
enum query_truth query_condition_truth(const struct query_row *row,
                                       const struct query_node *node);

/* Write the items' present values as an object; undefined ones are left out. */
void query_items_put(const struct query *query, struct buf *out);

#endif
