/*
 * The service API on one screen.
 * Source: IoT Hub REST reference, api-version 2021-04-12.
 */
#include "gateway/rest.h"

#define READ    HUB_REGISTRY_READ
#define WRITE   HUB_REGISTRY_WRITE
#define SERVICE HUB_SERVICE_CONNECT

#define MODULES "/devices/{}/modules"
#define MODULE  "/devices/{}/modules/{}"

const struct rest_route rest_routes[] = {
    {"GET",    "/health",                        0,       rest_health,          REST_NO_BODY,       REST_ENVELOPE, false},

    {"GET",    "/devices",                       READ,    rest_device_list,     REST_NO_BODY,       REST_ENVELOPE, false},
    {"GET",    "/devices/{}",                    READ,    rest_identity_get,    REST_NO_BODY,       REST_ENVELOPE, false},
    {"PUT",    "/devices/{}",                    WRITE,   rest_identity_put,    REST_JSON,          REST_ENVELOPE, false},
    {"DELETE", "/devices/{}",                    WRITE,   rest_identity_delete, REST_NO_BODY,       REST_ENVELOPE, false},

    {"GET",    MODULES,                          READ,    rest_module_list,     REST_NO_BODY,       REST_ENVELOPE, true },
    {"GET",    MODULE,                           READ,    rest_identity_get,    REST_NO_BODY,       REST_ENVELOPE, true },
    {"PUT",    MODULE,                           WRITE,   rest_identity_put,    REST_JSON,          REST_ENVELOPE, true },
    {"DELETE", MODULE,                           WRITE,   rest_identity_delete, REST_NO_BODY,       REST_ENVELOPE, true },

    {"POST",   "/devices/query",                 SERVICE, rest_query,           REST_JSON,          REST_ENVELOPE, false},

    {"GET",    "/twins/{}",                      SERVICE, rest_twin_get,        REST_NO_BODY,       REST_ENVELOPE, false},
    {"PATCH",  "/twins/{}",                      SERVICE, rest_twin_patch,      REST_JSON,          REST_ENVELOPE, false},
    {"PUT",    "/twins/{}",                      SERVICE, rest_twin_put,        REST_JSON,          REST_ENVELOPE, false},
    {"GET",    "/twins/{}/modules/{}",           SERVICE, rest_twin_get,        REST_NO_BODY,       REST_ENVELOPE, false},
    {"PATCH",  "/twins/{}/modules/{}",           SERVICE, rest_twin_patch,      REST_JSON,          REST_ENVELOPE, false},
    {"PUT",    "/twins/{}/modules/{}",           SERVICE, rest_twin_put,        REST_JSON,          REST_ENVELOPE, false},

    {"POST",   "/twins/{}/methods",              SERVICE, rest_method_invoke,   REST_JSON,          REST_NESTED,   false},
    {"POST",   "/twins/{}/modules/{}/methods",   SERVICE, rest_method_invoke,   REST_JSON,          REST_NESTED,   false},

    {"GET",    "/jobs/v2/query",                 SERVICE, rest_job_list,        REST_NO_BODY,       REST_ENVELOPE, false},
    {"PUT",    "/jobs/v2/{}",                    SERVICE, rest_job_put,         REST_JSON,          REST_ENVELOPE, false},
    {"GET",    "/jobs/v2/{}",                    SERVICE, rest_job_get,         REST_NO_BODY,       REST_ENVELOPE, false},
    {"POST",   "/jobs/v2/{}/cancel",             SERVICE, rest_job_cancel,      REST_JSON_OR_EMPTY, REST_ENVELOPE, false},
};

const size_t rest_n_routes = ARRAY_LEN(rest_routes);
