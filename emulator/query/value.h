/*
 * Comparing values, and truth in three values.
 *
 * Source: IoT Hub documentation, "IoT Hub query language", operators and types: values of
 * different types, objects and arrays are not comparable, and only true selects.
 */
#ifndef QUERY_VALUE_H
#define QUERY_VALUE_H

#include "query/tree.h"

enum query_truth {
    TRUTH_FALSE,
    TRUTH_TRUE,
    TRUTH_UNDEFINED,
};

static inline enum query_truth query_truth_of(bool truth)
{
    return truth ? TRUTH_TRUE : TRUTH_FALSE;
}

enum query_truth query_truth_not(enum query_truth truth);

/* `a op b` for one of the six comparisons. */
enum query_truth query_value_compare(enum query_op op, const struct query_value *a,
                                     const struct query_value *b);

/* Whether an element of an array, as raw JSON text, equals a value that is no container. */
bool query_value_equals_raw(const struct query_value *value, struct slice raw);

/* Orders texts by UTF-16 code unit, as the service does; below, at or above zero. */
int query_text_compare(struct slice a, struct slice b);

/* The value as JSON text; not for undefined. */
void query_value_put(struct buf *out, const struct query_value *value);

/* A finite number as JSON: whole ones without a fraction. */
void query_number_put(struct buf *out, double number);

#endif
