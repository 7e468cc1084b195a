/*
 * status: the table of outcomes.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "iothub/status.h"

static const int hub_codes[] = {
#define CODE(constant, code, name) code,
    IOTHUB_HUB_STATUSES(CODE)
#undef CODE
};

static void names_go_over_the_wire_as_documented(void **state)
{
    (void)state;

    assert_string_equal(iothub_status_name(IOTHUB_DEVICE_NOT_FOUND), "DeviceNotFound");
    assert_string_equal(iothub_status_name(IOTHUB_UNAUTHORIZED), "IotHubUnauthorized");
    assert_string_equal(iothub_status_name(IOTHUB_OK), "Ok");
    assert_string_equal(iothub_status_name((enum iothub_status)999999), "Unknown");
}

static void every_name_leads_back_to_its_row(void **state)
{
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(hub_codes); i++) {
        enum iothub_status status = (enum iothub_status)hub_codes[i];
        const char *name = iothub_status_name(status);
        char swapped[80] = "";
        assert_in_range(strlen(name), 1, sizeof(swapped) - 1);
        for (size_t k = 0; name[k] != '\0'; k++) {
            int c = (unsigned char)name[k];
            swapped[k] = (char)(islower(c) ? toupper(c) : tolower(c));
        }
        assert_int_equal(iothub_status_from_name(name, IOTHUB_OK), status);
        assert_int_equal(iothub_status_from_name(swapped, IOTHUB_OK), status);
    }
}

static void codes_rise_without_repeats(void **state)
{
    (void)state;

    for (size_t i = 1; i < ARRAY_LEN(hub_codes); i++) {
        assert_true(hub_codes[i - 1] < hub_codes[i]);
    }
}

static void an_unknown_name_is_the_callers_choice(void **state)
{
    (void)state;

    assert_int_equal(iothub_status_from_name("NoSuchName", IOTHUB_SERVER_ERROR),
                     IOTHUB_SERVER_ERROR);
    assert_int_equal(iothub_status_from_name("DeviceNotFoun", IOTHUB_OK), IOTHUB_OK);
    assert_int_equal(iothub_status_from_name("DeviceNotFoundX", IOTHUB_OK), IOTHUB_OK);
    assert_int_equal(iothub_status_from_name("", IOTHUB_TIMED_OUT), IOTHUB_TIMED_OUT);
    assert_int_equal(iothub_status_from_name(NULL, IOTHUB_TIMED_OUT), IOTHUB_TIMED_OUT);
}

static void the_http_status_is_the_codes_first_three_digits(void **state)
{
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(hub_codes); i++) {
        assert_int_equal(iothub_status_http((enum iothub_status)hub_codes[i]),
                         hub_codes[i] / 1000);
        assert_in_range(hub_codes[i] / 1000, 400, 504);
    }
    assert_int_equal(iothub_status_http(IOTHUB_OK), 200);
    assert_int_equal(iothub_status_http(IOTHUB_CONNECTION_FAILED), 500);
    assert_int_equal(iothub_status_http((enum iothub_status)201000), 500);
}

static void an_http_status_alone_gives_the_general_row(void **state)
{
    (void)state;

    assert_int_equal(iothub_status_from_http(200), IOTHUB_OK);
    assert_int_equal(iothub_status_from_http(204), IOTHUB_OK);
    assert_int_equal(iothub_status_from_http(299), IOTHUB_OK);
    assert_int_equal(iothub_status_from_http(400), IOTHUB_GENERIC_BAD_REQUEST);
    assert_int_equal(iothub_status_from_http(404), IOTHUB_GENERIC_NOT_FOUND);
    assert_int_equal(iothub_status_from_http(429), IOTHUB_GENERIC_TOO_MANY_REQUESTS);
    assert_int_equal(iothub_status_from_http(504), IOTHUB_GENERIC_GATEWAY_TIMEOUT);
    assert_int_equal(iothub_status_from_http(500), IOTHUB_SERVER_ERROR);
    assert_int_equal(iothub_status_from_http(302), IOTHUB_UNEXPECTED_ANSWER);
    assert_int_equal(iothub_status_from_http(418), IOTHUB_UNEXPECTED_ANSWER);
    assert_int_equal(iothub_status_from_http(INT32_MAX), IOTHUB_UNEXPECTED_ANSWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_over_the_wire_as_documented),
        cmocka_unit_test(every_name_leads_back_to_its_row),
        cmocka_unit_test(codes_rise_without_repeats),
        cmocka_unit_test(an_unknown_name_is_the_callers_choice),
        cmocka_unit_test(the_http_status_is_the_codes_first_three_digits),
        cmocka_unit_test(an_http_status_alone_gives_the_general_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
