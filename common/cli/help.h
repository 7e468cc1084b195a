/*
 * The help texts, all made from the tables.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "base/buf.h"
#include "cli/cli.h"

/* Columns for text on this stream: a terminal's own width up to 100, else 80. */
size_t help_width(FILE *stream);

void help_put_program(struct buf *out, const struct cli_program *program, size_t width);

/* The verbs whose first word is `group`. */
void help_put_group(struct buf *out, const struct cli_program *program, const char *group,
                    size_t width);

void help_put_verb(struct buf *out, const struct cli_program *program,
                   const struct cli_verb *verb, size_t width);

#endif
