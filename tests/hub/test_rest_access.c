/*
 * Who may do what over the service API.
 * Source: IoT Hub documentation, "Control access to IoT Hub"; the service SDKs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/device.h"
#include "hub/service.h"

#define QUERY_BODY "{\"query\":\"SELECT * FROM devices\"}"
#define JOB_BODY \
    "{\"type\":\"scheduleUpdateTwin\",\"queryCondition\":\"*\",\"updateTwin\":" \
    "{\"etag\":\"*\",\"tags\":{\"a\":1}}}"

static int status_of(struct fixture *f, const struct ask *asked)
{
    struct reply reply = ask(f, asked);
    int status = reply.status;
    reply_end(&reply);
    return status;
}

static void assert_status(struct fixture *f, int status, const struct ask *asked)
{
    int have = status_of(f, asked);
    if (have != status) {
        print_error("%s %s: %d instead of %d\n", asked->method, asked->path, have, status);
    }
    assert_int_equal(have, status);
}

/* Every refusal is a 401, never a 403. */
static void expect_refused(struct fixture *f, const struct ask *asked)
{
    struct reply reply = ask(f, asked);
    if (reply.status != 401) {
        print_error("%s %s: %d %s\n", asked->method, asked->path, reply.status, reply.text);
    }
    assert_int_equal(reply.status, 401);
    const char *name = reply_header(&reply, "iothub-errorcode");
    enum iothub_status status = strcmp(name, "IotHubUnauthorized") == 0
                                    ? IOTHUB_UNAUTHORIZED
                                    : IOTHUB_UNAUTHORIZED_ACCESS;
    expect_error(reply, status);
}

static const char *get_device(struct fixture *f, const char *token)
{
    static char text[20];
    int status =
        status_of(f, &(struct ask){.method = "GET", .path = "/devices/d", .token = token});
    (void)snprintf(text, sizeof(text), "%d", status);
    return text;
}

/* ---- rights of the policies ------------------------------------------------------------- */

struct right_row {
    const char *method;
    const char *path;
    const char *body;
    const char *if_match;
    const char *policies; /* that may */
};

#define READERS  "iothubowner registryRead registryReadWrite "
#define WRITERS  "iothubowner registryReadWrite "
#define SERVICES "iothubowner service "

static void each_route_asks_for_its_right(void **state)
{
    static const struct {
        const char *name;
        const char *key;
    } policies[] = {
        {"iothubowner",       KEY_OWNER        },
        {"service",           KEY_SERVICE      },
        {"device",            KEY_DEVICE_POLICY},
        {"registryRead",      KEY_READ         },
        {"registryReadWrite", KEY_READ_WRITE   },
    };
    static const struct right_row rows[] = {
        {"GET",    "/devices",                NULL,                     NULL, READERS },
        {"GET",    "/devices/d",              NULL,                     NULL, READERS },
        {"GET",    "/devices/d/modules",      NULL,                     NULL, READERS },
        {"GET",    "/devices/d/modules/m",    NULL,                     NULL, READERS },
        {"PUT",    "/devices/d",              "{}",                     "*",  WRITERS },
        {"PUT",    "/devices/d/modules/m",    "{}",                     "*",  WRITERS },
        {"DELETE", "/devices/none",           NULL,                     NULL, WRITERS },
        {"DELETE", "/devices/d/modules/none", NULL,                     NULL, WRITERS },
        {"GET",    "/twins/d",                NULL,                     NULL, SERVICES},
        {"PATCH",  "/twins/d",                "{}",                     NULL, SERVICES},
        {"PUT",    "/twins/d",                "{}",                     NULL, SERVICES},
        {"GET",    "/twins/d/modules/m",      NULL,                     NULL, SERVICES},
        {"PATCH",  "/twins/d/modules/m",      "{}",                     NULL, SERVICES},
        {"POST",   "/devices/query",          QUERY_BODY,               NULL, SERVICES},
        {"POST",   "/twins/d/methods",        "{\"methodName\":\"m\"}", NULL, SERVICES},
        {"GET",    "/jobs/v2/query",          NULL,                     NULL, SERVICES},
        {"GET",    "/jobs/v2/j",              NULL,                     NULL, SERVICES},
        {"PUT",    "/jobs/v2/j",              JOB_BODY,                 NULL, SERVICES},
        {"POST",   "/jobs/v2/j/cancel",       NULL,                     NULL, SERVICES},
    };
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < ARRAY_LEN(policies); k++) {
            char word[40];
            struct ask asked = {.method = rows[i].method,
                                .path = rows[i].path,
                                .body = rows[i].body,
                                .if_match = rows[i].if_match};
            asked.token = token_for(f, HOST, policies[k].key, policies[k].name, 3600);
            (void)snprintf(word, sizeof(word), "%s ", policies[k].name);
            bool may = strstr(rows[i].policies, word) != NULL;
            bool is_refused = status_of(f, &asked) == 401;
            if (may == is_refused) {
                print_error("%s %s with %s\n", asked.method, asked.path, policies[k].name);
            }
            assert_int_equal(may, !is_refused);
        }
    }
}

