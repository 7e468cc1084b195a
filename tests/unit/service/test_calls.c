/*
 * The library over HTTP: methods, queries and jobs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "unit/service/client_fixture.h"

/* ---- Methods ---- */

static void a_method_and_its_answer_travel_verbatim(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"status\":299,\"payload\":{\"b\":1.0,\"a\":[null]}}"));
    const struct iothub_service_method method = {.name = "lockDoor",
                                                 .payload = " {\"lockTime\":\"10m\"} ",
                                                 .response_timeout_s = 60,
                                                 .connect_timeout_s = 5};
    struct iothub_service_method_result result = {0};
    assert_int_equal(iothub_service_method_invoke(f->service, "d", "m", &method, &result),
                     IOTHUB_OK);
    assert_int_equal(result.status, 299);
    assert_string_equal(result.payload, "{\"b\":1.0,\"a\":[null]}");
    expect_request(f, 0, "POST", "/twins/d/modules/m/methods" VERSION,
                   "{\"methodName\":\"lockDoor\",\"payload\":{\"lockTime\":\"10m\"},"
                   "\"responseTimeoutInSeconds\":60,\"connectTimeoutInSeconds\":5}");
    iothub_service_method_result_finish(&result);
}

static void a_method_without_payload_and_timeouts_leaves_them_out(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"status\":200}"));
    const struct iothub_service_method method = {.name = "a\"b"};
    struct iothub_service_method_result result = {0};
    assert_int_equal(iothub_service_method_invoke(f->service, "d", NULL, &method, &result),
                     IOTHUB_OK);
    assert_string_equal(result.payload, "null");
    expect_request(f, 0, "POST", "/twins/d/methods" VERSION, "{\"methodName\":\"a\\\"b\"}");
    iothub_service_method_result_finish(&result);
}

static void a_method_answer_without_status_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {REPLY(200, "{}"),
                                                 REPLY(200, "{\"status\":\"200\"}"),
                                                 REPLY(200, "{\"status\":99999999999}")};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    const struct iothub_service_method method = {.name = "m"};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct iothub_service_method_result result = {0};
        assert_int_equal(iothub_service_method_invoke(f->service, "d", NULL, &method, &result),
                         IOTHUB_UNEXPECTED_ANSWER);
        assert_null(result.payload);
    }
}

static void an_offline_device_is_told_from_the_nested_envelope(void **state)
{
    struct fixture *f = *state;
    SCRIPT(
        f,
        {.status = 404,
         .body =
             "{\"Message\":\"{\\\"errorCode\\\":404103,\\\"message\\\":\\\"not online\\\","
             "\\\"trackingId\\\":\\\"t\\\",\\\"info\\\":null}\",\"ExceptionMessage\":\"\"}"});
    const struct iothub_service_method method = {.name = "m"};
    assert_int_equal(iothub_service_method_invoke(f->service, "d", NULL, &method, NULL),
                     IOTHUB_DEVICE_NOT_ONLINE);
    assert_string_equal(iothub_service_error_text(f->service), "not online");
    assert_string_equal(iothub_service_tracking_id(f->service), "t");
}

static void a_method_is_waited_for_beyond_the_timeout(void **state)
{
    struct fixture *f = *state;
    struct iothub_service_options options = standard_options(f);
    options.timeout_ms = 1;
    reopen(f, &options);
    SCRIPT(f, REPLY(200, "{\"status\":200,\"payload\":null}"));
    const struct iothub_service_method method = {.name = "m", .response_timeout_s = 30};
    assert_int_equal(iothub_service_method_invoke(f->service, "d", NULL, &method, NULL),
                     IOTHUB_OK);
}

/* ---- Queries ---- */

