/*
 * X.509 certificates and their keys: making, reading and judging them, in memory only.
 *
 * Calls answer NULL or false when libcrypto refuses, which for what is made here means that it
 * is broken, and for what is read that the text is none.
 */
#ifndef SERVER_CERTIFICATE_H
#define SERVER_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* The names of a server's certificate: DNS names and addresses. */
struct certificate_names {
    const char *const *items;
    size_t n_items;
};

/* A P-256 key. */
EVP_PKEY *certificate_make_key(void);

/* The development CA: ten years from at_ms, a day before for clocks that go wrong. */
X509 *certificate_make_ca(EVP_PKEY *key, int64_t at_ms);

/* A server's certificate, signed by the CA; as long as the strictest clients allow. */
X509 *certificate_make_server(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key,
                              const struct certificate_names *names, int64_t at_ms);

/* Whether the name or address stands in the certificate, letter by letter but for case. */
bool certificate_has_name(const X509 *certificate, const char *name);

/* Whether it is past its end `margin_s` seconds after at_ms. */
bool certificate_expires(const X509 *certificate, int64_t at_ms, int64_t margin_s);

/* Whether the CA's key has signed it. */
bool certificate_is_signed_by(X509 *certificate, X509 *ca);

/* Whether the two belong together. */
bool certificate_has_key(const X509 *certificate, const EVP_PKEY *key);

/* The certificates of a PEM text in their order; NULL when there is none or one is broken. */
STACK_OF(X509) * certificate_read_all(struct slice pem);

/* The first of them. */
X509 *certificate_read(struct slice pem);

/* An unencrypted private key. */
EVP_PKEY *certificate_read_key(struct slice pem);

MUST_CHECK bool certificate_put(struct buf *out, X509 *certificate);
MUST_CHECK bool certificate_put_key(struct buf *out, const EVP_PKEY *key);

#endif
