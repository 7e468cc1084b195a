/*
 * The service API and the devices' HTTP on one screen.
 * Source: IoT Hub REST reference, api-version 2021-04-12.
 */
#include "gateway/rest.h"

#define READ    HUB_REGISTRY_READ
#define WRITE   HUB_REGISTRY_WRITE
#define SERVICE HUB_SERVICE_CONNECT
#define DEVICE  HUB_DEVICE_CONNECT

#define MODULES  "/devices/{}/modules"
#define MODULE   "/devices/{}/modules/{}"
#define QUEUE    "/devices/{}/messages/deviceBound"
#define FEEDBACK "/messages/serviceBound/feedback"

/* The name that the SDKs have, and the one in the hub's documentation. */
#define FILES     "/messages/serviceBound/filenotifications"
#define FILES_TOO "/messages/serviceBound/fileuploadnotifications"

/* No document says which right configurations want; both are in use. */
#define MANAGE (HUB_REGISTRY_WRITE | HUB_SERVICE_CONNECT)

/* A row a line; the formatter would break the long ones. */
// clang-format off
const struct rest_route rest_routes[] = {
    {"GET",    "/health",                        0,       rest_health,          REST_NO_BODY,       REST_ENVELOPE, false},
    {"GET",    "/_emulator/events",              SERVICE, rest_event_list,      REST_NO_BODY,       REST_ENVELOPE, false},

    {"GET",    "/devices",                       READ,    rest_device_list,     REST_NO_BODY,       REST_ENVELOPE, false},
    {"GET",    "/devices/{}",                    READ,    rest_identity_get,    REST_NO_BODY,       REST_ENVELOPE, false},
    {"PUT",    "/devices/{}",                    WRITE,   rest_identity_put,    REST_JSON,          REST_ENVELOPE, false},
    {"DELETE", "/devices/{}",                    WRITE,   rest_identity_delete, REST_NO_BODY,       REST_ENVELOPE, false},

    {"GET",    MODULES,                          READ,    rest_module_list,     REST_NO_BODY,       REST_ENVELOPE, true },
    {"GET",    MODULE,                           READ,    rest_identity_get,    REST_NO_BODY,       REST_ENVELOPE, true },
    {"PUT",    MODULE,                           WRITE,   rest_identity_put,    REST_JSON,          REST_ENVELOPE, true },
    {"DELETE", MODULE,                           WRITE,   rest_identity_delete, REST_NO_BODY,       REST_ENVELOPE, true },

    {"POST",   "/devices",                       WRITE,   rest_registry_bulk,   REST_JSON,          REST_ENVELOPE, false},
    {"POST",   "/devices/keys/regenerate",       WRITE,   rest_keys_regenerate, REST_JSON,          REST_ENVELOPE, false},

    {"GET",    "/statistics/devices",            READ,    rest_device_statistics, REST_NO_BODY,     REST_ENVELOPE, false},
    {"GET",    "/statistics/service",            SERVICE, rest_service_statistics, REST_NO_BODY,    REST_ENVELOPE, false},

    {"POST",   "/devices/query",                 SERVICE, rest_query,           REST_JSON,          REST_ENVELOPE, false},

    {"GET",    "/twins/{}",                      SERVICE, rest_twin_get,        REST_NO_BODY,       REST_ENVELOPE, false},
    {"PATCH",  "/twins/{}",                      SERVICE, rest_twin_patch,      REST_JSON,          REST_ENVELOPE, false},
    {"PUT",    "/twins/{}",                      SERVICE, rest_twin_put,        REST_JSON,          REST_ENVELOPE, false},
    {"GET",    "/twins/{}/modules/{}",           SERVICE, rest_twin_get,        REST_NO_BODY,       REST_ENVELOPE, false},
    {"PATCH",  "/twins/{}/modules/{}",           SERVICE, rest_twin_patch,      REST_JSON,          REST_ENVELOPE, false},
    {"PUT",    "/twins/{}/modules/{}",           SERVICE, rest_twin_put,        REST_JSON,          REST_ENVELOPE, false},

    {"POST",   "/twins/{}/methods",              SERVICE, rest_method_invoke,   REST_JSON,          REST_NESTED,   false},
    {"POST",   "/twins/{}/modules/{}/methods",   SERVICE, rest_method_invoke,   REST_JSON,          REST_NESTED,   false},

    {"GET",    "/digitaltwins/{}",               SERVICE, rest_digital_twin_get, REST_NO_BODY,      REST_ENVELOPE, false},
    {"PATCH",  "/digitaltwins/{}",               SERVICE, rest_digital_twin_patch, REST_JSON,       REST_ENVELOPE, false},
    {"POST",   "/digitaltwins/{}/commands/{}",   SERVICE, rest_command_invoke,  REST_JSON_OR_EMPTY, REST_NESTED,   false},
    {"POST",   "/digitaltwins/{}/components/{}/commands/{}", SERVICE, rest_component_command_invoke, REST_JSON_OR_EMPTY, REST_NESTED, false},

    {"POST",   "/jobs/create",                   WRITE,   rest_transfer_create, REST_JSON,          REST_ENVELOPE, false},
    {"GET",    "/jobs",                          READ,    rest_transfer_list,   REST_NO_BODY,       REST_ENVELOPE, false},
    {"GET",    "/jobs/{}",                       READ,    rest_transfer_none,   REST_NO_BODY,       REST_ENVELOPE, false},
    {"DELETE", "/jobs/{}",                       WRITE,   rest_transfer_none,   REST_NO_BODY,       REST_ENVELOPE, false},

    {"GET",    "/jobs/v2/query",                 SERVICE, rest_job_list,        REST_NO_BODY,       REST_ENVELOPE, false},
    {"PUT",    "/jobs/v2/{}",                    SERVICE, rest_job_put,         REST_JSON,          REST_ENVELOPE, false},
    {"GET",    "/jobs/v2/{}",                    SERVICE, rest_job_get,         REST_NO_BODY,       REST_ENVELOPE, false},
    {"POST",   "/jobs/v2/{}/cancel",             SERVICE, rest_job_cancel,      REST_JSON_OR_EMPTY, REST_ENVELOPE, false},

    {"GET",    "/configurations",                MANAGE,  rest_configuration_list, REST_NO_BODY,    REST_ENVELOPE, false},
    {"POST",   "/configurations/testQueries",    MANAGE,  rest_configuration_test, REST_JSON,       REST_ENVELOPE, false},
    {"GET",    "/configurations/{}",             MANAGE,  rest_configuration_get, REST_NO_BODY,     REST_ENVELOPE, false},
    {"PUT",    "/configurations/{}",             MANAGE,  rest_configuration_put, REST_JSON,        REST_ENVELOPE, false},
    {"DELETE", "/configurations/{}",             MANAGE,  rest_configuration_delete, REST_NO_BODY,  REST_ENVELOPE, false},
    {"POST",   "/devices/{}/applyConfigurationContent", MANAGE, rest_configuration_apply, REST_JSON, REST_ENVELOPE, false},

    {"POST",   QUEUE,                            SERVICE, rest_message_send,    REST_RAW,           REST_ENVELOPE, false},
    {"DELETE", "/devices/{}/commands",           SERVICE, rest_queue_purge,     REST_NO_BODY,       REST_ENVELOPE, false},
    {"GET",    FEEDBACK,                         SERVICE, rest_feedback_next,   REST_NO_BODY,       REST_ENVELOPE, false},
    {"DELETE", FEEDBACK "/{}",                   SERVICE, rest_feedback_complete, REST_NO_BODY,     REST_ENVELOPE, false},
    {"POST",   FEEDBACK "/{}/abandon",           SERVICE, rest_feedback_abandon, REST_NO_BODY,      REST_ENVELOPE, false},

    {"GET",    FILES,                            SERVICE, rest_file_notification_next, REST_NO_BODY, REST_ENVELOPE, false},
    {"DELETE", FILES "/{}",                      SERVICE, rest_file_notification_complete, REST_NO_BODY, REST_ENVELOPE, false},
    {"POST",   FILES "/{}/abandon",              SERVICE, rest_file_notification_abandon, REST_NO_BODY, REST_ENVELOPE, false},
    {"GET",    FILES_TOO,                        SERVICE, rest_file_notification_next, REST_NO_BODY, REST_ENVELOPE, false},
    {"DELETE", FILES_TOO "/{}",                  SERVICE, rest_file_notification_complete, REST_NO_BODY, REST_ENVELOPE, false},
    {"POST",   FILES_TOO "/{}/abandon",          SERVICE, rest_file_notification_abandon, REST_NO_BODY, REST_ENVELOPE, false},

    {"POST",   "/devices/{}/files",              DEVICE,  rest_file_begin,      REST_JSON,          REST_ENVELOPE, false},
    {"POST",   "/devices/{}/files/notifications", DEVICE, rest_file_end,        REST_JSON,          REST_ENVELOPE, false},
    {"POST",   "/devices/{}/files/notifications/{}", DEVICE, rest_file_end,     REST_JSON,          REST_ENVELOPE, false},

    {"POST",   "/devices/{}/messages/events",    DEVICE,  rest_event_send,      REST_RAW,           REST_ENVELOPE, false},
    {"POST",   MODULE "/messages/events",        DEVICE,  rest_event_send,      REST_RAW,           REST_ENVELOPE, false},
    {"GET",    QUEUE,                            DEVICE,  rest_message_next,    REST_NO_BODY,       REST_ENVELOPE, false},
    {"DELETE", QUEUE "/{}",                      DEVICE,  rest_message_end,     REST_NO_BODY,       REST_ENVELOPE, false},
    {"POST",   QUEUE "/{}/abandon",              DEVICE,  rest_message_abandon, REST_NO_BODY,       REST_ENVELOPE, false},
};
// clang-format on

const size_t rest_n_routes = ARRAY_LEN(rest_routes);
