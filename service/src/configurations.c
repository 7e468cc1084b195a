/*
 * Automatic device configurations and edge deployments.
 */
#include "iothub/service.h"

#include <stddef.h>

#include "iothub/json.h"
#include "service/src/client.h"
#include "service/src/document.h"

/* PUT a configuration: call->etag tells creation from update. */
static enum iothub_status put_configuration(struct iothub_service *service, struct call *call,
                                            const char *configuration, char **out)
{
    enum iothub_status status =
        client_check_json(service, "the configuration", configuration, CLIENT_OBJECT);
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    if (status == IOTHUB_OK && call->configuration_id != NULL &&
        !document_put_with(&body, configuration, "id", call->configuration_id)) {
        status = client_fail(service, IOTHUB_BAD_ARGUMENT,
                             "the configuration's id is not \"%s\"", call->configuration_id);
    }
    if (status == IOTHUB_OK) {
        call->body = buf_text(&body);
        status = client_call_json(service, call, out);
    }
    buf_finish(&body);
    return status;
}

enum iothub_status iothub_service_configuration_create(struct iothub_service *service,
                                                       const char *id,
                                                       const char *configuration, char **out)
{
    struct call call = {.operation = OP_CONFIGURATION_CREATE, .configuration_id = id};
    return put_configuration(service, &call, configuration, out);
}

enum iothub_status iothub_service_configuration_get(struct iothub_service *service,
                                                    const char *id, char **out)
{
    const struct call call = {.operation = OP_CONFIGURATION_GET, .configuration_id = id};
    return client_call_json(service, &call, out);
}

enum iothub_status iothub_service_configuration_update(struct iothub_service *service,
                                                       const char *id,
                                                       const char *configuration,
                                                       const char *etag, char **out)
{
    struct call call = {.operation = OP_CONFIGURATION_UPDATE,
                        .configuration_id = id,
                        .etag = client_etag_or_any(etag)};
    return put_configuration(service, &call, configuration, out);
}

enum iothub_status iothub_service_configuration_delete(struct iothub_service *service,
                                                       const char *id, const char *etag)
{
    const struct call call = {.operation = OP_CONFIGURATION_DELETE,
                              .configuration_id = id,
                              .etag = client_etag_or_any(etag)};
    return client_call_json(service, &call, NULL);
}

enum iothub_status iothub_service_configuration_list(struct iothub_service *service,
                                                     unsigned top, char **out)
{
    struct buf parameters;
    buf_init(&parameters, BUF_CAP_OWN);
    if (top != 0) {
        buf_putf(&parameters, "top=%u", top);
    }
    const struct call call = {.operation = OP_CONFIGURATION_LIST,
                              .parameters = buf_text(&parameters)};
    enum iothub_status status = client_call_json(service, &call, out);
    buf_finish(&parameters);
    return status;
}

enum iothub_status iothub_service_configuration_test(struct iothub_service *service,
                                                     const char *target_condition,
                                                     const char *metrics, char **out)
{
    enum iothub_status status =
        metrics == NULL ? IOTHUB_OK
                        : client_check_json(service, "the metrics", metrics, CLIENT_OBJECT);
    if (status != IOTHUB_OK) {
        return status;
    }
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    buf_put_text(&body, "{\"targetCondition\":");
    json_put_string(&body, slice_of(target_condition));
    buf_putf(&body, ",\"customMetricQueries\":%s}", metrics == NULL ? "{}" : metrics);
    const struct call call = {.operation = OP_CONFIGURATION_TEST, .body = buf_text(&body)};
    status = client_call_json(service, &call, out);
    buf_finish(&body);
    return status;
}

enum iothub_status iothub_service_content_apply(struct iothub_service *service,
                                                const char *device_id, const char *content)
{
    enum iothub_status status =
        client_check_json(service, "the content", content, CLIENT_OBJECT);
    if (status != IOTHUB_OK) {
        return status;
    }
    const struct call call = {
        .operation = OP_CONTENT_APPLY, .device_id = device_id, .body = content};
    return client_call_json(service, &call, NULL);
}
