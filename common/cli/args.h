/*
 * The words of a command line, told apart: options with their values, and the rest.
 *
 * Where an option's value ends and an argument begins depends on the tables only: the verb need
 * not be known yet.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "cli/cli.h"

enum arg_kind {
    ARG_END,
    ARG_WORD, /* no option: part of the verb, or its argument */
    ARG_OPTION,
    ARG_HELP,
    ARG_VERSION,
    ARG_UNKNOWN,
    ARG_NEEDS_VALUE,
    ARG_TAKES_NO_VALUE,
};

/* Everything in it is borrowed from argv and the tables. */
struct arg {
    enum arg_kind kind;
    const struct cli_option *option;
    struct slice name; /* of an option as typed, without dashes and value */
    bool is_letter;    /* "-x" */
    bool is_negated;   /* "--no-name" */
    char *text;        /* the word, or the option's value; NULL for a flag */
};

struct args {
    const struct cli_program *program;
    const struct cli_verb *verb; /* whose options are known; NULL: those of all verbs */
    int argc;
    char **argv;
    int at;
    char *letters; /* the rest of "-abc"; NULL outside of it */
    bool is_past_options;
};

void args_init(struct args *args, const struct cli_program *program,
               const struct cli_verb *verb, int argc, char **argv);

/* The next piece; ARG_END from the end on. */
struct arg args_next(struct args *args);

/* An option by its long name, among those of the verb and of all verbs; NULL when there is
 * none. */
const struct cli_option *args_find_name(const struct cli_program *program,
                                        const struct cli_verb *verb, struct slice name);

/* Likewise by its letter. */
const struct cli_option *args_find_letter(const struct cli_program *program,
                                          const struct cli_verb *verb, char letter);

/* The option as it was typed: "--name" or "-x". */
void arg_put_name(struct buf *out, const struct arg *arg);

#endif
