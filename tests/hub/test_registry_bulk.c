/*
 * Many identities in one request, and new keys for many.
 * Source: IoT Hub REST, "Bulk Registry - Update Registry"; IoT Hub documentation, "Import and
 * export device identities in bulk"; recorded answers in azure-sdk-for-net.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/service.h"

#define NEVER "0001-01-01T00:00:00Z"

#define SUCCESS "{'isSuccessful':true,'errors':[],'warnings':[]}"

/* All of the items succeed. */
static void bulk_done(struct fixture *f, const char *items)
{
    json_t *result = rest(f, 200, "POST", "/devices", items);
    assert_json(result, SUCCESS);
    json_decref(result);
}

/* Some do not; a new reference to the answer's errors. */
static json_t *bulk_errors(struct fixture *f, const char *items)
{
    json_t *result = rest(f, 400, "POST", "/devices", items);
    json_t *errors = json_incref(json_object_get(result, "errors"));
    assert_true(json_is_false(json_object_get(result, "isSuccessful")));
    assert_json(json_object_get(result, "warnings"), "[]");
    assert_int_equal(json_object_size(result), 3);
    json_decref(result);
    return errors;
}

/* The only error of a request is of this device (or "d/m") and has this code. */
static void bulk_error(struct fixture *f, const char *id, enum iothub_status status,
                       const char *items)
{
    json_t *errors = bulk_errors(f, items);
    assert_int_equal(json_array_size(errors), 1);
    const json_t *error = json_array_get(errors, 0);
    struct identity identity = id_of(id);
    assert_slice(identity.device_id, text_below(error, "deviceId"));
    if (identity_is_module(identity)) {
        assert_slice(identity.module_id, text_below(error, "moduleId"));
    } else {
        assert_null(json_object_get(error, "moduleId"));
    }
    assert_string_equal(text_below(error, "errorCode"), iothub_status_name(status));
    assert_true(strlen(text_below(error, "errorStatus")) > 0);
    json_decref(errors);
}

/* Whether a device or module "d/m" is there. */
static bool exists(struct fixture *f, const char *id)
{
    struct store_identity record;
    return store_identity_get(f->hub->store, id_of(id), &record) == 0;
}

static char *text_of(struct fixture *f, const char *id, const char *path)
{
    json_t *identity = get_identity(f, id);
    char *text = mem_dup_text(text_below(identity, path));
    json_decref(identity);
    return text;
}

static void expect_text(struct fixture *f, const char *id, const char *path, const char *want)
{
    char *text = text_of(f, id, path);
    assert_string_equal(text, want);
    free(text);
}

/* ---- the whole request ------------------------------------------------------------------ */

static void failure_is_told_in_two_headers(void **state)
{
    struct fixture *f = *state;
    struct reply reply =
        ask(f, &(struct ask){.method = "POST",
                             .path = "/devices/",
                             .body = "[{\"id\":\"d\",\"importMode\":\"delete\"}]"});
    assert_int_equal(reply.status, 400);
    assert_string_equal(reply_header(&reply, "iothub-errorcode"),
                        "BulkRegistryOperationFailure");
    assert_string_equal(reply_header(&reply, "IotHubErrorCode"),
                        "BulkRegistryOperationFailure");
    assert_string_equal(reply.exchange.answer.content_type, "application/json; charset=utf-8");
    assert_json(reply.json, "{'isSuccessful':false,'errors':[{'deviceId':'d','errorCode':"
                            "'DeviceNotFound','errorStatus':'d','operation':'delete'}],"
                            "'warnings':[]}");
    reply_end(&reply);
}

static void success_has_no_error_header(void **state)
{
    struct reply reply =
        ask(*state,
            &(struct ask){.method = "POST", .path = "/devices", .body = "[{\"id\":\"d\"}]"});
    assert_int_equal(reply.status, 200);
    assert_null(reply_header(&reply, "iothub-errorcode"));
    assert_null(reply_header(&reply, "IotHubErrorCode"));
    assert_json(reply.json, SUCCESS);
    reply_end(&reply);
}

