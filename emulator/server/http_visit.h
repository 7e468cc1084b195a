/*
 * What is known of an HTTP client's connection besides its requests: the certificate it has
 * shown, and until when it has to say its request or to take its answer.
 *
 * libmicrohttpd ends connections that are silent; one that says or takes a byte now and then
 * would stay for ever.
 */
#ifndef SERVER_HTTP_VISIT_H
#define SERVER_HTTP_VISIT_H

#include <stddef.h>

#include "hub/hub.h"
#include "server/turn.h"

struct http_visit {
    struct turn *turn;
    struct turn_timer timer;
    struct hub_certificate *certificate; /* NULL: none was shown; owned */
    int fd;                              /* of the library's connection; -1 before it has one */
    int64_t allowed_ms;                  /* until when the request under way has to be whole */
    bool is_upgraded;
};

/* @param certificate  taken over; NULL for none. */
struct http_visit *http_visit_create(struct turn *turn, struct hub_certificate *certificate);
void http_visit_destroy(struct http_visit *visit);

/* The library has taken the connection. */
void http_visit_begin(struct http_visit *visit, int fd);

/* The first line of a request is there; so many bytes of its body; all of it. */
void http_visit_hear(struct http_visit *visit);
void http_visit_hear_body(struct http_visit *visit, size_t len);
void http_visit_heard(struct http_visit *visit);

/* An answer, or a part of one, is on its way; it was taken. */
void http_visit_answer(struct http_visit *visit);
void http_visit_answered(struct http_visit *visit);

/* It is no HTTP any more. */
void http_visit_upgrade(struct http_visit *visit);

#endif
