/*
 * Starting: what is said when it works, and in one line when it does not; the configuration
 * file; the verbs beside `run`.
 */
#include "e2e/emulator.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define USUAL "--in-memory", "--max-connections", "500"

/* The key of the built-in policies that everybody can read up. */
#define PUBLISHED_KEY "aW90aHViLWVtdWxhdG9yLXdlbGwta25vd24ta2V5LTE="

static const char published_owner[] =
    "HostName=127.0.0.1;SharedAccessKeyName=iothubowner;SharedAccessKey=" PUBLISHED_KEY;

/* A port that something else listens on. */
static int take_port(int64_t *out)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *out = ntohs(address.sin_port);
    return fd;
}

/* The program's own lines; what the log says comes with a time before it. */
static void expect_complaint(struct process *process, int code, const char *line)
{
    process_end_with(process, code);
    assert_string_equal(process_text(process, PROCESS_ERR), line);
    assert_string_equal(process_text(process, PROCESS_OUT), "");
}

/* ---- when it works ---- */

static void expect_banner_port(const struct emulator *e, const char *what,
                               enum emulator_port port)
{
    char line[64];
    snprintf(line, sizeof(line), "  %-20s %" PRId64 "\n", what, e->ports[port]);
    assert_true(process_says(e->process, PROCESS_OUT, line));
}

static void banner_tells_where_everything_is(void **state)
{
    struct emulator e;
    char text[EMULATOR_TEXT_SIZE + 64];
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS(NULL));
    assert_true(process_says(e.process, PROCESS_OUT,
                             "iothub-emulator " IOTHUB_VERSION " is ready on 127.0.0.1\n"));
    expect_banner_port(&e, "MQTT over TLS", EMULATOR_MQTTS);
    expect_banner_port(&e, "HTTPS", EMULATOR_HTTPS);
    expect_banner_port(&e, "MQTT", EMULATOR_MQTT);
    expect_banner_port(&e, "HTTP", EMULATOR_HTTP);
    snprintf(text, sizeof(text), "  %-20s %s\n", "data", e.data_dir);
    assert_true(process_says(e.process, PROCESS_OUT, text));
    snprintf(text, sizeof(text), "  %-20s %s\n", "CA to trust", e.ca_file);
    assert_true(process_says(e.process, PROCESS_OUT, text));
    snprintf(text, sizeof(text), "  %-20s %s\n", "service", e.connection_string);
    assert_true(process_says(e.process, PROCESS_OUT, text));
    emulator_stop(&e);
    /* Nothing is added to it later: it is for scripts, too. */
    assert_int_equal(process_n_lines(e.process, PROCESS_OUT), 8);
}

static void listeners_that_are_switched_off_are_not_there(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS(USUAL, "--no-mqtts", "--no-https"));
    assert_int_equal(e.ports[EMULATOR_MQTTS], 0);
    assert_int_equal(e.ports[EMULATOR_HTTPS], 0);
    assert_false(process_says(e.process, PROCESS_OUT, "TLS"));
    assert_false(process_says(e.process, PROCESS_OUT, "HTTPS"));
    service_run(&e, TEXTS("device", "create", "d1", "--plain"));
    device_run(&e, TEXTS("send", "--data", "x", "--plain", "--device-id", "d1"));
    emulator_stop(&e);
}

static void it_listens_on_ipv6_when_told_to(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    struct process *process = emulator_try(&e, TEXTS(USUAL, "--bind", "::1"));
    while (!process_says(process, PROCESS_OUT, "\n  service  ") &&
           scene_turn(e.scene, scene_now_ms() + SCENE_DEADLINE_MS)) {
        if (process_says(process, PROCESS_ERR, "address")) {
            skip(); /* a machine without IPv6 */
        }
    }
    assert_true(process_says(process, PROCESS_OUT, "is ready on ::1\n"));
    service_run(&e, TEXTS("device", "create", "d1", "--address", "::1"));
    device_run(&e, TEXTS("send", "--data", "x", "--device-id", "d1", "--address", "::1"));
    process_signal(process, SIGTERM);
    process_end_with(process, 0);
}

