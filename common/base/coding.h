/*
 * Text codings: percent (RFC 3986), base64 (RFC 4648 section 4), hex.
 */
#ifndef BASE_CODING_H
#define BASE_CODING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* Everything but the unreserved characters A-Z a-z 0-9 - . _ ~ becomes %XX (upper case). */
void percent_encode(struct buf *out, struct slice text);

/*
 * %XX in either case; '+' stays '+'; a '%' that no two hex digits follow stays as it is,
 * as every SDK's decoder does.
 */
void percent_decode(struct buf *out, struct slice text);

/* With padding, no line breaks. */
void base64_encode(struct buf *out, const void *data, size_t len);

/*
 * Strict: the standard alphabet, right padding, nothing else.
 * @return false and nothing appended when the text is not base64 or the buffer is full.
 */
MUST_CHECK bool base64_decode(struct buf *out, struct slice text);

/* Lower-case hex. */
void hex_encode(struct buf *out, const void *data, size_t len);

/* -1 when c is no hex digit. */
int hex_digit(char c);

#endif
