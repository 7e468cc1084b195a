/*
 * One HTTP/1.1 request to an emulator on this machine.
 */
#ifndef SERVER_LOCAL_REQUEST_H
#define SERVER_LOCAL_REQUEST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"
#include "server/local_socket.h"

/* A larger answer is refused. */
#define LOCAL_HEAD_MAX ((size_t)16 * 1024)
#define LOCAL_BODY_MAX ((size_t)1024 * 1024)

struct local_request {
    const char *host;          /* for the Host field, without a port */
    const char *path;          /* with its query, encoded */
    const char *authorization; /* NULL for none */
};

/* End it with local_answer_finish(); {0} is empty. */
struct local_answer {
    int status;
    struct buf body;
};

/**
 * Send a GET and wait for the whole answer.
 * @param error  receives one line when there is none: not connected, too late, too large, not
 * HTTP.
 * @param out    written on success only, whatever the status.
 */
MUST_CHECK bool local_get(const struct local_target *target,
                          const struct local_request *request, struct buf *error,
                          struct local_answer *out);

void local_answer_finish(struct local_answer *answer);

#endif