static void body_must_be_a_bare_array(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_FORMAT_ERROR, "POST", "/devices", "{'devices':[{'id':'d'}]}");
    rest_fails(f, IOTHUB_FORMAT_ERROR, "POST", "/devices", "'d'");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", "/devices", "[]");
    assert_false(exists(f, "d"));
}

static char *many_items(int n)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    for (int i = 0; i < n; i++) {
        buf_putf(&text, "%s{'id':'d%d'}", i == 0 ? "[" : ",", i);
    }
    buf_put_char(&text, ']');
    return buf_take_text(&text);
}

static void hundred_items_are_taken_and_one_more_is_not(void **state)
{
    struct fixture *f = *state;
    char *items = many_items(101);
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", "/devices", items);
    assert_false(exists(f, "d0"));
    free(items);
    items = many_items(100);
    bulk_done(f, items);
    assert_true(exists(f, "d0"));
    assert_true(exists(f, "d99"));
    free(items);
}

static void good_items_are_done_beside_bad_ones(void **state)
{
    struct fixture *f = *state;
    make(f, "there");
    json_t *errors =
        bulk_errors(f, "[{'id':'a','importMode':'create'},{'id':'there','importMode':'create'},"
                       "{'id':'b c','importMode':'create'},{'id':'none','importMode':'update'},"
                       "{'id':'z','importMode':'create'}]");
    assert_int_equal(json_array_size(errors), 3);
    assert_string_equal(text_below(json_array_get(errors, 0), "deviceId"), "there");
    assert_string_equal(text_below(json_array_get(errors, 0), "errorCode"),
                        "DeviceAlreadyExists");
    assert_string_equal(text_below(json_array_get(errors, 0), "operation"), "create");
    assert_string_equal(text_below(json_array_get(errors, 1), "deviceId"), "b c");
    assert_string_equal(text_below(json_array_get(errors, 1), "errorCode"), "ArgumentInvalid");
    assert_string_equal(text_below(json_array_get(errors, 2), "deviceId"), "none");
    assert_string_equal(text_below(json_array_get(errors, 2), "errorCode"), "DeviceNotFound");
    json_decref(errors);
    assert_true(exists(f, "a"));
    assert_true(exists(f, "z"));
}

static void item_without_an_id_or_with_an_unknown_mode_fails_alone(void **state)
{
    struct fixture *f = *state;
    bulk_error(f, "", IOTHUB_ARGUMENT_NULL, "[{'deviceId':'d'},{'id':'a'}]");
    bulk_error(f, "", IOTHUB_ARGUMENT_NULL, "[{'id':7},{'id':'b'}]");
    bulk_error(f, "", IOTHUB_FORMAT_ERROR, "['d',{'id':'c'}]");
    bulk_error(f, "d", IOTHUB_ARGUMENT_INVALID,
               "[{'id':'d','importMode':'replace'},{'id':'e'}]");
    bulk_error(f, "d", IOTHUB_ARGUMENT_INVALID, "[{'id':'d','importMode':3},{'id':'f'}]");
    static const char *const ids[] = {"a", "b", "c", "e", "f"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        assert_true(exists(f, ids[i]));
    }
    assert_false(exists(f, "d"));
}

static void each_identity_comes_once(void **state)
{
    struct fixture *f = *state;
    bulk_error(
        f, "d", IOTHUB_DEVICE_DEFINED_MULTIPLE_TIMES,
        "[{'id':'d','statusReason':'first'},{'id':'D'},{'id':'d','statusReason':'second'}]");
    expect_text(f, "d", "statusReason", "first");
    assert_true(exists(f, "D"));
    bulk_error(
        f, "d/m", IOTHUB_DEVICE_DEFINED_MULTIPLE_TIMES,
        "[{'id':'d','moduleId':'m'},{'id':'d','moduleId':'n'},{'id':'d','moduleId':'m'}]");
}

