/*
 * The library over HTTP: messages to devices, feedback about them, an emulator's events.
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

static void message_travels_as_body_and_headers(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 204});
    const struct iothub_service_property properties[] = {
        {"floor", "3"   },
        {"empty", ""    },
        {"none",  NULL  },
        {"K~|",   "a=b;"},
    };
    const struct iothub_service_message message = {
        .payload = "a\nb",
        .payload_len = 3,
        .properties = properties,
        .n_properties = ARRAY_LEN(properties),
        .message_id = "m-1",
        .correlation_id = "c-1",
        .user_id = "me",
        .content_type = "text/plain",
        .content_encoding = "utf-8",
        .expiry_time = "2030-01-02T03:04:05Z",
        .ack = IOTHUB_SERVICE_ACK_FULL,
    };
    assert_int_equal(iothub_service_c2d_send(f->service, "d", &message), IOTHUB_OK);
    expect_request(f, 0, "POST", "/devices/d/messages/deviceBound" VERSION, "a\nb");
    expect_header(f, 0, "Content-Type", "application/octet-stream");
    expect_header(f, 0, "iothub-messageid", "m-1");
    expect_header(f, 0, "iothub-correlationid", "c-1");
    expect_header(f, 0, "iothub-userid", "me");
    expect_header(f, 0, "iothub-contenttype", "text/plain");
    expect_header(f, 0, "iothub-contentencoding", "utf-8");
    expect_header(f, 0, "iothub-expiry", "2030-01-02T03:04:05Z");
    expect_header(f, 0, "iothub-ack", "full");
    expect_header(f, 0, "iothub-app-floor", "3");
    expect_header(f, 0, "iothub-app-empty", "");
    expect_header(f, 0, "iothub-app-none", "");
    expect_header(f, 0, "iothub-app-K~|", "a=b;");
}

static void properties_keep_their_order(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 204});
    const struct iothub_service_property properties[] = {
        {"z", "1"},
        {"a", "2"},
        {"m", "3"},
    };
    const struct iothub_service_message message = {.properties = properties, .n_properties = 3};
    assert_int_equal(iothub_service_c2d_send(f->service, "d", &message), IOTHUB_OK);
    const char *headers = fake_hub_request(f->hub, 0)->headers;
    const char *z = strstr(headers, "iothub-app-z: 1");
    const char *a = strstr(headers, "iothub-app-a: 2");
    const char *m = strstr(headers, "iothub-app-m: 3");
    assert_non_null(z);
    assert_true(z < a && a < m);
}

static void bare_message_has_no_headers_of_its_own(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 204});
    const struct iothub_service_message message = {0};
    assert_int_equal(iothub_service_c2d_send(f->service, "d", &message), IOTHUB_OK);
    expect_request(f, 0, "POST", "/devices/d/messages/deviceBound" VERSION, "");
    assert_null(strstr(fake_hub_request(f->hub, 0)->headers, "\niothub-"));
}

static void messages_that_http_cannot_carry_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct iothub_service_property names[] = {
        {NULL,  "v"},
        {"",    "v"},
        {"a b", "v"},
        {"a:b", "v"},
        {"ä",  "v"},
    };
    const struct iothub_service_property values[] = {
        {"n", "a\r\nEvil: x"},
        {"n", "ä"          },
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct iothub_service_message m = {.properties = &names[i], .n_properties = 1};
        assert_int_equal(iothub_service_c2d_send(f->service, "d", &m), IOTHUB_BAD_ARGUMENT);
    }
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        const struct iothub_service_message m = {.properties = &values[i], .n_properties = 1};
        assert_int_equal(iothub_service_c2d_send(f->service, "d", &m), IOTHUB_BAD_ARGUMENT);
    }
    const struct iothub_service_message bad[] = {
        {.message_id = "a b"},      {.message_id = ""}, {.expiry_time = "tomorrow"},
        {.correlation_id = "a\nb"}, {.payload_len = 1}, {.n_properties = 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(iothub_service_c2d_send(f->service, "d", &bad[i]),
                         IOTHUB_BAD_ARGUMENT);
    }
    static const char big[64 * 1024 + 1] = {0};
    const struct iothub_service_message long_one = {.payload = big, .payload_len = sizeof(big)};
    assert_int_equal(iothub_service_c2d_send(f->service, "d", &long_one),
                     IOTHUB_MESSAGE_TOO_LARGE);
    assert_int_equal(fake_hub_n_requests(f->hub), 0);
}

static void message_is_not_repeated_when_it_may_have_arrived(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 429}, {.status = 204}, {.status = 500});
    const struct iothub_service_message message = {0};
    assert_int_equal(iothub_service_c2d_send(f->service, "d", &message), IOTHUB_OK);
    assert_int_equal(iothub_service_c2d_send(f->service, "d", &message), IOTHUB_SERVER_ERROR);
    assert_int_equal(fake_hub_n_requests(f->hub), 3);
}

static void queue_is_purged(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"totalMessagesPurged\":3,\"deviceId\":\"d\",\"moduleId\":null}"));
    char *out = NULL;
    assert_int_equal(iothub_service_c2d_purge(f->service, "d", &out), IOTHUB_OK);
    expect_request(f, 0, "DELETE", "/devices/d/commands" VERSION, "");
    assert_string_equal(out, script[0].body);
    free(out);
}

static void feedback_is_received_and_completed_by_its_token(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           {.status = 200,
            .body = "[{\"originalMessageId\":\"m-1\"}]",
            .headers = {"ETag: \"6f3e-1\""}},
           {.status = 204}, {.status = 204}, {.status = 412});
    char *batch = NULL;
    char *token = NULL;
    assert_int_equal(iothub_service_feedback_receive(f->service, &batch, &token), IOTHUB_OK);
    assert_string_equal(batch, "[{\"originalMessageId\":\"m-1\"}]");
    assert_string_equal(token, "6f3e-1");
    assert_int_equal(iothub_service_feedback_complete(f->service, token), IOTHUB_OK);
    assert_int_equal(iothub_service_feedback_abandon(f->service, token), IOTHUB_OK);
    assert_int_equal(iothub_service_feedback_complete(f->service, token),
                     IOTHUB_GENERIC_PRECONDITION_FAILED);
    expect_request(f, 0, "GET", "/messages/serviceBound/feedback" VERSION, "");
    expect_request(f, 1, "DELETE", "/messages/serviceBound/feedback/6f3e-1" VERSION, "");
    expect_request(f, 2, "POST", "/messages/serviceBound/feedback/6f3e-1/abandon" VERSION, "");
    free(batch);
    free(token);
}

static void no_feedback_is_an_empty_batch_without_a_token(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 204}, REPLY(200, "{}"));
    char *batch = NULL;
    char *token = NULL;
    assert_int_equal(iothub_service_feedback_receive(f->service, &batch, &token), IOTHUB_OK);
    assert_string_equal(batch, "[]");
    assert_null(token);
    free(batch);
    assert_int_equal(iothub_service_feedback_receive(f->service, &batch, &token),
                     IOTHUB_UNEXPECTED_ANSWER);
}

static void file_notification_is_received_and_settled_by_its_token(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           {.status = 200, .body = "{\"blobName\":\"d/a\"}", .headers = {"ETag: \"6f3e-1\""}},
           {.status = 204}, {.status = 204}, {.status = 204}, REPLY(200, "[]"));
    char *text = NULL;
    char *token = NULL;
    assert_int_equal(iothub_service_file_notification_receive(f->service, &text, &token),
                     IOTHUB_OK);
    assert_string_equal(text, "{\"blobName\":\"d/a\"}");
    assert_string_equal(token, "6f3e-1");
    assert_int_equal(iothub_service_file_notification_complete(f->service, token), IOTHUB_OK);
    assert_int_equal(iothub_service_file_notification_abandon(f->service, token), IOTHUB_OK);
    expect_request(f, 0, "GET", "/messages/serviceBound/filenotifications" VERSION, "");
    expect_request(f, 1, "DELETE", "/messages/serviceBound/filenotifications/6f3e-1" VERSION,
                   "");
    expect_request(f, 2, "POST",
                   "/messages/serviceBound/filenotifications/6f3e-1/abandon" VERSION, "");
    free(text);
    free(token);
    assert_int_equal(iothub_service_file_notification_receive(f->service, &text, &token),
                     IOTHUB_OK);
    assert_null(text);
    assert_null(token);
    assert_int_equal(iothub_service_file_notification_receive(f->service, &text, &token),
                     IOTHUB_UNEXPECTED_ANSWER);
}

static void events_are_read_after_an_offset(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "[]"),
           {.status = 200, .body = "[{\"offset\":\"8\"}]", .headers = {"x-ms-continuation: 8"}},
           {.status = 404});
    char *after = NULL;
    const struct iothub_service_events all = {0};
    const struct iothub_service_events some = {.after = "7/x", .device_id = "d#1", .wait_s = 5};
    char *out = NULL;
    assert_int_equal(iothub_service_events_read(f->service, &all, NULL, NULL), IOTHUB_OK);
    expect_request(f, 0, "GET", "/_emulator/events" VERSION, "");
    assert_int_equal(iothub_service_events_read(f->service, &some, &after, &out), IOTHUB_OK);
    assert_string_equal(out, "[{\"offset\":\"8\"}]");
    assert_string_equal(after, "8");
    expect_request(f, 1, "GET",
                   "/_emulator/events" VERSION "&after=7%2Fx&wait=5&deviceId=d%231", "");
    assert_int_equal(iothub_service_events_read(f->service, &all, NULL, NULL),
                     IOTHUB_GENERIC_NOT_FOUND);
    const struct iothub_service_events patient = {.wait_s = 301};
    assert_int_equal(iothub_service_events_read(f->service, &patient, NULL, NULL),
                     IOTHUB_BAD_ARGUMENT);
    free(out);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(message_travels_as_body_and_headers),
        TEST(properties_keep_their_order),
        TEST(bare_message_has_no_headers_of_its_own),
        TEST(messages_that_http_cannot_carry_are_refused),
        TEST(message_is_not_repeated_when_it_may_have_arrived),
        TEST(queue_is_purged),
        TEST(feedback_is_received_and_completed_by_its_token),
        TEST(no_feedback_is_an_empty_batch_without_a_token),
        TEST(file_notification_is_received_and_settled_by_its_token),
        TEST(events_are_read_after_an_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
