/*
 * Devices from the configuration file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/device.h"
#include "hub/service.h"
#include "iothub/json.h"

static enum iothub_status seed(struct fixture *f, const char *text, bool *created)
{
    json_t *value = json_from(text);
    enum iothub_status status = hub_device_seed(f->hub, value, created);
    json_decref(value);
    fixture_turn(f);
    return status;
}

static void seed_new(struct fixture *f, const char *text)
{
    bool created = false;
    assert_int_equal(seed(f, text, &created), IOTHUB_OK);
    assert_true(created);
}

/* Refused with a sentence, and nothing of it is there. */
static void seed_bad(struct fixture *f, const char *text)
{
    bool created = true;
    enum iothub_status status = seed(f, text, &created);
    if (status == IOTHUB_OK) {
        print_error("%s\n", text);
    }
    assert_int_not_equal(status, IOTHUB_OK);
    assert_false(created);
    assert_true(strlen(hub_error_text(f->hub)) > 0);
    json_t *list = rest(f, 200, "GET", "/devices", NULL);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    json_t *answer =
        rest(f, 200, "POST", "/devices/query", "{'query':'SELECT * FROM devices.modules'}");
    assert_int_equal(json_array_size(answer), 0);
    json_decref(answer);
}

static void device_is_made_as_described(void **state)
{
    struct fixture *f = *state;
    seed_new(f,
             "{'deviceId':'d','status':'disabled','statusReason':'spare',"
             "'authentication':{'symmetricKey':{'primaryKey':'" KEY_FIRST
             "','secondaryKey':'" KEY_SECOND "'}},'capabilities':{'iotEdge':false},"
             "'tags':{'floor':3},'properties':{'desired':{'a':{'b':1}},'reported':{'c':2}}}");
    json_t *device = get_identity(f, "d");
    assert_string_equal(text_below(device, "status"), "disabled");
    assert_string_equal(text_below(device, "statusReason"), "spare");
    assert_string_equal(text_below(device, "authentication.symmetricKey.primaryKey"),
                        KEY_FIRST);
    json_decref(device);
    json_t *twin = get_twin(f, "d");
    assert_json(json_below(twin, "tags"), "{'floor':3}");
    assert_section(json_below(twin, "properties.desired"), "{'a':{'b':1}}");
    assert_section(json_below(twin, "properties.reported"), "{'c':2}");
    json_decref(twin);
}

static void name_is_enough(void **state)
{
    struct fixture *f = *state;
    seed_new(f, "{'deviceId':'d'}");
    json_t *device = get_identity(f, "d");
    assert_string_equal(text_below(device, "status"), "enabled");
    assert_int_equal(strlen(text_below(device, "authentication.symmetricKey.primaryKey")), 44);
    json_decref(device);
    json_t *twin = get_twin(f, "d");
    assert_int_equal(number_below(twin, "version"), 2);
    json_decref(twin);
}

static void modules_are_made_with_their_twins(void **state)
{
    struct fixture *f = *state;
    seed_new(f, "{'deviceId':'d','modules':[{'moduleId':'m','managedBy':'me','tags':{'x':1},"
                "'properties':{'desired':{'y':2},'reported':{'z':3}}},{'moduleId':'n'}]}");
    json_t *module = get_identity(f, "d/m");
    assert_string_equal(text_below(module, "managedBy"), "me");
    json_decref(module);
    json_t *twin = get_twin(f, "d/m");
    assert_json(json_below(twin, "tags"), "{'x':1}");
    assert_section(json_below(twin, "properties.desired"), "{'y':2}");
    assert_section(json_below(twin, "properties.reported"), "{'z':3}");
    json_decref(twin);
    json_decref(get_identity(f, "d/n"));
}

static void seeded_device_connects(void **state)
{
    struct fixture *f = *state;
    seed_new(f, "{'deviceId':'d','authentication':{'symmetricKey':{'primaryKey':'" KEY_FIRST
                "','secondaryKey':'" KEY_SECOND "'}},'modules':[]}");
    (void)device_online(f, "d");
}

