/*
 * condition: cutting a job's condition out of a query.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/macros.h"
#include "service/cli/condition.h"

static void expect_job(const char *query, const char *expected)
{
    struct condition condition = {0};
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    if (!condition_cut(slice_of(query), &out, &condition)) {
        fail_msg("%s: %s", query, buf_text(&out));
    }
    condition_put_job(&out, &condition);
    assert_string_equal(buf_text(&out), expected);
    condition_finish(&condition);
    buf_finish(&out);
}

static void expect_refused(const char *query, const char *expected)
{
    struct condition condition = {0};
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    if (condition_cut(slice_of(query), &error, &condition)) {
        fail_msg("%s was accepted", query);
    }
    assert_string_equal(buf_text(&error), expected);
    assert_null(condition.where);
    buf_finish(&error);
}

static void what_follows_where_is_the_condition(void **state)
{
    (void)state;
    expect_job("SELECT * FROM devices WHERE deviceId = 'd1'", "deviceId = 'd1'");
    expect_job("select*from devices where(tags.a=1)", "(tags.a=1)");
    expect_job("\n SELECT deviceId, tags.x AS x\tFROM devices\r\nWHERE  tags.floor = 3 \n",
               "tags.floor = 3");
}

static void everybody_is_a_star(void **state)
{
    (void)state;
    expect_job("SELECT * FROM devices", "*");
    expect_job("FROM devices", "*");
    expect_job(" * ", "*");
    expect_job("SELECT * FROM devices /* all of them */", "*");
}

static void a_bare_condition_stays_as_it_is(void **state)
{
    (void)state;
    expect_job("deviceId IN ['a','b']", "deviceId IN ['a','b']");
    expect_job("WHERE tags.a = 1", "tags.a = 1");
    expect_job("NOT IS_DEFINED(tags.a)", "NOT IS_DEFINED(tags.a)");
}

static void modules_keep_their_from(void **state)
{
    (void)state;
    expect_job("SELECT * FROM devices.modules WHERE moduleId = 'm'",
               "FROM devices.modules WHERE moduleId = 'm'");
    expect_job("from Devices . Modules where moduleId='m'",
               "FROM devices.modules WHERE moduleId='m'");
    expect_job("SELECT * FROM devices.modules", "FROM devices.modules");
}

static void keywords_inside_strings_names_and_comments_are_not_keywords(void **state)
{
    (void)state;
    expect_job("SELECT tags.[[where from]] FROM devices WHERE tags.[[group]].x = ' GROUP BY '",
               "tags.[[group]].x = ' GROUP BY '");
    expect_job("SELECT * /* FROM x WHERE y */ FROM devices WHERE a = 1", "a = 1");
    expect_job("SELECT tags.from FROM devices WHERE tags.group = \"WHERE\"",
               "tags.group = \"WHERE\"");
    expect_job("SELECT * FROM/**/devices/**/WHERE/**/a = 1", "/**/a = 1");
}

static void quotes_in_strings_are_understood(void **state)
{
    (void)state;
    expect_job("SELECT * FROM devices WHERE a = 'it''s (' AND b = 1",
               "a = 'it''s (' AND b = 1");
    expect_job("SELECT * FROM devices WHERE a = 'x\\'GROUP BY' AND b = 1",
               "a = 'x\\'GROUP BY' AND b = 1");
    expect_job("SELECT * FROM devices WHERE a = \"'\" AND b = '\"'", "a = \"'\" AND b = '\"'");
    expect_job("a = 'x\\\\'AND b = 2", "a = 'x\\\\'AND b = 2");
}

static void names_may_hold_what_looks_like_operators(void **state)
{
    (void)state;
    expect_job("SELECT properties.reported.bathroom-light FROM devices WHERE tags.where-is = 1",
               "tags.where-is = 1");
    expect_job("SELECT * FROM devices WHERE tags.group-by = 1", "tags.group-by = 1");
}

