/*
 * The only place that asks the system for the time.
 *
 * Two times go through the program: `now_ms` is monotonic and drives timers, `at_ms` is wall
 * time (milliseconds since 1970 UTC) and goes into documents and expiry checks.  Both are read
 * once a turn and handed down, so everything in one turn happens at the same moment.  Wall
 * time carries an offset, and a test replaces the whole by a clock it moves by hand.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct moment {
    int64_t now_ms;
    int64_t at_ms;
};

struct clock {
    int64_t wall_offset_ms;
    bool is_fake;
    struct moment fake; /* what is read while is_fake */
};

struct moment clock_read(const struct clock *clock);

/* A clock that stands still at `at_ms` until clock_advance(). */
void clock_fake(struct clock *clock, int64_t at_ms);
void clock_advance(struct clock *clock, int64_t ms);

/* Microseconds of the monotonic clock, for measuring: nothing may depend on them. */
int64_t clock_monotonic_us(void);

/* No deadline at all, for min() over deadlines. */
#define NEVER_MS INT64_MAX

#endif
