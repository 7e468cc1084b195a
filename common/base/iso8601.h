/*
 * Times as texts, ISO 8601 in UTC.  Times are milliseconds since 1970 (at_ms).
 */
#ifndef BASE_ISO8601_H
#define BASE_ISO8601_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/slice.h"

/* Long enough for every text below and its NUL. */
#define ISO8601_MAX 40

/* The hub's "never": 0001-01-01T00:00:00Z. */
#define ISO8601_NEVER_MS (-62135596800000LL)

/* REST form: trailing zeros of the fraction dropped, "2020-07-28T22:17:23.785Z". */
const char *iso8601_format(char out[ISO8601_MAX], int64_t at_ms);

/* .NET round-trip form with exactly seven fractional digits, "2020-07-28T22:17:23.7850000Z". */
const char *iso8601_format_seven(char out[ISO8601_MAX], int64_t at_ms);

/*
 * Date and time, separated by 'T', 't' or a blank; 0 to 9 fractional digits (cut to
 * milliseconds); 'Z', an offset "+hh:mm" or nothing, which means UTC.
 */
MUST_CHECK bool iso8601_parse(struct slice text, int64_t *out_at_ms);

#endif