static void what_selects_no_plain_devices_is_refused(void **state)
{
    (void)state;
    expect_refused("SELECT TOP 5 * FROM devices",
                   "a job works on all that a condition selects: leave TOP out");
    expect_refused("select top(5) * from devices",
                   "a job works on all that a condition selects: leave TOP out");
    expect_refused("SELECT COUNT() AS n FROM devices",
                   "a job needs devices, not an aggregate of them");
    expect_refused("SELECT status FROM devices GROUP BY status",
                   "a job cannot work on groups: leave GROUP BY out");
    expect_refused("SELECT * FROM devices WHERE a = 1 group by status",
                   "a job cannot work on groups: leave GROUP BY out");
    expect_refused("SELECT * FROM devices.jobs",
                   "the query must select FROM devices or FROM devices.modules");
    expect_refused("SELECT * FROM c",
                   "the query must select FROM devices or FROM devices.modules");
    expect_refused("SELECT * FROM devices ORDER BY deviceId",
                   "only WHERE may follow the query's FROM");
    expect_refused("SELECT *", "the query has no FROM");
}

static void what_cannot_be_cut_is_refused(void **state)
{
    (void)state;
    expect_refused("", "the condition is empty");
    expect_refused(" /* nothing */ ", "the condition is empty");
    expect_refused("SELECT * FROM devices WHERE", "the condition is empty");
    expect_refused("a = 'x", "the query has a string without an end");
    expect_refused("a = 'x\\'", "the query has a string without an end");
    expect_refused("SELECT * FROM devices /* x", "the query has a comment without an end");
    expect_refused("SELECT tags.[[x FROM devices",
                   "the query has a name in [[ ]] without an end");
    expect_refused("SELECT * FROM devices WHERE (a = 1",
                   "the query opens a bracket that is not closed");
    expect_refused("SELECT * FROM devices WHERE a = 1)",
                   "the query closes a bracket that is not open");
    expect_refused("SELECT 'x FROM devices", "the query has a string without an end");
    expect_refused("SELECT * FROM 'x", "the query has a string without an end");
    expect_refused("SELECT * FROM devices.'x", "the query has a string without an end");
    expect_refused("SELECT * FROM devices 'x", "the query has a string without an end");
    expect_refused("/*", "the query has a comment without an end");
    expect_refused("/*/", "the query has a comment without an end");
}

static void every_truncation_is_cut_or_refused(void **state)
{
    (void)state;
    static const char query[] = "SELECT a.[[b]] /* c */ FROM devices.modules WHERE (a = 'x''y' "
                                "OR b IN [\"q\\\"\"]) AND c";
    for (size_t len = 0; len < sizeof(query); len++) {
        /* A copy of just that size, so that a read past the end is seen. */
        char *text = slice_dup(slice_make(query, len));
        struct condition condition = {0};
        struct buf error;
        buf_init(&error, BUF_CAP_OWN);
        bool is_cut = condition_cut(slice_make(text, len), &error, &condition);
        assert_true(is_cut == (error.len == 0));
        condition_finish(&condition);
        buf_finish(&error);
        free(text);
    }
}

static void queries_over_the_same_devices_are_rebuilt(void **state)
{
    (void)state;
    struct condition condition = {.is_modules = true};
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    condition_put_query(&out, &condition, "COUNT() AS n");
    assert_string_equal(buf_text(&out), "SELECT COUNT() AS n FROM devices.modules");
    buf_reset(&out);
    assert_true(condition_cut(SLICE("SELECT * FROM devices WHERE a = 1"), &out, &condition));
    condition_put_query(&out, &condition, "deviceId");
    assert_string_equal(buf_text(&out), "SELECT deviceId FROM devices WHERE a = 1");
    condition_finish(&condition);
    buf_finish(&out);
}

static void quotes_in_a_device_id_are_doubled(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    condition_put_device(&out, SLICE("o'brien's"));
    assert_string_equal(buf_text(&out), "deviceId = 'o''brien''s'");
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_follows_where_is_the_condition),
        cmocka_unit_test(everybody_is_a_star),
        cmocka_unit_test(a_bare_condition_stays_as_it_is),
        cmocka_unit_test(modules_keep_their_from),
        cmocka_unit_test(keywords_inside_strings_names_and_comments_are_not_keywords),
        cmocka_unit_test(quotes_in_strings_are_understood),
        cmocka_unit_test(names_may_hold_what_looks_like_operators),
        cmocka_unit_test(what_selects_no_plain_devices_is_refused),
        cmocka_unit_test(what_cannot_be_cut_is_refused),
        cmocka_unit_test(every_truncation_is_cut_or_refused),
        cmocka_unit_test(queries_over_the_same_devices_are_rebuilt),
        cmocka_unit_test(quotes_in_a_device_id_are_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
