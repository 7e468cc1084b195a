/*
 * The client's inside, and the one way a call goes to the hub.
 */
#ifndef SERVICE_SRC_CLIENT_H
#define SERVICE_SRC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "http/http.h"
#include "iothub/connection_string.h"
#include "iothub/service.h"
#include "service/src/operation.h"

struct iothub_service {
    struct connection_string hub;
    struct http http;
    struct clock clock;
    char *base_url; /* "https://host:443" */
    char *ca_file;
    char *user_agent;
    int timeout_ms;
    int token_lifetime_s;
    int retries;
    int retry_delay_ms;
    void (*trace)(void *ctx, const char *line);
    void *ctx;

    struct buf token; /* empty until the first call; ready-made ones are there from the start */
    int64_t token_expiry_s;

    /* Of the last call. */
    struct buf error_text;
    char *tracking_id;
    int http_status;
};

/* Drop what is noted about the last call. */
void client_forget(struct iothub_service *service);

/* Note why a call fails on this side, and hand its status back. */
enum iothub_status client_fail(struct iothub_service *service, enum iothub_status status,
                               const char *format, ...) PRINTF_LIKE(3, 4);

/* What a document must be. */
enum client_document {
    CLIENT_ANY,
    CLIENT_OBJECT,
    CLIENT_ARRAY,
};

/**
 * Check a document that the user hands in.
 * @param what  how to name it in the error text: "the patch".
 * @return IOTHUB_OK or IOTHUB_BAD_ARGUMENT.
 */
MUST_CHECK enum iothub_status client_check_json(struct iothub_service *service,
                                                const char *what, const char *text,
                                                enum client_document kind);

/* A hub that gets no etag takes a PUT for a creation, so "whatever there is" must be said. */
const char *client_etag_or_any(const char *etag);

/**
 * Do a call, repeated attempts included.
 *
 * @param out  on success a 2xx answer whose body is what the operation's row says; to be ended
 * with http_answer_finish() then, and only then.
 */
MUST_CHECK enum iothub_status client_call(struct iothub_service *service,
                                          const struct call *call, struct http_answer *out);

/* As client_call(), for callers that only want the document; `out` may be NULL. */
MUST_CHECK enum iothub_status client_call_json(struct iothub_service *service,
                                               const struct call *call, char **out);

#endif
