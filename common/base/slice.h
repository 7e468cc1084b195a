/*
 * A borrowed run of bytes.
 *
 * Everything that comes from a peer travels as a slice: no terminating NUL is assumed and
 * nothing is copied.  A slice never owns its bytes; its lender says how long they live.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"

struct slice {
    const char *data;
    size_t len;
};

/* A string literal as a slice, usable in static tables. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

/* For printf's "%.*s". */
#define SLICE_ARG(s) (int)(s).len, (s).data

static inline struct slice slice_make(const char *data, size_t len)
{
    return (struct slice){data, len};
}

/* NULL becomes the empty slice. */
static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

static inline struct slice slice_between(const char *begin, const char *end)
{
    return (struct slice){begin, (size_t)(end - begin)};
}

/* Everything from `at` on; empty when `at` is past the end. */
struct slice slice_from(struct slice s, size_t at);

bool slice_equal(struct slice a, struct slice b);
bool slice_equal_text(struct slice a, const char *text);
/* ASCII letters only; ids are compared with slice_equal. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_starts_with(struct slice s, struct slice prefix);
bool slice_starts_with_nocase(struct slice s, struct slice prefix);
bool slice_ends_with(struct slice s, struct slice suffix);

/* Orders as memcmp does, the shorter of equal prefixes first. */
int slice_compare(struct slice a, struct slice b);

/* Index of the first `c`, or s.len. */
size_t slice_find(struct slice s, char c);

/*
 * Take the part before the first `separator` off the front of *rest.
 * @return false when nothing is left; "a,,b" yields "a", "" and "b", and "" yields nothing.
 */
bool slice_next(struct slice *rest, char separator, struct slice *out);

struct slice slice_trim(struct slice s);

/* Decimal, optional sign, nothing else around it, in range of int64_t. */
MUST_CHECK bool slice_to_i64(struct slice s, int64_t *out);

/* A NUL-terminated copy that the caller frees. */
char *slice_dup(struct slice s);

/* FNV-1a, for our hash tables' keys where uthash's own does not fit. */
uint64_t slice_hash(struct slice s);

#endif
