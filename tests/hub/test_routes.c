/*
 * What the gateway checks before a handler runs, for every row of the table of routes: a new
 * route is covered as soon as it is a row.
 */
#include <stdio.h>
#include <string.h>

#include "gateway/rest.h"
#include "hub/service.h"

enum {
    PATH_SIZE = 200,
};

struct route_test {
    struct fixture *f;
    const struct rest_route *route;
    char path[PATH_SIZE];
    struct ask ask; /* one that passes all checks */
};

typedef void route_check(struct route_test *t);

/* The route's path with an id in each variable segment. */
static void write_path(char out[PATH_SIZE], const char *pattern)
{
    size_t len = 0;
    for (const char *c = pattern; *c != '\0'; c++) {
        if (c[0] == '{' && c[1] == '}') {
            out[len++] = 'x';
            c++;
        } else {
            out[len++] = *c;
        }
        assert_true(len < PATH_SIZE - 1);
    }
    out[len] = '\0';
}

static bool needs_token(const struct rest_route *route)
{
    return route->rights != 0;
}

/* What only devices and modules do, with errors of their own. */
static bool is_devices_own(const struct rest_route *route)
{
    return route->rights == HUB_DEVICE_CONNECT;
}

/* Devices come with versions of any age, and the emulator's own routes have none. */
static bool needs_version(const struct rest_route *route)
{
    return needs_token(route) && !is_devices_own(route) &&
           strncmp(route->path, "/_emulator/", 11) != 0;
}

static void each_route_of(struct fixture *f, route_check *check)
{
    for (size_t i = 0; i < rest_n_routes; i++) {
        struct route_test t = {.f = f, .route = &rest_routes[i]};
        write_path(t.path, t.route->path);
        t.ask = (struct ask){.method = t.route->method, .path = t.path};
        t.ask.body = t.route->body == REST_NO_BODY ? NULL : "{}";
        check(&t);
    }
}

/* The same in a hub where the ids of the paths are. */
static void each_route(struct fixture *f, route_check *check)
{
    make(f, "x");
    make(f, "x/x");
    each_route_of(f, check);
}

static void expect(struct route_test *t, enum iothub_status status)
{
    struct reply reply = ask(t->f, &t->ask);
    const char *name = reply_header(&reply, "iothub-errorcode");
    if (name == NULL || strcmp(name, iothub_status_name(status)) != 0) {
        print_error("%s %s: %d %s\n", t->ask.method, t->ask.path, reply.status, reply.text);
    }
    expect_error(reply, status);
}

/* What a good signature gets that is not enough. */
static enum iothub_status refusal_of(const struct rest_route *route)
{
    return is_devices_own(route) ? IOTHUB_UNAUTHORIZED : IOTHUB_UNAUTHORIZED_ACCESS;
}

/* ---- tokens ----------------------------------------------------------------------------- */

static void check_without_token(struct route_test *t)
{
    t->ask.token = "";
    if (needs_token(t->route)) {
        expect(t, IOTHUB_UNAUTHORIZED);
    }
}

static void check_wrong_key(struct route_test *t)
{
    t->ask.token = token_for(t->f, HOST, KEY_OTHER, "iothubowner", 3600);
    if (needs_token(t->route)) {
        expect(t, IOTHUB_UNAUTHORIZED_ACCESS);
    }
}

static void check_expired_token(struct route_test *t)
{
    t->ask.token = token_for(t->f, HOST, KEY_OWNER, "iothubowner", -301);
    if (needs_token(t->route)) {
        expect(t, IOTHUB_UNAUTHORIZED);
    }
}

static void check_foreign_token(struct route_test *t)
{
    t->ask.token = token_for(t->f, "other.test", KEY_OWNER, "iothubowner", 3600);
    if (needs_token(t->route)) {
        expect(t, IOTHUB_UNAUTHORIZED);
    }
}

static void check_other_resource(struct route_test *t)
{
    t->ask.token = token_for(t->f, HOST "/elsewhere", KEY_OWNER, "iothubowner", 3600);
    if (needs_token(t->route)) {
        expect(t, refusal_of(t->route));
    }
}

static void check_missing_right(struct route_test *t)
{
    static const struct hub_policy policies[] = {
        {"service",           KEY_SERVICE,       NULL, HUB_SERVICE_CONNECT                   },
        {"device",            KEY_DEVICE_POLICY, NULL, HUB_DEVICE_CONNECT                    },
        {"registryRead",      KEY_READ,          NULL, HUB_REGISTRY_READ                     },
        {"registryReadWrite", KEY_READ_WRITE,    NULL, HUB_REGISTRY_READ | HUB_REGISTRY_WRITE},
    };
    size_t n_refused = 0;
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        if (!needs_token(t->route) || (policies[i].rights & t->route->rights) != 0) {
            continue;
        }
        t->ask.token = token_for(t->f, HOST, policies[i].primary_key, policies[i].name, 3600);
        expect(t, refusal_of(t->route));
        n_refused++;
    }
    /* No route is open to everybody who has some right. */
    assert_true(n_refused != 0 || !needs_token(t->route));
}

