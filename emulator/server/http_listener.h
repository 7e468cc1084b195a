/*
 * HTTP and HTTPS: libmicrohttpd on one side, the gateway's exchanges on the other.
 *
 * The library runs inside our loop: its epoll descriptor is an event, its time-out one of our
 * timers.  A request is parked while its turn is under way and answered after the commit.
 */
#ifndef SERVER_HTTP_LISTENER_H
#define SERVER_HTTP_LISTENER_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "server/turn.h"

struct http_listener;

/* {0} is plain HTTP.  Borrowed until the listener is destroyed. */
struct http_tls {
    SSL_CTX *context;
    X509_STORE *authorities; /* the CAs of devices; NULL for none */
};

/**
 * Accept requests on a listening socket.
 * @param fd     taken over, also on failure.
 * @param error  receives one line when it fails.
 */
struct http_listener *http_listener_create(struct turn *turn, int fd,
                                           const struct http_tls *tls, struct buf *error);

/* Requests that still wait are answered with 503.  NULL is allowed. */
void http_listener_destroy(struct http_listener *listener);

/* Over the list of a turn's listeners. */
bool http_listeners_have_answers(const struct http_listener *first);
void http_listeners_put_out(struct http_listener *first);

#endif
