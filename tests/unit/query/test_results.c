/*
 * What a query answers: items and their names, TOP, aggregates and groups.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ask.h"

static const char twins[] =
    "[{\"deviceId\":\"d1\",\"status\":\"enabled\",\"version\":2,\"x509Thumbprint\":"
    "{\"primaryThumbprint\":null},\"tags\":{\"k\":43,\"o\":{\"a\":1,\"b\":2},\"t\":1.5},"
    "\"properties\":{\"desired\":{\"p\":[1,\"\\u00e9\"],\"$version\":1},\"reported\":{}}},"
    "{\"deviceId\":\"d2\",\"status\":\"enabled\",\"tags\":{\"k\":\"43\",\"o\":{\"b\":2,\"a\":1}"
    ","
    "\"t\":2}},"
    "{\"deviceId\":\"d3\",\"status\":\"disabled\",\"tags\":{\"k\":43.0,\"o\":{\"a\":1},"
    "\"t\":\"x\"}},"
    "{\"deviceId\":\"d4\",\"status\":\"disabled\",\"tags\":{}}]";

static void assert_answer(const char *query, const char *expected)
{
    char *answer = ask_answer_text(query, twins);
    if (strcmp(answer, expected) != 0) {
        print_error("%s\n  answered %s\n  expected %s\n", query, answer, expected);
        fail();
    }
    free(answer);
}

static void items_are_named_by_alias_or_last_name(void **state)
{
    (void)state;
    assert_answer("SELECT deviceId, tags.k, tags.k AS key, properties.desired.p FROM devices "
                  "WHERE deviceId = 'd1'",
                  "[{\"deviceId\":\"d1\",\"k\":43,\"key\":43,\"p\":[1,\"é\"]}]");
    assert_answer("SELECT tags.[[o]].a AS [[the a]], TAGS.o.b AS $b FROM devices "
                  "WHERE deviceId = 'd1'",
                  "[{\"the a\":1,\"$b\":2}]");
}

static void roots_are_named_in_their_canonical_spelling(void **state)
{
    (void)state;
    assert_answer(
        "SELECT DEVICEID, id AS i, Properties.Desired, X509thumbprint "
        "FROM devices WHERE deviceId = 'd1'",
        "[{\"deviceId\":\"d1\",\"i\":\"d1\",\"desired\":{\"p\":[1,\"é\"],\"$version\":1},"
        "\"x509Thumbprint\":{\"primaryThumbprint\":null}}]");
    assert_answer("SELECT properties FROM devices WHERE deviceId = 'd1'",
                  "[{\"properties\":{\"desired\":{\"p\":[1,\"é\"],\"$version\":1},"
                  "\"reported\":{}}}]");
}

static void undefined_items_are_left_out_and_null_is_not(void **state)
{
    (void)state;
    assert_answer("SELECT tags.k, nope, x509Thumbprint.primaryThumbprint FROM devices "
                  "WHERE deviceId IN ['d1', 'd4']",
                  "[{\"k\":43,\"primaryThumbprint\":null},{}]");
}

static void of_items_under_one_name_the_last_defined_one_counts(void **state)
{
    (void)state;
    assert_answer("SELECT deviceId AS x, tags.k AS x FROM devices",
                  "[{\"x\":43},{\"x\":\"43\"},{\"x\":43.0},{\"x\":\"d4\"}]");
    assert_answer("SELECT tags.k, status AS k, nope AS k FROM devices WHERE deviceId = 'd1'",
                  "[{\"k\":\"enabled\"}]");
}

static void top_limits_the_rows(void **state)
{
    (void)state;
    assert_answer("SELECT TOP 2 deviceId FROM devices",
                  "[{\"deviceId\":\"d1\"},{\"deviceId\":\"d2\"}]");
    assert_answer("SELECT TOP(1) deviceId FROM devices WHERE status = 'disabled'",
                  "[{\"deviceId\":\"d3\"}]");
    assert_answer("SELECT TOP 100 deviceId FROM devices WHERE deviceId = 'd1'",
                  "[{\"deviceId\":\"d1\"}]");
    assert_answer("SELECT TOP 1 status, COUNT() AS n FROM devices GROUP BY status",
                  "[{\"status\":\"enabled\",\"n\":2}]");
}

static void aggregates_without_groups_give_one_row(void **state)
{
    (void)state;
    assert_answer("SELECT COUNT() AS n FROM devices", "[{\"n\":4}]");
    assert_answer("SELECT COUNT() AS n, SUM(tags.k) AS s FROM devices WHERE false",
                  "[{\"n\":0}]");
    assert_answer("SELECT COUNT() AS n, SUM(tags.t) AS s, AVG(tags.t) AS a, MIN(tags.t) AS lo, "
                  "MAX(tags.t) AS hi FROM devices",
                  "[{\"n\":4,\"s\":3.5,\"a\":1.75,\"lo\":1.5,\"hi\":2}]");
}

static void aggregates_count_numbers_alone(void **state)
{
    (void)state;
    assert_answer("SELECT SUM(tags.k) AS s, AVG(tags.k) AS a FROM devices",
                  "[{\"s\":86,\"a\":43}]");
    assert_answer("SELECT MAX(deviceId) AS m, MIN(nope) AS x FROM devices", "[{}]");
}

static void unnamed_aggregates_are_numbered(void **state)
{
    (void)state;
    assert_answer("SELECT COUNT(), MAX(tags.t) AS m, MIN(tags.t) FROM devices",
                  "[{\"$1\":4,\"m\":2,\"$2\":1.5}]");
}

static void groups_are_distinct_values_in_the_order_of_their_first_row(void **state)
{
    (void)state;
    assert_answer("SELECT status, COUNT() AS n FROM devices GROUP BY status",
                  "[{\"status\":\"enabled\",\"n\":2},{\"status\":\"disabled\",\"n\":2}]");
    assert_answer("SELECT COUNT() AS n FROM devices GROUP BY status", "[{\"n\":2},{\"n\":2}]");
    assert_answer("SELECT status FROM devices GROUP BY status",
                  "[{\"status\":\"enabled\"},{\"status\":\"disabled\"}]");
    assert_answer("SELECT status, COUNT() AS n FROM devices WHERE false GROUP BY status", "[]");
}

static void undefined_is_a_group_without_its_key(void **state)
{
    (void)state;
    assert_answer("SELECT tags.k AS K, COUNT() AS n FROM devices GROUP BY tags.k",
                  "[{\"K\":43,\"n\":2},{\"K\":\"43\",\"n\":1},{\"n\":1}]");
}

static void objects_are_grouped_whatever_the_order_of_their_members(void **state)
{
    (void)state;
    assert_answer("SELECT tags.o, COUNT() AS n FROM devices GROUP BY tags.o",
                  "[{\"o\":{\"a\":1,\"b\":2},\"n\":2},{\"o\":{\"a\":1},\"n\":1},{\"n\":1}]");
}

static void several_attributes_group_together(void **state)
{
    (void)state;
    assert_answer(
        "SELECT Tags.k, status, SUM(tags.t) AS s FROM devices GROUP BY status, tags.k",
        "[{\"k\":43,\"status\":\"enabled\",\"s\":1.5},"
        "{\"k\":\"43\",\"status\":\"enabled\",\"s\":2},"
        "{\"k\":43.0,\"status\":\"disabled\"},{\"status\":\"disabled\"}]");
}

/* Values that would run together if keys were only put one behind the other. */
static void neighbouring_values_do_not_run_together(void **state)
{
    (void)state;
    char *answer = ask_answer_text(
        "SELECT COUNT() AS n FROM devices GROUP BY tags.a, tags.b",
        "[{\"tags\":{\"a\":\"x\",\"b\":\"yz\"}},{\"tags\":{\"a\":\"xy\",\"b\":\"z\"}},"
        "{\"tags\":{\"a\":null}},{\"tags\":{\"b\":null}},{\"tags\":{\"a\":true,\"b\":1}},"
        "{\"tags\":{\"a\":1,\"b\":true}},{\"tags\":{\"a\":0}},{\"tags\":{\"a\":-0.0}}]");
    assert_string_equal(answer, "[{\"n\":1},{\"n\":1},{\"n\":1},{\"n\":1},{\"n\":1},{\"n\":1},"
                                "{\"n\":2}]");
    free(answer);
}