static void missing_right_is_unauthorized_access(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    ask_fails(
        f, IOTHUB_UNAUTHORIZED_ACCESS,
        &(struct ask){.method = "GET",
                      .path = "/twins/d",
                      .token = token_for(f, HOST, KEY_READ_WRITE, "registryReadWrite", 3600)});
}

static void wrong_key_is_unauthorized_access(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    ask_fails(f, IOTHUB_UNAUTHORIZED_ACCESS,
              &(struct ask){.method = "GET",
                            .path = "/devices/d",
                            .token = token_for(f, HOST, KEY_OTHER, "iothubowner", 3600)});
}

static void both_keys_of_a_policy_open(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_string_equal(get_device(f, token_for(f, HOST, KEY_OWNER, "iothubowner", 3600)),
                        "200");
    assert_string_equal(
        get_device(f, token_for(f, HOST, KEY_OWNER_SECOND, "iothubowner", 3600)), "200");
}

/* ---- tokens ----------------------------------------------------------------------------- */

static void request_without_a_token_is_refused(void **state)
{
    static const char *const tokens[] = {
        "",
        "SharedAccessSignature",
        "SharedAccessSignature sr=hub.test",
        "Bearer eyJhbGciOi.x.y",
        "Basic b3duZXI6c2VjcmV0",
        KEY_OWNER,
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        expect_refused(
            f, &(struct ask){.method = "GET", .path = "/devices/d", .token = tokens[i]});
    }
}

static void clocks_may_differ_by_five_minutes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_string_equal(get_device(f, token_for(f, HOST, KEY_OWNER, "iothubowner", -299)),
                        "200");
    assert_string_equal(get_device(f, token_for(f, HOST, KEY_OWNER, "iothubowner", -300)),
                        "401");
    assert_string_equal(get_device(f, token_for(f, HOST, KEY_OWNER, "iothubowner", -301)),
                        "401");
}

static void token_is_checked_with_each_request(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    const char *token = token_for(f, HOST, KEY_OWNER, "iothubowner", 10);
    assert_string_equal(get_device(f, token), "200");
    fixture_pass(f, 311 * SECOND_MS);
    assert_string_equal(get_device(f, token), "401");
}

static void unknown_policy_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    expect_refused(f, &(struct ask){.method = "GET",
                                    .path = "/devices/d",
                                    .token = token_for(f, HOST, KEY_OWNER, "owner", 3600)});
}

static void resource_is_this_hub_in_any_spelling(void **state)
{
    static const char *const good[] = {
        HOST,        "HUB.Test",      HOST "/", "https://" HOST, "sb://" HOST "/",
        HOST ":443", "amqps://" HOST,
    };
    static const char *const bad[] = {"other.test", "xhub.test", "hub.test.evil", "hub", "*"};
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_string_equal(
            get_device(f, token_for(f, good[i], KEY_OWNER, "iothubowner", 3600)), "200");
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_string_equal(get_device(f, token_for(f, bad[i], KEY_OWNER, "iothubowner", 3600)),
                            "401");
    }
}

static void resource_narrows_a_policy_by_whole_segments(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "dd");
    make(f, "d/m");
    const char *token = token_for(f, HOST "/devices/d", KEY_OWNER, "iothubowner", 3600);
    assert_status(f, 200, &(struct ask){.method = "GET", .path = "/devices/d", .token = token});
    assert_status(f, 200, &(struct ask){.method = "GET", .path = "/Devices/d", .token = token});
    assert_status(
        f, 200, &(struct ask){.method = "GET", .path = "/devices/d/modules/m", .token = token});
    assert_status(f, 401,
                  &(struct ask){.method = "GET", .path = "/devices/dd", .token = token});
    assert_status(f, 401, &(struct ask){.method = "GET", .path = "/devices", .token = token});
    assert_status(f, 401, &(struct ask){.method = "GET", .path = "/twins/d", .token = token});
    token = token_for(f, HOST "/Twins", KEY_OWNER, "iothubowner", 3600);
    assert_status(f, 200, &(struct ask){.method = "GET", .path = "/twins/d", .token = token});
    assert_status(f, 401, &(struct ask){.method = "GET", .path = "/devices/d", .token = token});
}

/* ---- a device's own key ----------------------------------------------------------------- */

/* Source: azure-iot-sdk-c, testtools/iothub_test, which makes modules with the device's key. */
static void device_key_looks_after_its_own_modules(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    const char *token = token_of(f, "d", "", KEY_FIRST);
    assert_status(
        f, 200,
        &(struct ask){
            .method = "PUT", .path = "/devices/d/modules/m", .body = "{}", .token = token});
    assert_status(f, 200,
                  &(struct ask){.method = "PUT",
                                .path = "/devices/d/modules/m",
                                .body = "{}",
                                .if_match = "*",
                                .token = token});
    assert_status(
        f, 200, &(struct ask){.method = "GET", .path = "/devices/d/modules/m", .token = token});
    assert_status(f, 200,
                  &(struct ask){.method = "GET", .path = "/devices/d/modules", .token = token});
    token = token_of(f, "d", "", KEY_SECOND);
    assert_status(
        f, 204,
        &(struct ask){.method = "DELETE", .path = "/devices/d/modules/m", .token = token});
}

