/*
 * Where the hub is: from the options, and from the ready file that a local emulator writes.
 *
 * The file is a JSON object: hostName, mqttPort, mqttsPort, httpPort, httpsPort, caFile,
 * connectionString.  It fills what the options leave open, and only for the hub it speaks of:
 * with a connection string for another host it is not used at all.
 */
#ifndef SERVICE_CLI_READY_H
#define SERVICE_CLI_READY_H

#include <stdint.h>

#include "base/macros.h"
#include "service/cli/app.h"

/* Texts are owned, NULL when there is none.  {0} is empty. */
struct ready {
    char *connection_string;
    char *ca_file;
    int64_t port; /* 0: the scheme's own */
};

/**
 * Settle connection string, CA file and port.
 * @return CLI_DONE; else the exit code, and it was said why.
 */
MUST_CHECK int ready_resolve(const struct cli_call *call, const struct app_values *values,
                             struct ready *out);

/**
 * The same from a file's text: fill what `out` does not have yet.
 * @return false when it is no ready file, with a sentence in `error`.
 */
MUST_CHECK bool ready_read(struct slice text, bool is_plain, struct buf *error,
                           struct ready *out);

/* NULL and {0} are allowed; wipes the connection string. */
void ready_finish(struct ready *ready);

#endif