static void sums_that_leave_the_range_of_numbers_are_left_out(void **state)
{
    (void)state;
    char *answer = ask_answer_text("SELECT SUM(tags.n) AS s, MAX(tags.n) AS m FROM devices",
                                   "[{\"tags\":{\"n\":1.7e308}},{\"tags\":{\"n\":1.7e308}}]");
    assert_string_equal(answer, "[{\"m\":1.7e308}]");
    free(answer);
}

static struct query_value lookup_counter(void *row, const struct query_path *path,
                                         struct buf *scratch)
{
    (void)path;
    (void)scratch;
    return query_value_number((double)*(const size_t *)row);
}

static void the_number_of_groups_has_a_ceiling(void **state)
{
    (void)state;
    static const struct query_row_ops ops = {.lookup = lookup_counter};
    struct query *query =
        ask_compile("SELECT version, COUNT() AS n FROM devices GROUP BY version");
    struct query_groups *groups = query_groups_create(query);
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    size_t i = 0;
    for (; i < QUERY_GROUPS_MAX; i++) {
        assert_int_equal(query_groups_add(groups, &ops, &i, &error), IOTHUB_OK);
    }
    assert_int_equal(query_groups_add(groups, &ops, &i, &error), IOTHUB_ARGUMENT_INVALID);
    assert_non_null(strstr(buf_text(&error), "100000"));
    i = 0; /* an existing group still takes rows */
    assert_int_equal(query_groups_add(groups, &ops, &i, &error), IOTHUB_OK);
    assert_int_equal(query_groups_count(groups), QUERY_GROUPS_MAX);
    buf_reset(&error);
    query_groups_put(groups, 0, &error);
    assert_string_equal(buf_text(&error), "{\"version\":0,\"n\":2}");
    buf_finish(&error);
    query_groups_destroy(groups);
    query_destroy(query);
}

