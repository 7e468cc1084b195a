/*
 * Edge devices, their own modules, and who is whose child.
 * Source: IoT Hub REST, "Devices - Create or Update Identity"; azure-iot-sdk-node, registry.js;
 * azure-iot-sdk-csharp, RegistryManagerE2ETests; azure-iot-cli-extension, device-identity
 * parent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/service.h"

#define EDGE "'capabilities':{'iotEdge':true}"

enum {
    BODY_SIZE = 800,
};

/* Create or change; the answer is a new reference.  The body has ' for ". */
static json_t *put_as(struct fixture *f, int status, const char *id, const char *if_match,
                      const char *body)
{
    char path[160];
    json_t *value = json_from(body);
    char *text = json_dumps(value, JSON_COMPACT);
    (void)snprintf(path, sizeof(path), "/devices/%s", id);
    json_t *answer = ask_json(
        f, status,
        &(struct ask){.method = "PUT", .path = path, .body = text, .if_match = if_match});
    free(text);
    json_decref(value);
    return answer;
}

static json_t *create(struct fixture *f, const char *id, const char *body)
{
    return put_as(f, 200, id, NULL, body);
}

static json_t *change(struct fixture *f, const char *id, const char *body)
{
    return put_as(f, 200, id, "*", body);
}

static void refuse(struct fixture *f, enum iothub_status status, const char *id,
                   const char *if_match, const char *body)
{
    json_t *answer = put_as(f, iothub_status_http(status), id, if_match, body);
    char want[100];
    (void)snprintf(want, sizeof(want), "ErrorCode:%s;", iothub_status_name(status));
    assert_int_equal(strncmp(text_below(answer, "Message"), want, strlen(want)), 0);
    json_decref(answer);
}

/* A new edge device; its scope, which the caller frees. */
static char *create_edge(struct fixture *f, const char *id, const char *parent)
{
    char body[BODY_SIZE];
    (void)snprintf(body, sizeof(body), "{" EDGE ",'parentScopes':[%s%s%s]}",
                   parent == NULL ? "" : "'", parent == NULL ? "" : parent,
                   parent == NULL ? "" : "'");
    json_t *device = create(f, id, body);
    char *scope = mem_dup_text(text_below(device, "deviceScope"));
    json_decref(device);
    return scope;
}

/* What the registry says of the device's scopes: its own, or NULL for none, and its parent's.
 */
static void expect_scopes(struct fixture *f, const char *id, const char *own,
                          const char *parent)
{
    json_t *device = get_identity(f, id);
    const json_t *parents = json_object_get(device, "parentScopes");
    assert_int_equal(json_array_size(parents), parent == NULL ? 0 : 1);
    if (parent != NULL) {
        assert_string_equal(json_string_value(json_array_get(parents, 0)), parent);
    }
    if (own == NULL) {
        assert_null(json_object_get(device, "deviceScope"));
    } else {
        assert_string_equal(text_below(device, "deviceScope"), own);
    }
    json_decref(device);
}

