/*
 * Requests on a listener's desk: from their first byte until their answer is sent.
 *
 * A handler never answers directly: a request is parked while its turn is under way, and after
 * the commit its connection is resumed, whereupon libmicrohttpd calls the handler again, which
 * then queues the response.  Resuming makes the library read the connection's next request,
 * which parks in turn.  An answer that streams parks again whenever a part of it was sent.
 */
#ifndef SERVER_HTTP_DESK_H
#define SERVER_HTTP_DESK_H

#include <microhttpd.h>
#include <stdbool.h>

#include "server/turn.h"

struct http_parked;
struct tls_relays;

/* Embedded in a listener; {0} with a turn is an empty desk. */
struct http_desk {
    struct turn *turn;
    struct tls_relays *relays;    /* through which clients come; NULL: they come directly */
    struct turn_timer timer;      /* when the library is to be run, whatever its sockets say */
    struct http_parked *parked;   /* all that are suspended */
    struct http_parked *answered; /* those of them that may go on */
    bool is_ending;               /* requests that are not parked yet are refused */
};

/* For libmicrohttpd, with the desk as their context. */
void *http_desk_on_line(void *ctx, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_desk_on_request(void *ctx, struct MHD_Connection *connection,
                                     const char *url, const char *method, const char *version,
                                     const char *data, size_t *len, void **state);
void http_desk_on_completed(void *desk, struct MHD_Connection *connection, void **state,
                            enum MHD_RequestTerminationCode why);

/* Let the library go on with what is answered. */
void http_desk_resume(struct http_desk *desk);

/* Answer all that wait with 503, end all streams, and take no more. */
void http_desk_end(struct http_desk *desk);

#endif
