/*
 * Twins of devices and modules.
 */
#include "iothub/service.h"

#include <stddef.h>

#include "service/src/client.h"

enum iothub_status iothub_service_twin_get(struct iothub_service *service,
                                           const char *device_id, const char *module_id,
                                           char **out)
{
    const struct call call = {
        .operation = OP_TWIN_GET, .device_id = device_id, .module_id = module_id};
    return client_call_json(service, &call, out);
}

static enum iothub_status write_twin(struct iothub_service *service, struct call *call,
                                     const char *what, char **out)
{
    enum iothub_status status = client_check_json(service, what, call->body, CLIENT_OBJECT);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (call->etag == NULL) {
        call->etag = "*";
    }
    return client_call_json(service, call, out);
}

enum iothub_status iothub_service_twin_update(struct iothub_service *service,
                                              const char *device_id, const char *module_id,
                                              const char *patch, const char *etag, char **out)
{
    struct call call = {.operation = OP_TWIN_UPDATE,
                        .device_id = device_id,
                        .module_id = module_id,
                        .body = patch,
                        .etag = etag};
    return write_twin(service, &call, "the twin patch", out);
}

enum iothub_status iothub_service_twin_replace(struct iothub_service *service,
                                               const char *device_id, const char *module_id,
                                               const char *twin, const char *etag, char **out)
{
    struct call call = {.operation = OP_TWIN_REPLACE,
                        .device_id = device_id,
                        .module_id = module_id,
                        .body = twin,
                        .etag = etag};
    return write_twin(service, &call, "the twin", out);
}
