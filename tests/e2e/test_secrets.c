/*
 * What must not get out: keys and tokens stay out of logs and errors however a request or a
 * start fails, files with keys are their owner's alone, and a key that everybody knows is
 * warned of where others can come in.
 */
#include "e2e/emulator.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"
#include "e2e/http_peer.h"
#include "e2e/mqtt_peer.h"
#include "e2e/pki.h"
#include "e2e/ws_peer.h"
#include "iothub/sas_token.h"

enum {
    TEXT_MAX_BYTES = 8192,
    ALL_MAX_BYTES = 1 << 20,
    SHOWN_BYTES = 300,
    PART_BYTES = 12,
};

/* Base64 of 32 bytes each. */
#define KEY_OWNER  "b3duZXItc2VjcmV0LTAwMDAwMDAwMDAwMDAwMDAwMDE="
#define KEY_FIRST  "Zmlyc3Qtc2VjcmV0LTAwMDAwMDAwMDAwMDAwMDAwMDI="
#define KEY_SECOND "c2Vjb25kLXNlY3JldC0wMDAwMDAwMDAwMDAwMDAwMDM="
#define KEY_WRONG  "d3Jvbmctc2VjcmV0LTAwMDAwMDAwMDAwMDAwMDAwMDQ="
/* No base64, or not of a key's length. */
#define KEY_BAD    "not-base64-but-a-key-all-the-same"
#define KEY_SHORT  "c2hvcnQtc2VjcmV0"

static const char *const keys[] = {KEY_OWNER, KEY_FIRST, KEY_SECOND,
                                   KEY_WRONG, KEY_BAD,   KEY_SHORT};

/* A test's tokens, and all that was answered and written. */
struct leaks {
    struct buf tokens; /* one a line */
    struct buf said;
};

static void finish(struct leaks *leaks)
{
    buf_finish(&leaks->tokens);
    buf_finish(&leaks->said);
}

static void expect_absent(const struct buf *said, struct slice secret)
{
    const char *found = said->len == 0 ? NULL
                                       : memmem(said->data, said->len, secret.data, secret.len);
    if (found != NULL) {
        size_t before = (size_t)(found - said->data);
        before = before < SHOWN_BYTES ? before : SHOWN_BYTES;
        fail_msg("%.*s has been told behind: %.*s", SLICE_ARG(secret), (int)before,
                 found - before);
    }
}

/* Neither a token nor its signature alone, encoded or not. */
static void expect_no_secret(const struct leaks *leaks)
{
    struct slice rest = buf_slice(&leaks->tokens);
    struct slice token = {0};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        /* Its beginning: what quotes a text may cut it. */
        expect_absent(&leaks->said, slice_make(keys[i], PART_BYTES));
    }
    while (slice_next(&rest, '\n', &token)) {
        struct sas_token parsed;
        if (token.len == 0) {
            continue;
        }
        expect_absent(&leaks->said, token);
        assert_true(sas_token_parse(token, &parsed));
        expect_absent(&leaks->said, slice_make(parsed.sig.data, PART_BYTES));
    }
}

static void take_text(struct leaks *leaks, struct process *process)
{
    buf_put_text(&leaks->said, process_text(process, PROCESS_ERR));
    buf_put_text(&leaks->said, process_text(process, PROCESS_OUT));
}

/* A token; it lives until the next one. */
static const char *token(struct leaks *leaks, const char *resource, const char *key,
                         const char *policy, int64_t valid_s)
{
    static char text[1024];
    struct buf made = {.cap = sizeof(text) - 1};
    int64_t now_s = clock_read(&(struct clock){0}).at_ms / 1000;
    assert_true(sas_token_write(&made, slice_of(resource), slice_of(key), slice_of(policy),
                                now_s + valid_s));
    snprintf(text, sizeof(text), "%s", buf_text(&made));
    buf_finish(&made);
    buf_putf(&leaks->tokens, "%s\n", text);
    return text;
}

/* ---- requests that fail ---- */

struct request {
    const char *method;
    const char *path;
    const char *body;
    const char *authorization;
};

