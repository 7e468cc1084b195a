/*
 * What configurations make of twins: who has his way, what is written, what is taken back.
 * Source: IoT Hub documentation, "Automatic device and module management".
 */
#include "hub/configurations.h"
#include "hub/device.h"

#define X(value) "{'deviceContent':{'properties.desired.x':" value "}}"

/* ---- who has his way -------------------------------------------------------------------- */

static void loser_is_targeted_and_takes_over(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "low", 1, "*", X("1"));
    settle(f);
    configure(f, "high", 2, "*", X("2"));
    settle(f);
    assert_desired(f, "d", "{'x':2}");
    assert_statuses(f, "d", "{'low':'Targeted','high':'Applied'}");
    unconfigure(f, "high");
    assert_statuses(f, "d", "{'low':'Targeted'}");
    settle(f);
    assert_desired(f, "d", "{'x':1}");
    assert_statuses(f, "d", "{'low':'Applied'}");
    unconfigure(f, "low");
    settle(f);
    assert_desired(f, "d", "{}");
    assert_statuses(f, "d", "{}");
}

static void changed_priority_changes_the_winner(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "a", 1, "*", X("1"));
    configure(f, "b", 2, "*", X("2"));
    settle(f);
    assert_desired(f, "d", "{'x':2}");
    configure(f, "a", 3, "*", X("1"));
    settle(f);
    assert_desired(f, "d", "{'x':1}");
    assert_statuses(f, "d", "{'a':'Applied','b':'Targeted'}");
    configure(f, "a", 2, "*", X("1"));
    settle(f);
    assert_desired(f, "d", "{'x':2}");
}

static void higher_path_above_covers_what_is_below(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "low", 1, "*",
              "{'deviceContent':{'properties.desired.a.b':1,"
              "'properties.desired.a.c':2}}");
    configure(f, "high", 2, "*", "{'deviceContent':{'properties.desired.a':{'d':3}}}");
    settle(f);
    assert_desired(f, "d", "{'a':{'d':3}}");
    assert_statuses(f, "d", "{'low':'Targeted','high':'Applied'}");
}

static void higher_path_below_goes_into_what_is_above(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "low", 1, "*", "{'deviceContent':{'properties.desired.a':{'b':1,'c':2}}}");
    configure(f, "high", 2, "*", "{'deviceContent':{'properties.desired.a.c':3}}");
    settle(f);
    assert_desired(f, "d", "{'a':{'b':1,'c':3}}");
    assert_statuses(f, "d", "{'low':'Applied','high':'Applied'}");
    unconfigure(f, "high");
    settle(f);
    assert_desired(f, "d", "{'a':{'b':1,'c':2}}");
}

static void removed_configuration_can_come_back(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "c", 1, "*", X("1"));
    settle(f);
    unconfigure(f, "c");
    configure(f, "c", 1, "*", "{'deviceContent':{'properties.desired.y':2}}");
    settle(f);
    assert_desired(f, "d", "{'y':2}");
    assert_statuses(f, "d", "{'c':'Applied'}");
    json_t *list = rest(f, 200, "GET", "/configurations", NULL);
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
}

/* ---- what is written and what is taken back --------------------------------------------- */

static void own_properties_are_left_alone(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'properties':{'desired':{'own':1,'a':{'mine':2}}}}");
    configure(f, "c", 1, "*",
              "{'deviceContent':{'properties.desired.a':{'b':1},"
              "'properties.desired.deep.er':1}}");
    settle(f);
    assert_desired(f, "d", "{'own':1,'a':{'mine':2,'b':1},'deep':{'er':1}}");
    unconfigure(f, "c");
    settle(f);
    assert_desired(f, "d", "{'own':1,'a':{'mine':2}}");
}

static void all_of_desired_is_merged(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'properties':{'desired':{'own':1}}}");
    configure(f, "c", 1, "*", "{'deviceContent':{'properties.desired':{'a':1,'b':{'c':2}}}}");
    settle(f);
    assert_desired(f, "d", "{'own':1,'a':1,'b':{'c':2}}");
    unconfigure(f, "c");
    settle(f);
    assert_desired(f, "d", "{'own':1}");
}

static void null_removes_a_property(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'properties':{'desired':{'x':1,'y':{'a':1,'b':2}}}}");
    configure(f, "c", 1, "*",
              "{'deviceContent':{'properties.desired.x':null,"
              "'properties.desired.y':{'a':null}}}");
    settle(f);
    assert_desired(f, "d", "{'y':{'b':2}}");
    assert_int_equal(desired_version(f, "d"), 3);
    unconfigure(f, "c");
    settle(f);
    assert_desired(f, "d", "{'y':{'b':2}}");
}

