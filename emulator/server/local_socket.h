/*
 * A blocking connection to an emulator on this machine, plain or TLS, with one deadline for
 * everything that is done with it.
 */
#ifndef SERVER_LOCAL_SOCKET_H
#define SERVER_LOCAL_SOCKET_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* Borrowed. */
struct local_target {
    const char *address; /* IPv4 or IPv6 */
    int64_t port;
    bool is_tls;
    const char
        *ca_file; /* checks the server's certificate, whatever its name; NULL: no check */
    int64_t timeout_ms;
};

/* {0} is closed. */
struct local_socket {
    int fd_plus_1;
    int64_t due_ms;
    const struct local_target *target;
    struct buf *error;
    SSL_CTX *tls_ctx;
    SSL *tls;
};

/**
 * Connect, with the TLS handshake.
 * @param error  receives one line, now and from the calls below; it must outlive the socket.
 */
MUST_CHECK bool local_socket_open(struct local_socket *s, const struct local_target *target,
                                  struct buf *error);

MUST_CHECK bool local_socket_send(struct local_socket *s, struct slice bytes);

/* What has arrived, at least one byte; 0 at the end of the stream, -1 when it failed. */
MUST_CHECK int local_socket_receive(struct local_socket *s, char *out, size_t size);

/* One line that begins with the address and port, for what is wrong with the bytes; always
 * false. */
bool local_socket_tell(const struct local_socket *s, const char *what);

/* Allowed after a failed open and on {0}. */
void local_socket_close(struct local_socket *s);

#endif