static void keys_of_ones_own_take_the_place_of_the_published_ones(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS(USUAL, "--shared-access-key", "bXkgb3duIGtleSBvZiBteSBvd24="));
    assert_string_equal(key_of(e.connection_string), "bXkgb3duIGtleSBvZiBteSBvd24=");
    service_run(&e, TEXTS("device", "create", "d1"));
    struct process *published =
        service_start(&e, TEXTS("device", "get", "d1", "-c", published_owner));
    process_end_with(published, 1);
    assert_true(process_says(published, PROCESS_ERR, "IotHubUnauthorizedAccess"));
    emulator_stop(&e);
}

/* ---- when it does not ---- */

static void port_that_is_taken_is_told_in_one_line(void **state)
{
    static const struct {
        const char *option;
        const char *what;
    } cases[] = {
        {"--mqtts-port", "MQTT over TLS"},
        {"--https-port", "HTTPS"        },
        {"--mqtt-port",  "plain MQTT"   },
        {"--http-port",  "plain HTTP"   },
    };
    struct emulator e;
    int64_t port = 0;
    char text[24];
    char wanted[EMULATOR_TEXT_SIZE];
    emulator_init(&e, *state);
    process_end_with(emulator_verb(&e, TEXTS("ca")), 0);
    int fd = take_port(&port);
    snprintf(text, sizeof(text), "%" PRId64, port);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* The later one of two for the same option counts. */
        struct process *process = emulator_try(&e, TEXTS(USUAL, cases[i].option, text));
        snprintf(
            wanted, sizeof(wanted),
            "iothub-emulator: cannot listen for %s on 127.0.0.1 port %s: Address already in "
            "use; end the program that has it, or choose another with %s (0: any free "
            "one)\n",
            cases[i].what, text, cases[i].option);
        expect_complaint(process, 1, wanted);
        assert_false(scene_has(e.scene, "ready.json"));
    }
    (void)close(fd);
}

static int first_unprivileged_port(void)
{
    int port = 1024;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    if (file != NULL) {
        char line[24] = "";
        int64_t value = 0;
        if (fgets(line, sizeof(line), file) != NULL &&
            slice_to_i64(slice_trim(slice_of(line)), &value)) {
            port = (int)value;
        }
        (void)fclose(file);
    }
    return port;
}

static void port_below_1024_needs_a_right(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    if (first_unprivileged_port() <= 443) {
        skip(); /* a system where everybody may */
    }
    process_end_with(emulator_verb(&e, TEXTS("ca")), 0);
    struct process *process = process_start(
        e.scene, &(struct process_plan){.program = EMULATOR_PROGRAM,
                                        .arguments = TEXTS(USUAL, "--data-dir", e.data_dir,
                                                           "--mqtts-port", "0", "--mqtt-port",
                                                           "0", "--http-port", "0"),
                                        .lacks_port_right = true});
    expect_complaint(
        process, 1,
        "iothub-emulator: cannot listen for HTTPS on 127.0.0.1 port 443: Permission "
        "denied; ports below 1024 need privileges here: choose another with "
        "--https-port, or allow it with setcap cap_net_bind_service=+ep\n");
}

static void address_of_another_machine_is_told_in_one_line(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    process_end_with(emulator_verb(&e, TEXTS("ca")), 0);
    struct process *process = emulator_try(&e, TEXTS(USUAL, "--bind", "192.0.2.1"));
    process_end_with(process, 1);
    assert_true(
        process_says(process, PROCESS_ERR, "cannot listen for MQTT over TLS on 192.0.2.1"));
    assert_true(process_says(process, PROCESS_ERR, "--bind"));
    assert_int_equal(process_n_lines(process, PROCESS_ERR), 1);
}

static void unknown_option_is_told_with_the_one_that_was_meant(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    struct process *process = emulator_try(&e, TEXTS("--mqtt-prot", "1"));
    process_end_with(process, 2);
    assert_true(
        process_says(process, PROCESS_ERR, "'--mqtt-prot'; did you mean '--mqtt-port'?"));
}

