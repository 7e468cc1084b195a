/*
 * MQTT over a WebSocket: what becomes of an HTTP connection that was upgraded.
 *
 * libmicrohttpd keeps the socket until it is told that the connection is closed.  It is the
 * client's, or with TLS one of a pair (tls_relay.h); the stream sees no difference.
 */
#ifndef SERVER_WEBSOCKET_CONNECTION_H
#define SERVER_WEBSOCKET_CONNECTION_H

#include <microhttpd.h>
#include <stdbool.h>

#include "base/slice.h"
#include "server/mqtt_stream.h"
#include "server/tls_relay.h"

/* What the library gives; borrowed. */
struct websocket_link {
    struct turn *turn;
    struct turn_timer *run_library; /* the listener's */
    struct tls_relays *relays;      /* the listener's; NULL: `fd` is the client's */
    struct MHD_Connection *connection;
    const struct hub_certificate *certificate; /* NULL when the client showed none */
    struct MHD_UpgradeResponseHandle *handle;  /* kept until the connection ends, then closed */
    MHD_socket fd;
    struct slice extra; /* what came behind the request already */
};

/* Its life is its stream's.  false: nothing was made and the handle is still the caller's. */
MUST_CHECK bool websocket_connection_create(const struct websocket_link *link);

#endif
