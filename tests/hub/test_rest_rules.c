/*
 * What all routes of the service API have in common: addresses, versions, bodies, answers.
 * Source: IoT Hub REST reference; the service SDKs' HTTP clients.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/service.h"
#include "iothub/json.h"

static void expect_status(struct fixture *f, int status, const struct ask *asked)
{
    json_decref(ask_json(f, status, asked));
}

/* ---- addresses -------------------------------------------------------------------------- */

static void path_has_many_spellings(void **state)
{
    static const char *const paths[] = {
        "/devices/d",   "/devices/d/",    "/Devices/d",   "/DEVICES/d",
        "/devices%2Fd", "%2Fdevices%2Fd", "/devices/%64", "/%64evices/d",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        expect_status(f, 200, &(struct ask){.method = "GET", .path = paths[i]});
    }
}

static void list_may_end_in_a_slash(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_t *devices = rest(f, 200, "GET", "/devices/", NULL);
    assert_int_equal(json_array_size(devices), 1);
    json_decref(devices);
}

static void ids_in_paths_keep_their_case(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/D", NULL);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/twins/D", NULL);
}

static void ids_in_paths_are_decoded_once(void **state)
{
    struct fixture *f = *state;
    make(f, "a#b");
    make(f, "%41");
    expect_status(f, 200, &(struct ask){.method = "GET", .path = "/devices/a%23b"});
    expect_status(f, 200, &(struct ask){.method = "GET", .path = "/devices/a#b"});
    expect_status(f, 200, &(struct ask){.method = "GET", .path = "/devices/%2541"});
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/%41", NULL);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/a%2523b", NULL);
}

/* Source: azure-iot-sdk-node, end-to-end tests, which want "invalid/name" to fail. */
static void id_with_a_slash_finds_no_route(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_GENERIC_NOT_FOUND, "PUT", "/devices/invalid%2Fname",
               "{'deviceId':'invalid/name'}");
}

static void unknown_routes_are_not_found(void **state)
{
    static const char *const paths[] = {
        "/",
        "",
        "/nothing",
        "/device/d",
        "/devices/d/module",
        "/devices/d/modules/m/x",
        "/twins",
        "/jobs/v1/j",
        "/jobs/v3/j",
        "/a/b/c/d/e/f/g/h/i/j",
        "//",
        "/devices//modules/m/x",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        rest_fails(f, IOTHUB_GENERIC_NOT_FOUND, "GET", paths[i], NULL);
    }
}

static void empty_id_finds_no_route(void **state)
{
    static const struct {
        const char *method;
        const char *path;
    } rows[] = {
        {"GET",    "/devices/d/modules///"    },
        {"PUT",    "/devices/d/modules///"    },
        {"DELETE", "/devices/d/modules///"    },
        {"GET",    "/devices//modules/m"      },
        {"GET",    "/devices//modules"        },
        {"GET",    "/devices///"              },
        {"POST",   "/twins/d/modules//methods"},
        {"POST",   "/twins//methods"          },
        {"PATCH",  "/twins/d/modules///"      },
        {"PUT",    "/jobs/v2///"              },
        {"POST",   "/jobs/v2//cancel"         },
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply =
            ask(f, &(struct ask){.method = rows[i].method,
                                 .path = rows[i].path,
                                 .body = "{\"methodName\":\"m\",\"tags\":{\"a\":1}}"});
        if (reply.status != 404 && reply.status != 405) {
            print_error("%s %s: %d\n", rows[i].method, rows[i].path, reply.status);
        }
        assert_true(reply.status == 404 || reply.status == 405);
        reply_end(&reply);
    }
}

static void wrong_verb_is_not_allowed(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        const char *body;
    } rows[] = {
        {"POST",   "/devices/d",         "{}"},
        {"PATCH",  "/devices/d",         "{}"},
        {"PUT",    "/devices/d/modules", "{}"},
        {"DELETE", "/twins/d",           NULL},
        {"POST",   "/twins/d",           "{}"},
        {"GET",    "/twins/d/methods",   NULL},
        {"DELETE", "/jobs/v2/j",         NULL},
        {"GET",    "/jobs/v2/j/cancel",  NULL},
        {"get",    "/devices/d",         NULL},
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ask_fails(f, IOTHUB_GENERIC_METHOD_NOT_ALLOWED,
                  &(struct ask){
                      .method = rows[i].method, .path = rows[i].path, .body = rows[i].body});
    }
}

static void health_needs_neither_token_nor_version(void **state)
{
    struct fixture *f = *state;
    expect_status(f, 200,
                  &(struct ask){.method = "GET", .path = "/health", .query = "", .token = ""});
}

/* ---- api-version ------------------------------------------------------------------------ */

static void versions_of_the_clients_are_taken(void **state)
{
    static const char *const versions[] = {
        "api-version=2016-11-14",         "api-version=2018-06-30",
        "api-version=2020-05-31-preview", "api-version=2020-09-30",
        "api-version=2021-04-12",         "api-version=2024-03-31",
        "x=1&api-version=2021-04-12",     "api-version=2021-04-12&x=1",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        expect_status(
            f, 200, &(struct ask){.method = "GET", .path = "/devices/d", .query = versions[i]});
    }
}