static void data_directory_that_is_a_file_is_told_in_one_line(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    scene_write(*state, "data", "not a folder\n");
    struct process *process = emulator_try(&e, TEXTS("--max-connections", "500"));
    process_end_with(process, 1);
    assert_true(process_says(process, PROCESS_ERR, "--data-dir"));
    assert_int_equal(process_n_lines(process, PROCESS_ERR), 1);
}

/* ---- the configuration file ---- */

static struct process *try_config(struct emulator *e, const char *text)
{
    char path[SCENE_PATH_SIZE];
    scene_write(e->scene, "hub.json", text);
    scene_path(e->scene, "hub.json", path);
    return emulator_try(e, TEXTS(USUAL, "--config", path));
}

static void mistake_in_the_configuration_is_told_with_its_line(void **state)
{
    static const struct {
        const char *text;
        const char *complaint;
    } cases[] = {
        {"{\n  \"mqttPort\": 1883,\n  \"devices\": [\n    {\"deviceId\": \"a b\"}\n  ]\n}\n",
         "hub.json:4: devices[0].deviceId: "                                                                },
        {"{\n  \"mqttProt\": 1883\n}\n",                                                      "hub.json:2: "},
        {"{\n  \"devices\": [\n    {},\n  ]\n}\n",                                            "hub.json:"   },
        {"{\n  \"inMemory\": \"yes\"\n}\n",                                                   "hub.json:2: "},
        {"{\"policies\": [\n{\"name\": \"p\", \"rights\": [\"Everything\"]}\n]}",
         "hub.json:2: "                                                                                     },
        {"[]",                                                                                "hub.json:1: "},
    };
    struct emulator e;
    emulator_init(&e, *state);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct process *process = try_config(&e, cases[i].text);
        process_end_with(process, 2);
        const char *complaint = process_text(process, PROCESS_ERR);
        if (!process_says(process, PROCESS_ERR, cases[i].complaint)) {
            fail_msg("%s instead of %s", complaint, cases[i].complaint);
        }
        assert_int_equal(strncmp(complaint, "iothub-emulator: /", 18), 0);
        assert_int_equal(process_n_lines(process, PROCESS_ERR), 1);
    }
}

static const char config[] =
    "{\n"
    "  \"hostNames\": [\"127.0.0.1\", \"hub.example.test\"],\n"
    "  \"policies\": [{\"name\": \"dashboard\", \"rights\": [\"RegistryRead\", "
    "\"ServiceConnect\"]}],\n"
    "  \"devices\": [\n"
    "    {\n"
    "      \"deviceId\": \"thermostat1\",\n"
    "      \"authentication\": {\"symmetricKey\": {\"primaryKey\": "
    "\"c2VlZGVkLXByaW1hcnkta2V5\", \"secondaryKey\": \"c2VlZGVkLXNlY29uZC1rZXkhIQ==\"}},\n"
    "      \"tags\": {\"floor\": 2},\n"
    "      \"properties\": {\"desired\": {\"target\": 21.5}, \"reported\": {\"on\": true}},\n"
    "      \"modules\": [{\"moduleId\": \"sensor\"}]\n"
    "    },\n"
    "    {\"deviceId\": \"off\", \"status\": \"disabled\"}\n"
    "  ]\n"
    "}\n";

static const char seeded_device[] = "HostName=127.0.0.1;DeviceId=thermostat1;SharedAccessKey="
                                    "c2VlZGVkLXByaW1hcnkta2V5";
static const char dashboard[] =
    "HostName=hub.example.test;SharedAccessKeyName=dashboard;SharedAccessKey=" PUBLISHED_KEY;