static void modes_are_read_in_any_case_and_default_to_create_or_update(void **state)
{
    struct fixture *f = *state;
    bulk_done(f, "[{'id':'d','importMode':'CREATE'}]");
    bulk_done(f, "[{'id':'d','statusReason':'a'},{'id':'e','importMode':null}]");
    expect_text(f, "d", "statusReason", "a");
    assert_true(exists(f, "e"));
    bulk_done(f, "[{'id':'d','importMode':'deleteIfMatchEtag','etag':'*'}]");
    assert_false(exists(f, "d"));
}

/* ---- import modes ----------------------------------------------------------------------- */

static void create_takes_all_that_a_device_has(void **state)
{
    struct fixture *f = *state;
    bulk_done(f, "[{'id':'d','importMode':'create','status':'disabled','statusReason':'why',"
                 "'authentication':{'type':'sas','symmetricKey':{'primaryKey':'" KEY_FIRST
                 "','secondaryKey':'" KEY_SECOND "'}}},"
                 "{'id':'x','importMode':'create','authentication':{'type':'selfSigned',"
                 "'x509Thumbprint':{'primaryThumbprint':"
                 "'0123456789abcdef0123456789ABCDEF01234567'}}},"
                 "{'id':'ca','importMode':'create','authentication':{'type':"
                 "'certificateAuthority'}},{'id':'none','importMode':'create'}]");
    expect_text(f, "d", "status", "disabled");
    expect_text(f, "d", "statusReason", "why");
    expect_text(f, "d", "authentication.symmetricKey.primaryKey", KEY_FIRST);
    expect_text(f, "x", "authentication.x509Thumbprint.primaryThumbprint",
                "0123456789abcdef0123456789ABCDEF01234567");
    expect_text(f, "ca", "authentication.type", "certificateAuthority");
    char *key = text_of(f, "none", "authentication.symmetricKey.primaryKey");
    assert_int_equal(strlen(key), 44);
    free(key);
}

static void create_of_what_exists_fails(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    bulk_error(f, "d", IOTHUB_DEVICE_ALREADY_EXISTS, "[{'id':'d','importMode':'create'}]");
    bulk_error(f, "d/m", IOTHUB_MODULE_ALREADY_EXISTS_ON_DEVICE,
               "[{'id':'d','moduleId':'m','importMode':'create'}]");
    expect_text(f, "d", "authentication.symmetricKey.primaryKey", KEY_FIRST);
}

static void update_replaces_and_heeds_no_etag(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    bulk_done(f, "[{'id':'d','importMode':'update','eTag':'AAAA','statusReason':'x'}]");
    expect_text(f, "d", "statusReason", "x");
    char *key = text_of(f, "d", "authentication.symmetricKey.primaryKey");
    assert_string_not_equal(key, KEY_FIRST);
    free(key);
    bulk_error(f, "none", IOTHUB_DEVICE_NOT_FOUND, "[{'id':'none','importMode':'update'}]");
    assert_false(exists(f, "none"));
}

static void etag_is_heeded_where_the_mode_says_so(void **state)
{
    static const char *const modes[] = {"updateIfMatchETag", "createOrUpdateIfMatchETag"};
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        char items[300];
        (void)snprintf(items, sizeof(items),
                       "[{'id':'d','importMode':'%s','eTag':'AAAA','statusReason':'x'}]",
                       modes[i]);
        bulk_error(f, "d", IOTHUB_PRECONDITION_FAILED, items);
        char *etag = text_of(f, "d", "etag");
        (void)snprintf(items, sizeof(items),
                       "[{'id':'d','importMode':'%s','eTag':'%s','statusReason':'%zu'}]",
                       modes[i], etag, i);
        bulk_done(f, items);
        free(etag);
        (void)snprintf(items, sizeof(items), "%zu", i);
        expect_text(f, "d", "statusReason", items);
        (void)snprintf(items, sizeof(items), "[{'id':'d','importMode':'%s','etag':'*'}]",
                       modes[i]);
        bulk_done(f, items);
    }
    bulk_error(f, "new", IOTHUB_DEVICE_NOT_FOUND,
               "[{'id':'new','importMode':'updateIfMatchETag'}]");
    bulk_done(f, "[{'id':'new','importMode':'createOrUpdateIfMatchETag'}]");
    assert_true(exists(f, "new"));
}

