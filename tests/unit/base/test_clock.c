/*
 * clock: the system's times, the offset and the clock that a test moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void monotonic_time_does_not_go_back(void **state)
{
    (void)state;
    const struct clock clock = {0};
    int64_t before = clock_read(&clock).now_ms;
    int64_t after = clock_read(&clock).now_ms;

    assert_true(after >= before);
}

static void microseconds_are_of_the_same_clock(void **state)
{
    (void)state;
    const struct clock clock = {0};
    int64_t before_ms = clock_read(&clock).now_ms;
    int64_t first_us = clock_monotonic_us();
    int64_t second_us = clock_monotonic_us();
    int64_t after_ms = clock_read(&clock).now_ms;

    assert_true(second_us >= first_us);
    assert_in_range(first_us / 1000, before_ms, after_ms);
    assert_in_range(second_us / 1000, before_ms, after_ms);
}

static void microseconds_are_finer_than_milliseconds(void **state)
{
    (void)state;
    int64_t us = clock_monotonic_us();

    for (int i = 0; i < 1000 && us % 1000 == 0; i++) {
        us = clock_monotonic_us();
    }
    assert_int_not_equal(us % 1000, 0);
}

static void wall_time_is_the_systems(void **state)
{
    (void)state;
    const struct clock clock = {0};
    int64_t before_s = time(NULL);
    int64_t at_ms = clock_read(&clock).at_ms;
    int64_t after_s = time(NULL);

    /* time() may lag by the length of a tick. */
    assert_in_range(at_ms, before_s * 1000, (after_s + 2) * 1000);
}

static void the_offset_moves_wall_time_alone(void **state)
{
    (void)state;
    const struct clock clock = {0};
    const struct clock moved = {.wall_offset_ms = 1000000000000};
    struct moment plain = clock_read(&clock);
    struct moment ahead = clock_read(&moved);

    assert_in_range(ahead.at_ms - plain.at_ms, 1000000000000, 1000000060000);
    assert_in_range(ahead.now_ms - plain.now_ms, 0, 60000);
}

static void a_fake_clock_stands_still_until_advanced(void **state)
{
    (void)state;
    struct clock clock;

    clock_fake(&clock, 1700000000000);
    struct moment first = clock_read(&clock);
    assert_int_equal(first.at_ms, 1700000000000);
    assert_int_equal(clock_read(&clock).now_ms, first.now_ms);
    clock_advance(&clock, 1500);
    assert_int_equal(clock_read(&clock).at_ms, 1700000001500);
    assert_int_equal(clock_read(&clock).now_ms, first.now_ms + 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_does_not_go_back),
        cmocka_unit_test(microseconds_are_of_the_same_clock),
        cmocka_unit_test(microseconds_are_finer_than_milliseconds),
        cmocka_unit_test(wall_time_is_the_systems),
        cmocka_unit_test(the_offset_moves_wall_time_alone),
        cmocka_unit_test(a_fake_clock_stands_still_until_advanced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
