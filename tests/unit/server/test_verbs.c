/*
 * The verbs ca, connection-string and healthcheck, from their command line to their output.
 */
#include "support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "iothub/connection_string.h"
#include "iothub/sas_token.h"
#include "server/ready_file.h"
#include "server/well_known.h"
#include "store/identities.h"
#include "store/store.h"

#define KEY_A "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
#define KEY_B "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="

#define HEALTHY "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"status\":\"healthy\"}"

static char *folder;
static char *data_dir;
static char *ready_path;

static int setup(void **state)
{
    (void)state;
    support_clear_variables();
    folder = support_make_folder();
    data_dir = support_path(folder, "data");
    ready_path = support_path(folder, "ready.json");
    setenv("IOTHUB_EMULATOR_DATA_DIR", data_dir, 1);
    return mkdir(data_dir, 0700);
}

static int teardown(void **state)
{
    (void)state;
    support_clear_variables();
    free(ready_path);
    free(data_dir);
    support_remove_folder(folder);
    return 0;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What a run printed, which the caller frees. */
static char *prints(const char *const *arguments)
{
    struct support_run run;
    support_run(&run, NULL, NULL, arguments);
    assert_string_equal(run.err, "");
    assert_int_equal(run.result, CLI_DONE);
    char *out = strdup(run.out);
    support_run_finish(&run);
    return out;
}

static void prints_line(const char *line, const char *const *arguments)
{
    char *out = prints(arguments);
    assert_int_equal(out[strlen(out) - 1], '\n');
    out[strlen(out) - 1] = '\0';
    assert_string_equal(out, line);
    free(out);
}

static void fails(int result, const char *line, const char *const *arguments)
{
    struct support_run run;
    struct buf expected;
    support_run(&run, NULL, NULL, arguments);
    buf_init(&expected, BUF_CAP_OWN);
    buf_putf(&expected, "emulator: %s\n", line);
    assert_string_equal(run.err, buf_text(&expected));
    assert_string_equal(run.out, "");
    assert_int_equal(run.result, result);
    buf_finish(&expected);
    support_run_finish(&run);
}

/* Every string that is printed passes the parser that is as strict as the strictest SDK's. */
static void is_a_connection_string(const char *text, enum connection_string_kind kind)
{
    struct connection_string parsed;
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    bool is_good = connection_string_parse(slice_of(text), kind, &error, &parsed);
    assert_string_equal(buf_text(&error), "");
    assert_true(is_good);
    connection_string_finish(&parsed);
    buf_finish(&error);
}

static void begins_with(const char *text, const char *begin)
{
    assert_true(strlen(text) >= strlen(begin));
    assert_memory_equal(text, begin, strlen(begin));
}

/* ---- ca ---- */

static void ca_prints_what_is_made_or_there(void **state)
{
    (void)state;
    char *first = prints(ARGS("ca"));
    char *second = prints(ARGS("ca"));
    char *path = prints(ARGS("ca", "--path"));
    path[strlen(path) - 1] = '\0';
    char *file = support_read(path);
    begins_with(first, "-----BEGIN CERTIFICATE-----\n");
    assert_string_equal(first, second);
    assert_string_equal(first, file);
    free(file);
    free(path);
    free(second);
    free(first);
}

static void ca_makes_the_data_directory(void **state)
{
    (void)state;
    char *other = support_path(folder, "new/data");
    char *path = support_path(other, "tls/ca.pem");
    prints_line(path, ARGS("ca", "--path", "--data-dir", other));
    assert_int_equal(access(path, R_OK), 0);
    free(path);
    free(other);
}

static void ca_tells_of_a_damaged_file(void **state)
{
    (void)state;
    struct support_run run;
    char *path = prints(ARGS("ca", "--path"));
    path[strlen(path) - 1] = '\0';
    support_write(path, "damaged");
    support_run(&run, NULL, NULL, ARGS("ca"));
    assert_int_equal(run.result, CLI_FAILED);
    assert_non_null(strstr(run.err, "tls/ca.pem: it holds no valid certificate; restore it"));
    assert_string_equal(run.out, "");
    support_run_finish(&run);
    free(path);
}

/* ---- connection strings of policies ---- */

static void owner_is_printed_unless_another_policy_is_asked_for(void **state)
{
    (void)state;
    static const char owner[] = "HostName=127.0.0.1;SharedAccessKeyName=iothubowner;"
                                "SharedAccessKey=" WELL_KNOWN_PRIMARY_KEY;
    static const char service[] = "HostName=hub.test;SharedAccessKeyName=service;"
                                  "SharedAccessKey=" WELL_KNOWN_SECONDARY_KEY;
    prints_line(owner, ARGS("connection-string"));
    prints_line(service, ARGS("connection-string", "--policy", "service", "--secondary",
                              "--host-name", "hub.test"));
    is_a_connection_string(owner, CONNECTION_STRING_SERVICE);
    is_a_connection_string(service, CONNECTION_STRING_SERVICE);
}

static void unknown_policy_is_told_with_the_known_ones(void **state)
{
    (void)state;
    fails(CLI_FAILED,
          "there is no policy 'owner'; there are iothubowner, service, device, registryRead, "
          "registryReadWrite",
          ARGS("connection-string", "--policy=owner"));
}

static void contradicting_options_are_told(void **state)
{
    (void)state;
    fails(CLI_WRONG, "--policy and --device exclude each other",
          ARGS("connection-string", "--policy=service", "--device=a"));
    fails(CLI_WRONG, "--module needs --device beside it",
          ARGS("connection-string", "--module=m"));
    fails(CLI_WRONG, "--device: 'a b' is no id", ARGS("connection-string", "--device=a b"));
    fails(CLI_WRONG, "--module: 'm/n' is no id",
          ARGS("connection-string", "--device=a", "--module=m/n"));
}

/* ---- connection strings from the data file ---- */

static void add(struct store *store, const char *device, const char *module,
                enum auth_type auth)
{
    struct store_identity record = {.is_enabled = true, .auth = auth};
    strncpy(record.device_id, device, sizeof(record.device_id) - 1);
    strncpy(record.module_id, module, sizeof(record.module_id) - 1);
    if (auth == AUTH_SAS) {
        strncpy(record.primary_key, KEY_A, sizeof(record.primary_key) - 1);
        strncpy(record.secondary_key, KEY_B, sizeof(record.secondary_key) - 1);
    }
    assert_int_equal(store_identity_insert(store, &record), 0);
}

static struct store *make_store(void)
{
    struct store *store = NULL;
    struct buf error;
    char *path = support_path(data_dir, "hub.db");
    buf_init(&error, BUF_CAP_OWN);
    assert_int_equal(store_open(path, &error, &store), 0);
    add(store, "dev#1", "", AUTH_SAS);
    add(store, "dev#1", "mod", AUTH_SAS);
    add(store, "dev#1", "$edgeAgent", AUTH_NONE);
    add(store, "cert", "", AUTH_SELF_SIGNED);
    add(store, "ca", "", AUTH_AUTHORITY);
    assert_int_equal(store_commit(store), 0);
    buf_finish(&error);
    free(path);
    return store;
}

#define DEVICE_STRING "HostName=127.0.0.1;DeviceId=dev#1;SharedAccessKey=" KEY_A
#define MODULE_STRING "HostName=127.0.0.1;DeviceId=dev#1;ModuleId=mod;SharedAccessKey=" KEY_B
#define X509_STRING   "HostName=127.0.0.1;DeviceId=cert;x509=true"

static void check_devices(void)
{
    prints_line(DEVICE_STRING, ARGS("connection-string", "--device", "dev#1"));
    prints_line(MODULE_STRING, ARGS("connection-string", "--device", "dev#1", "--module", "mod",
                                    "--secondary"));
    prints_line(X509_STRING, ARGS("connection-string", "--device=cert"));
    prints_line("HostName=127.0.0.1;DeviceId=ca;x509=true",
                ARGS("connection-string", "--device=ca"));
    is_a_connection_string(DEVICE_STRING, CONNECTION_STRING_DEVICE);
    is_a_connection_string(MODULE_STRING, CONNECTION_STRING_DEVICE);
    is_a_connection_string(X509_STRING, CONNECTION_STRING_DEVICE);
}

static void devices_and_modules_are_read_from_the_data_file(void **state)
{
    (void)state;
    struct store *store = make_store();
    check_devices(); /* beside the one who writes */
    store_close(store);
    check_devices();
}

static void identity_without_credentials_is_told(void **state)
{
    (void)state;
    store_close(make_store());
    fails(
        CLI_FAILED,
        "module '$edgeAgent' of device 'dev#1' has neither a key nor a certificate to connect "
        "with",
        ARGS("connection-string", "--device=dev#1", "--module=$edgeAgent"));
}

static void unknown_device_is_told_with_the_file(void **state)
{
    (void)state;
    struct buf line;
    store_close(make_store());
    buf_init(&line, BUF_CAP_OWN);
    buf_putf(&line, "device 'none' is not in %s/hub.db", data_dir);
    fails(CLI_FAILED, buf_text(&line), ARGS("connection-string", "--device=none"));
    buf_finish(&line);
}

static void missing_data_file_is_told(void **state)
{
    (void)state;
    struct support_run run;
    support_run(&run, NULL, NULL, ARGS("connection-string", "--device=a"));
    assert_int_equal(run.result, CLI_FAILED);
    assert_non_null(strstr(run.err, "hub.db"));
    support_run_finish(&run);
}

static void devices_in_memory_need_a_running_emulator(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    fails(CLI_FAILED, "devices are kept in memory: give the running emulator's --ready-file",
          ARGS("connection-string", "--device=a", "--in-memory"));
    buf_putf(&line, "devices are kept in memory, and no emulator runs: there is no %s",
             ready_path);
    fails(CLI_FAILED, buf_text(&line),
          ARGS("connection-string", "--device=a", "--in-memory", "--ready-file", ready_path));
    buf_finish(&line);
}

/* ---- connection strings from a running emulator ---- */

#define OWNER_STRING "HostName=run.test;SharedAccessKeyName=iothubowner;SharedAccessKey=" KEY_B

static void write_ready(int64_t http_port, int64_t https_port, const struct certs *certs)
{
    const struct ready ready = {
        .host_name = (char *)(uintptr_t) "run.test",
        .http_port = http_port,
        .https_port = https_port,
        .ca_file = certs == NULL ? NULL : certs->ca_file,
        .connection_string = (char *)(uintptr_t)OWNER_STRING,
        .pid = 1,
    };
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    assert_true(ready_file_write(ready_path, &ready, &error));
    buf_finish(&error);
}

static void make_certs(struct certs *certs)
{
    const struct certs_wish wish = {.data_dir = data_dir,
                                    .at_ms = clock_read(&(struct clock){0}).at_ms};
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    assert_true(certs_prepare(&wish, &error, certs));
    buf_finish(&error);
}

/* A 200 answer with that body. */
static char *answer_with(const char *body)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    buf_putf(&text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    return buf_take_text(&text);
}

static const char device_json[] =
    "{\"deviceId\":\"d\",\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"" KEY_A
    "\",\"secondaryKey\":\"" KEY_B "\"},\"type\":\"sas\"}}";
static const char x509_json[] =
    "{\"deviceId\":\"d\",\"authentication\":{\"symmetricKey\":{\"primaryKey\":null,"
    "\"secondaryKey\":null},\"type\":\"certificateAuthority\"}}";

/* The value of a field in a request, up to the line's end; the caller frees it. */
static char *field_of(const char *request, const char *name)
{
    const char *at = strstr(request, name);
    assert_non_null(at);
    at += strlen(name);
    return strndup(at, strcspn(at, "\r"));
}

static void check_token(const char *request)
{
    char *token = field_of(request, "Authorization: ");
    struct sas_token parsed;
    assert_true(sas_token_parse(slice_of(token), &parsed));
    assert_true(slice_equal_text(parsed.sr, "run.test"));
    assert_true(slice_equal_text(parsed.skn, "iothubowner"));
    assert_true(sas_token_is_signed_by(&parsed, slice_of(KEY_B)));
    free(token);
}

static void running_emulator_is_asked_with_the_owners_token(void **state)
{
    (void)state;
    char *answer = answer_with(device_json);
    struct support_peer peer = {.parts = ARGS(answer)};
    support_peer_begin(&peer);
    write_ready(peer.port, 0, NULL);
    prints_line("HostName=run.test;DeviceId=d%1;ModuleId=m+;SharedAccessKey=" KEY_B,
                ARGS("connection-string", "--device=d%1", "--module=m+", "--secondary",
                     "--ready-file", ready_path, "--in-memory"));
    support_peer_end(&peer);
    begins_with(peer.request,
                "GET /devices/d%251/modules/m%2B?api-version=2021-04-12 HTTP/1.1\r\n");
    check_token(peer.request);
    free(answer);
}

static void running_emulator_is_asked_over_tls_without_plain_http(void **state)
{
    (void)state;
    struct certs certs = {0};
    char *answer = answer_with(x509_json);
    struct support_peer peer = {.parts = ARGS(answer), .certs = &certs};
    make_certs(&certs);
    support_peer_begin(&peer);
    write_ready(0, peer.port, &certs);
    prints_line("HostName=run.test;DeviceId=d;x509=true",
                ARGS("connection-string", "--device=d", "--ready-file", ready_path));
    support_peer_end(&peer);
    check_token(peer.request);
    certs_finish(&certs);
    free(answer);
}

static void answers_of_a_running_emulator_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        const char *line;
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
         "device 'd' is not known to the emulator"                                                                                        },
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
         "the emulator answered with status 401"                                                                                          },
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
         "the emulator's answer is not an identity"                                                                                       },
        {"HTTP/1.1 200 OK\r\nContent-Length: "
         "34\r\n\r\n{\"authentication\":{\"type\":\"none\"}}\n", "device 'd' has neither a key nor a certificate to connect with"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct support_peer peer = {.parts = ARGS(cases[i].answer)};
        support_peer_begin(&peer);
        write_ready(peer.port, 0, NULL);
        fails(CLI_FAILED, cases[i].line,
              ARGS("connection-string", "--device=d", "--ready-file", ready_path));
        support_peer_end(&peer);
    }
}

