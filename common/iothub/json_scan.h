/*
 * Looking into JSON text without building a tree.
 *
 * Twins are stored as text and most questions about them touch one path: scanning to it costs
 * neither an allocation nor a copy.  Every text given here must have passed json_parse() once;
 * on anything else these calls answer something, but never read outside the slice.
 */
#ifndef IOTHUB_JSON_SCAN_H
#define IOTHUB_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

enum json_scan_type {
    JSON_SCAN_NULL,
    JSON_SCAN_FALSE,
    JSON_SCAN_TRUE,
    JSON_SCAN_NUMBER,
    JSON_SCAN_STRING,
    JSON_SCAN_ARRAY,
    JSON_SCAN_OBJECT,
};

/* What kind of value a raw text is, told by its first character. */
enum json_scan_type json_scan_type(struct slice raw);

/*
 * Cut the value at the front of *rest off, white space around it dropped.
 * @return false when there is none.
 */
MUST_CHECK bool json_scan_value(struct slice *rest, struct slice *raw);

/*
 * The raw text of an object's member, compared with escapes resolved; of repeated ones the last
 * counts, as in jansson.
 * @return false when `object` is no object or has no such member.
 */
MUST_CHECK bool json_scan_member(struct slice object, struct slice name, struct slice *raw);

/*
 * The raw text at a path of names below `document`; without names the document's own value.
 *
 * Of repeated names the first counts, which is what makes it fast: it stops where it finds its
 * value.  In texts written from a tree, as all stored ones are, names are unique.
 * @return false when a step is missing or leads through something that is no object.
 */
MUST_CHECK bool json_scan_path(struct slice document, const struct slice *names, size_t n_names,
                               struct slice *raw);

/* A place inside an array or an object, set by json_scan_open(). */
struct json_scan {
    struct slice rest;
};

/* Start walking a container's raw text; false when it is none. */
MUST_CHECK bool json_scan_open(struct json_scan *scan, struct slice raw);

/* The next element; `name` (raw, with its quotes) is written for objects, and may be NULL for
 * arrays. */
MUST_CHECK bool json_scan_next(struct json_scan *scan, struct slice *name, struct slice *raw);

/*
 * The characters of a string's raw text.  Without an escape that is a slice into it; else they
 * are decoded onto the end of `scratch`, and stay valid until that is changed or ended.
 */
struct slice json_scan_string(struct slice raw, struct buf *scratch);

/* Whether a string's raw text has these characters; nothing is decoded anywhere. */
bool json_scan_string_is(struct slice raw, struct slice text);

/* The value of a number's raw text. */
double json_scan_number(struct slice raw);

#endif
