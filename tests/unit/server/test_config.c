/*
 * Settings from their sources, and what is said of wrong ones.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "server/well_known.h"

#define OWN_KEY "c29tZSBvdGhlciBrZXkgb2YgdGhlIHVzZXIncyE="

static int setup(void **state)
{
    support_clear_variables();
    setenv("XDG_STATE_HOME", "/state", 1);
    *state = support_make_folder();
    return 0;
}

static int teardown(void **state)
{
    support_clear_variables();
    support_remove_folder(*state);
    return 0;
}

/* The settings of a run that must be good. */
static void look(support_look *check, void *ctx, const char *const *arguments)
{
    struct support_run run;
    support_run(&run, check, ctx, arguments);
    assert_string_equal(run.err, "");
    assert_int_equal(run.result, CLI_DONE);
    support_run_finish(&run);
}

/* The one line of a run that must not be. */
static void refused(const char *line, const char *const *arguments)
{
    struct support_run run;
    struct buf expected;
    support_run(&run, NULL, NULL, arguments);
    buf_init(&expected, BUF_CAP_OWN);
    buf_putf(&expected, "emulator: %s\n", line);
    assert_string_equal(run.err, buf_text(&expected));
    assert_int_equal(run.result, CLI_WRONG);
    buf_finish(&expected);
    support_run_finish(&run);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- sources ---- */

static void check_standards(const struct config *config, void *ctx)
{
    (void)ctx;
    assert_string_equal(config->bind, "127.0.0.1");
    assert_true(config->has_mqtts && config->has_https && config->has_mqtt && config->has_http);
    assert_int_equal(config->mqtts_port, 8883);
    assert_int_equal(config->https_port, 443);
    assert_int_equal(config->mqtt_port, 1883);
    assert_int_equal(config->http_port, 8080);
    assert_string_equal(config_host_name(config), "127.0.0.1");
    assert_int_equal(config->host_names.n_items, 1);
    assert_string_equal(config->data_dir, "/state/iothub-emulator");
    assert_false(config->in_memory);
    assert_null(config->ready_file);
    assert_null(config->tls_cert);
    assert_int_equal(config->log_level, LOG_INFO);
    assert_int_equal(config->event_retention_hours, 24);
    assert_int_equal(config->max_connections, 0);
    assert_int_equal(config->token_grace_seconds, 600);
    assert_true(config->has_fault_injection);
    assert_null(config->devices);
    assert_int_equal(config->policies.n_items, 5);
}

static void defaults_are_used_when_nothing_is_given(void **state)
{
    (void)state;
    look(check_standards, NULL, ARGS("look"));
}

static void check_given(const struct config *config, void *ctx)
{
    (void)ctx;
    assert_string_equal(config->bind, "::1");
    assert_false(config->has_mqtts);
    assert_true(config->has_https);
    assert_false(config->has_mqtt);
    assert_int_equal(config->https_port, 0);
    assert_int_equal(config->http_port, 18080);
    assert_int_equal(config->host_names.n_items, 2);
    assert_string_equal(config->host_names.items[0], "hub.example.test");
    assert_string_equal(config->host_names.items[1], "::1");
    assert_string_equal(config->data_dir, "/data");
    assert_true(config->in_memory);
    assert_string_equal(config->ready_file, "/r.json");
    assert_int_equal(config->log_level, LOG_DEBUG);
    assert_int_equal(config->event_retention_hours, 168);
    assert_int_equal(config->max_connections, 7);
    assert_int_equal(config->token_grace_seconds, 0);
    assert_false(config->has_fault_injection);
    assert_string_equal(policies_find(&config->policies, "service")->primary_key, OWN_KEY);
}

static void command_line_sets_every_option(void **state)
{
    (void)state;
    look(check_given, NULL,
         ARGS("look", "--bind=::1", "--no-mqtts", "--no-mqtt", "--https-port=0",
              "--http-port=18080", "--host-name=hub.example.test", "--host-name=::1",
              "--data-dir=/data", "--in-memory", "--ready-file=/r.json", "--log-level=debug",
              "--event-retention-hours=168", "--max-connections=7", "--no-fault-injection",
              "--token-grace-seconds=0", "--shared-access-key", OWN_KEY));
}

static void variables_set_every_option(void **state)
{
    (void)state;
    setenv("IOTHUB_EMULATOR_BIND", "::1", 1);
    setenv("IOTHUB_EMULATOR_MQTTS", "false", 1);
    setenv("IOTHUB_EMULATOR_MQTT", "0", 1);
    setenv("IOTHUB_EMULATOR_HTTPS_PORT", "0", 1);
    setenv("IOTHUB_EMULATOR_HTTP_PORT", "18080", 1);
    setenv("IOTHUB_EMULATOR_HOST_NAME", "hub.example.test,::1", 1);
    setenv("IOTHUB_EMULATOR_DATA_DIR", "/data", 1);
    setenv("IOTHUB_EMULATOR_IN_MEMORY", "1", 1);
    setenv("IOTHUB_EMULATOR_READY_FILE", "/r.json", 1);
    setenv("IOTHUB_EMULATOR_LOG_LEVEL", "debug", 1);
    setenv("IOTHUB_EMULATOR_EVENT_RETENTION_HOURS", "168", 1);
    setenv("IOTHUB_EMULATOR_MAX_CONNECTIONS", "7", 1);
    setenv("IOTHUB_EMULATOR_FAULT_INJECTION", "false", 1);
    setenv("IOTHUB_EMULATOR_TOKEN_GRACE_SECONDS", "0", 1);
    setenv("IOTHUB_EMULATOR_SHARED_ACCESS_KEY", OWN_KEY, 1);
    look(check_given, NULL, ARGS("look"));
}

static const char full_file[] =
    "{\n"
    "  \"$schema\": \"config.schema.json\",\n"
    "  \"bind\": \"::1\", \"mqtts\": false, \"mqtt\": false,\n"
    "  \"httpsPort\": 0, \"httpPort\": 18080,\n"
    "  \"hostNames\": [\"hub.example.test\", \"::1\"],\n"
    "  \"dataDir\": \"/data\", \"inMemory\": true, \"readyFile\": \"/r.json\",\n"
    "  \"logLevel\": \"debug\", \"eventRetentionHours\": 168, \"maxConnections\": 7,\n"
    "  \"faultInjection\": false, \"tokenGraceSeconds\": 0,\n"
    "  \"sharedAccessKey\": \"" OWN_KEY "\"\n"
    "}\n";

static void file_sets_every_option(void **state)
{
    char *path = support_path(*state, "hub.json");
    support_write(path, full_file);
    look(check_given, NULL, ARGS("look", "--config", path));
    free(path);
}

static void variable_names_the_file(void **state)
{
    char *path = support_path(*state, "hub.json");
    support_write(path, full_file);
    setenv("IOTHUB_EMULATOR_CONFIG", path, 1);
    look(check_given, NULL, ARGS("look"));
    free(path);
}

static void check_order(const struct config *config, void *ctx)
{
    (void)ctx;
    assert_int_equal(config->http_port, 1);
    assert_int_equal(config->mqtt_port, 2);
    assert_int_equal(config->mqtts_port, 3);
    assert_int_equal(config->https_port, 443);
}

static void command_line_goes_before_variable_before_file(void **state)
{
    char *path = support_path(*state, "hub.json");
    support_write(path, "{\"httpPort\": 3, \"mqttPort\": 3, \"mqttsPort\": 3}");
    setenv("IOTHUB_EMULATOR_HTTP_PORT", "2", 1);
    setenv("IOTHUB_EMULATOR_MQTT_PORT", "2", 1);
    look(check_order, NULL, ARGS("look", "--config", path, "--http-port", "1"));
    free(path);
}

static void check_home(const struct config *config, void *ctx)
{
    assert_string_equal(config->data_dir, ctx);
}

static void relative_state_home_is_ignored(void **state)
{
    (void)state;
    static char expected[] = "/home/somebody/.local/state/iothub-emulator";
    setenv("XDG_STATE_HOME", "state", 1);
    setenv("HOME", "/home/somebody", 1);
    look(check_home, expected, ARGS("look"));
}

static void no_home_at_all_is_told(void **state)
{
    (void)state;
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    refused("no data directory: neither XDG_STATE_HOME nor HOME is set; choose one with "
            "--data-dir",
            ARGS("look"));
}

/* ---- what is wrong, and where it stands ---- */

static void wrong_values_on_the_command_line_are_told(void **state)
{
    (void)state;
    refused("--bind: expected an IPv4 or IPv6 address, not 'localhost'",
            ARGS("look", "--bind=localhost"));
    refused("--bind: expected an IPv4 or IPv6 address, not '1.2.3'",
            ARGS("look", "--bind", "1.2.3"));
    refused("--host-name: expected a host name or an address, without a port, not 'hub:8883'",
            ARGS("look", "--host-name=good.test", "--host-name=hub:8883"));
    refused("--host-name: expected a host name or an address, without a port, not '-hub'",
            ARGS("look", "--host-name=-hub"));
    refused("--host-name: expected a host name or an address, without a port, not '1.2.3.400'",
            ARGS("look", "--host-name=1.2.3.400"));
    refused("--http-port: 1883 is the port of --mqtt-port too",
            ARGS("look", "--http-port=1883"));
    refused("every listener is switched off: leave one of --mqtts, --https, --mqtt and --http "
            "on",
            ARGS("look", "--no-mqtts", "--no-https", "--no-mqtt", "--no-http"));
    refused("--tls-cert: needs --tls-key beside it", ARGS("look", "--tls-cert=a"));
    refused("--tls-key: needs --tls-cert beside it", ARGS("look", "--tls-key=a"));
    refused("--shared-access-key: expected base64 of 16 to 64 bytes",
            ARGS("look", "--shared-access-key=secret"));
    refused("--shared-access-key: expected base64 of 16 to 64 bytes",
            ARGS("look", "--shared-access-key=c2hvcnQ="));
    refused("--storage-container: expected 3 to 63 lower-case letters, digits and single "
            "hyphens, not 'My_Files'",
            ARGS("look", "--storage-container=My_Files"));
    refused("--storage-connection-string: AccountKey is not base64",
            ARGS("look", "--storage-connection-string=AccountName=acct;AccountKey=secret"));
}

static void wrong_value_of_a_variable_is_told_as_such(void **state)
{
    (void)state;
    setenv("IOTHUB_EMULATOR_BIND", "here", 1);
    refused("IOTHUB_EMULATOR_BIND: expected an IPv4 or IPv6 address, not 'here'", ARGS("look"));
    refused("--bind: expected an IPv4 or IPv6 address, not 'there'",
            ARGS("look", "--bind", "there"));
}

static void ports_of_listeners_that_are_off_may_be_equal(void **state)
{
    (void)state;
    look(NULL, NULL, ARGS("look", "--http-port=1883", "--no-mqtt"));
    look(NULL, NULL, ARGS("look", "--http-port=0", "--mqtt-port=0", "--https-port=0"));
}

static void unreadable_file_is_told(void **state)
{
    struct buf line;
    char *path = support_path(*state, "none.json");
    buf_init(&line, BUF_CAP_OWN);
    buf_putf(&line, "configuration file %s: No such file or directory", path);
    refused(buf_text(&line), ARGS("look", "--config", path));
    buf_reset(&line);
    buf_putf(&line, "configuration file %s: Is a directory", (char *)*state);
    refused(buf_text(&line), ARGS("look", "--config", *state));
    buf_reset(&line);
    support_write(path, "");
    buf_putf(&line, "configuration file %s: it is empty", path);
    refused(buf_text(&line), ARGS("look", "--config", path));
    buf_finish(&line);
    free(path);
}

/* ---- what is made of the settings ---- */

static void check_local_address(const struct config *config, void *ctx)
{
    assert_string_equal(config_local_address(config), ctx);
}

static void wildcard_address_is_reached_over_loopback(void **state)
{
    (void)state;
    static char four[] = "127.0.0.1";
    static char six[] = "::1";
    static char other[] = "192.0.2.7";
    look(check_local_address, four, ARGS("look", "--bind=0.0.0.0"));
    look(check_local_address, six, ARGS("look", "--bind=::"));
    look(check_local_address, six, ARGS("look", "--bind=0:0::0"));
    look(check_local_address, other, ARGS("look", "--bind=192.0.2.7"));
}

static void check_exposed(const struct config *config, void *ctx)
{
    assert_int_equal(config_is_exposed(config), *(bool *)ctx);
}

static void published_key_beyond_loopback_is_exposed(void **state)
{
    static const struct {
        const char *bind;
        const char *key; /* NULL: the well-known one */
        bool is_exposed;
    } rows[] = {
        {"--bind=127.0.0.1",        NULL,                     false},
        {"--bind=127.255.0.9",      NULL,                     false},
        {"--bind=::1",              NULL,                     false},
        {"--bind=::ffff:127.0.0.1", NULL,                     false},
        {"--bind=0.0.0.0",          NULL,                     true },
        {"--bind=::",               NULL,                     true },
        {"--bind=::ffff:0.0.0.0",   NULL,                     true },
        {"--bind=192.0.2.7",        NULL,                     true },
        {"--bind=2001:db8::1",      NULL,                     true },
        {"--bind=0.0.0.0",          OWN_KEY,                  false},
        {"--bind=127.0.0.1",        OWN_KEY,                  false},
        {"--bind=::",               WELL_KNOWN_SECONDARY_KEY, true },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool is_exposed = rows[i].is_exposed;
        look(check_exposed, &is_exposed,
             ARGS("look", rows[i].bind, rows[i].key == NULL ? NULL : "--shared-access-key",
                  rows[i].key));
    }
}

static void policy_of_a_file_may_expose_as_well(void **state)
{
    char *path = support_path(*state, "hub.json");
    support_write(path, "{\"sharedAccessKey\": \"" OWN_KEY "\", \"policies\": [{\"name\": "
                        "\"p\", \"rights\": [\"RegistryRead\"], \"primaryKey\": "
                        "\"" WELL_KNOWN_PRIMARY_KEY "\"}]}");
    bool is_exposed = true;
    look(check_exposed, &is_exposed, ARGS("look", "--bind=0.0.0.0", "--config", path));
    free(path);
}

static void check_built_in(const struct config *config, void *ctx)
{
    static const struct {
        const char *name;
        unsigned rights;
    } expected[] = {
        {"iothubowner",       15},
        {"service",           4 },
        {"device",            8 },
        {"registryRead",      1 },
        {"registryReadWrite", 3 },
    };
    (void)ctx;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        const struct hub_policy *policy = policies_find(&config->policies, expected[i].name);
        assert_non_null(policy);
        assert_int_equal(policy->rights, expected[i].rights);
        assert_string_equal(policy->primary_key, WELL_KNOWN_PRIMARY_KEY);
        assert_string_equal(policy->secondary_key, WELL_KNOWN_SECONDARY_KEY);
    }
    assert_null(policies_find(&config->policies, "IotHubOwner"));
}