static void fail_request(const struct emulator *e, struct leaks *leaks,
                         const struct request *request)
{
    struct http_peer peer;
    struct http_reply reply = {0};
    http_peer_open(&peer, e);
    if (request->authorization != NULL) {
        buf_reset(&peer.head);
        buf_putf(&peer.head, "Host: 127.0.0.1\r\nAuthorization: %s\r\n",
                 request->authorization);
    }
    assert_true(http_peer_send(&peer, request->method, request->path, request->body));
    assert_true(http_peer_receive(&peer, &reply));
    if (reply.status < 400) {
        print_error("%s %s: %d\n", request->method, request->path, reply.status);
    }
    assert_true(reply.status >= 400);
    buf_put_slice(&leaks->said, reply.head);
    buf_put_slice(&leaks->said, reply.body);
    http_peer_close(&peer);
}

static void fail_authorization(const struct emulator *e, struct leaks *leaks,
                               const char *authorization)
{
    static const struct request requests[] = {
        {.method = "GET",  .path = "/devices/d1"                     },
        {.method = "POST", .path = "/devices/d1/messages/events"     },
        {.method = "GET",  .path = "/devices/d1/messages/deviceBound"},
        {.method = "GET",  .path = "/_emulator/events"               },
        {.method = "GET",  .path = "/$iothub/websocket"              },
    };
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct request request = requests[i];
        request.authorization = authorization;
        fail_request(e, leaks, &request);
    }
}

static void fail_authorizations(const struct emulator *e, struct leaks *leaks)
{
    fail_authorization(e, leaks, token(leaks, "127.0.0.1", KEY_WRONG, "iothubowner", 60));
    fail_authorization(e, leaks, token(leaks, "127.0.0.1", KEY_OWNER, "iothubowner", -600));
    fail_authorization(e, leaks, token(leaks, "127.0.0.1", KEY_OWNER, "nobody", 60));
    fail_authorization(e, leaks, token(leaks, "elsewhere", KEY_OWNER, "iothubowner", 60));
    fail_authorization(e, leaks, token(leaks, "127.0.0.1/devices/d1", KEY_WRONG, "", 60));
    fail_authorization(e, leaks, token(leaks, "127.0.0.1/devices/d2", KEY_FIRST, "", 60));
    fail_authorization(e, leaks, KEY_OWNER);
    fail_authorization(e, leaks, "Bearer " KEY_OWNER);
    fail_authorization(e, leaks, "SharedAccessSignature " KEY_FIRST);
}

/* A token where none belongs, as tools write it into addresses. */
static void fail_addresses(const struct emulator *e, struct leaks *leaks)
{
    static const char *const paths[] = {"/devices/d1", "/nowhere", "/$iothub/websocket",
                                        "/devices/d1/messages/events"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char path[2048];
        const char *in_query = token(leaks, "127.0.0.1", KEY_OWNER, "iothubowner", 60) +
                               strlen("SharedAccessSignature ");
        snprintf(path, sizeof(path), "%s?%s&key=" KEY_FIRST, paths[i], in_query);
        fail_request(e, leaks,
                     &(struct request){.method = "GET", .path = path, .authorization = "none"});
    }
}

#define WITH_KEYS(first, second) \
    "\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"" first \
    "\",\"secondaryKey\":\"" second "\"}}"

static void fail_bodies(const struct emulator *e, struct leaks *leaks)
{
    /* A row a line; the formatter would break the long ones. */
    // clang-format off
    static const struct request requests[] = {
        {"PUT",   "/devices/d2",         "{" WITH_KEYS(KEY_FIRST, KEY_SECOND),               NULL},
        {"PUT",   "/devices/d2",         "{\"a\":\"" KEY_FIRST,                              NULL},
        {"PUT",   "/devices/d2",         "{\"a\":\"" KEY_FIRST "\n\"}",                      NULL},
        {"PUT",   "/devices/d2",         KEY_FIRST,                                          NULL},
        {"PUT",   "/devices/d2",         "{" WITH_KEYS(KEY_BAD, KEY_SECOND) "}",             NULL},
        {"PUT",   "/devices/d2",         "{" WITH_KEYS(KEY_SHORT, KEY_SHORT) "}",            NULL},
        {"PUT",   "/devices/d2",         "{" WITH_KEYS(KEY_FIRST, "") "}",                   NULL},
        {"PUT",   "/devices/d2",         "{\"authentication\":\"" KEY_FIRST "\"}",           NULL},
        {"PUT",   "/devices/d2",         "{\"authentication\":{\"type\":\"" KEY_FIRST "\"}}", NULL},
        {"PUT",   "/devices/d2",         "{\"deviceId\":\"d3\"," WITH_KEYS(KEY_FIRST, KEY_SECOND) "}", NULL},
        {"PUT",   "/devices/d1",         "{" WITH_KEYS(KEY_FIRST, KEY_SECOND) "}",           NULL},
        {"PUT",   "/devices/no/modules/m", "{" WITH_KEYS(KEY_FIRST, KEY_SECOND) "}",         NULL},
        {"POST",  "/devices",            "[{\"id\":\"d1\",\"importMode\":\"create\"," WITH_KEYS(KEY_FIRST, KEY_SECOND) "}]", NULL},
        {"POST",  "/devices",            "[{\"id\":\"d2\",\"importMode\":\"create\"," WITH_KEYS(KEY_BAD, KEY_BAD) "}]", NULL},
        {"PATCH", "/twins/d1",           "{\"tags\":{\"key\":\"" KEY_FIRST "\"",             NULL},
        {"POST",  "/twins/d1/methods",   "{\"methodName\":\"m\",\"payload\":\"" KEY_FIRST "\"}", NULL},
    };
    // clang-format on
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        fail_request(e, leaks, &requests[i]);
    }
}

