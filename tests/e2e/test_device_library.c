/*
 * The device library in this process against the real emulator: certificates, modules, messages
 * to devices, tokens that are renewed or lapse, and connections that are taken or broken.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "base/clock.h"
#include "e2e/http_peer.h"
#include "e2e/pki.h"
#include "iothub/connection_string.h"
#include "iothub/device.h"
#include "iothub/json.h"
#include "iothub/sas_token.h"

enum {
    TEXT_MAX_BYTES = 8192,
    POLL_MS = 20,
};

#define FAULT_TYPE  "AzIoTHub_FaultOperationType"
#define FAULT_DELAY "AzIoTHub_FaultOperationDelayInSecs"

/* ---- a client with counters ---- */

struct player {
    struct emulator *e;
    struct iothub_device *client;
    int n_connected;
    int n_lost; /* attempts that failed, and connections that ended */
    enum iothub_status why;
    int n_sent;
    int n_called;
    int64_t desired_version;
    int64_t reported_version;
    struct buf heard; /* "body(mid=…,cid=…,name=value);" of each message */
};

static void on_connection(void *ctx, enum iothub_device_state state, enum iothub_status status,
                          const char *text)
{
    struct player *p = ctx;
    (void)text;
    p->n_connected += state == IOTHUB_DEVICE_CONNECTED;
    if (status != IOTHUB_OK) {
        p->n_lost++;
        p->why = status;
    }
}

static enum iothub_device_answering on_method(void *ctx,
                                              const struct iothub_device_method *method,
                                              struct iothub_device_answer *answer)
{
    struct player *p = ctx;
    p->n_called++;
    answer->status = 201;
    answer->payload = method->payload;
    return IOTHUB_DEVICE_ANSWER_NOW;
}

static void on_desired(void *ctx, const char *patch, size_t patch_len, int64_t version)
{
    struct player *p = ctx;
    (void)patch;
    (void)patch_len;
    p->desired_version = version;
}

static void on_reported(void *ctx, const struct iothub_device_twin_result *result)
{
    struct player *p = ctx;
    assert_int_equal(result->status, IOTHUB_OK);
    p->reported_version = result->version;
}

static void on_message(void *ctx, const struct iothub_device_received *message)
{
    struct player *p = ctx;
    buf_putf(&p->heard, "%.*s(", (int)message->payload_len, (const char *)message->payload);
    if (message->message_id != NULL) {
        buf_putf(&p->heard, "mid=%s,cid=%s,uid=%s,ct=%s,ce=%s,ack=%s", message->message_id,
                 message->correlation_id, message->user_id, message->content_type,
                 message->content_encoding, message->ack);
    }
    for (size_t i = 0; i < message->n_properties; i++) {
        buf_putf(&p->heard, ",%s=%s", message->properties[i].name,
                 message->properties[i].value);
    }
    buf_put_text(&p->heard, ");");
}

static void on_sent(void *ctx)
{
    struct player *p = ctx;
    p->n_sent++;
}

/* A client that wants everything; options are of the test's choice, over what all have. */
static void player_open(struct player *p, struct emulator *e,
                        struct iothub_device_options options)
{
    struct iothub_device_error error;
    options.port = (uint16_t)e->ports[options.is_plain ? EMULATOR_MQTT : EMULATOR_MQTTS];
    options.ca_file = options.is_plain ? NULL : e->ca_file;
    options.backoff_min_ms = 10;
    options.backoff_max_ms = 200;
    *p = (struct player){.e = e, .heard = {.cap = TEXT_MAX_BYTES}};
    if (iothub_device_create(&options, &error, &p->client) != IOTHUB_OK) {
        fail_msg("%s", error.text);
    }
    iothub_device_on_connection(p->client, on_connection, p);
    iothub_device_on_method(p->client, on_method, p);
    iothub_device_on_desired(p->client, on_desired, p);
    iothub_device_on_message(p->client, on_message, p);
    assert_int_equal(iothub_device_connect(p->client), IOTHUB_OK);
}

