/*
 * Buffers that have held keys or tokens.
 */
#ifndef SERVER_SECRET_H
#define SERVER_SECRET_H

#include <string.h>

#include "base/buf.h"

/* Overwrite what the buffer holds and free it. */
static inline void secret_finish(struct buf *secret)
{
    if (secret->data != NULL) {
        explicit_bzero(secret->data, secret->len);
    }
    buf_finish(secret);
}

#endif