static void etag_may_come_in_quotes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    char *etag = text_of(f, "d", "etag");
    struct buf items = {.cap = BUF_CAP_OWN};
    buf_putf(&items,
             "[{\"id\":\"d\",\"importMode\":\"deleteIfMatchETag\",\"eTag\":\"\\\"%s\\\"\"}]",
             etag);
    struct reply reply =
        ask(f, &(struct ask){.method = "POST", .path = "/devices", .body = buf_text(&items)});
    assert_int_equal(reply.status, 200);
    reply_end(&reply);
    assert_false(exists(f, "d"));
    buf_finish(&items);
    free(etag);
}

static void delete_takes_modules_and_twins_with_it(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    make(f, "e");
    make(f, "e/m");
    bulk_done(f, "[{'id':'d','importMode':'delete','eTag':'AAAA'},"
                 "{'id':'e','moduleId':'m','importMode':'delete'}]");
    assert_false(exists(f, "d"));
    assert_false(exists(f, "d/m"));
    assert_true(exists(f, "e"));
    assert_false(exists(f, "e/m"));
    bulk_error(f, "d", IOTHUB_DEVICE_NOT_FOUND, "[{'id':'d','importMode':'delete'}]");
    bulk_error(f, "e/m", IOTHUB_MODULE_NOT_FOUND,
               "[{'id':'e','moduleId':'m','importMode':'delete'}]");
}

/* Recorded: a deletion that asks for an etag and gives none is done. */
static void delete_if_match_without_an_etag_is_done(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    bulk_error(f, "d", IOTHUB_PRECONDITION_FAILED,
               "[{'id':'d','importMode':'deleteIfMatchETag','eTag':'AAAA'}]");
    bulk_done(f, "[{'id':'d','importMode':'deleteIfMatchETag'},"
                 "{'id':'e','importMode':'deleteIfMatchETag','eTag':''}]");
    assert_false(exists(f, "d"));
    assert_false(exists(f, "e"));
}

static void devices_and_their_modules_come_in_one_array(void **state)
{
    struct fixture *f = *state;
    bulk_done(f, "[{'id':'d','importMode':'create'},"
                 "{'id':'d','moduleId':'m','importMode':'create','managedBy':'me'},"
                 "{'id':'d','moduleId':'n'}]");
    expect_text(f, "d/m", "managedBy", "me");
    assert_true(exists(f, "d/n"));
    bulk_error(f, "e/m", IOTHUB_DEVICE_NOT_FOUND, "[{'id':'e','moduleId':'m'}]");
    bulk_error(f, "d/$edgeAgent", IOTHUB_ARGUMENT_INVALID,
               "[{'id':'d','moduleId':'$edgeAgent'}]");
}

static void device_has_at_most_fifty_modules(void **state)
{
    struct fixture *f = *state;
    struct buf items = {.cap = BUF_CAP_OWN};
    buf_put_text(&items, "[{'id':'d'}");
    for (int i = 0; i < 51; i++) {
        buf_putf(&items, ",{'id':'d','moduleId':'m%d'}", i);
    }
    buf_put_char(&items, ']');
    bulk_error(f, "d/m50", IOTHUB_TOO_MANY_MODULES_ON_DEVICE, buf_text(&items));
    assert_true(exists(f, "d/m49"));
    buf_finish(&items);
    rest_fails(f, IOTHUB_TOO_MANY_MODULES_ON_DEVICE, "PUT", "/devices/d/modules/one", "{}");
    rest_done(f, 204, "DELETE", "/devices/d/modules/m7", NULL);
    rest_done(f, 200, "PUT", "/devices/d/modules/one", "{}");
}

