/*
 * A back end that speaks HTTP request by request, on the plain port, so that many requests can
 * share a connection, and one can be left unfinished.
 */
#ifndef E2E_HTTP_PEER_H
#define E2E_HTTP_PEER_H

#include <stdbool.h>

#include "e2e/emulator.h"
#include "e2e/line.h"

struct http_peer {
    struct line line;
    size_t n_read;   /* of line.in, by the reply lent last */
    struct buf head; /* what every request says: host and authorization */
};

struct http_reply {
    int status;
    struct slice head; /* status line and headers */
    struct slice body;
};

void http_peer_open(struct http_peer *peer, const struct emulator *e);
void http_peer_close(struct http_peer *peer);

/*
 * Send a request and do not wait.  The path is without the api-version; `body` may be NULL.
 * @return false when the connection is gone.
 */
bool http_peer_send(struct http_peer *peer, const char *method, const char *path,
                    const char *body);

/* Take the next reply if it is there; as below. */
bool http_peer_look(struct http_peer *peer, struct http_reply *out);

/* Wait for the next reply, which lives until the next call; false when the connection ended. */
bool http_peer_receive(struct http_peer *peer, struct http_reply *out);

/* Both, and the status must be this. */
void http_peer_ask(struct http_peer *peer, const char *method, const char *path,
                   const char *body, int status);

#endif
