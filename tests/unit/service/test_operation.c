/*
 * operation: targets and etags as they go over the wire.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "service/src/operation.h"

#define VERSION "?api-version=2021-04-12"

static void expect_target(const struct call *call, const char *expected)
{
    struct buf out;
    struct buf error;
    buf_init(&out, BUF_CAP_OWN);
    buf_init(&error, BUF_CAP_OWN);
    assert_true(operation_put_target(&out, call, &error));
    assert_string_equal(buf_text(&out), expected);
    buf_finish(&out);
    buf_finish(&error);
}

static void expect_refused(const struct call *call, const char *expected_error)
{
    struct buf out;
    struct buf error;
    buf_init(&out, BUF_CAP_OWN);
    buf_init(&error, BUF_CAP_OWN);
    assert_false(operation_put_target(&out, call, &error));
    assert_string_equal(buf_text(&error), expected_error);
    buf_finish(&out);
    buf_finish(&error);
}

// clang-format off
/* As the reference has them. */
static const struct {
    enum operation operation;
    const char *verb;
    const char *target;
} documented[] = {
    {OP_DEVICE_CREATE,        "PUT",    "/devices/d"                               },
    {OP_DEVICE_GET,           "GET",    "/devices/d"                               },
    {OP_DEVICE_UPDATE,        "PUT",    "/devices/d"                               },
    {OP_DEVICE_DELETE,        "DELETE", "/devices/d"                               },
    {OP_DEVICE_LIST,          "GET",    "/devices"                                 },
    {OP_MODULE_CREATE,        "PUT",    "/devices/d/modules/m"                     },
    {OP_MODULE_GET,           "GET",    "/devices/d/modules/m"                     },
    {OP_MODULE_UPDATE,        "PUT",    "/devices/d/modules/m"                     },
    {OP_MODULE_DELETE,        "DELETE", "/devices/d/modules/m"                     },
    {OP_MODULE_LIST,          "GET",    "/devices/d/modules"                       },
    {OP_TWIN_GET,             "GET",    "/twins/d/modules/m"                       },
    {OP_TWIN_UPDATE,          "PATCH",  "/twins/d/modules/m"                       },
    {OP_TWIN_REPLACE,         "PUT",    "/twins/d/modules/m"                       },
    {OP_METHOD_INVOKE,        "POST",   "/twins/d/modules/m/methods"               },
    {OP_QUERY,                "POST",   "/devices/query"                           },
    {OP_JOB_CREATE,           "PUT",    "/jobs/v2/j"                               },
    {OP_JOB_GET,              "GET",    "/jobs/v2/j"                               },
    {OP_JOB_CANCEL,           "POST",   "/jobs/v2/j/cancel"                        },
    {OP_JOB_LIST,             "GET",    "/jobs/v2/query"                           },
    {OP_BULK,                 "POST",   "/devices"                                 },
    {OP_KEYS_REGENERATE,      "POST",   "/devices/keys/regenerate"                 },
    {OP_DEVICE_STATISTICS,    "GET",    "/statistics/devices"                      },
    {OP_SERVICE_STATISTICS,   "GET",    "/statistics/service"                      },
    {OP_CONFIGURATION_CREATE, "PUT",    "/configurations/c"                        },
    {OP_CONFIGURATION_GET,    "GET",    "/configurations/c"                        },
    {OP_CONFIGURATION_UPDATE, "PUT",    "/configurations/c"                        },
    {OP_CONFIGURATION_DELETE, "DELETE", "/configurations/c"                        },
    {OP_CONFIGURATION_LIST,   "GET",    "/configurations"                          },
    {OP_CONFIGURATION_TEST,   "POST",   "/configurations/testQueries"              },
    {OP_CONTENT_APPLY,        "POST",   "/devices/d/applyConfigurationContent"     },
    {OP_DIGITAL_TWIN_GET,     "GET",    "/digitaltwins/d"                          },
    {OP_DIGITAL_TWIN_UPDATE,  "PATCH",  "/digitaltwins/d"                          },
    {OP_COMMAND_INVOKE,       "POST",   "/digitaltwins/d/components/p/commands/n"  },
    {OP_C2D_SEND,             "POST",   "/devices/d/messages/deviceBound"          },
    {OP_C2D_PURGE,            "DELETE", "/devices/d/commands"                      },
    {OP_FEEDBACK_RECEIVE,     "GET",    "/messages/serviceBound/feedback"          },
    {OP_FEEDBACK_COMPLETE,    "DELETE", "/messages/serviceBound/feedback/l"        },
    {OP_FEEDBACK_ABANDON,     "POST",   "/messages/serviceBound/feedback/l/abandon"},
    {OP_FILE_NOTIFICATION_RECEIVE, "GET", "/messages/serviceBound/filenotifications"},
    {OP_FILE_NOTIFICATION_COMPLETE, "DELETE", "/messages/serviceBound/filenotifications/l"},
    {OP_FILE_NOTIFICATION_ABANDON, "POST", "/messages/serviceBound/filenotifications/l/abandon"},
    {OP_EVENTS_READ,          "GET",    "/_emulator/events"                        },
};
// clang-format on

static void every_operation_has_its_documented_target(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(documented); i++) {
        const struct call call = {.operation = documented[i].operation,
                                  .device_id = "d",
                                  .module_id = "m",
                                  .job_id = "j",
                                  .configuration_id = "c",
                                  .component = "p",
                                  .command = "n",
                                  .lock_token = "l"};
        struct buf expected;
        buf_init(&expected, BUF_CAP_OWN);
        buf_putf(&expected, "%s" VERSION, documented[i].target);
        expect_target(&call, buf_text(&expected));
        assert_string_equal(operation_row(documented[i].operation)->verb, documented[i].verb);
        buf_finish(&expected);
    }
}

