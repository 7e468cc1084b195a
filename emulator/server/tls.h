/*
 * TLS for the MQTT listener: OpenSSL's side of it.
 */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/macros.h"
#include "hub/hub.h"

/**
 * A server context, TLS 1.2 or later.  A client certificate is asked for and any is taken: the
 * hub judges it (client_certificate.h).
 * @param error  receives one line that names the file.
 * @return NULL when the files are not usable.
 */
SSL_CTX *tls_context_create(const char *cert_file, const char *key_file, struct buf *error);

/* As client_certificate_judge(). */
struct hub_certificate *tls_client_certificate(const SSL *ssl, X509_STORE *authorities,
                                               int64_t at_ms);

#endif
