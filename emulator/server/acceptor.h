/*
 * A listening socket whose connections come as bufferevents, with TLS or without.
 */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include <event2/bufferevent.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/slice.h"
#include "iothub/limits.h"
#include "server/turn.h"

struct acceptor;

/* How long a client may take for the handshake of TLS. */
#define ACCEPTOR_HANDSHAKE_MS (TLS_HANDSHAKE_S * 1000)

/*
 * The callee gives the place back when the connection ends (admission_give_back).  With TLS the
 * handshake is still to come: BEV_EVENT_CONNECTED tells of its end.
 */
struct accepted {
    evutil_socket_t fd;
    struct bufferevent *bev; /* becomes the callee's; freeing it closes the socket.  NULL where
                                just the socket was wanted, which then becomes the callee's */
    const struct sockaddr *address;
    socklen_t address_len;
};

typedef void acceptor_callback(void *owner, const struct accepted *accepted);

struct acceptor_wish {
    SSL_CTX *tls; /* NULL for none; borrowed */
    bool is_bare; /* the callee wants sockets, not bufferevents; without TLS only */
    enum admission_kind kind;
    struct slice farewell; /* what a client hears that is turned away; without TLS only */
    acceptor_callback *callback;
    void *owner;
};

/* @param fd  taken over, unless NULL is returned. */
struct acceptor *acceptor_create(struct turn *turn, int fd, const struct acceptor_wish *wish);

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
