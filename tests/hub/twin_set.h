/*
 * The twins, module twins and job rows of tests/data/query/vectors.json, in a hub.
 */
#ifndef TESTS_HUB_TWIN_SET_H
#define TESTS_HUB_TWIN_SET_H

#include "hub/fixture.h"

/* The file's content; a new reference. */
json_t *twin_set_load(void);

/* Put them into the hub's store, and connect who is connected there. */
void twin_set_fill(struct fixture *f, const json_t *set);

/* What GET answers for all of its devices, or modules; a new array. */
json_t *twin_set_documents(struct fixture *f, const json_t *set, bool is_modules);

#endif
