/*
 * Devices that show certificates: over MQTT, over HTTPS and over WebSockets, self-signed and
 * signed by a CA.
 */
#include "e2e/emulator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "e2e/http_peer.h"
#include "e2e/pki.h"
#include "e2e/ws_peer.h"

enum {
    TEXT_MAX_BYTES = 4096,
};

#define A_DAY_S 86400L

/* ---- registering ---- */

static void put(struct emulator *e, const char *path, const char *body)
{
    struct http_peer service;
    http_peer_open(&service, e);
    http_peer_ask(&service, "PUT", path, body, 200);
    http_peer_close(&service);
}

static void register_self_signed(struct emulator *e, const char *primary, const char *secondary)
{
    char body[TEXT_MAX_BYTES];
    snprintf(
        body, sizeof(body),
        "{\"deviceId\":\"d1\",\"authentication\":{\"type\":\"selfSigned\","
        "\"x509Thumbprint\":{\"primaryThumbprint\":\"%s\",\"secondaryThumbprint\":\"%s\"}}}",
        primary, secondary);
    put(e, "/devices/d1", body);
}

static void register_with_authority(struct emulator *e)
{
    put(e, "/devices/d1",
        "{\"deviceId\":\"d1\",\"authentication\":{\"type\":\"certificateAuthority\"}}");
}

/* ---- connecting ---- */

static void put_connect(struct buf *out, const char *id)
{
    struct buf user = {.cap = TEXT_MAX_BYTES};
    buf_putf(&user, "127.0.0.1/%s/?api-version=2021-04-12", id);
    mqtt_put_connect(out, &(struct mqtt_connect){.client_id = slice_of(id),
                                                 .user_name = buf_slice(&user),
                                                 .has_user_name = true,
                                                 .clean_session = true,
                                                 .keep_alive_s = 60});
    buf_finish(&user);
}

/* The CONNACK's code over MQTT with TLS. */
static int connect_mqtt(const struct emulator *e, SSL_CTX *client, const char *id)
{
    struct line line;
    struct mqtt_packet packet;
    const char *reason = NULL;
    size_t used = 0;
    struct buf connect = {.cap = TEXT_MAX_BYTES};
    line_open(&line, e->ports[EMULATOR_MQTTS]);
    line_secure(&line, client);
    put_connect(&connect, id);
    assert_true(line_send(&line, buf_slice(&connect)));
    while (mqtt_packet_read(buf_slice(&line.in), TEXT_MAX_BYTES, &packet, &used, &reason) ==
           WIRE_MORE) {
        assert_true(line_receive(&line));
    }
    assert_int_equal(packet.type, MQTT_CONNACK);
    line_close(&line);
    buf_finish(&connect);
    return packet.connack.code;
}

/* The same over a WebSocket. */
static int connect_websocket(const struct emulator *e, SSL_CTX *client, const char *id)
{
    struct ws_peer peer;
    struct mqtt_packet packet;
    struct buf connect = {.cap = TEXT_MAX_BYTES};
    ws_peer_dial(&peer, e->ports[EMULATOR_HTTPS]);
    line_secure(&peer.line, client);
    ws_peer_upgrade(&peer);
    put_connect(&connect, id);
    assert_true(ws_peer_send(&peer, WS_FIN | WS_BINARY, buf_slice(&connect)));
    ws_peer_expect_packet(&peer, MQTT_CONNACK, &packet);
    int code = packet.connack.code;
    ws_peer_close(&peer);
    buf_finish(&connect);
    return code;
}

/* The status of telemetry over HTTPS; `id` is a device or "device/modules/module". */
static int send_https(const struct emulator *e, SSL_CTX *client, const char *id)
{
    struct ws_peer peer;
    struct ws_answer answer;
    struct buf request = {.cap = TEXT_MAX_BYTES};
    ws_peer_dial(&peer, e->ports[EMULATOR_HTTPS]);
    line_secure(&peer.line, client);
    buf_putf(&request,
             "POST /devices/%s/messages/events?api-version=2021-04-12 HTTP/1.1\r\n"
             "Host: 127.0.0.1\r\nContent-Length: 2\r\n\r\nhi",
             id);
    assert_true(line_send(&peer.line, buf_slice(&request)));
    ws_peer_hear(&peer, &answer);
    ws_peer_close(&peer);
    buf_finish(&request);
    return answer.status;
}

