/*
 * What the configuration file holds beside options: policies and devices, and how mistakes in
 * it are told.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "server/well_known.h"

#define KEY_A "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
#define KEY_B "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="

static char *folder;
static char *path;

static int setup(void **state)
{
    (void)state;
    support_clear_variables();
    setenv("XDG_STATE_HOME", "/state", 1);
    folder = support_make_folder();
    path = support_path(folder, "hub.json");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(path);
    support_remove_folder(folder);
    return 0;
}

static void run_on(struct support_run *run, const char *text, support_look *look,
                   const char *more)
{
    support_write(path, text);
    support_run(run, look, NULL, (const char *const[]){"look", "--config", path, more, NULL});
}

static void accepted(const char *text, support_look *look)
{
    struct support_run run;
    run_on(&run, text, look, NULL);
    assert_string_equal(run.err, "");
    assert_int_equal(run.result, CLI_DONE);
    support_run_finish(&run);
}

/* `mistake` is what follows the file's name and a colon. */
static void refused(const char *text, const char *mistake)
{
    struct support_run run;
    struct buf expected;
    run_on(&run, text, NULL, NULL);
    buf_init(&expected, BUF_CAP_OWN);
    buf_putf(&expected, "emulator: %s:%s\n", path, mistake);
    assert_string_equal(run.err, buf_text(&expected));
    assert_int_equal(run.result, CLI_WRONG);
    buf_finish(&expected);
    support_run_finish(&run);
}

struct mistake {
    const char *text;
    const char *told;
};

static void refuse_all(const struct mistake *mistakes, size_t n_mistakes)
{
    for (size_t i = 0; i < n_mistakes; i++) {
        refused(mistakes[i].text, mistakes[i].told);
    }
}

/* ---- syntax and options ---- */

static void syntax_errors_have_line_and_column(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"{\n  \"bind\": \n}",               "3:1: unexpected token"    },
        {"{\n\"a\": 1} x",                   "2:9: end of file expected"},
        {"{\"bind\": \"a\",\n \"bind\": 1}", "2:7: duplicate object key"},
        {"[]",                               "1: expected an object"    },
        {"{\"sharedAccessKey\": \"c2Vj\n",   "1:25: unexpected newline" },
    };
    refuse_all(mistakes, ARRAY_LEN(mistakes));
}

static void mistakes_in_options_have_their_line(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"{\n\n\"port\": 1}",              "3: port: unknown member"                              },
        {"{\n\"httpPort\":\n\"80\"}",      "2: httpPort: expected a number from 0 to 65535"       },
        {"{\n\"httpPort\": 65536}",        "2: httpPort: expected a number from 0 to 65535"       },
        {"{\n\"inMemory\": \"yes\"}",      "2: inMemory: expected true or false"                  },
        {"{\n\"hostNames\": \"a\"}",       "2: hostNames: expected an array of strings"           },
        {"{\n\"hostNames\": [\"a\",\n3]}", "3: hostNames[1]: expected a string"                   },
        {"{\n\"logLevel\": \"loud\"}",
         "2: logLevel: expected error, warning, info, debug or trace"                             },
        {"{\n\"bind\": \"home\"}",         "2: bind: expected an IPv4 or IPv6 address, not 'home'"},
        {"{\n\"hostNames\": []}",          "2: hostNames: expected at least one name"             },
        {"{\n\"hostNames\": [\"a b\"]}",
         "2: hostNames: expected a host name or an address, without a port, not 'a b'"            },
        {"{\n\"httpPort\": 1883}",         "2: httpPort: 1883 is the port of --mqtt-port too"     },
        {"{\n\"tlsKey\": \"k\"}",          "2: tlsKey: needs --tls-cert beside it"                },
        {"{\n\"sharedAccessKey\": \"k\"}",
         "2: sharedAccessKey: expected base64 of 16 to 64 bytes"                                  },
    };
    refuse_all(mistakes, ARRAY_LEN(mistakes));
}

static void mistake_is_told_though_the_command_line_overrides_it(void **state)
{
    (void)state;
    struct support_run run;
    run_on(&run, "{\"httpPort\": true}", NULL, "--http-port=1");
    assert_non_null(strstr(run.err, "hub.json:1: httpPort: expected a number"));
    assert_int_equal(run.result, CLI_WRONG);
    support_run_finish(&run);
}

