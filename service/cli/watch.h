/*
 * What verbs that watch have in common: --count, --for and Ctrl-C end them, and what comes is
 * printed as it comes, a line each.
 */
#ifndef SERVICE_CLI_WATCH_H
#define SERVICE_CLI_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "service/cli/app.h"

struct watch {
    const struct app *app;
    int64_t n_shown;
    int64_t end_ms; /* NEVER_MS without --for */
};

void watch_init(struct watch *watch, const struct app *app);

/* Whether nothing more is to be waited for. */
bool watch_is_over(const struct watch *watch);

/* How long may be waited now, max_ms at most. */
int64_t watch_wait_ms(const struct watch *watch, int64_t max_ms);

/**
 * Print a record: with --output json as it is, else the line that `put` makes of it.
 * @return false when it was one more than wanted, and not printed.
 */
MUST_CHECK bool watch_show(struct watch *watch, const json_t *record,
                           void (*put)(struct buf *line, const json_t *record));

/* The verb's exit code, when its last call ended so: a count that was not reached is a failure.
 */
int watch_end(const struct watch *watch, enum iothub_status status);

#endif