/* ---- connections that fail ---- */

static void fail_connect(const struct emulator *e, const char *user, const char *password)
{
    struct line line;
    struct mqtt_packet packet;
    const char *reason = NULL;
    size_t used = 0;
    struct buf connect = {.cap = TEXT_MAX_BYTES};
    mqtt_put_connect(&connect, &(struct mqtt_connect){.client_id = SLICE("d1"),
                                                      .user_name = slice_of(user),
                                                      .has_user_name = true,
                                                      .password = slice_of(password),
                                                      .has_password = true,
                                                      .clean_session = true});
    line_open(&line, e->ports[EMULATOR_MQTT]);
    assert_true(line_send(&line, buf_slice(&connect)));
    while (mqtt_packet_read(buf_slice(&line.in), TEXT_MAX_BYTES, &packet, &used, &reason) ==
           WIRE_MORE) {
        assert_true(line_receive(&line));
    }
    assert_int_equal(packet.type, MQTT_CONNACK);
    assert_int_equal(packet.connack.code, MQTT_CONNACK_NOT_AUTHORIZED);
    line_close(&line);
    buf_finish(&connect);
}

static void fail_connects(const struct emulator *e, struct leaks *leaks)
{
    static const char user[] = "127.0.0.1/d1/?api-version=2021-04-12";
    const char *resource = "127.0.0.1/devices/d1";
    fail_connect(e, user, KEY_FIRST);
    fail_connect(e, user, token(leaks, resource, KEY_WRONG, "", 60));
    fail_connect(e, user, token(leaks, resource, KEY_FIRST, "", -600));
    fail_connect(e, user, token(leaks, "127.0.0.1/devices/d2", KEY_FIRST, "", 60));
    /* A token in the wrong field. */
    fail_connect(e, token(leaks, resource, KEY_FIRST, "", 60), "");
    fail_connect(e, KEY_FIRST, "");
}

/* The client programs are as discreet. */
static void fail_programs(struct emulator *e, struct leaks *leaks)
{
    static const char owner[] =
        "HostName=127.0.0.1;SharedAccessKeyName=iothubowner;SharedAccessKey=" KEY_WRONG;
    static const char device[] = "HostName=127.0.0.1;DeviceId=d1;SharedAccessKey=" KEY_WRONG;
    struct process *service =
        service_start(e, TEXTS("device", "get", "d1", "-c", owner, "--log-level", "trace"));
    process_end_with(service, 1);
    take_text(leaks, service);
    service = service_start(e, TEXTS("device", "get", "d1", "-c", KEY_BAD));
    assert_int_not_equal(process_end(service), 0);
    take_text(leaks, service);
    struct process *sender =
        device_start(e, TEXTS("send", "--data", "x", "-c", device, "--log-level", "trace"));
    assert_int_not_equal(process_end(sender), 0);
    take_text(leaks, sender);
}

/* ---- the tests ---- */

