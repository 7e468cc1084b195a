/*
 * "Did you mean": the nearest of some names to a mistyped one.
 */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stddef.h>

#include "base/slice.h"

/* A running search: {0}, offer each name with suggest_offer(), read `best`. */
struct suggest {
    struct slice best; /* empty while nothing came near; borrowed from the names */
    size_t distance;
};

/* Keep `name` when it is nearer to what was typed than all before, and near enough. */
void suggest_offer(struct suggest *s, struct slice typed, struct slice name);

#endif