static void existing_device_is_left_as_it_is(void **state)
{
    struct fixture *f = *state;
    bool created = true;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'own':1}}");
    json_t *device = get_identity(f, "d");
    json_t *twin = get_twin(f, "d");
    assert_int_equal(seed(f,
                          "{'deviceId':'d','status':'disabled','tags':{'a':1},"
                          "'modules':[{'moduleId':'m'}],'properties':{'reported':{'x':1}}}",
                          &created),
                     IOTHUB_OK);
    assert_false(created);
    json_t *device_after = get_identity(f, "d");
    json_t *twin_after = get_twin(f, "d");
    assert_true(json_equal(device, device_after));
    assert_true(json_equal(twin, twin_after));
    rest_fails(f, IOTHUB_MODULE_NOT_FOUND, "GET", "/devices/d/modules/m", NULL);
    json_decref(device);
    json_decref(twin);
    json_decref(device_after);
    json_decref(twin_after);
}

/* Not even a bad description touches it. */
static void existing_device_is_not_deleted_by_a_bad_seed(void **state)
{
    struct fixture *f = *state;
    bool created = true;
    make(f, "d");
    (void)seed(f, "{'deviceId':'d','status':'off'}", &created);
    assert_false(created);
    json_decref(get_identity(f, "d"));
}

static void seeding_again_after_a_restart_changes_nothing(void **state)
{
    static const char text[] = "{'deviceId':'d','tags':{'a':1},'modules':[{'moduleId':'m'}]}";
    struct fixture *f = *state;
    bool created = true;
    seed_new(f, text);
    json_t *twin = get_twin(f, "d");
    fixture_restart(f);
    assert_int_equal(seed(f, text, &created), IOTHUB_OK);
    assert_false(created);
    json_t *after = get_twin(f, "d");
    assert_true(json_equal(twin, after));
    json_decref(twin);
    json_decref(after);
}

static void bad_seed_leaves_nothing_behind(void **state)
{
    static const char *const seeds[] = {
        "{}",
        "{'deviceId':''}",
        "{'deviceId':5}",
        "{'deviceId':'a b'}",
        "{'deviceId':'d','status':'off'}",
        "{'deviceId':'d','authentication':{'type':'none'}}",
        "{'deviceId':'d','authentication':{'symmetricKey':{'primaryKey':'x'}}}",
        "{'deviceId':'d','tags':{'a b':1}}",
        "{'deviceId':'d','tags':5}",
        "{'deviceId':'d','properties':{'desired':{'a.b':1}}}",
        "{'deviceId':'d','properties':{'reported':{'a$b':1}}}",
        "{'deviceId':'d','properties':{'reported':5}}",
        "{'deviceId':'d','modules':[{}]}",
        "{'deviceId':'d','modules':[{'moduleId':'m'},{'moduleId':''}]}",
        "{'deviceId':'d','modules':[{'moduleId':'m'},{'moduleId':'m'}]}",
        "{'deviceId':'d','modules':[{'moduleId':'m'},{'moduleId':'$x'}]}",
        "{'deviceId':'d','modules':[{'moduleId':'m','tags':{'a b':1}}]}",
        "{'deviceId':'d','modules':[{'moduleId':'m','properties':{'reported':{'a.b':1}}}]}",
        "{'deviceId':'d','capabilities':{'iotEdge':true},'modules':[{'moduleId':'$edgeHub'}]}",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
        seed_bad(f, seeds[i]);
    }
}

static void good_seed_follows_a_bad_one(void **state)
{
    struct fixture *f = *state;
    seed_bad(f, "{'deviceId':'d','modules':[{'moduleId':'m','tags':{'a b':1}}]}");
    seed_new(f, "{'deviceId':'d','modules':[{'moduleId':'m','tags':{'ab':1}}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(device_is_made_as_described),
        HUB_TEST(name_is_enough),
        HUB_TEST(modules_are_made_with_their_twins),
        HUB_TEST(seeded_device_connects),
        HUB_TEST(existing_device_is_left_as_it_is),
        HUB_TEST(existing_device_is_not_deleted_by_a_bad_seed),
        DISK_TEST(seeding_again_after_a_restart_changes_nothing),
        HUB_TEST(bad_seed_leaves_nothing_behind),
        HUB_TEST(good_seed_follows_a_bad_one),
    };
    return cmocka_run_group_tests_name("hub.seed", tests, NULL, NULL);
}
