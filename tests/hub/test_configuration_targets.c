/*
 * Whom configurations target, and what follows when that changes.
 * Source: IoT Hub documentation, "Automatic device and module management".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/configurations.h"
#include "hub/device.h"

#define X(value) "{'deviceContent':{'properties.desired.x':" value "}}"

/* ---- the documentation's cases ---------------------------------------------------------- */

static json_t *load_vectors(void)
{
    json_error_t error;
    json_t *rows = json_load_file(TEST_DATA_DIR "/configurations/vectors.json", 0, &error);
    if (rows == NULL) {
        print_error("%s:%d: %s\n", error.source, error.line, error.text);
        fail();
    }
    return rows;
}

static char *dump(json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    assert_non_null(text);
    return text;
}

/* In order of creation, which is the order of the rows. */
static void configure_row(struct fixture *f, const json_t *row)
{
    json_t *content =
        json_pack("{s:O}", "deviceContent", json_object_get(row, "deviceContent"));
    char *text = dump(content);
    configure(f, text_below(row, "id"), (int)number_below(row, "priority"),
              text_below(row, "targetCondition"), text);
    free(text);
    json_decref(content);
}

static void make_twin(struct fixture *f, const json_t *twin)
{
    json_t *patch = json_pack("{s:O,s:{s:O}}", "tags", json_object_get(twin, "tags"),
                              "properties", "desired", json_object_get(twin, "desired"));
    char *text = dump(patch);
    make(f, text_below(twin, "deviceId"));
    patch_twin(f, text_below(twin, "deviceId"), text);
    free(text);
    json_decref(patch);
}

/* Who targets the twin without having his way is not said by a row. */
static void assert_applied(const json_t *twin, const json_t *want)
{
    json_t *applied = json_array();
    const char *id = NULL;
    json_t *value = NULL;
    json_object_foreach(json_below(twin, "configurations"), id, value)
    {
        if (strcmp(text_below(value, "status"), "Applied") == 0) {
            json_array_append_new(applied, json_string(id));
        }
    }
    char *text = dump((json_t *)(uintptr_t)want);
    assert_json(applied, text);
    free(text);
    json_decref(applied);
}

static void run_row(const json_t *row)
{
    void *state = NULL;
    assert_int_equal(fixture_memory(&state), 0);
    struct fixture *f = state;
    size_t i = 0;
    json_t *configuration = NULL;
    make_twin(f, json_object_get(row, "twin"));
    json_array_foreach(json_object_get(row, "configurations"), i, configuration)
    {
        configure_row(f, configuration);
    }
    settle(f);
    char *after = dump(json_object_get(row, "after"));
    json_t *twin = get_twin(f, text_below(row, "twin.deviceId"));
    assert_section(json_below(twin, "properties.desired"), after);
    assert_applied(twin, json_object_get(row, "applied"));
    json_decref(twin);
    free(after);
    assert_int_equal(fixture_end(&state), 0);
}

static void every_row_has_its_outcome(void **state)
{
    (void)state;
    json_t *rows = load_vectors();
    size_t i = 0;
    json_t *row = NULL;
    assert_int_equal(json_array_size(rows), 6);
    json_array_foreach(rows, i, row)
    {
        print_message("             %s\n", text_below(row, "name"));
        run_row(row);
    }
    json_decref(rows);
}

/* ---- targets ---------------------------------------------------------------------------- */

static void tag_makes_a_target_and_ends_it(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "c", 1, "tags.env='prod'", X("1"));
    settle(f);
    assert_desired(f, "d", "{}");
    assert_statuses(f, "d", "{}");
    patch_twin(f, "d", "{'tags':{'env':'prod'}}");
    settle(f);
    assert_desired(f, "d", "{'x':1}");
    assert_statuses(f, "d", "{'c':'Applied'}");
    patch_twin(f, "d", "{'tags':{'env':'test'}}");
    settle(f);
    assert_desired(f, "d", "{}");
    assert_statuses(f, "d", "{}");
}

static void reported_properties_make_a_target(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "c", 1, "properties.reported.model='a'", X("1"));
    settle(f);
    report(f, "d", "{'model':'a'}");
    settle(f);
    assert_statuses(f, "d", "{'c':'Applied'}");
    report(f, "d", "{'model':null}");
    settle(f);
    assert_statuses(f, "d", "{}");
}

static void connection_makes_a_target(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "c", 1, "connectionState='Connected'", X("1"));
    settle(f);
    assert_statuses(f, "d", "{}");
    struct device *d = device_online(f, "d");
    settle(f);
    assert_statuses(f, "d", "{'c':'Applied'}");
    device_leave(d);
    settle(f);
    assert_statuses(f, "d", "{}");
}

