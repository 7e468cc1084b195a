/*
 * The service's side of a test: requests as a listener would hand them in, and their answers.
 */
#ifndef TESTS_HUB_SERVICE_H
#define TESTS_HUB_SERVICE_H

#include "gateway/http_gateway.h"
#include "hub/fixture.h"

#define API_VERSION "api-version=2021-04-12"

/* All texts are borrowed until the answer is there. */
struct ask {
    const char *method;
    const char *path;  /* as it stands in the request line */
    const char *query; /* NULL: the api-version; "&x=y": that behind it; else the whole query */
    const char *body;  /* NULL: none */
    const char *token; /* NULL: one of iothubowner; "": no header */
    const char *if_match;
    const char *max_items;
    const char *continuation;
    const char *accept;
    const char *last_event_id;
    bool is_too_large;
};

struct reply {
    int status;
    json_t *json; /* NULL when the body is empty or no JSON */
    const char *text;
    struct http_exchange exchange;
};

/* A request whose answer may have to wait. */
struct pending {
    struct fixture *f;
    struct ask ask;
    char *arguments;
    struct http_exchange exchange;
    bool was_woken;
};

void pending_begin(struct pending *p, struct fixture *f, const struct ask *asked);
/* The answer, which must be there; it stays until reply_end(). */
struct reply pending_take(struct pending *p);
/* The client goes away without an answer. */
void pending_drop(struct pending *p);

void reply_end(struct reply *reply);

/* A request that is answered in its turn. */
struct reply ask(struct fixture *f, const struct ask *asked);

/* The same, which must have this status; its JSON is a new reference. */
json_t *ask_json(struct fixture *f, int status, const struct ask *asked);

/* The owner's request with the api-version added; its JSON (or NULL) is a new reference. */
json_t *rest(struct fixture *f, int status, const char *method, const char *path,
             const char *body);

/* As rest(), when the JSON is of no interest.  The body has ' for ". */
void rest_done(struct fixture *f, int status, const char *method, const char *path,
               const char *body);

/* NULL when the answer has no such header. */
const char *reply_header(struct reply *reply, const char *name);

/* Checks status, header and envelope of an error, and ends the reply. */
void expect_error(struct reply reply, enum iothub_status status);
/* The same of the form that methods answer with. */
void expect_nested_error(struct reply reply, enum iothub_status status);

/* Ask, and expect an error. */
void ask_fails(struct fixture *f, enum iothub_status status, const struct ask *asked);
/* As ask_fails() with rest()'s arguments. */
void rest_fails(struct fixture *f, enum iothub_status status, const char *method,
                const char *path, const char *body);

/* ---- making things ---------------------------------------------------------------------- */

/* A device "d" or a module "d/m" with KEY_FIRST and KEY_SECOND. */
void make(struct fixture *f, const char *id);

/* Many devices, "prefix0000" and on. */
void make_many(struct fixture *f, const char *prefix, int n);

/* Write a device's or module's tags and desired properties: a body with ' for ". */
void patch_twin(struct fixture *f, const char *id, const char *body);

/* What a device or module reports. */
void report(struct fixture *f, const char *id, const char *patch);

json_t *get_twin(struct fixture *f, const char *id);
json_t *get_identity(struct fixture *f, const char *id);

#endif