/* ---- policies ---- */

static void mistakes_in_policies_have_path_and_line(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"{\"policies\": {}}",                                                                "1: policies: expected an array"                              },
        {"{\"policies\": [\n7]}",                                                             "2: policies[0]: expected an object"                          },
        {"{\"policies\": [\n{\"name\": \"a\"}]}",                                             "2: policies[0].rights: missing"                              },
        {"{\"policies\": [\n{\"rights\": [\"DeviceConnect\"]}]}",
         "2: policies[0].name: missing"                                                                                                                     },
        {"{\"policies\": [{\"name\": \"a\",\n\"rights\": []}]}",
         "2: policies[0].rights: expected at least one right"                                                                                               },
        {"{\"policies\": [{\"name\": \"a\", \"rights\": [\"DeviceConnect\",\n\"Root\"]}]}",
         "2: policies[0].rights[1]: expected RegistryRead, RegistryWrite, ServiceConnect or "
         "DeviceConnect"                                                                                                                                    },
        {"{\"policies\": [{\"name\": \"a;b\", \"rights\": [\"DeviceConnect\"]}]}",
         "1: policies[0].name: expected 1 to 64 letters, digits and - _ . @"                                                                                },
        {"{\"policies\": [{\"name\": \"a\", \"rights\": [\"DeviceConnect\"],\n"
         "\"primaryKey\": \"secret\"}]}",                                            "2: policies[0].primaryKey: expected base64 of 16 to 64 bytes"},
        {"{\"policies\": [{\"name\": \"a\", \"rights\": [\"DeviceConnect\"],\n"
         "\"secondaryKey\": \"" KEY_A "\"}]}",
         "1: policies[0].primaryKey: missing beside secondaryKey"                                                                                           },
        {"{\"policies\": [{\"name\": \"a\", \"rights\": [\"DeviceConnect\"],\n\"key\": 1}]}",
         "2: policies[0].key: unknown member; known are name, rights, primaryKey, "
         "secondaryKey"                                                                                                                                     },
        {"{\"policies\": [{\"name\": \"a\", \"rights\": [\"DeviceConnect\"]},\n"
         "{\"rights\": [\"DeviceConnect\"], \"name\": \"a\"}]}",                     "2: policies[1].name: 'a' is the name of policies[0] already" },
    };
    refuse_all(mistakes, ARRAY_LEN(mistakes));
}

static void put_policies(struct buf *out, int n_policies)
{
    buf_put_text(out, "{\"policies\": [");
    for (int i = 0; i < n_policies; i++) {
        buf_putf(out, "%s{\"name\": \"p%d\", \"rights\": [\"DeviceConnect\"]}",
                 i == 0 ? "" : ",\n", i);
    }
    buf_put_text(out, "]}");
}

static void check_sixteen(const struct config *config, void *ctx)
{
    (void)ctx;
    assert_int_equal(config->policies.n_items, 16);
}

static void sixteen_policies_are_the_most(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    put_policies(&text, 11);
    accepted(buf_text(&text), check_sixteen);
    buf_reset(&text);
    put_policies(&text, 12);
    refused(buf_text(&text),
            "12: policies[11]: there are more than 16 policies, built-in ones included");
    buf_finish(&text);
}

static void check_policy(const struct config *config, const char *name, unsigned rights,
                         const char *primary, const char *secondary)
{
    const struct hub_policy *policy = policies_find(&config->policies, name);
    assert_non_null(policy);
    assert_string_equal(policy->name, name);
    assert_int_equal(policy->rights, rights);
    assert_string_equal(policy->primary_key, primary);
    assert_string_equal(policy->secondary_key, secondary);
}

static void check_policies(const struct config *config, void *ctx)
{
    (void)ctx;
    assert_int_equal(config->policies.n_items, 8);
    check_policy(config, "both", 1, KEY_A, KEY_B);
    check_policy(config, "one", 3, KEY_A, KEY_A);
    check_policy(config, "none", 12, WELL_KNOWN_PRIMARY_KEY, WELL_KNOWN_SECONDARY_KEY);
    check_policy(config, "iothubowner", 4, KEY_B, KEY_B);
    check_policy(config, "service", 4, WELL_KNOWN_PRIMARY_KEY, WELL_KNOWN_SECONDARY_KEY);
}