static void status_of_the_identity_makes_a_target(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "c", 1, "status='disabled'", X("1"));
    settle(f);
    json_decref(ask_json(f, 200,
                         &(struct ask){.method = "PUT",
                                       .path = "/devices/d",
                                       .body = "{\"status\":\"disabled\"}",
                                       .if_match = "*"}));
    settle(f);
    assert_statuses(f, "d", "{'c':'Applied'}");
}

static void what_changes_by_itself_is_seen_after_five_minutes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    configure(f, "c", 1, "properties.desired.x=1",
              "{'deviceContent':{'properties.desired.y':2}}");
    settle(f);
    configure(f, "writer", 1, "*", X("1"));
    settle(f);
    assert_desired(f, "d", "{'x':1}");
    fixture_pass(f, 6 * MINUTE_MS);
    assert_desired(f, "d", "{'x':1,'y':2}");
}

static void new_device_is_found(void **state)
{
    struct fixture *f = *state;
    configure(f, "c", 1, "*", X("1"));
    settle(f);
    make(f, "d");
    settle(f);
    assert_desired(f, "d", "{'x':1}");
    assert_statuses(f, "d", "{'c':'Applied'}");
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    make(f, "d");
    assert_statuses(f, "d", "{}");
    settle(f);
    assert_statuses(f, "d", "{'c':'Applied'}");
}

static void condition_on_the_id_finds_its_devices(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 20);
    configure(f, "c", 1, "deviceId IN ['d0003','d0017','none']", X("1"));
    settle(f);
    assert_statuses(f, "d0003", "{'c':'Applied'}");
    assert_statuses(f, "d0017", "{'c':'Applied'}");
    assert_statuses(f, "d0004", "{}");
}

static void changed_condition_moves_the_configuration(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 3);
    configure(f, "c", 1, "deviceId='d0000' OR deviceId='d0001'", X("1"));
    settle(f);
    configure(f, "c", 1, "deviceId='d0001' OR deviceId='d0002'", X("1"));
    settle(f);
    assert_desired(f, "d0000", "{}");
    assert_desired(f, "d0001", "{'x':1}");
    assert_desired(f, "d0002", "{'x':1}");
    assert_int_equal(desired_version(f, "d0001"), 2);
    configure(f, "c", 1, "", X("1"));
    settle(f);
    assert_desired(f, "d0001", "{}");
    assert_desired(f, "d0002", "{}");
}

static void statuses_can_be_asked_for(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", 3);
    configure(f, "my-c", 1, "deviceId='d0001'", X("1"));
    settle(f);
    json_t *rows = rest(f, 200, "POST", "/devices/query",
                        "{'query':'select deviceId, configurations from devices where "
                        "configurations.[[my-c]].status = \\u0027Applied\\u0027'}");
    assert_json(rows, "[{'deviceId':'d0001','configurations':{'my-c':{'status':'Applied'}}}]");
    json_decref(rows);
    rows =
        rest(f, 200, "POST", "/devices/query",
             "{'query':'select deviceId from devices where NOT IS_DEFINED(configurations)'}");
    assert_json(rows, "[{'deviceId':'d0000'},{'deviceId':'d0002'}]");
    json_decref(rows);
}

/* ---- modules ---------------------------------------------------------------------------- */

static void module_content_goes_to_modules(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    make(f, "d/other");
    patch_twin(f, "d", "{'tags':{'a':1}}");
    patch_twin(f, "d/m", "{'tags':{'a':1}}");
    configure(f, "c", 1, "FROM devices.modules WHERE tags.a=1",
              "{'moduleContent':{'properties.desired.x':1}}");
    settle(f);
    assert_desired(f, "d/m", "{'x':1}");
    assert_statuses(f, "d/m", "{'c':'Applied'}");
    assert_statuses(f, "d/other", "{}");
    assert_statuses(f, "d", "{}");
    patch_twin(f, "d/other", "{'tags':{'a':1}}");
    patch_twin(f, "d/m", "{'tags':{'a':null}}");
    settle(f);
    assert_desired(f, "d/m", "{}");
    assert_desired(f, "d/other", "{'x':1}");
    json_t *rows = rest(f, 200, "POST", "/devices/query",
                        "{'query':'select deviceId, moduleId from devices.modules where "
                        "configurations.[[c]].status = \\u0027Applied\\u0027'}");
    assert_json(rows, "[{'deviceId':'d','moduleId':'other'}]");
    json_decref(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_its_outcome),
        HUB_TEST(tag_makes_a_target_and_ends_it),
        HUB_TEST(reported_properties_make_a_target),
        HUB_TEST(connection_makes_a_target),
        HUB_TEST(status_of_the_identity_makes_a_target),
        HUB_TEST(what_changes_by_itself_is_seen_after_five_minutes),
        HUB_TEST(new_device_is_found),
        HUB_TEST(condition_on_the_id_finds_its_devices),
        HUB_TEST(changed_condition_moves_the_configuration),
        HUB_TEST(statuses_can_be_asked_for),
        HUB_TEST(module_content_goes_to_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