static void devices_of_the_configuration_are_made(void **state)
{
    struct emulator e;
    char path[SCENE_PATH_SIZE];
    emulator_init(&e, *state);
    scene_write(*state, "hub.json", config);
    scene_path(*state, "hub.json", path);
    emulator_start(&e, TEXTS("--config", path));
    json_t *twin = service_ask(&e, TEXTS("twin", "get", "thermostat1"));
    expect_json(twin, "{\"tags\":{\"floor\":2},\"properties\":{\"desired\":{\"target\":21.5},"
                      "\"reported\":{\"on\":true}}}");
    json_decref(twin);
    service_run(&e, TEXTS("module", "get", "thermostat1", "sensor"));
    device_run(&e, TEXTS("send", "--data", "x", "-c", seeded_device));
    json_t *off = service_ask(&e, TEXTS("device", "get", "off"));
    expect_json(off, "{\"status\":\"disabled\"}");
    json_decref(off);
    char port[24];
    snprintf(port, sizeof(port), "%" PRId64, e.ports[EMULATOR_HTTPS]);
    service_run(&e, TEXTS("query", "SELECT * FROM devices", "-c", dashboard, "--address",
                          "127.0.0.1", "--port", port, "--ca-file", e.ca_file));
    emulator_stop(&e);
}

static void devices_that_exist_already_are_left_as_they_are(void **state)
{
    struct emulator e;
    char path[SCENE_PATH_SIZE];
    emulator_init(&e, *state);
    scene_write(*state, "hub.json", config);
    scene_path(*state, "hub.json", path);
    emulator_start(&e, TEXTS("--config", path));
    service_run(&e, TEXTS("twin", "update", "thermostat1", "--tags", "{\"floor\":7}"));
    service_run(&e, TEXTS("device", "delete", "off"));
    emulator_stop(&e);
    emulator_start(&e, TEXTS("--config", path));
    json_t *twin = service_ask(&e, TEXTS("twin", "get", "thermostat1"));
    expect_json(twin, "{\"tags\":{\"floor\":7}}");
    json_decref(twin);
    /* What was deleted is missing, and made again. */
    service_run(&e, TEXTS("device", "get", "off"));
    emulator_stop(&e);
}

/* ---- verbs ---- */

static void ca_prints_the_certificate_or_its_path(void **state)
{
    struct emulator e;
    char wanted[SCENE_PATH_SIZE + 16];
    emulator_init(&e, *state);
    struct process *path = emulator_verb(&e, TEXTS("ca", "--path"));
    process_end_with(path, 0);
    snprintf(wanted, sizeof(wanted), "%s/tls/ca.pem\n", e.data_dir);
    assert_string_equal(process_text(path, PROCESS_OUT), wanted);
    struct process *ca = emulator_verb(&e, TEXTS("ca"));
    process_end_with(ca, 0);
    assert_int_equal(
        strncmp(process_text(ca, PROCESS_OUT), "-----BEGIN CERTIFICATE-----\n", 28), 0);
    emulator_start(&e, TEXTS(USUAL));
    assert_int_equal(strncmp(e.ca_file, wanted, strlen(e.ca_file)), 0);
    service_run(&e, TEXTS("device", "create", "d1"));
    emulator_stop(&e);
}

static void expect_printed(struct emulator *e, const char *const arguments[], const char *begin,
                           const char *key)
{
    struct process *process = emulator_verb(e, arguments);
    process_end_with(process, 0);
    const char *text = process_text(process, PROCESS_OUT);
    if (strncmp(text, begin, strlen(begin)) != 0) {
        fail_msg("%s instead of %s", text, begin);
    }
    assert_int_equal(process_n_lines(process, PROCESS_OUT), 1);
    if (key != NULL) {
        assert_int_equal(strncmp(key_of(text), key, strlen(key)), 0);
    }
}

