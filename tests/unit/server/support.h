/*
 * What the tests of the server's parts share: folders that go away, verbs run in process with
 * their output caught, and a peer that answers as it is told.
 */
#ifndef TESTS_UNIT_SERVER_SUPPORT_H
#define TESTS_UNIT_SERVER_SUPPORT_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "server/certs.h"
#include "server/config.h"

/* A new, empty folder; support_remove_folder() removes it with all in it and frees the name. */
char *support_make_folder(void);
void support_remove_folder(char *folder);

/* "folder/name" in memory that lives until the process ends its test: freed by the caller. */
char *support_path(const char *folder, const char *name);

void support_write(const char *path, const char *text);
/* The caller frees it. */
char *support_read(const char *path);

/* No IOTHUB_EMULATOR_ variable is set. */
void support_clear_variables(void);

/* What a run of the program gave. */
struct support_run {
    int result;
    char *out;
    char *err;
};

/* Looks at the settings that the verb `look` got. */
typedef void support_look(const struct config *config, void *ctx);

/**
 * Run the program with these arguments, NULL at the end.  Its verbs are those of the real one
 * without `run`, and `look`, which calls `look`.
 */
void support_run(struct support_run *run, support_look *look, void *ctx,
                 const char *const *arguments);
void support_run_finish(struct support_run *run);

/* A peer on a port of its own: takes one connection, reads a request, answers. */
struct support_peer {
    const char *const *parts;  /* sent one after the other; NULL at the end */
    bool holds;                /* keep the connection open until support_peer_end() */
    const struct certs *certs; /* not NULL: speak TLS */

    /* Set by support_peer_begin() and the peer. */
    int64_t port;
    int listener;
    int wakeup[2];
    pthread_t thread;
    char request[8192];
};

void support_peer_begin(struct support_peer *peer);
/* Ends the connection and the thread; `request` then holds what was asked. */
void support_peer_end(struct support_peer *peer);

/* A port that nobody listens on while `out_fd` is open. */
int64_t support_closed_port(int *out_fd);

#endif