static void built_in_policies_have_the_well_known_keys(void **state)
{
    (void)state;
    look(check_built_in, NULL, ARGS("look"));
}

static void check_own_key(const struct config *config, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < config->policies.n_items; i++) {
        assert_string_equal(config->policies.items[i].primary_key, OWN_KEY);
        assert_string_equal(config->policies.items[i].secondary_key, OWN_KEY);
    }
}

static void own_key_leaves_no_well_known_one(void **state)
{
    (void)state;
    look(check_own_key, NULL, ARGS("look", "--shared-access-key", OWN_KEY));
}

static void check_store_path(const struct config *config, void *ctx)
{
    char *path = config_store_path(config);
    if (ctx == NULL) {
        assert_null(path);
    } else {
        assert_string_equal(path, ctx);
    }
    free(path);
}

static void check_no_storage(const struct config *config, void *ctx)
{
    struct hub_file_settings files = config_files(config);
    (void)ctx;
    assert_null(files.account);
    assert_string_equal(files.container, "uploads");
    assert_int_equal(files.upload_ttl_ms, 3600000);
    assert_true(files.has_notifications);
    assert_int_equal(files.notification_ttl_ms, 3600000);
    assert_int_equal(files.notification_lock_ms, 60000);
    assert_int_equal(files.notification_deliveries, 10);
}