/* From the data directory, with and without an emulator at work there, and from an emulator. */
static void connection_strings_are_printed(void **state)
{
    struct emulator e;
    char device[EMULATOR_TEXT_SIZE];
    emulator_init(&e, *state);
    expect_printed(&e, TEXTS("connection-string"),
                   "HostName=127.0.0.1;SharedAccessKeyName=iothubowner;SharedAccessKey=", NULL);
    expect_printed(
        &e, TEXTS("connection-string", "--policy", "registryRead"),
        "HostName=127.0.0.1;SharedAccessKeyName=registryRead;SharedAccessKey=", NULL);
    emulator_start(&e, TEXTS(NULL));
    device_create(&e, "d1", device);
    service_run(&e, TEXTS("module", "create", "d1", "m1"));
    const char *module = "HostName=127.0.0.1;DeviceId=d1;ModuleId=m1;SharedAccessKey=";
    expect_printed(&e, TEXTS("connection-string", "--device", "d1"), device, key_of(device));
    expect_printed(&e, TEXTS("connection-string", "--device", "d1", "--module", "m1"), module,
                   NULL);
    expect_printed(&e,
                   TEXTS("connection-string", "--device", "d1", "--ready-file", e.ready_file),
                   device, key_of(device));
    emulator_stop(&e);
    expect_printed(&e, TEXTS("connection-string", "--device", "d1"), device, key_of(device));
    struct process *nobody = emulator_verb(&e, TEXTS("connection-string", "--device", "d2"));
    process_end_with(nobody, 1);
    assert_int_equal(process_n_lines(nobody, PROCESS_ERR), 1);
    assert_true(process_says(nobody, PROCESS_ERR, "device 'd2' is not in "));
}

static void connection_string_of_a_device_in_memory_comes_from_the_emulator(void **state)
{
    struct emulator e;
    char device[EMULATOR_TEXT_SIZE];
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS(USUAL, "--no-http"));
    device_create(&e, "d1", device);
    expect_printed(&e,
                   TEXTS("connection-string", "--device", "d1", "--in-memory", "--ready-file",
                         e.ready_file),
                   device, key_of(device));
    emulator_stop(&e);
}

static void healthcheck_tells_whether_it_runs(void **state)
{
    struct emulator e;
    char port[24];
    emulator_init(&e, *state);
    struct process *before =
        emulator_verb(&e, TEXTS("healthcheck", "--ready-file", e.ready_file));
    process_end_with(before, 1);
    assert_true(process_says(before, PROCESS_ERR, "not ready"));
    emulator_start(&e, TEXTS(USUAL));
    snprintf(port, sizeof(port), "%" PRId64, e.ports[EMULATOR_HTTP]);
    expect_printed(&e, TEXTS("healthcheck", "--ready-file", e.ready_file), "healthy\n", NULL);
    expect_printed(&e, TEXTS("healthcheck", "--port", port), "healthy\n", NULL);
    /* One that hangs is not healthy. */
    process_signal(e.process, SIGSTOP);
    struct process *hangs =
        emulator_verb(&e, TEXTS("healthcheck", "--port", port, "--timeout", "0.5"));
    process_end_with(hangs, 1);
    process_go_on(e.process);
    emulator_stop(&e);
    struct process *after = emulator_verb(&e, TEXTS("healthcheck", "--port", port));
    process_end_with(after, 1);
    assert_int_equal(process_n_lines(after, PROCESS_ERR), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(banner_tells_where_everything_is),
        SCENE_TEST(listeners_that_are_switched_off_are_not_there),
        SCENE_TEST(it_listens_on_ipv6_when_told_to),
        SCENE_TEST(keys_of_ones_own_take_the_place_of_the_published_ones),
        SCENE_TEST(port_that_is_taken_is_told_in_one_line),
        SCENE_TEST(port_below_1024_needs_a_right),
        SCENE_TEST(address_of_another_machine_is_told_in_one_line),
        SCENE_TEST(unknown_option_is_told_with_the_one_that_was_meant),
        SCENE_TEST(data_directory_that_is_a_file_is_told_in_one_line),
        SCENE_TEST(mistake_in_the_configuration_is_told_with_its_line),
        SCENE_TEST(devices_of_the_configuration_are_made),
        SCENE_TEST(devices_that_exist_already_are_left_as_they_are),
        SCENE_TEST(ca_prints_the_certificate_or_its_path),
        SCENE_TEST(connection_strings_are_printed),
        SCENE_TEST(connection_string_of_a_device_in_memory_comes_from_the_emulator),
        SCENE_TEST(healthcheck_tells_whether_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