static void emulator_that_is_gone_is_told(void **state)
{
    (void)state;
    int fd = -1;
    struct buf line;
    int64_t port = support_closed_port(&fd);
    buf_init(&line, BUF_CAP_OWN);
    write_ready(port, 0, NULL);
    buf_putf(&line,
             "127.0.0.1:%" PRId64 ": Connection refused; does the emulator that wrote %s still "
             "run?",
             port, ready_path);
    fails(CLI_FAILED, buf_text(&line),
          ARGS("connection-string", "--device=d", "--ready-file", ready_path));
    write_ready(0, 0, NULL);
    fails(CLI_FAILED, "the running emulator listens for neither HTTP nor HTTPS",
          ARGS("connection-string", "--device=d", "--ready-file", ready_path));
    buf_finish(&line);
    close(fd);
}

static void policies_of_a_running_emulator_have_its_host_name(void **state)
{
    (void)state;
    write_ready(1, 0, NULL);
    prints_line(OWNER_STRING, ARGS("connection-string", "--ready-file", ready_path));
    prints_line("HostName=run.test;SharedAccessKeyName=device;"
                "SharedAccessKey=" WELL_KNOWN_PRIMARY_KEY,
                ARGS("connection-string", "--policy=device", "--ready-file", ready_path));
}

