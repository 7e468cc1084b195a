/*
 * A TCP connection of the test's own to one of the emulator's ports, plain or with TLS, with
 * deadlines.
 */
#ifndef E2E_LINE_H
#define E2E_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/buf.h"

struct line {
    int fd;
    SSL *tls;      /* NULL: plain */
    struct buf in; /* what came and was not dropped yet */
};

void line_open(struct line *line, int64_t port);
void line_close(struct line *line);

/* Go on with TLS, as a client of the context, which may be freed afterwards. */
void line_secure(struct line *line, SSL_CTX *context);

/* Waits while the peer does not read.  false when the connection is gone. */
bool line_send(struct line *line, struct slice bytes);

/* Wait for more in `in`.  false when the peer has closed; fails the test when nothing comes. */
bool line_receive(struct line *line);

/* Take what is there already; false when the peer has closed. */
bool line_take(struct line *line);

#endif