static void player_close(struct player *p)
{
    iothub_device_destroy(p->client);
    buf_finish(&p->heard);
}

static void turn(struct player *p)
{
    assert_int_equal(iothub_device_poll(p->client, POLL_MS), IOTHUB_OK);
    (void)scene_turn(p->e->scene, scene_now_ms());
}

/* Poll until a counter has got there. */
static void wait_for_count(struct player *p, const int *count, int wanted)
{
    int64_t until_ms = scene_now_ms() + SCENE_DEADLINE_MS;
    while (*count < wanted && scene_now_ms() < until_ms) {
        turn(p);
    }
    assert_true(*count >= wanted);
}

static void wait_for_version(struct player *p, const int64_t *version, int64_t wanted)
{
    int64_t until_ms = scene_now_ms() + SCENE_DEADLINE_MS;
    while (*version < wanted && scene_now_ms() < until_ms) {
        turn(p);
    }
    assert_int_equal(*version, wanted);
}

static void wait_for_message(struct player *p, const char *wanted)
{
    int64_t until_ms = scene_now_ms() + SCENE_DEADLINE_MS;
    while (strcmp(buf_text(&p->heard), wanted) != 0 && scene_now_ms() < until_ms) {
        turn(p);
    }
    assert_string_equal(buf_text(&p->heard), wanted);
    buf_reset(&p->heard);
}

static void send_text(struct player *p, const char *text,
                      const struct iothub_device_property *properties, size_t n)
{
    const struct iothub_device_message message = {
        .payload = text,
        .payload_len = strlen(text),
        .properties = properties,
        .n_properties = n,
    };
    assert_int_equal(iothub_device_send(p->client, &message, on_sent, p), IOTHUB_OK);
}

/* ---- the service's end ---- */

static void begin(struct emulator *e, void **state, const char *const options[])
{
    emulator_init(e, *state);
    emulator_start(e, options);
}

static void put(struct emulator *e, const char *path, const char *body)
{
    struct http_peer service;
    http_peer_open(&service, e);
    http_peer_ask(&service, "PUT", path, body, 200);
    http_peer_close(&service);
}

/* How many events of the device or module there are with this body. */
static int count_events(struct emulator *e, const char *module, const char *body)
{
    struct http_peer service;
    struct http_reply reply;
    int n = 0;
    http_peer_open(&service, e);
    assert_true(http_peer_send(&service, "GET", "/_emulator/events", NULL));
    assert_true(http_peer_receive(&service, &reply));
    assert_int_equal(reply.status, 200);
    json_t *events = json_parse(reply.body, NULL);
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        const char *from = json_string_value(json_object_get(event, "moduleId"));
        const char *text = json_string_value(json_object_get(event, "body"));
        n += strcmp(text, body) == 0 && strcmp(from == NULL ? "" : from, module) == 0;
    }
    json_decref(events);
    http_peer_close(&service);
    return n;
}

/* A method call by way of the service, which the client answers. */
static void call_method(struct player *p, const char *twin)
{
    struct http_peer service;
    struct http_reply reply;
    char path[200];
    int n_called = p->n_called;
    snprintf(path, sizeof(path), "%s/methods", twin);
    http_peer_open(&service, p->e);
    assert_true(http_peer_send(&service, "POST", path,
                               "{\"methodName\":\"echo\",\"payload\":{\"a\":1},"
                               "\"connectTimeoutInSeconds\":20,"
                               "\"responseTimeoutInSeconds\":20}"));
    wait_for_count(p, &p->n_called, n_called + 1);
    turn(p);
    assert_true(http_peer_receive(&service, &reply));
    json_t *answer = json_parse(reply.body, NULL);
    expect_json(answer, "{\"status\":201,\"payload\":{\"a\":1}}");
    json_decref(answer);
    http_peer_close(&service);
}

