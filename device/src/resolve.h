/*
 * The addresses of a host, tried one after the other: libmosquitto alone would take the first
 * that lets a connection begin, and a host whose IPv6 address leads nowhere would never be
 * reached.
 */
#ifndef DEVICE_SRC_RESOLVE_H
#define DEVICE_SRC_RESOLVE_H

#include <stddef.h>

#include "base/macros.h"

#define RESOLVE_MAX 8

/* An IPv6 address in its longest form, '%' and an interface's name. */
#define RESOLVE_TEXT_MAX 64

/* {0} is an empty list. */
struct addresses {
    char texts[RESOLVE_MAX][RESOLVE_TEXT_MAX]; /* numeric */
    size_t n_texts;
    size_t next; /* index of the one to try */
};

/*
 * Ask the system; this waits for its answer.
 * @return 0, or an error for gai_strerror().
 */
MUST_CHECK int addresses_resolve(struct addresses *addresses, const char *host);

/* Take the next one; NULL when all have been tried. */
const char *addresses_next(struct addresses *addresses);

#endif
