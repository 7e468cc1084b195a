/*
 * Getting round: chunks, restarts at any moment, and metrics.
 * Source: IoT Hub documentation, "Automatic device and module management".
 */
#include <stdio.h>

#include "hub/configurations.h"
#include "iothub/json.h"

#define X(value) "{'deviceContent':{'properties.desired.x':" value "}}"

/* A text of the query language inside a body whose own quotes are '. */
#define QUOTED(text) "\\u0027" text "\\u0027"

/* ---- chunks and restarts ---------------------------------------------------------------- */

static int64_t count_applied(struct fixture *f, const char *id)
{
    json_t *configuration = get_configuration(f, id);
    const json_t *count = json_below(configuration, "systemMetrics.results.appliedCount");
    int64_t n = json_is_integer(count) ? json_integer_value(count) : -1;
    json_decref(configuration);
    return n;
}

/* How many twins have it, seen from outside. */
static int64_t count_with_x(struct fixture *f)
{
    json_t *rows = rest(f, 200, "POST", "/devices/query",
                        "{'query':'select count() as n from devices where "
                        "properties.desired.x=1 and properties.desired.$version=2'}");
    int64_t n = number_below(json_array_get(rows, 0), "n");
    json_decref(rows);
    return n;
}

static void many_devices_are_reached_in_chunks(void **state)
{
    struct fixture *f = *state;
    int turns = 0;
    int64_t n = 0;
    make_many(f, "d", 5000);
    configure(f, "c", 1, "*", X("1"));
    for (; n < 5000; turns++) {
        int64_t before = n;
        assert_in_range(turns, 0, 200);
        clock_advance(&f->clock, 1);
        fixture_turn(f);
        n = count_with_x(f);
        assert_in_range(n - before, 0, 100);
    }
    assert_in_range(turns, 50, 200);
    settle(f);
    assert_int_equal(count_applied(f, "c"), 5000);
    unconfigure(f, "c");
    settle(f);
    assert_int_equal(count_with_x(f), 0);
}

static void restart_in_the_middle_loses_nothing(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 1000);
    configure(f, "c", 1, "*", X("1"));
    clock_advance(&f->clock, 1);
    fixture_turn(f);
    int64_t n = count_with_x(f);
    assert_in_range(n, 1, 500);
    fixture_restart(f);
    assert_int_equal(count_with_x(f), n);
    settle(f);
    /* Each of them once: a second write would have made another version. */
    assert_int_equal(count_with_x(f), 1000);
    assert_int_equal(count_applied(f, "c"), 1000);
}

static void restart_in_the_middle_of_a_removal_loses_nothing(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 300);
    configure(f, "low", 1, "*", "{'deviceContent':{'properties.desired.y':1}}");
    configure(f, "c", 2, "*", X("1"));
    settle(f);
    unconfigure(f, "c");
    clock_advance(&f->clock, 1);
    fixture_turn(f);
    fixture_restart(f);
    settle(f);
    json_t *rows = rest(f, 200, "POST", "/devices/query",
                        "{'query':'select count() as n from devices where "
                        "NOT IS_DEFINED(properties.desired.x) and properties.desired.y=1'}");
    assert_int_equal(number_below(json_array_get(rows, 0), "n"), 300);
    json_decref(rows);
    assert_statuses(f, "d0299", "{'low':'Applied'}");
}

static void change_before_a_restart_is_seen_after_it(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "c", 1, "tags.a=1", X("1"));
    settle(f);
    patch_twin(f, "d", "{'tags':{'a':1}}");
    assert_desired(f, "d", "{}");
    fixture_restart(f);
    settle(f);
    assert_desired(f, "d", "{'x':1}");
}

static void what_was_written_is_known_after_a_restart(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':1},'properties':{'desired':{'own':1}}}");
    configure(f, "c", 1, "tags.a=1", X("1"));
    settle(f);
    fixture_restart(f);
    patch_twin(f, "d", "{'tags':{'a':2}}");
    settle(f);
    assert_desired(f, "d", "{'own':1}");
    assert_statuses(f, "d", "{}");
}

/* ---- metrics
 * ----------------------------------------------------------------------------------- */

static void put_with_metrics(struct fixture *f, const char *id, const char *condition,
                             const char *queries)
{
    char path[100];
    char body[1000];
    (void)snprintf(path, sizeof(path), "/configurations/%s", id);
    (void)snprintf(body, sizeof(body),
                   "{'content':" X("1") ",'targetCondition':'%s','metrics':{'queries':%s}}",
                   condition, queries);
    rest_done(f, 200, "PUT", path, body);
}

static void assert_results(struct fixture *f, const char *id, const char *system,
                           const char *custom)
{
    json_t *configuration = get_configuration(f, id);
    assert_json(json_below(configuration, "systemMetrics.results"), system);
    assert_json(json_below(configuration, "metrics.results"), custom);
    json_decref(configuration);
}

static void metrics_are_counted(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 5);
    make(f, "d0000/m");
    put_with_metrics(
        f, "c", "deviceId IN [" QUOTED("d0001") "," QUOTED("d0002") "," QUOTED("d0003") "]",
        "{'all':'select * from devices','modules':'select * from devices.modules',"
        "'some':'select deviceId from devices where properties.reported.ok = true',"
        "'top':'select top 2 * from devices','bad':'select *'}");
    settle(f);
    assert_results(f, "c", "{'targetedCount':3,'appliedCount':3}",
                   "{'all':5,'modules':1,'some':0,'top':2}");
    configure(f, "higher", 9, "deviceId='d0001'", X("2"));
    report(f, "d0004", "{'ok':true}");
    settle(f);
    assert_results(f, "c", "{'targetedCount':3,'appliedCount':2}",
                   "{'all':5,'modules':1,'some':1,'top':2}");
    rest_done(f, 204, "DELETE", "/devices/d0002", NULL);
    settle(f);
    assert_results(f, "c", "{'targetedCount':2,'appliedCount':1}",
                   "{'all':4,'modules':1,'some':1,'top':2}");
}

