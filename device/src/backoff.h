/*
 * Pauses between attempts to connect: their ceiling doubles with each failure, and each pause
 * is drawn evenly from zero to the ceiling ("full jitter"), so that devices that lost a hub at
 * the same moment do not return at the same moment.
 */
#ifndef DEVICE_SRC_BACKOFF_H
#define DEVICE_SRC_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t min_ms; /* ceiling of the first pause */
    int64_t max_ms; /* ceiling of all */
    unsigned n_failures;
};

/* The ceiling of the next pause. */
int64_t backoff_ceiling_ms(const struct backoff *backoff);

/* The next pause, from 64 random bits; it counts as one more failure. */
int64_t backoff_next_ms(struct backoff *backoff, uint64_t random);

static inline void backoff_reset(struct backoff *backoff)
{
    backoff->n_failures = 0;
}

#endif
