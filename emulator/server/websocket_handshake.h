/*
 * The request that turns an HTTP connection into a WebSocket that carries MQTT.
 */
#ifndef SERVER_WEBSOCKET_HANDSHAKE_H
#define SERVER_WEBSOCKET_HANDSHAKE_H

#include <stdbool.h>

#include "base/macros.h"
#include "base/slice.h"
#include "iothub/status.h"

/* The values of a request's headers; NULL data for those that are absent.  Borrowed. */
struct websocket_request {
    struct slice method;
    struct slice upgrade;    /* Upgrade */
    struct slice connection; /* Connection */
    struct slice version;    /* Sec-WebSocket-Version */
    struct slice key;        /* Sec-WebSocket-Key */
    struct slice protocols;  /* Sec-WebSocket-Protocol */
};

/* Base64 of 20 bytes, and NUL. */
#define WEBSOCKET_ACCEPT_SIZE 29

/* What the answer says. */
struct websocket_agreement {
    char accept[WEBSOCKET_ACCEPT_SIZE]; /* Sec-WebSocket-Accept */
    struct slice protocol;              /* as the client spells it; borrowed from the request */
};

/* Whether the path, as it stands in the request, is the one devices connect to. */
bool websocket_is_path(struct slice path);

/**
 * Judge a request to that path.
 * @param why  receives a sentence when it fails.
 * @return IOTHUB_OK; IOTHUB_GENERIC_METHOD_NOT_ALLOWED, IOTHUB_GENERIC_BAD_REQUEST.
 */
MUST_CHECK enum iothub_status websocket_agree(const struct websocket_request *request,
                                              const char **why,
                                              struct websocket_agreement *out);

#endif
