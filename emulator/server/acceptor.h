/*
 * A listening socket whose connections come as bufferevents, with TLS or without.
 */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include <event2/bufferevent.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "server/turn.h"

struct acceptor;

/* How long a client may take for the handshake of TLS. */
#define ACCEPTOR_HANDSHAKE_MS 30000

/* With TLS the handshake is still to come: BEV_EVENT_CONNECTED tells of its end. */
struct accepted {
    struct bufferevent *bev; /* becomes the callee's; freeing it closes the socket */
    const struct sockaddr *address;
    socklen_t address_len;
};

typedef void acceptor_callback(void *owner, const struct accepted *accepted);

/**
 * @param fd   taken over, unless NULL is returned.
 * @param tls  NULL for none; borrowed.
 */
struct acceptor *acceptor_create(struct turn *turn, int fd, SSL_CTX *tls,
                                 acceptor_callback *callback, void *owner);

/* What was accepted lives on.  NULL is allowed. */
void acceptor_destroy(struct acceptor *acceptor);

/* Log why a handshake has failed, if it is TLS that failed. */
void acceptor_explain(struct bufferevent *bev, const char *remote);

/* Free a bufferevent; a client of TLS is told that this is the end. */
void acceptor_hang_up(struct bufferevent *bev);

/* Free a bufferevent; the client gets to see a reset of TCP and nothing else. */
void acceptor_cut(struct bufferevent *bev);

/* Have the socket reset when it is closed. */
void acceptor_reset_on_close(evutil_socket_t fd);

#endif
