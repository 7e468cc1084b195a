/*
 * Rows that come page by page.
 */
#ifndef SERVICE_CLI_ROWS_H
#define SERVICE_CLI_ROWS_H

#include <stdint.h>

#include "base/macros.h"
#include "service/cli/app.h"

/**
 * Show a query's rows: one table, or one JSON array with a row a line, written as they come.
 * @param query     taken.
 * @param max_rows  the rest is not asked for; 0: all.
 * @return the verb's exit code; what failed was said.
 */
int rows_show(const struct app *app, struct iothub_service_query *query, int64_t max_rows);

/**
 * Read all rows of a query into one array.
 * @param out  a new reference.
 */
MUST_CHECK enum iothub_status rows_read(const struct app *app, const char *text, json_t **out);

#endif
