/*
 * MQTT over TCP, with TLS or without: sockets on one side, the gateway's clients on the other.
 */
#ifndef SERVER_MQTT_CONNECTION_H
#define SERVER_MQTT_CONNECTION_H

#include <openssl/ssl.h>

#include "server/turn.h"

struct mqtt_listener;

/**
 * Accept connections on a listening socket.
 * @param fd   taken over.
 * @param tls  NULL for plain MQTT; borrowed until the listener is destroyed.
 */
struct mqtt_listener *mqtt_listener_create(struct turn *turn, int fd, SSL_CTX *tls);
void mqtt_listener_destroy(struct mqtt_listener *listener);

/* Send what the gateway's clients have, and end those that are over. */
void mqtt_connections_put_out(struct turn *turn);

/* End all connections at once. */
void mqtt_connections_close(struct turn *turn);

#endif
