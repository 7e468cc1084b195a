/*
 * What `send` sends: one text over and over, or stdin line by line as it comes.
 */
#ifndef DEVICE_CLI_SOURCE_H
#define DEVICE_CLI_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* {0} is empty; end it with source_finish(). */
struct source {
    int fd; /* lines are read from here; -1: there is one text */
    bool is_at_end;
    struct buf text;   /* the one text, or what was read and not taken */
    size_t n_taken;    /* bytes of it that the last line took */
    int64_t n_repeats; /* of the one text, still to come */
};

/* Messages longer than this cannot be sent. */
#define SOURCE_MAX_BYTES ((size_t)1024 * 1024)

/* One text, n_repeats times; copied. */
void source_of_text(struct source *source, struct slice text, int64_t n_repeats);

/* The lines of a descriptor, which is not closed. */
void source_of_lines(struct source *source, int fd);

/*
 * Read what has come.
 * @return 0; a negative errno; -EMSGSIZE for a line that is too long.
 */
MUST_CHECK int source_read(struct source *source);

/*
 * Take the next message, valid until the next call.
 * @return false when there is none now; source_is_done() tells whether there will be one.
 */
MUST_CHECK bool source_next(struct source *source, struct slice *out);

bool source_is_done(const struct source *source);

void source_finish(struct source *source);

#endif
