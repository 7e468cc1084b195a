/*
 * libmicrohttpd asks for certificates only when it is given CAs, and names those; the session
 * is told directly instead.  What the client sent is handed to OpenSSL, which judges it.
 */
#include "server/http_tls.h"

#include <gnutls/gnutls.h>

#include "server/client_certificate.h"

static gnutls_session_t session_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info == NULL ? NULL : info->tls_session;
}

void http_tls_ask_for_certificate(struct MHD_Connection *connection)
{
    gnutls_session_t session = session_of(connection);
    if (session != NULL) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    }
}

/* The leaf is first.  What is broken ends the chain. */
static STACK_OF(X509) * read_chain(const gnutls_datum_t *items, unsigned n)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    for (unsigned i = 0; chain != NULL && i < n; i++) {
        const unsigned char *der = items[i].data;
        X509 *one = d2i_X509(NULL, &der, (long)items[i].size);
        if (one == NULL || sk_X509_push(chain, one) <= 0) {
            X509_free(one);
            break;
        }
    }
    return chain;
}

struct hub_certificate *http_tls_client_certificate(struct MHD_Connection *connection,
                                                    X509_STORE *authorities, int64_t at_ms)
{
    gnutls_session_t session = session_of(connection);
    unsigned n = 0;
    const gnutls_datum_t *items = session == NULL ? NULL
                                                  : gnutls_certificate_get_peers(session, &n);
    if (items == NULL || n == 0) {
        return NULL;
    }
    STACK_OF(X509) *chain = read_chain(items, n);
    X509 *leaf = chain == NULL || sk_X509_num(chain) == 0 ? NULL : sk_X509_value(chain, 0);
    struct hub_certificate *certificate =
        client_certificate_judge(leaf, chain, authorities, at_ms);
    sk_X509_pop_free(chain, X509_free);
    return certificate;
}
