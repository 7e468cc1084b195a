/*
 * The functions of conditions.
 */
#ifndef QUERY_FUNCTIONS_H
#define QUERY_FUNCTIONS_H

#include "query/value.h"

#define QUERY_ARGUMENTS_MAX 2

struct query_function {
    struct slice name;
    size_t n_arguments;
    bool takes_attribute; /* its argument must be an attribute */
    enum query_truth (*call)(const struct query_value *arguments);
};

/* The function called so in any case; NULL when there is none. */
const struct query_function *query_function_find(struct slice name);

#endif
