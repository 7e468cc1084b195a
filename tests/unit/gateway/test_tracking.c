/*
 * gateway/tracking: the forms of the hub's errors.
 */
#include "gateway/tracking.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "iothub/json.h"

/* 2020-08-20T22:05:30.25Z */
#define AT_MS 1597961130250LL

static json_t *parsed(struct buf *text)
{
    json_t *value = json_parse(buf_slice(text), NULL);
    assert_non_null(value);
    buf_finish(text);
    return value;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static void assert_tracking_id(const char *text)
{
    assert_true(strspn(text, "0123456789ABCDEF") >= 32);
}

static void id_is_32_capital_hex_digits(void **state)
{
    char first[TRACKING_ID_SIZE];
    char second[TRACKING_ID_SIZE];
    (void)state;
    assert_int_equal(strlen(tracking_id(first)), 32);
    assert_tracking_id(first);
    tracking_id(second);
    assert_string_not_equal(first, second);
}

static void error_has_number_text_and_time(void **state)
{
    struct buf out = {.cap = 1000};
    (void)state;
    tracking_put_error(&out, IOTHUB_DEVICE_NOT_ONLINE, "not \"there\"", AT_MS);
    json_t *error = parsed(&out);
    assert_int_equal(json_integer_value(json_object_get(error, "errorCode")), 404103);
    assert_string_equal(member(error, "message"), "not \"there\"");
    assert_string_equal(member(error, "timestampUtc"), "2020-08-20T22:05:30.25Z");
    assert_int_equal(strlen(member(error, "trackingId")), 32);
    assert_tracking_id(member(error, "trackingId"));
    assert_true(json_is_null(json_object_get(error, "info")));
    assert_int_equal(json_object_size(error), 5);
    json_decref(error);
}

static void envelope_names_the_code_first(void **state)
{
    struct buf out = {.cap = 1000};
    (void)state;
    tracking_put_envelope(&out, IOTHUB_DEVICE_NOT_FOUND, "d;e:f", AT_MS);
    json_t *envelope = parsed(&out);
    assert_string_equal(member(envelope, "Message"), "ErrorCode:DeviceNotFound;d;e:f");
    const char *exception = member(envelope, "ExceptionMessage");
    assert_int_equal(strncmp(exception, "Tracking ID:", 12), 0);
    assert_tracking_id(exception + 12);
    assert_string_equal(exception + 12 + 32, "-TimeStamp:08/20/2020 22:05:30");
    assert_int_equal(json_object_size(envelope), 2);
    json_decref(envelope);
}

static void nested_form_holds_the_error_as_a_text(void **state)
{
    struct buf out = {.cap = 1000};
    (void)state;
    tracking_put_nested(&out, IOTHUB_GATEWAY_TIMEOUT, "a \"quoted\" \\ text", AT_MS);
    json_t *envelope = parsed(&out);
    json_t *error = json_parse(slice_of(member(envelope, "Message")), NULL);
    assert_int_equal(json_integer_value(json_object_get(error, "errorCode")), 504101);
    assert_string_equal(member(error, "message"), "a \"quoted\" \\ text");
    assert_non_null(strstr(member(envelope, "ExceptionMessage"), "-TimeStamp:08/20/2020"));
    json_decref(error);
    json_decref(envelope);
}

static void empty_text_is_a_text(void **state)
{
    struct buf out = {.cap = 1000};
    (void)state;
    tracking_put_envelope(&out, IOTHUB_SERVER_ERROR, "", AT_MS);
    json_t *envelope = parsed(&out);
    assert_string_equal(member(envelope, "Message"), "ErrorCode:ServerError;");
    json_decref(envelope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_is_32_capital_hex_digits),
        cmocka_unit_test(error_has_number_text_and_time),
        cmocka_unit_test(envelope_names_the_code_first),
        cmocka_unit_test(nested_form_holds_the_error_as_a_text),
        cmocka_unit_test(empty_text_is_a_text),
    };
    return cmocka_run_group_tests_name("gateway.tracking", tests, NULL, NULL);
}
