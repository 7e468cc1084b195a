/*
 * Numbers that look random and come again from the same seed, so that a failure can be had
 * once more.
 */
#ifndef RELIABILITY_CHANCE_H
#define RELIABILITY_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

/*
 * From the environment's IOTHUB_TEST_SEED, else from the system; printed either way, for the
 * next time.
 */
struct chance chance_begin(void);

uint64_t chance_next(struct chance *chance);

/* 0 <= result < n. */
int chance_below(struct chance *chance, int n);

/* Once in n times. */
bool chance_one_in(struct chance *chance, int n);

/* A number of the environment, else the standard one. */
int64_t environment_number(const char *name, int64_t standard);

#endif
