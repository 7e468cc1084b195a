/*
 * What a TLS client's certificate says, judged outside of the handshake.
 *
 * TLS takes any certificate, so that self-signed ones come through; the hub decides by what
 * stands here.  Dates and chains count only for certificates that a CA has signed.
 */
#ifndef SERVER_CLIENT_CERTIFICATE_H
#define SERVER_CLIENT_CERTIFICATE_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/macros.h"
#include "cli/cli.h"
#include "hub/hub.h"

/**
 * The CAs whose certificates devices may present.
 * @param files  PEM, each with one certificate or several; none: no CA is trusted.
 * @param error  receives one line that names the file.
 * @return NULL when a file is not usable; X509_STORE_free() ends it.
 */
X509_STORE *client_authorities_load(const struct cli_list *files, struct buf *error);

/**
 * @param leaf         the client's own certificate; NULL when it showed none.
 * @param rest         what it sent along, in any order; NULL is allowed.
 * @param authorities  NULL: none is trusted.
 * @return NULL without a certificate; free() ends it.
 */
struct hub_certificate *client_certificate_judge(X509 *leaf, STACK_OF(X509) * rest,
                                                 X509_STORE *authorities, int64_t at_ms);

#endif