static void data_file_serves_while_no_emulator_runs(void **state)
{
    (void)state;
    store_close(make_store());
    prints_line(DEVICE_STRING,
                ARGS("connection-string", "--device=dev#1", "--ready-file", ready_path));
}

/* ---- healthcheck ---- */

static void check_health(const char *answer, int result, const char *line, const char *end)
{
    struct support_peer peer = {.parts = ARGS(answer)};
    struct support_run run;
    struct buf expected;
    char port[16];
    support_peer_begin(&peer);
    snprintf(port, sizeof(port), "%" PRId64, peer.port);
    support_run(&run, NULL, NULL, ARGS("healthcheck", "--port", port));
    support_peer_end(&peer);
    buf_init(&expected, BUF_CAP_OWN);
    if (result != CLI_DONE) {
        buf_putf(&expected, "emulator: 127.0.0.1:%s: %s\n", port, end);
    }
    assert_string_equal(run.out, line);
    assert_string_equal(run.err, buf_text(&expected));
    assert_int_equal(run.result, result);
    begins_with(peer.request, "GET /health HTTP/1.1\r\n");
    buf_finish(&expected);
    support_run_finish(&run);
}

static void healthy_is_only_who_says_so(void **state)
{
    (void)state;
    check_health(HEALTHY, CLI_DONE, "healthy\n", NULL);
    check_health("HTTP/1.1 503 Down\r\nContent-Length: 20\r\n\r\n{\"status\":\"healthy\"}",
                 CLI_FAILED, "", "not healthy: the answer has status 503");
    check_health("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"status\":\"bad\"}",
                 CLI_FAILED, "", "not healthy: the answer has status 200 and does not say so");
    check_health("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhealthy", CLI_FAILED, "",
                 "not healthy: the answer has status 200 and does not say so");
}

