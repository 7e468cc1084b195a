/*
 * Ranges by the value's highest bit and the four below it.
 */
#include "device/cli/histogram.h"

#include <stddef.h>

#define EXACT      32
#define EXACT_BITS 5
#define SUB_BITS   4
#define VALUE_MAX  ((INT64_C(1) << 40) - 1)

static int highest_bit(uint64_t value)
{
    return 63 - __builtin_clzll(value);
}

static size_t range_of(int64_t value)
{
    if (value < EXACT) {
        return value < 0 ? 0 : (size_t)value;
    }
    uint64_t v = (uint64_t)(value > VALUE_MAX ? VALUE_MAX : value);
    int bit = highest_bit(v);
    size_t sub = (size_t)(v >> (bit - SUB_BITS)) & ((1U << SUB_BITS) - 1);
    return EXACT + ((size_t)(bit - EXACT_BITS) << SUB_BITS) + sub;
}

/* The largest value of a range. */
static int64_t top_of(size_t range)
{
    if (range < EXACT) {
        return (int64_t)range;
    }
    size_t bit = EXACT_BITS + ((range - EXACT) >> SUB_BITS);
    int64_t sub = (int64_t)((range - EXACT) & ((1U << SUB_BITS) - 1));
    return (((INT64_C(1) << SUB_BITS) + sub + 1) << (bit - SUB_BITS)) - 1;
}

void histogram_add(struct histogram *h, int64_t value)
{
    h->counts[range_of(value)]++;
    h->n_values++;
    h->max = value > h->max ? value : h->max;
}

void histogram_join(struct histogram *h, const struct histogram *more)
{
    for (size_t i = 0; i < HISTOGRAM_RANGES; i++) {
        h->counts[i] += more->counts[i];
    }
    h->n_values += more->n_values;
    h->max = more->max > h->max ? more->max : h->max;
}

int64_t histogram_quantile(const struct histogram *h, int per_mille)
{
    uint64_t wanted = (h->n_values * (uint64_t)per_mille + 999) / 1000;
    uint64_t n = 0;
    for (size_t i = 0; i < HISTOGRAM_RANGES && wanted != 0; i++) {
        n += h->counts[i];
        if (n >= wanted) {
            return top_of(i) < h->max ? top_of(i) : h->max;
        }
    }
    return 0;
}
