/*
 * TLS in front of libmicrohttpd: OpenSSL speaks it with the client, and the bytes go on to the
 * library through a pair of sockets.
 *
 * The library's own TLS would hold a WebSocket's bytes in buffers of four bytes, name CAs
 * whenever it asks for a certificate, and want to be run without pause while a handshake is
 * incomplete.
 */
#ifndef SERVER_TLS_RELAY_H
#define SERVER_TLS_RELAY_H

#include <openssl/x509.h>

#include "hub/hub.h"
#include "server/acceptor.h"

struct tls_relay;

/* All relays of a listener; embedded in it.  {0} with turn and add has none. */
struct tls_relays {
    struct turn *turn;
    X509_STORE *authorities; /* of clients' certificates; NULL for none */
    /*
     * Take up the library's end of a pair, closing it whatever happens.
     * @param certificate  the client's; taken over; NULL for none.
     */
    void (*add)(struct tls_relays *relays, int fd, const struct accepted *client,
                struct hub_certificate *certificate);
    struct tls_relay *first;
};

/* A client has come. */
void tls_relay_begin(struct tls_relays *relays, const struct accepted *accepted);

/* Reset the connection of the client with that address, so that it hears nothing more. */
void tls_relay_cut(struct tls_relays *relays, const struct sockaddr *client, socklen_t len);

/* Send what the library has left behind, as far as it goes at once, and end all. */
void tls_relays_finish(struct tls_relays *relays);

#endif
