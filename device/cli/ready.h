/*
 * The file that a local emulator writes when it is ready: a JSON object with hostName,
 * mqttPort, mqttsPort, caFile, connectionString and more.
 *
 * It fills what the options leave open, and only for the hub it speaks of: with a connection
 * string for another host it is not used at all.
 */
#ifndef DEVICE_CLI_READY_H
#define DEVICE_CLI_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* What is known so far.  Texts are owned, NULL when there is none.  {0} is empty. */
struct ready {
    char *connection_string;
    char *ca_file;
    int64_t port; /* 0: the protocol's own */
};

/**
 * Fill what is still open from a file's text.
 * @param is_plain  whether the port without TLS is wanted.
 * @param error     receives what is wrong with it.
 */
MUST_CHECK bool ready_fill(struct ready *ready, struct slice text, bool is_plain,
                           struct buf *error);

/* NULL and {0} are allowed; wipes the connection string. */
void ready_finish(struct ready *ready);

#endif
