/*
 * The library over HTTP: when it tries again, and what ends its waits.
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

/* ---- Repeated attempts ---- */

static void a_throttled_read_is_tried_again(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {
        {.status = 429, .headers = {"iothub-errorcode: ThrottlingException"}},
        {.status = 503            },
        REPLY(200, "{}")
    };
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL), IOTHUB_OK);
    assert_int_equal(fake_hub_n_requests(f->hub), 3);
}

static void attempts_have_an_end(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL), IOTHUB_SERVER_ERROR);
    assert_int_equal(fake_hub_n_requests(f->hub), 4);
    assert_int_equal(iothub_service_http_status(f->service), 500);
}

static void retries_can_be_switched_off(void **state)
{
    struct fixture *f = *state;
    struct iothub_service_options options = standard_options(f);
    options.retries = -1;
    reopen(f, &options);
    (void)!iothub_service_device_get(f->service, "d", NULL);
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
}

static void each_attempt_has_its_own_request_id(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {{.status = 429}, REPLY(200, "{}")};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL), IOTHUB_OK);
    char *first = strdup(fake_request_header(fake_hub_request(f->hub, 0), "Request-Id"));
    assert_string_not_equal(fake_request_header(fake_hub_request(f->hub, 1), "Request-Id"),
                            first);
    free(first);
}

static void a_creation_is_tried_again_only_when_it_was_refused(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {
        {.status = 429}, REPLY(200, "{}"), {.status = 500}};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_device_create(f->service, "d", NULL, NULL), IOTHUB_OK);
    assert_int_equal(fake_hub_n_requests(f->hub), 2);
    assert_int_not_equal(iothub_service_device_create(f->service, "d", NULL, NULL), IOTHUB_OK);
    assert_int_equal(fake_hub_n_requests(f->hub), 3);
}

static void a_twin_write_is_repeated_unless_an_etag_binds_it(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {
        {.status = 500}, REPLY(200, "{}"), {.status = 500}};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_twin_update(f->service, "d", NULL, "{}", "*", NULL),
                     IOTHUB_OK);
    assert_int_equal(fake_hub_n_requests(f->hub), 2);
    assert_int_not_equal(iothub_service_twin_update(f->service, "d", NULL, "{}", "MQ==", NULL),
                         IOTHUB_OK);
    assert_int_equal(fake_hub_n_requests(f->hub), 3);
}

static void a_full_set_of_jobs_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 429,
               .headers = {"iothub-errorcode: ThrottlingMaxActiveJobCountExceeded"}});
    const struct iothub_service_job job = {.job_id = "j", .query_condition = "*"};
    assert_int_equal(iothub_service_job_create_twin(f->service, &job, "{}", NULL),
                     IOTHUB_THROTTLING_MAX_ACTIVE_JOB_COUNT_EXCEEDED);
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
}

static void a_read_survives_a_closed_connection(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {{.manner = FAKE_CLOSE}, REPLY(200, "{}")};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL), IOTHUB_OK);
    assert_int_equal(fake_hub_n_requests(f->hub), 2);
}

static void a_method_is_never_sent_twice(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {
        REPLY(200, "[]"), {.manner = FAKE_CLOSE}, {.status = 503}, {.status = 429}};
    const struct iothub_service_method method = {.name = "lockDoor"};
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    /* The connection is used once already: libcurl itself would send again over a new one. */
    assert_int_equal(iothub_service_device_list(f->service, 0, NULL), IOTHUB_OK);
    assert_int_equal(iothub_service_method_invoke(f->service, "d", NULL, &method, NULL),
                     IOTHUB_CONNECTION_FAILED);
    assert_int_equal(fake_hub_n_requests(f->hub), 2);
    assert_int_not_equal(iothub_service_method_invoke(f->service, "d", NULL, &method, NULL),
                         IOTHUB_OK);
    assert_int_equal(fake_hub_n_requests(f->hub), 3);
    assert_int_not_equal(iothub_service_method_invoke(f->service, "d", NULL, &method, NULL),
                         IOTHUB_OK);
    assert_int_equal(fake_hub_n_requests(f->hub), 4);
}

