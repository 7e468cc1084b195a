/*
 * The library over HTTP: many identities at once, keys, counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/macros.h"
#include "unit/service/client_fixture.h"

#define ITEMS "[{\"id\":\"a\",\"importMode\":\"create\"}, {\"id\":\"b\"}]"

static void bulk_items_travel_verbatim(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"isSuccessful\":true,\"errors\":[],\"warnings\":[]}"));
    char *out = NULL;
    assert_int_equal(iothub_service_devices_bulk(f->service, ITEMS, &out), IOTHUB_OK);
    expect_request(f, 0, "POST", "/devices" VERSION, ITEMS);
    assert_string_equal(out, script[0].body);
    free(out);
}

#define PARTLY \
    "{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"a\",\"errorCode\":" \
    "\"DeviceAlreadyExists\",\"errorStatus\":\"it is there\"}],\"warnings\":[]}"

static void items_that_failed_are_told_with_the_hubs_document(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 400,
               .body = PARTLY,
               .headers = {"iothub-errorcode: BulkRegistryOperationFailure"}});
    char *out = NULL;
    assert_int_equal(iothub_service_devices_bulk(f->service, ITEMS, &out),
                     IOTHUB_BULK_REGISTRY_OPERATION_FAILURE);
    assert_string_equal(out, PARTLY);
    assert_string_equal(iothub_service_error_text(f->service),
                        "1 failed, the first being a: DeviceAlreadyExists it is there");
    assert_int_equal(iothub_service_http_status(f->service), 400);
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
    free(out);
}

static void a_refused_list_is_a_failure_like_any_other(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 400,
               .body = "{\"Message\":\"ErrorCode:DeviceDefinedMultipleTimes;a\"}",
               .headers = {"iothub-errorcode: DeviceDefinedMultipleTimes"}});
    char *out = NULL;
    assert_int_equal(iothub_service_devices_bulk(f->service, ITEMS, &out),
                     IOTHUB_DEVICE_DEFINED_MULTIPLE_TIMES);
    assert_null(out);
    assert_int_equal(iothub_service_devices_bulk(f->service, "{}", &out), IOTHUB_BAD_ARGUMENT);
    assert_string_equal(iothub_service_error_text(f->service), "the list is not a JSON array");
}

static void bulk_is_repeated_only_when_the_hub_cannot_have_acted(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 503},
           REPLY(200, "{\"isSuccessful\":true,\"errors\":[],\"warnings\":[]}"),
           {.status = 500});
    assert_int_equal(iothub_service_devices_bulk(f->service, ITEMS, NULL), IOTHUB_OK);
    assert_int_equal(iothub_service_devices_bulk(f->service, ITEMS, NULL), IOTHUB_SERVER_ERROR);
    assert_int_equal(fake_hub_n_requests(f->hub), 3);
}

static void keys_are_regenerated_under_the_version_that_has_it(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"policyKey\":\"both\",\"rotatedKeys\":[],\"errors\":[]}"),
           REPLY(207, "{\"policyKey\":\"primaryKey\",\"rotatedKeys\":[{\"id\":\"a\"}],"
                      "\"errors\":[{\"id\":\"b\",\"errorCode\":\"DeviceNotFound\"}]}"));
    char *out = NULL;
    assert_int_equal(iothub_service_keys_regenerate(f->service, IOTHUB_SERVICE_BOTH_KEYS,
                                                    "[{\"id\":\"a\"}]", NULL),
                     IOTHUB_OK);
    expect_request(f, 0, "POST", "/devices/keys/regenerate?api-version=2024-03-31",
                   "{\"policyKey\":\"both\",\"devices\":[{\"id\":\"a\"}]}");
    assert_int_equal(iothub_service_keys_regenerate(f->service, IOTHUB_SERVICE_PRIMARY_KEY,
                                                    "[{\"id\":\"a\"},{\"id\":\"b\"}]", &out),
                     IOTHUB_BULK_REGENERATE_DEVICE_KEY_OPERATION_FAILURE);
    assert_string_equal(out, script[1].body);
    assert_string_equal(iothub_service_error_text(f->service),
                        "1 failed, the first being b: DeviceNotFound ");
    free(out);
}

static void statistics_come_from_their_routes(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"totalDeviceCount\":3}"),
           REPLY(200, "{\"connectedDeviceCount\":1}"));
    char *devices = NULL;
    char *service = NULL;
    assert_int_equal(iothub_service_device_statistics(f->service, &devices), IOTHUB_OK);
    assert_int_equal(iothub_service_service_statistics(f->service, &service), IOTHUB_OK);
    expect_request(f, 0, "GET", "/statistics/devices" VERSION, "");
    expect_request(f, 1, "GET", "/statistics/service" VERSION, "");
    assert_string_equal(devices, script[0].body);
    assert_string_equal(service, script[1].body);
    free(devices);
    free(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bulk_items_travel_verbatim),
        TEST(items_that_failed_are_told_with_the_hubs_document),
        TEST(a_refused_list_is_a_failure_like_any_other),
        TEST(bulk_is_repeated_only_when_the_hub_cannot_have_acted),
        TEST(keys_are_regenerated_under_the_version_that_has_it),
        TEST(statistics_come_from_their_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