static void health_is_asked_on_the_ready_files_port(void **state)
{
    (void)state;
    struct support_peer peer = {.parts = ARGS(HEALTHY)};
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    buf_putf(&line, "not ready: there is no %s", ready_path);
    fails(CLI_FAILED, buf_text(&line), ARGS("healthcheck", "--ready-file", ready_path));
    support_peer_begin(&peer);
    write_ready(peer.port, 1, NULL);
    prints_line("healthy", ARGS("healthcheck", "--ready-file", ready_path));
    support_peer_end(&peer);
    write_ready(0, 0, NULL);
    fails(CLI_FAILED, "the running emulator listens for neither HTTP nor HTTPS",
          ARGS("healthcheck", "--ready-file", ready_path));
    buf_finish(&line);
}

static void health_is_asked_on_the_settings_port(void **state)
{
    (void)state;
    struct support_peer peer = {.parts = ARGS(HEALTHY)};
    char port[16];
    support_peer_begin(&peer);
    snprintf(port, sizeof(port), "%" PRId64, peer.port);
    setenv("IOTHUB_EMULATOR_HTTP_PORT", port, 1);
    setenv("IOTHUB_EMULATOR_BIND", "0.0.0.0", 1);
    prints_line("healthy", ARGS("healthcheck"));
    support_peer_end(&peer);
    fails(CLI_FAILED, "the port is chosen at start: give --port or --ready-file",
          ARGS("healthcheck", "--http-port=0"));
    fails(CLI_FAILED, "HTTP and HTTPS are both switched off",
          ARGS("healthcheck", "--no-http", "--no-https"));
}

