/*
 * Documents of configurations, and what twins show of them.
 * Source: IoT Hub REST, "Configuration - Get"; recorded answers in azure-sdk-for-net.
 */
#include "hub/configuration_view.h"

#include <inttypes.h>

#include "base/iso8601.h"
#include "hub/etag.h"
#include "iothub/json.h"

static void put_raw(struct buf *out, const char *name, const char *json)
{
    buf_putf(out, "\"%s\":", name);
    buf_put_text(out, json == NULL ? "null" : json);
    buf_put_char(out, ',');
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    buf_putf(out, "\"%s\":", name);
    json_put_string(out, slice_of(text));
    buf_put_char(out, ',');
}

enum iothub_status configuration_view(struct hub *hub,
                                      const struct configuration *configuration,
                                      const struct store_configuration *record, int64_t *budget,
                                      struct buf *out)
{
    char time[ISO8601_MAX];
    char etag[HUB_ETAG_SIZE];
    buf_put_char(out, '{');
    put_text(out, "id", record->configuration_id);
    put_raw(out, "schemaVersion", record->schema_version);
    put_raw(out, "labels", record->labels);
    put_raw(out, "content", record->content);
    put_text(out, "targetCondition", record->condition);
    put_text(out, "createdTimeUtc", iso8601_format(time, record->created_ms));
    put_text(out, "lastUpdatedTimeUtc", iso8601_format(time, record->updated_ms));
    buf_putf(out, "\"priority\":%" PRId64 ",", record->priority);
    enum iothub_status status =
        configuration_metrics_write(hub, configuration, record, budget, out);
    etag_of_identity(etag, record->revision);
    buf_putf(out, ",\"etag\":\"%s\"}", etag);
    return status;
}

bool hub_configurations_put_statuses(const struct hub *hub, int64_t identity_seq,
                                     struct buf *out)
{
    struct store_configuration_target target = {0};
    const char *separator = "{";
    if (hub->configurations == NULL || hub->configurations->n_live == 0) {
        return false;
    }
    while (store_configuration_target_next(hub->store, identity_seq, target.configuration_seq,
                                           &target) == 0) {
        const struct configuration *configuration =
            configuration_find_seq(hub, target.configuration_seq);
        if (configuration != NULL) {
            buf_put_text(out, separator);
            json_put_string(out, slice_of(configuration->id));
            buf_putf(out, ":{\"status\":\"%s\"}", target.is_applied ? "Applied" : "Targeted");
            separator = ",";
        }
    }
    if (separator[0] == '{') {
        return false;
    }
    buf_put_char(out, '}');
    return true;
}