/* All ways must say the same. */
static void expect(const struct emulator *e, SSL_CTX *client, bool is_good)
{
    int code = is_good ? MQTT_CONNACK_ACCEPTED : MQTT_CONNACK_NOT_AUTHORIZED;
    assert_int_equal(connect_mqtt(e, client, "d1"), code);
    assert_int_equal(connect_websocket(e, client, "d1"), code);
    assert_int_equal(send_https(e, client, "d1"), is_good ? 204 : 401);
}

/* The same with a client that is made for it. */
static void expect_shown(const struct emulator *e, const struct pki *leaf,
                         const struct pki *between, bool is_good)
{
    SSL_CTX *client = pki_client(leaf, &between, between == NULL ? 0 : 1);
    expect(e, client, is_good);
    SSL_CTX_free(client);
}

/* ---- self-signed ---- */

static void registered_thumbprints_open_and_others_do_not(void **state)
{
    struct emulator e;
    struct pki first;
    struct pki second;
    struct pki foreign;
    char sha1[PKI_THUMBPRINT_SIZE];
    char sha256[PKI_THUMBPRINT_SIZE];
    pki_make(&first, &(struct pki_wish){.common_name = "whoever"});
    pki_make(&second, &(struct pki_wish){.common_name = "d1"});
    pki_make(&foreign, &(struct pki_wish){.common_name = "d1"});
    pki_thumbprint(&first, EVP_sha1(), sha1);
    pki_thumbprint(&second, EVP_sha256(), sha256);
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS("--in-memory"));
    register_self_signed(&e, sha1, sha256);
    expect_shown(&e, &first, NULL, true);
    expect_shown(&e, &second, NULL, true);
    expect_shown(&e, &foreign, NULL, false);
    expect_shown(&e, NULL, NULL, false);
    emulator_stop(&e);
    pki_finish(&first);
    pki_finish(&second);
    pki_finish(&foreign);
}

static void dates_of_a_self_signed_certificate_are_not_looked_at(void **state)
{
    struct emulator e;
    struct pki old;
    char sha1[PKI_THUMBPRINT_SIZE];
    pki_make(&old, &(struct pki_wish){
                       .common_name = "d1", .begins_s = -2 * A_DAY_S, .ends_s = -A_DAY_S});
    pki_thumbprint(&old, EVP_sha1(), sha1);
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS("--in-memory"));
    register_self_signed(&e, sha1, sha1);
    expect_shown(&e, &old, NULL, true);
    emulator_stop(&e);
    pki_finish(&old);
}

static void certificate_does_not_open_a_device_with_keys(void **state)
{
    struct emulator e;
    struct pki ca;
    struct pki leaf;
    const struct pki *all[] = {&ca};
    char ca_file[SCENE_PATH_SIZE];
    pki_make(&ca, &(struct pki_wish){.common_name = "root", .is_ca = true});
    pki_make(&leaf, &(struct pki_wish){.common_name = "d1", .issuer = &ca});
    emulator_init(&e, *state);
    pki_write(e.scene, "ca.pem", all, 1, ca_file);
    emulator_start(&e, TEXTS("--in-memory", "--device-ca", ca_file));
    put(&e, "/devices/d1", "{\"deviceId\":\"d1\"}");
    expect_shown(&e, &leaf, NULL, false);
    emulator_stop(&e);
    pki_finish(&ca);
    pki_finish(&leaf);
}

/* ---- signed by a CA ---- */

/* A root, a CA below it, a CA that is not known, and leaves. */
struct authorities {
    struct pki root;
    struct pki between;
    struct pki foreign;
};

static void authorities_make(struct authorities *a)
{
    pki_make(&a->root, &(struct pki_wish){.common_name = "root", .is_ca = true});
    pki_make(&a->between,
             &(struct pki_wish){.common_name = "between", .issuer = &a->root, .is_ca = true});
    pki_make(&a->foreign, &(struct pki_wish){.common_name = "root", .is_ca = true});
}

static void authorities_finish(struct authorities *a)
{
    pki_finish(&a->root);
    pki_finish(&a->between);
    pki_finish(&a->foreign);
}

static void expect_leaf(const struct emulator *e, const struct pki_wish *wish,
                        const struct pki *between, bool is_good)
{
    struct pki leaf;
    pki_make(&leaf, wish);
    expect_shown(e, &leaf, between, is_good);
    pki_finish(&leaf);
}