static void aggregates_count_their_rows(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 5);
    patch_twin(f, "d0001", "{'tags':{'a':1}}");
    put_with_metrics(f, "c", "",
                     "{'count':'select count() as n from devices',"
                     "'groups':'select tags.a, count() as n from devices group by tags.a'}");
    settle(f);
    assert_results(f, "c", "{'targetedCount':0,'appliedCount':0}", "{'count':1,'groups':2}");
}

/* One who reads them again and again keeps others waiting no longer than one who queries. */
static void reading_metrics_looks_at_what_queries_leave(void **state)
{
    struct fixture *f = *state;
    struct buf body = {.cap = BUF_CAP_OWN};
    struct hub_document document = {.body = &body};
    make_many(f, "d", 5);
    put_with_metrics(f, "c", "",
                     "{'all':'select * from devices where not tags.x = 1 or true'}");
    settle(f);
    make_many(f, "e", 2);
    for (int64_t left = 20; left >= 0; left -= 20) {
        hub_turn(f->hub, clock_read(&f->clock));
        f->hub->query_rows_left = left;
        buf_reset(&body);
        assert_int_equal(hub_configuration_get(f->hub, SLICE("c"), &document), IOTHUB_OK);
        json_t *view = json_parse(buf_slice(&body), NULL);
        /* What was counted before stays, where there is no time to count. */
        assert_json(json_below(view, "metrics.results"), left == 0 ? "{'all':5}" : "{'all':7}");
        assert_int_equal(f->hub->query_rows_left, left == 0 ? 0 : left - 7);
        json_decref(view);
    }
    buf_reset(&body);
    f->hub->query_rows_left = 20;
    assert_int_equal(hub_configuration_list(f->hub, 10, &body), IOTHUB_OK);
    assert_int_equal(f->hub->query_rows_left, 13);
    buf_finish(&body);
}

static void metrics_are_not_there_before_it_got_round(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 5);
    put_with_metrics(f, "c", "*", "{'all':'select * from devices'}");
    assert_results(f, "c", "{}", "{}");
    settle(f);
    assert_results(f, "c", "{'targetedCount':5,'appliedCount':5}", "{'all':5}");
}

static void changed_metrics_forget_old_results(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 5);
    put_with_metrics(f, "c", "*", "{'old':'select * from devices'}");
    settle(f);
    json_decref(ask_json(f, 200,
                         &(struct ask){.method = "PUT",
                                       .path = "/configurations/c",
                                       .body = "{\"content\":{\"deviceContent\":{}},"
                                               "\"targetCondition\":\"*\",\"metrics\":"
                                               "{\"queries\":{\"new\":\"select * from "
                                               "devices\"}}}",
                                       .if_match = "*"}));
    assert_results(f, "c", "{'targetedCount':5,'appliedCount':5}", "{'new':5}");
    settle(f);
    assert_results(f, "c", "{'targetedCount':5,'appliedCount':5}", "{'new':5}");
}

/* More devices than a reader lets be counted: the numbers are those of the last round. */
static void metrics_of_many_devices_are_counted_in_rounds(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 6000);
    put_with_metrics(f, "c", "deviceId=" QUOTED("d0001"),
                     "{'all':'select deviceId from devices',"
                     "'new':'select deviceId from devices where tags.new=1'}");
    settle(f);
    assert_results(f, "c", "{'targetedCount':1,'appliedCount':1}", "{'all':6000,'new':0}");
    patch_twin(f, "d5999", "{'tags':{'new':1}}");
    settle(f);
    assert_results(f, "c", "{'targetedCount':1,'appliedCount':1}", "{'all':6000,'new':0}");
    fixture_pass(f, 5 * MINUTE_MS);
    assert_results(f, "c", "{'targetedCount':1,'appliedCount':1}", "{'all':6000,'new':1}");
    fixture_restart(f);
    assert_results(f, "c", "{'targetedCount':1,'appliedCount':1}", "{'all':6000,'new':1}");
}

static void removal_while_metrics_are_counted_is_no_harm(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 6000);
    put_with_metrics(f, "c", "", "{'all':'select deviceId from devices'}");
    put_with_metrics(f, "other", "", "{'all':'select deviceId from devices'}");
    for (int i = 0; i < 3; i++) {
        clock_advance(&f->clock, 1);
        fixture_turn(f);
    }
    unconfigure(f, "c");
    settle(f);
    assert_results(f, "other", "{'targetedCount':0,'appliedCount':0}", "{'all':6000}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(many_devices_are_reached_in_chunks),
        DISK_TEST(restart_in_the_middle_loses_nothing),
        DISK_TEST(restart_in_the_middle_of_a_removal_loses_nothing),
        DISK_TEST(change_before_a_restart_is_seen_after_it),
        DISK_TEST(what_was_written_is_known_after_a_restart),
        HUB_TEST(metrics_are_counted),
        HUB_TEST(aggregates_count_their_rows),
        HUB_TEST(reading_metrics_looks_at_what_queries_leave),
        HUB_TEST(metrics_are_not_there_before_it_got_round),
        HUB_TEST(changed_metrics_forget_old_results),
        DISK_TEST(metrics_of_many_devices_are_counted_in_rounds),
        HUB_TEST(removal_while_metrics_are_counted_is_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
