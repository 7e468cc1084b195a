/*
 * The JSON schema and the manual say what the tables say.
 */
#include "support.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "server/seed_check.h"
#include "server/verbs.h"

static int load_schema(void **state)
{
    json_error_t error;
    *state = json_load_file(SERVER_DIR "/config.schema.json", JSON_REJECT_DUPLICATES, &error);
    return *state == NULL ? -1 : 0;
}

static int drop_schema(void **state)
{
    json_decref(*state);
    return 0;
}

static const char *type_of(const json_t *schema)
{
    return json_object_get(schema, "enum") != NULL
               ? "enum"
               : json_string_value(json_object_get(schema, "type"));
}

/* A schema, or the definition that it points to. */
static const json_t *follow(const json_t *root, const json_t *schema)
{
    static const char prefix[] = "#/definitions/";
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference == NULL) {
        return schema;
    }
    assert_int_equal(strncmp(reference, prefix, sizeof(prefix) - 1), 0);
    const json_t *found =
        json_object_get(json_object_get(root, "definitions"), reference + sizeof(prefix) - 1);
    assert_non_null(found);
    return found;
}

static void check_standard(const struct cli_option *option, const json_t *schema)
{
    const json_t *standard = json_object_get(schema, "default");
    int64_t number = 0;
    switch (option->type) {
    case CLI_FLAG:
        assert_true(json_is_boolean(standard));
        assert_int_equal(json_is_true(standard), option->standard != NULL);
        break;
    case CLI_NUMBER:
        assert_int_equal(standard == NULL, option->standard == NULL);
        if (standard != NULL) {
            assert_true(slice_to_i64(slice_of(option->standard), &number));
            assert_int_equal(json_integer_value(standard), number);
        }
        break;
    case CLI_LIST:
        assert_int_equal(standard == NULL, option->standard == NULL);
        if (standard != NULL) {
            assert_string_equal(json_string_value(json_array_get(standard, 0)),
                                option->standard);
        }
        break;
    case CLI_TEXT:
    case CLI_CHOICE:
    case CLI_SECONDS:
        assert_int_equal(standard == NULL, option->standard == NULL);
        if (standard != NULL) {
            assert_string_equal(json_string_value(standard), option->standard);
        }
        break;
    }
}

static void check_type(const struct cli_option *option, const json_t *schema)
{
    static const char *const types[] = {
        [CLI_FLAG] = "boolean",   [CLI_TEXT] = "string", [CLI_NUMBER] = "integer",
        [CLI_SECONDS] = "number", [CLI_LIST] = "array",  [CLI_CHOICE] = "enum",
    };
    assert_string_equal(type_of(schema), types[option->type]);
    if (option->type == CLI_NUMBER) {
        assert_int_equal(json_integer_value(json_object_get(schema, "minimum")), option->min);
        assert_int_equal(json_integer_value(json_object_get(schema, "maximum")), option->max);
    }
}

static void schema_has_every_option_and_no_other(void **state)
{
    const json_t *properties = json_object_get(*state, "properties");
    size_t n_keys = 0;
    for (size_t i = 0; i < config_n_options; i++) {
        if (config_options[i].key == NULL) {
            continue;
        }
        const json_t *own = json_object_get(properties, config_options[i].key);
        assert_non_null(own);
        assert_non_null(json_object_get(own, "description"));
        check_type(&config_options[i], follow(*state, own));
        check_standard(&config_options[i], own);
        n_keys++;
    }
    assert_non_null(json_object_get(properties, "$schema"));
    assert_int_equal(json_object_size(properties), n_keys + 3);
}

static void check_record(const json_t *root, const json_t *schema,
                         const struct config_record *record);

static void check_member(const json_t *root, const json_t *schema,
                         const struct config_member *member)
{
    const json_t *own = follow(root, schema);
    switch (member->kind) {
    case CONFIG_TEXT:
        assert_true(strcmp(type_of(own), "string") == 0 || strcmp(type_of(own), "enum") == 0);
        break;
    case CONFIG_TEXT_OR_NULL:
        assert_int_equal(json_array_size(json_object_get(own, "anyOf")), 2);
        break;
    case CONFIG_FLAG:
        assert_string_equal(type_of(own), "boolean");
        break;
    case CONFIG_ANY_OBJECT:
        assert_string_equal(type_of(own), "object");
        assert_null(json_object_get(own, "properties"));
        break;
    case CONFIG_RECORD:
        check_record(root, own, member->record);
        break;
    case CONFIG_RECORDS:
        check_record(root, follow(root, json_object_get(own, "items")), member->record);
        break;
    case CONFIG_TEXTS:
        assert_string_equal(type_of(own), "array");
        break;
    }
}

static bool is_required(const json_t *schema, const char *name)
{
    const json_t *names = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (strcmp(json_string_value(json_array_get(names, i)), name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_record(const json_t *root, const json_t *schema,
                         const struct config_record *record)
{
    const json_t *properties = json_object_get(schema, "properties");
    assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
    assert_int_equal(json_object_size(properties), record->n_members);
    for (size_t i = 0; i < record->n_members; i++) {
        const struct config_member *member = &record->members[i];
        const json_t *own = json_object_get(properties, member->name);
        assert_non_null(own);
        assert_int_equal(is_required(schema, member->name), member->is_required);
        check_member(root, own, member);
    }
}

static void schema_has_every_member_of_policies_and_devices(void **state)
{
    const json_t *properties = json_object_get(*state, "properties");
    const json_t *policies = json_object_get(properties, "policies");
    const json_t *devices = json_object_get(properties, "devices");
    check_record(*state, follow(*state, json_object_get(policies, "items")), &policy_record);
    check_record(*state, follow(*state, json_object_get(devices, "items")), &device_record);
}

/* "--data-dir" as it stands in the source of the manual. */
static void put_roff_name(struct buf *out, const char *name)
{
    buf_put_text(out, "\\-\\-");
    for (const char *c = name; *c != '\0'; c++) {
        buf_put_text(out, *c == '-' ? "\\" : "");
        buf_put_char(out, *c);
    }
}

static void check_manual(const char *manual, const struct cli_option *options, size_t n_options)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    for (size_t i = 0; i < n_options; i++) {
        buf_reset(&text);
        put_roff_name(&text, options[i].name);
        assert_non_null(strstr(manual, buf_text(&text)));
        if (options[i].variable != NULL && options[i].key != NULL) {
            buf_reset(&text);
            buf_putf(&text, "member %s", options[i].key);
            assert_non_null(strstr(manual, options[i].variable));
            assert_non_null(strstr(manual, buf_text(&text)));
        }
    }
    buf_finish(&text);
}

static void manual_has_every_option(void **state)
{
    (void)state;
    char *manual = support_read(SERVER_DIR "/iothub-emulator.1");
    check_manual(manual, config_options, config_n_options);
    check_manual(manual, verb_ca_options, verb_ca_n_options);
    check_manual(manual, verb_connection_string_options, verb_connection_string_n_options);
    check_manual(manual, verb_healthcheck_options, verb_healthcheck_n_options);
    free(manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(schema_has_every_option_and_no_other, load_schema,
                                        drop_schema),
        cmocka_unit_test_setup_teardown(schema_has_every_member_of_policies_and_devices,
                                        load_schema, drop_schema),
        cmocka_unit_test(manual_has_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
