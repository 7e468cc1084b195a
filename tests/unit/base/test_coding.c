/*
 * coding: percent, base64 and hex, there and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/coding.h"

static void check_percent(struct slice plain, const char *encoded)
{
    struct buf b;

    buf_init(&b, 1000);
    percent_encode(&b, plain);
    assert_string_equal(buf_text(&b), encoded);
    buf_reset(&b);
    percent_decode(&b, slice_of(encoded));
    assert_int_equal(b.len, plain.len);
    assert_memory_equal(buf_text(&b), plain.data, plain.len);
    buf_finish(&b);
}

static void unreserved_characters_stay_and_others_are_escaped(void **state)
{
    (void)state;

    check_percent(SLICE("AZaz09-._~"), "AZaz09-._~");
    check_percent(SLICE("$.mid"), "%24.mid");
    check_percent(SLICE("a b+c/d?e&f=g%"), "a%20b%2Bc%2Fd%3Fe%26f%3Dg%25");
    check_percent(SLICE("!'()*"), "%21%27%28%29%2A");
    check_percent(SLICE("\xc3\xa4\x00\xff"), "%C3%A4%00%FF");
    check_percent(SLICE(""), "");
}

static void check_decoded(const char *encoded, const char *plain)
{
    struct buf b;

    buf_init(&b, 1000);
    percent_decode(&b, slice_of(encoded));
    assert_string_equal(buf_text(&b), plain);
    buf_finish(&b);
}

static void escapes_decode_in_either_case_and_broken_ones_stay(void **state)
{
    (void)state;

    check_decoded("%2f%2F", "//");
    check_decoded("a+b", "a+b");
    check_decoded("%", "%");
    check_decoded("%4", "%4");
    check_decoded("%4g%41", "%4gA");
    check_decoded("%%41", "%A");
    check_decoded("100%", "100%");
    check_decoded("%2541", "%41");
}

static void a_coding_over_the_cap_leaves_no_part(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 5);
    percent_encode(&b, SLICE("a//"));
    assert_true(b.failed);
    assert_int_equal(b.len, 0);
    buf_reset(&b);
    /* Fifteen encoded characters, five decoded ones. */
    percent_decode(&b, SLICE("%41%42%43%44%45"));
    assert_string_equal(buf_text(&b), "ABCDE");
    buf_reset(&b);
    base64_encode(&b, "abcd", 4);
    assert_true(b.failed);
    assert_int_equal(b.len, 0);
    buf_reset(&b);
    assert_false(base64_decode(&b, SLICE("YWJjZGVm")));
    assert_int_equal(b.len, 0);
    buf_reset(&b);
    hex_encode(&b, "abc", 3);
    assert_true(b.failed);
    assert_int_equal(b.len, 0);
    buf_finish(&b);
}

static void base64_matches_the_rfcs_vectors(void **state)
{
    (void)state;
    /* RFC 4648, 10. */
    static const char *const vectors[][2] = {
        {"",       ""        },
        {"f",      "Zg=="    },
        {"fo",     "Zm8="    },
        {"foo",    "Zm9v"    },
        {"foob",   "Zm9vYg=="},
        {"fooba",  "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };

    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct buf b;
        buf_init(&b, 100);
        base64_encode(&b, vectors[i][0], slice_of(vectors[i][0]).len);
        assert_string_equal(buf_text(&b), vectors[i][1]);
        buf_reset(&b);
        assert_true(base64_decode(&b, slice_of(vectors[i][1])));
        assert_string_equal(buf_text(&b), vectors[i][0]);
        buf_finish(&b);
    }
}

static void every_byte_survives_base64_at_every_length(void **state)
{
    (void)state;
    unsigned char bytes[256];
    struct buf text;
    struct buf back;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(i * 151 + 7);
    }
    buf_init(&text, 1000);
    buf_init(&back, 1000);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        buf_reset(&text);
        buf_reset(&back);
        base64_encode(&text, bytes, len);
        assert_int_equal(text.len, (len + 2) / 3 * 4);
        assert_true(base64_decode(&back, buf_slice(&text)));
        assert_int_equal(back.len, len);
        assert_memory_equal(buf_text(&back), bytes, len);
    }
    buf_finish(&text);
    buf_finish(&back);
}

static void what_is_not_base64_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "Z",        "Zg",   "Zg=",          "Zg===",
        "Zm9v=",    "=",    "==",           "====",
        "===",      "Z===", "Zm=v",         "=m9v",
        "Zm9v\n",   " Zg=", "Zm 9",         "Zm9vZg==Zg==",
        "Zm-_",     "Zm9%", "Zg==x",        "Zm9vY\xc3\xa4=",
        "Zm9v====", "Z=g=", "Zm9v\r\nZm9v",
    };
    struct buf b;

    buf_init(&b, 100);
    buf_put_text(&b, "x");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_false(base64_decode(&b, slice_of(cases[i])));
        assert_string_equal(buf_text(&b), "x");
        assert_false(b.failed);
    }
    buf_finish(&b);
}

static void hex_is_lower_case(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 100);
    hex_encode(&b, "\x00\x1f\xa9\xff", 4);
    assert_string_equal(buf_text(&b), "001fa9ff");
    buf_finish(&b);
}

static void hex_digits_have_their_values(void **state)
{
    (void)state;

    assert_int_equal(hex_digit('0'), 0);
    assert_int_equal(hex_digit('9'), 9);
    assert_int_equal(hex_digit('a'), 10);
    assert_int_equal(hex_digit('F'), 15);
    assert_int_equal(hex_digit('g'), -1);
    assert_int_equal(hex_digit('G'), -1);
    assert_int_equal(hex_digit('/'), -1);
    assert_int_equal(hex_digit(':'), -1);
    assert_int_equal(hex_digit('@'), -1);
    assert_int_equal(hex_digit('`'), -1);
    assert_int_equal(hex_digit('\0'), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unreserved_characters_stay_and_others_are_escaped),
        cmocka_unit_test(escapes_decode_in_either_case_and_broken_ones_stay),
        cmocka_unit_test(a_coding_over_the_cap_leaves_no_part),
        cmocka_unit_test(base64_matches_the_rfcs_vectors),
        cmocka_unit_test(every_byte_survives_base64_at_every_length),
        cmocka_unit_test(what_is_not_base64_is_refused),
        cmocka_unit_test(hex_is_lower_case),
        cmocka_unit_test(hex_digits_have_their_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
