/*
 * The names at the top of a row: one table of spellings, synonyms and who has them.
 */
#ifndef QUERY_ROOTS_H
#define QUERY_ROOTS_H

#include "query/tree.h"

/* Fill attribute->path in for rows of `collection`. */
void query_roots_resolve(struct query_attribute *attribute, enum query_collection collection,
                         struct query_arena *arena);

#endif
