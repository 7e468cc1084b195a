/*
 * Modules of edge devices, and content for one device by hand.
 * Source: IoT Hub REST, "Configuration - Apply On Edge Device"; the Azure CLI's integration
 * tests of "az iot edge set-modules".
 */
#include <string.h>

#include "hub/configuration.h"
#include "hub/configuration_merge.h"
#include "hub/registry.h"
#include "hub/twin_merge.h"
#include "iothub/json.h"

/* ---- modules ----------------------------------------------------------------------------- */

void configuration_edge_list_modules(const json_t *agent, json_t *listed)
{
    const char *key = NULL;
    json_t *module = NULL;
    json_object_foreach(json_object_get(agent, "modules"), key, module)
    {
        if (!json_is_null(module)) {
            json_object_set_new(listed, key, json_true());
        }
    }
}

void configuration_edge_name_modules(const struct configuration_content *content,
                                     json_t *listed)
{
    for (size_t i = 0; i < content->n_twins; i++) {
        const char *module_id = content->twins[i].module_id;
        /* The two that every edge device has need no mention. */
        if (strcmp(module_id, "$edgeAgent") != 0 && strcmp(module_id, "$edgeHub") != 0) {
            json_object_set_new(listed, module_id, json_true());
        }
    }
}

static bool is_obsolete(const struct store_identity *module, const json_t *listed)
{
    return module->module_id[0] != '$' && strcmp(module->managed_by, "iotEdge") == 0 &&
           json_object_get(listed, module->module_id) == NULL;
}

/* Before anything is written: whether all of it can be. */
static enum iothub_status check_modules(struct hub *hub, const struct store_identity *device,
                                        const json_t *listed, bool is_all)
{
    struct store_identity module = {0};
    struct slice device_id = slice_of(device->device_id);
    size_t n = json_object_size(listed);
    int found = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)listed, key, value)
    {
        if (!identity_is_valid_id(slice_of(key)) || key[0] == '$') {
            return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                            "The module id '%.200s' is not valid.", key);
        }
    }
    while ((found = store_identity_next_module(hub->store, device_id, module.seq, &module)) ==
           0) {
        bool stays = !is_all || !is_obsolete(&module, listed);
        n += stays && json_object_get(listed, module.module_id) == NULL ? 1 : 0;
    }
    if (found < 0) {
        return hub_store_failed(hub);
    }
    return n <= LIMIT_MODULES_PER_DEVICE
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_TOO_MANY_MODULES_ON_DEVICE,
                          "A device has at most %d modules.", LIMIT_MODULES_PER_DEVICE);
}

static enum iothub_status remove_obsolete(struct hub *hub, const struct store_identity *device,
                                          const json_t *listed)
{
    struct store_identity module = {0};
    struct slice device_id = slice_of(device->device_id);
    enum iothub_status status = IOTHUB_OK;
    int found = 0;
    while (status == IOTHUB_OK && (found = store_identity_next_module(
                                       hub->store, device_id, module.seq, &module)) == 0) {
        if (is_obsolete(&module, listed)) {
            status = registry_delete(hub, &module);
        }
    }
    return found < 0 ? hub_store_failed(hub) : status;
}

static enum iothub_status create_missing(struct hub *hub, const struct store_identity *device,
                                         const json_t *listed)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)listed, key, value)
    {
        struct store_identity module;
        struct identity id = {slice_of(device->device_id), slice_of(key)};
        int found = store_identity_get(hub->store, id, &module);
        if (found < 0) {
            return hub_store_failed(hub);
        }
        enum iothub_status status = found == 0 ? IOTHUB_OK : registry_create_deployed(hub, id);
        if (status != IOTHUB_OK) {
            return status;
        }
    }
    return IOTHUB_OK;
}

enum iothub_status configuration_edge_set_modules(struct hub *hub,
                                                  const struct store_identity *device,
                                                  const json_t *listed, bool is_all)
{
    enum iothub_status status = check_modules(hub, device, listed, is_all);
    if (status == IOTHUB_OK && is_all) {
        status = remove_obsolete(hub, device, listed);
    }
    return status == IOTHUB_OK ? create_missing(hub, device, listed) : status;
}

/* ---- content by hand --------------------------------------------------------------------- */

/* What was sent for one device. */
struct application {
    struct store_identity device;
    struct configuration_content contents[CONFIGURATION_N_KINDS]; /* without twins: not sent */
};

static void finish(struct application *application)
{
    for (size_t i = 0; i < CONFIGURATION_N_KINDS; i++) {
        configuration_content_finish(&application->contents[i]);
    }
}

