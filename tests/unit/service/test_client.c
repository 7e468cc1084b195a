/*
 * The library over HTTP: what it sends, what it refuses to send, what it makes of answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "iothub/sas_token.h"
#include "service/src/client.h"
#include "unit/service/client_fixture.h"

/* ---- What is sent ---- */

static void a_request_carries_what_the_official_clients_send(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"deviceId\":\"d 1\"}"));
    char *device = NULL;
    assert_int_equal(iothub_service_device_get(f->service, "d+1", &device), IOTHUB_OK);
    assert_string_equal(device, "{\"deviceId\":\"d 1\"}");
    expect_request(f, 0, "GET", "/devices/d%2B1" VERSION, "");
    struct buf host;
    buf_init(&host, BUF_CAP_OWN);
    buf_putf(&host, HOST ":%d", fake_hub_port(f->hub));
    expect_header(f, 0, "Host", buf_text(&host));
    expect_header(f, 0, "Accept", "application/json");
    expect_header(f, 0, "User-Agent", "iothub-service-c/" IOTHUB_VERSION);
    expect_header(f, 0, "Content-Type", NULL);
    expect_header(f, 0, "If-Match", NULL);
    assert_int_equal(strlen(fake_request_header(fake_hub_request(f->hub, 0), "Request-Id")),
                     36);
    assert_string_equal(iothub_service_error_text(f->service), "");
    assert_int_equal(iothub_service_http_status(f->service), 200);
    buf_finish(&host);
    free(device);
}

static void the_token_is_signed_for_the_host_by_the_policy(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "[]"));
    assert_int_equal(iothub_service_device_list(f->service, 0, NULL), IOTHUB_OK);
    struct sas_token token;
    const char *text = fake_request_header(fake_hub_request(f->hub, 0), "Authorization");
    assert_true(sas_token_parse(slice_of(text), &token));
    assert_true(slice_equal_text(token.sr, HOST));
    assert_true(slice_equal_text(token.skn, "owner"));
    assert_true(sas_token_is_signed_by(&token, SLICE(KEY)));
    struct moment now = clock_read(&(struct clock){0});
    assert_in_range(token.expiry_s, now.at_ms / 1000 + 3590, now.at_ms / 1000 + 3600);
}

static char *token_of(struct fixture *f, size_t i)
{
    const char *text = fake_request_header(fake_hub_request(f->hub, i), "Authorization");
    assert_non_null(text);
    return strdup(text);
}

static void the_token_is_kept_until_it_nears_its_end(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answer[3] = {REPLY(200, "[]"), REPLY(200, "[]"),
                                                 REPLY(200, "[]")};
    fake_hub_script(f->hub, answer, ARRAY_LEN(answer));
    clock_fake(&f->service->clock, 1700000000000);
    assert_int_equal(iothub_service_device_list(f->service, 0, NULL), IOTHUB_OK);
    clock_advance(&f->service->clock, 3400000);
    assert_int_equal(iothub_service_device_list(f->service, 0, NULL), IOTHUB_OK);
    clock_advance(&f->service->clock, 100000);
    assert_int_equal(iothub_service_device_list(f->service, 0, NULL), IOTHUB_OK);
    char *first = token_of(f, 0);
    char *second = token_of(f, 1);
    char *third = token_of(f, 2);
    assert_string_equal(first, second);
    assert_string_not_equal(second, third);
    assert_non_null(strstr(first, "se=1700003600"));
    assert_non_null(strstr(third, "se=1700007100"));
    free(first);
    free(second);
    free(third);
}

static void a_ready_made_token_is_sent_as_it_is(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "[]"));
    struct iothub_service_options options = standard_options(f);
    options.connection_string = "HostName=" HOST ";SharedAccessKeyName=p;SharedAccessSignature="
                                "SharedAccessSignature sr=" HOST "&sig=eA%3d%3d&se=1&skn=p";
    reopen(f, &options);
    assert_int_equal(iothub_service_device_list(f->service, 0, NULL), IOTHUB_OK);
    expect_header(f, 0, "Authorization",
                  "SharedAccessSignature sr=" HOST "&sig=eA%3d%3d&se=1&skn=p");
}

