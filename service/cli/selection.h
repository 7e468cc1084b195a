/*
 * On whom a job works, from --device-id or --query.
 */
#ifndef SERVICE_CLI_SELECTION_H
#define SERVICE_CLI_SELECTION_H

#include "base/macros.h"
#include "service/cli/app.h"
#include "service/cli/condition.h"

#define SELECTION_OPTIONS \
    APP_TEXT("device-id", "ID", "Work on this device", device_id), \
        APP_TEXT("query", "TEXT", \
                 "Work on what this selects: a whole query, what follows its WHERE, or *", \
                 query)

/**
 * @param out  written on success; end it with condition_finish().
 * @return CLI_DONE; CLI_WRONG when there is none of the two, or both, or the query is no plain
 *         selection; it was said why.
 */
MUST_CHECK int selection_read(const struct cli_call *call, struct condition *out);

/**
 * Ask the hub how many it selects at the moment.
 * @param out  written on success.
 */
MUST_CHECK enum iothub_status selection_count(const struct app *app,
                                              const struct condition *selection, int64_t *out);

#endif