static void change_desired(struct player *p, const char *twin, int64_t wanted_version)
{
    struct http_peer service;
    char body[100];
    snprintf(body, sizeof(body), "{\"properties\":{\"desired\":{\"v\":%" PRId64 "}}}",
             wanted_version);
    http_peer_open(&service, p->e);
    http_peer_ask(&service, "PATCH", twin, body, 200);
    http_peer_close(&service);
    wait_for_version(p, &p->desired_version, wanted_version);
}

/* Everything but messages to the device, `round` times so far; rounds begin with 1. */
static void use_all(struct player *p, const char *twin, int round)
{
    char patch[40];
    int n_sent = p->n_sent;
    send_text(p, "hello", NULL, 0);
    wait_for_count(p, &p->n_sent, n_sent + 1);
    call_method(p, twin);
    change_desired(p, twin, 1 + round);
    snprintf(patch, sizeof(patch), "{\"round\":%d}", round);
    assert_int_equal(iothub_device_twin_report(p->client, patch, on_reported, p), IOTHUB_OK);
    wait_for_version(p, &p->reported_version, 1 + round);
}

static void send_to_device(struct player *p, const char *body)
{
    char wanted[100];
    service_run(p->e, TEXTS("c2d", "send", "d1", "--data", body));
    snprintf(wanted, sizeof(wanted), "%s();", body);
    wait_for_message(p, wanted);
}

/* ---- certificates ---- */

static void write_key(const struct scene *scene, const struct pki *pki, const char *name,
                      char path[SCENE_PATH_SIZE])
{
    scene_path(scene, name, path);
    FILE *file = fopen(path, "wx");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, pki->key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
}

static void check_certificate(struct emulator *e, const char *const certificate_files[2],
                              const char *connection_string, const char *twin)
{
    struct player p;
    player_open(&p, e,
                (struct iothub_device_options){.connection_string = connection_string,
                                               .certificate_file = certificate_files[0],
                                               .key_file = certificate_files[1]});
    wait_for_count(&p, &p.n_connected, 1);
    use_all(&p, twin, 1);
    assert_int_equal(p.n_lost, 0);
    player_close(&p);
}

static void certificate_of_its_own_connects_a_device_and_a_module(void **state)
{
    struct emulator e;
    struct pki own;
    char thumbprint[PKI_THUMBPRINT_SIZE];
    char cert[SCENE_PATH_SIZE];
    char key[SCENE_PATH_SIZE];
    char body[512];
    begin(&e, state, TEXTS("--in-memory"));
    pki_make(&own, &(struct pki_wish){.common_name = "anything"});
    pki_write(e.scene, "own.pem", (const struct pki *const[]){&own}, 1, cert);
    write_key(e.scene, &own, "own.key", key);
    pki_thumbprint(&own, EVP_sha256(), thumbprint);
    for (int i = 0; i < 2; i++) {
        snprintf(body, sizeof(body),
                 "{\"deviceId\":\"d1\"%s,\"authentication\":{\"type\":\"selfSigned\","
                 "\"x509Thumbprint\":{\"primaryThumbprint\":\"%s\"}}}",
                 i == 0 ? "" : ",\"moduleId\":\"m1\"", thumbprint);
        put(&e, i == 0 ? "/devices/d1" : "/devices/d1/modules/m1", body);
    }
    const char *const files[] = {cert, key};
    check_certificate(&e, files, "HostName=127.0.0.1;DeviceId=d1;x509=true", "/twins/d1");
    check_certificate(&e, files, "HostName=127.0.0.1;DeviceId=d1;ModuleId=m1;x509=true",
                      "/twins/d1/modules/m1");
    pki_finish(&own);
    emulator_stop(&e);
}