static enum iothub_status read_contents(struct hub *hub, const json_t *body,
                                        struct application *application)
{
    size_t n = 0;
    for (size_t i = 0; i < CONFIGURATION_N_KINDS; i++) {
        enum configuration_kind kind = (enum configuration_kind)i;
        const json_t *value = json_get_nocase(body, configuration_kind_name(kind));
        if (value == NULL || json_is_null(value)) {
            continue;
        }
        buf_reset(&hub->error);
        if (!configuration_content_read(kind, value, &application->contents[i], &hub->error)) {
            return IOTHUB_INVALID_CONFIGURATION_CONTENT;
        }
        n++;
    }
    return n != 0 ? IOTHUB_OK
                  : hub_fail(hub, IOTHUB_INVALID_CONFIGURATION_CONTENT,
                             "The content has none of deviceContent, moduleContent and "
                             "modulesContent.");
}

/* What has to be merged; all of desired takes the place of what is there.  A new reference. */
static enum iothub_status make_patch(struct hub *hub, struct identity id,
                                     const struct content_twin *content, bool is_exact,
                                     json_t **out)
{
    struct store_identity identity;
    struct store_twin twin;
    enum iothub_status status = hub_find_identity(hub, id, &identity);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (store_twin_get(hub->store, identity.seq, &twin) != 0) {
        return hub_store_failed(hub);
    }
    json_t *desired = configuration_merge_document(content);
    if (!is_exact) {
        *out = desired;
        return IOTHUB_OK;
    }
    json_t *current = json_parse(twin.desired, NULL);
    *out = twin_replacement(current, desired);
    json_decref(current);
    json_decref(desired);
    return IOTHUB_OK;
}

static enum iothub_status write_twin(struct hub *hub, struct identity id,
                                     const struct content_twin *content, bool is_exact)
{
    json_t *patch = NULL;
    enum iothub_status status = make_patch(hub, id, content, is_exact, &patch);
    if (status != IOTHUB_OK) {
        return status;
    }
    json_t *body = json_object();
    json_t *properties = json_object();
    json_object_set_new(properties, "desired", patch);
    json_object_set_new(body, "properties", properties);
    status = hub_twin_update(hub, id, body, false, (struct hub_condition){0}, NULL);
    json_decref(body);
    return status;
}

static enum iothub_status write_modules(struct hub *hub, struct slice device_id,
                                        const struct content_twin *content)
{
    struct store_identity module = {0};
    enum iothub_status status = IOTHUB_OK;
    int found = 0;
    while (status == IOTHUB_OK && (found = store_identity_next_module(
                                       hub->store, device_id, module.seq, &module)) == 0) {
        status = write_twin(hub, store_identity_id(&module), content, false);
    }
    return found < 0 ? hub_store_failed(hub) : status;
}

static enum iothub_status write_twins(struct hub *hub, void *ctx)
{
    const struct application *application = ctx;
    struct slice device_id = slice_of(application->device.device_id);
    const struct configuration_content *device = &application->contents[CONFIGURATION_DEVICE];
    const struct configuration_content *module = &application->contents[CONFIGURATION_MODULE];
    const struct configuration_content *edge = &application->contents[CONFIGURATION_EDGE];
    enum iothub_status status = IOTHUB_OK;
    if (device->n_twins != 0) {
        status = write_twin(hub, identity_of_device(device_id), &device->twins[0], false);
    }
    if (status == IOTHUB_OK && module->n_twins != 0) {
        status = write_modules(hub, device_id, &module->twins[0]);
    }
    for (size_t i = 0; i < edge->n_twins && status == IOTHUB_OK; i++) {
        struct identity id = {device_id, slice_of(edge->twins[i].module_id)};
        status = write_twin(hub, id, &edge->twins[i], content_twin_is_whole(&edge->twins[i]));
    }
    return status;
}

/* A manifest with all of $edgeAgent says which modules there are; parts of it only add some. */
static enum iothub_status set_modules(struct hub *hub, const struct application *application)
{
    const struct configuration_content *edge = &application->contents[CONFIGURATION_EDGE];
    if (edge->n_twins == 0) {
        return IOTHUB_OK;
    }
    if (!application->device.is_edge) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "Not an Azure IoT Edge device");
    }
    const struct content_twin *agent = configuration_content_of(edge, SLICE("$edgeAgent"));
    json_t *document = agent == NULL ? json_object() : configuration_merge_document(agent);
    json_t *listed = json_object();
    configuration_edge_name_modules(edge, listed);
    configuration_edge_list_modules(document, listed);
    enum iothub_status status = configuration_edge_set_modules(
        hub, &application->device, listed, agent != NULL && content_twin_is_whole(agent));
    json_decref(document);
    json_decref(listed);
    return status;
}

enum iothub_status hub_configuration_apply(struct hub *hub, struct slice device_id,
                                           const json_t *body)
{
    struct application application = {0};
    enum iothub_status status = read_contents(hub, body, &application);
    if (status == IOTHUB_OK) {
        status = hub_find_identity(hub, identity_of_device(device_id), &application.device);
    }
    if (status == IOTHUB_OK) {
        status = set_modules(hub, &application);
    }
    if (status == IOTHUB_OK) {
        status = hub_all_or_nothing(hub, write_twins, &application);
    }
    finish(&application);
    return status;
}
