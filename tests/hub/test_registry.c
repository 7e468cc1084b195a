/*
 * Devices and modules: documents, keys, conditions, lists.
 * Source: IoT Hub REST, "Devices" and "Modules"; recorded answers in azure-sdk-for-net; the
 * SDKs' registry tests.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/mem.h"
#include "hub/device.h"
#include "hub/service.h"
#include "iothub/json.h"
#include "iothub/limits.h"

#define NEVER "0001-01-01T00:00:00Z"

static json_t *update(struct fixture *f, const char *path, const char *body)
{
    json_t *parsed = json_from(body);
    char *text = json_text(parsed);
    json_t *answer = ask_json(
        f, 200, &(struct ask){.method = "PUT", .path = path, .if_match = "*", .body = text});
    free(text);
    json_decref(parsed);
    return answer;
}

static void update_done(struct fixture *f, const char *path, const char *body)
{
    json_decref(update(f, path, body));
}

/* ---- documents -------------------------------------------------------------------------- */

static void new_device_is_answered_whole(void **state)
{
    struct fixture *f = *state;
    char want[1000];
    struct reply reply = ask(
        f, &(struct ask){.method = "PUT",
                         .path = "/devices/d",
                         .body = "{\"deviceId\":\"d\",\"authentication\":{\"symmetricKey\":{"
                                 "\"primaryKey\":\"" KEY_FIRST
                                 "\",\"secondaryKey\":\"" KEY_SECOND "\"}}}"});
    assert_int_equal(reply.status, 200);
    (void)snprintf(
        want, sizeof(want),
        "{\"deviceId\":\"d\",\"generationId\":\"%" PRId64 "\",\"etag\":\"%s\","
        "\"connectionState\":\"Disconnected\",\"status\":\"enabled\",\"statusReason\":null,"
        "\"connectionStateUpdatedTime\":\"" NEVER "\",\"statusUpdatedTime\":\"" NEVER "\","
        "\"lastActivityTime\":\"" NEVER "\",\"cloudToDeviceMessageCount\":0,"
        "\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"" KEY_FIRST "\","
        "\"secondaryKey\":\"" KEY_SECOND "\"},\"x509Thumbprint\":{\"primaryThumbprint\":null,"
        "\"secondaryThumbprint\":null},\"type\":\"sas\"},"
        "\"capabilities\":{\"iotEdge\":false},\"parentScopes\":[]}",
        hub_ticks(START_MS), text_below(reply.json, "etag"));
    assert_string_equal(reply.text, want);
    reply_end(&reply);
}

static void new_module_is_answered_whole(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_t *module = rest(f, 200, "PUT", "/devices/d/modules/m",
                          "{'moduleId':'m','deviceId':'d','managedBy':'me'}");
    static const char *const members[] = {
        "moduleId",
        "managedBy",
        "deviceId",
        "generationId",
        "etag",
        "connectionState",
        "connectionStateUpdatedTime",
        "lastActivityTime",
        "cloudToDeviceMessageCount",
        "authentication",
    };
    size_t i = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(module, key, value)
    {
        assert_true(i < ARRAY_LEN(members));
        assert_string_equal(key, members[i++]);
    }
    assert_int_equal(i, ARRAY_LEN(members));
    assert_string_equal(text_below(module, "managedBy"), "me");
    json_decref(module);
}

static void what_is_read_is_what_was_answered(void **state)
{
    struct fixture *f = *state;
    json_t *created = rest(f, 200, "PUT", "/devices/d", "{}");
    json_t *read = rest(f, 200, "GET", "/devices/d", NULL);
    assert_true(json_equal(created, read));
    json_decref(created);
    json_decref(read);
}

static void recreated_device_is_another_generation(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':1},'properties':{'desired':{'b':1}}}");
    json_t *before = get_identity(f, "d");
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    fixture_pass(f, 1);
    make(f, "d");
    json_t *after = get_identity(f, "d");
    json_t *twin = get_twin(f, "d");
    assert_string_not_equal(text_below(before, "generationId"),
                            text_below(after, "generationId"));
    assert_section(json_below(twin, "properties.desired"), "{}");
    assert_int_equal(number_below(twin, "version"), 2);
    json_decref(before);
    json_decref(after);
    json_decref(twin);
}