static void trusted_authority_opens_for_the_common_name(void **state)
{
    struct emulator e;
    struct authorities a;
    const struct pki *trusted[] = {&a.root};
    char ca_file[SCENE_PATH_SIZE];
    authorities_make(&a);
    emulator_init(&e, *state);
    pki_write(e.scene, "ca.pem", trusted, 1, ca_file);
    emulator_start(&e, TEXTS("--in-memory", "--device-ca", ca_file));
    register_with_authority(&e);
    expect_leaf(&e, &(struct pki_wish){.common_name = "d1", .issuer = &a.root}, NULL, true);
    expect_leaf(&e, &(struct pki_wish){.common_name = "D1", .issuer = &a.root}, NULL, false);
    expect_leaf(&e, &(struct pki_wish){.common_name = "d1/m1", .issuer = &a.root}, NULL, false);
    expect_leaf(&e, &(struct pki_wish){.issuer = &a.root}, NULL, false);
    expect_leaf(&e,
                &(struct pki_wish){.common_name = "x", .second_name = "d1", .issuer = &a.root},
                NULL, false);
    expect_leaf(&e, &(struct pki_wish){.common_name = "d1", .issuer = &a.foreign}, NULL, false);
    expect_leaf(&e, &(struct pki_wish){.common_name = "d1"}, NULL, false);
    expect_shown(&e, NULL, NULL, false);
    emulator_stop(&e);
    authorities_finish(&a);
}

static void dates_of_a_signed_certificate_count(void **state)
{
    struct emulator e;
    struct authorities a;
    const struct pki *trusted[] = {&a.root};
    char ca_file[SCENE_PATH_SIZE];
    authorities_make(&a);
    emulator_init(&e, *state);
    pki_write(e.scene, "ca.pem", trusted, 1, ca_file);
    emulator_start(&e, TEXTS("--in-memory", "--device-ca", ca_file));
    register_with_authority(&e);
    expect_leaf(&e,
                &(struct pki_wish){.common_name = "d1",
                                   .issuer = &a.root,
                                   .begins_s = -2 * A_DAY_S,
                                   .ends_s = -A_DAY_S},
                NULL, false);
    expect_leaf(
        &e,
        &(struct pki_wish){
            .common_name = "d1", .issuer = &a.root, .begins_s = A_DAY_S, .ends_s = 2 * A_DAY_S},
        NULL, false);
    emulator_stop(&e);
    authorities_finish(&a);
}

static void chain_leads_over_what_the_device_sends_along(void **state)
{
    struct emulator e;
    struct authorities a;
    const struct pki *trusted[] = {&a.foreign, &a.root}; /* several in one file */
    char ca_file[SCENE_PATH_SIZE];
    struct pki no_ca;
    authorities_make(&a);
    pki_make(&no_ca, &(struct pki_wish){.common_name = "between", .issuer = &a.root});
    emulator_init(&e, *state);
    pki_write(e.scene, "ca.pem", trusted, 2, ca_file);
    emulator_start(&e, TEXTS("--in-memory", "--device-ca", ca_file));
    register_with_authority(&e);
    struct pki_wish below = {.common_name = "d1", .issuer = &a.between};
    expect_leaf(&e, &below, &a.between, true);
    expect_leaf(&e, &below, NULL, false);
    /* A device cannot sign for others. */
    below.issuer = &no_ca;
    expect_leaf(&e, &below, &no_ca, false);
    emulator_stop(&e);
    pki_finish(&no_ca);
    authorities_finish(&a);
}

static void authority_below_a_root_may_be_trusted_alone(void **state)
{
    struct emulator e;
    struct authorities a;
    const struct pki *first[] = {&a.foreign};
    const struct pki *second[] = {&a.between};
    char files[2][SCENE_PATH_SIZE];
    authorities_make(&a);
    emulator_init(&e, *state);
    pki_write(e.scene, "first.pem", first, 1, files[0]);
    pki_write(e.scene, "second.pem", second, 1, files[1]);
    emulator_start(&e, TEXTS("--in-memory", "--device-ca", files[0], "--device-ca", files[1]));
    register_with_authority(&e);
    expect_leaf(&e, &(struct pki_wish){.common_name = "d1", .issuer = &a.between}, NULL, true);
    expect_leaf(&e, &(struct pki_wish){.common_name = "d1", .issuer = &a.root}, NULL, false);
    emulator_stop(&e);
    authorities_finish(&a);
}