static void change_f(struct fixture *f, const char *id, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void change_f(struct fixture *f, const char *id, const char *format, ...)
{
    struct buf body = {.cap = BUF_CAP_OWN};
    va_list args;
    va_start(args, format);
    buf_vputf(&body, format, args);
    va_end(args);
    json_decref(change(f, id, buf_text(&body)));
    buf_finish(&body);
}

static size_t count_modules(struct fixture *f, const char *path)
{
    json_t *modules = rest(f, 200, "GET", path, NULL);
    size_t n = json_array_size(modules);
    json_decref(modules);
    return n;
}

/* ---- edge devices and their modules ----------------------------------------------------- */

static void edge_device_gets_a_scope_of_its_id_and_generation(void **state)
{
    struct fixture *f = *state;
    char want[200];
    json_t *device = create(f, "e-1", "{" EDGE "}");
    (void)snprintf(want, sizeof(want), "ms-azure-iot-edge://e-1-%s",
                   text_below(device, "generationId"));
    assert_string_equal(text_below(device, "deviceScope"), want);
    assert_json(json_below(device, "parentScopes"), "[]");
    assert_json(json_below(device, "capabilities"), "{'iotEdge':true}");
    json_decref(device);
    expect_scopes(f, "e-1", want, NULL);
}

static void scope_given_with_a_new_edge_device_is_ignored(void **state)
{
    struct fixture *f = *state;
    json_t *device = create(f, "e", "{" EDGE ",'deviceScope':'mine'}");
    assert_int_equal(strncmp(text_below(device, "deviceScope"), "ms-azure-iot-edge://e-", 22),
                     0);
    assert_json(json_below(device, "parentScopes"), "[]");
    json_decref(device);
}

static void edge_device_has_its_own_modules(void **state)
{
    struct fixture *f = *state;
    json_decref(create(f, "e", "{" EDGE "}"));
    json_t *modules = rest(f, 200, "GET", "/devices/e/modules", NULL);
    assert_int_equal(json_array_size(modules), 2);
    static const char *const names[] = {"$edgeAgent", "$edgeHub"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const json_t *module = json_array_get(modules, i);
        assert_string_equal(text_below(module, "moduleId"), names[i]);
        assert_string_equal(text_below(module, "managedBy"), "iotEdge");
        assert_string_equal(text_below(module, "authentication.type"), "none");
        assert_true(json_is_null(json_below(module, "authentication.symmetricKey.primaryKey")));
    }
    json_decref(modules);
    json_t *twin = get_twin(f, "e/$edgeAgent");
    assert_string_equal(text_below(twin, "moduleId"), "$edgeAgent");
    json_decref(twin);
}

static void device_becomes_an_edge_device_and_back(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    assert_int_equal(count_modules(f, "/devices/d/modules"), 1);
    json_decref(change(f, "d", "{" EDGE "}"));
    /* Seen at the hub: a scope that is made later has no generation. */
    expect_scopes(f, "d", "ms-azure-iot-edge://d-", NULL);
    assert_int_equal(count_modules(f, "/devices/d/modules"), 3);
    json_decref(change(f, "d", "{'deviceScope':'ms-azure-iot-edge://d-'}"));
    expect_scopes(f, "d", NULL, NULL);
    assert_int_equal(count_modules(f, "/devices/d/modules"), 1);
    rest_fails(f, IOTHUB_MODULE_NOT_FOUND, "GET", "/devices/d/modules/$edgeAgent", NULL);
}

static void own_modules_end_their_connections_with_the_edge_device(void **state)
{
    struct fixture *f = *state;
    json_decref(create(f, "e",
                       "{" EDGE ",'authentication':{'symmetricKey':{'primaryKey':'" KEY_FIRST
                       "','secondaryKey':'" KEY_SECOND "'}}}"));
    struct device *agent = device_online(f, "e/$edgeAgent");
    json_decref(change(f, "e",
                       "{'authentication':{'symmetricKey':{'primaryKey':'" KEY_FIRST
                       "','secondaryKey':'" KEY_SECOND "'}}}"));
    assert_true(device_is_closed(agent));
}

static void edge_device_stays_one_with_its_modules(void **state)
{
    struct fixture *f = *state;
    char *scope = create_edge(f, "e", NULL);
    patch_twin(f, "e/$edgeHub", "{'properties':{'desired':{'a':1}}}");
    change_f(f, "e", "{" EDGE ",'deviceScope':'%s','statusReason':'x'}", scope);
    json_t *twin = get_twin(f, "e/$edgeHub");
    assert_section(json_below(twin, "properties.desired"), "{'a':1}");
    json_decref(twin);
    free(scope);
}

static void own_modules_are_neither_made_nor_deleted_by_clients(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_decref(create(f, "e", "{" EDGE "}"));
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d/modules/$edgeAgent", "{}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/e/modules/$other", "{}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "DELETE", "/devices/e/modules/$edgeHub", NULL);
    assert_int_equal(count_modules(f, "/devices/e/modules"), 2);
    rest_done(f, 204, "DELETE", "/devices/e", NULL);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/e/modules/$edgeHub", NULL);
}

