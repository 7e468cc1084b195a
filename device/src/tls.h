/*
 * The TLS context that is given to libmosquitto in place of its own.
 *
 * Left alone, libmosquitto verifies and asks for (SNI) the name it connects to.  Here that may
 * be any address, while the hub has another name: a hub finds its tenant by SNI, and its
 * certificate is issued for its host name.  So both are set from the connection string.
 */
#ifndef DEVICE_SRC_TLS_H
#define DEVICE_SRC_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"

struct mosquitto;

/* {0} is a valid empty object.  It must stay where it is while connections are made with it. */
struct tls {
    SSL_CTX *ctx;
    char *name; /* the server's */
    bool is_ip; /* the name is an IP address, for which there is no SNI */
    struct mosquitto *mosq;
    long verify_error; /* X509_V_… of the last handshake */
};

struct tls_options {
    const char *name;
    const char *ca_file;          /* NULL: the system's */
    const struct tls *share_with; /* its authorities instead; NULL or {0}: load them */
    const char *certificate_file; /* NULL: none */
    const char *key_file;
};

/* @param error  receives what is wrong with which file. */
MUST_CHECK bool tls_init(struct tls *tls, const struct tls_options *options, struct buf *error);

void tls_finish(struct tls *tls);

/* Make `mosq` use it. */
MUST_CHECK bool tls_attach(struct tls *tls, struct mosquitto *mosq);

/* Why the last handshake found the server's certificate wanting; NULL when it did not. */
const char *tls_verify_text(const struct tls *tls);

#endif
