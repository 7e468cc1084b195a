/*
 * Requests about many identities, and counts of them.
 */
#include "iothub/service.h"

#include <stdlib.h>

#include "iothub/json.h"
#include "service/src/client.h"

/* The one version that has this operation. */
#define KEYS_API_VERSION "2024-03-31"

static struct slice member(const json_t *object, const char *name)
{
    return json_string_slice(json_get_nocase(object, name));
}

/* Note how many items failed, and of the first which and why. */
static enum iothub_status fail_items(struct iothub_service *service, enum iothub_status status,
                                     const json_t *errors)
{
    const json_t *first = json_array_get(errors, 0);
    struct slice id = member(first, "deviceId");
    struct slice code = member(first, "errorCode");
    struct slice text = member(first, "errorStatus");
    if (id.len == 0) {
        id = member(first, "id");
    }
    return client_fail(service, status, "%zu failed, the first being %.*s: %.*s %.*s",
                       json_array_size(errors), SLICE_ARG(id), SLICE_ARG(code),
                       SLICE_ARG(text));
}

/* The document comes out whether all could be done or not. */
static enum iothub_status call_results(struct iothub_service *service, const struct call *call,
                                       enum iothub_status failure, char **out)
{
    struct http_answer answer;
    enum iothub_status status = client_call(service, call, &answer);
    if (status != IOTHUB_OK) {
        return status;
    }
    int http_status = answer.status;
    json_t *results = json_parse(buf_slice(&answer.body), NULL);
    const json_t *errors = json_object_get(results, "errors");
    if (json_array_size(errors) != 0 ||
        json_is_false(json_object_get(results, "isSuccessful"))) {
        status = fail_items(service, failure, errors);
        service->http_status = http_status;
    }
    json_decref(results);
    if (out != NULL) {
        *out = buf_take_text(&answer.body);
    }
    http_answer_finish(&answer);
    return status;
}

enum iothub_status iothub_service_devices_bulk(struct iothub_service *service,
                                               const char *items, char **out)
{
    enum iothub_status status = client_check_json(service, "the list", items, CLIENT_ARRAY);
    if (status != IOTHUB_OK) {
        return status;
    }
    const struct call call = {.operation = OP_BULK, .body = items};
    return call_results(service, &call, IOTHUB_BULK_REGISTRY_OPERATION_FAILURE, out);
}

static const char *key_name(enum iothub_service_key key)
{
    switch (key) {
    case IOTHUB_SERVICE_PRIMARY_KEY:
        return "primaryKey";
    case IOTHUB_SERVICE_SECONDARY_KEY:
        return "secondaryKey";
    case IOTHUB_SERVICE_BOTH_KEYS:
        return "both";
    }
    return "";
}

enum iothub_status iothub_service_keys_regenerate(struct iothub_service *service,
                                                  enum iothub_service_key key,
                                                  const char *identities, char **out)
{
    enum iothub_status status =
        client_check_json(service, "the list", identities, CLIENT_ARRAY);
    if (status != IOTHUB_OK) {
        return status;
    }
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    buf_putf(&body, "{\"policyKey\":\"%s\",\"devices\":%s}", key_name(key), identities);
    const struct call call = {.operation = OP_KEYS_REGENERATE,
                              .api_version = KEYS_API_VERSION,
                              .body = buf_text(&body)};
    status =
        call_results(service, &call, IOTHUB_BULK_REGENERATE_DEVICE_KEY_OPERATION_FAILURE, out);
    buf_finish(&body);
    return status;
}

enum iothub_status iothub_service_device_statistics(struct iothub_service *service, char **out)
{
    const struct call call = {.operation = OP_DEVICE_STATISTICS};
    return client_call_json(service, &call, out);
}

enum iothub_status iothub_service_service_statistics(struct iothub_service *service, char **out)
{
    const struct call call = {.operation = OP_SERVICE_STATISTICS};
    return client_call_json(service, &call, out);
}
