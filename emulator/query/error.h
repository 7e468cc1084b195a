/*
 * The first thing wrong with a query's text, as the sentence that the hub answers with.
 */
#ifndef QUERY_ERROR_H
#define QUERY_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* Only the first report counts: what comes after it is mostly its echo. */
struct query_error {
    struct slice text; /* the query */
    struct buf *out;
    bool is_set;
};

/* Report what is wrong at byte `at` of the text. */
void query_error_set(struct query_error *error, size_t at, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* How many UTF-16 code units a text has, which is how the service counts characters. */
size_t query_count_chars(struct slice text);

#endif
