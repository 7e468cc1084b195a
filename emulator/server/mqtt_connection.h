/*
 * MQTT over TCP, with TLS or without: a listening socket and the connections it accepts.
 */
#ifndef SERVER_MQTT_CONNECTION_H
#define SERVER_MQTT_CONNECTION_H

#include <openssl/ssl.h>

#include "server/turn.h"

struct mqtt_listener;

/* {0} is plain MQTT.  Borrowed until the connections have ended. */
struct mqtt_tls {
    SSL_CTX *context;
    X509_STORE *authorities; /* the CAs of devices; NULL for none */
};

/**
 * Accept connections on a listening socket.
 * @param fd  taken over.
 */
struct mqtt_listener *mqtt_listener_create(struct turn *turn, int fd,
                                           const struct mqtt_tls *tls);

/* Its connections live on: mqtt_streams_close(). */
void mqtt_listener_destroy(struct mqtt_listener *listener);

#endif