/* ---- keys and other authentication ------------------------------------------------------ */

static void keys_are_made_where_none_are_given(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "{'authentication':null}",
        "{'authentication':{}}",
        "{'authentication':{'type':'sas'}}",
        "{'authentication':{'symmetricKey':null}}",
        "{'authentication':{'symmetricKey':{}}}",
        "{'authentication':{'symmetricKey':{'primaryKey':null,'secondaryKey':null}}}",
        "{'authentication':{'symmetricKey':{'primaryKey':'','secondaryKey':''}}}",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        char path[40];
        (void)snprintf(path, sizeof(path), "/devices/d%zu", i);
        json_t *device = rest(f, 200, "PUT", path, bodies[i]);
        const char *first = text_below(device, "authentication.symmetricKey.primaryKey");
        const char *second = text_below(device, "authentication.symmetricKey.secondaryKey");
        assert_int_equal(strlen(first), 44);
        assert_int_equal(strlen(second), 44);
        assert_string_not_equal(first, second);
        json_decref(device);
    }
}

static void keys_have_16_to_64_bytes(void **state)
{
    static const struct {
        size_t bytes;
        int status;
    } rows[] = {
        {15, 400},
        {16, 200},
        {64, 200},
        {65, 400},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char bytes[65] = {1};
        char path[40];
        struct buf key = {.cap = 200};
        struct buf body = {.cap = BUF_CAP_OWN};
        base64_encode(&key, bytes, rows[i].bytes);
        (void)snprintf(path, sizeof(path), "/devices/d%zu", i);
        buf_putf(&body,
                 "{'authentication':{'symmetricKey':{'primaryKey':'%s','secondaryKey':'%s'}}}",
                 buf_text(&key), buf_text(&key));
        rest_done(f, rows[i].status, "PUT", path, buf_text(&body));
        buf_finish(&key);
        buf_finish(&body);
    }
}

static void bad_keys_are_refused(void **state)
{
    static const char *const keys[] = {
        "{'primaryKey':'" KEY_FIRST "'}",
        "{'secondaryKey':'" KEY_FIRST "'}",
        "{'primaryKey':'" KEY_FIRST "','secondaryKey':''}",
        "{'primaryKey':'secret!','secondaryKey':'secret!'}",
        "{'primaryKey':'" KEY_FIRST "','secondaryKey':'" KEY_FIRST "='}",
        "{'primaryKey':5,'secondaryKey':6}",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char body[400];
        (void)snprintf(body, sizeof(body), "{'authentication':{'symmetricKey':%s}}", keys[i]);
        rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d", body);
    }
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/d", NULL);
}

#define SHA1   "0123456789ABCDEFabcd0123456789abcdef0123"
#define SHA256 "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"

static void thumbprints_make_a_device_self_signed(void **state)
{
    struct fixture *f = *state;
    json_t *device = rest(f, 200, "PUT", "/devices/d",
                          "{'authentication':{'x509Thumbprint':{'primaryThumbprint':'" SHA1
                          "','secondaryThumbprint':'" SHA256 "'}}}");
    assert_json(json_below(device, "authentication"),
                "{'symmetricKey':{'primaryKey':null,'secondaryKey':null},'x509Thumbprint':{"
                "'primaryThumbprint':'" SHA1 "','secondaryThumbprint':'" SHA256
                "'},'type':'selfSigned'}");
    json_decref(device);
    json_t *twin = get_twin(f, "d");
    assert_string_equal(text_below(twin, "authenticationType"), "selfSigned");
    assert_string_equal(text_below(twin, "x509Thumbprint.primaryThumbprint"), SHA1);
    json_decref(twin);
}

static void malformed_thumbprints_are_refused(void **state)
{
    static const char *const prints[] = {
        "01:23:45:67",
        "0123",
        SHA1 "0",
        SHA256 "00",
        "x123456789abcdefabcd0123456789abcdef0123",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(prints); i++) {
        char body[400];
        (void)snprintf(body, sizeof(body),
                       "{'authentication':{'type':'selfSigned','x509Thumbprint':{"
                       "'primaryThumbprint':'%s'}}}",
                       prints[i]);
        rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d", body);
    }
}