/* A device's own key, for what is not its own. */
static void check_device_key(struct route_test *t)
{
    t->ask.token = token_of(t->f, "other", "", KEY_FIRST);
    if (needs_token(t->route)) {
        expect(t, refusal_of(t->route));
    }
}

static void request_without_a_token_is_refused(void **state)
{
    each_route(*state, check_without_token);
}

static void wrong_key_is_refused(void **state)
{
    each_route(*state, check_wrong_key);
}

static void expired_token_is_refused(void **state)
{
    each_route(*state, check_expired_token);
}

static void token_of_another_hub_is_refused(void **state)
{
    each_route(*state, check_foreign_token);
}

static void token_of_another_resource_is_refused(void **state)
{
    each_route(*state, check_other_resource);
}

static void policy_without_the_right_is_refused(void **state)
{
    each_route(*state, check_missing_right);
}

static void another_devices_key_is_refused(void **state)
{
    make(*state, "other");
    each_route(*state, check_device_key);
}

/* ---- versions, verbs and bodies --------------------------------------------------------- */

static void check_missing_version(struct route_test *t)
{
    t->ask.query = "";
    if (needs_version(t->route)) {
        expect(t, IOTHUB_INVALID_PROTOCOL_VERSION);
    }
}

static void check_malformed_version(struct route_test *t)
{
    t->ask.query = "api-version=latest";
    if (needs_version(t->route)) {
        expect(t, IOTHUB_INVALID_PROTOCOL_VERSION);
    }
}

static void check_wrong_verb(struct route_test *t)
{
    t->ask.method = "TRACE";
    expect(t, IOTHUB_GENERIC_METHOD_NOT_ALLOWED);
}

static void check_deeper_path(struct route_test *t)
{
    size_t len = strlen(t->path);
    (void)snprintf(t->path + len, PATH_SIZE - len, "/x/x/x/x");
    expect(t, IOTHUB_GENERIC_NOT_FOUND);
}

static void check_malformed_body(struct route_test *t)
{
    static const char *const bodies[] = {"{\"a\":", "{} {}", "no", "{\"a\":1,}"};
    bool is_json = t->route->body == REST_JSON || t->route->body == REST_JSON_OR_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(bodies) && is_json; i++) {
        t->ask.body = bodies[i];
        expect(t, IOTHUB_FORMAT_ERROR);
    }
}

static void check_missing_body(struct route_test *t)
{
    t->ask.body = NULL;
    if (t->route->body == REST_JSON) {
        expect(t, IOTHUB_ARGUMENT_NULL);
    }
}

static void check_large_body(struct route_test *t)
{
    t->ask.is_too_large = true;
    expect(t, IOTHUB_MESSAGE_TOO_LARGE);
}

static void missing_version_is_refused(void **state)
{
    each_route(*state, check_missing_version);
}

static void malformed_version_is_refused(void **state)
{
    each_route(*state, check_malformed_version);
}

static void unknown_verb_is_not_allowed(void **state)
{
    each_route(*state, check_wrong_verb);
}

static void deeper_path_is_not_found(void **state)
{
    each_route(*state, check_deeper_path);
}

static void malformed_json_is_a_format_error(void **state)
{
    each_route(*state, check_malformed_body);
}

static void missing_body_is_a_missing_argument(void **state)
{
    each_route(*state, check_missing_body);
}

static void oversized_body_is_too_large(void **state)
{
    each_route(*state, check_large_body);
}

/* ---- the table itself ------------------------------------------------------------------- */

/* Bodies that hold nothing have an answer, and none that is the hub's fault. */
static void check_answer(struct route_test *t)
{
    struct reply reply = ask(t->f, &t->ask);
    if (reply.status >= 500) {
        print_error("%s %s: %d %s\n", t->ask.method, t->ask.path, reply.status, reply.text);
    }
    assert_in_range(reply.status, 200, 499);
    assert_non_null(reply_header(&reply, "x-ms-request-id"));
    assert_int_equal(reply.status < 300, reply_header(&reply, "iothub-errorcode") == NULL);
    reply_end(&reply);
}

static void each_route_answers(void **state)
{
    each_route_of(*state, check_answer); /* in a hub where nothing is */
    make(*state, "x");
    make(*state, "x/x");
    each_route_of(*state, check_answer);
}

static bool is_same_path(const char *a, const char *b)
{
    char paths[2][PATH_SIZE];
    write_path(paths[0], a);
    write_path(paths[1], b);
    return strcmp(paths[0], paths[1]) == 0;
}

static void no_row_hides_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < rest_n_routes; i++) {
        for (size_t k = i + 1; k < rest_n_routes; k++) {
            assert_false(strcmp(rest_routes[i].method, rest_routes[k].method) == 0 &&
                         is_same_path(rest_routes[i].path, rest_routes[k].path));
        }
    }
}