static void chain_to_a_trusted_authority_connects(void **state)
{
    struct emulator e;
    struct pki root;
    struct pki middle;
    struct pki leaf;
    char ca[SCENE_PATH_SIZE];
    char cert[SCENE_PATH_SIZE];
    char key[SCENE_PATH_SIZE];
    pki_make(&root, &(struct pki_wish){.common_name = "root", .is_ca = true});
    pki_make(&middle,
             &(struct pki_wish){.common_name = "line 7", .issuer = &root, .is_ca = true});
    pki_make(&leaf, &(struct pki_wish){.common_name = "d1", .issuer = &middle});
    pki_write(*state, "root.pem", (const struct pki *const[]){&root}, 1, ca);
    pki_write(*state, "chain.pem", (const struct pki *const[]){&leaf, &middle}, 2, cert);
    write_key(*state, &leaf, "leaf.key", key);
    begin(&e, state, TEXTS("--in-memory", "--device-ca", ca));
    put(&e, "/devices/d1",
        "{\"deviceId\":\"d1\",\"authentication\":{\"type\":\"certificateAuthority\"}}");
    check_certificate(&e, (const char *const[]){cert, key},
                      "HostName=127.0.0.1;DeviceId=d1;x509=true", "/twins/d1");
    pki_finish(&leaf);
    pki_finish(&middle);
    pki_finish(&root);
    emulator_stop(&e);
}

static void foreign_certificate_is_refused(void **state)
{
    struct emulator e;
    struct pki own;
    struct player p;
    char cert[SCENE_PATH_SIZE];
    char key[SCENE_PATH_SIZE];
    begin(&e, state, TEXTS("--in-memory"));
    pki_make(&own, &(struct pki_wish){.common_name = "d1"});
    pki_write(e.scene, "own.pem", (const struct pki *const[]){&own}, 1, cert);
    write_key(e.scene, &own, "own.key", key);
    put(&e, "/devices/d1",
        "{\"deviceId\":\"d1\",\"authentication\":{\"type\":\"selfSigned\",\"x509Thumbprint\":"
        "{\"primaryThumbprint\":\"0123456789ABCDEF0123456789ABCDEF01234567\"}}}");
    player_open(&p, &e,
                (struct iothub_device_options){
                    .connection_string = "HostName=127.0.0.1;DeviceId=d1;x509=true",
                    .certificate_file = cert,
                    .key_file = key});
    wait_for_count(&p, &p.n_lost, 1);
    assert_int_equal(p.why, IOTHUB_UNAUTHORIZED);
    assert_int_equal(iothub_device_state(p.client), IOTHUB_DEVICE_IDLE);
    player_close(&p);
    pki_finish(&own);
    emulator_stop(&e);
}

/* ---- modules ---- */

static void module_does_all_that_a_device_does(void **state)
{
    struct emulator e;
    struct player p;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, TEXTS("--in-memory"));
    device_create(&e, "d1", connection_string);
    service_run(&e, TEXTS("module", "create", "d1", "m1"));
    const char *text =
        service_run(&e, TEXTS("device", "connection-string", "d1", "--module", "m1"));
    snprintf(connection_string, sizeof(connection_string), "%.*s", (int)strcspn(text, "\n"),
             text);
    player_open(&p, &e, (struct iothub_device_options){.connection_string = connection_string});
    wait_for_count(&p, &p.n_connected, 1);
    use_all(&p, "/twins/d1/modules/m1", 1);
    assert_int_equal(count_events(&e, "m1", "hello"), 1);
    assert_int_equal(p.n_lost, 0);
    player_close(&p);
    emulator_stop(&e);
}

/* ---- messages to the device ---- */

