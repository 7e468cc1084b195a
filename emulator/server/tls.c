/*
 * Contexts, and what clients have shown.
 */
#include "server/tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "server/client_certificate.h"

/*
 * OpenSSL's own three, the lightest first: a handshake derives a dozen keys, and processors
 * have instructions for SHA-256, while SHA-384 has to be reckoned.
 */
static const char suites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

static SSL_CTX *fail(SSL_CTX *context, const char *file, struct buf *error)
{
    char why[256];
    ERR_error_string_n(ERR_get_error(), why, sizeof(why));
    buf_putf(error, "cannot use %s for TLS: %s", file, why);
    SSL_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

static int accept_any(X509_STORE_CTX *store, void *ctx)
{
    (void)store;
    (void)ctx;
    return 1;
}

SSL_CTX *tls_context_create(const char *cert_file, const char *key_file, struct buf *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, suites) != 1) {
        return fail(context, "OpenSSL", error);
    }
    if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1) {
        return fail(context, cert_file, error);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return fail(context, key_file, error);
    }
    /* No list of CAs is sent: .NET clients withhold a certificate whose issuer is not in it. */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, accept_any, NULL);
    /* Sessions would be bound to the certificate seen first; a hub's clients seldom resume. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* Without that TLS 1.3 sends two all the same, which name sessions that nobody keeps. */
    (void)SSL_CTX_set_num_tickets(context, 0);
    /* Idle connections keep no buffers: thousands of them should cost little. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

struct hub_certificate *tls_client_certificate(const SSL *ssl, X509_STORE *authorities,
                                               int64_t at_ms)
{
    X509 *leaf = SSL_get1_peer_certificate(ssl);
    struct hub_certificate *certificate =
        client_certificate_judge(leaf, SSL_get_peer_cert_chain(ssl), authorities, at_ms);
    X509_free(leaf);
    return certificate;
}