/* The routes of the documentation, so that a row is not lost by mistake. */
static const char *const documented_routes[] = {
    "GET /devices",
    "POST /devices",
    "GET /devices/{}",
    "PUT /devices/{}",
    "DELETE /devices/{}",
    "GET /devices/{}/modules",
    "GET /devices/{}/modules/{}",
    "PUT /devices/{}/modules/{}",
    "DELETE /devices/{}/modules/{}",
    "POST /devices/keys/regenerate",
    "POST /devices/query",
    "GET /statistics/devices",
    "GET /statistics/service",
    "GET /twins/{}",
    "PATCH /twins/{}",
    "PUT /twins/{}",
    "GET /twins/{}/modules/{}",
    "PATCH /twins/{}/modules/{}",
    "PUT /twins/{}/modules/{}",
    "POST /twins/{}/methods",
    "POST /twins/{}/modules/{}/methods",
    "GET /digitaltwins/{}",
    "PATCH /digitaltwins/{}",
    "POST /digitaltwins/{}/commands/{}",
    "POST /digitaltwins/{}/components/{}/commands/{}",
    "PUT /jobs/v2/{}",
    "GET /jobs/v2/{}",
    "POST /jobs/v2/{}/cancel",
    "GET /jobs/v2/query",
    "POST /jobs/create",
    "GET /jobs",
    "GET /jobs/{}",
    "DELETE /jobs/{}",
    "GET /configurations",
    "GET /configurations/{}",
    "PUT /configurations/{}",
    "DELETE /configurations/{}",
    "POST /configurations/testQueries",
    "POST /devices/{}/applyConfigurationContent",
    "DELETE /devices/{}/commands",
    "GET /messages/serviceBound/feedback",
    "DELETE /messages/serviceBound/feedback/{}",
    "POST /messages/serviceBound/feedback/{}/abandon",
    "GET /messages/serviceBound/filenotifications",
    "DELETE /messages/serviceBound/filenotifications/{}",
    "POST /messages/serviceBound/filenotifications/{}/abandon",
    "GET /messages/serviceBound/fileuploadnotifications",
    "POST /devices/{}/files",
    "POST /devices/{}/files/notifications",
    "POST /devices/{}/files/notifications/{}",
};

static void documented_routes_are_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(documented_routes); i++) {
        size_t n_found = 0;
        for (size_t k = 0; k < rest_n_routes; k++) {
            char row[PATH_SIZE];
            (void)snprintf(row, sizeof(row), "%s %s", rest_routes[k].method,
                           rest_routes[k].path);
            n_found += strcmp(row, documented_routes[i]) == 0;
        }
        if (n_found != 1) {
            print_error("%s\n", documented_routes[i]);
        }
        assert_int_equal(n_found, 1);
    }
}

/* ---- import and export, which is not offered -------------------------------------------- */

static void container_cannot_be_reached(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_BLOB_CONTAINER_VALIDATION_ERROR, "POST", "/jobs/create",
               "{'type':'export','outputBlobContainerUri':'https://a.test/c?sig=x',"
               "'excludeKeysInExport':true}");
    rest_fails(f, IOTHUB_BLOB_CONTAINER_VALIDATION_ERROR, "POST", "/jobs/create",
               "{'type':'Import','inputBlobContainerUri':'https://a.test/c',"
               "'outputBlobContainerUri':'https://a.test/c'}");
}

static void transfer_without_container_or_type_is_a_bad_request(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_ARGUMENT_NULL, "POST", "/jobs/create", "{'type':'export'}");
    rest_fails(f, IOTHUB_ARGUMENT_NULL, "POST", "/jobs/create",
               "{'type':'import','outputBlobContainerUri':'https://a.test/c'}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", "/jobs/create",
               "{'type':'scheduleUpdateTwin'}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", "/jobs/create", "[]");
}

static void there_are_no_transfers(void **state)
{
    struct fixture *f = *state;
    json_t *list = rest(f, 200, "GET", "/jobs", NULL);
    assert_json(list, "[]");
    json_decref(list);
    rest_fails(f, IOTHUB_JOB_NOT_FOUND, "GET", "/jobs/j", NULL);
    rest_fails(f, IOTHUB_JOB_NOT_FOUND, "DELETE", "/jobs/j", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(request_without_a_token_is_refused),
        HUB_TEST(wrong_key_is_refused),
        HUB_TEST(expired_token_is_refused),
        HUB_TEST(token_of_another_hub_is_refused),
        HUB_TEST(token_of_another_resource_is_refused),
        HUB_TEST(policy_without_the_right_is_refused),
        HUB_TEST(another_devices_key_is_refused),
        HUB_TEST(missing_version_is_refused),
        HUB_TEST(malformed_version_is_refused),
        HUB_TEST(unknown_verb_is_not_allowed),
        HUB_TEST(deeper_path_is_not_found),
        HUB_TEST(malformed_json_is_a_format_error),
        HUB_TEST(missing_body_is_a_missing_argument),
        HUB_TEST(oversized_body_is_too_large),
        HUB_TEST(each_route_answers),
        HUB_TEST(no_row_hides_another),
        HUB_TEST(documented_routes_are_there),
        HUB_TEST(container_cannot_be_reached),
        HUB_TEST(transfer_without_container_or_type_is_a_bad_request),
        HUB_TEST(there_are_no_transfers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
