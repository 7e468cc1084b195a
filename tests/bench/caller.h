/*
 * An HTTP client on a load loop: one kept-alive connection, one request at a time, and of the
 * answer no more is looked at than its status and its length.
 */
#ifndef BENCH_CALLER_H
#define BENCH_CALLER_H

#include "bench/load.h"
#include "bench/server.h"

struct caller {
    struct load_link link;
    void (*answered)(struct caller *caller, struct slice body);
    void *ctx;
    struct buf head; /* what all requests have after their first line */
};

/* Requests will be signed by the hub's owner. */
void caller_open(struct caller *caller, struct load *load, const struct server *hub);

/* Any status but 200 ends the program. */
void caller_send(struct caller *caller, const char *verb, const char *path, struct slice body);
void caller_close(struct caller *caller);

#endif