static void message_comes_with_all_it_carries(void **state)
{
    struct emulator e;
    struct player p;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, TEXTS("--in-memory"));
    device_create(&e, "d1", connection_string);
    /* Before the device was ever there. */
    service_run(&e, TEXTS("c2d", "send", "d1", "--data", "turn left", "--message-id", "m-1",
                          "--correlation-id", "c/1", "--user-id", "u 1", "--content-type",
                          "text/plain", "--content-encoding", "utf-8", "--ack", "full",
                          "--property", "zeta=a=b&c/d%20+?#", "--property", "alpha=x y"));
    player_open(&p, &e, (struct iothub_device_options){.connection_string = connection_string});
    wait_for_message(&p, "turn left(mid=m-1,cid=c/1,uid=u 1,ct=text/plain,ce=utf-8,ack=full,"
                         "zeta=a=b&c/d%20+?#,alpha=x y);");
    iothub_device_on_message(p.client, NULL, NULL);
    call_method(&p, "/twins/d1"); /* its answer comes behind the UNSUBACK */
    service_run(&e, TEXTS("c2d", "send", "d1", "--data", "wait"));
    call_method(&p, "/twins/d1");
    assert_int_equal(p.heard.len, 0);
    iothub_device_on_message(p.client, on_message, &p);
    wait_for_message(&p, "wait();");
    player_close(&p);
    emulator_stop(&e);
}

/* ---- tokens ---- */

static void client_that_renews_its_tokens_stays(void **state)
{
    struct emulator e;
    struct player p;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, TEXTS("--in-memory", "--token-grace-seconds", "1"));
    device_create(&e, "d1", connection_string);
    player_open(&p, &e,
                (struct iothub_device_options){.connection_string = connection_string,
                                               .token_lifetime_s = 6});
    /* The first token and its grace are over when the second renewal is. */
    for (int round = 1; round <= 3; round++) {
        wait_for_count(&p, &p.n_connected, round);
        use_all(&p, "/twins/d1", round);
        send_to_device(&p, "still there?");
    }
    assert_int_equal(p.n_lost, 0);
    assert_int_equal(count_events(&e, "", "hello"), 3);
    player_close(&p);
    emulator_stop(&e);
}

/* A token by the connection string's key. */
static void make_token(const char *connection_string, int64_t valid_s,
                       char out[EMULATOR_TEXT_SIZE])
{
    struct connection_string cs;
    struct buf resource = {.cap = TEXT_MAX_BYTES};
    struct buf token = {.cap = TEXT_MAX_BYTES};
    int64_t now_s = clock_read(&(struct clock){0}).at_ms / 1000;
    assert_true(connection_string_parse(slice_of(connection_string), CONNECTION_STRING_DEVICE,
                                        NULL, &cs));
    buf_putf(&resource, "%s/devices/%s", cs.host_name, cs.device_id);
    assert_true(sas_token_write(&token, buf_slice(&resource), slice_of(cs.shared_access_key),
                                SLICE(""), now_s + valid_s));
    snprintf(out, EMULATOR_TEXT_SIZE, "%s", buf_text(&token));
    buf_finish(&resource);
    buf_finish(&token);
    connection_string_finish(&cs);
}

static void client_whose_token_lapses_is_told_and_goes_on_with_the_next(void **state)
{
    struct emulator e;
    struct player p;
    char connection_string[EMULATOR_TEXT_SIZE];
    char token[EMULATOR_TEXT_SIZE];
    char with_token[2 * EMULATOR_TEXT_SIZE];
    begin(&e, state, TEXTS("--in-memory", "--token-grace-seconds", "1"));
    device_create(&e, "d1", connection_string);
    make_token(connection_string, 2, token);
    snprintf(with_token, sizeof(with_token),
             "HostName=127.0.0.1;DeviceId=d1;SharedAccessSignature=%s", token);
    player_open(&p, &e, (struct iothub_device_options){.connection_string = with_token});
    wait_for_count(&p, &p.n_connected, 1);
    wait_for_count(&p, &p.n_lost, 1);
    assert_int_equal(p.why, IOTHUB_CONNECTION_FAILED);
    wait_for_count(&p, &p.n_lost, 2);
    assert_int_equal(p.why, IOTHUB_UNAUTHORIZED);
    assert_int_equal(p.n_connected, 1);
    make_token(connection_string, 3600, token);
    assert_int_equal(iothub_device_renew_signature(p.client, token), IOTHUB_OK);
    wait_for_count(&p, &p.n_connected, 2);
    use_all(&p, "/twins/d1", 1);
    int n_lost = p.n_lost;
    make_token(connection_string, 7200, token);
    assert_int_equal(iothub_device_renew_signature(p.client, token), IOTHUB_OK);
    wait_for_count(&p, &p.n_connected, 3);
    use_all(&p, "/twins/d1", 2);
    assert_int_equal(p.n_lost, n_lost);
    player_close(&p);
    emulator_stop(&e);
}

