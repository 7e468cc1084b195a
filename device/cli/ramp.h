/*
 * Connecting many clients, some at a time: all at once, each handshake would wait for all
 * others, and those at the end would give up and begin again.
 */
#ifndef DEVICE_CLI_RAMP_H
#define DEVICE_CLI_RAMP_H

#include <stdbool.h>
#include <stddef.h>

/* First attempts that are under way at a time. */
#define RAMP_WIDTH 128

/* {0} with n_clients is ready. */
struct ramp {
    size_t n_clients;
    size_t next;   /* the next to begin */
    size_t n_open; /* begun, and not known how it ended */
};

/* Whether another one may begin, and which. */
static inline bool ramp_next(struct ramp *ramp, size_t *which)
{
    if (ramp->next == ramp->n_clients || ramp->n_open == RAMP_WIDTH) {
        return false;
    }
    *which = ramp->next++;
    ramp->n_open++;
    return true;
}

/* A first attempt has ended, however; `is_opening` is the client's own mark for that. */
static inline void ramp_settle(struct ramp *ramp, bool *is_opening)
{
    if (*is_opening) {
        *is_opening = false;
        ramp->n_open--;
    }
}

#endif