static void pages_follow_the_continuation_to_the_end(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {
        {.status = 200,
         .body = "[{\"deviceId\":\"a\"},{\"deviceId\":\"b\"}]",
         .headers = {"x-ms-item-type: Twin", "X-MS-Continuation: page/2+x=="}                      },
        {.status = 200, .body = "[{\"deviceId\":\"c\"}]",       .headers = {"x-ms-item-type: Twin"}}
    };
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    struct iothub_service_query *query = NULL;
    assert_int_equal(iothub_service_query_create(
                         f->service, "SELECT * FROM devices WHERE a = \"x\"", 2, &query),
                     IOTHUB_OK);
    assert_string_equal(iothub_service_query_item_type(query), "");
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        char *rows = NULL;
        assert_true(iothub_service_query_has_more(query));
        assert_int_equal(iothub_service_query_next(query, &rows), IOTHUB_OK);
        assert_string_equal(rows, answers[i].body);
        assert_string_equal(iothub_service_query_item_type(query), "Twin");
        expect_request(f, i, "POST", "/devices/query" VERSION,
                       "{\"query\":\"SELECT * FROM devices WHERE a = \\\"x\\\"\"}");
        expect_header(f, i, "x-ms-max-item-count", "2");
        expect_header(f, i, "x-ms-continuation", i == 0 ? NULL : "page/2+x==");
        free(rows);
    }
    assert_false(iothub_service_query_has_more(query));
    char *rows = NULL;
    assert_int_equal(iothub_service_query_next(query, &rows), IOTHUB_OK);
    assert_string_equal(rows, "[]");
    assert_int_equal(fake_hub_n_requests(f->hub), 2);
    free(rows);
    iothub_service_query_destroy(query);
}

static void an_empty_continuation_ends_a_query(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 200, .body = "[]", .headers = {"x-ms-continuation:  "}});
    struct iothub_service_query *query = NULL;
    assert_int_equal(iothub_service_query_create(f->service, "SELECT 1", 0, &query), IOTHUB_OK);
    assert_int_equal(iothub_service_query_next(query, NULL), IOTHUB_OK);
    assert_false(iothub_service_query_has_more(query));
    expect_header(f, 0, "x-ms-max-item-count", NULL);
    iothub_service_query_destroy(query);
}

static void a_failed_page_can_be_asked_for_again(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {
        {.status = 200, .body = "[]", .headers = {"x-ms-continuation: c1"}},
        {.status = 400,             .headers = {"iothub-errorcode: ArgumentInvalid"}            },
        {.status = 200,             .body = "[]"}
    };
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    struct iothub_service_query *query = NULL;
    assert_int_equal(iothub_service_query_create(f->service, "SELECT 1", 0, &query), IOTHUB_OK);
    assert_int_equal(iothub_service_query_next(query, NULL), IOTHUB_OK);
    assert_int_equal(iothub_service_query_next(query, NULL), IOTHUB_ARGUMENT_INVALID);
    assert_true(iothub_service_query_has_more(query));
    assert_int_equal(iothub_service_query_next(query, NULL), IOTHUB_OK);
    expect_header(f, 2, "x-ms-continuation", "c1");
    iothub_service_query_destroy(query);
}

/* ---- Jobs ---- */

static void a_method_job_is_written_as_documented(void **state)
{
    struct fixture *f = *state;
    SCRIPT(
        f,
        REPLY(200,
              "{\"jobId\":\"j-1\",\"type\":\"scheduleDeviceMethod\",\"status\":\"queued\"}"));
    const struct iothub_service_method method = {
        .name = "lockDoor", .payload = "{\"lockTime\":\"10m\"}", .response_timeout_s = 30};
    const struct iothub_service_job job = {.job_id = "j-1",
                                           .query_condition = "deviceId = 'd'",
                                           .start_time = "2026-03-02T12:00:00Z",
                                           .max_execution_s = 300};
    char *out = NULL;
    assert_int_equal(iothub_service_job_create_method(f->service, &job, &method, &out),
                     IOTHUB_OK);
    expect_request(
        f, 0, "PUT", "/jobs/v2/j-1" VERSION,
        "{\"jobId\":\"j-1\",\"type\":\"scheduleDeviceMethod\",\"cloudToDeviceMethod\":{"
        "\"methodName\":\"lockDoor\",\"payload\":{\"lockTime\":\"10m\"},"
        "\"responseTimeoutInSeconds\":30},\"queryCondition\":\"deviceId = 'd'\","
        "\"startTime\":\"2026-03-02T12:00:00Z\",\"maxExecutionTimeInSeconds\":300}");
    expect_header(f, 0, "If-Match", NULL);
    assert_string_equal(out, script[0].body);
    free(out);
}