static void policies_are_added_or_replace_built_in_ones(void **state)
{
    (void)state;
    accepted("{\"policies\": [\n"
             "{\"name\": \"iothubowner\", \"rights\": [\"ServiceConnect\"], "
             "\"primaryKey\": \"" KEY_B "\"},\n"
             "{\"name\": \"both\", \"rights\": [\"RegistryRead\", \"RegistryRead\"], "
             "\"primaryKey\": \"" KEY_A "\", \"secondaryKey\": \"" KEY_B "\"},\n"
             "{\"name\": \"one\", \"rights\": [\"RegistryWrite\"], "
             "\"primaryKey\": \"" KEY_A "\"},\n"
             "{\"name\": \"none\", \"rights\": [\"DeviceConnect\", \"ServiceConnect\"]}\n"
             "]}",
             check_policies);
}

/* ---- devices ---- */

#define DEVICES(text)        "{\"devices\": [{\"deviceId\": \"a\"},\n" text "]}"
#define DEVICE(text)         DEVICES("{\"deviceId\": \"b\",\n" text "}")
#define AUTHENTICATION(text) DEVICE("\"authentication\":\n{" text "}")

static void mistakes_in_devices_have_path_and_line(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"{\"devices\": 1}",                                                         "1: devices: expected an array"                     },
        {DEVICES("[]"),                                                              "2: devices[1]: expected an object"                 },
        {DEVICES("{}"),                                                              "2: devices[1].deviceId: missing"                   },
        {DEVICES("{\"deviceId\": 7}"),                                               "2: devices[1].deviceId: expected a string"         },
        {DEVICES("{\"deviceId\": \"x y\"}"),
         "2: devices[1].deviceId: expected 1 to 128 ASCII letters, digits and "
         "- : . + % _ # * ? ! ( ) , = @ ; $ '"                                                                                           },
        {DEVICES("{\"deviceId\": \"a\"}"),
         "2: devices[1].deviceId: 'a' is the id of devices[0] already"                                                                   },
        {DEVICE("\"tag\": {}"),
         "3: devices[1].tag: unknown member; known are deviceId, status, statusReason, "
         "authentication, capabilities, tags, properties, modules"                                                                       },
        {DEVICE("\"status\": \"off\""),                                              "3: devices[1].status: expected enabled or disabled"},
        {DEVICE("\"statusReason\": 1"),                                              "3: devices[1].statusReason: expected a string"     },
        {DEVICE("\"tags\": []"),                                                     "3: devices[1].tags: expected an object"            },
        {DEVICE("\"capabilities\": {\n\"iotEdge\": 1}"),
         "4: devices[1].capabilities.iotEdge: expected true or false"                                                                    },
        {DEVICE("\"properties\": {\"desired\": {},\n\"reported\": null}"),
         "4: devices[1].properties.reported: expected an object"                                                                         },
        {DEVICE("\"properties\": {\n\"wanted\": {}}"),
         "4: devices[1].properties.wanted: unknown member; known are desired, reported"                                                  },
        {AUTHENTICATION("\"type\": \"none\""),
         "4: devices[1].authentication.type: expected sas, selfSigned or certificateAuthority"                                           },
        {AUTHENTICATION("\"symmetricKey\": {\n\"primaryKey\": \"" KEY_A "\"}"),
         "4: devices[1].authentication.symmetricKey: expected both keys or none"                                                         },
        {AUTHENTICATION("\"symmetricKey\": {\n\"primaryKey\": \"YQ==\"}"),
         "5: devices[1].authentication.symmetricKey.primaryKey: expected base64 of 16 to 64 "
         "bytes"                                                                                                                         },
        {AUTHENTICATION("\"type\": \"selfSigned\", \"symmetricKey\": {\"primaryKey\": \"" KEY_A
                        "\", \"secondaryKey\": \"" KEY_B "\"}"),
         "4: devices[1].authentication.symmetricKey: keys do not go with type selfSigned"                                                },
        {AUTHENTICATION("\"x509Thumbprint\": {\n\"primaryThumbprint\": \"AB:CD\"}"),
         "5: devices[1].authentication.x509Thumbprint.primaryThumbprint: expected 40 or 64 hex "
         "digits without separators"                                                                                                     },
        {DEVICE("\"modules\": {}"),                                                  "3: devices[1].modules: expected an array"          },
        {DEVICE("\"modules\": [\n{\"id\": 1}]"),
         "4: devices[1].modules[0].id: unknown member; known are moduleId, managedBy, "
         "authentication, tags, properties"                                                                                              },
        {DEVICE("\"modules\": [\n{\"tags\": {}}]"),
         "4: devices[1].modules[0].moduleId: missing"                                                                                    },
        {DEVICE("\"modules\": [\n{\"moduleId\": \"m\"},\n{\"moduleId\": \"m\"}]"),
         "5: devices[1].modules[1].moduleId: 'm' is the id of modules[0] already"                                                        },
        {DEVICE("\"modules\": [{\"moduleId\": \"m\", \"authentication\": {\"symmetricKey\":\n"
                "{\"secondaryKey\": \"" KEY_A "\"}}}]"),
         "3: devices[1].modules[0].authentication.symmetricKey: expected both keys or none"                                              },
    };
    refuse_all(mistakes, ARRAY_LEN(mistakes));
}