static void health_is_asked_over_tls_without_plain_http(void **state)
{
    (void)state;
    struct certs certs = {0};
    char port[16];
    struct support_peer peer = {.parts = ARGS(HEALTHY), .certs = &certs};
    make_certs(&certs);
    support_peer_begin(&peer);
    snprintf(port, sizeof(port), "%" PRId64, peer.port);
    prints_line("healthy", ARGS("healthcheck", "--no-http", "--https-port", port));
    support_peer_end(&peer);
    certs_finish(&certs);
}

static void silent_emulator_is_not_healthy(void **state)
{
    (void)state;
    struct support_peer peer = {.parts = (const char *const[]){NULL}, .holds = true};
    struct buf line;
    char port[16];
    buf_init(&line, BUF_CAP_OWN);
    support_peer_begin(&peer);
    snprintf(port, sizeof(port), "%" PRId64, peer.port);
    buf_putf(&line, "127.0.0.1:%s: no answer within 0.1 s", port);
    fails(CLI_FAILED, buf_text(&line), ARGS("healthcheck", "--port", port, "--timeout=0.1"));
    support_peer_end(&peer);
    buf_finish(&line);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ca_prints_what_is_made_or_there),
        TEST(ca_makes_the_data_directory),
        TEST(ca_tells_of_a_damaged_file),
        TEST(owner_is_printed_unless_another_policy_is_asked_for),
        TEST(unknown_policy_is_told_with_the_known_ones),
        TEST(contradicting_options_are_told),
        TEST(devices_and_modules_are_read_from_the_data_file),
        TEST(identity_without_credentials_is_told),
        TEST(unknown_device_is_told_with_the_file),
        TEST(missing_data_file_is_told),
        TEST(devices_in_memory_need_a_running_emulator),
        TEST(running_emulator_is_asked_with_the_owners_token),
        TEST(running_emulator_is_asked_over_tls_without_plain_http),
        TEST(answers_of_a_running_emulator_are_explained),
        TEST(emulator_that_is_gone_is_told),
        TEST(policies_of_a_running_emulator_have_its_host_name),
        TEST(data_file_serves_while_no_emulator_runs),
        TEST(healthy_is_only_who_says_so),
        TEST(health_is_asked_on_the_ready_files_port),
        TEST(health_is_asked_on_the_settings_port),
        TEST(health_is_asked_over_tls_without_plain_http),
        TEST(silent_emulator_is_not_healthy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
