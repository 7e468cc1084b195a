/*
 * Continuation tokens: where a list goes on.  Opaque to clients, and valid for the same list
 * only.
 */
#ifndef HUB_CONTINUATION_H
#define HUB_CONTINUATION_H

#include <stdint.h>

#include "hub/core.h"

struct continuation {
    int64_t after;   /* the seq, or index, of the last item given */
    int64_t n_given; /* over all pages so far */
};

/* @param list  what is listed (a query's text); the token is tied to it. */
void continuation_write(struct buf *out, const struct continuation *from, struct slice list);

/* {0} for an empty token; IOTHUB_ARGUMENT_INVALID for one that was not made for this list. */
MUST_CHECK enum iothub_status continuation_read(struct hub *hub, struct slice token,
                                                struct slice list, struct continuation *out);

#endif