static void one_connection_serves_all_calls(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[3] = {REPLY(200, "[]"), REPLY(204, NULL),
                                                  REPLY(200, "{}")};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_device_list(f->service, 7, NULL), IOTHUB_OK);
    assert_int_equal(iothub_service_device_delete(f->service, "d", "MQ=="), IOTHUB_OK);
    assert_int_equal(
        iothub_service_twin_update(f->service, "d", NULL, "{\"tags\":{}}", NULL, NULL),
        IOTHUB_OK);
    expect_request(f, 0, "GET", "/devices" VERSION "&top=7", "");
    expect_request(f, 1, "DELETE", "/devices/d" VERSION, "");
    expect_header(f, 1, "If-Match", "\"MQ==\"");
    expect_request(f, 2, "PATCH", "/twins/d" VERSION, "{\"tags\":{}}");
    expect_header(f, 2, "If-Match", "\"*\"");
    expect_header(f, 2, "Content-Type", "application/json; charset=utf-8");
    expect_header(f, 2, "Content-Length", "11");
    assert_int_equal(fake_hub_request(f->hub, 0)->peer_port,
                     fake_hub_request(f->hub, 1)->peer_port);
    assert_int_equal(fake_hub_request(f->hub, 0)->peer_port,
                     fake_hub_request(f->hub, 2)->peer_port);
    assert_int_equal(f->n_traced, 3);
}

static void creating_sends_ids_and_no_etag(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[3] = {REPLY(200, "{}"), REPLY(200, "{}"),
                                                  REPLY(200, "{}")};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_device_create(f->service, "d", NULL, NULL), IOTHUB_OK);
    assert_int_equal(
        iothub_service_device_create(f->service, "d", "{\"status\":\"disabled\"}", NULL),
        IOTHUB_OK);
    assert_int_equal(
        iothub_service_module_create(f->service, "d", "m", "{\"moduleId\":\"m\"}", NULL),
        IOTHUB_OK);
    expect_request(f, 0, "PUT", "/devices/d" VERSION, "{\"deviceId\":\"d\"}");
    expect_header(f, 0, "If-Match", NULL);
    expect_request(f, 1, "PUT", "/devices/d" VERSION,
                   "{\"deviceId\":\"d\",\"status\":\"disabled\"}");
    expect_request(f, 2, "PUT", "/devices/d/modules/m" VERSION,
                   "{\"deviceId\":\"d\",\"moduleId\":\"m\"}");
}

static void updating_sends_the_etag_or_the_wildcard(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[3] = {REPLY(200, "{}"), REPLY(200, "{}"),
                                                  REPLY(200, "{}")};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_device_update(f->service, "d", "{}", NULL, NULL),
                     IOTHUB_OK);
    assert_int_equal(iothub_service_module_update(f->service, "d", "m", "{}", "\"MQ==\"", NULL),
                     IOTHUB_OK);
    assert_int_equal(
        iothub_service_twin_replace(f->service, "d", "m", "{\"tags\":{}}", "Mg==", NULL),
        IOTHUB_OK);
    expect_header(f, 0, "If-Match", "\"*\"");
    expect_header(f, 1, "If-Match", "\"MQ==\"");
    expect_request(f, 2, "PUT", "/twins/d/modules/m" VERSION, "{\"tags\":{}}");
    expect_header(f, 2, "If-Match", "\"Mg==\"");
}

static void dots_as_an_id_do_not_climb_the_path(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(404, NULL));
    assert_int_equal(iothub_service_device_get(f->service, "..", NULL),
                     IOTHUB_GENERIC_NOT_FOUND);
    expect_request(f, 0, "GET", "/devices/.." VERSION, "");
}

/* ---- Arguments ---- */

