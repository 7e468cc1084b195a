/*
 * How many devices there are and how many of them are connected; both are kept, not counted
 * anew. Source: IoT Hub REST, "Statistics".
 */
#include "hub/core.h"

enum iothub_status hub_count(struct hub *hub, struct hub_counts *out)
{
    int64_t n_enabled = 0;
    int64_t n_disabled = 0;
    if (store_identity_count_devices(hub->store, true, &n_enabled) != 0 ||
        store_identity_count_devices(hub->store, false, &n_disabled) != 0) {
        return hub_store_failed(hub);
    }
    *out = (struct hub_counts){.n_devices = n_enabled + n_disabled,
                               .n_enabled = n_enabled,
                               .n_connected = hub->n_devices_online};
    return IOTHUB_OK;
}
