/*
 * The options of one verb: the program's and its own, and their values from all sources.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"
#include "cli/args.h"
#include "cli/cli.h"

size_t options_count(const struct cli_program *program, const struct cli_verb *verb);

/* The verb's own come first. */
const struct cli_option *options_at(const struct cli_program *program,
                                    const struct cli_verb *verb, size_t i);

/**
 * Fill a zeroed values structure from the command line, the environment, the file and the
 * defaults, the first that names an option winning.
 * @param call   its program, verb, values, argc and argv are used.
 * @param file   NULL for none.
 * @param error  receives what is wrong, without the program's name.
 * @return false when something is wrong; the structure then has to be freed all the same.
 */
MUST_CHECK bool options_read(const struct cli_call *call, const json_t *file,
                             struct buf *error);

/* Free the texts and lists inside the structure, and leave them empty. */
void options_finish(const struct cli_program *program, const struct cli_verb *verb,
                    void *values);

/**
 * "unknown option '--foo'; did you mean '--for'?"
 * @param verb  the one that was typed; NULL when none is known.
 */
void options_explain_unknown(struct buf *out, const struct cli_program *program,
                             const struct cli_verb *verb, const struct arg *arg);

/* The verb for a line that has none; NULL when the program names none. */
const struct cli_verb *options_standard_verb(const struct cli_program *program);

/* End the process with a line on stderr when the tables contradict themselves. */
void options_check_tables(const struct cli_program *program);

#endif