static void missing_or_malformed_version_is_refused(void **state)
{
    static const char *const versions[] = {
        "",
        "x=1",
        "api-version=",
        "api-version=latest",
        "api-version=2015-01-01",
        "api-version=2021-4-12",
        "api-version=2021-04-12-x",
        "api-version=20210412",
        "api-version=2021-04-123",
        "api-version=2021_04_12",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct reply reply =
            ask(f, &(struct ask){.method = "GET", .path = "/devices/d", .query = versions[i]});
        assert_string_equal(text_below(reply.json, "Message"),
                            "ErrorCode:InvalidProtocolVersion;BadRequest");
        expect_error(reply, IOTHUB_INVALID_PROTOCOL_VERSION);
    }
}

/* ---- bodies ----------------------------------------------------------------------------- */

static const struct ask writes[] = {
    {.method = "PUT",   .path = "/devices/new"          },
    {.method = "PUT",   .path = "/devices/d/modules/new"},
    {.method = "PATCH", .path = "/twins/d"              },
    {.method = "PUT",   .path = "/twins/d"              },
    {.method = "PATCH", .path = "/twins/d/modules/m"    },
    {.method = "POST",  .path = "/devices/query"        },
    {.method = "POST",  .path = "/twins/d/methods"      },
    {.method = "PUT",   .path = "/jobs/v2/new"          },
};

static void make_targets(struct fixture *f)
{
    make(f, "d");
    make(f, "d/m");
}

static void body_that_is_no_json_is_a_format_error(void **state)
{
    static const char *const bodies[] = {
        "{",     "{\"a\":1,}",  "{'a':1}",
        "hello", "{} {}",       "{\"a\":\"\xff\"}",
        "[1,2",  "{\"a\":NaN}", "select * from devices",
    };
    struct fixture *f = *state;
    make_targets(f);
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        for (size_t k = 0; k < ARRAY_LEN(bodies); k++) {
            struct ask asked = writes[i];
            asked.body = bodies[k];
            ask_fails(f, IOTHUB_FORMAT_ERROR, &asked);
        }
    }
}

static void body_that_is_nested_too_deep_is_a_format_error(void **state)
{
    struct fixture *f = *state;
    struct buf body = {.cap = BUF_CAP_OWN};
    make_targets(f);
    memset(buf_extend(&body, 100000), '[', 100000);
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        struct ask asked = writes[i];
        asked.body = buf_text(&body);
        ask_fails(f, IOTHUB_FORMAT_ERROR, &asked);
    }
    buf_finish(&body);
}

static void missing_body_is_a_bad_request(void **state)
{
    static const char *const bodies[] = {NULL, "", " \r\n"};
    struct fixture *f = *state;
    make_targets(f);
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        for (size_t k = 0; k < ARRAY_LEN(bodies); k++) {
            struct ask asked = writes[i];
            asked.body = bodies[k];
            ask_fails(f, IOTHUB_ARGUMENT_NULL, &asked);
        }
    }
}

static void body_that_is_no_object_is_a_bad_request(void **state)
{
    static const char *const bodies[] = {"[]", "5", "\"text\"", "null", "true"};
    struct fixture *f = *state;
    make_targets(f);
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        for (size_t k = 0; k < ARRAY_LEN(bodies); k++) {
            struct ask asked = writes[i];
            asked.body = bodies[k];
            struct reply reply = ask(f, &asked);
            if (reply.status != 400) {
                print_error("%s %s %s: %d\n", asked.method, asked.path, bodies[k],
                            reply.status);
            }
            assert_int_equal(reply.status, 400);
            assert_non_null(reply_header(&reply, "iothub-errorcode"));
            reply_end(&reply);
        }
    }
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/new", NULL);
    rest_fails(f, IOTHUB_MODULE_NOT_FOUND, "GET", "/devices/d/modules/new", NULL);
}

static void body_that_is_too_large_is_refused(void **state)
{
    struct fixture *f = *state;
    make_targets(f);
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        struct ask asked = writes[i];
        asked.is_too_large = true;
        ask_fails(f, IOTHUB_MESSAGE_TOO_LARGE, &asked);
    }
}

static void body_is_not_read_for_who_may_not_write(void **state)
{
    struct fixture *f = *state;
    make_targets(f);
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        struct ask asked = writes[i];
        asked.body = "{";
        asked.token = "";
        ask_fails(f, IOTHUB_UNAUTHORIZED, &asked);
    }
}

/* ---- answers ---------------------------------------------------------------------------- */