static void check_storage(const struct config *config, void *ctx)
{
    struct hub_file_settings files = config_files(config);
    (void)ctx;
    assert_string_equal(files.account->host, "127.0.0.1");
    assert_string_equal(files.container, "my-files");
    assert_string_equal(config->storage_ca, "/ca.pem");
    assert_int_equal(files.upload_ttl_ms, 60000);
    assert_false(files.has_notifications);
    assert_int_equal(files.notification_ttl_ms, 120000);
    assert_int_equal(files.notification_lock_ms, 5000);
    assert_int_equal(files.notification_deliveries, 3);
}

static void storage_is_set_from_each_source(void **state)
{
    static const char file[] =
        "{\"storageConnectionString\": \"UseDevelopmentStorage=true\","
        "\"storageContainer\": \"my-files\", \"storageCa\": \"/ca.pem\","
        "\"uploadMinutes\": 1, \"fileNotifications\": false, \"fileNotificationMinutes\": 2,"
        "\"fileNotificationLockSeconds\": 5, \"fileNotificationDeliveries\": 3}";
    char *folder = support_make_folder();
    char *path = support_path(folder, "hub.json");
    (void)state;
    look(check_no_storage, NULL, ARGS("look"));
    look(check_storage, NULL,
         ARGS("look", "--storage-connection-string=UseDevelopmentStorage=true",
              "--storage-container=my-files", "--storage-ca=/ca.pem", "--upload-minutes=1",
              "--no-file-notifications", "--file-notification-minutes=2",
              "--file-notification-lock-seconds=5", "--file-notification-deliveries=3"));
    support_write(path, file);
    look(check_storage, NULL, ARGS("look", "--config", path));
    setenv("IOTHUB_EMULATOR_STORAGE_CONNECTION_STRING", "AccountName=secret", 1);
    refused("IOTHUB_EMULATOR_STORAGE_CONNECTION_STRING: AccountKey is missing", ARGS("look"));
    unsetenv("IOTHUB_EMULATOR_STORAGE_CONNECTION_STRING");
    support_remove_folder(folder);
    free(path);
}

