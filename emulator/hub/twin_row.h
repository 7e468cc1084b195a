/*
 * A twin as a row that queries are asked about: attributes come straight from the record and
 * the stored texts.
 */
#ifndef HUB_TWIN_ROW_H
#define HUB_TWIN_ROW_H

#include "hub/core.h"
#include "query/query.h"

/* Borrows everything. */
struct twin_row {
    const struct hub *hub;
    const struct store_identity *identity;
    const struct store_twin *twin;
};

/* The row argument is a struct twin_row *. */
extern const struct query_row_ops twin_row_ops;

#endif
