/*
 * MQTT over a WebSocket: what becomes of an HTTP connection that was upgraded.
 *
 * libmicrohttpd keeps the client's socket until it is told that the connection is closed.  With
 * TLS it hands out one end of a pair of sockets instead and carries the bytes over itself.
 */
#ifndef SERVER_WEBSOCKET_CONNECTION_H
#define SERVER_WEBSOCKET_CONNECTION_H

#include <microhttpd.h>
#include <stdbool.h>

#include "base/slice.h"
#include "server/mqtt_stream.h"

/* What the library gives; borrowed. */
struct websocket_link {
    struct turn *turn;
    bool *is_busy; /* the listener's: set whenever something comes */
    struct MHD_Connection *connection;
    const struct hub_certificate *certificate; /* NULL when the client showed none */
    struct MHD_UpgradeResponseHandle *handle;  /* kept until the connection ends, then closed */
    MHD_socket fd;                             /* to talk on; with TLS not the client's */
    struct slice extra;                        /* what came behind the request already */
};

/* Its life is its stream's.  false: nothing was made and the handle is still the caller's. */
MUST_CHECK bool websocket_connection_create(const struct websocket_link *link);

#endif