static void authority_device_has_no_keys(void **state)
{
    struct fixture *f = *state;
    json_t *device =
        rest(f, 200, "PUT", "/devices/d", "{'authentication':{'type':'certificateAuthority'}}");
    assert_true(json_is_null(json_below(device, "authentication.symmetricKey.primaryKey")));
    assert_string_equal(text_below(device, "authentication.type"), "certificateAuthority");
    json_decref(device);
}

static void device_needs_authentication_and_a_module_gets_sas(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d",
               "{'authentication':{'type':'none'}}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d",
               "{'authentication':{'type':'x'}}");
    make(f, "d");
    json_t *module =
        rest(f, 200, "PUT", "/devices/d/modules/m", "{'authentication':{'type':'none'}}");
    assert_string_equal(text_below(module, "authentication.type"), "sas");
    assert_int_equal(strlen(text_below(module, "authentication.symmetricKey.primaryKey")), 44);
    json_decref(module);
}

/* ---- ids -------------------------------------------------------------------------------- */

static void ids_have_128_characters_at_most(void **state)
{
    struct fixture *f = *state;
    char path[200] = "/devices/";
    memset(path + 9, 'x', 128);
    rest_done(f, 200, "PUT", path, "{}");
    path[9 + 128] = 'x';
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", path, "{}");
}

static void ids_with_other_characters_are_refused(void **state)
{
    static const char *const ids[] = {"a%20b", "a%22b", "%C3%A9", "a%00b",
                                      "a%5Cb", "a%7Cb", "%3C"};
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char path[60];
        (void)snprintf(path, sizeof(path), "/devices/%s", ids[i]);
        rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", path, "{}");
        (void)snprintf(path, sizeof(path), "/devices/d/modules/%s", ids[i]);
        rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", path, "{}");
    }
}

static void id_in_the_body_must_be_the_one_in_the_path(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d", "{'deviceId':'e'}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d", "{'deviceId':'D'}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d", "{'deviceId':5}");
    rest_done(f, 200, "PUT", "/devices/d", "{'deviceId':null}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d/modules/m",
               "{'deviceId':'d','moduleId':'n'}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d/modules/m",
               "{'deviceId':'e','moduleId':'m'}");
    rest_done(f, 200, "PUT", "/devices/d/modules/m", "{'deviceId':'d','moduleId':'m'}");
}

static void ids_that_differ_in_case_are_two(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "D");
    make(f, "d/m");
    make(f, "d/M");
    rest_done(f, 204, "DELETE", "/devices/D", NULL);
    rest_done(f, 200, "GET", "/devices/d/modules/M", NULL);
}

/* ---- updates ---------------------------------------------------------------------------- */

static void update_replaces_the_whole_identity(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    update_done(f, "/devices/d", "{'status':'disabled','statusReason':'broken'}");
    json_t *device = update(f, "/devices/d", "{}");
    assert_string_equal(text_below(device, "status"), "enabled");
    assert_true(json_is_null(json_below(device, "statusReason")));
    assert_string_not_equal(text_below(device, "authentication.symmetricKey.primaryKey"),
                            KEY_FIRST);
    json_decref(device);
    make(f, "d/m");
    update_done(f, "/devices/d/modules/m", "{'managedBy':'me'}");
    json_t *module = update(f, "/devices/d/modules/m", "{}");
    assert_true(json_is_null(json_below(module, "managedBy")));
    json_decref(module);
}

/* Source: the service SDKs, which send back what they have read. */
static void read_document_can_be_written_back(void **state)
{
    struct fixture *f = *state;
    char if_match[100];
    make(f, "d");
    json_t *device = get_identity(f, "d");
    json_object_set_new(device, "statusReason", json_string("well"));
    json_object_set_new(device, "connectionState", json_string("Connected"));
    json_object_set_new(device, "extra", json_true());
    (void)snprintf(if_match, sizeof(if_match), "\"%s\"", text_below(device, "etag"));
    char *text = json_text(device);
    json_t *updated = ask_json(
        f, 200,
        &(struct ask){
            .method = "PUT", .path = "/devices/d", .if_match = if_match, .body = text});
    assert_string_equal(text_below(updated, "authentication.symmetricKey.primaryKey"),
                        KEY_FIRST);
    assert_string_equal(text_below(updated, "statusReason"), "well");
    assert_string_equal(text_below(updated, "connectionState"), "Disconnected");
    assert_string_equal(text_below(updated, "generationId"),
                        text_below(device, "generationId"));
    assert_null(json_below(updated, "extra"));
    free(text);
    json_decref(device);
    json_decref(updated);
}