/* The edge runtime gives them keys of their own. */
static void own_module_takes_keys_and_goes_back_to_none(void **state)
{
    struct fixture *f = *state;
    json_decref(create(f, "e", "{" EDGE "}"));
    json_t *module = change(f, "e/modules/$edgeAgent",
                            "{'managedBy':'iotEdge','authentication':{'type':'sas'}}");
    assert_int_equal(strlen(text_below(module, "authentication.symmetricKey.primaryKey")), 44);
    json_decref(module);
    module = change(f, "e/modules/$edgeAgent", "{'authentication':{'type':'none'}}");
    assert_string_equal(text_below(module, "authentication.type"), "none");
    assert_true(json_is_null(json_below(module, "authentication.symmetricKey.primaryKey")));
    json_decref(module);
}

static void own_modules_connect_with_the_devices_key(void **state)
{
    static const char edge[] = "{" EDGE
                               ",'authentication':{'symmetricKey':{'primaryKey':'" KEY_FIRST
                               "','secondaryKey':'" KEY_SECOND "'}}}";
    struct fixture *f = *state;
    json_decref(create(f, "e", edge));
    (void)device_online(f, "e/$edgeHub");
    struct device *d =
        device_connect(f, &(struct login){.id = "e/$edgeAgent", .key = KEY_OTHER});
    assert_heard(d, "CONNACK 5");
    /* Also once it has keys of its own, which go on to open it. */
    json_decref(change(f, "e/modules/$edgeHub",
                       "{'authentication':{'symmetricKey':{'primaryKey':'" KEY_OTHER
                       "','secondaryKey':'" KEY_OWNER "'}}}"));
    (void)device_online(f, "e/$edgeHub");
    d = device_connect(f, &(struct login){.id = "e/$edgeHub", .key = KEY_OTHER});
    assert_heard(d, "CONNACK 0");
}

static void other_modules_do_not_connect_with_the_devices_key(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    rest_done(f, 200, "PUT", "/devices/d/modules/m", "{}");
    struct device *d = device_connect(f, &(struct login){.id = "d/m", .key = KEY_FIRST});
    assert_heard(d, "CONNACK 5");
}

/* ---- leaves ----------------------------------------------------------------------------- */

static void leaf_shows_its_parent_in_both_members(void **state)
{
    struct fixture *f = *state;
    char *scope = create_edge(f, "e", NULL);
    char body[BODY_SIZE];
    (void)snprintf(body, sizeof(body), "{'deviceScope':'%s','parentScopes':['%s']}", scope,
                   scope);
    json_decref(create(f, "leaf", body));
    expect_scopes(f, "leaf", scope, scope);
    free(scope);
}

static void leaf_is_attached_and_detached_later(void **state)
{
    struct fixture *f = *state;
    char *scope = create_edge(f, "e", NULL);
    make(f, "leaf");
    expect_scopes(f, "leaf", NULL, NULL);
    change_f(f, "leaf", "{'deviceScope':'%s'}", scope);
    expect_scopes(f, "leaf", scope, scope);
    json_decref(change(f, "leaf", "{'deviceScope':''}"));
    expect_scopes(f, "leaf", NULL, NULL);
    free(scope);
}

static void leaf_with_only_parent_scopes_has_no_parent(void **state)
{
    struct fixture *f = *state;
    char *scope = create_edge(f, "e", NULL);
    make(f, "leaf");
    change_f(f, "leaf", "{'parentScopes':['%s']}", scope);
    expect_scopes(f, "leaf", NULL, NULL);
    free(scope);
}

/* The CLI changes deviceScope and sends the old parentScopes back. */
static void new_device_scope_wins_over_stale_parent_scopes(void **state)
{
    struct fixture *f = *state;
    char *first = create_edge(f, "e1", NULL);
    char *second = create_edge(f, "e2", NULL);
    make(f, "leaf");
    change_f(f, "leaf", "{'deviceScope':'%s'}", first);
    change_f(f, "leaf", "{'deviceScope':'%s','parentScopes':['%s']}", second, first);
    expect_scopes(f, "leaf", second, second);
    free(first);
    free(second);
}

