/*
 * Exponential back-off with full jitter.
 */
#include "device/src/backoff.h"

int64_t backoff_ceiling_ms(const struct backoff *backoff)
{
    int64_t ceiling = backoff->min_ms;
    for (unsigned i = 0; i < backoff->n_failures && ceiling < backoff->max_ms; i++) {
        ceiling *= 2;
    }
    return ceiling < backoff->max_ms ? ceiling : backoff->max_ms;
}

int64_t backoff_next_ms(struct backoff *backoff, uint64_t random)
{
    int64_t ceiling = backoff_ceiling_ms(backoff);
    backoff->n_failures++;
    return (int64_t)(random % ((uint64_t)ceiling + 1));
}