static void status_has_the_time_of_its_change(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    fixture_pass(f, SECOND_MS);
    json_t *device = update(f, "/devices/d", "{'status':'enabled'}");
    assert_string_equal(text_below(device, "statusUpdatedTime"), NEVER);
    json_decref(device);
    device = update(f, "/devices/d", "{'status':'disabled'}");
    assert_string_equal(text_below(device, "statusUpdatedTime"), "2026-03-02T12:00:01Z");
    json_decref(device);
    fixture_pass(f, SECOND_MS);
    device = update(f, "/devices/d", "{'status':'Disabled'}");
    assert_string_equal(text_below(device, "statusUpdatedTime"), "2026-03-02T12:00:01Z");
    json_decref(device);
    json_t *twin = get_twin(f, "d");
    assert_string_equal(text_below(twin, "status"), "disabled");
    assert_string_equal(text_below(twin, "statusUpdateTime"), "2026-03-02T12:00:01Z");
    json_decref(twin);
}

static void reason_has_128_characters_at_most(void **state)
{
    struct fixture *f = *state;
    struct buf body = {.cap = BUF_CAP_OWN};
    for (int i = 0; i < 2; i++) {
        /* In letters of two bytes as well. */
        const char *letter = i == 0 ? "x" : "\xc3\xa9";
        buf_reset(&body);
        buf_put_text(&body, "{'statusReason':'");
        for (int k = 0; k < 128; k++) {
            buf_put_text(&body, letter);
        }
        size_t at = body.len;
        buf_put_text(&body, "'}");
        rest_done(f, 200, "PUT", i == 0 ? "/devices/a" : "/devices/b", buf_text(&body));
        buf_cut(&body, at);
        buf_putf(&body, "%s'}", letter);
        rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/c", buf_text(&body));
    }
    buf_finish(&body);
}

/* ---- deleting and listing --------------------------------------------------------------- */

static void second_delete_finds_nothing(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    rest_done(f, 204, "DELETE", "/devices/d/modules/m", NULL);
    rest_fails(f, IOTHUB_MODULE_NOT_FOUND, "DELETE", "/devices/d/modules/m", NULL);
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "DELETE", "/devices/d", NULL);
}

static void modules_and_twins_go_with_their_device(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    make(f, "dd");
    make(f, "dd/m");
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/twins/d", NULL);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/d/modules/m", NULL);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/d/modules", NULL);
    json_decref(get_twin(f, "dd/m"));
    make(f, "d");
    rest_fails(f, IOTHUB_MODULE_NOT_FOUND, "GET", "/devices/d/modules/m", NULL);
}

static void assert_list(struct fixture *f, const char *query, const char *want)
{
    struct buf ids = {.cap = BUF_CAP_OWN};
    size_t i = 0;
    json_t *device = NULL;
    json_t *list =
        ask_json(f, 200, &(struct ask){.method = "GET", .path = "/devices", .query = query});
    json_array_foreach(list, i, device)
    {
        buf_putf(&ids, "%s ", text_below(device, "deviceId"));
    }
    assert_string_equal(buf_text(&ids), want);
    buf_finish(&ids);
    json_decref(list);
}

static void list_is_in_order_of_creation(void **state)
{
    struct fixture *f = *state;
    assert_list(f, NULL, "");
    make(f, "c");
    make(f, "c/m");
    make(f, "a");
    make(f, "b");
    assert_list(f, NULL, "c a b ");
    assert_list(f, "&top=2", "c a ");
    assert_list(f, "top=1&" API_VERSION, "c ");
    assert_list(f, "&top=1000", "c a b ");
}

static void bad_top_is_refused(void **state)
{
    static const char *const tops[] = {"&top=0", "&top=-1", "&top=x", "&top=", "&top=1.5"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
        ask_fails(f, IOTHUB_ARGUMENT_INVALID,
                  &(struct ask){.method = "GET", .path = "/devices", .query = tops[i]});
    }
}

