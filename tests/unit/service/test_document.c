/*
 * document: a member is added, the rest of the text stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/src/document.h"

static void expect(const char *object, const char *expected)
{
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    assert_true(document_put_with(&out, object, "etag", "*"));
    assert_string_equal(buf_text(&out), expected);
    buf_finish(&out);
}

static void a_missing_member_becomes_the_first(void **state)
{
    (void)state;
    expect("{}", "{\"etag\":\"*\"}");
    expect(" { } ", "{\"etag\":\"*\"}");
    expect("{\"tags\":{\"a\":1}}", "{\"etag\":\"*\",\"tags\":{\"a\":1}}");
}

static void numbers_and_order_are_left_alone(void **state)
{
    (void)state;
    expect("{ \"z\" : 1.50, \"a\":9007199254740993, \"d\":\"2023-01-31T10:37:08.4599400\"}",
           "{\"etag\":\"*\",\"z\" : 1.50, \"a\":9007199254740993, "
           "\"d\":\"2023-01-31T10:37:08.4599400\"}");
}

static void a_member_that_is_right_changes_nothing(void **state)
{
    (void)state;
    expect("{\"a\":1,\"etag\":\"*\"}", "{\"a\":1,\"etag\":\"*\"}");
}

static void a_member_with_another_value_is_refused(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    assert_false(document_put_with(&out, "{\"etag\":\"MQ==\"}", "etag", "*"));
    assert_false(document_put_with(&out, "{\"etag\":null}", "etag", "*"));
    assert_int_equal(out.len, 0);
    buf_finish(&out);
}

static void a_member_further_down_does_not_count(void **state)
{
    (void)state;
    expect("{\"tags\":{\"etag\":\"x\"}}", "{\"etag\":\"*\",\"tags\":{\"etag\":\"x\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_member_becomes_the_first),
        cmocka_unit_test(numbers_and_order_are_left_alone),
        cmocka_unit_test(a_member_that_is_right_changes_nothing),
        cmocka_unit_test(a_member_with_another_value_is_refused),
        cmocka_unit_test(a_member_further_down_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
