/*
 * One HTTP exchange over a kept-alive connection: libcurl behind a small face.
 *
 * Knows nothing of hubs but the few headers it keeps.  Every wait can be interrupted.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"
#include "iothub/status.h"

/* Names and limits are fixed when the client is made; the texts are borrowed for its life. */
struct http {
    CURL *easy;
    CURLM *multi;
    struct curl_slist *connect_to; /* NULL unless the address is overridden */
    const char *ca_file;
    bool keeps_system_cas;        /* beside ca_file, not instead of it */
    const char *certificate_file; /* PEM, shown to servers that ask; NULL: none */
    const char *key_file;
    const char *user_agent;
    size_t max_answer_bytes;
    bool is_direct; /* never by the proxy that the environment names */
    bool (*interrupted)(void *ctx);
    void *ctx;
    char why[CURL_ERROR_SIZE]; /* libcurl's own words on the last failure */
};

/* A request's header lines.  {0} is empty. */
struct http_headers {
    struct curl_slist *lines;
    bool failed; /* there was no memory for one of them */
};

void http_headers_add(struct http_headers *headers, const char *name, const char *value);

/* Keep libcurl from adding a header of that name by itself. */
void http_headers_forbid(struct http_headers *headers, const char *name);

/* NULL and {0} are allowed. */
void http_headers_finish(struct http_headers *headers);

/* Whether a text can stand in a header's value: no line ends, no control characters. */
bool http_is_header_text(const char *text);

struct http_request {
    const char *verb;
    const char *url;
    const struct http_headers *headers; /* borrowed */
    const char *body;                   /* borrowed; NULL: none */
    size_t body_len;
    bool is_fresh; /* never over a connection that was used before */
    int64_t timeout_ms;
};

/* Texts are owned and NULL when the header is missing. */
struct http_answer {
    int status; /* 0: none came */
    struct buf body;
    char *error_code;
    char *item_type;
    char *continuation;
    char *request_id;
    char *etag;
    char *command_status; /* of a digital twin's command: the device's own */
    int64_t retry_after_s;
    bool was_sent; /* the hub may have seen the request */
};

/**
 * To be called once for each http_init(), before it; libcurl counts.
 */
void http_begin_use(void);
void http_end_use(void);

/* A hub on this machine, or one whose address is given, is not behind anybody's proxy. */
bool http_is_direct(const char *host, const char *address);

/**
 * @param address  a name or an address, IPv6 with or without brackets; NULL: no override.
 * @return false when libcurl cannot be set up.
 */
MUST_CHECK bool http_init(struct http *http, const char *address);

/* {0} and NULL are allowed. */
void http_finish(struct http *http);

/**
 * Send a request and wait for the whole answer.
 *
 * @param out    always to be ended with http_answer_finish(); what came before a failure is in
 * it.
 * @param error  receives a sentence on failure.
 * @return IOTHUB_OK for every complete answer, whatever its status; IOTHUB_CONNECTION_FAILED;
 *         IOTHUB_TLS_FAILED; IOTHUB_TIMED_OUT; IOTHUB_INTERRUPTED; IOTHUB_UNEXPECTED_ANSWER
 *         (too long, or no HTTP).
 */
MUST_CHECK enum iothub_status http_exchange(struct http *http,
                                            const struct http_request *request,
                                            struct http_answer *out, struct buf *error);

/**
 * Wait without doing anything.
 * @return false when interrupted.
 */
MUST_CHECK bool http_pause(struct http *http, int64_t ms);

/* NULL and {0} are allowed. */
void http_answer_finish(struct http_answer *answer);

#endif
