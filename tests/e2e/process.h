/*
 * A child process: its output is kept, and waiting for a line of it has a deadline.
 *
 * A check that fails prints what the process has written.  Builds with sanitizers are told to
 * end with a code of their own, which fails the test wherever it is seen, so leaks count.
 */
#ifndef E2E_PROCESS_H
#define E2E_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "e2e/scene.h"

enum process_stream {
    PROCESS_OUT,
    PROCESS_ERR,
    PROCESS_STREAMS,
};

/* Owned by the scene. */
struct process {
    struct scene *scene;
    char *title; /* the command line, for messages */
    pid_t pid;
    int input;                   /* its standard input; -1 when there is none */
    int output[PROCESS_STREAMS]; /* -1 after its end */
    struct buf text[PROCESS_STREAMS];
    size_t seen[PROCESS_STREAMS]; /* up to where process_wait_for() has looked */
    bool is_stopped;              /* by SIGSTOP */
    bool is_over;
    int code; /* its exit code, or 128 + the signal that ended it */
    struct process *next;
};

/* A list of texts with its end. */
#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct process_plan {
    const char *program;
    const char *const *arguments; /* NULL at the end */
    const char *const *variables; /* "NAME=value", NULL at the end; or NULL */
    bool has_input;               /* a pipe that process_write() fills; else /dev/null */
    size_t n_descriptors;         /* the most it may have open; 0: as many as we */
    bool lacks_port_right;        /* may not listen on ports below 1024, even as root */
};

/*
 * Start it.  Its environment is PATH, HOME (the scene's folder), what sanitizers need, and the
 * variables of the plan.
 */
struct process *process_start(struct scene *scene, const struct process_plan *plan);

/* Wait until the text has come behind what was waited for before. */
void process_wait_for(struct process *process, enum process_stream stream, const char *text);

/* All that was written so far. */
const char *process_text(struct process *process, enum process_stream stream);

/* Whether all that was written so far has the text. */
bool process_says(struct process *process, enum process_stream stream, const char *text);

/* How many lines were written so far. */
size_t process_n_lines(struct process *process, enum process_stream stream);

void process_write(struct process *process, const char *text);
void process_end_input(struct process *process);

void process_signal(struct process *process, int number);

/* SIGCONT, if it was stopped: one too many would disturb a leak check at the process's end. */
void process_go_on(struct process *process);

/* Wait for its end; SIGKILL is not waited for but sent by process_kill(). */
int process_end(struct process *process);

/* Wait for its end with this exit code. */
void process_end_with(struct process *process, int code);

/* End it without asking. */
void process_kill(struct process *process);

/*
 * Whether it ended by a sanitizer's word, which is then printed; for the scene's teardown.
 * Waits at most until the moment, then kills it, which is a failure too.
 */
bool process_ends_well(struct process *process, int64_t until_ms);

void process_destroy(struct process *process);

#endif