static void a_twin_job_gets_the_only_etag_it_may_have(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {REPLY(200, "{}"), REPLY(200, "{}")};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    const struct iothub_service_job job = {.job_id = "j", .query_condition = "*"};
    assert_int_equal(
        iothub_service_job_create_twin(f->service, &job,
                                       "{\"properties\":{\"desired\":{\"floor\":3}}}", NULL),
        IOTHUB_OK);
    expect_request(
        f, 0, "PUT", "/jobs/v2/j" VERSION,
        "{\"jobId\":\"j\",\"type\":\"scheduleUpdateTwin\",\"updateTwin\":{\"etag\":\"*\","
        "\"properties\":{\"desired\":{\"floor\":3}}},\"queryCondition\":\"*\"}");
    assert_int_equal(iothub_service_job_create_twin(f->service, &job, "{\"etag\":\"*\"}", NULL),
                     IOTHUB_OK);
}

static void an_unknown_job_is_not_found_whatever_the_http_status(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {
        REPLY(200, "{\"jobId\":\"j\",\"type\":\"unknown\",\"status\":\"unknown\"}"),
        {.status = 404, .headers = {"iothub-errorcode: JobNotFound"}}
    };
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        char *job = NULL;
        assert_int_equal(iothub_service_job_get(f->service, "j", &job), IOTHUB_JOB_NOT_FOUND);
        assert_null(job);
    }
}

static void cancelling_posts_an_empty_body(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"status\":\"cancelled\"}"));
    assert_int_equal(iothub_service_job_cancel(f->service, "j", NULL), IOTHUB_OK);
    expect_request(f, 0, "POST", "/jobs/v2/j/cancel" VERSION, "");
    expect_header(f, 0, "Content-Length", "0");
    expect_header(f, 0, "Content-Type", NULL);
}

static void a_job_listing_has_filters_and_pages(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {
        {.status = 200,
         .body = "[{\"jobId\":\"a\"}]",
         .headers = {"x-ms-item-type: JobResponse", "x-ms-continuation: c"}       },
        {.status = 200, .body = "[]",   .headers = {"x-ms-item-type: JobResponse"}}
    };
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    struct iothub_service_query *query = NULL;
    assert_int_equal(
        iothub_service_job_query_create(f->service, "scheduleUpdateTwin", "a&b", 1, &query),
        IOTHUB_OK);
    assert_int_equal(iothub_service_query_next(query, NULL), IOTHUB_OK);
    assert_string_equal(iothub_service_query_item_type(query), "JobResponse");
    assert_int_equal(iothub_service_query_next(query, NULL), IOTHUB_OK);
    assert_false(iothub_service_query_has_more(query));
    expect_request(f, 0, "GET",
                   "/jobs/v2/query" VERSION "&jobType=scheduleUpdateTwin&jobStatus=a%26b", "");
    expect_header(f, 0, "x-ms-max-item-count", "1");
    expect_header(f, 1, "x-ms-continuation", "c");
    iothub_service_query_destroy(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_method_and_its_answer_travel_verbatim),
        TEST(a_method_without_payload_and_timeouts_leaves_them_out),
        TEST(a_method_answer_without_status_is_refused),
        TEST(an_offline_device_is_told_from_the_nested_envelope),
        TEST(a_method_is_waited_for_beyond_the_timeout),
        TEST(pages_follow_the_continuation_to_the_end),
        TEST(an_empty_continuation_ends_a_query),
        TEST(a_failed_page_can_be_asked_for_again),
        TEST(a_method_job_is_written_as_documented),
        TEST(a_twin_job_gets_the_only_etag_it_may_have),
        TEST(an_unknown_job_is_not_found_whatever_the_http_status),
        TEST(cancelling_posts_an_empty_body),
        TEST(a_job_listing_has_filters_and_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