static void connections_of_the_deleted_and_disabled_are_closed(void **state)
{
    struct fixture *f = *state;
    make(f, "a");
    make(f, "b");
    make(f, "c");
    struct device *a = device_online(f, "a");
    struct device *b = device_online(f, "b");
    struct device *c = device_online(f, "c");
    bulk_done(f, "[{'id':'a','importMode':'delete'},{'id':'b','importMode':'update','status':"
                 "'disabled','authentication':{'symmetricKey':{'primaryKey':'" KEY_FIRST
                 "','secondaryKey':'" KEY_SECOND "'}}},"
                 "{'id':'c','importMode':'updateTwin','tags':{'x':1}}]");
    assert_true(device_is_closed(a));
    assert_true(device_is_closed(b));
    assert_false(device_is_closed(c));
}

/* ---- scopes ----------------------------------------------------------------------------- */

/* azure-iot-sdk-csharp writes scopes that no edge device has. */
static void scopes_are_not_checked(void **state)
{
    struct fixture *f = *state;
    bulk_done(f,
              "[{'id':'a','importMode':'create','deviceScope':'someScope'},"
              "{'id':'b','importMode':'create','deviceScope':'someScope','parentScopes':[]}]");
    static const char *const ids[] = {"a", "b"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        json_t *device = get_identity(f, ids[i]);
        assert_string_equal(text_below(device, "deviceScope"), "someScope");
        assert_json(json_object_get(device, "parentScopes"), "['someScope']");
        json_decref(device);
    }
    bulk_done(f, "[{'id':'a','importMode':'update','deviceScope':null}]");
    json_t *device = get_identity(f, "a");
    assert_null(json_object_get(device, "deviceScope"));
    assert_json(json_object_get(device, "parentScopes"), "[]");
    json_decref(device);
}

static void edge_device_gets_its_modules_and_keeps_its_scope(void **state)
{
    struct fixture *f = *state;
    bulk_done(f, "[{'id':'e','importMode':'create','capabilities':{'iotEdge':true},"
                 "'tags':{'companyId':1234}}]");
    assert_true(exists(f, "e/$edgeAgent"));
    assert_true(exists(f, "e/$edgeHub"));
    char *scope = text_of(f, "e", "deviceScope");
    bulk_done(f, "[{'id':'e','importMode':'update','capabilities':{'iotEdge':true}}]");
    expect_text(f, "e", "deviceScope", scope);
    free(scope);
    bulk_done(f, "[{'id':'e','importMode':'update','capabilities':{'iotEdge':false}}]");
    assert_false(exists(f, "e/$edgeAgent"));
    bulk_error(f, "d", IOTHUB_ARGUMENT_INVALID,
               "[{'id':'d','capabilities':{'iotEdge':'yes'}}]");
}

/* ---- twins ------------------------------------------------------------------------------ */

/* Recorded in azure-sdk-for-net: what a device is created with is no change of it. */
static void first_twin_has_version_one_and_was_never_updated(void **state)
{
    struct fixture *f = *state;
    bulk_done(f, "[{'id':'d','importMode':'create','tags':{'site':'north'},'properties':"
                 "{'desired':{'a':{'b':1},'$metadata':{'x':1},'$version':9},"
                 "'reported':{'c':2}}}]");
    json_t *twin = get_twin(f, "d");
    assert_json(json_object_get(twin, "tags"), "{'site':'north'}");
    assert_json(json_below(twin, "properties.desired"),
                "{'a':{'b':1},'$metadata':{'$lastUpdated':'" NEVER
                "','$lastUpdatedVersion':1,'a':{'$lastUpdated':'" NEVER
                "','$lastUpdatedVersion':1,'b':{'$lastUpdated':'" NEVER
                "','$lastUpdatedVersion':1}}},'$version':1}");
    assert_section(json_below(twin, "properties.reported"), "{}");
    assert_string_equal(text_below(twin, "etag"), "AAAAAAAAAAE=");
    assert_int_equal(number_below(twin, "version"), 2);
    json_decref(twin);
    patch_twin(f, "d", "{'properties':{'desired':{'a':{'b':2}}}}");
    twin = get_twin(f, "d");
    assert_int_equal(number_below(twin, "properties.desired.$version"), 2);
    assert_string_equal(text_below(twin, "etag"), "AAAAAAAAAAI=");
    json_decref(twin);
}

