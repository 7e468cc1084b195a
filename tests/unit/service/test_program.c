/*
 * iothub-service verb by verb, against a scripted hub.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "unit/service/verb_fixture.h"

#define DEVICE \
    "{\"deviceId\":\"d\",\"etag\":\"MQ==\",\"status\":\"enabled\",\"connectionState\":" \
    "\"Disconnected\",\"authentication\":{\"type\":\"sas\",\"symmetricKey\":{\"primaryKey\":" \
    "\"cHJp\"," \
    "\"secondaryKey\":\"c2Vj\"}},\"capabilities\":{\"iotEdge\":false}}"

static void device_create_registers_what_the_options_say(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, DEVICE));
    RUN(&f->run, f->hub, "device", "create", "d", "--edge", "--disabled", "--status-reason",
        "new", "--primary-key", "cHJp", "--secondary-key", "c2Vj");
    program_expect_code(&f->run, 0);
    expect_request(
        f, 0, "PUT", "/devices/d" VERSION,
        "{\"deviceId\":\"d\",\"authentication\":{\"type\":\"sas\",\"symmetricKey\":{"
        "\"primaryKey\":\"cHJp\",\"secondaryKey\":\"c2Vj\"}},\"status\":\"disabled\","
        "\"statusReason\":\"new\",\"capabilities\":{\"iotEdge\":true}}");
    program_expect_part(f->run.out, "deviceId         d\n");
    program_expect_part(f->run.out, "authentication   sas\n");
    assert_null(strstr(f->run.out, "cHJp"));
}

static void device_create_takes_a_whole_identity(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, DEVICE));
    program_run(
        &f->run, f->hub, "{\"status\":\"disabled\"}",
        (const char *const[]){"device", "create", "d", "--file", "@-", "-o", "json", NULL});
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "PUT", "/devices/d" VERSION,
                   "{\"deviceId\":\"d\",\"status\":\"disabled\"}");
    program_expect_part(f->run.out, "\"primaryKey\": \"cHJp\"");
}

static void device_list_is_a_table(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "[" DEVICE "]"));
    RUN(&f->run, f->hub, "device", "list", "--top", "5");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "GET", "/devices" VERSION "&top=5", "");
    assert_string_equal(
        f->run.out,
        "DEVICEID  STATUS   CONNECTIONSTATE  AUTHENTICATION  IOTEDGE  LASTACTIVITYTIME  "
        "QUEUEDMESSAGES\n"
        "d         enabled  Disconnected     sas             false    -                 -\n");
}

static void device_update_writes_back_under_the_etag_it_read(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, DEVICE), REPLY(200, DEVICE));
    RUN(&f->run, f->hub, "device", "update", "d", "--new-status", "disabled", "--primary-key",
        "bmV3", "--iot-edge", "yes");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "GET", "/devices/d" VERSION, "");
    expect_request(f, 1, "PUT", "/devices/d" VERSION,
                   "{\"deviceId\":\"d\",\"etag\":\"MQ==\",\"status\":\"disabled\","
                   "\"connectionState\":\"Disconnected\",\"authentication\":{\"type\":\"sas\","
                   "\"symmetricKey\":{\"primaryKey\":\"bmV3\",\"secondaryKey\":\"c2Vj\"}},"
                   "\"capabilities\":{\"iotEdge\":true}}");
    assert_string_equal(fake_request_header(fake_hub_request(f->hub, 1), "If-Match"),
                        "\"MQ==\"");
}

static void device_update_can_change_the_kind_of_proof(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"deviceId\":\"d\",\"authentication\":{\"type\":\"sas\"}}"),
           REPLY(200, DEVICE));
    RUN(&f->run, f->hub, "device", "update", "d", "--new-auth", "selfSigned",
        "--primary-thumbprint", "AB12", "--etag", "Mg==");
    program_expect_code(&f->run, 0);
    expect_request(f, 1, "PUT", "/devices/d" VERSION,
                   "{\"deviceId\":\"d\",\"authentication\":{\"type\":\"selfSigned\","
                   "\"x509Thumbprint\":{\"primaryThumbprint\":\"AB12\"}}}");
    assert_string_equal(fake_request_header(fake_hub_request(f->hub, 1), "If-Match"),
                        "\"Mg==\"");
}

static void device_delete_takes_the_etag(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(204, NULL), REPLY(204, NULL));
    RUN(&f->run, f->hub, "device", "delete", "d");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "");
    assert_string_equal(fake_request_header(fake_hub_request(f->hub, 0), "If-Match"), "\"*\"");
    RUN(&f->run, f->hub, "device", "delete", "d", "--etag", "MQ==");
    program_expect_code(&f->run, 0);
    assert_string_equal(fake_request_header(fake_hub_request(f->hub, 1), "If-Match"),
                        "\"MQ==\"");
}

static void device_connection_string_is_printed_for_every_proof(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, DEVICE), REPLY(200, DEVICE),
           REPLY(200, "{\"authentication\":{\"type\":\"selfSigned\",\"symmetricKey\":{"
                      "\"primaryKey\":null}}}"),
           REPLY(200, "{\"authentication\":{\"type\":\"none\"}}"));
    RUN(&f->run, f->hub, "device", "connection-string", "d", "--key", "secondary");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out,
                        "HostName=" PROGRAM_HOST ";DeviceId=d;SharedAccessKey=c2Vj\n");
    RUN(&f->run, f->hub, "device", "connection-string", "d", "--module", "m", "-o", "json");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "{\"connectionString\": \"HostName=" PROGRAM_HOST
                                    ";DeviceId=d;ModuleId=m;SharedAccessKey=cHJp\"}\n");
    expect_request(f, 1, "GET", "/devices/d/modules/m" VERSION, "");
    RUN(&f->run, f->hub, "device", "connection-string", "d");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "HostName=" PROGRAM_HOST ";DeviceId=d;x509=true\n");
    RUN(&f->run, f->hub, "device", "connection-string", "d");
    program_expect_code(&f->run, 1);
    assert_string_equal(f->run.err, "iothub-service: it has no such key\n");
}

static void module_verbs_reach_their_routes(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"moduleId\":\"m\"}"), REPLY(200, "{\"moduleId\":\"m\"}"),
           REPLY(200, "[{\"moduleId\":\"m\"}]"), REPLY(204, NULL));
    RUN(&f->run, f->hub, "module", "create", "d", "m", "--managed-by", "me");
    program_expect_code(&f->run, 0);
    RUN(&f->run, f->hub, "module", "get", "d", "m");
    program_expect_code(&f->run, 0);
    RUN(&f->run, f->hub, "module", "list", "d");
    program_expect_code(&f->run, 0);
    RUN(&f->run, f->hub, "module", "delete", "d", "m");
    program_expect_code(&f->run, 0);
    expect_request(
        f, 0, "PUT", "/devices/d/modules/m" VERSION,
        "{\"deviceId\":\"d\",\"moduleId\":\"m\",\"authentication\":{\"type\":\"sas\"},"
        "\"managedBy\":\"me\"}");
    expect_request(f, 1, "GET", "/devices/d/modules/m" VERSION, "");
    expect_request(f, 2, "GET", "/devices/d/modules" VERSION, "");
    expect_request(f, 3, "DELETE", "/devices/d/modules/m" VERSION, "");
}

static void twin_update_joins_the_parts_untouched(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           REPLY(200,
                 "{\"deviceId\":\"d\",\"properties\":{\"desired\":{\"floor\":3,\"$metadata\":{"
                 "\"$lastUpdated\":\"2026-01-01T00:00:00Z\"}}}}"));
    RUN(&f->run, f->hub, "twin", "update", "d", "--desired", "{\"b\":1.50,\"a\":null}",
        "--tags", "{\"x\":{}}", "--etag", "AAAAAAAAAAE=", "--module", "m");
    program_expect_code(&f->run, 0);
    expect_request(
        f, 0, "PATCH", "/twins/d/modules/m" VERSION,
        "{\"tags\":{\"x\":{}},\"properties\":{\"desired\":{\"b\":1.50,\"a\":null}}}");
    assert_string_equal(fake_request_header(fake_hub_request(f->hub, 0), "If-Match"),
                        "\"AAAAAAAAAAE=\"");
    program_expect_part(f->run.out, "desired   {\"floor\":3}\n");
}

static void twin_replace_puts(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{}"));
    RUN(&f->run, f->hub, "twin", "replace", "d", "--desired", "{}");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "PUT", "/twins/d" VERSION, "{\"properties\":{\"desired\":{}}}");
}

static void twin_get_of_a_module(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"moduleId\":\"m\"}"));
    RUN(&f->run, f->hub, "twin", "get", "d", "--module", "m");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "GET", "/twins/d/modules/m" VERSION, "");
}

static void json_arguments_can_come_from_a_file(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/iothub-test-json-XXXXXX";
    char argument[64];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "{\"a\":1}", 7), 7);
    (void)close(fd);
    (void)snprintf(argument, sizeof(argument), "@%s", path);
    SCRIPT(f, REPLY(200, "{}"));
    RUN(&f->run, f->hub, "twin", "update", "d", "--desired", argument);
    (void)unlink(path);
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "PATCH", "/twins/d" VERSION,
                   "{\"properties\":{\"desired\":{\"a\":1}}}");
    RUN(&f->run, f->hub, "twin", "update", "d", "--desired", argument);
    program_expect_code(&f->run, 2);
    program_expect_part(f->run.err, "No such file or directory");
}

static void bad_json_is_a_wrong_command_line(void **state)
{
    struct fixture *f = *state;
    RUN(&f->run, f->hub, "twin", "update", "d", "--desired", "{");
    program_expect_code(&f->run, 2);
    program_expect_part(f->run.err, "iothub-service: --desired is not JSON: ");
    RUN(&f->run, f->hub, "twin", "update", "d", "--tags", "[1]");
    program_expect_code(&f->run, 2);
    assert_string_equal(f->run.err, "iothub-service: --tags is not a JSON object\n");
    RUN(&f->run, f->hub, "twin", "update", "d");
    program_expect_code(&f->run, 2);
    RUN(&f->run, f->hub, "method", "invoke", "d", "m", "--payload", "nope");
    program_expect_code(&f->run, 2);
    assert_int_equal(fake_hub_n_requests(f->hub), 0);
}

static void texts_that_are_no_utf8_are_refused(void **state)
{
    struct fixture *f = *state;
    RUN(&f->run, f->hub, "device", "create", "d", "--status-reason", "\xff");
    program_expect_code(&f->run, 2);
    assert_string_equal(f->run.err, "iothub-service: --status-reason is not UTF-8\n");
    RUN(&f->run, f->hub, "query", "SELECT \xc3");
    program_expect_code(&f->run, 2);
    assert_string_equal(f->run.err, "iothub-service: argument 1 is not UTF-8\n");
    assert_int_equal(fake_hub_n_requests(f->hub), 0);
}

static void method_invoke_shows_status_and_payload(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"status\":404,\"payload\":{\"Response\":\"no\"}}"),
           REPLY(200, "{\"status\":200,\"payload\":null}"));
    RUN(&f->run, f->hub, "method", "invoke", "d", "lockDoor", "--payload", "\"x\"",
        "--response-timeout", "5.2", "--connect-timeout", "1");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "status   404\npayload  {\"Response\":\"no\"}\n");
    expect_request(
        f, 0, "POST", "/twins/d/methods" VERSION,
        "{\"methodName\":\"lockDoor\",\"payload\":\"x\",\"responseTimeoutInSeconds\":6,"
        "\"connectTimeoutInSeconds\":1}");
    RUN(&f->run, f->hub, "method", "invoke", "d", "lockDoor", "-o", "json");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "{\n  \"status\": 200,\n  \"payload\": null\n}\n");
}

static void query_streams_pages_as_one_json_array(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           {
               .status = 200,
               .body = "[{\"a\":1},{\"a\":2}]",
               .headers = {"x-ms-item-type: Raw", "x-ms-continuation: c"}
    },
           {.status = 200, .body = "[{\"a\":3}]", .headers = {"x-ms-item-type: Raw"}});
    RUN(&f->run, f->hub, "query", "SELECT tags.a FROM devices", "--page-size", "2", "-o",
        "json");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "[\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n]\n");
    assert_string_equal(fake_request_header(fake_hub_request(f->hub, 1), "x-ms-max-item-count"),
                        "2");
}

static void query_shows_pages_as_one_table(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           {
               .status = 200,
               .body = "[{\"a\":\"x\"}]",
               .headers = {"x-ms-item-type: Raw", "x-ms-continuation: c"}
    },
           {.status = 200,
            .body = "[]",
            .headers = {"x-ms-item-type: Raw", "x-ms-continuation: d"}},
           {.status = 200, .body = "[{\"a\":\"longer\"}]", .headers = {"x-ms-item-type: Raw"}});
    RUN(&f->run, f->hub, "query", "SELECT tags.a FROM devices");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "A\nx\nlonger\n");
}

static void query_shows_what_came_before_it_failed(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           {
               .status = 200,
               .body = "[{\"a\":\"x\"}]",
               .headers = {"x-ms-item-type: Raw", "x-ms-continuation: c"}
    },
           {.status = 400, .body = "{\"Message\":\"ErrorCode:ArgumentInvalid;BadRequest\"}"});
    RUN(&f->run, f->hub, "query", "SELECT tags.a FROM devices");
    program_expect_code(&f->run, 1);
    assert_string_equal(f->run.out, "A\nx\n");
    program_expect_part(f->run.err, "ArgumentInvalid");
}

static void query_stops_at_the_maximum(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {
                  .status = 200,
                  .body = "[{\"a\":1},{\"a\":2}]",
                  .headers = {"x-ms-item-type: Raw", "x-ms-continuation: c"}
    });
    RUN(&f->run, f->hub, "query", "SELECT tags.a FROM devices", "--max", "1", "-o", "json");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "[\n{\"a\":1}\n]\n");
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
}

static void query_shows_raw_rows_by_their_members(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 200,
               .body = "[{\"deviceId\":\"a\"},{\"deviceId\":\"b\",\"n\":7}]",
               .headers = {"x-ms-item-type: Raw"}});
    RUN(&f->run, f->hub, "query", "SELECT deviceId, tags.n FROM devices");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "DEVICEID  N\na         -\nb         7\n");
}

static void query_shows_twins_in_their_columns(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           {.status = 200,
            .body = "[{\"deviceId\":\"a\",\"moduleId\":\"m\",\"version\":2}]",
            .headers = {"x-ms-item-type: Twin"}},
           {.status = 200, .body = "[]", .headers = {"x-ms-item-type: Twin"}});
    RUN(&f->run, f->hub, "query", "SELECT * FROM devices.modules");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.out, "DEVICEID  MODULEID  STATUS");
    RUN(&f->run, f->hub, "query", "SELECT * FROM devices");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.out, "DEVICEID  STATUS");
}

static void a_failing_query_still_leaves_a_json_array(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 400,
               .body = "{\"Message\":\"ErrorCode:ArgumentInvalid;Line 1:29 Unexpected\"}",
               .headers = {"iothub-errorcode: ArgumentInvalid"}});
    RUN(&f->run, f->hub, "query", "SELECT", "-o", "json");
    program_expect_code(&f->run, 1);
    assert_string_equal(f->run.out, "[]\n");
    assert_string_equal(f->run.err, "iothub-service: ArgumentInvalid: Line 1:29 Unexpected\n");
}

static void job_create_twin_cuts_the_condition(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"jobId\":\"j\",\"status\":\"queued\"}"));
    RUN(&f->run, f->hub, "job", "create-twin", "j", "--desired", "{\"floor\":3}", "--query",
        "SELECT * FROM devices WHERE tags.a = 'x'", "--start", "2026-03-02T12:00:00Z",
        "--timeout-execution", "300");
    program_expect_code(&f->run, 0);
    expect_request(
        f, 0, "PUT", "/jobs/v2/j" VERSION,
        "{\"jobId\":\"j\",\"type\":\"scheduleUpdateTwin\",\"updateTwin\":{\"etag\":\"*\","
        "\"properties\":{\"desired\":{\"floor\":3}}},\"queryCondition\":\"tags.a = 'x'\","
        "\"startTime\":\"2026-03-02T12:00:00Z\",\"maxExecutionTimeInSeconds\":300}");
}

static void job_create_method_makes_up_an_id(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"jobId\":\"j\",\"status\":\"queued\"}"));
    RUN(&f->run, f->hub, "job", "create-method", "--method", "lockDoor", "--device-id", "o'k");
    program_expect_code(&f->run, 0);
    const struct fake_request *request = fake_hub_request(f->hub, 0);
    assert_int_equal(strlen(request->target), strlen("/jobs/v2/" VERSION) + 36);
    program_expect_part(request->body, "\"queryCondition\":\"deviceId = 'o''k'\"");
    program_expect_part(request->body, "\"methodName\":\"lockDoor\"");
    assert_null(strstr(request->body, "startTime"));
}

static void jobs_need_one_selection(void **state)
{
    struct fixture *f = *state;
    RUN(&f->run, f->hub, "job", "create-method", "--method", "m");
    program_expect_code(&f->run, 2);
    assert_string_equal(f->run.err, "iothub-service: give either --device-id or --query\n");
    RUN(&f->run, f->hub, "job", "create-method", "--method", "m", "--query",
        "SELECT TOP 1 * FROM devices");
    program_expect_code(&f->run, 2);
    RUN(&f->run, f->hub, "schedule-jobs", "--device-id", "d", "--query", "*");
    program_expect_code(&f->run, 2);
    assert_int_equal(fake_hub_n_requests(f->hub), 0);
}

static void job_list_passes_its_filters(void **state)
{
    struct fixture *f = *state;
    SCRIPT(
        f,
        {.status = 200,
         .body = "[{\"jobId\":\"j\",\"type\":\"scheduleUpdateTwin\",\"status\":\"completed\"}]",
         .headers = {"x-ms-item-type: JobResponse"}});
    RUN(&f->run, f->hub, "job", "list", "--type", "scheduleUpdateTwin", "--status",
        "completed");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "GET",
                   "/jobs/v2/query" VERSION "&jobType=scheduleUpdateTwin&jobStatus=completed",
                   "");
    program_expect_part(f->run.out, "JOBID  TYPE                STATUS");
}

static void job_devices_shows_the_outcome_on_each(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 200,
               .body = "[{\"deviceId\":\"a\",\"status\":\"completed\",\"outcome\":{"
                       "\"deviceMethodResponse\":{\"status\":200,\"payload\":{\"r\":1}}}},"
                       "{\"deviceId\":\"b\",\"status\":\"failed\",\"error\":{\"code\":"
                       "\"DeviceNotOnline\",\"description\":\"Timed out\"}}]",
               .headers = {"x-ms-item-type: DeviceJob"}});
    RUN(&f->run, f->hub, "job", "devices", "j");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "POST", "/devices/query" VERSION,
                   "{\"query\":\"SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j'\"}");
    assert_string_equal(
        f->run.out, "DEVICEID  STATUS     METHODSTATUS  PAYLOAD  ERROR            DESCRIPTION\n"
                    "a         completed           200  {\"r\":1}  -                -\n"
                    "b         failed                -  -        DeviceNotOnline  Timed out\n");
}

static void job_wait_ends_with_the_job(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"jobId\":\"j\",\"status\":\"scheduled\"}"),
           REPLY(200, "{\"jobId\":\"j\",\"status\":\"running\"}"),
           REPLY(200, "{\"jobId\":\"j\",\"status\":\"completed\",\"deviceJobStatistics\":{"
                      "\"deviceCount\":2,\"failedCount\":0,\"succeededCount\":2}}"),
           REPLY(200, "{\"jobId\":\"j\",\"status\":\"completed\",\"deviceJobStatistics\":{"
                      "\"deviceCount\":2,\"failedCount\":1,\"succeededCount\":1}}"),
           REPLY(200, "{\"jobId\":\"j\",\"type\":\"unknown\",\"status\":\"unknown\"}"));
    RUN(&f->run, f->hub, "job", "wait", "j", "--poll-every", "0.1");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.out, "status     completed\n");
    assert_string_equal(f->run.err, "");
    RUN(&f->run, f->hub, "job", "wait", "j");
    program_expect_code(&f->run, 1);
    RUN(&f->run, f->hub, "job", "wait", "j");
    program_expect_code(&f->run, 1);
    assert_string_equal(f->run.err, "iothub-service: JobNotFound: j\n");
}

static void job_get_and_cancel_show_the_job(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"jobId\":\"j\",\"status\":\"scheduled\"}"),
           REPLY(200, "{\"jobId\":\"j\",\"status\":\"cancelled\"}"));
    RUN(&f->run, f->hub, "job", "get", "j");
    program_expect_code(&f->run, 0);
    RUN(&f->run, f->hub, "job", "cancel", "j");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.out, "status  cancelled\n");
    expect_request(f, 1, "POST", "/jobs/v2/j/cancel" VERSION, "");
}

static void a_failure_is_one_line_with_code_text_and_tracking_id(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 404,
               .body = "{\"Message\":\"ErrorCode:DeviceNotFound;d\",\"ExceptionMessage\":"
                       "\"Tracking ID:abc-TimeStamp:01/01/2026 00:00:00\"}",
               .headers = {"iothub-errorcode: DeviceNotFound"}});
    RUN(&f->run, f->hub, "device", "get", "d");
    program_expect_code(&f->run, 1);
    assert_string_equal(f->run.out, "");
    assert_string_equal(f->run.err, "iothub-service: DeviceNotFound: d (tracking id abc)\n");
}

static void verbose_shows_requests_and_no_secret(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, DEVICE));
    RUN(&f->run, f->hub, "device", "get", "d", "--verbose");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.err, "GET /devices/d" VERSION " -> 200, ");
    assert_null(strstr(f->run.err, "sig="));
    assert_null(strstr(f->run.err, PROGRAM_KEY));
}

static void without_a_hub_the_command_line_is_wrong(void **state)
{
    struct fixture *f = *state;
    RUN(&f->run, NULL, "device", "get", "d");
    program_expect_code(&f->run, 2);
    program_expect_part(f->run.err, "--connection-string");
    RUN(&f->run, NULL, "device", "get", "d", "-c", "HostName=h;SharedAccessKeyName=p");
    program_expect_code(&f->run, 1);
    program_expect_part(f->run.err, "iothub-service: BadConnectionString: ");
}

static void write_ready_file(char *path, const struct fake_hub *hub)
{
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    assert_true(fprintf(file,
                        "{\"hostName\":\"" PROGRAM_HOST "\",\"httpPort\":%d,\"httpsPort\":1,"
                        "\"caFile\":\"/nowhere\",\"connectionString\":\"HostName=" PROGRAM_HOST
                        ";SharedAccessKeyName=fromFile;SharedAccessKey=" PROGRAM_KEY "\"}",
                        fake_hub_port(hub)) > 0);
    assert_int_equal(fclose(file), 0);
}

static void the_ready_file_fills_what_is_left_open(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/iothub-test-ready-XXXXXX";
    SCRIPT(f, REPLY(200, "[]"), REPLY(200, "[]"));
    write_ready_file(path, f->hub);
    RUN(&f->run, NULL, "device", "list", "--plain", "--address", "127.0.0.1", "--ready-file",
        path);
    program_expect_code(&f->run, 0);
    program_expect_part(fake_request_header(fake_hub_request(f->hub, 0), "Authorization"),
                        "skn=fromFile");
    /* What is given goes first. */
    RUN(&f->run, f->hub, "device", "list", "--ready-file", path);
    program_expect_code(&f->run, 0);
    program_expect_part(fake_request_header(fake_hub_request(f->hub, 1), "Authorization"),
                        "skn=owner");
    (void)unlink(path);
    RUN(&f->run, NULL, "device", "list", "--ready-file", path);
    program_expect_code(&f->run, 1);
    program_expect_part(f->run.err, "No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(device_create_registers_what_the_options_say),
        TEST(device_create_takes_a_whole_identity),
        TEST(device_list_is_a_table),
        TEST(device_update_writes_back_under_the_etag_it_read),
        TEST(device_update_can_change_the_kind_of_proof),
        TEST(device_delete_takes_the_etag),
        TEST(device_connection_string_is_printed_for_every_proof),
        TEST(module_verbs_reach_their_routes),
        TEST(twin_update_joins_the_parts_untouched),
        TEST(twin_replace_puts),
        TEST(twin_get_of_a_module),
        TEST(json_arguments_can_come_from_a_file),
        TEST(bad_json_is_a_wrong_command_line),
        TEST(texts_that_are_no_utf8_are_refused),
        TEST(method_invoke_shows_status_and_payload),
        TEST(query_streams_pages_as_one_json_array),
        TEST(query_shows_pages_as_one_table),
        TEST(query_shows_what_came_before_it_failed),
        TEST(query_stops_at_the_maximum),
        TEST(query_shows_raw_rows_by_their_members),
        TEST(query_shows_twins_in_their_columns),
        TEST(a_failing_query_still_leaves_a_json_array),
        TEST(job_create_twin_cuts_the_condition),
        TEST(job_create_method_makes_up_an_id),
        TEST(jobs_need_one_selection),
        TEST(job_list_passes_its_filters),
        TEST(job_devices_shows_the_outcome_on_each),
        TEST(job_wait_ends_with_the_job),
        TEST(job_get_and_cancel_show_the_job),
        TEST(a_failure_is_one_line_with_code_text_and_tracking_id),
        TEST(verbose_shows_requests_and_no_secret),
        TEST(without_a_hub_the_command_line_is_wrong),
        TEST(the_ready_file_fills_what_is_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
