/*
 * job_state: reading job documents.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "iothub/json.h"
#include "service/cli/job_state.h"

static json_t *job(const char *text)
{
    json_t *tree = json_parse(slice_of(text), NULL);
    assert_non_null(tree);
    return tree;
}

static void expect_statistics(const char *text, const char *expected)
{
    json_t *tree = job(text);
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    job_put_statistics(&out, tree);
    assert_string_equal(buf_text(&out), expected);
    buf_finish(&out);
    json_decref(tree);
}

static void expect_end(const char *text, bool is_over, bool is_success)
{
    json_t *tree = job(text);
    assert_int_equal(job_is_over(tree), is_over);
    assert_int_equal(job_is_success(tree), is_success);
    json_decref(tree);
}

static void a_job_is_over_in_three_ways(void **state)
{
    (void)state;
    expect_end("{\"status\":\"queued\"}", false, false);
    expect_end("{\"status\":\"scheduled\"}", false, false);
    expect_end("{\"status\":\"running\"}", false, false);
    expect_end("{\"status\":\"failed\"}", true, false);
    expect_end("{\"status\":\"cancelled\"}", true, false);
    expect_end("{\"status\":\"completed\"}", true, true);
    expect_end("{}", false, false);
    assert_false(job_is_over(NULL));
}

static void a_completed_job_may_still_have_failed(void **state)
{
    (void)state;
    expect_end("{\"status\":\"completed\",\"deviceJobStatistics\":{\"deviceCount\":2,"
               "\"failedCount\":1}}",
               true, false);
    expect_end("{\"status\":\"completed\",\"deviceJobStatistics\":{\"deviceCount\":2,"
               "\"failedCount\":0}}",
               true, true);
    expect_end("{\"status\":\"completed\",\"deviceJobStatistics\":{\"deviceCount\":0,"
               "\"failedCount\":0}}",
               true, false);
}

static void statistics_are_told_when_they_mean_something(void **state)
{
    (void)state;
    expect_statistics("{}", "");
    expect_statistics("{\"deviceJobStatistics\":{\"deviceCount\":0}}", "");
    expect_statistics("{\"status\":\"completed\",\"deviceJobStatistics\":{\"deviceCount\":0}}",
                      "0 devices");
    expect_statistics("{\"deviceJobStatistics\":{\"deviceCount\":1,\"failedCount\":0,"
                      "\"succeededCount\":1}}",
                      "1 device: 1 succeeded, 0 failed");
    expect_statistics("{\"deviceJobStatistics\":{\"deviceCount\":4,\"failedCount\":1,"
                      "\"succeededCount\":1,\"runningCount\":1,\"pendingCount\":1}}",
                      "4 devices: 1 succeeded, 1 failed, 1 running, 1 pending");
}

static void rows_spell_cancelled_with_one_l(void **state)
{
    (void)state;
    json_t *row = job("{\"status\":\"canceled\"}");
    assert_true(job_row_has_failed(row));
    assert_true(job_row_is_over(row));
    json_decref(row);
    row = job("{\"status\":\"running\"}");
    assert_false(job_row_has_failed(row));
    assert_false(job_row_is_over(row));
    json_decref(row);
}

static void quotes_in_a_job_id_are_doubled(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    job_put_rows_query(&out, "o'k");
    assert_string_equal(buf_text(&out),
                        "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'o''k'");
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_over_in_three_ways),
        cmocka_unit_test(a_completed_job_may_still_have_failed),
        cmocka_unit_test(statistics_are_told_when_they_mean_something),
        cmocka_unit_test(rows_spell_cancelled_with_one_l),
        cmocka_unit_test(quotes_in_a_job_id_are_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
