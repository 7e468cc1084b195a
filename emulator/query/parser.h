/*
 * From a query's text to its tree.  What names mean is not looked at: that is the checker's.
 *
 * Grammar: IoT Hub documentation, "IoT Hub query language", with the operators TOP, NIN and the
 * list in GROUP BY of the grammar in Azure/Industrial-IoT.
 */
#ifndef QUERY_PARSER_H
#define QUERY_PARSER_H

#include "query/error.h"
#include "query/tree.h"

/* Parse query->text; false with `error` set when it is no query. */
MUST_CHECK bool query_parse(struct query *query, struct query_error *error);

#endif