static void start_with_keys(struct emulator *e, struct scene *scene)
{
    char path[SCENE_PATH_SIZE];
    emulator_init(e, scene);
    scene_write(scene, "hub.json",
                "{\"sharedAccessKey\":\"" KEY_OWNER
                "\",\"devices\":[{\"deviceId\":\"d1\"," WITH_KEYS(KEY_FIRST, KEY_SECOND) "}]}");
    scene_path(scene, "hub.json", path);
    emulator_start(e, TEXTS("--log-level", "trace", "--config", path));
}

static void no_key_or_token_is_logged_or_answered(void **state)
{
    struct emulator e;
    struct leaks leaks = {{.cap = ALL_MAX_BYTES}, {.cap = ALL_MAX_BYTES}};
    start_with_keys(&e, *state);
    fail_authorizations(&e, &leaks);
    fail_addresses(&e, &leaks);
    fail_bodies(&e, &leaks);
    fail_connects(&e, &leaks);
    fail_programs(&e, &leaks);
    service_run(&e, TEXTS("device", "create", "d9"));
    service_run(&e, TEXTS("keys", "regenerate", "d9"));
    device_run(&e, TEXTS("send", "--data", "x", "--device-id", "d1"));
    emulator_stop(&e);
    /* Its banner holds the owner's connection string: that is what it is for. */
    buf_put_text(&leaks.said, process_text(e.process, PROCESS_ERR));
    assert_true(process_says(e.process, PROCESS_ERR, "/devices/d1"));
    assert_true(process_says(e.process, PROCESS_ERR, "refused"));
    assert_false(leaks.said.failed);
    expect_no_secret(&leaks);
    finish(&leaks);
}

static void no_key_is_told_by_a_start_that_fails(void **state)
{
    static const char *const files[] = {
        "{\"sharedAccessKey\":\"" KEY_BAD "\"}",
        "{\"sharedAccessKey\":\"" KEY_OWNER "\n\"}",
        "{\"sharedAccessKey\":\"" KEY_OWNER,
        "{\"sharedAccessKey\":" KEY_OWNER "}",
        "{\"sharedAccessKey\":\"b3duZXItc2VjcmV0", /* cut within KEY_OWNER */
        "{\"sharedAccessKey\":[\"" KEY_OWNER "\"]}",
        "{\"policies\":[{\"name\":\"p\",\"rights\":[\"RegistryRead\"],"
        "\"primaryKey\":\"" KEY_BAD "\"}]}",
        "{\"policies\":[{\"name\":\"p\",\"rights\":[\"" KEY_FIRST "\"]}]}",
        "{\"devices\":[{\"deviceId\":\"d\"," WITH_KEYS(KEY_BAD, KEY_SECOND) "}]}",
        "{\"devices\":[{\"deviceId\":\"d\"," WITH_KEYS(KEY_SHORT, KEY_SECOND) "}]}",
        "{\"devices\":[{\"deviceId\":\"d\",\"authentication\":{\"symmetricKey\":\"" KEY_FIRST
        "\"}}]}",
        "{\"devices\":[{\"deviceId\":\"d\"," WITH_KEYS(KEY_FIRST, KEY_SECOND) "},3]}",
    };
    struct emulator e;
    struct leaks leaks = {{.cap = ALL_MAX_BYTES}, {.cap = ALL_MAX_BYTES}};
    emulator_init(&e, *state);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char name[32];
        char path[SCENE_PATH_SIZE];
        snprintf(name, sizeof(name), "hub%zu.json", i);
        scene_write(*state, name, files[i]);
        scene_path(*state, name, path);
        struct process *process =
            emulator_try(&e, TEXTS("--config", path, "--log-level", "trace"));
        assert_int_not_equal(process_end(process), 0);
        take_text(&leaks, process);
    }
    struct process *process = emulator_try(&e, TEXTS("--shared-access-key", KEY_BAD));
    assert_int_not_equal(process_end(process), 0);
    take_text(&leaks, process);
    expect_no_secret(&leaks);
    finish(&leaks);
}

