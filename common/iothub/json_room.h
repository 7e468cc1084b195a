/*
 * Making room for numbers: jansson keeps integers of 64 bits and doubles, and refuses what is
 * larger, while JSON knows no limit.
 */
#ifndef IOTHUB_JSON_ROOM_H
#define IOTHUB_JSON_ROOM_H

#include "base/buf.h"
#include "base/slice.h"

/* What stands for a number that has no room. */
enum json_room {
    JSON_ROOM_NEAREST, /* the nearest double */
    JSON_ROOM_CLAMPED, /* the integer of 64 bits at that end */
};

/*
 * Append the text with such numbers replaced; everything else, were it no JSON, is left as it
 * is.  A text that was no JSON is none afterwards either.
 */
void json_fit_numbers(struct buf *out, struct slice text, enum json_room room);

#endif