static void scope_of_no_edge_device_is_refused(void **state)
{
    struct fixture *f = *state;
    char *scope = create_edge(f, "e", NULL);
    make(f, "leaf");
    make(f, "other");
    change_f(f, "leaf", "{'deviceScope':'%s'}", scope);
    static const char *const scopes[] = {
        "'8f9a3c52-4f10-4a0e-9a3b-000000000000'",
        "'ms-azure-iot-edge://none-1'",
        "'ms-azure-iot-edge://other-1'",
        "'ms-azure-iot-edge://e-1'",
        "'ms-azure-iot-edge://'",
        "'ms-azure-iot-edge://-'",
        "7",
        "['x']",
    };
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        char body[BODY_SIZE];
        (void)snprintf(body, sizeof(body), "{'deviceScope':%s}", scopes[i]);
        refuse(f, IOTHUB_INVALID_DEVICE_SCOPE, "leaf", "*", body);
        refuse(f, IOTHUB_INVALID_DEVICE_SCOPE, "new", NULL, body);
    }
    expect_scopes(f, "leaf", scope, scope);
    free(scope);
}

static void scope_that_is_too_long_is_refused(void **state)
{
    char body[BODY_SIZE];
    char scope[300];
    memset(scope, 'x', sizeof(scope) - 1);
    scope[sizeof(scope) - 1] = '\0';
    (void)snprintf(body, sizeof(body), "{'deviceScope':'%s'}", scope);
    refuse(*state, IOTHUB_INVALID_DEVICE_SCOPE, "d", NULL, body);
}

static void leaf_keeps_the_scope_of_a_parent_that_is_gone(void **state)
{
    struct fixture *f = *state;
    char *scope = create_edge(f, "e", NULL);
    make(f, "leaf");
    change_f(f, "leaf", "{'deviceScope':'%s'}", scope);
    rest_done(f, 204, "DELETE", "/devices/e", NULL);
    change_f(f, "leaf", "{'deviceScope':'%s','statusReason':'x'}", scope);
    expect_scopes(f, "leaf", scope, scope);
    free(scope);
}

/* ---- edge devices below edge devices ---------------------------------------------------- */

static void edge_child_keeps_its_own_scope(void **state)
{
    struct fixture *f = *state;
    char *upper = create_edge(f, "upper", NULL);
    char *lower = create_edge(f, "lower", upper);
    expect_scopes(f, "lower", lower, upper);
    expect_scopes(f, "upper", upper, NULL);
    free(upper);
    free(lower);
}

static void edge_child_is_detached_by_leaving_its_parent_out(void **state)
{
    struct fixture *f = *state;
    char *upper = create_edge(f, "upper", NULL);
    char *lower = create_edge(f, "lower", upper);
    change_f(f, "lower", "{" EDGE ",'deviceScope':'%s','parentScopes':[]}", lower);
    expect_scopes(f, "lower", lower, NULL);
    change_f(f, "lower", "{" EDGE ",'deviceScope':'%s','parentScopes':['%s']}", lower, upper);
    expect_scopes(f, "lower", lower, upper);
    change_f(f, "lower", "{" EDGE ",'deviceScope':'%s'}", lower);
    expect_scopes(f, "lower", lower, NULL);
    free(upper);
    free(lower);
}

static void edge_devices_own_scope_is_immutable(void **state)
{
    struct fixture *f = *state;
    char *scope = create_edge(f, "e", NULL);
    static const char *const bodies[] = {
        "{" EDGE "}",
        "{" EDGE ",'deviceScope':''}",
        "{" EDGE ",'deviceScope':null}",
        "{" EDGE ",'deviceScope':'ms-azure-iot-edge://e-1'}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        refuse(f, IOTHUB_ARGUMENT_INVALID, "e", "*", bodies[i]);
    }
    json_t *answer = put_as(f, 400, "e", "*", bodies[0]);
    assert_string_equal(text_below(answer, "Message"),
                        "ErrorCode:ArgumentInvalid;Device scope is immutable");
    json_decref(answer);
    expect_scopes(f, "e", scope, NULL);
    free(scope);
}