static void twin_members_that_are_null_say_nothing(void **state)
{
    struct fixture *f = *state;
    bulk_done(
        f, "[{'id':'d','importMode':'create','tags':null,'properties':null,'twinETag':null}]");
    json_t *twin = get_twin(f, "d");
    assert_null(json_object_get(twin, "tags"));
    assert_string_equal(text_below(twin, "properties.desired.$metadata.$lastUpdated"),
                        "2026-03-02T12:00:00Z");
    json_decref(twin);
    patch_twin(f, "d", "{'tags':{'a':1},'properties':{'desired':{'b':1}}}");
    bulk_done(f,
              "[{'id':'d','importMode':'updateTwin','tags':null,'properties':{'desired':null,"
              "'reported':null}}]");
    twin = get_twin(f, "d");
    assert_json(json_object_get(twin, "tags"), "{'a':1}");
    assert_section(json_below(twin, "properties.desired"), "{'b':1}");
    json_decref(twin);
}

static void device_whose_twin_is_refused_is_there_with_a_warning(void **state)
{
    struct fixture *f = *state;
    json_t *result =
        rest(f, 200, "POST", "/devices", "[{'id':'d','importMode':'create','tags':{'a.b':1}}]");
    assert_true(json_is_true(json_object_get(result, "isSuccessful")));
    assert_json(json_object_get(result, "errors"), "[]");
    const json_t *warnings = json_object_get(result, "warnings");
    assert_int_equal(json_array_size(warnings), 1);
    const json_t *warning = json_array_get(warnings, 0);
    assert_string_equal(text_below(warning, "deviceId"), "d");
    assert_string_equal(text_below(warning, "warningCode"), "DeviceRegisteredWithoutTwin");
    assert_true(strlen(text_below(warning, "warningStatus")) > 0);
    json_decref(result);
    json_t *twin = get_twin(f, "d");
    assert_null(json_object_get(twin, "tags"));
    json_decref(twin);
}

static void update_twin_merges_into_devices_and_modules(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    patch_twin(f, "d", "{'tags':{'a':1},'properties':{'desired':{'x':{'y':1,'z':2}}}}");
    bulk_done(f, "[{'id':'d','importMode':'updateTwin','twinETag':'AAAA','tags':{'b':2},"
                 "'properties':{'desired':{'x':{'z':null},'$version':7},'reported':{'r':1}}},"
                 "{'id':'d','moduleId':'m','importMode':'updateTwin','tags':{'c':3}}]");
    json_t *twin = get_twin(f, "d");
    assert_json(json_object_get(twin, "tags"), "{'a':1,'b':2}");
    assert_section(json_below(twin, "properties.desired"), "{'x':{'y':1}}");
    assert_section(json_below(twin, "properties.reported"), "{}");
    assert_int_equal(number_below(twin, "properties.desired.$version"), 3);
    json_decref(twin);
    twin = get_twin(f, "d/m");
    assert_json(json_object_get(twin, "tags"), "{'c':3}");
    json_decref(twin);
    expect_text(f, "d", "authentication.symmetricKey.primaryKey", KEY_FIRST);
    bulk_error(f, "none", IOTHUB_DEVICE_NOT_FOUND,
               "[{'id':'none','importMode':'updateTwin','tags':{'a':1}}]");
    bulk_error(f, "none", IOTHUB_DEVICE_NOT_FOUND, "[{'id':'none','importMode':'updateTwin'}]");
    bulk_error(f, "d", IOTHUB_ARGUMENT_INVALID,
               "[{'id':'d','importMode':'updateTwin','tags':{'a b':1}}]");
}

static void update_twin_if_match_compares_the_twins_etag(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    bulk_error(f, "d", IOTHUB_PRECONDITION_FAILED,
               "[{'id':'d','importMode':'updateTwinIfMatchETag','twinETag':'AAAAAAAAAAI=',"
               "'tags':{'a':1}}]");
    bulk_done(f, "[{'id':'d','importMode':'updateTwinIfMatchETag','twinETag':'AAAAAAAAAAE=',"
                 "'tags':{'a':1}}]");
    bulk_done(
        f, "[{'id':'d','importMode':'updateTwinIfMatchETag','twinETag':'*','tags':{'a':2}}]");
    json_t *twin = get_twin(f, "d");
    assert_json(json_object_get(twin, "tags"), "{'a':2}");
    json_decref(twin);
}

