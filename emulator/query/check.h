/*
 * What a parsed query means: names become places, functions are found, and what the language
 * does not allow for a collection is refused.
 */
#ifndef QUERY_CHECK_H
#define QUERY_CHECK_H

#include "query/error.h"
#include "query/tree.h"

/* Check and complete the tree; false with `error` set when it cannot be asked. */
MUST_CHECK bool query_check(struct query *query, struct query_error *error);

#endif
