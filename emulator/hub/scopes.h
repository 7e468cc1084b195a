/*
 * Who is whose child: the scopes of edge devices and of the devices below them.
 *
 * An edge device owns a scope, which the hub makes of its id; a device is the child of the edge
 * device whose scope it names.  A leaf names it in deviceScope, an edge device in parentScopes.
 * Source: IoT Hub REST, "Devices - Create or Update Identity"; IoT Edge documentation, "Connect
 * downstream devices"; azure-iot-sdk-node, e2etests/test/registry.js.
 */
#ifndef HUB_SCOPES_H
#define HUB_SCOPES_H

#include <jansson.h>

#include "hub/core.h"

enum scope_check {
    SCOPES_CHECKED,
    SCOPES_TAKEN, /* as they come: the C# SDK's suite writes invented scopes in bulk */
};

/**
 * Set the record's scopes from a body; a module has none.
 * @param was     the record before the change, NULL for a new one.
 * @param record  its is_edge and generation are the new ones; untouched when it fails.
 * @return IOTHUB_OK; IOTHUB_ARGUMENT_INVALID (an edge device's own scope was changed);
 *         IOTHUB_INVALID_DEVICE_SCOPE (no text, no edge device's, or it would be its own
 *         ancestor).
 */
MUST_CHECK enum iothub_status scopes_read(struct hub *hub, const json_t *body,
                                          enum scope_check check,
                                          const struct store_identity *was,
                                          struct store_identity *record);

#endif
