/*
 * The file that a local emulator writes when it is ready: a JSON object with hostName,
 * connectionString, caFile and the ports it listens on, mqttPort, mqttsPort, httpPort and
 * httpsPort.
 *
 * It fills what the options leave open, and only for the hub it speaks of: with a connection
 * string for another host it is not used at all.
 */
#ifndef CLI_READY_H
#define CLI_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"
#include "cli/cli.h"

/* What is known so far.  Texts are owned, NULL when there is none.  {0} is empty. */
struct cli_ready {
    char *connection_string;
    char *ca_file;
    int64_t port; /* 0: the protocol's own */
};

/* Which of the file's ports a program speaks to. */
struct cli_ready_port {
    const char *member;
    bool is_plain; /* without TLS, where no CA file is needed */
};

/**
 * Fill what is still open from a file's text.
 * @param error  receives what is wrong with it.
 */
MUST_CHECK bool cli_ready_fill(struct cli_ready *ready, struct slice text,
                               struct cli_ready_port port, struct buf *error);

/**
 * The same from the file at `path`, with a complaint when that fails.
 * @return CLI_DONE or CLI_FAILED.
 */
MUST_CHECK int cli_ready_read(const struct cli_call *call, const char *path,
                              struct cli_ready_port port, struct cli_ready *ready);

/* NULL and {0} are allowed; wipes the connection string. */
void cli_ready_finish(struct cli_ready *ready);

#endif
