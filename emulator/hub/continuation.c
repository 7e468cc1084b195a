/*
 * base64 of "after:given:hash".  The hash finds mistakes, it is no protection: there is nothing
 * in a token that its holder could not ask for anyway.
 */
#include "hub/continuation.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/coding.h"

enum {
    TOKEN_MAX = 96,
};

/* Far above every list, and far enough below the largest number to count on from there. */
#define GIVEN_MAX (INT64_MAX / 2)

void continuation_write(struct buf *out, const struct continuation *from, struct slice list)
{
    char text[TOKEN_MAX];
    int len = snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64 ":%" PRIx64, from->after,
                       from->n_given, slice_hash(list));
    base64_encode(out, text, (size_t)len);
}

static bool read_fields(struct slice text, struct slice list, struct continuation *out)
{
    char hash[17];
    struct slice after = {0};
    struct slice given = {0};
    int len = snprintf(hash, sizeof(hash), "%" PRIx64, slice_hash(list));
    return slice_next(&text, ':', &after) && slice_next(&text, ':', &given) &&
           slice_to_i64(after, &out->after) && slice_to_i64(given, &out->n_given) &&
           out->after >= 0 && out->n_given >= 0 && out->n_given <= GIVEN_MAX &&
           slice_equal(text, slice_make(hash, (size_t)len));
}

enum iothub_status continuation_read(struct hub *hub, struct slice token, struct slice list,
                                     struct continuation *out)
{
    char room[TOKEN_MAX + 1];
    struct buf text = {.data = room, .room = sizeof(room), .cap = TOKEN_MAX};
    struct continuation read = {0};
    if (token.len != 0 &&
        (!base64_decode(&text, token) || !read_fields(buf_slice(&text), list, &read))) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                        "The continuation token is not one of this query.");
    }
    *out = read;
    return IOTHUB_OK;
}
