/*
 * JSON beyond what jansson gives: texts that are written, cut and joined without a tree.
 *
 * The hub relays numbers, member order and date-like strings as they were sent, so documents
 * travel as text wherever nobody needs to look inside.
 */
#ifndef IOTHUB_JSON_H
#define IOTHUB_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* Nested deeper than this is refused before jansson sees it. */
#define JSON_DEPTH_MAX 100

/*
 * `text` in quotes, escaped as RFC 8259 asks.  Invalid UTF-8 becomes U+FFFD, and so does NUL:
 * it could be escaped, but neither json_parse() nor any other reader on C strings would take
 * it.
 */
void json_put_string(struct buf *out, struct slice text);

/* As json_put_string; NULL data writes null. */
void json_put_string_or_null(struct buf *out, const char *text);

/*
 * A double in the shortest form that reads back as the same value, and as a real: 21.5, 1.0,
 * 1e300. jansson itself would print 0.1 as 0.10000000000000001.
 */
void json_put_real(struct buf *out, double value);

/* A tree in compact form, members in their order. */
void json_put(struct buf *out, const json_t *value);

/* The same as a text the caller frees. */
char *json_text(const json_t *value);

/**
 * Parse any JSON value from bytes: UTF-8, nothing after it, at most JSON_DEPTH_MAX deep.
 *
 * Numbers may have any size, as RFC 8259 allows.  In the tree one that has no room in 64 bits
 * is the nearest double: what has to keep it keeps the text.
 * @param error  receives a sentence with line and column; may be NULL.
 * @return NULL when it is not JSON; else a new reference.
 */
json_t *json_parse(struct slice text, struct buf *error);

/*
 * The same for documents with bounds on numbers: one that has no room in 64 bits is the largest
 * or the smallest integer, which is out of all bounds too.
 */
json_t *json_parse_clamped(struct slice text, struct buf *error);

/*
 * What jansson found wrong, without the piece of text that it quotes: that may be a key.
 * Borrowed from the failure.
 */
struct slice json_failure_reason(const json_error_t *failure);

/* Typed look-ups; the member must exist and have the type.  Borrowed from the tree. */
struct slice json_string_slice(const json_t *value); /* empty unless a string */

/* A member by name without regard to ASCII case, as the hub reads bodies; NULL when absent. */
json_t *json_get_nocase(const json_t *object, const char *name);

#endif
