/*
 * The MQTT user name: host, identity and parameters of a device's connection.
 *
 *     {host}/{deviceId}[/{moduleId}]/?api-version=…&DeviceClientType=…&model-id=…
 *
 * and the older forms: without '?', with the parameters as further segments, without any.
 * Source: IoT Hub documentation, "Communicate using MQTT"; the device SDKs' transports.
 */
#ifndef GATEWAY_MQTT_USER_NAME_H
#define GATEWAY_MQTT_USER_NAME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"
#include "iothub/identity.h"

/* Borrows from the user name, model_id from the scratch buffer. */
struct mqtt_user_name {
    struct slice host;
    struct identity id;
    struct slice model_id; /* empty when none is announced */
};

/* Unknown parameters are passed over; of a repeated one the first counts. */
MUST_CHECK bool mqtt_user_name_parse(struct slice text, struct buf *scratch,
                                     struct mqtt_user_name *out);

/* Whether the client id names the same identity: "{deviceId}" or "{deviceId}/{moduleId}". */
bool mqtt_client_id_matches(struct slice client_id, struct identity id);

#endif
