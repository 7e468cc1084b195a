/*
 * The program's verbs, a file each.  They share one structure of values, which the table of
 * options in config.h and their own ones point into.
 */
#ifndef SERVER_VERBS_H
#define SERVER_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"
#include "cli/cli.h"
#include "server/config.h"

struct verb_values {
    struct config config; /* first */

    bool ca_path;

    char *policy;
    char *device;
    char *module;
    bool secondary;

    int64_t port; /* 0: not given */
    int64_t timeout_ms;
};

static inline const struct verb_values *verb_values_of(const struct cli_call *call)
{
    return call->values;
}

/* For struct cli_program. */
void verbs_finish(void *values);

int verb_ca(struct cli_call *call);
extern const struct cli_option verb_ca_options[];
extern const size_t verb_ca_n_options;
extern const char verb_ca_details[];

int verb_connection_string(struct cli_call *call);
extern const struct cli_option verb_connection_string_options[];
extern const size_t verb_connection_string_n_options;
extern const char verb_connection_string_details[];

int verb_healthcheck(struct cli_call *call);
extern const struct cli_option verb_healthcheck_options[];
extern const size_t verb_healthcheck_n_options;
extern const char verb_healthcheck_details[];

/* What a verb does once the settings are read; `error` receives one line unless it is CLI_DONE.
 */
typedef int verb_body(struct cli_call *call, struct buf *error);

/* Read the settings, set the log level, run the body and complain of what went wrong. */
int verb_with_config(struct cli_call *call, verb_body *body);

/* To stdout at once; CLI_FAILED and a line when that is not possible. */
MUST_CHECK int verb_print(struct slice text, struct buf *error);

#endif
