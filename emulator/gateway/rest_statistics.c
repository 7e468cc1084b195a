/*
 * Counts of devices over HTTP.
 * Source: IoT Hub REST, "Statistics - Get Device Statistics" and "Get Service Statistics".
 */
#include "gateway/rest.h"

#include <inttypes.h>

enum iothub_status rest_device_statistics(struct rest_call *call)
{
    struct hub_counts counts;
    enum iothub_status status = hub_count(call->hub, &counts);
    if (status == IOTHUB_OK) {
        buf_putf(&call->exchange->answer.body,
                 "{\"totalDeviceCount\":%" PRId64 ",\"enabledDeviceCount\":%" PRId64
                 ",\"disabledDeviceCount\":%" PRId64 "}",
                 counts.n_devices, counts.n_enabled, counts.n_devices - counts.n_enabled);
        rest_answer_json(call->exchange);
    }
    return status;
}

enum iothub_status rest_service_statistics(struct rest_call *call)
{
    struct hub_counts counts;
    enum iothub_status status = hub_count(call->hub, &counts);
    if (status == IOTHUB_OK) {
        buf_putf(&call->exchange->answer.body, "{\"connectedDeviceCount\":%" PRId64 "}",
                 counts.n_connected);
        rest_answer_json(call->exchange);
    }
    return status;
}