static void bad_arguments_are_not_sent(void **state)
{
    struct fixture *f = *state;
    struct iothub_service *s = f->service;
    struct iothub_service_query *query = NULL;
    const struct iothub_service_method nameless = {.payload = "1"};
    const struct iothub_service_method late = {.name = "m", .response_timeout_s = 301};
    const struct iothub_service_method broken = {.name = "m", .payload = "{"};
    const struct iothub_service_job nobody = {.job_id = "j", .query_condition = " "};
    const struct iothub_service_job never = {
        .job_id = "j", .query_condition = "*", .start_time = "soon"};
    const struct iothub_service_job job = {.job_id = "j", .query_condition = "*"};
    const enum iothub_status statuses[] = {
        iothub_service_device_get(s, "a/b", NULL),
        iothub_service_device_get(s, NULL, NULL),
        iothub_service_device_list(s, 1001, NULL),
        iothub_service_device_create(s, "d", "[]", NULL),
        iothub_service_device_create(s, "d", "{\"deviceId\":\"e\"}", NULL),
        iothub_service_device_delete(s, "d", "a\r\nb"),
        iothub_service_twin_update(s, "d", NULL, "{\"tags\":}", NULL, NULL),
        iothub_service_twin_update(s, "d", NULL, NULL, NULL, NULL),
        iothub_service_twin_update(s, "d", "", "{}", NULL, NULL),
        iothub_service_method_invoke(s, "d", NULL, &nameless, NULL),
        iothub_service_method_invoke(s, "d", NULL, &late, NULL),
        iothub_service_method_invoke(s, "d", NULL, &broken, NULL),
        iothub_service_query_create(s, " ", 0, &query),
        iothub_service_job_create_twin(s, &nobody, "{}", NULL),
        iothub_service_job_create_twin(s, &never, "{}", NULL),
        iothub_service_job_create_twin(s, &job, "{\"etag\":\"MQ==\"}", NULL),
        iothub_service_job_get(s, "a b", NULL),
    };
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        assert_int_equal(statuses[i], IOTHUB_BAD_ARGUMENT);
    }
    assert_string_equal(iothub_service_error_text(s), "\"a b\" is no valid job id");
    assert_int_equal(fake_hub_n_requests(f->hub), 0);
}

static void options_are_checked(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *connection_string;
        const char *ca_file;
        const char *user_agent;
        unsigned port;
        enum iothub_status status;
    } rows[] = {
        {NULL,              NULL,                  NULL,   0,     IOTHUB_BAD_CONNECTION_STRING},
        {"HostName=h",      NULL,                  NULL,   0,     IOTHUB_BAD_CONNECTION_STRING},
        {CONNECTION_STRING, NULL,                  NULL,   65536, IOTHUB_BAD_ARGUMENT         },
        {CONNECTION_STRING, NULL,                  "a\nb", 0,     IOTHUB_BAD_ARGUMENT         },
        {CONNECTION_STRING, "/nowhere/at/all.pem", NULL,   0,     IOTHUB_TLS_FAILED           },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct iothub_service_options options = standard_options(f);
        struct iothub_service *service = NULL;
        char *error = NULL;
        options.connection_string = rows[i].connection_string;
        options.ca_file = rows[i].ca_file;
        options.user_agent = rows[i].user_agent;
        options.port = rows[i].port;
        assert_int_equal(iothub_service_create(&options, &error, &service), rows[i].status);
        assert_null(service);
        assert_non_null(error);
        assert_true(strlen(error) > 0);
        assert_null(strstr(error, KEY));
        free(error);
    }
}

/* ---- Answers ---- */

static void a_stale_etag_is_told_with_the_hubs_words(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           {.status = 412,
            .body = "{\"Message\":\"ErrorCode:PreconditionFailed;ETag mismatch for device ID "
                    "'d'\",\"ExceptionMessage\":\"Tracking ID:abc-G:1-TimeStamp:01/01/2026 "
                    "00:00:00\"}",
            .headers = {"iothub-errorcode: PreconditionFailed"}});
    char *twin = NULL;
    assert_int_equal(iothub_service_twin_update(f->service, "d", NULL, "{}", "MQ==", &twin),
                     IOTHUB_PRECONDITION_FAILED);
    assert_null(twin);
    assert_string_equal(iothub_service_error_text(f->service),
                        "ETag mismatch for device ID 'd'");
    assert_string_equal(iothub_service_tracking_id(f->service), "abc-G:1");
    assert_int_equal(iothub_service_http_status(f->service), 412);
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
}