static void edge_device_takes_only_an_edge_devices_scope(void **state)
{
    struct fixture *f = *state;
    refuse(f, IOTHUB_INVALID_DEVICE_SCOPE, "e", NULL, "{" EDGE ",'parentScopes':['x']}");
    refuse(f, IOTHUB_INVALID_DEVICE_SCOPE, "e", NULL, "{" EDGE ",'parentScopes':[7]}");
    refuse(f, IOTHUB_INVALID_DEVICE_SCOPE, "e", NULL, "{" EDGE ",'parentScopes':'x'}");
    char *upper = create_edge(f, "upper", NULL);
    char body[BODY_SIZE];
    (void)snprintf(body, sizeof(body), "{" EDGE ",'parentScopes':['%s','%s']}", upper, upper);
    refuse(f, IOTHUB_INVALID_DEVICE_SCOPE, "e", NULL, body);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/e", NULL);
    free(upper);
}

static void nobody_is_its_own_ancestor(void **state)
{
    struct fixture *f = *state;
    char *top = create_edge(f, "top", NULL);
    char *middle = create_edge(f, "middle", top);
    char *bottom = create_edge(f, "bottom", middle);
    const char *const parents[] = {top, middle, bottom};
    for (size_t i = 0; i < ARRAY_LEN(parents); i++) {
        char body[BODY_SIZE];
        (void)snprintf(body, sizeof(body),
                       "{" EDGE ",'deviceScope':'%s','parentScopes':['%s']}", top, parents[i]);
        refuse(f, IOTHUB_INVALID_DEVICE_SCOPE, "top", "*", body);
    }
    expect_scopes(f, "top", top, NULL);
    free(top);
    free(middle);
    free(bottom);
}

/* Bulk writes are not checked, so a ring can be made there; it must not hold up anybody. */
static void ring_made_in_bulk_is_refused_as_a_parent(void **state)
{
    struct fixture *f = *state;
    char *a = create_edge(f, "a", NULL);
    char *b = create_edge(f, "b", a);
    char body[BODY_SIZE];
    (void)snprintf(body, sizeof(body),
                   "[{'id':'a','importMode':'update'," EDGE ",'parentScopes':['%s']}]", b);
    rest_done(f, 200, "POST", "/devices", body);
    expect_scopes(f, "a", a, b);
    (void)snprintf(body, sizeof(body), "{'deviceScope':'%s'}", a);
    refuse(f, IOTHUB_INVALID_DEVICE_SCOPE, "leaf", NULL, body);
    free(a);
    free(b);
}

/* ---- from leaf to edge and back --------------------------------------------------------- */

static void leaf_that_becomes_an_edge_device_may_keep_its_parent(void **state)
{
    struct fixture *f = *state;
    char *scope = create_edge(f, "e", NULL);
    make(f, "leaf");
    change_f(f, "leaf", "{'deviceScope':'%s'}", scope);
    char body[BODY_SIZE];
    (void)snprintf(body, sizeof(body), "{" EDGE ",'deviceScope':'%s'}", scope);
    refuse(f, IOTHUB_INVALID_DEVICE_SCOPE, "leaf", "*", body);
    change_f(f, "leaf", "{" EDGE ",'deviceScope':'','parentScopes':['%s']}", scope);
    expect_scopes(f, "leaf", "ms-azure-iot-edge://leaf-", scope);
    free(scope);
}

static void edge_device_that_becomes_a_leaf_loses_its_parent(void **state)
{
    struct fixture *f = *state;
    char *upper = create_edge(f, "upper", NULL);
    char *lower = create_edge(f, "lower", upper);
    change_f(f, "lower", "{'capabilities':{'iotEdge':false},'deviceScope':'%s'}", upper);
    expect_scopes(f, "lower", NULL, NULL);
    change_f(f, "lower", "{'deviceScope':'%s'}", upper);
    expect_scopes(f, "lower", upper, upper);
    free(upper);
    free(lower);
}