static void long_texts_are_counted_in_characters(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    buf_put_text(&text, "{\"devices\": [{\"deviceId\": \"a\", \"statusReason\": \"");
    for (int i = 0; i < 128; i++) {
        buf_put_text(&text, "\u00e4");
    }
    size_t len = text.len;
    buf_put_text(&text, "\"}]}");
    accepted(buf_text(&text), NULL);
    buf_cut(&text, len);
    buf_put_text(&text, "x\"}]}");
    refused(buf_text(&text), "1: devices[0].statusReason: expected at most 128 characters");
    buf_finish(&text);
}

static void device_has_at_most_fifty_modules(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    buf_put_text(&text, "{\"devices\": [{\"deviceId\": \"a\", \"modules\": [");
    for (int i = 0; i < 51; i++) {
        buf_putf(&text, "%s{\"moduleId\": \"m%d\"}", i == 0 ? "" : ",", i);
    }
    buf_put_text(&text, "]}]}");
    refused(buf_text(&text), "1: devices[0].modules: a device has at most 50 modules");
    buf_finish(&text);
}

static void check_devices(const struct config *config, void *ctx)
{
    (void)ctx;
    assert_int_equal(json_array_size(config->devices), 2);
    const json_t *second = json_array_get(config->devices, 1);
    assert_string_equal(json_string_value(json_object_get(second, "deviceId")), "a");
    assert_int_equal(json_array_size(json_object_get(second, "modules")), 1);
}

static void devices_with_every_member_are_taken(void **state)
{
    (void)state;
    accepted(
        "{\"devices\": [{\"deviceId\": \"A\"},\n"
        "{\"deviceId\": \"a\", \"status\": \"disabled\", \"statusReason\": \"lost\",\n"
        "\"authentication\": {\"type\": \"sas\", \"symmetricKey\": {\"primaryKey\": \"" KEY_A
        "\", \"secondaryKey\": \"" KEY_B "\"},\n"
        "\"x509Thumbprint\": {\"primaryThumbprint\": null, \"secondaryThumbprint\": null}},\n"
        "\"capabilities\": {\"iotEdge\": true}, \"tags\": {\"a\": 1},\n"
        "\"properties\": {\"desired\": {\"b\": {\"c\": []}}, \"reported\": {}},\n"
        "\"modules\": [{\"moduleId\": \"a\", \"managedBy\": null, \"tags\": {},\n"
        "\"authentication\": {\"type\": \"selfSigned\", \"x509Thumbprint\": {\n"
        "\"primaryThumbprint\": \"0123456789abcdefABCDEF0123456789abcdef01\"}},\n"
        "\"properties\": {}}]}]}",
        check_devices);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(syntax_errors_have_line_and_column),
        TEST(mistakes_in_options_have_their_line),
        TEST(mistake_is_told_though_the_command_line_overrides_it),
        TEST(mistakes_in_policies_have_path_and_line),
        TEST(sixteen_policies_are_the_most),
        TEST(policies_are_added_or_replace_built_in_ones),
        TEST(mistakes_in_devices_have_path_and_line),
        TEST(long_texts_are_counted_in_characters),
        TEST(device_has_at_most_fifty_modules),
        TEST(devices_with_every_member_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
