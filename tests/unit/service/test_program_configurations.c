/*
 * iothub-service verb by verb: configurations, digital twins and commands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "unit/service/verb_fixture.h"

#define CONFIGURATION \
    "{\"id\":\"c\",\"labels\":null,\"content\":{\"deviceContent\":{\"properties.desired.x\":" \
    "4}}," \
    "\"targetCondition\":\"tags.f=3\",\"priority\":10,\"systemMetrics\":{\"results\":{" \
    "\"targetedCount\":2,\"appliedCount\":1},\"queries\":{}},\"etag\":\"MQ==\"}"

static void configuration_create_is_made_of_options(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, CONFIGURATION));
    RUN(&f->run, f->hub, "configuration", "create", "c", "--content",
        "{\"deviceContent\":{\"properties.desired.x\":4}}", "--target-condition", "tags.f=3",
        "--priority", "10", "--labels", "{\"a\":\"b\"}", "--metrics", "{\"m\":\"SELECT 1\"}");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "PUT", "/configurations/c" VERSION,
                   "{\"id\":\"c\",\"content\":{\"deviceContent\":{\"properties.desired.x\":4}},"
                   "\"labels\":{\"a\":\"b\"},\"targetCondition\":\"tags.f=3\",\"priority\":10,"
                   "\"metrics\":{\"queries\":{\"m\":\"SELECT 1\"}}}");
    program_expect_part(f->run.out, "targeted         2\napplied          1\n");
}

static void configuration_create_takes_a_whole_one(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, CONFIGURATION));
    RUN(&f->run, f->hub, "configuration", "create", "c", "--file",
        "{\"content\":{\"a\":1.50}}");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "PUT", "/configurations/c" VERSION,
                   "{\"id\":\"c\",\"content\":{\"a\":1.50}}");
    RUN(&f->run, f->hub, "configuration", "create", "c");
    program_expect_code(&f->run, 2);
    program_expect_part(f->run.err, "give --content or --file");
    RUN(&f->run, f->hub, "configuration", "create", "c", "--content", "{}", "--labels", "{");
    program_expect_code(&f->run, 2);
    program_expect_part(f->run.err, "--labels is not JSON");
}

static void configuration_update_changes_what_it_read(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, CONFIGURATION), REPLY(200, CONFIGURATION), REPLY(200, CONFIGURATION));
    RUN(&f->run, f->hub, "configuration", "update", "c", "--priority", "0");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "GET", "/configurations/c" VERSION, "");
    program_expect_part(fake_hub_request(f->hub, 1)->body, "\"priority\":0");
    program_expect_part(fake_hub_request(f->hub, 1)->body, "\"targetCondition\":\"tags.f=3\"");
    expect_header(f, 1, "If-Match", "\"MQ==\"");
    RUN(&f->run, f->hub, "configuration", "update", "c", "--file", "{\"priority\":1}", "--etag",
        "Mg==");
    program_expect_code(&f->run, 0);
    expect_request(f, 2, "PUT", "/configurations/c" VERSION, "{\"id\":\"c\",\"priority\":1}");
    expect_header(f, 2, "If-Match", "\"Mg==\"");
}

static void configurations_are_shown_listed_and_removed(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, CONFIGURATION), REPLY(200, "[" CONFIGURATION "]"), {.status = 204},
           REPLY(404, "{\"Message\":\"ErrorCode:ConfigurationNotFound;c\"}"));
    RUN(&f->run, f->hub, "configuration", "get", "c", "-o", "json");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.out, "\"etag\": \"MQ==\"");
    RUN(&f->run, f->hub, "configuration", "list");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out,
                        "ID  PRIORITY  TARGETCONDITION  TARGETED  APPLIED  LASTUPDATEDTIME\n"
                        "c         10  tags.f=3                2        1  -\n");
    RUN(&f->run, f->hub, "configuration", "delete", "c", "--etag", "MQ==");
    program_expect_code(&f->run, 0);
    expect_header(f, 2, "If-Match", "\"MQ==\"");
    RUN(&f->run, f->hub, "configuration", "get", "c");
    program_expect_code(&f->run, 1);
    assert_string_equal(f->run.err, "iothub-service: ConfigurationNotFound: c\n");
}

static void configuration_test_fails_with_the_hubs_objections(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"targetConditionError\":null,\"customMetricQueryErrors\":{}}"),
           REPLY(200, "{\"targetConditionError\":\"no\",\"customMetricQueryErrors\":{}}"),
           REPLY(200, "{\"customMetricQueryErrors\":{\"m\":\"bad\"}}"));
    RUN(&f->run, f->hub, "configuration", "test", "--target-condition", "tags.f=3");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "POST", "/configurations/testQueries" VERSION,
                   "{\"targetCondition\":\"tags.f=3\",\"customMetricQueries\":{}}");
    RUN(&f->run, f->hub, "configuration", "test", "--target-condition", "((");
    program_expect_code(&f->run, 1);
    assert_string_equal(f->run.out, "targetCondition  no\n");
    RUN(&f->run, f->hub, "configuration", "test", "--metrics", "{\"m\":\"x\"}");
    program_expect_code(&f->run, 1);
}

static void content_is_applied_to_a_device(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 204});
    RUN(&f->run, f->hub, "configuration", "apply-content", "e", "--content",
        "{\"modulesContent\":{}}");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "POST", "/devices/e/applyConfigurationContent" VERSION,
                   "{\"modulesContent\":{}}");
    assert_string_equal(f->run.out, "");
    RUN(&f->run, f->hub, "configuration", "apply-content", "e");
    program_expect_code(&f->run, 2);
}

static void digital_twin_shows_all_its_members(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           REPLY(200, "{\"$dtId\":\"d\",\"serialNumber\":\"s1\",\"thermostat1\":{\"t\":1.5}}"));
    RUN(&f->run, f->hub, "digital-twin", "get", "d");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out,
                        "$dtId         d\nserialNumber  s1\nthermostat1   {\"t\":1.5}\n");
}

static void digital_twin_update_sends_the_patch(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 202});
    RUN(&f->run, f->hub, "digital-twin", "update", "d", "--patch",
        "[{\"op\":\"add\",\"path\":\"/t\",\"value\":21.50}]", "--etag", "AAA=");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "PATCH", "/digitaltwins/d" VERSION,
                   "[{\"op\":\"add\",\"path\":\"/t\",\"value\":21.50}]");
    expect_header(f, 0, "If-Match", "\"AAA=\"");
    RUN(&f->run, f->hub, "digital-twin", "update", "d");
    program_expect_code(&f->run, 2);
}

static void command_invoke_shows_status_and_payload(void **state)
{
    struct fixture *f = *state;
    SCRIPT(
        f,
        {.status = 200, .body = "{\"max\":25.3}", .headers = {"x-ms-command-statuscode: 200"}});
    RUN(&f->run, f->hub, "command", "invoke", "d", "getReport", "--component", "thermostat1",
        "--payload", "\"now\"", "--response-timeout", "10");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "POST",
                   "/digitaltwins/d/components/thermostat1/commands/getReport" VERSION
                   "&responseTimeoutInSeconds=10",
                   "\"now\"");
    assert_string_equal(f->run.out, "status   200\npayload  {\"max\":25.3}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(configuration_create_is_made_of_options),
        TEST(configuration_create_takes_a_whole_one),
        TEST(configuration_update_changes_what_it_read),
        TEST(configurations_are_shown_listed_and_removed),
        TEST(configuration_test_fails_with_the_hubs_objections),
        TEST(content_is_applied_to_a_device),
        TEST(digital_twin_shows_all_its_members),
        TEST(digital_twin_update_sends_the_patch),
        TEST(command_invoke_shows_status_and_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