/* ---- other clients, and faults ---- */

static void newer_client_takes_the_connection(void **state)
{
    struct emulator e;
    struct player older;
    struct player newer;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, TEXTS("--in-memory"));
    device_create(&e, "d1", connection_string);
    const struct iothub_device_options options = {.connection_string = connection_string};
    player_open(&older, &e, options);
    wait_for_count(&older, &older.n_connected, 1);
    player_open(&newer, &e, options);
    wait_for_count(&newer, &newer.n_connected, 1);
    use_all(&newer, "/twins/d1", 1);
    send_to_device(&newer, "for the newer one");
    assert_int_equal(newer.n_lost, 0);
    /* It notices when it is polled again, and takes the connection back, as it should. */
    wait_for_count(&older, &older.n_lost, 1);
    assert_int_equal(older.why, IOTHUB_CONNECTION_FAILED);
    wait_for_count(&older, &older.n_connected, 2);
    wait_for_count(&newer, &newer.n_lost, 1);
    player_close(&newer);
    player_close(&older);
    emulator_stop(&e);
}

/* The request is never acknowledged, nor is its repetition; the client does not mind. */
static void check_fault(void **state, const char *type, bool is_plain)
{
    struct emulator e;
    struct player p;
    char connection_string[EMULATOR_TEXT_SIZE];
    const struct iothub_device_property request[] = {
        {FAULT_TYPE,  type },
        {FAULT_DELAY, "0.1"}
    };
    begin(&e, state, TEXTS("--in-memory"));
    device_create(&e, "d1", connection_string);
    player_open(&p, &e,
                (struct iothub_device_options){.connection_string = connection_string,
                                               .is_plain = is_plain});
    wait_for_count(&p, &p.n_connected, 1);
    use_all(&p, "/twins/d1", 1);
    send_text(&p, "break me", request, ARRAY_LEN(request));
    send_text(&p, "behind", NULL, 0);
    wait_for_count(&p, &p.n_connected, 2);
    assert_int_equal(p.n_lost, 1);
    assert_int_equal(p.why, IOTHUB_CONNECTION_FAILED);
    use_all(&p, "/twins/d1", 2);
    send_to_device(&p, "recovered");
    /* It was stored, not acknowledged, and so sent again. */
    wait_for_count(&p, &p.n_sent, 3);
    assert_int_equal(count_events(&e, "", "behind"), 2);
    assert_int_equal(count_events(&e, "", "break me"), 0);
    assert_int_equal(iothub_device_n_unsent(p.client), 1);
    assert_int_equal(p.n_connected, 2);
    player_close(&p);
    emulator_stop(&e);
}

static void killed_connection_is_made_again(void **state)
{
    check_fault(state, "KillTcp", false);
}

static void killed_plain_connection_is_made_again(void **state)
{
    check_fault(state, "KillTcp", true);
}

static void shut_down_connection_is_made_again(void **state)
{
    check_fault(state, "ShutDownMqtt", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(certificate_of_its_own_connects_a_device_and_a_module),
        SCENE_TEST(chain_to_a_trusted_authority_connects),
        SCENE_TEST(foreign_certificate_is_refused),
        SCENE_TEST(module_does_all_that_a_device_does),
        SCENE_TEST(message_comes_with_all_it_carries),
        SCENE_TEST(client_that_renews_its_tokens_stays),
        SCENE_TEST(client_whose_token_lapses_is_told_and_goes_on_with_the_next),
        SCENE_TEST(newer_client_takes_the_connection),
        SCENE_TEST(killed_connection_is_made_again),
        SCENE_TEST(killed_plain_connection_is_made_again),
        SCENE_TEST(shut_down_connection_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