static void every_answer_has_a_request_id(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        const char *token;
    } rows[] = {
        {"GET",    "/devices/d",    NULL},
        {"GET",    "/devices/none", NULL},
        {"GET",    "/none",         NULL},
        {"DELETE", "/devices/d",    NULL},
        {"GET",    "/health",       NULL},
        {"GET",    "/devices",      ""  },
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply = ask(f, &(struct ask){.method = rows[i].method,
                                                  .path = rows[i].path,
                                                  .token = rows[i].token});
        const char *id = reply_header(&reply, "x-ms-request-id");
        assert_non_null(id);
        assert_true(has_form(id, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"));
        reply_end(&reply);
    }
}

static void content_type_is_there_with_a_body_only(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct reply reply = ask(f, &(struct ask){.method = "GET", .path = "/devices/d"});
    assert_string_equal(reply.exchange.answer.content_type, "application/json; charset=utf-8");
    reply_end(&reply);
    reply = ask(f, &(struct ask){.method = "DELETE", .path = "/devices/d"});
    assert_int_equal(reply.status, 204);
    assert_null(reply.exchange.answer.content_type);
    assert_string_equal(reply.text, "");
    reply_end(&reply);
}

static void devices_carry_their_etag_in_a_header(void **state)
{
    struct fixture *f = *state;
    char want[100];
    make(f, "d");
    make(f, "d/m");
    struct reply reply = ask(f, &(struct ask){.method = "GET", .path = "/devices/d"});
    (void)snprintf(want, sizeof(want), "\"%s\"", text_below(reply.json, "etag"));
    assert_string_equal(reply_header(&reply, "ETag"), want);
    reply_end(&reply);
    reply = ask(
        f, &(struct ask){.method = "PUT", .path = "/devices/d", .body = "{}", .if_match = "*"});
    (void)snprintf(want, sizeof(want), "\"%s\"", text_below(reply.json, "etag"));
    assert_string_equal(reply_header(&reply, "ETag"), want);
    reply_end(&reply);
}

static void modules_and_twins_carry_no_etag_header(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        const char *body;
        const char *if_match;
    } rows[] = {
        {"GET",   "/devices/d/modules/m", NULL,                   NULL},
        {"PUT",   "/devices/d/modules/m", "{}",                   "*" },
        {"GET",   "/twins/d",             NULL,                   NULL},
        {"PATCH", "/twins/d",             "{\"tags\":{\"a\":1}}", NULL},
        {"GET",   "/twins/d/modules/m",   NULL,                   NULL},
    };
    struct fixture *f = *state;
    make_targets(f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply = ask(f, &(struct ask){.method = rows[i].method,
                                                  .path = rows[i].path,
                                                  .body = rows[i].body,
                                                  .if_match = rows[i].if_match});
        assert_int_equal(reply.status, 200);
        assert_null(reply_header(&reply, "ETag"));
        reply_end(&reply);
    }
}

static void error_envelope_tells_code_text_and_time(void **state)
{
    struct fixture *f = *state;
    fixture_pass(f, 90 * MINUTE_MS + 5999);
    struct reply reply = ask(f, &(struct ask){.method = "GET", .path = "/devices/none"});
    assert_string_equal(text_below(reply.json, "Message"), "ErrorCode:DeviceNotFound;none");
    assert_non_null(
        strstr(text_below(reply.json, "ExceptionMessage"), "-TimeStamp:03/02/2026 13:30:05"));
    expect_error(reply, IOTHUB_DEVICE_NOT_FOUND);
}

static void errors_of_methods_are_nested(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct reply reply = ask(f, &(struct ask){.method = "POST",
                                              .path = "/twins/d/methods",
                                              .body = "{\"methodName\":\"m\"}"});
    json_t *inner = json_parse(slice_of(text_below(reply.json, "Message")), NULL);
    assert_int_equal(number_below(inner, "errorCode"), 404103);
    /* The C# SDK reads it as a flat map. */
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(inner, key, value)
    {
        assert_false(json_is_object(value) || json_is_array(value));
    }
    json_decref(inner);
    expect_nested_error(reply, IOTHUB_DEVICE_NOT_ONLINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(path_has_many_spellings),
        HUB_TEST(list_may_end_in_a_slash),
        HUB_TEST(ids_in_paths_keep_their_case),
        HUB_TEST(ids_in_paths_are_decoded_once),
        HUB_TEST(id_with_a_slash_finds_no_route),
        HUB_TEST(unknown_routes_are_not_found),
        HUB_TEST(empty_id_finds_no_route),
        HUB_TEST(wrong_verb_is_not_allowed),
        HUB_TEST(health_needs_neither_token_nor_version),
        HUB_TEST(versions_of_the_clients_are_taken),
        HUB_TEST(missing_or_malformed_version_is_refused),
        HUB_TEST(body_that_is_no_json_is_a_format_error),
        HUB_TEST(body_that_is_nested_too_deep_is_a_format_error),
        HUB_TEST(missing_body_is_a_bad_request),
        HUB_TEST(body_that_is_no_object_is_a_bad_request),
        HUB_TEST(body_that_is_too_large_is_refused),
        HUB_TEST(body_is_not_read_for_who_may_not_write),
        HUB_TEST(every_answer_has_a_request_id),
        HUB_TEST(content_type_is_there_with_a_body_only),
        HUB_TEST(devices_carry_their_etag_in_a_header),
        HUB_TEST(modules_and_twins_carry_no_etag_header),
        HUB_TEST(error_envelope_tells_code_text_and_time),
        HUB_TEST(errors_of_methods_are_nested),
    };
    return cmocka_run_group_tests_name("hub.rest_rules", tests, NULL, NULL);
}