static void a_request_id_stands_in_for_a_missing_tracking_id(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 401, .headers = {"x-ms-request-id: r1"}});
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL),
                     IOTHUB_GENERIC_UNAUTHORIZED);
    assert_string_equal(iothub_service_tracking_id(f->service), "r1");
}

static void a_success_forgets_the_last_error(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[2] = {REPLY(404, NULL), REPLY(200, "{}")};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL),
                     IOTHUB_GENERIC_NOT_FOUND);
    assert_string_not_equal(iothub_service_error_text(f->service), "");
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL), IOTHUB_OK);
    assert_string_equal(iothub_service_error_text(f->service), "");
    assert_string_equal(iothub_service_tracking_id(f->service), "");
}

static void a_chunked_answer_is_read_whole(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 200,
               .body = "[{\"deviceId\":\"a\"},{\"deviceId\":\"b\"},{\"deviceId\":\"c\"}]",
               .manner = FAKE_CHUNKED});
    char *devices = NULL;
    assert_int_equal(iothub_service_device_list(f->service, 0, &devices), IOTHUB_OK);
    assert_string_equal(devices, script[0].body);
    free(devices);
}

static void an_oversized_answer_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[2] = {
        {.status = 200, .n_filler = 200000},
        REPLY(200, "{}")
    };
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    char *device = NULL;
    assert_int_equal(iothub_service_device_get(f->service, "d", &device),
                     IOTHUB_UNEXPECTED_ANSWER);
    assert_null(device);
    assert_string_equal(iothub_service_error_text(f->service),
                        "the answer is longer than 100000 bytes");
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL), IOTHUB_OK);
}

static void an_answer_of_the_wrong_kind_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {REPLY(200, "[]"), REPLY(200, "<html>"),
                                                 REPLY(200, ""), REPLY(204, NULL),
                                                 REPLY(200, "{}")};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(iothub_service_device_get(f->service, "d", NULL),
                         IOTHUB_UNEXPECTED_ANSWER);
    }
    assert_int_equal(iothub_service_device_list(f->service, 0, NULL), IOTHUB_UNEXPECTED_ANSWER);
    assert_string_equal(iothub_service_error_text(f->service),
                        "the answer with HTTP status 200 is no JSON array");
}

static void a_redirection_is_not_followed(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 307, .headers = {"Location: /elsewhere"}});
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL),
                     IOTHUB_UNEXPECTED_ANSWER);
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
}

static void numbers_and_order_come_out_as_the_hub_wrote_them(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           REPLY(200,
                 "{\"z\":1.50,\"a\":9007199254740993,\"d\":\"2023-01-31T10:37:08.4599400\"}"));
    char *twin = NULL;
    assert_int_equal(iothub_service_twin_get(f->service, "d", NULL, &twin), IOTHUB_OK);
    assert_string_equal(twin, script[0].body);
    free(twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_carries_what_the_official_clients_send),
        TEST(the_token_is_signed_for_the_host_by_the_policy),
        TEST(the_token_is_kept_until_it_nears_its_end),
        TEST(a_ready_made_token_is_sent_as_it_is),
        TEST(one_connection_serves_all_calls),
        TEST(creating_sends_ids_and_no_etag),
        TEST(updating_sends_the_etag_or_the_wildcard),
        TEST(dots_as_an_id_do_not_climb_the_path),
        TEST(bad_arguments_are_not_sent),
        TEST(options_are_checked),
        TEST(a_stale_etag_is_told_with_the_hubs_words),
        TEST(a_request_id_stands_in_for_a_missing_tracking_id),
        TEST(a_success_forgets_the_last_error),
        TEST(a_chunked_answer_is_read_whole),
        TEST(an_oversized_answer_is_refused),
        TEST(an_answer_of_the_wrong_kind_is_refused),
        TEST(a_redirection_is_not_followed),
        TEST(numbers_and_order_come_out_as_the_hub_wrote_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