/* ---- seen from elsewhere ---------------------------------------------------------------- */

static void children_are_found_by_a_query(void **state)
{
    struct fixture *f = *state;
    char *scope = create_edge(f, "e", NULL);
    free(create_edge(f, "child", scope));
    make(f, "leaf");
    make(f, "stranger");
    change_f(f, "leaf", "{'deviceScope':'%s'}", scope);
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_putf(&body,
             "{\"query\":\"select deviceId from devices where array_contains(parentScopes, "
             "'%s')\"}",
             scope);
    json_t *rows = ask_json(
        f, 200,
        &(struct ask){.method = "POST", .path = "/devices/query", .body = buf_text(&body)});
    assert_json(rows, "[{'deviceId':'child'},{'deviceId':'leaf'}]");
    json_decref(rows);
    buf_finish(&body);
    free(scope);
}

static void twin_shows_scopes_only_where_there_are_some(void **state)
{
    struct fixture *f = *state;
    char *scope = create_edge(f, "e", NULL);
    make(f, "d");
    json_t *twin = get_twin(f, "e");
    assert_string_equal(text_below(twin, "deviceScope"), scope);
    assert_null(json_object_get(twin, "parentScopes"));
    json_decref(twin);
    twin = get_twin(f, "d");
    assert_null(json_object_get(twin, "deviceScope"));
    json_decref(twin);
    free(scope);
}

static void scopes_outlive_a_restart(void **state)
{
    struct fixture *f = *state;
    char *upper = create_edge(f, "upper", NULL);
    char *lower = create_edge(f, "lower", upper);
    fixture_restart(f);
    expect_scopes(f, "lower", lower, upper);
    free(upper);
    free(lower);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(edge_device_gets_a_scope_of_its_id_and_generation),
        HUB_TEST(scope_given_with_a_new_edge_device_is_ignored),
        HUB_TEST(edge_device_has_its_own_modules),
        HUB_TEST(device_becomes_an_edge_device_and_back),
        HUB_TEST(own_modules_end_their_connections_with_the_edge_device),
        HUB_TEST(edge_device_stays_one_with_its_modules),
        HUB_TEST(own_modules_are_neither_made_nor_deleted_by_clients),
        HUB_TEST(own_module_takes_keys_and_goes_back_to_none),
        HUB_TEST(own_modules_connect_with_the_devices_key),
        HUB_TEST(other_modules_do_not_connect_with_the_devices_key),
        HUB_TEST(leaf_shows_its_parent_in_both_members),
        HUB_TEST(leaf_is_attached_and_detached_later),
        HUB_TEST(leaf_with_only_parent_scopes_has_no_parent),
        HUB_TEST(new_device_scope_wins_over_stale_parent_scopes),
        HUB_TEST(scope_of_no_edge_device_is_refused),
        HUB_TEST(scope_that_is_too_long_is_refused),
        HUB_TEST(leaf_keeps_the_scope_of_a_parent_that_is_gone),
        HUB_TEST(edge_child_keeps_its_own_scope),
        HUB_TEST(edge_child_is_detached_by_leaving_its_parent_out),
        HUB_TEST(edge_devices_own_scope_is_immutable),
        HUB_TEST(edge_device_takes_only_an_edge_devices_scope),
        HUB_TEST(nobody_is_its_own_ancestor),
        HUB_TEST(ring_made_in_bulk_is_refused_as_a_parent),
        HUB_TEST(leaf_that_becomes_an_edge_device_may_keep_its_parent),
        HUB_TEST(edge_device_that_becomes_a_leaf_loses_its_parent),
        HUB_TEST(children_are_found_by_a_query),
        HUB_TEST(twin_shows_scopes_only_where_there_are_some),
        DISK_TEST(scopes_outlive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