static void update_may_bring_a_twin(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':1}}");
    bulk_done(f, "[{'id':'d','importMode':'update','statusReason':'x','tags':{'b':2}}]");
    json_t *twin = get_twin(f, "d");
    assert_json(json_object_get(twin, "tags"), "{'a':1,'b':2}");
    assert_string_equal(text_below(twin, "statusReason"), "x");
    json_decref(twin);
    bulk_error(f, "d", IOTHUB_PRECONDITION_FAILED,
               "[{'id':'d','importMode':'update','twinETag':'AAAAAAAAAAE=','tags':{'c':3}}]");
}

static void connected_device_is_told_of_a_bulk_change(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, DESIRED);
    bulk_done(f, "[{'id':'d','importMode':'updateTwin','properties':{'desired':{'a':1}}}]");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=2",
                   "{\"a\":1,\"$version\":2}");
}

/* ---- new keys --------------------------------------------------------------------------- */

static void regenerated_keys_are_new_and_the_others_stay(void **state)
{
    static const struct {
        const char *choice;
        bool is_primary;
        bool is_secondary;
    } rows[] = {
        {"primaryKey",   true,  false},
        {"secondaryKey", false, true },
        {"both",         true,  true }
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[200];
        char *primary = text_of(f, "d", "authentication.symmetricKey.primaryKey");
        char *secondary = text_of(f, "d", "authentication.symmetricKey.secondaryKey");
        char *etag = text_of(f, "d", "etag");
        (void)snprintf(body, sizeof(body), "{'policyKey':'%s','devices':[{'id':'d'}]}",
                       rows[i].choice);
        json_t *result = rest(f, 200, "POST", "/devices/keys/regenerate", body);
        assert_string_equal(text_below(result, "policyKey"), rows[i].choice);
        assert_json(json_object_get(result, "errors"), "[]");
        const json_t *keys = json_array_get(json_object_get(result, "rotatedKeys"), 0);
        assert_string_equal(text_below(keys, "id"), "d");
        assert_int_equal(strcmp(text_below(keys, "primaryKey"), primary) != 0,
                         rows[i].is_primary);
        assert_int_equal(strcmp(text_below(keys, "secondaryKey"), secondary) != 0,
                         rows[i].is_secondary);
        expect_text(f, "d", "authentication.symmetricKey.primaryKey",
                    text_below(keys, "primaryKey"));
        expect_text(f, "d", "authentication.symmetricKey.secondaryKey",
                    text_below(keys, "secondaryKey"));
        char *new_etag = text_of(f, "d", "etag");
        assert_string_not_equal(new_etag, etag);
        free(new_etag);
        free(etag);
        free(primary);
        free(secondary);
        json_decref(result);
    }
}

static void what_cannot_be_regenerated_is_told_by_row(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    rest_done(f, 200, "PUT", "/devices/x", "{'authentication':{'type':'selfSigned'}}");
    json_t *result =
        rest(f, 207, "POST", "/devices/keys/regenerate",
             "{'policyKey':'both','devices':[{'id':'none'},{'id':'d','moduleId':'m'},"
             "{'id':'x'},{'id':'d','moduleId':'n'}]}");
    assert_int_equal(json_array_size(json_object_get(result, "rotatedKeys")), 1);
    assert_string_equal(
        text_below(json_array_get(json_object_get(result, "rotatedKeys"), 0), "moduleId"), "m");
    const json_t *errors = json_object_get(result, "errors");
    assert_int_equal(json_array_size(errors), 3);
    assert_string_equal(text_below(json_array_get(errors, 0), "id"), "none");
    assert_string_equal(text_below(json_array_get(errors, 0), "errorCode"), "DeviceNotFound");
    assert_string_equal(text_below(json_array_get(errors, 1), "errorCode"), "ArgumentInvalid");
    assert_string_equal(text_below(json_array_get(errors, 2), "moduleId"), "n");
    assert_string_equal(text_below(json_array_get(errors, 2), "errorCode"), "ModuleNotFound");
    json_decref(result);
}

