/*
 * How values are spread, in little memory: counts of ranges that grow with the value, so that
 * each quantile is right to a sixteenth of itself.
 */
#ifndef DEVICE_CLI_HISTOGRAM_H
#define DEVICE_CLI_HISTOGRAM_H

#include <stdint.h>

/* Values below 32 have a range each, and each doubling up to 2^40 has 16. */
#define HISTOGRAM_RANGES (32 + 35 * 16)

/* {0} is empty. */
struct histogram {
    uint64_t counts[HISTOGRAM_RANGES];
    uint64_t n_values;
    int64_t max;
};

/* Negative values count as 0. */
void histogram_add(struct histogram *h, int64_t value);

/* Add what is in `more`. */
void histogram_join(struct histogram *h, const struct histogram *more);

/* The value that `per_mille` of 1000 values do not exceed; 0 when it is empty. */
int64_t histogram_quantile(const struct histogram *h, int per_mille);

#endif
