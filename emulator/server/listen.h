/*
 * Sockets to listen on, and a clear line when one cannot be had.
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

/* Where to listen, and how to say so. */
struct listen_wish {
    const char *what;    /* "MQTT over TLS" */
    const char *option;  /* "--mqtts-port" */
    const char *address; /* numeric, IPv4 or IPv6 */
    int64_t port;        /* 0: the system chooses */
};

/**
 * A non-blocking listening socket.
 * @param out_port  the port it really has.
 * @param error     receives one line: which listener, why, and what to do.
 * @return a descriptor the caller closes, or -1.
 */
MUST_CHECK int listen_open(const struct listen_wish *wish, int64_t *out_port,
                           struct buf *error);

#endif