static void regeneration_of_nothing_is_a_failure(void **state)
{
    struct fixture *f = *state;
    struct reply reply = ask(
        f, &(struct ask){.method = "POST",
                         .path = "/devices/keys/regenerate",
                         .body = "{\"policyKey\":\"both\",\"devices\":[{\"id\":\"none\"}]}"});
    assert_int_equal(reply.status, 400);
    assert_string_equal(reply_header(&reply, "iothub-errorcode"),
                        "BulkRegenerateDeviceKeyOperationFailure");
    assert_json(json_object_get(reply.json, "rotatedKeys"), "[]");
    reply_end(&reply);
}

static void regeneration_of_an_unknown_key_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    rest_fails(f, IOTHUB_INVALID_POLICY_KEY, "POST", "/devices/keys/regenerate",
               "{'policyKey':'tertiary','devices':[{'id':'d'}]}");
    rest_fails(f, IOTHUB_INVALID_POLICY_KEY, "POST", "/devices/keys/regenerate",
               "{'devices':[{'id':'d'}]}");
    rest_fails(f, IOTHUB_FORMAT_ERROR, "POST", "/devices/keys/regenerate",
               "{'policyKey':'both'}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", "/devices/keys/regenerate",
               "{'policyKey':'both','devices':[]}");
    expect_text(f, "d", "authentication.symmetricKey.primaryKey", KEY_FIRST);
}

static void connection_with_an_old_key_is_closed(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    rest_done(f, 200, "POST", "/devices/keys/regenerate",
              "{'policyKey':'primaryKey','devices':[{'id':'d'}]}");
    assert_true(device_is_closed(d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(failure_is_told_in_two_headers),
        HUB_TEST(success_has_no_error_header),
        HUB_TEST(body_must_be_a_bare_array),
        HUB_TEST(hundred_items_are_taken_and_one_more_is_not),
        HUB_TEST(good_items_are_done_beside_bad_ones),
        HUB_TEST(item_without_an_id_or_with_an_unknown_mode_fails_alone),
        HUB_TEST(each_identity_comes_once),
        HUB_TEST(modes_are_read_in_any_case_and_default_to_create_or_update),
        HUB_TEST(create_takes_all_that_a_device_has),
        HUB_TEST(create_of_what_exists_fails),
        HUB_TEST(update_replaces_and_heeds_no_etag),
        HUB_TEST(etag_is_heeded_where_the_mode_says_so),
        HUB_TEST(etag_may_come_in_quotes),
        HUB_TEST(delete_takes_modules_and_twins_with_it),
        HUB_TEST(delete_if_match_without_an_etag_is_done),
        HUB_TEST(devices_and_their_modules_come_in_one_array),
        HUB_TEST(device_has_at_most_fifty_modules),
        HUB_TEST(connections_of_the_deleted_and_disabled_are_closed),
        HUB_TEST(scopes_are_not_checked),
        HUB_TEST(edge_device_gets_its_modules_and_keeps_its_scope),
        HUB_TEST(first_twin_has_version_one_and_was_never_updated),
        HUB_TEST(twin_members_that_are_null_say_nothing),
        HUB_TEST(device_whose_twin_is_refused_is_there_with_a_warning),
        HUB_TEST(update_twin_merges_into_devices_and_modules),
        HUB_TEST(update_twin_if_match_compares_the_twins_etag),
        HUB_TEST(update_may_bring_a_twin),
        HUB_TEST(connected_device_is_told_of_a_bulk_change),
        HUB_TEST(regenerated_keys_are_new_and_the_others_stay),
        HUB_TEST(what_cannot_be_regenerated_is_told_by_row),
        HUB_TEST(regeneration_of_nothing_is_a_failure),
        HUB_TEST(regeneration_of_an_unknown_key_is_refused),
        HUB_TEST(connection_with_an_old_key_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
