/*
 * hub/identity_json: identities from bodies and as documents.
 */
#include "hub/identity_json.h"

#include <stdio.h>
#include <string.h>

#include "base/coding.h"
#include "base/iso8601.h"
#include "unit/hub/documents.h"

#define KEY_A "ZC1wcmltYXJ5LTAxMjM0NTY3ODlhYmNkZWZnaGlqa2w="
#define KEY_B "ZC1zZWNvbmRhcnktMDEyMzQ1Njc4OWFiY2RlZmdoaWo="
#define KEYS  "'symmetricKey':{'primaryKey':'" KEY_A "','secondaryKey':'" KEY_B "'}"

static struct hub hub;

static int begin(void **state)
{
    (void)state;
    hub = (struct hub){0};
    buf_init(&hub.error, 1000);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_finish(&hub.error);
    return 0;
}

static struct store_identity record_of(const char *device_id, const char *module_id)
{
    struct store_identity record = {
        .etag = 241791198,
        .generation = 637345907161634714,
        .status_updated_ms = ISO8601_NEVER_MS,
        .connection_updated_ms = ISO8601_NEVER_MS,
        .last_activity_ms = ISO8601_NEVER_MS,
    };
    (void)snprintf(record.device_id, sizeof(record.device_id), "%s", device_id);
    (void)snprintf(record.module_id, sizeof(record.module_id), "%s", module_id);
    return record;
}

static enum iothub_status read(struct store_identity *record, const char *body)
{
    json_t *value = document(body);
    enum iothub_status status = identity_read(&hub, value, record);
    json_decref(value);
    return status;
}

static struct store_identity read_device(const char *body)
{
    struct store_identity record = record_of("d", "");
    enum iothub_status status = read(&record, body);
    if (status != IOTHUB_OK) {
        print_error("%s: %s\n", body, buf_text(&hub.error));
    }
    assert_int_equal(status, IOTHUB_OK);
    return record;
}

static void empty_body_has_the_defaults(void **state)
{
    (void)state;
    struct store_identity record = read_device("{}");
    assert_true(record.is_enabled);
    assert_false(record.has_status_reason);
    assert_false(record.is_edge);
    assert_int_equal(record.auth, AUTH_SAS);
    assert_int_equal(strlen(record.primary_key), 44);
    assert_int_equal(strlen(record.secondary_key), 44);
    assert_string_not_equal(record.primary_key, record.secondary_key);
}

static void made_keys_are_new_each_time(void **state)
{
    (void)state;
    struct store_identity first = read_device("{}");
    struct store_identity second = read_device("{}");
    assert_string_not_equal(first.primary_key, second.primary_key);
}

static void body_is_read_member_by_member(void **state)
{
    (void)state;
    struct store_identity record = read_device(
        "{'deviceId':'d','status':'disabled','statusReason':'why','authentication':{" KEYS
        ",'type':'sas'},'capabilities':{'iotEdge':true},'etag':'x','generationId':'1',"
        "'connectionState':'Connected','cloudToDeviceMessageCount':7,'unknown':[1]}");
    assert_false(record.is_enabled);
    assert_true(record.has_status_reason);
    assert_string_equal(record.status_reason, "why");
    assert_string_equal(record.primary_key, KEY_A);
    assert_string_equal(record.secondary_key, KEY_B);
    assert_true(record.is_edge);
    assert_int_equal(record.etag, 241791198);
    assert_int_equal(record.generation, 637345907161634714);
}

static void names_and_words_have_any_case(void **state)
{
    (void)state;
    struct store_identity record = read_device(
        "{'Status':'DISABLED','Authentication':{'Type':'SelfSigned','X509Thumbprint':{"
        "'PrimaryThumbprint':'0123456789abcdef0123456789abcdef01234567'}}}");
    assert_false(record.is_enabled);
    assert_int_equal(record.auth, AUTH_SELF_SIGNED);
    assert_string_equal(record.primary_thumbprint, "0123456789abcdef0123456789abcdef01234567");
}

static void what_is_left_out_is_reset(void **state)
{
    (void)state;
    struct store_identity record =
        read_device("{'status':'disabled','statusReason':'why','authentication':{" KEYS "}}");
    assert_int_equal(read(&record, "{'authentication':{'type':'certificateAuthority'}}"),
                     IOTHUB_OK);
    assert_true(record.is_enabled);
    assert_false(record.has_status_reason);
    assert_string_equal(record.status_reason, "");
    assert_int_equal(record.auth, AUTH_AUTHORITY);
    assert_string_equal(record.primary_key, "");
    assert_string_equal(record.secondary_key, "");
}

