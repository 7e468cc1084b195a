/*
 * Counts of devices: exact, at once, and the same after a restart.
 */
#include "hub/device.h"
#include "hub/service.h"

static void expect_devices(struct fixture *f, const char *want)
{
    json_t *counts = rest(f, 200, "GET", "/statistics/devices", NULL);
    assert_json(counts, want);
    json_decref(counts);
}

static void expect_connected(struct fixture *f, int64_t want)
{
    json_t *counts = rest(f, 200, "GET", "/statistics/service", NULL);
    assert_int_equal(json_object_size(counts), 1);
    assert_int_equal(number_below(counts, "connectedDeviceCount"), want);
    json_decref(counts);
}

#define COUNTS(total, enabled, disabled) \
    "{'totalDeviceCount':" #total ",'enabledDeviceCount':" #enabled \
    ",'disabledDeviceCount':" #disabled "}"

static void set_status(struct fixture *f, const char *path, const char *body)
{
    json_decref(ask_json(
        f, 200, &(struct ask){.method = "PUT", .path = path, .body = body, .if_match = "*"}));
}

#define DISABLED "{\"status\":\"disabled\"}"
#define ENABLED  "{\"status\":\"enabled\"}"

static void empty_hub_counts_none(void **state)
{
    expect_devices(*state, COUNTS(0, 0, 0));
    expect_connected(*state, 0);
}

static void devices_are_counted_as_they_come_and_go(void **state)
{
    struct fixture *f = *state;
    make(f, "a");
    make(f, "b");
    rest_done(f, 200, "PUT", "/devices/c", "{'status':'disabled'}");
    expect_devices(f, COUNTS(3, 2, 1));
    rest_done(f, 204, "DELETE", "/devices/a", NULL);
    expect_devices(f, COUNTS(2, 1, 1));
    rest_done(f, 204, "DELETE", "/devices/c", NULL);
    expect_devices(f, COUNTS(1, 1, 0));
}

static void status_moves_a_device_from_one_count_to_the_other(void **state)
{
    struct fixture *f = *state;
    make(f, "a");
    set_status(f, "/devices/a", DISABLED);
    expect_devices(f, COUNTS(1, 0, 1));
    set_status(f, "/devices/a", DISABLED);
    expect_devices(f, COUNTS(1, 0, 1));
    set_status(f, "/devices/a", ENABLED);
    expect_devices(f, COUNTS(1, 1, 0));
}

static void modules_are_not_counted(void **state)
{
    struct fixture *f = *state;
    make(f, "a");
    make(f, "a/m");
    rest_done(f, 200, "PUT", "/devices/e", "{'capabilities':{'iotEdge':true}}");
    expect_devices(f, COUNTS(2, 2, 0));
    rest_done(f, 204, "DELETE", "/devices/a/modules/m", NULL);
    expect_devices(f, COUNTS(2, 2, 0));
    make(f, "a/m");
    rest_done(f, 204, "DELETE", "/devices/a", NULL);
    expect_devices(f, COUNTS(1, 1, 0));
}

static void refused_writes_are_not_counted(void **state)
{
    struct fixture *f = *state;
    make(f, "a");
    rest_fails(f, IOTHUB_DEVICE_ALREADY_EXISTS, "PUT", "/devices/a", "{}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/b", "{'status':'asleep'}");
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "DELETE", "/devices/b", NULL);
    expect_devices(f, COUNTS(1, 1, 0));
}

static void bulk_writes_are_counted(void **state)
{
    struct fixture *f = *state;
    rest_done(f, 200, "POST", "/devices",
              "[{'id':'a','importMode':'create'},{'id':'b','importMode':'create','status':"
              "'disabled'},{'id':'c','importMode':'create'}]");
    expect_devices(f, COUNTS(3, 2, 1));
    rest_done(f, 400, "POST", "/devices",
              "[{'id':'a','importMode':'delete'},{'id':'none','importMode':'delete'},"
              "{'id':'c','importMode':'update','status':'disabled'}]");
    expect_devices(f, COUNTS(2, 0, 2));
}

static void counts_outlive_a_restart(void **state)
{
    struct fixture *f = *state;
    make(f, "a");
    rest_done(f, 200, "PUT", "/devices/b", "{'status':'disabled'}");
    fixture_restart(f);
    expect_devices(f, COUNTS(2, 1, 1));
    expect_connected(f, 0);
}

static void connected_devices_are_counted_without_their_modules(void **state)
{
    struct fixture *f = *state;
    make(f, "a");
    make(f, "b");
    make(f, "a/m");
    struct device *a = device_online(f, "a");
    expect_connected(f, 1);
    struct device *b = device_online(f, "b");
    struct device *m = device_online(f, "a/m");
    expect_connected(f, 2);
    device_leave(a);
    expect_connected(f, 1);
    device_break(m);
    expect_connected(f, 1);
    device_break(b);
    expect_connected(f, 0);
}

static void device_that_connects_anew_counts_once(void **state)
{
    struct fixture *f = *state;
    make(f, "a");
    (void)device_online(f, "a");
    (void)device_online(f, "a");
    expect_connected(f, 1);
}

static void device_that_is_closed_is_not_connected(void **state)
{
    struct fixture *f = *state;
    make(f, "a");
    make(f, "b");
    (void)device_online(f, "a");
    (void)device_online(f, "b");
    set_status(f, "/devices/a", DISABLED);
    expect_connected(f, 1);
    rest_done(f, 204, "DELETE", "/devices/b", NULL);
    expect_connected(f, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(empty_hub_counts_none),
        HUB_TEST(devices_are_counted_as_they_come_and_go),
        HUB_TEST(status_moves_a_device_from_one_count_to_the_other),
        HUB_TEST(modules_are_not_counted),
        HUB_TEST(refused_writes_are_not_counted),
        HUB_TEST(bulk_writes_are_counted),
        DISK_TEST(counts_outlive_a_restart),
        HUB_TEST(connected_devices_are_counted_without_their_modules),
        HUB_TEST(device_that_connects_anew_counts_once),
        HUB_TEST(device_that_is_closed_is_not_connected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
