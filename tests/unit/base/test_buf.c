/*
 * buf: appends, the cap and the failure that sticks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void everything_appended_stands_in_order(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 1000);
    buf_put(&b, "ab", 2);
    buf_put_slice(&b, SLICE("cd"));
    buf_put_text(&b, "ef");
    buf_put_char(&b, 'g');
    buf_put_i64(&b, -12);
    buf_put_i64(&b, INT64_MIN);
    buf_putf(&b, "<%s %d>", "x", 3);
    assert_string_equal(buf_text(&b), "abcdefg-12-9223372036854775808<x 3>");
    assert_int_equal(b.len, strlen(buf_text(&b)));
    assert_false(b.failed);
    buf_finish(&b);
}

static void numbers_are_written_in_network_order(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 1000);
    buf_put_u8(&b, 0xff);
    buf_put_u16(&b, 0x0102);
    buf_put_u16(&b, 0xfffe);
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "\xff\x01\x02\xff\xfe", 5);
    buf_finish(&b);
}

static void zeroed_with_a_cap_is_a_valid_buffer(void **state)
{
    (void)state;
    struct buf b = {.cap = 3};

    assert_string_equal(buf_text(&b), "");
    assert_int_equal(buf_slice(&b).len, 0);
    assert_non_null(buf_slice(&b).data);
    buf_reset(&b);
    buf_cut(&b, 0);
    buf_drop(&b, 1);
    buf_put_text(&b, "abc");
    assert_string_equal(buf_text(&b), "abc");
    buf_finish(&b);
    buf_finish(&b);
    buf_finish(NULL);
}

static void the_cap_is_reached_and_not_passed(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 4);
    buf_put_text(&b, "abcd");
    assert_false(b.failed);
    assert_true(b.room <= b.cap + 1);
    buf_put_char(&b, 'e');
    assert_true(b.failed);
    assert_string_equal(buf_text(&b), "abcd");
    buf_finish(&b);
}

static void a_failure_sticks_until_reset(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 4);
    buf_put_text(&b, "ab");
    buf_put_text(&b, "cde");
    assert_true(b.failed);
    /* It would fit, but what came before it is missing. */
    buf_put_text(&b, "f");
    assert_null(buf_extend(&b, 1));
    buf_putf(&b, "%d", 1);
    assert_string_equal(buf_text(&b), "ab");
    buf_cut(&b, 0);
    assert_true(b.failed);
    buf_reset(&b);
    assert_false(b.failed);
    assert_string_equal(buf_text(&b), "");
    buf_put_text(&b, "f");
    assert_string_equal(buf_text(&b), "f");
    buf_finish(&b);
}

static void a_cap_of_zero_holds_nothing(void **state)
{
    (void)state;
    struct buf b = {0};

    buf_put(&b, "", 0);
    buf_put_text(&b, "");
    assert_false(b.failed);
    buf_put_char(&b, 'a');
    assert_true(b.failed);
    assert_string_equal(buf_text(&b), "");
    buf_finish(&b);
}

static void absurd_lengths_fail_without_overflow(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 100);
    buf_put_text(&b, "ab");
    assert_null(buf_extend(&b, SIZE_MAX));
    assert_true(b.failed);
    buf_reset(&b);
    buf_put_text(&b, "ab");
    assert_null(buf_extend(&b, SIZE_MAX - 1));
    assert_int_equal(b.len, 2);
    buf_finish(&b);
}

static void formatted_text_over_the_cap_leaves_no_part(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 5);
    buf_putf(&b, "%s", "abcdef");
    assert_true(b.failed);
    assert_string_equal(buf_text(&b), "");
    buf_reset(&b);
    buf_putf(&b, "%s", "abcde");
    assert_false(b.failed);
    assert_string_equal(buf_text(&b), "abcde");
    buf_cut(&b, 2);
    buf_putf(&b, "%s", "CDEF");
    assert_true(b.failed);
    assert_string_equal(buf_text(&b), "ab");
    buf_finish(&b);
}

static void formatted_text_of_every_length_is_whole(void **state)
{
    (void)state;
    char expected[300] = "";
    struct buf b;

    for (size_t len = 0; len < sizeof(expected) - 1; len++) {
        buf_init(&b, sizeof(expected) * 2);
        buf_put_text(&b, "before:");
        buf_putf(&b, "%s", expected);
        assert_int_equal(b.len, len + strlen("before:"));
        assert_string_equal(buf_text(&b) + strlen("before:"), expected);
        buf_finish(&b);
        expected[len] = (char)('a' + len % 26);
    }
}

static void growth_doubles(void **state)
{
    (void)state;
    struct buf b;
    size_t n_moves = 0;
    size_t room = 0;

    buf_init(&b, 1 << 20);
    for (int i = 0; i < 1 << 20; i++) {
        buf_put_char(&b, (char)('a' + i % 26));
        n_moves += b.room != room ? 1 : 0;
        room = b.room;
    }
    assert_false(b.failed);
    assert_int_equal(b.len, 1 << 20);
    assert_in_range(n_moves, 1, 16);
    assert_true(b.room <= b.cap + 1);
    for (int i = 0; i < 1 << 20; i += 1009) {
        assert_int_equal(b.data[i], 'a' + i % 26);
    }
    buf_finish(&b);
}

static void bytes_are_dropped_and_cut(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 100);
    buf_put_text(&b, "abcdef");
    buf_drop(&b, 2);
    assert_string_equal(buf_text(&b), "cdef");
    buf_cut(&b, 9);
    assert_string_equal(buf_text(&b), "cdef");
    buf_cut(&b, 3);
    assert_string_equal(buf_text(&b), "cde");
    buf_drop(&b, 4);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(b.len, 0);
    buf_finish(&b);
}

static void extended_room_is_the_callers_to_fill(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 100);
    buf_put_text(&b, "a");
    char *room = buf_extend(&b, 3);
    assert_non_null(room);
    memset(room, 'b', 3);
    assert_string_equal(buf_text(&b), "abbb");
    buf_finish(&b);
}

static void taken_text_leaves_an_empty_buffer(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 100);
    buf_put_text(&b, "abc");
    char *text = buf_take_text(&b);
    assert_string_equal(text, "abc");
    assert_int_equal(b.len, 0);
    assert_string_equal(buf_text(&b), "");
    buf_put_text(&b, "d");
    assert_string_equal(buf_text(&b), "d");
    free(text);
    buf_finish(&b);

    text = buf_take_text(&b);
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_appended_stands_in_order),
        cmocka_unit_test(numbers_are_written_in_network_order),
        cmocka_unit_test(zeroed_with_a_cap_is_a_valid_buffer),
        cmocka_unit_test(the_cap_is_reached_and_not_passed),
        cmocka_unit_test(a_failure_sticks_until_reset),
        cmocka_unit_test(a_cap_of_zero_holds_nothing),
        cmocka_unit_test(absurd_lengths_fail_without_overflow),
        cmocka_unit_test(formatted_text_over_the_cap_leaves_no_part),
        cmocka_unit_test(formatted_text_of_every_length_is_whole),
        cmocka_unit_test(growth_doubles),
        cmocka_unit_test(bytes_are_dropped_and_cut),
        cmocka_unit_test(extended_room_is_the_callers_to_fill),
        cmocka_unit_test(taken_text_leaves_an_empty_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
