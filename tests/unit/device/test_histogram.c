/*
 * histogram: quantiles near the truth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device/cli/histogram.h"

static void empty_one_says_zero(void **state)
{
    (void)state;
    const struct histogram h = {0};
    assert_int_equal(histogram_quantile(&h, 500), 0);
    assert_int_equal(h.max, 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    struct histogram h = {0};
    for (int64_t i = 1; i <= 20; i++) {
        histogram_add(&h, i);
    }
    assert_int_equal(histogram_quantile(&h, 500), 10);
    assert_int_equal(histogram_quantile(&h, 950), 19);
    assert_int_equal(histogram_quantile(&h, 1000), 20);
    assert_int_equal(histogram_quantile(&h, 1), 1);
}

static void every_value_is_told_to_a_sixteenth(void **state)
{
    (void)state;
    for (int64_t value = 1; value < (INT64_C(1) << 39); value = value * 3 / 2 + 1) {
        struct histogram h = {0};
        histogram_add(&h, value);
        histogram_add(&h, INT64_C(1) << 40);
        int64_t told = histogram_quantile(&h, 500);
        if (told < value || told > value + value / 16) {
            fail_msg("%lld is told as %lld", (long long)value, (long long)told);
        }
    }
}

static void nothing_is_told_above_the_largest(void **state)
{
    (void)state;
    struct histogram h = {0};
    histogram_add(&h, 1000);
    assert_int_equal(histogram_quantile(&h, 990), 1000);
    histogram_add(&h, INT64_MAX);
    assert_true(histogram_quantile(&h, 1000) > (INT64_C(1) << 39));
    histogram_add(&h, -5);
    assert_int_equal(histogram_quantile(&h, 1), 0);
}

static void joined_ones_count_together(void **state)
{
    (void)state;
    struct histogram a = {0};
    struct histogram b = {0};
    for (int i = 0; i < 99; i++) {
        histogram_add(&a, 5);
    }
    histogram_add(&b, 500);
    histogram_join(&a, &b);
    assert_int_equal(a.n_values, 100);
    assert_int_equal(a.max, 500);
    assert_int_equal(histogram_quantile(&a, 990), 5);
    assert_int_equal(histogram_quantile(&a, 1000), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_one_says_zero),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(every_value_is_told_to_a_sixteenth),
        cmocka_unit_test(nothing_is_told_above_the_largest),
        cmocka_unit_test(joined_ones_count_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