static void store_is_in_the_data_directory_or_in_memory(void **state)
{
    (void)state;
    static char expected[] = "/data/hub.db";
    look(check_store_path, expected, ARGS("look", "--data-dir=/data"));
    look(check_store_path, NULL, ARGS("look", "--data-dir=/data", "--in-memory"));
}

static void check_connection_string(const struct config *config, void *ctx)
{
    struct buf out;
    (void)ctx;
    buf_init(&out, BUF_CAP_OWN);
    assert_false(config_connection_string(config, "nobody", &out));
    assert_int_equal(out.len, 0);
    assert_true(config_connection_string(config, "service", &out));
    assert_string_equal(buf_text(&out), "HostName=a.test;SharedAccessKeyName=service;"
                                        "SharedAccessKey=" WELL_KNOWN_PRIMARY_KEY);
    buf_finish(&out);
}

static void connection_string_has_the_first_host_name(void **state)
{
    (void)state;
    look(check_connection_string, NULL,
         ARGS("look", "--host-name=a.test", "--host-name=b.test"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_used_when_nothing_is_given),
        TEST(command_line_sets_every_option),
        TEST(variables_set_every_option),
        TEST(file_sets_every_option),
        TEST(variable_names_the_file),
        TEST(command_line_goes_before_variable_before_file),
        TEST(relative_state_home_is_ignored),
        TEST(no_home_at_all_is_told),
        TEST(wrong_values_on_the_command_line_are_told),
        TEST(wrong_value_of_a_variable_is_told_as_such),
        TEST(ports_of_listeners_that_are_off_may_be_equal),
        TEST(unreadable_file_is_told),
        TEST(wildcard_address_is_reached_over_loopback),
        TEST(published_key_beyond_loopback_is_exposed),
        TEST(policy_of_a_file_may_expose_as_well),
        TEST(built_in_policies_have_the_well_known_keys),
        TEST(own_key_leaves_no_well_known_one),
        TEST(storage_is_set_from_each_source),
        TEST(store_is_in_the_data_directory_or_in_memory),
        TEST(connection_string_has_the_first_host_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