static void module_is_named_behind_its_device(void **state)
{
    struct emulator e;
    struct authorities a;
    struct pki own;
    struct pki devices;
    const struct pki *trusted[] = {&a.root};
    char ca_file[SCENE_PATH_SIZE];
    authorities_make(&a);
    pki_make(&own, &(struct pki_wish){.common_name = "d1/m1", .issuer = &a.root});
    pki_make(&devices, &(struct pki_wish){.common_name = "d1", .issuer = &a.root});
    emulator_init(&e, *state);
    pki_write(e.scene, "ca.pem", trusted, 1, ca_file);
    emulator_start(&e, TEXTS("--in-memory", "--device-ca", ca_file));
    register_with_authority(&e);
    put(&e, "/devices/d1/modules/m1",
        "{\"deviceId\":\"d1\",\"moduleId\":\"m1\","
        "\"authentication\":{\"type\":\"certificateAuthority\"}}");
    SSL_CTX *good = pki_client(&own, NULL, 0);
    SSL_CTX *wrong = pki_client(&devices, NULL, 0);
    assert_int_equal(connect_mqtt(&e, good, "d1/m1"), MQTT_CONNACK_ACCEPTED);
    assert_int_equal(connect_mqtt(&e, wrong, "d1/m1"), MQTT_CONNACK_NOT_AUTHORIZED);
    assert_int_equal(send_https(&e, good, "d1/modules/m1"), 204);
    assert_int_equal(send_https(&e, wrong, "d1/modules/m1"), 401);
    SSL_CTX_free(good);
    SSL_CTX_free(wrong);
    emulator_stop(&e);
    pki_finish(&own);
    pki_finish(&devices);
    authorities_finish(&a);
}

static void unusable_authority_file_is_told_at_the_start(void **state)
{
    struct emulator e;
    char file[SCENE_PATH_SIZE];
    emulator_init(&e, *state);
    scene_write(e.scene, "ca.pem", "no certificate\n");
    scene_path(e.scene, "ca.pem", file);
    struct process *process = emulator_try(&e, TEXTS("--in-memory", "--device-ca", file));
    process_end_with(process, 1);
    assert_true(process_says(process, PROCESS_ERR, "ca.pem holds no certificates in PEM form"));
    process = emulator_try(&e, TEXTS("--in-memory", "--device-ca", "/nowhere/ca.pem"));
    process_end_with(process, 1);
    assert_true(process_says(process, PROCESS_ERR,
                             "cannot read /nowhere/ca.pem: No such file or directory"));
}

/* ---- the request for a certificate ---- */

/* How many CAs the last request has named; -1 without a request. */
static int n_named = -1;

static int on_request(SSL *ssl, X509 **certificate, EVP_PKEY **key)
{
    (void)certificate;
    (void)key;
    const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(ssl);
    n_named = names == NULL ? 0 : sk_X509_NAME_num(names);
    return 0; /* none to show */
}

static void certificate_is_asked_for_without_naming_authorities(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    static const enum emulator_port ports[] = {EMULATOR_MQTTS, EMULATOR_HTTPS};
    struct emulator e;
    struct authorities a;
    const struct pki *trusted[] = {&a.root};
    char ca_file[SCENE_PATH_SIZE];
    authorities_make(&a);
    emulator_init(&e, *state);
    pki_write(e.scene, "ca.pem", trusted, 1, ca_file);
    emulator_start(&e, TEXTS("--in-memory", "--device-ca", ca_file));
    for (size_t i = 0; i < ARRAY_LEN(versions) * ARRAY_LEN(ports); i++) {
        struct line line;
        SSL_CTX *client = pki_client(NULL, NULL, 0);
        SSL_CTX_set_min_proto_version(client, versions[i % 2]);
        SSL_CTX_set_max_proto_version(client, versions[i % 2]);
        SSL_CTX_set_client_cert_cb(client, on_request);
        n_named = -1;
        line_open(&line, e.ports[ports[i / 2]]);
        line_secure(&line, client);
        assert_int_equal(n_named, 0);
        line_close(&line);
        SSL_CTX_free(client);
    }
    emulator_stop(&e);
    authorities_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(registered_thumbprints_open_and_others_do_not),
        SCENE_TEST(dates_of_a_self_signed_certificate_are_not_looked_at),
        SCENE_TEST(certificate_does_not_open_a_device_with_keys),
        SCENE_TEST(trusted_authority_opens_for_the_common_name),
        SCENE_TEST(dates_of_a_signed_certificate_count),
        SCENE_TEST(chain_leads_over_what_the_device_sends_along),
        SCENE_TEST(authority_below_a_root_may_be_trusted_alone),
        SCENE_TEST(module_is_named_behind_its_device),
        SCENE_TEST(unusable_authority_file_is_told_at_the_start),
        SCENE_TEST(certificate_is_asked_for_without_naming_authorities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
