/*
 * TLS for the MQTT listener: OpenSSL's side of it.
 */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/**
 * A server context, TLS 1.2 or later.  A client certificate is asked for and any is taken: the
 * hub judges it by the registered thumbprints.
 * @param error  receives one line that names the file.
 * @return NULL when the files are not usable.
 */
SSL_CTX *tls_context_create(const char *cert_file, const char *key_file, struct buf *error);

/* 64 hex digits and their NUL. */
#define TLS_THUMBPRINT_SIZE 65

/* SHA-1 and SHA-256 of the client's certificate in hex; "" when it showed none. */
void tls_thumbprints(const SSL *ssl, char out[2][TLS_THUMBPRINT_SIZE]);

#endif