static void module_has_no_status(void **state)
{
    (void)state;
    struct store_identity record = record_of("d", "m");
    assert_int_equal(read(&record, "{'status':'disabled','managedBy':'me','authentication':{"
                                   "'type':'none'}}"),
                     IOTHUB_OK);
    assert_true(record.is_enabled);
    assert_true(record.has_managed_by);
    assert_string_equal(record.managed_by, "me");
    assert_int_equal(record.auth, AUTH_SAS);
    assert_int_equal(strlen(record.primary_key), 44);
}

static void bad_body_leaves_the_record_alone(void **state)
{
    static const char one_key[] = "{'authentication':{'symmetricKey':{'primaryKey':'" KEY_A
                                  "'}}}";
    static const char *const bodies[] = {
        "{'status':'off'}",
        "{'status':5}",
        "{'statusReason':5}",
        "{'authentication':{'type':'none'}}",
        "{'authentication':{'type':'password'}}",
        one_key,
        "{'authentication':{'symmetricKey':{'primaryKey':'short','secondaryKey':'short'}}}",
        "{'authentication':{'type':'selfSigned','x509Thumbprint':{'primaryThumbprint':'zz'}}}",
        "{'statusReason':'new','status':'x'}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct store_identity record =
            read_device("{'statusReason':'old','authentication':{" KEYS "}}");
        struct store_identity before = record;
        buf_reset(&hub.error);
        assert_int_equal(read(&record, bodies[i]), IOTHUB_ARGUMENT_INVALID);
        assert_true(hub.error.len > 0);
        assert_memory_equal(&record, &before, sizeof(record));
    }
}

static void assert_written(const struct store_identity *record, const char *want)
{
    struct buf out = {.cap = BUF_CAP_OWN};
    identity_write(&hub, record, &out);
    json_t *value = document(buf_text(&out));
    assert_document(value, want);
    json_decref(value);
    buf_finish(&out);
}

static void device_is_written_in_the_recorded_order(void **state)
{
    (void)state;
    struct store_identity record = read_device("{'authentication':{" KEYS "}}");
    assert_written(
        &record,
        "{'deviceId':'d','generationId':'637345907161634714','etag':'MjQxNzkxMTk4',"
        "'connectionState':'Disconnected','status':'enabled','statusReason':null,"
        "'connectionStateUpdatedTime':'0001-01-01T00:00:00Z',"
        "'statusUpdatedTime':'0001-01-01T00:00:00Z','lastActivityTime':'0001-01-01T00:00:00Z',"
        "'cloudToDeviceMessageCount':0,'authentication':{" KEYS
        ",'x509Thumbprint':{'primaryThumbprint':null,'secondaryThumbprint':null},'type':'sas'},"
        "'capabilities':{'iotEdge':false},'parentScopes':[]}");
}

static void module_is_written_in_the_recorded_order(void **state)
{
    (void)state;
    struct store_identity record = record_of("d", "m");
    assert_int_equal(read(&record, "{'authentication':{" KEYS "}}"), IOTHUB_OK);
    record.connection_updated_ms = 0;
    record.last_activity_ms = 1500;
    assert_written(
        &record,
        "{'moduleId':'m','managedBy':null,'deviceId':'d','generationId':'637345907161634714',"
        "'etag':'MjQxNzkxMTk4','connectionState':'Disconnected',"
        "'connectionStateUpdatedTime':'1970-01-01T00:00:00Z',"
        "'lastActivityTime':'1970-01-01T00:00:01.5Z','cloudToDeviceMessageCount':0,"
        "'authentication':{" KEYS ",'x509Thumbprint':{'primaryThumbprint':null,'"
        "secondaryThumbprint':null},'type':'sas'}}");
}

static void texts_are_escaped(void **state)
{
    (void)state;
    struct buf out = {.cap = BUF_CAP_OWN};
    struct store_identity record = read_device("{'statusReason':'say \\\"hi\\\"\\n'}");
    identity_write(&hub, &record, &out);
    assert_non_null(strstr(buf_text(&out), "\"statusReason\":\"say \\\"hi\\\"\\n\""));
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(empty_body_has_the_defaults, begin, end),
        cmocka_unit_test_setup_teardown(made_keys_are_new_each_time, begin, end),
        cmocka_unit_test_setup_teardown(body_is_read_member_by_member, begin, end),
        cmocka_unit_test_setup_teardown(names_and_words_have_any_case, begin, end),
        cmocka_unit_test_setup_teardown(what_is_left_out_is_reset, begin, end),
        cmocka_unit_test_setup_teardown(module_has_no_status, begin, end),
        cmocka_unit_test_setup_teardown(bad_body_leaves_the_record_alone, begin, end),
        cmocka_unit_test_setup_teardown(device_is_written_in_the_recorded_order, begin, end),
        cmocka_unit_test_setup_teardown(module_is_written_in_the_recorded_order, begin, end),
        cmocka_unit_test_setup_teardown(texts_are_escaped, begin, end),
    };
    return cmocka_run_group_tests_name("hub.identity_json", tests, NULL, NULL);
}
