/*
 * HTTP, a service's and a device's: one request in, one answer out, both as plain values.
 *
 * No socket and no HTTP library is seen here.  A listener fills a struct http_request, calls
 * http_exchange_begin(), and sends the answer after the turn's commit; when the answer has to
 * wait (a direct method), the owner is woken once it is there.
 */
#ifndef GATEWAY_HTTP_GATEWAY_H
#define GATEWAY_HTTP_GATEWAY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"
#include "hub/hub.h"

struct faults;

/* Called for a header; both are borrowed. */
typedef void http_header_visit(void *ctx, struct slice name, struct slice value);

/* Borrowed until http_exchange_end(). */
struct http_request {
    struct slice method;
    struct slice path; /* as it came, still percent-encoded, without the query */
    struct slice body;
    bool is_too_large; /* the body exceeded LIMIT_HTTP_BODY_BYTES and was not kept */
    /* Decoded values; NULL data when absent.  Header names are compared without case. */
    struct slice (*header)(const void *source, const char *name);
    struct slice (*argument)(const void *source, const char *name);
    /* All headers in their order; may be NULL. */
    void (*each_header)(const void *source, http_header_visit *visit, void *ctx);
    /* The client's certificate, borrowed likewise; NULL without one.  May itself be NULL. */
    const struct hub_certificate *(*certificate)(const void *source);
    const void *source;
    struct faults *faults; /* that devices have asked for; NULL when they may not, fault.h */
};

struct http_header {
    const char *name;
    char *own_name; /* the same, unless it is a constant */
    struct buf value;
};

struct http_answer {
    int status;
    struct buf body;
    const char *content_type; /* NULL without a body */
    bool is_stream;           /* more follows: what is in `body` is its next part,
                                 http_exchange_continue() */
    struct http_header *headers;
    size_t n_headers;
    size_t headers_room;
};

struct http_exchange {
    struct http_answer answer;
    bool is_done;

    void (*wake)(
        void *owner); /* is_done has become true after http_exchange_begin() returned */
    void *owner;

    /* The gateway's own. */
    struct hub *hub;
    struct http_request request;
    uint64_t call;                 /* the method call it waits for */
    uint64_t file;                 /* the request about a file that it waits for */
    struct event_reading *reading; /* of the log of events; owned */
    struct hub_query_run *query;   /* that it waits for */
    bool has_begun;
};

/**
 * Answer a request, now or later.
 * @param exchange  {0} with wake and owner set.
 */
void http_exchange_begin(struct http_exchange *exchange, struct hub *hub,
                         const struct http_request *request);

/**
 * The part of a stream that was in the answer's body is sent: wait for the next.  is_done is
 * false until `wake` is called.  A part that is empty ends the stream.
 */
void http_exchange_continue(struct http_exchange *exchange);

/* Free it; a client that went away no longer waits for a method's answer. */
void http_exchange_end(struct http_exchange *exchange);

#endif
