/*
 * hub_error: both envelopes, and answers that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "http/hub_error.h"

static void expect(int http_status, const char *code_name, const char *body,
                   enum iothub_status status, const char *text, const char *tracking_id)
{
    struct hub_error error;
    hub_error_read(&error, http_status, code_name, slice_of(body));
    assert_string_equal(iothub_status_name(error.status), iothub_status_name(status));
    assert_string_equal(error.text, text);
    if (tracking_id == NULL) {
        assert_null(error.tracking_id);
    } else {
        assert_non_null(error.tracking_id);
        assert_string_equal(error.tracking_id, tracking_id);
    }
    hub_error_finish(&error);
}

static void registry_envelope_is_split(void **state)
{
    (void)state;
    expect(412, "PreconditionFailed",
           "{\"Message\":\"ErrorCode:PreconditionFailed;ETag mismatch for device ID 'd1'\","
           "\"ExceptionMessage\":\"Tracking "
           "ID:e40e9db2199f482b887af45fbeaa7b8c-G:5-TimeStamp:08/20/2020 "
           "22:05:30\"}",
           IOTHUB_PRECONDITION_FAILED, "ETag mismatch for device ID 'd1'",
           "e40e9db2199f482b887af45fbeaa7b8c-G:5");
}

static void registry_envelope_names_the_code_without_a_header(void **state)
{
    (void)state;
    expect(404, NULL, "{\"Message\":\"ErrorCode:JobNotFound;j\",\"ExceptionMessage\":\"\"}",
           IOTHUB_JOB_NOT_FOUND, "j", NULL);
}

static void method_envelope_inside_the_message_is_read(void **state)
{
    (void)state;
    expect(404, "DeviceNotOnline",
           "{\"Message\":\"{\\\"errorCode\\\":404103,\\\"message\\\":\\\"The device isn't "
           "online.\\\",\\\"trackingId\\\":\\\"abc\\\",\\\"timestampUtc\\\":"
           "\\\"2026-08-15T09:11:06Z\\\",\\\"info\\\":null}\",\"ExceptionMessage\":\"Tracking "
           "ID:def\"}",
           IOTHUB_DEVICE_NOT_ONLINE, "The device isn't online.", "abc");
}

static void nested_envelope_names_the_code_without_a_header(void **state)
{
    (void)state;
    expect(404, NULL,
           "{\"Message\":\"{\\\"errorCode\\\":404010,\\\"message\\\":\\\"m\\\"}\","
           "\"ExceptionMessage\":\"\"}",
           IOTHUB_MODULE_NOT_FOUND, "m", NULL);
}

static void bare_second_envelope_is_read(void **state)
{
    (void)state;
    expect(409, NULL,
           "{\"errorCode\":409301,\"trackingId\":\"t1\",\"message\":\"already "
           "there\",\"info\":null,"
           "\"timestampUtc\":\"2026-01-01T00:00:00Z\"}",
           IOTHUB_MODULE_ALREADY_EXISTS_ON_DEVICE, "already there", "t1");
}

static void header_has_the_last_word_on_the_code(void **state)
{
    (void)state;
    expect(404, "DeviceNotFound", "{\"Message\":\"ErrorCode:JobNotFound;x\"}",
           IOTHUB_DEVICE_NOT_FOUND, "x", NULL);
}

static void unknown_names_fall_back_to_the_http_status(void **state)
{
    (void)state;
    expect(404, "SomethingNew", "{\"Message\":\"ErrorCode:AlsoNew;why\"}",
           IOTHUB_GENERIC_NOT_FOUND, "why", NULL);
    expect(404, NULL, "{\"errorCode\":404999,\"message\":\"why\"}", IOTHUB_GENERIC_NOT_FOUND,
           "why", NULL);
}

static void a_hub_cannot_name_statuses_of_this_side(void **state)
{
    (void)state;
    expect(400, "Ok", "{\"Message\":\"ErrorCode:Interrupted;x\"}", IOTHUB_GENERIC_BAD_REQUEST,
           "x", NULL);
    expect(400, NULL, "{\"errorCode\":8,\"message\":\"x\"}", IOTHUB_GENERIC_BAD_REQUEST, "x",
           NULL);
    expect(400, NULL, "{\"errorCode\":0,\"message\":\"x\"}", IOTHUB_GENERIC_BAD_REQUEST, "x",
           NULL);
}

static void a_foreign_page_becomes_the_http_status(void **state)
{
    (void)state;
    expect(502, NULL, "<html>Bad gateway</html>", IOTHUB_GENERIC_BAD_GATEWAY,
           "HTTP status 502 without a hub's error message", NULL);
    expect(401, NULL, "", IOTHUB_GENERIC_UNAUTHORIZED,
           "HTTP status 401 without a hub's error message", NULL);
    expect(418, NULL, "[1]", IOTHUB_UNEXPECTED_ANSWER,
           "HTTP status 418 without a hub's error message", NULL);
    expect(302, NULL, NULL, IOTHUB_UNEXPECTED_ANSWER,
           "HTTP status 302 without a hub's error message", NULL);
}

static void members_of_other_types_do_no_harm(void **state)
{
    (void)state;
    expect(400, NULL, "{\"Message\":7,\"ExceptionMessage\":[]}", IOTHUB_GENERIC_BAD_REQUEST,
           "HTTP status 400 without a hub's error message", NULL);
    expect(400, NULL, "{\"errorCode\":\"400004\",\"message\":\"m\"}",
           IOTHUB_GENERIC_BAD_REQUEST, "m", NULL);
}

static void message_without_a_text_is_shown_whole(void **state)
{
    (void)state;
    expect(400, NULL, "{\"Message\":\"ErrorCode:ArgumentNull;\"}", IOTHUB_ARGUMENT_NULL,
           "ErrorCode:ArgumentNull;", NULL);
    expect(400, NULL, "{\"Message\":\"ErrorCode:ArgumentNull\"}", IOTHUB_ARGUMENT_NULL,
           "ErrorCode:ArgumentNull", NULL);
    expect(400, NULL, "{\"Message\":\"just text\"}", IOTHUB_GENERIC_BAD_REQUEST, "just text",
           NULL);
}

static void texts_are_one_harmless_line(void **state)
{
    (void)state;
    expect(403, NULL, "{\"Message\":\"ErrorCode:JobQuotaExceeded;a\\nb\\u001b[31mc\"}",
           IOTHUB_JOB_QUOTA_EXCEEDED, "a b [31mc", NULL);
}

static void a_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    struct buf body;
    struct hub_error error;
    buf_init(&body, BUF_CAP_OWN);
    buf_put_text(&body, "{\"Message\":\"x");
    for (int i = 0; i < 2000; i++) {
        buf_put_text(&body, "\xc3\xa4");
    }
    buf_put_text(&body, "\"}");
    hub_error_read(&error, 400, NULL, buf_slice(&body));
    assert_int_equal(strlen(error.text), 999);
    hub_error_finish(&error);
    buf_finish(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registry_envelope_is_split),
        cmocka_unit_test(registry_envelope_names_the_code_without_a_header),
        cmocka_unit_test(method_envelope_inside_the_message_is_read),
        cmocka_unit_test(nested_envelope_names_the_code_without_a_header),
        cmocka_unit_test(bare_second_envelope_is_read),
        cmocka_unit_test(header_has_the_last_word_on_the_code),
        cmocka_unit_test(unknown_names_fall_back_to_the_http_status),
        cmocka_unit_test(a_hub_cannot_name_statuses_of_this_side),
        cmocka_unit_test(a_foreign_page_becomes_the_http_status),
        cmocka_unit_test(members_of_other_types_do_no_harm),
        cmocka_unit_test(message_without_a_text_is_shown_whole),
        cmocka_unit_test(texts_are_one_harmless_line),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