static struct query_value lookup_long_text(void *row, const struct query_path *path,
                                           struct buf *scratch)
{
    (void)path;
    buf_putf(scratch, "%0100000zu", *(const size_t *)row);
    return query_value_string(buf_slice(scratch));
}

static void the_bytes_of_groups_have_a_ceiling(void **state)
{
    (void)state;
    static const struct query_row_ops ops = {.lookup = lookup_long_text};
    struct query *query = ask_compile("SELECT COUNT() AS n FROM devices GROUP BY tags.a");
    struct query_groups *groups = query_groups_create(query);
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    size_t i = 0;
    while (i < 1000 && query_groups_add(groups, &ops, &i, &error) == IOTHUB_OK) {
        i++;
    }
    assert_in_range(i, 300, 400); /* two copies of each value, the key and the text to show */
    assert_true(error.len > 0);
    buf_finish(&error);
    query_groups_destroy(groups);
    query_destroy(query);
}

static void the_kind_of_an_answer_follows_from_the_query(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *type;
        enum query_collection collection;
        bool is_star;
        bool is_aggregate;
    } rows[] = {
        {"SELECT * FROM devices",                      "Twin",      QUERY_DEVICES, true,  false},
        {"SELECT * FROM devices.modules",              "Twin",      QUERY_MODULES, true,  false},
        {"SELECT * FROM devices.jobs",                 "DeviceJob", QUERY_JOBS,    true,  false},
        {"SELECT deviceId FROM devices.modules",       "Raw",       QUERY_MODULES, false, false},
        {"SELECT COUNT() FROM devices",                "Raw",       QUERY_DEVICES, false, true },
        {"SELECT COUNT() FROM devices.modules",        "Raw",       QUERY_MODULES, false, true },
        {"SELECT status FROM devices GROUP BY status", "Raw",       QUERY_DEVICES, false, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct query *query = ask_compile(rows[i].query);
        uint64_t top = 77;
        assert_string_equal(query_item_type(query), rows[i].type);
        assert_int_equal(query_collection(query), rows[i].collection);
        assert_int_equal(query_is_star(query), rows[i].is_star);
        assert_int_equal(query_is_aggregate(query), rows[i].is_aggregate);
        assert_false(query_top(query, &top));
        assert_int_equal(top, 77);
        query_destroy(query);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_named_by_alias_or_last_name),
        cmocka_unit_test(roots_are_named_in_their_canonical_spelling),
        cmocka_unit_test(undefined_items_are_left_out_and_null_is_not),
        cmocka_unit_test(of_items_under_one_name_the_last_defined_one_counts),
        cmocka_unit_test(top_limits_the_rows),
        cmocka_unit_test(aggregates_without_groups_give_one_row),
        cmocka_unit_test(aggregates_count_numbers_alone),
        cmocka_unit_test(unnamed_aggregates_are_numbered),
        cmocka_unit_test(groups_are_distinct_values_in_the_order_of_their_first_row),
        cmocka_unit_test(undefined_is_a_group_without_its_key),
        cmocka_unit_test(objects_are_grouped_whatever_the_order_of_their_members),
        cmocka_unit_test(several_attributes_group_together),
        cmocka_unit_test(neighbouring_values_do_not_run_together),
        cmocka_unit_test(sums_that_leave_the_range_of_numbers_are_left_out),
        cmocka_unit_test(the_number_of_groups_has_a_ceiling),
        cmocka_unit_test(the_bytes_of_groups_have_a_ceiling),
        cmocka_unit_test(the_kind_of_an_answer_follows_from_the_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
