/*
 * A small program, and a way to run it with its output caught.
 */
#ifndef TESTS_UNIT_CLI_SAMPLE_H
#define TESTS_UNIT_CLI_SAMPLE_H

#include <stddef.h>
#include <stdio.h>

#include "cli/cli.h"

/*
 * "probe": every type of option, verbs of one and two words, no verb that runs by itself.
 *
 * A verb prints its values and arguments on one line, in the order name, port, timeout, output,
 * verbose, properties, arguments: "ada 8883 500 0 0 [a,b] (x)".  An absent name is "-".
 * "read" prints that line with "(*)" at its end, reads its argument as the configuration file,
 * complains about an error, and prints the line again.
 */
extern const struct cli_program sample_program;

/* A part of it, with "send" as the verb for a line that has none. */
extern const struct cli_program sample_standard_program;

/* How often the program's finish function was called. */
extern size_t sample_n_finished;

struct outcome {
    int code;
    char *out;
    char *err;
};

/*
 * Run with a line that is split at its blanks, as a shell does it: 'a b' and '' are one word.
 * outcome_finish() ends the outcome.
 */
struct outcome run_line(const struct cli_program *program, const char *line);

/* The same with a file, which is closed, in the place of stdout. */
struct outcome run_line_to(FILE *out, const struct cli_program *program, const char *line);

void outcome_finish(struct outcome *outcome);

#endif