static void direct_write_to_a_path_is_overwritten(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "c", 1, "*", X("1"));
    settle(f);
    patch_twin(f, "d", "{'properties':{'desired':{'x':7,'own':8}}}");
    assert_desired(f, "d", "{'x':7,'own':8}");
    settle(f);
    assert_desired(f, "d", "{'x':1,'own':8}");
    rest_done(f, 200, "PUT", "/twins/d", "{'properties':{'desired':{}}}");
    settle(f);
    assert_desired(f, "d", "{'x':1}");
}

static void write_of_a_configuration_is_a_change_of_the_twin(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, DESIRED);
    configure(f, "c", 1, "*",
              "{'deviceContent':{'properties.desired.x':{'a':1},"
              "'properties.desired.y':2}}");
    settle(f);
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=2",
                   "{\"x\":{\"a\":1},\"y\":2,\"$version\":2}");
    json_t *twin = get_twin(f, "d");
    assert_string_equal(text_below(twin, "etag"), "AAAAAAAAAAI=");
    assert_int_equal(number_below(twin, "properties.desired.$metadata.x.a.$lastUpdatedVersion"),
                     2);
    json_decref(twin);
    unconfigure(f, "c");
    settle(f);
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=3",
                   "{\"x\":null,\"y\":null,\"$version\":3}");
    assert_heard(d, "");
}

static void twin_that_has_it_is_not_written(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'properties':{'desired':{'x':{'a':1,'b':[1,2]}}}}");
    configure(f, "c", 1, "*", X("{'a':1,'b':[1,2]}"));
    settle(f);
    assert_statuses(f, "d", "{'c':'Applied'}");
    assert_int_equal(desired_version(f, "d"), 2);
    patch_twin(f, "d", "{'tags':{'a':1}}");
    configure(f, "c", 2, "*", X("{'a':1,'b':[1,2]}"));
    fixture_pass(f, 30 * MINUTE_MS);
    assert_int_equal(desired_version(f, "d"), 2);
}

static void condition_on_its_own_outcome_does_not_spin(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "c", 1, "NOT IS_DEFINED(properties.desired.x)", X("1"));
    fixture_pass(f, MINUTE_MS);
    assert_int_equal(desired_version(f, "d"), 2);
    fixture_pass(f, 11 * MINUTE_MS);
    /* Off and on again in a round, not in every turn. */
    assert_in_range(desired_version(f, "d"), 3, 6);
}

static void twin_without_room_stays_targeted(void **state)
{
    struct fixture *f = *state;
    struct buf patch = {.cap = BUF_CAP_OWN};
    make(f, "d");
    buf_put_text(&patch, "{'properties':{'desired':{");
    for (int i = 0; i < 8; i++) {
        buf_putf(&patch, "%s'k%d':'%04000d'", i == 0 ? "" : ",", i, 0);
    }
    buf_put_text(&patch, "}}}");
    patch_twin(f, "d", buf_text(&patch));
    buf_reset(&patch);
    buf_putf(&patch, "{'deviceContent':{'properties.desired.x':'%04000d'}}", 0);
    configure(f, "c", 1, "*", buf_text(&patch));
    settle(f);
    assert_statuses(f, "d", "{'c':'Targeted'}");
    assert_int_equal(desired_version(f, "d"), 2);
    patch_twin(f, "d", "{'properties':{'desired':{'k0':null}}}");
    settle(f);
    assert_statuses(f, "d", "{'c':'Applied'}");
    buf_finish(&patch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(loser_is_targeted_and_takes_over),
        HUB_TEST(changed_priority_changes_the_winner),
        HUB_TEST(higher_path_above_covers_what_is_below),
        HUB_TEST(higher_path_below_goes_into_what_is_above),
        HUB_TEST(removed_configuration_can_come_back),
        HUB_TEST(own_properties_are_left_alone),
        HUB_TEST(all_of_desired_is_merged),
        HUB_TEST(null_removes_a_property),
        HUB_TEST(direct_write_to_a_path_is_overwritten),
        HUB_TEST(write_of_a_configuration_is_a_change_of_the_twin),
        HUB_TEST(twin_that_has_it_is_not_written),
        HUB_TEST(condition_on_its_own_outcome_does_not_spin),
        HUB_TEST(twin_without_room_stays_targeted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