static void list_ends_after_a_thousand(void **state)
{
    struct fixture *f = *state;
    make_many(f, "d", LIMIT_LIST_DEVICES + 1);
    json_t *list = rest(f, 200, "GET", "/devices", NULL);
    assert_int_equal(json_array_size(list), LIMIT_LIST_DEVICES);
    json_decref(list);
}

/* ---- modules ---------------------------------------------------------------------------- */

static void modules_are_listed_for_their_device(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    make(f, "d/m");
    make(f, "e/x");
    make(f, "d/n");
    json_t *list = rest(f, 200, "GET", "/devices/d/modules", NULL);
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text_below(json_array_get(list, 0), "moduleId"), "m");
    assert_string_equal(text_below(json_array_get(list, 1), "moduleId"), "n");
    json_decref(list);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/none/modules", NULL);
}

static void module_needs_its_device(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "PUT", "/devices/d/modules/m", "{}");
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/devices/d/modules/m", NULL);
    make(f, "d");
    rest_fails(f, IOTHUB_MODULE_NOT_FOUND, "GET", "/devices/d/modules/m", NULL);
}

static void number_of_modules_has_a_limit(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    for (int i = 0; i < LIMIT_MODULES_PER_DEVICE; i++) {
        char id[20];
        (void)snprintf(id, sizeof(id), "d/m%d", i);
        make(f, id);
    }
    rest_fails(f, IOTHUB_TOO_MANY_MODULES_ON_DEVICE, "PUT", "/devices/d/modules/more", "{}");
    rest_done(f, 204, "DELETE", "/devices/d/modules/m0", NULL);
    make(f, "d/more");
}

static void system_modules_are_the_hubs_to_make(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PUT", "/devices/d/modules/$mine", "{}");
    rest_done(f, 200, "PUT", "/devices/edge", "{'capabilities':{'iotEdge':true}}");
    json_t *list = rest(f, 200, "GET", "/devices/edge/modules", NULL);
    assert_int_equal(json_array_size(list), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *module = json_array_get(list, i);
        assert_string_equal(text_below(module, "moduleId"), i == 0 ? "$edgeAgent" : "$edgeHub");
        assert_string_equal(text_below(module, "managedBy"), "iotEdge");
        assert_string_equal(text_below(module, "authentication.type"), "none");
    }
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(new_device_is_answered_whole),
        HUB_TEST(new_module_is_answered_whole),
        HUB_TEST(what_is_read_is_what_was_answered),
        HUB_TEST(recreated_device_is_another_generation),
        HUB_TEST(keys_are_made_where_none_are_given),
        HUB_TEST(keys_have_16_to_64_bytes),
        HUB_TEST(bad_keys_are_refused),
        HUB_TEST(thumbprints_make_a_device_self_signed),
        HUB_TEST(malformed_thumbprints_are_refused),
        HUB_TEST(authority_device_has_no_keys),
        HUB_TEST(device_needs_authentication_and_a_module_gets_sas),
        HUB_TEST(ids_have_128_characters_at_most),
        HUB_TEST(ids_with_other_characters_are_refused),
        HUB_TEST(id_in_the_body_must_be_the_one_in_the_path),
        HUB_TEST(ids_that_differ_in_case_are_two),
        HUB_TEST(update_replaces_the_whole_identity),
        HUB_TEST(read_document_can_be_written_back),
        HUB_TEST(status_has_the_time_of_its_change),
        HUB_TEST(reason_has_128_characters_at_most),
        HUB_TEST(second_delete_finds_nothing),
        HUB_TEST(modules_and_twins_go_with_their_device),
        HUB_TEST(list_is_in_order_of_creation),
        HUB_TEST(bad_top_is_refused),
        HUB_TEST(list_ends_after_a_thousand),
        HUB_TEST(modules_are_listed_for_their_device),
        HUB_TEST(module_needs_its_device),
        HUB_TEST(number_of_modules_has_a_limit),
        HUB_TEST(system_modules_are_the_hubs_to_make),
    };
    return cmocka_run_group_tests_name("hub.registry", tests, NULL, NULL);
}
