/*
 * Device and module identities.
 */
#include "iothub/service.h"

#include <stddef.h>

#include "base/buf.h"
#include "iothub/limits.h"
#include "service/src/client.h"
#include "service/src/document.h"

/* The id must stand in the body too, and there it must be the one of the path. */
static enum iothub_status put_member(struct iothub_service *service, struct buf *body,
                                     const char *name, const char *id)
{
    struct buf longer;
    buf_init(&longer, BUF_CAP_OWN);
    if (!document_put_with(&longer, buf_text(body), name, id)) {
        buf_finish(&longer);
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "the identity's %s is not \"%s\"",
                           name, id);
    }
    buf_finish(body);
    *body = longer;
    return IOTHUB_OK;
}

/* PUT an identity: call->etag tells creation from update. */
static enum iothub_status put_identity(struct iothub_service *service, struct call *call,
                                       const char *identity, char **out)
{
    if (identity == NULL) {
        identity = "{}";
    }
    enum iothub_status status =
        client_check_json(service, "the identity", identity, CLIENT_OBJECT);
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    buf_put_text(&body, identity);
    if (status == IOTHUB_OK && call->module_id != NULL) {
        status = put_member(service, &body, "moduleId", call->module_id);
    }
    if (status == IOTHUB_OK && call->device_id != NULL) {
        status = put_member(service, &body, "deviceId", call->device_id);
    }
    if (status == IOTHUB_OK) {
        call->body = buf_text(&body);
        status = client_call_json(service, call, out);
    }
    buf_finish(&body);
    return status;
}

enum iothub_status iothub_service_device_create(struct iothub_service *service,
                                                const char *device_id, const char *identity,
                                                char **out)
{
    struct call call = {.operation = OP_DEVICE_CREATE, .device_id = device_id};
    return put_identity(service, &call, identity, out);
}

enum iothub_status iothub_service_device_get(struct iothub_service *service,
                                             const char *device_id, char **out)
{
    const struct call call = {.operation = OP_DEVICE_GET, .device_id = device_id};
    return client_call_json(service, &call, out);
}

enum iothub_status iothub_service_device_update(struct iothub_service *service,
                                                const char *device_id, const char *identity,
                                                const char *etag, char **out)
{
    struct call call = {.operation = OP_DEVICE_UPDATE,
                        .device_id = device_id,
                        .etag = client_etag_or_any(etag)};
    return put_identity(service, &call, identity, out);
}

enum iothub_status iothub_service_device_delete(struct iothub_service *service,
                                                const char *device_id, const char *etag)
{
    const struct call call = {.operation = OP_DEVICE_DELETE,
                              .device_id = device_id,
                              .etag = client_etag_or_any(etag)};
    return client_call_json(service, &call, NULL);
}

enum iothub_status iothub_service_device_list(struct iothub_service *service, unsigned top,
                                              char **out)
{
    if (top > LIMIT_LIST_DEVICES) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "a list has at most %d devices",
                           LIMIT_LIST_DEVICES);
    }
    struct buf parameters;
    buf_init(&parameters, BUF_CAP_OWN);
    if (top != 0) {
        buf_putf(&parameters, "top=%u", top);
    }
    const struct call call = {.operation = OP_DEVICE_LIST, .parameters = buf_text(&parameters)};
    enum iothub_status status = client_call_json(service, &call, out);
    buf_finish(&parameters);
    return status;
}

enum iothub_status iothub_service_module_create(struct iothub_service *service,
                                                const char *device_id, const char *module_id,
                                                const char *identity, char **out)
{
    struct call call = {
        .operation = OP_MODULE_CREATE, .device_id = device_id, .module_id = module_id};
    return put_identity(service, &call, identity, out);
}

enum iothub_status iothub_service_module_get(struct iothub_service *service,
                                             const char *device_id, const char *module_id,
                                             char **out)
{
    const struct call call = {
        .operation = OP_MODULE_GET, .device_id = device_id, .module_id = module_id};
    return client_call_json(service, &call, out);
}

enum iothub_status iothub_service_module_update(struct iothub_service *service,
                                                const char *device_id, const char *module_id,
                                                const char *identity, const char *etag,
                                                char **out)
{
    struct call call = {.operation = OP_MODULE_UPDATE,
                        .device_id = device_id,
                        .module_id = module_id,
                        .etag = client_etag_or_any(etag)};
    return put_identity(service, &call, identity, out);
}

enum iothub_status iothub_service_module_delete(struct iothub_service *service,
                                                const char *device_id, const char *module_id,
                                                const char *etag)
{
    const struct call call = {.operation = OP_MODULE_DELETE,
                              .device_id = device_id,
                              .module_id = module_id,
                              .etag = client_etag_or_any(etag)};
    return client_call_json(service, &call, NULL);
}

enum iothub_status iothub_service_module_list(struct iothub_service *service,
                                              const char *device_id, char **out)
{
    const struct call call = {.operation = OP_MODULE_LIST, .device_id = device_id};
    return client_call_json(service, &call, out);
}
