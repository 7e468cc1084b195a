/*
 * Many connections from one thread, made to cost little beside what they measure.
 *
 * Reading is edge-triggered into one buffer that all connections share; what is written is
 * gathered and sent once a round of the loop.  A connection that fails ends the program: there
 * is nothing to be measured then.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct load_link;

struct load {
    int epoll;
    SSL_CTX *tls;
    char *in;
    bool is_done;
    struct load_link *dirty;
};

struct load_link_ops {
    /* Eat whole packets off the front; how many bytes that were. */
    size_t (*take)(struct load_link *link, struct slice in);
};

/* What speaks a protocol embeds one, and writes into `out`, followed by load_link_send(). */
struct load_link {
    struct load *load;
    const struct load_link_ops *ops;
    int fd;
    SSL *ssl;
    bool is_up; /* connected, TLS included */
    bool is_dirty;
    struct buf out;
    struct buf rest; /* the beginning of a packet */
    struct load_link *next_dirty;
};

void load_init(struct load *load);
void load_finish(struct load *load);

/**
 * Run until load->is_done, which is then cleared, or until end_us.
 * @return whether it was done.
 */
bool load_run(struct load *load, int64_t end_us);
/* The same, but the program ends when it is not done within a minute. */
void load_await(struct load *load, const char *what);

/* Begin to connect to a port of 127.0.0.1; what is in `out` leaves as soon as that stands. */
void load_link_open(struct load_link *link, struct load *load, const struct load_link_ops *ops,
                    int port, bool is_tls);
void load_link_send(struct load_link *link);
/* NULL and {0} are allowed. */
void load_link_close(struct load_link *link);

#endif
