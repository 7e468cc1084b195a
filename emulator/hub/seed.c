/*
 * Devices from the configuration file.
 */
#include "hub/core.h"
#include "iothub/json.h"

static const struct hub_condition create_only = {.match = HUB_MATCH_NONE};

static enum iothub_status seed_reported(struct hub *hub, struct identity id,
                                        const json_t *reported)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    int64_t version = 0;
    json_put(&text, reported);
    enum iothub_status status = hub_twin_report(hub, id, buf_slice(&text), &version);
    buf_finish(&text);
    return status;
}

/* An identity with its twin, as one object of the file describes it. */
static enum iothub_status seed_one(struct hub *hub, struct identity id, const json_t *seed)
{
    struct buf body = {.cap = BUF_CAP_OWN};
    struct hub_document document = {.body = &body};
    const json_t *properties = json_object_get(seed, "properties");
    const json_t *reported = json_object_get(properties, "reported");
    enum iothub_status status = hub_identity_put(hub, id, seed, create_only, &document);
    if (status == IOTHUB_OK && (json_object_get(seed, "tags") != NULL ||
                                json_object_get(properties, "desired") != NULL)) {
        status = hub_twin_update(hub, id, seed, false, create_only, NULL);
    }
    if (status == IOTHUB_OK && reported != NULL) {
        status = seed_reported(hub, id, reported);
    }
    buf_finish(&body);
    return status;
}

static enum iothub_status seed_modules(struct hub *hub, struct slice device_id,
                                       const json_t *modules)
{
    enum iothub_status status = IOTHUB_OK;
    for (size_t i = 0; i < json_array_size(modules) && status == IOTHUB_OK; i++) {
        const json_t *module = json_array_get(modules, i);
        struct identity id = {device_id,
                              json_string_slice(json_object_get(module, "moduleId"))};
        status = id.module_id.len == 0
                     ? hub_fail(hub, IOTHUB_ARGUMENT_NULL, "moduleId is missing.")
                     : seed_one(hub, id, module);
    }
    return status;
}

enum iothub_status hub_device_seed(struct hub *hub, const json_t *seed, bool *created)
{
    struct store_identity existing;
    struct identity id =
        identity_of_device(json_string_slice(json_object_get(seed, "deviceId")));
    *created = false;
    if (id.device_id.len == 0) {
        return hub_fail(hub, IOTHUB_ARGUMENT_NULL, "deviceId is missing.");
    }
    int found = store_identity_get(hub->store, id, &existing);
    if (found <= 0) {
        return found == 0 ? IOTHUB_OK : hub_store_failed(hub);
    }
    enum iothub_status status = seed_one(hub, id, seed);
    if (status == IOTHUB_OK) {
        status = seed_modules(hub, id.device_id, json_object_get(seed, "modules"));
    }
    if (status != IOTHUB_OK && store_identity_get(hub->store, id, &existing) == 0) {
        /* A device that is there half would be passed over next time. */
        (void)!store_identity_delete(hub->store, &existing);
    }
    *created = status == IOTHUB_OK;
    return status;
}