static void twin_of_a_device_has_no_module_in_its_path(void **state)
{
    (void)state;
    expect_target(&(struct call){.operation = OP_TWIN_GET, .device_id = "d"},
                  "/twins/d" VERSION);
    expect_target(&(struct call){.operation = OP_METHOD_INVOKE, .device_id = "d"},
                  "/twins/d/methods" VERSION);
}

static void command_of_a_device_has_no_component_in_its_path(void **state)
{
    (void)state;
    expect_target(
        &(struct call){.operation = OP_COMMAND_INVOKE, .device_id = "d", .command = "reboot"},
        "/digitaltwins/d/commands/reboot" VERSION);
}

static void operation_can_have_a_version_of_its_own(void **state)
{
    (void)state;
    expect_target(&(struct call){.operation = OP_KEYS_REGENERATE, .api_version = "2024-03-31"},
                  "/devices/keys/regenerate?api-version=2024-03-31");
}

static void all_legal_id_characters_are_encoded(void **state)
{
    (void)state;
    expect_target(
        &(struct call){.operation = OP_DEVICE_GET, .device_id = "aZ9-:.+%_#*?!(),=@;$'"},
        "/devices/aZ9-%3A.%2B%25_%23%2A%3F%21%28%29%2C%3D%40%3B%24%27" VERSION);
    expect_target(&(struct call){.operation = OP_DEVICE_GET, .device_id = ".."},
                  "/devices/.." VERSION);
}

static void parameters_follow_the_version(void **state)
{
    (void)state;
    expect_target(&(struct call){.operation = OP_DEVICE_LIST, .parameters = "top=5"},
                  "/devices" VERSION "&top=5");
    expect_target(&(struct call){.operation = OP_DEVICE_LIST, .parameters = ""},
                  "/devices" VERSION);
}

static void ids_that_would_change_the_path_are_refused(void **state)
{
    (void)state;
    expect_refused(&(struct call){.operation = OP_DEVICE_GET}, "a device id is missing");
    expect_refused(&(struct call){.operation = OP_DEVICE_GET, .device_id = ""},
                   "a device id is missing");
    expect_refused(&(struct call){.operation = OP_DEVICE_GET, .device_id = "a/b"},
                   "\"a/b\" is no valid device id");
    expect_refused(&(struct call){.operation = OP_MODULE_GET, .device_id = "d"},
                   "a module id is missing");
    expect_refused(&(struct call){.operation = OP_TWIN_GET, .device_id = "d", .module_id = ""},
                   "a module id is missing");
    expect_refused(&(struct call){.operation = OP_CONFIGURATION_GET, .configuration_id = "a/b"},
                   "\"a/b\" is no valid configuration id");
    expect_refused(&(struct call){.operation = OP_FEEDBACK_COMPLETE},
                   "a lock token is missing");
    expect_refused(&(struct call){.operation = OP_COMMAND_INVOKE, .device_id = "d"},
                   "a command is missing");
    expect_refused(&(struct call){.operation = OP_JOB_GET, .job_id = "a b"},
                   "\"a b\" is no valid job id");
}

static void a_job_id_has_at_most_64_characters(void **state)
{
    (void)state;
    static const char id[] =
        "0123456789012345678901234567890123456789012345678901234567890123x";
    expect_refused(&(struct call){.operation = OP_JOB_GET, .job_id = id},
                   "\"0123456789012345678901234567890123456789012345678901234567890123x\""
                   " is no valid job id");
    expect_target(
        &(struct call){.operation = OP_JOB_GET, .job_id = id + 1},
        "/jobs/v2/123456789012345678901234567890123456789012345678901234567890123x" VERSION);
}

static void every_form_of_an_etag_is_sent_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *etag;
        const char *expected;
    } rows[] = {
        {"*",            "\"*\""           },
        {"\"*\"",        "\"*\""           },
        {"AAAAAAAAAAE=", "\"AAAAAAAAAAE=\""},
        {"\"MQ==\"",     "\"MQ==\""        },
        {"W/\"MQ==\"",   "\"MQ==\""        },
        {"  MQ==  ",     "\"MQ==\""        },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        buf_init(&out, BUF_CAP_OWN);
        assert_true(operation_put_etag(&out, rows[i].etag));
        assert_string_equal(buf_text(&out), rows[i].expected);
        buf_finish(&out);
    }
}

static void an_etag_that_would_break_the_header_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"",     "\"\"", "a\r\nX: y", "a b",
                                       "a\"b", "\x7f", "\xc3\xa4"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        buf_init(&out, BUF_CAP_OWN);
        assert_false(operation_put_etag(&out, rows[i]));
        assert_int_equal(out.len, 0);
        buf_finish(&out);
    }
}

static void the_wildcard_is_known_in_all_forms(void **state)
{
    (void)state;
    assert_true(operation_etag_is_any("*"));
    assert_true(operation_etag_is_any("\"*\""));
    assert_false(operation_etag_is_any("MQ=="));
    assert_false(operation_etag_is_any(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_its_documented_target),
        cmocka_unit_test(twin_of_a_device_has_no_module_in_its_path),
        cmocka_unit_test(command_of_a_device_has_no_component_in_its_path),
        cmocka_unit_test(operation_can_have_a_version_of_its_own),
        cmocka_unit_test(all_legal_id_characters_are_encoded),
        cmocka_unit_test(parameters_follow_the_version),
        cmocka_unit_test(ids_that_would_change_the_path_are_refused),
        cmocka_unit_test(a_job_id_has_at_most_64_characters),
        cmocka_unit_test(every_form_of_an_etag_is_sent_quoted),
        cmocka_unit_test(an_etag_that_would_break_the_header_is_refused),
        cmocka_unit_test(the_wildcard_is_known_in_all_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
