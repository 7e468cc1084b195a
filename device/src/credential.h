/*
 * Who a device says it is: the client id, user name and password of its MQTT CONNECT.
 * Source: IoT Hub documentation, "Communicate with your IoT hub using the MQTT protocol",
 * "Use the MQTT protocol directly"; the Node, Python and C device SDKs.
 */
#ifndef DEVICE_SRC_CREDENTIAL_H
#define DEVICE_SRC_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "iothub/connection_string.h"
#include "iothub/identity.h"

#define CREDENTIAL_API_VERSION "2021-04-12"

/* Borrowed from the connection string. */
struct identity credential_identity(const struct connection_string *cs);

/* {deviceId} or {deviceId}/{moduleId} */
void credential_put_client_id(struct buf *out, const struct connection_string *cs);

/*
 * {host}/{device}[/{module}]/?api-version=…[&model-id=…]&DeviceClientType=…
 * @param model_id, product_info  may be NULL.
 */
void credential_put_user_name(struct buf *out, const struct connection_string *cs,
                              const char *model_id, const char *product_info);

/*
 * A SAS token for the identity alone, signed with the connection string's key.
 * @return false and nothing appended when there is no key to sign with.
 */
MUST_CHECK bool credential_put_token(struct buf *out, const struct connection_string *cs,
                                     int64_t expiry_s);

/* When a token that was made at now_ms is to be renewed: at the first quiet moment, at the
 * latest. */
struct renewal {
    int64_t from_ms;
    int64_t until_ms;
};

/* 80 and 85 % of the lifetime: the C SDK renews at 80 %. */
struct renewal renewal_of(int64_t now_ms, int64_t lifetime_s);

/* Never. */
struct renewal renewal_none(void);

#endif