static void device_key_opens_nothing_else(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        const char *body;
    } rows[] = {
        {"GET",    "/devices",              NULL                    },
        {"GET",    "/devices/d",            NULL                    },
        {"PUT",    "/devices/d",            "{}"                    },
        {"DELETE", "/devices/d",            NULL                    },
        {"GET",    "/devices/e/modules",    NULL                    },
        {"PUT",    "/devices/e/modules/m",  "{}"                    },
        {"PUT",    "/devices/dd/modules/m", "{}"                    },
        {"GET",    "/twins/d",              NULL                    },
        {"PATCH",  "/twins/d",              "{}"                    },
        {"GET",    "/twins/d/modules/m",    NULL                    },
        {"POST",   "/twins/d/methods",      "{\"methodName\":\"m\"}"},
        {"POST",   "/devices/query",        QUERY_BODY              },
        {"PUT",    "/jobs/v2/j",            JOB_BODY                },
    };
    struct fixture *f = *state;
    make(f, "d");
    make(f, "dd");
    make(f, "e");
    make(f, "d/m");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask asked = {.method = rows[i].method,
                            .path = rows[i].path,
                            .body = rows[i].body,
                            .if_match = "*"};
        asked.token = token_of(f, "d", "", KEY_FIRST);
        expect_refused(f, &asked);
    }
}

/* "/devices/d/modules///" is below the device, but names it itself. */
static void device_key_does_not_reach_the_device_through_an_empty_module_id(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_t *before = get_identity(f, "d");
    const char *token = token_of(f, "d", "", KEY_FIRST);
    static const char *const methods[] = {"GET", "PUT", "DELETE"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct ask asked = {.method = methods[i],
                            .path = "/devices/d/modules///",
                            .if_match = "*",
                            .token = token};
        asked.body = methods[i][0] == 'P' ? "{\"status\":\"disabled\"}" : NULL;
        int status = status_of(f, &asked);
        assert_in_range(status, 400, 499);
    }
    json_t *after = get_identity(f, "d");
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

static void device_key_must_be_right_and_the_device_enabled(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    struct ask asked = {.method = "GET", .path = "/devices/d/modules/m"};
    asked.token = token_of(f, "d", "", KEY_OTHER);
    expect_refused(f, &asked);
    asked.token = token_of(f, "e", "", KEY_FIRST);
    expect_refused(f, &asked);
    asked.token = token_for(f, HOST, KEY_FIRST, "", 3600);
    expect_refused(f, &asked);
    asked.token = token_for(f, HOST "/devices/d", KEY_FIRST, "", -301);
    expect_refused(f, &asked);
    json_decref(ask_json(f, 200,
                         &(struct ask){.method = "PUT",
                                       .path = "/devices/d",
                                       .if_match = "*",
                                       .body = "{\"status\":\"disabled\",\"authentication\""
                                               ":{\"symmetricKey\":{\"primaryKey\":\"" KEY_FIRST
                                               "\",\"secondaryKey\":\"" KEY_SECOND "\"}}}"}));
    asked.token = token_of(f, "d", "", KEY_FIRST);
    expect_refused(f, &asked);
}

static void module_key_opens_nothing(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        const char *body;
    } rows[] = {
        {"GET",    "/devices/d/modules/m", NULL},
        {"PUT",    "/devices/d/modules/m", "{}"},
        {"DELETE", "/devices/d/modules/m", NULL},
        {"GET",    "/devices/d/modules",   NULL},
        {"GET",    "/twins/d/modules/m",   NULL},
    };
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask asked = {.method = rows[i].method,
                            .path = rows[i].path,
                            .body = rows[i].body,
                            .if_match = "*"};
        asked.token = token_of(f, "d", "m", KEY_FIRST);
        expect_refused(f, &asked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(each_route_asks_for_its_right),
        HUB_TEST(missing_right_is_unauthorized_access),
        HUB_TEST(wrong_key_is_unauthorized_access),
        HUB_TEST(both_keys_of_a_policy_open),
        HUB_TEST(request_without_a_token_is_refused),
        HUB_TEST(clocks_may_differ_by_five_minutes),
        HUB_TEST(token_is_checked_with_each_request),
        HUB_TEST(unknown_policy_is_refused),
        HUB_TEST(resource_is_this_hub_in_any_spelling),
        HUB_TEST(resource_narrows_a_policy_by_whole_segments),
        HUB_TEST(device_key_looks_after_its_own_modules),
        HUB_TEST(device_key_opens_nothing_else),
        HUB_TEST(device_key_does_not_reach_the_device_through_an_empty_module_id),
        HUB_TEST(device_key_must_be_right_and_the_device_enabled),
        HUB_TEST(module_key_opens_nothing),
    };
    return cmocka_run_group_tests_name("hub.rest_access", tests, NULL, NULL);
}
