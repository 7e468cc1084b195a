/*
 * An HTTP server in the test's own process that records requests and plays scripted answers.
 *
 * It listens on a free port of the loopback interface and answers on a thread of its own, one
 * request at a time.  Requests beyond the script get the answer of a handler, or else 500.
 */
#ifndef TESTS_UNIT_SERVICE_FAKE_HUB_H
#define TESTS_UNIT_SERVICE_FAKE_HUB_H

#include <stdbool.h>
#include <stddef.h>

#define FAKE_HUB_HEADERS 6

enum fake_manner {
    FAKE_WHOLE,
    FAKE_CHUNKED, /* without a length, a few bytes at a time */
    FAKE_CLOSE,   /* no answer: the connection is closed */
    FAKE_SILENT,  /* no answer until the server stops */
};

struct fake_answer {
    int status;
    enum fake_manner manner;
    const char *body; /* NULL: none */
    size_t n_filler;  /* instead of a body: a JSON string of this many letters */
    const char *headers[FAKE_HUB_HEADERS]; /* "name: value" */
};

/* Texts live until the hub is stopped. */
struct fake_request {
    char *method;
    char *target; /* as it stood in the request line */
    char *body;
    char *headers; /* "name: value" lines */
    int peer_port; /* tells connections apart */
};

struct fake_hub;

struct fake_hub *fake_hub_start(void);

/* The same with TLS; both texts are PEM. */
struct fake_hub *fake_hub_start_tls(const char *certificate, const char *key);

/* Also ends answers that were kept silent. */
void fake_hub_stop(struct fake_hub *hub);

int fake_hub_port(const struct fake_hub *hub);

/* Play these, borrowed, from now on, one a request. */
void fake_hub_script(struct fake_hub *hub, const struct fake_answer *answers, size_t n_answers);

/*
 * Ask a function instead, when the script is over.  The answer's body may be a text that the
 * function keeps until it is called again.
 */
void fake_hub_handle(struct fake_hub *hub,
                     void (*handle)(void *ctx, const struct fake_request *request,
                                    struct fake_answer *answer),
                     void *ctx);

size_t fake_hub_n_requests(struct fake_hub *hub);

/* The i-th request since the start; NULL when there were not so many. */
const struct fake_request *fake_hub_request(struct fake_hub *hub, size_t i);

/* A request's header, name without case; NULL when it is missing.  Valid until the next call.
 */
const char *fake_request_header(const struct fake_request *request, const char *name);

#endif
