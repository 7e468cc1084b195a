/*
 * Client certificates on the HTTPS listener: GnuTLS's side of it.
 */
#ifndef SERVER_HTTP_TLS_H
#define SERVER_HTTP_TLS_H

#include <microhttpd.h>
#include <openssl/x509.h>

#include "hub/hub.h"

/*
 * Ask for a certificate in the handshake to come.  Any is taken, and no CA is named: .NET
 * clients withhold a certificate whose issuer is not among the names.
 */
void http_tls_ask_for_certificate(struct MHD_Connection *connection);

/* As client_certificate_judge(); NULL without TLS. */
struct hub_certificate *http_tls_client_certificate(struct MHD_Connection *connection,
                                                    X509_STORE *authorities, int64_t at_ms);

#endif
