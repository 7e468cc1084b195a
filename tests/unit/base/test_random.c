/*
 * random: the shape of what is made; its quality is libcrypto's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static void two_fills_differ(void **state)
{
    (void)state;
    unsigned char a[32] = {0};
    unsigned char b[32] = {0};

    random_fill(a, sizeof(a));
    random_fill(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_true(random_u64() != random_u64());
}

static void nothing_beyond_the_length_is_written(void **state)
{
    (void)state;
    unsigned char bytes[8] = {0};

    random_fill(bytes, 0);
    random_fill(bytes, 4);
    assert_memory_equal(bytes + 4, "\0\0\0\0", 4);
}

static void a_guid_is_version_4_in_lower_case(void **state)
{
    (void)state;
    char text[GUID_LEN + 1];
    char other[GUID_LEN + 1];

    assert_ptr_equal(random_guid(text), text);
    assert_int_equal(strlen(text), GUID_LEN);
    for (size_t i = 0; i < GUID_LEN; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            assert_int_equal(text[i], '-');
        } else {
            assert_non_null(strchr("0123456789abcdef", text[i]));
        }
    }
    assert_int_equal(text[14], '4');
    assert_non_null(strchr("89ab", text[19]));
    assert_string_not_equal(random_guid(other), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_fills_differ),
        cmocka_unit_test(nothing_beyond_the_length_is_written),
        cmocka_unit_test(a_guid_is_version_4_in_lower_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
