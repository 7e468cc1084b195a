/*
 * Reads the system's two clocks, or stands in for them.
 */
#include "base/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec time = {0};

    /* Cannot fail for these two clocks and a valid pointer. */
    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static int64_t read_ms(clockid_t id)
{
    return read_us(id) / 1000;
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

struct moment clock_read(const struct clock *clock)
{
    if (clock->is_fake) {
        return clock->fake;
    }
    return (struct moment){
        .now_ms = read_ms(CLOCK_MONOTONIC),
        .at_ms = read_ms(CLOCK_REALTIME) + clock->wall_offset_ms,
    };
}

void clock_fake(struct clock *clock, int64_t at_ms)
{
    *clock = (struct clock){.is_fake = true, .fake = {.at_ms = at_ms}};
}

void clock_advance(struct clock *clock, int64_t ms)
{
    clock->fake.now_ms += ms;
    clock->fake.at_ms += ms;
}
