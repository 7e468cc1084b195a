/*
 * Running iothub-service as its user does.
 */
#ifndef TESTS_UNIT_SERVICE_PROGRAM_H
#define TESTS_UNIT_SERVICE_PROGRAM_H

#include <sys/types.h>

#include "unit/service/fake_hub.h"

#define PROGRAM_KEY  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PROGRAM_HOST "hub.localtest.example"

/* What a run left behind; {0} is empty. */
struct program_run {
    int exit_code; /* -1 when a signal ended it */
    char *out;
    char *err;
};

/**
 * Run the program against a hub on this machine, and wait for its end.
 * @param hub        where it finds its hub; NULL: no connection options are added.
 * @param input      its stdin; NULL: nothing.
 * @param arguments  up to a NULL.
 */
void program_run(struct program_run *run, const struct fake_hub *hub, const char *input,
                 const char *const *arguments);

void program_run_finish(struct program_run *run);

/* The running program's process; 0 when none runs.  May be asked from a hub's handler. */
pid_t program_pid(void);

/* Fails the test, showing both streams, unless the run ended with that code. */
void program_expect_code(const struct program_run *run, int exit_code);

/* Fails the test unless the text holds the part. */
void program_expect_part(const char *text, const char *part);

#define RUN(run, hub, ...) \
    program_run((run), (hub), NULL, (const char *const[]){__VA_ARGS__, NULL})

#endif
