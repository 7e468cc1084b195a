/*
 * An SSL_CTX that verifies a name of our choice.
 */
#include "device/src/tls.h"

#include <arpa/inet.h>
#include <mosquitto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/mem.h"

static bool fail(struct buf *error, const char *what, const char *file)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    buf_putf(error, "%s %s: %s", what, file, reason == NULL ? "cannot be used" : reason);
    ERR_clear_error();
    return false;
}

/* Keys that are encrypted are refused instead of asking for a password on the terminal. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's. */
static int refuse_password(char *text, int size, int is_writing, void *ctx)
{
    (void)text;
    (void)size;
    (void)is_writing;
    (void)ctx;
    return 0;
}

static bool load_authorities(SSL_CTX *ctx, const struct tls_options *options, struct buf *error)
{
    const char *ca_file = options->ca_file;
    if (options->share_with != NULL && options->share_with->ctx != NULL) {
        SSL_CTX_set1_cert_store(ctx, SSL_CTX_get_cert_store(options->share_with->ctx));
        return true;
    }
    if (ca_file == NULL) {
        return SSL_CTX_set_default_verify_paths(ctx) == 1 ||
               fail(error, "the system's certificate authorities", "");
    }
    return SSL_CTX_load_verify_locations(ctx, ca_file, NULL) == 1 ||
           fail(error, "CA file", ca_file);
}

static bool load_identity(SSL_CTX *ctx, const struct tls_options *options, struct buf *error)
{
    if (options->certificate_file == NULL) {
        return true;
    }
    SSL_CTX_set_default_passwd_cb(ctx, refuse_password);
    if (SSL_CTX_use_certificate_chain_file(ctx, options->certificate_file) != 1) {
        return fail(error, "certificate file", options->certificate_file);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, options->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        return fail(error, "key file", options->key_file);
    }
    return true;
}

static struct tls *tls_of(const SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* The chain is judged by OpenSSL; this only remembers the first complaint for the report. */
static int on_verify(int is_good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *tls = tls_of(ssl);
    if (is_good == 0 && tls->verify_error == X509_V_OK) {
        tls->verify_error = X509_STORE_CTX_get_error(store);
    }
    return is_good;
}

/* libmosquitto has asked for the address it connects to; here the real name takes its place. */
static void on_handshake(const SSL *ssl, int where, int result)
{
    (void)result;
    if ((where & SSL_CB_HANDSHAKE_START) == 0) {
        return;
    }
    struct tls *tls = tls_of(ssl);
    tls->verify_error = X509_V_OK;
    SSL *own = mosquitto_ssl_get(tls->mosq);
    if (own == ssl) {
        (void)SSL_set_tlsext_host_name(own, tls->is_ip ? NULL : tls->name);
    }
}

static bool set_name(struct tls *tls)
{
    unsigned char address[sizeof(struct in6_addr)];
    tls->is_ip = inet_pton(AF_INET, tls->name, address) == 1 ||
                 inet_pton(AF_INET6, tls->name, address) == 1;
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(tls->ctx);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return (tls->is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, tls->name)
                       : X509_VERIFY_PARAM_set1_host(param, tls->name, 0)) == 1;
}

bool tls_init(struct tls *tls, const struct tls_options *options, struct buf *error)
{
    *tls = (struct tls){.name = mem_dup_text(options->name)};
    ERR_clear_error();
    tls->ctx = SSL_CTX_new(TLS_client_method());
    if (tls->ctx == NULL || SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) != 1 ||
        !set_name(tls)) {
        (void)fail(error, "TLS for", options->name);
        tls_finish(tls);
        return false;
    }
    if (!load_authorities(tls->ctx, options, error) ||
        !load_identity(tls->ctx, options, error)) {
        tls_finish(tls);
        return false;
    }
    (void)SSL_CTX_set_app_data(tls->ctx, tls);
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_info_callback(tls->ctx, on_handshake);
    return true;
}

void tls_finish(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_CTX_free(tls->ctx);
    free(tls->name);
    *tls = (struct tls){0};
}

bool tls_attach(struct tls *tls, struct mosquitto *mosq)
{
    tls->mosq = mosq;
    return mosquitto_int_option(mosq, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) == MOSQ_ERR_SUCCESS &&
           mosquitto_void_option(mosq, MOSQ_OPT_SSL_CTX, tls->ctx) == MOSQ_ERR_SUCCESS;
}

const char *tls_verify_text(const struct tls *tls)
{
    return tls->verify_error == X509_V_OK ? NULL
                                          : X509_verify_cert_error_string(tls->verify_error);
}
