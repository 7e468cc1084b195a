/*
 * An MQTT server of one connection.
 */
#include "unit/device/fake_hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

void fake_hub_init(struct fake_hub *hub, SSL_CTX *tls)
{
    *hub = (struct fake_hub){.peer = -1, .tls = tls};
    buf_init(&hub->in, (size_t)4 * 1024 * 1024);
    hub->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(hub->listener >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    assert_int_equal(bind(hub->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(hub->listener, 8), 0);
    assert_int_equal(getsockname(hub->listener, (struct sockaddr *)&address, &len), 0);
    hub->port = ntohs(address.sin_port);
}

void fake_hub_hang_up(struct fake_hub *hub)
{
    SSL_free(hub->ssl);
    hub->ssl = NULL;
    if (hub->peer >= 0) {
        (void)close(hub->peer);
    }
    hub->peer = -1;
    buf_reset(&hub->in);
}

void fake_hub_finish(struct fake_hub *hub)
{
    fake_hub_hang_up(hub);
    if (hub->listener >= 0) {
        (void)close(hub->listener);
    }
    SSL_CTX_free(hub->tls);
    buf_finish(&hub->in);
}

void fake_hub_send(struct fake_hub *hub, const void *data, size_t len)
{
    if (hub->peer < 0) {
        return;
    }
    ssize_t n = hub->ssl != NULL ? SSL_write(hub->ssl, data, (int)len)
                                 : send(hub->peer, data, len, MSG_NOSIGNAL);
    assert_int_equal(n, len);
}

/* Header, remaining length and body. */
static void send_packet(struct fake_hub *hub, int header, const struct buf *body)
{
    struct buf packet;
    buf_init(&packet, BUF_CAP_OWN);
    buf_put_u8(&packet, (uint8_t)header);
    size_t left = body->len;
    do {
        buf_put_u8(&packet, (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
        left >>= 7;
    } while (left != 0);
    buf_put_slice(&packet, buf_slice(body));
    fake_hub_send(hub, packet.data, packet.len);
    buf_finish(&packet);
}

static void put_text(struct buf *out, const char *text)
{
    buf_put_u16(out, (uint16_t)strlen(text));
    buf_put_text(out, text);
}

void fake_hub_publish(struct fake_hub *hub, const char *topic, const char *payload)
{
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    put_text(&body, topic);
    buf_put_text(&body, payload);
    send_packet(hub, 0x30, &body);
    buf_finish(&body);
}

void fake_hub_publish_once(struct fake_hub *hub, const char *topic, struct slice payload,
                           int mid)
{
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    put_text(&body, topic);
    buf_put_u16(&body, (uint16_t)mid);
    buf_put_slice(&body, payload);
    send_packet(hub, 0x32, &body);
    buf_finish(&body);
}

static void send_mid(struct fake_hub *hub, int header, int mid)
{
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    buf_put_u16(&body, (uint16_t)mid);
    send_packet(hub, header, &body);
    buf_finish(&body);
}

void fake_hub_puback(struct fake_hub *hub, int mid)
{
    send_mid(hub, 0x40, mid);
}

static unsigned take_u8(struct slice *in)
{
    assert_true(in->len >= 1);
    unsigned value = (unsigned char)in->data[0];
    *in = slice_from(*in, 1);
    return value;
}

static unsigned take_u16(struct slice *in)
{
    unsigned high = take_u8(in);
    return high << 8 | take_u8(in);
}

static struct slice take_text(struct slice *in)
{
    size_t len = take_u16(in);
    assert_true(in->len >= len);
    struct slice text = slice_make(in->data, len);
    *in = slice_from(*in, len);
    return text;
}

static void copy(char *out, size_t room, struct slice text)
{
    (void)snprintf(out, room, "%.*s", SLICE_ARG(text));
}

static void on_connect(struct fake_hub *hub, struct slice in)
{
    assert_true(slice_equal_text(take_text(&in), "MQTT"));
    assert_int_equal(take_u8(&in), 4);
    unsigned flags = take_u8(&in);
    hub->is_clean_session = (flags & 2) != 0;
    hub->keep_alive_s = (int)take_u16(&in);
    copy(hub->client_id, sizeof(hub->client_id), take_text(&in));
    if ((flags & 0x80) != 0) {
        copy(hub->user_name, sizeof(hub->user_name), take_text(&in));
    }
    hub->has_password = (flags & 0x40) != 0;
    if (hub->has_password) {
        copy(hub->password, sizeof(hub->password), take_text(&in));
    }
    hub->n_connects++;
    hub->n_filters = 0;
    hub->n_subscribes = 0;
    if (hub->connack >= 0) {
        const char answer[] = {0x20, 2, 0, (char)hub->connack};
        fake_hub_send(hub, answer, sizeof(answer));
    }
    if (hub->connack > 0) {
        fake_hub_hang_up(hub);
    }
}

static void on_publish(struct fake_hub *hub, unsigned header, struct slice in)
{
    assert_true(hub->n_publishes < FAKE_HUB_PUBLISHES);
    struct fake_publish *p = &hub->publishes[hub->n_publishes++];
    *p = (struct fake_publish){.qos = (int)(header >> 1 & 3), .is_dup = (header & 8) != 0};
    copy(p->topic, sizeof(p->topic), take_text(&in));
    if (p->qos > 0) {
        p->mid = (int)take_u16(&in);
    }
    copy(p->payload, sizeof(p->payload), in);
    if (p->qos == 1 && !hub->is_holding_pubacks) {
        fake_hub_puback(hub, p->mid);
    }
}

static void on_subscribe(struct fake_hub *hub, struct slice in)
{
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    buf_put_u16(&body, (uint16_t)take_u16(&in));
    while (in.len != 0) {
        assert_true(hub->n_filters < FAKE_HUB_FILTERS);
        copy(hub->filters[hub->n_filters], sizeof(hub->filters[0]), take_text(&in));
        hub->filter_qos[hub->n_filters++] = (int)take_u8(&in);
        buf_put_u8(&body, (uint8_t)hub->suback);
    }
    hub->n_subscribes++;
    if (!hub->is_holding_subacks) {
        send_packet(hub, 0x90, &body);
    }
    buf_finish(&body);
}

static void on_packet(struct fake_hub *hub, unsigned header, struct slice body)
{
    switch (header >> 4) {
    case 1:
        on_connect(hub, body);
        break;
    case 3:
        on_publish(hub, header, body);
        break;
    case 4:
        assert_true(hub->n_pubacks < FAKE_HUB_PUBLISHES);
        hub->pubacks[hub->n_pubacks++] = (int)take_u16(&body);
        break;
    case 8:
        on_subscribe(hub, body);
        break;
    case 10:
        hub->n_unsubscribes++;
        send_mid(hub, 0xb0, (int)take_u16(&body));
        break;
    case 12:
        hub->n_pings++;
        fake_hub_send(hub, "\xd0\x00", 2);
        break;
    case 14:
        hub->n_disconnects++;
        fake_hub_hang_up(hub);
        break;
    default:
        fail_msg("the device sent a packet of type %u", header >> 4);
    }
}

/* One whole packet at the front of what was read; false when there is none. */
static bool handle_packet(struct fake_hub *hub)
{
    struct slice in = buf_slice(&hub->in);
    size_t len = 0;
    size_t head = 1;
    for (unsigned shift = 0;; shift += 7, head++) {
        if (head >= in.len) {
            return false;
        }
        len |= (size_t)(in.data[head] & 0x7f) << shift;
        if ((in.data[head] & 0x80) == 0) {
            break;
        }
    }
    head++;
    if (in.len < head + len) {
        return false;
    }
    /* A copy, since a handler may hang up and forget what was read. */
    char *body = slice_dup(slice_make(in.data + head, len));
    unsigned header = (unsigned char)in.data[0];
    buf_drop(&hub->in, head + len);
    on_packet(hub, header, slice_make(body, len));
    free(body);
    return true;
}

static void accept_peer(struct fake_hub *hub)
{
    int fd = accept4(hub->listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    fake_hub_hang_up(hub);
    hub->peer = fd;
    if (hub->tls != NULL) {
        hub->ssl = SSL_new(hub->tls);
        assert_non_null(hub->ssl);
        SSL_set_accept_state(hub->ssl);
        assert_int_equal(SSL_set_fd(hub->ssl, fd), 1);
    }
}

/* Bytes read; 0 when there are none now, -1 when the device has gone. */
static ssize_t receive(struct fake_hub *hub, char *out, size_t room)
{
    if (hub->ssl == NULL) {
        ssize_t n = recv(hub->peer, out, room, 0);
        if (n > 0) {
            return n;
        }
        return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
    }
    int n = SSL_read(hub->ssl, out, (int)room);
    if (n > 0) {
        return n;
    }
    int why = SSL_get_error(hub->ssl, n);
    const char *name = SSL_get_servername(hub->ssl, TLSEXT_NAMETYPE_host_name);
    if (name != NULL) {
        (void)snprintf(hub->server_name, sizeof(hub->server_name), "%s", name);
    }
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static void read_peer(struct fake_hub *hub)
{
    char chunk[16384];
    while (hub->peer >= 0) {
        ssize_t n = receive(hub, chunk, sizeof(chunk));
        if (n < 0) {
            fake_hub_hang_up(hub);
        }
        if (n <= 0) {
            return;
        }
        buf_put(&hub->in, chunk, (size_t)n);
        assert_false(hub->in.failed);
        while (hub->peer >= 0 && handle_packet(hub)) {
        }
    }
}

void fake_hub_turn(struct fake_hub *hub)
{
    /* What the old connection still says comes before the new one. */
    read_peer(hub);
    accept_peer(hub);
    read_peer(hub);
}

bool fake_hub_has_filter(const struct fake_hub *hub, const char *filter)
{
    for (size_t i = 0; i < hub->n_filters; i++) {
        if (strcmp(hub->filters[i], filter) == 0) {
            return true;
        }
    }
    return false;
}

const struct fake_publish *fake_hub_find(const struct fake_hub *hub, const char *topic_prefix)
{
    for (size_t i = hub->n_publishes; i > 0; i--) {
        const struct fake_publish *p = &hub->publishes[i - 1];
        if (strncmp(p->topic, topic_prefix, strlen(topic_prefix)) == 0) {
            return p;
        }
    }
    return NULL;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(const char *name, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    char names[300];
    (void)snprintf(names, sizeof(names), "DNS:%s", name);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    X509_NAME *subject = X509_get_subject_name(certificate);
    const unsigned char common_name[] = "fake hub";
    assert_int_equal(
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(certificate, subject), 1);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, names);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void write_certificate(X509 *certificate, int file)
{
    BIO *out = BIO_new_fd(file, BIO_NOCLOSE);
    assert_non_null(out);
    assert_int_equal(PEM_write_bio_X509(out, certificate), 1);
    BIO_free(out);
}

SSL_CTX *fake_hub_make_tls(const char *name, int ca_file)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(ctx);
    assert_non_null(key);
    X509 *certificate = make_certificate(name, key);
    assert_int_equal(SSL_CTX_use_certificate(ctx, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    if (ca_file >= 0) {
        write_certificate(certificate, ca_file);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return ctx;
}
