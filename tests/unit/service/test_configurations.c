/*
 * The library over HTTP: configurations, digital twins and their commands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/macros.h"
#include "unit/service/client_fixture.h"

static void configuration_gets_its_id_on_the_way(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"id\":\"c\"}"), REPLY(200, "{\"id\":\"c\"}"));
    assert_int_equal(
        iothub_service_configuration_create(
            f->service, "c", "{\"content\":{\"deviceContent\":{\"a\":1.50}}}", NULL),
        IOTHUB_OK);
    expect_request(f, 0, "PUT", "/configurations/c" VERSION,
                   "{\"id\":\"c\",\"content\":{\"deviceContent\":{\"a\":1.50}}}");
    expect_header(f, 0, "If-Match", NULL);
    assert_int_equal(
        iothub_service_configuration_create(f->service, "c", "{\"id\":\"d\"}", NULL),
        IOTHUB_BAD_ARGUMENT);
    assert_string_equal(iothub_service_error_text(f->service),
                        "the configuration's id is not \"c\"");
    assert_int_equal(
        iothub_service_configuration_update(f->service, "c", "{\"priority\":3}", NULL, NULL),
        IOTHUB_OK);
    expect_header(f, 1, "If-Match", "\"*\"");
}

static void configurations_are_read_listed_and_removed(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"id\":\"c\"}"), REPLY(200, "[]"), REPLY(200, "[]"),
           {.status = 204});
    assert_int_equal(iothub_service_configuration_get(f->service, "c", NULL), IOTHUB_OK);
    assert_int_equal(iothub_service_configuration_list(f->service, 7, NULL), IOTHUB_OK);
    assert_int_equal(iothub_service_configuration_list(f->service, 0, NULL), IOTHUB_OK);
    assert_int_equal(iothub_service_configuration_delete(f->service, "c", "MQ=="), IOTHUB_OK);
    expect_request(f, 0, "GET", "/configurations/c" VERSION, "");
    expect_request(f, 1, "GET", "/configurations" VERSION "&top=7", "");
    expect_request(f, 2, "GET", "/configurations" VERSION, "");
    expect_request(f, 3, "DELETE", "/configurations/c" VERSION, "");
    expect_header(f, 3, "If-Match", "\"MQ==\"");
}

static void conditions_and_metrics_are_tested_together(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"targetConditionError\":null}"),
           REPLY(200, "{\"targetConditionError\":null}"));
    assert_int_equal(iothub_service_configuration_test(f->service, "tags.a = \"x\"",
                                                       "{\"m\":\"SELECT 1\"}", NULL),
                     IOTHUB_OK);
    expect_request(f, 0, "POST", "/configurations/testQueries" VERSION,
                   "{\"targetCondition\":\"tags.a = \\\"x\\\"\",\"customMetricQueries\":{\"m\":"
                   "\"SELECT 1\"}}");
    assert_int_equal(iothub_service_configuration_test(f->service, "*", NULL, NULL), IOTHUB_OK);
    expect_request(f, 1, "POST", "/configurations/testQueries" VERSION,
                   "{\"targetCondition\":\"*\",\"customMetricQueries\":{}}");
}

static void content_is_applied_to_one_device(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 204});
    assert_int_equal(iothub_service_content_apply(f->service, "d", "{\"modulesContent\":{}}"),
                     IOTHUB_OK);
    expect_request(f, 0, "POST", "/devices/d/applyConfigurationContent" VERSION,
                   "{\"modulesContent\":{}}");
    assert_int_equal(iothub_service_content_apply(f->service, "d", "[]"), IOTHUB_BAD_ARGUMENT);
}

static void digital_twin_comes_with_its_etag(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 200, .body = "{\"$dtId\":\"d\"}", .headers = {"ETag: \"AAA=\""}},
           {.status = 202});
    char *twin = NULL;
    char *etag = NULL;
    assert_int_equal(iothub_service_digital_twin_get(f->service, "d", &twin, &etag), IOTHUB_OK);
    assert_string_equal(twin, "{\"$dtId\":\"d\"}");
    assert_string_equal(etag, "\"AAA=\"");
    assert_int_equal(iothub_service_digital_twin_update(
                         f->service, "d", "[{\"op\":\"remove\",\"path\":\"/a\"}]", etag),
                     IOTHUB_OK);
    expect_request(f, 1, "PATCH", "/digitaltwins/d" VERSION,
                   "[{\"op\":\"remove\",\"path\":\"/a\"}]");
    expect_header(f, 1, "If-Match", "\"AAA=\"");
    assert_int_equal(iothub_service_digital_twin_update(f->service, "d", "{}", NULL),
                     IOTHUB_BAD_ARGUMENT);
    free(twin);
    free(etag);
}

static void command_has_its_status_in_a_header(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           {.status = 200, .body = "{\"b\":1.0}", .headers = {"x-ms-command-statuscode: 299"}},
           {.status = 200, .headers = {"x-ms-command-statuscode: -1"}}, REPLY(200, "1"));
    const struct iothub_service_method command = {.name = "getReport",
                                                  .payload = "\"now\"",
                                                  .response_timeout_s = 10,
                                                  .connect_timeout_s = 5};
    struct iothub_service_method_result result = {0};
    assert_int_equal(
        iothub_service_command_invoke(f->service, "d", "thermostat1", &command, &result),
        IOTHUB_OK);
    assert_int_equal(result.status, 299);
    assert_string_equal(result.payload, "{\"b\":1.0}");
    expect_request(f, 0, "POST",
                   "/digitaltwins/d/components/thermostat1/commands/getReport" VERSION
                   "&responseTimeoutInSeconds=10&connectTimeoutInSeconds=5",
                   "\"now\"");
    iothub_service_method_result_finish(&result);
    const struct iothub_service_method bare = {.name = "reboot"};
    assert_int_equal(iothub_service_command_invoke(f->service, "d", NULL, &bare, &result),
                     IOTHUB_OK);
    assert_int_equal(result.status, -1);
    assert_string_equal(result.payload, "null");
    expect_request(f, 1, "POST", "/digitaltwins/d/commands/reboot" VERSION, "null");
    iothub_service_method_result_finish(&result);
    assert_int_equal(iothub_service_command_invoke(f->service, "d", NULL, &bare, NULL),
                     IOTHUB_UNEXPECTED_ANSWER);
}

static void command_that_was_sent_is_never_repeated(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 503}, {.manner = FAKE_CLOSE});
    const struct iothub_service_method command = {.name = "reboot"};
    assert_int_equal(iothub_service_command_invoke(f->service, "d", NULL, &command, NULL),
                     IOTHUB_GENERIC_SERVICE_UNAVAILABLE);
    assert_int_equal(iothub_service_command_invoke(f->service, "d", NULL, &command, NULL),
                     IOTHUB_CONNECTION_FAILED);
    assert_int_equal(fake_hub_n_requests(f->hub), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(configuration_gets_its_id_on_the_way),
        TEST(configurations_are_read_listed_and_removed),
        TEST(conditions_and_metrics_are_tested_together),
        TEST(content_is_applied_to_one_device),
        TEST(digital_twin_comes_with_its_etag),
        TEST(command_has_its_status_in_a_header),
        TEST(command_that_was_sent_is_never_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