static void no_line_of_a_private_key_is_told(void **state)
{
    struct emulator e;
    struct pki pki;
    const struct pki *all[] = {&pki};
    char certificate[SCENE_PATH_SIZE];
    char key[SCENE_PATH_SIZE];
    struct leaks leaks = {{.cap = ALL_MAX_BYTES}, {.cap = ALL_MAX_BYTES}};
    pki_make(&pki, &(struct pki_wish){.common_name = "127.0.0.1"});
    emulator_init(&e, *state);
    pki_write(*state, "cert.pem", all, 1, certificate);
    scene_write(*state, "key.pem",
                "-----BEGIN PRIVATE KEY-----\n" KEY_FIRST "\n-----END PRIVATE KEY-----\n");
    scene_path(*state, "key.pem", key);
    struct process *process = emulator_try(
        &e, TEXTS("--tls-cert", certificate, "--tls-key", key, "--log-level", "trace"));
    assert_int_not_equal(process_end(process), 0);
    take_text(&leaks, process);
    assert_true(process_says(process, PROCESS_ERR, "key.pem"));
    expect_no_secret(&leaks);
    finish(&leaks);
    pki_finish(&pki);
}

/* ---- files ---- */

static void expect_mode(const char *path, mode_t want)
{
    struct stat found;
    assert_int_equal(lstat(path, &found), 0);
    if ((found.st_mode & 07777) != want) {
        print_error("%s has mode %o, not %o\n", path, found.st_mode & 07777, want);
    }
    assert_int_equal(found.st_mode & 07777, want);
}

static bool is_certificate(const char *name)
{
    return strcmp(name, "ca.pem") == 0 || strcmp(name, "server.pem") == 0;
}

/* Folders are 0700, files 0600; certificates are no secret.  Returns how many files. */
static size_t expect_private(const char *folder)
{
    size_t n = 0;
    struct dirent *entry = NULL;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    expect_mode(folder, 0700);
    while ((entry = readdir(dir)) != NULL) {
        char path[2 * SCENE_PATH_SIZE];
        struct stat found;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        assert_in_range(snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name), 1,
                        sizeof(path) - 1);
        assert_int_equal(lstat(path, &found), 0);
        if (S_ISDIR(found.st_mode)) {
            n += expect_private(path);
            continue;
        }
        expect_mode(path, is_certificate(entry->d_name) ? 0644 : 0600);
        n++;
    }
    closedir(dir);
    return n;
}

static void files_are_their_owners_alone_whatever_the_umask(void **state)
{
    static const mode_t masks[] = {0, 022, 077};
    for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
        struct emulator e;
        char name[32];
        emulator_init(&e, *state);
        snprintf(name, sizeof(name), "state%zu", i);
        scene_path(*state, name, e.data_dir);
        strncat(e.data_dir, "/deep/data", sizeof(e.data_dir) - strlen(e.data_dir) - 1);
        mode_t old = umask(masks[i]);
        emulator_start(&e, TEXTS(NULL));
        umask(old);
        service_run(&e, TEXTS("device", "create", "d1"));
        scene_path(*state, name, e.data_dir);
        /* The database with its log and index, the lock, two certificates and their keys. */
        assert_true(expect_private(e.data_dir) >= 8);
        expect_mode(e.ready_file, 0600);
        emulator_stop(&e);
        expect_private(e.data_dir);
    }
}

/* ---- the published key ---- */

#define WARNING "with a published key"

static void expect_warnings(struct scene *scene, const char *const options[], size_t want)
{
    struct emulator e;
    emulator_init(&e, scene);
    emulator_start(&e, options);
    emulator_stop(&e);
    size_t n = 0;
    const char *at = process_text(e.process, PROCESS_ERR);
    while ((at = strstr(at, WARNING)) != NULL) {
        at += strlen(WARNING);
        n++;
    }
    assert_int_equal(n, want);
}

static void published_key_is_warned_of_where_others_can_come_in(void **state)
{
    expect_warnings(*state, TEXTS("--in-memory"), 0);
    expect_warnings(*state, TEXTS("--in-memory", "--bind", "127.0.0.2"), 0);
    expect_warnings(*state, TEXTS("--in-memory", "--bind", "0.0.0.0"), 1);
    expect_warnings(
        *state, TEXTS("--in-memory", "--bind", "0.0.0.0", "--shared-access-key", KEY_OWNER), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(no_key_or_token_is_logged_or_answered),
        SCENE_TEST(no_key_is_told_by_a_start_that_fails),
        SCENE_TEST(no_line_of_a_private_key_is_told),
        SCENE_TEST(files_are_their_owners_alone_whatever_the_umask),
        SCENE_TEST(published_key_is_warned_of_where_others_can_come_in),
    };
    return cmocka_run_group_tests_name("e2e.secrets", tests, NULL, NULL);
}