static void a_method_that_was_never_sent_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct iothub_service_options options = standard_options(f);
    const struct iothub_service_method method = {.name = "lockDoor"};
    options.port = 1; /* tcpmux: nobody listens */
    reopen(f, &options);
    assert_int_equal(iothub_service_method_invoke(f->service, "d", NULL, &method, NULL),
                     IOTHUB_CONNECTION_FAILED);
    assert_int_equal(f->n_traced, 4);
    assert_string_not_equal(iothub_service_error_text(f->service), "");
    assert_int_equal(iothub_service_http_status(f->service), 0);
}

static void retry_after_is_obeyed_up_to_the_time_limit(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer answers[] = {
        {.status = 429, .headers = {"Retry-After: 3600"}},
        REPLY(200, "{}")
    };
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL),
                     IOTHUB_GENERIC_TOO_MANY_REQUESTS);
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
}

static void an_address_goes_past_the_proxy(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{}"));
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    enum iothub_status status = iothub_service_device_get(f->service, "d", NULL);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(status, IOTHUB_OK);
}

/* ---- Waiting ---- */

static void a_silent_hub_times_out(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.manner = FAKE_SILENT});
    struct iothub_service_options options = standard_options(f);
    options.timeout_ms = 150;
    reopen(f, &options);
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL), IOTHUB_TIMED_OUT);
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
}

static void a_wait_can_be_interrupted(void **state)
{
    struct fixture *f = *state;
    f->is_interrupted = true;
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL), IOTHUB_INTERRUPTED);
    assert_true(f->n_asked > 0);
}

static bool interrupt_second_time(void *ctx)
{
    struct fixture *f = ctx;
    /* Only once the hub has the request, so that it is its silence that is waited for. */
    return fake_hub_n_requests(f->hub) > 0;
}

static void waiting_for_a_silent_hub_can_be_interrupted(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.manner = FAKE_SILENT});
    struct iothub_service_options options = standard_options(f);
    options.interrupted = interrupt_second_time;
    reopen(f, &options);
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL), IOTHUB_INTERRUPTED);
}

static void a_pause_between_attempts_can_be_interrupted(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 429, .headers = {"Retry-After: 10"}});
    struct iothub_service_options options = standard_options(f);
    options.interrupted = interrupt_second_time;
    reopen(f, &options);
    enum iothub_status status = iothub_service_device_get(f->service, "d", NULL);
    assert_int_equal(status, IOTHUB_INTERRUPTED);
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
}

static void a_hub_without_tls_is_a_tls_failure(void **state)
{
    struct fixture *f = *state;
    struct iothub_service_options options = standard_options(f);
    options.is_plain = false;
    reopen(f, &options);
    assert_int_equal(iothub_service_device_get(f->service, "d", NULL), IOTHUB_TLS_FAILED);
    assert_int_equal(f->n_traced, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_throttled_read_is_tried_again),
        TEST(attempts_have_an_end),
        TEST(retries_can_be_switched_off),
        TEST(each_attempt_has_its_own_request_id),
        TEST(a_creation_is_tried_again_only_when_it_was_refused),
        TEST(a_twin_write_is_repeated_unless_an_etag_binds_it),
        TEST(a_full_set_of_jobs_is_not_waited_for),
        TEST(a_read_survives_a_closed_connection),
        TEST(a_method_is_never_sent_twice),
        TEST(a_method_that_was_never_sent_is_tried_again),
        TEST(retry_after_is_obeyed_up_to_the_time_limit),
        TEST(an_address_goes_past_the_proxy),
        TEST(a_silent_hub_times_out),
        TEST(a_wait_can_be_interrupted),
        TEST(waiting_for_a_silent_hub_can_be_interrupted),
        TEST(a_pause_between_attempts_can_be_interrupted),
        TEST(a_hub_without_tls_is_a_tls_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
