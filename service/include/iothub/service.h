/*
 * The service side of an IoT hub: registry, twins, direct methods, queries, scheduled jobs,
 * configurations, digital twins and cloud-to-device messages.
 *
 * One struct iothub_service speaks to one hub over HTTPS with one kept-alive connection.  Calls
 * are synchronous; each waits at most the client's timeout_ms, repeated attempts included.
 * Documents go in and come out as JSON text, numbers and member order untouched.
 *
 * Every call that talks to the hub can answer, besides what its comment names:
 *   IOTHUB_BAD_ARGUMENT       an id, a text or a document that cannot be sent; nothing was sent
 *   IOTHUB_CONNECTION_FAILED  the hub could not be reached or closed the connection
 *   IOTHUB_TLS_FAILED         its certificate was not accepted, or TLS failed otherwise
 *   IOTHUB_TIMED_OUT          no complete answer within timeout_ms
 *   IOTHUB_INTERRUPTED        options.interrupted said so
 *   IOTHUB_UNEXPECTED_ANSWER  the answer is none of a hub's: too long, not JSON, a foreign
 * error any status of the hub's own table, as its answer names it: IOTHUB_UNAUTHORIZED_ACCESS,
 *   IOTHUB_THROTTLING_EXCEPTION, IOTHUB_SERVER_ERROR ...
 * The text that came with the last failure is iothub_service_error_text().
 *
 * Attempts are repeated with exponential back-off and jitter when the connection fails, and on
 * 429 and 5xx answers, as far as a repetition can do no harm: reads and unconditional twin
 * writes always; creating, deleting and conditional writes only when the hub cannot have acted
 * (no connection, 429, 503); a direct method only when it was never sent.
 *
 * Texts given to a call are borrowed for the call.  Texts that come out through `out` belong to
 * the caller, who frees them with free(); where a call takes `char **out`, NULL means that
 * the document is not wanted.  Outputs are written on success only.
 *
 * The environment's http_proxy, https_proxy and no_proxy are obeyed, but for a hub on this
 * machine and where options.address is given.
 *
 * A struct iothub_service may be used by one thread at a time; several may be used side by
 * side. Source: IoT Hub REST reference, api-version 2021-04-12.
 */
#ifndef IOTHUB_SERVICE_H
#define IOTHUB_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "iothub/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define IOTHUB_SERVICE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define IOTHUB_SERVICE_MUST_CHECK
#endif

/* A client of one hub.  Opaque; made by iothub_service_create(). */
struct iothub_service;

/* {0} with a connection string is a complete set of options. */
struct iothub_service_options {
    /* "HostName=…;SharedAccessKeyName=…;SharedAccessKey=…", or with SharedAccessSignature=… for
     * a ready-made token.  Required. */
    const char *connection_string;
    const char *ca_file; /* PEM certificates to trust instead of the system's */
    const char *address; /* connect to this name or address; certificate checks and the Host
                            header keep to HostName */
    unsigned port;       /* 0: 443, or 80 with is_plain */
    bool is_plain;       /* HTTP without TLS; the token can then be read on the way */

    int timeout_ms;          /* 0: 60,000 */
    int token_lifetime_s;    /* 0: 3600 */
    int retries;             /* repeated attempts at most; 0: 4, negative: none */
    int retry_delay_ms;      /* before the first repetition, doubled each time; 0: 500 */
    size_t max_answer_bytes; /* a longer answer fails; 0: 64 MiB */
    const char *user_agent;  /* NULL: "iothub-service-c/" and the version */

    /* Asked several times a second while a call waits; true ends the wait. */
    bool (*interrupted)(void *ctx);
    /* Told about every attempt, in one line that holds no key and no token. */
    void (*trace)(void *ctx, const char *line);
    void *ctx;
};

/**
 * Make a client; nothing is sent yet.
 *
 * @param options  borrowed for the call, but for `ctx`, which must live as long as the client.
 * @param error    receives a sentence on failure, to be freed; NULL if not wanted.
 * @param out      the client on success; end it with iothub_service_destroy().
 * @return IOTHUB_OK; IOTHUB_BAD_CONNECTION_STRING; IOTHUB_BAD_ARGUMENT (another option);
 *         IOTHUB_TLS_FAILED (ca_file cannot be read).
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_create(const struct iothub_service_options *options, char **error,
                      struct iothub_service **out);

/** Close the connection and wipe the key.  NULL is allowed. */
IOTHUB_API void iothub_service_destroy(struct iothub_service *service);

/** The connection string's HostName.  Borrowed, until the client is destroyed. */
IOTHUB_API const char *iothub_service_host_name(const struct iothub_service *service);

/** The connection string's SharedAccessKeyName.  Borrowed, until the client is destroyed. */
IOTHUB_API const char *iothub_service_policy_name(const struct iothub_service *service);

/**
 * What the hub, or this side, said about the last call's failure: a text without line ends.
 * @return "" when the last call succeeded.  Borrowed, until the next call.
 */
IOTHUB_API const char *iothub_service_error_text(const struct iothub_service *service);

/**
 * The hub's tracking id of the last call's failure, which its operators can look up.
 * @return "" when there is none.  Borrowed, until the next call.
 */
IOTHUB_API const char *iothub_service_tracking_id(const struct iothub_service *service);

/** The HTTP status that the last call ended with; 0 when there was no answer. */
IOTHUB_API int iothub_service_http_status(const struct iothub_service *service);

/* ---- Identity registry ---- */

/**
 * Register a device.
 *
 * @param device_id  1 to 128 ASCII letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ '
 * @param identity   JSON object of the registry's form; its deviceId may be missing.  NULL or a
 *                   missing `authentication`: the hub makes two symmetric keys.
 * @param out        the identity as registered, keys included.
 * @return IOTHUB_OK; IOTHUB_DEVICE_ALREADY_EXISTS; IOTHUB_ARGUMENT_INVALID;
 * IOTHUB_TOO_MANY_DEVICES. Source: REST reference, "Create or update device".
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_device_create(struct iothub_service *service, const char *device_id,
                             const char *identity, char **out);

/** Read a device's identity.  @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND. */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_device_get(struct iothub_service *service, const char *device_id, char **out);

/**
 * Replace a device's identity.
 *
 * @param identity  the whole identity: what is left out falls back to its default, and a
 * missing `authentication` makes the hub mint new keys.
 * @param etag      the etag last read, with or without quotes; NULL or "*": whatever there is.
 * @param out       the identity as stored.
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND; IOTHUB_PRECONDITION_FAILED (etag is old);
 *         IOTHUB_ARGUMENT_INVALID.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_device_update(struct iothub_service *service, const char *device_id,
                             const char *identity, const char *etag, char **out);

/**
 * Remove a device, with its modules, its twin and its queued messages.
 * @param etag  as for iothub_service_device_update().
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND; IOTHUB_PRECONDITION_FAILED (etag is old).
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_device_delete(struct iothub_service *service, const char *device_id,
                             const char *etag);

/**
 * List device identities, in no promised order; for more than 1000 devices use a query.
 * @param top  how many at most, 1 to 1000; 0 leaves it to the hub (1000).
 * @param out  JSON array.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_device_list(struct iothub_service *service, unsigned top, char **out);

/**
 * Register a module of a device; parameters as for iothub_service_device_create().
 * @return IOTHUB_OK; IOTHUB_MODULE_ALREADY_EXISTS_ON_DEVICE; IOTHUB_DEVICE_NOT_FOUND;
 *         IOTHUB_ARGUMENT_INVALID; IOTHUB_TOO_MANY_MODULES_ON_DEVICE.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_module_create(struct iothub_service *service, const char *device_id,
                             const char *module_id, const char *identity, char **out);

/** Read a module's identity.  @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND;
 * IOTHUB_MODULE_NOT_FOUND. */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_module_get(struct iothub_service *service, const char *device_id,
                          const char *module_id, char **out);

/**
 * Replace a module's identity; parameters as for iothub_service_device_update().
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND; IOTHUB_MODULE_NOT_FOUND;
 * IOTHUB_PRECONDITION_FAILED.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_module_update(struct iothub_service *service, const char *device_id,
                             const char *module_id, const char *identity, const char *etag,
                             char **out);

/** Remove a module.  @return as iothub_service_module_update(). */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_module_delete(struct iothub_service *service, const char *device_id,
                             const char *module_id, const char *etag);

/** List a device's modules.  @param out  JSON array.  @return IOTHUB_OK;
 * IOTHUB_DEVICE_NOT_FOUND. */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_module_list(struct iothub_service *service, const char *device_id, char **out);

/* ---- Twins: of a device when module_id is NULL, else of that module ---- */

/** Read a twin.  @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND (also for a missing module). */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_twin_get(struct iothub_service *service, const char *device_id,
                        const char *module_id, char **out);

/**
 * Merge a patch into a twin's tags and desired properties.
 *
 * @param patch  {"tags":{…},"properties":{"desired":{…}}}, either part may be missing; null
 * removes a member.  Tags hold at most 8 KiB, desired properties 32 KiB.
 * @param etag   the etag last read, with or without quotes; NULL or "*": unconditional.
 * @param out    the whole new twin.
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND; IOTHUB_PRECONDITION_FAILED (etag is old);
 *         IOTHUB_ARGUMENT_INVALID (names, values or sizes that twins do not take).
 * Source: IoT Hub developer guide, device twins, "Back-end operations".
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_twin_update(struct iothub_service *service, const char *device_id,
                           const char *module_id, const char *patch, const char *etag,
                           char **out);

/**
 * Replace a twin's tags and desired properties; a part that is missing becomes empty.
 * Parameters and statuses as for iothub_service_twin_update().
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_twin_replace(struct iothub_service *service, const char *device_id,
                            const char *module_id, const char *twin, const char *etag,
                            char **out);

/* ---- Direct methods ---- */

/* What to call. */
struct iothub_service_method {
    const char *name;       /* required */
    const char *payload;    /* any JSON value, at most 128 KiB; NULL: none */
    int response_timeout_s; /* 5 to 300, for the whole call; 0: the hub's default, 30 */
    int connect_timeout_s; /* how long a device may take to come online, 0 to 300; 0: it must be
                            */
};

/* What the device answered.  {0} is empty. */
struct iothub_service_method_result {
    int status;    /* the device's own */
    char *payload; /* JSON value, "null" when the device sent none */
};

/** Free what a result holds.  NULL and {0} are allowed. */
IOTHUB_API void
iothub_service_method_result_finish(struct iothub_service_method_result *result);

/**
 * Call a method of a device, or of a module when module_id is not NULL, and wait for its
 * answer.
 *
 * Waits at most timeout_ms and the method's own time-outs together, so that the hub's verdict
 * arrives before this side gives up.
 * @param out  end it with iothub_service_method_result_finish(); NULL if not wanted.
 * @return IOTHUB_OK (the device answered, whatever its status); IOTHUB_DEVICE_NOT_FOUND;
 *         IOTHUB_MODULE_NOT_FOUND; IOTHUB_DEVICE_NOT_ONLINE; IOTHUB_GATEWAY_TIMEOUT (it got the
 * call and did not answer in time); IOTHUB_ARGUMENT_INVALID. Source: IoT Hub developer guide,
 * "Understand and invoke direct methods".
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_method_invoke(struct iothub_service *service, const char *device_id,
                             const char *module_id, const struct iothub_service_method *method,
                             struct iothub_service_method_result *out);

/* ---- Queries ---- */

/* A place in a query's rows.  Opaque; it must end before its client does. */
struct iothub_service_query;

/**
 * Begin a query; nothing is sent before the first iothub_service_query_next().
 *
 * @param text       "SELECT … FROM devices | devices.modules | devices.jobs …"
 * @param page_size  rows a page at most; 0 leaves it to the hub (100, which is also its
 * maximum).
 * @param out        end it with iothub_service_query_destroy().
 * @return IOTHUB_OK; IOTHUB_BAD_ARGUMENT.
 * Source: IoT Hub developer guide, "IoT Hub query language".
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_query_create(struct iothub_service *service, const char *text,
                            unsigned page_size, struct iothub_service_query **out);

/** NULL is allowed. */
IOTHUB_API void iothub_service_query_destroy(struct iothub_service_query *query);

/** Whether iothub_service_query_next() has something to ask for: true until the last page was
 * read. */
IOTHUB_API bool iothub_service_query_has_more(const struct iothub_service_query *query);

/**
 * Read the next page.
 *
 * After a failure the same page can be asked for again.  Past the last page the answer is "[]".
 * @param out  JSON array of objects, possibly empty.
 * @return IOTHUB_OK; IOTHUB_ARGUMENT_INVALID (the query is wrong; the error text says where).
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_query_next(struct iothub_service_query *query, char **out);

/**
 * What the rows of the last page are: "Twin", "Raw", "DeviceJob" or "JobResponse".
 * @return "" before the first page.  Borrowed, until the next page.
 */
IOTHUB_API const char *iothub_service_query_item_type(const struct iothub_service_query *query);

/* ---- Scheduled jobs ---- */

/* When a job runs, and on whom. */
struct iothub_service_job {
    const char *job_id; /* unused so far; at most 64 letters, digits and '-', to be safe */
    const char *query_condition; /* what follows WHERE, "*" for every device; for modules
                                    "FROM devices.modules WHERE …" */
    const char *start_time;      /* ISO 8601, at most seven days ahead; NULL: now */
    int max_execution_s;         /* devices not reached by then have failed; 0: 3600 */
};

/**
 * Schedule a direct method on all devices that a condition selects.
 *
 * The condition is not checked here: a wrong one makes the job fail when it starts.
 * @param method  the time-outs count for each device.
 * @param out     the job as accepted: jobId, type and status ("queued").
 * @return IOTHUB_OK; IOTHUB_JOB_ALREADY_EXISTS; IOTHUB_ARGUMENT_INVALID;
 * IOTHUB_JOB_QUOTA_EXCEEDED; IOTHUB_THROTTLING_MAX_ACTIVE_JOB_COUNT_EXCEEDED. Source: IoT Hub
 * developer guide, "Schedule jobs on multiple devices".
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_job_create_method(struct iothub_service *service,
                                 const struct iothub_service_job *job,
                                 const struct iothub_service_method *method, char **out);

/**
 * Schedule a twin update on all devices that a condition selects.
 * @param patch  as for iothub_service_twin_update(); its etag can only be "*", which is added.
 * Statuses as for iothub_service_job_create_method().
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_job_create_twin(struct iothub_service *service,
                               const struct iothub_service_job *job, const char *patch,
                               char **out);

/**
 * Read a job: type, status, times, request and deviceJobStatistics.
 * @return IOTHUB_OK; IOTHUB_JOB_NOT_FOUND (also where a hub answers 200 with status "unknown").
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_job_get(struct iothub_service *service, const char *job_id, char **out);

/**
 * Cancel a job that does not run yet.
 * @param out  the job afterwards.
 * @return IOTHUB_OK; IOTHUB_JOB_NOT_FOUND; what the hub thinks of cancelling a finished job.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_job_cancel(struct iothub_service *service, const char *job_id, char **out);

/**
 * Begin a listing of jobs; read it page by page as a query.  Rows are JobResponse.
 * A job's outcome on each device is a query: SELECT * FROM devices.jobs WHERE
 * devices.jobs.jobId = '…'.
 *
 * @param type    "scheduleDeviceMethod" or "scheduleUpdateTwin"; NULL: both.
 * @param status  "queued", "scheduled", "running", "completed", "failed", "cancelled"; NULL:
 * all.
 * @param page_size, @param out  as for iothub_service_query_create().
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_job_query_create(struct iothub_service *service, const char *type,
                                const char *status, unsigned page_size,
                                struct iothub_service_query **out);

/* ---- Many identities at once ---- */

/**
 * Create, change or remove up to 100 identities, with their twins, in one request.
 *
 * @param items  JSON array of ExportImportDevice objects: "id", "moduleId", "importMode"
 *               ("create", "update", "updateIfMatchETag", "createOrUpdate",
 *               "createOrUpdateIfMatchETag", "delete", "deleteIfMatchETag", "updateTwin",
 *               "updateTwinIfMatchETag"), "eTag", "status", "authentication", "capabilities",
 *               "tags", "properties" ...
 * @param out    {"isSuccessful":…,"errors":[…],"warnings":[…]}; written also when the status
 *               is IOTHUB_BULK_REGISTRY_OPERATION_FAILURE.
 * @return IOTHUB_OK (all items were done); IOTHUB_BULK_REGISTRY_OPERATION_FAILURE (some were
 *         not: `out` names them); IOTHUB_ARGUMENT_INVALID.
 * Source: IoT Hub REST reference, "Bulk registry: update registry".
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_devices_bulk(struct iothub_service *service, const char *items, char **out);

/* Which of an identity's symmetric keys. */
enum iothub_service_key {
    IOTHUB_SERVICE_PRIMARY_KEY,
    IOTHUB_SERVICE_SECONDARY_KEY,
    IOTHUB_SERVICE_BOTH_KEYS,
};

/**
 * Have the hub make new symmetric keys for up to 100 devices and modules.
 *
 * @param identities  JSON array of {"id":…} and {"id":…,"moduleId":…}.
 * @param out         {"policyKey":…,"rotatedKeys":[{"id","moduleId","primaryKey",
 *                    "secondaryKey"}],"errors":[…]}; written also when some failed.
 * @return IOTHUB_OK (all have new keys); IOTHUB_BULK_REGENERATE_DEVICE_KEY_OPERATION_FAILURE
 *         (some have not: `out` names them); IOTHUB_ARGUMENT_INVALID.
 * Source: REST api-version 2024-03-31, as the Azure CLI's IoT extension uses it.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_keys_regenerate(struct iothub_service *service, enum iothub_service_key key,
                               const char *identities, char **out);

/** Count devices.  @param out  {"totalDeviceCount","enabledDeviceCount","disabledDeviceCount"}.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_device_statistics(struct iothub_service *service, char **out);

/** Count connections.  @param out  {"connectedDeviceCount":…}. */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_service_statistics(struct iothub_service *service, char **out);

/* ---- Automatic device configurations and edge deployments ---- */

/**
 * Create a configuration, which the hub applies to all twins that its condition selects.
 *
 * @param id             1 to 128 lower-case letters, digits and - + % _ * ! '
 * @param configuration  JSON object: "content" with "deviceContent", "moduleContent" or
 *                       "modulesContent"; "targetCondition", "priority", "labels", "metrics".
 *                       Its id may be missing.
 * @param out            the configuration as stored.
 * @return IOTHUB_OK; IOTHUB_CONFIGURATION_ALREADY_EXISTS; IOTHUB_INVALID_CONFIGURATION_CONTENT;
 *         IOTHUB_INVALID_CONFIGURATION_TARGET_CONDITION;
 *         IOTHUB_INVALID_CONFIGURATION_CUSTOM_METRICS_QUERY;
 *         IOTHUB_CONFIGURATION_COUNT_LIMIT_EXCEEDED; IOTHUB_ARGUMENT_INVALID.
 * Source: IoT Hub documentation, "Automatic device management at scale".
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_configuration_create(struct iothub_service *service, const char *id,
                                    const char *configuration, char **out);

/** Read a configuration.  @return IOTHUB_OK; IOTHUB_CONFIGURATION_NOT_FOUND. */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_configuration_get(struct iothub_service *service, const char *id, char **out);

/**
 * Change a configuration's condition, priority, labels or metrics; its content cannot change
 * and must be there all the same.
 * @param etag  the etag last read; NULL or "*": whatever there is.
 * @return as iothub_service_configuration_create(); IOTHUB_CONFIGURATION_NOT_FOUND;
 *         IOTHUB_PRECONDITION_FAILED (etag is old).
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_configuration_update(struct iothub_service *service, const char *id,
                                    const char *configuration, const char *etag, char **out);

/** Remove a configuration.  @return IOTHUB_OK; IOTHUB_CONFIGURATION_NOT_FOUND;
 * IOTHUB_PRECONDITION_FAILED. */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_configuration_delete(struct iothub_service *service, const char *id,
                                    const char *etag);

/**
 * List configurations, in no promised order.
 * @param top  how many at most; 0 leaves it to the hub.
 * @param out  JSON array.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_configuration_list(struct iothub_service *service, unsigned top, char **out);

/**
 * Ask whether a condition and queries for metrics could be used in a configuration.
 * @param metrics  JSON object of queries by name; NULL: none.
 * @param out      {"targetConditionError":…,"customMetricQueryErrors":{…}}.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_configuration_test(struct iothub_service *service, const char *target_condition,
                                  const char *metrics, char **out);

/**
 * Apply a configuration's content to one device, once.
 * @param content  JSON object: {"modulesContent":{…}}, {"deviceContent":{…}} ...
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND; IOTHUB_INVALID_CONFIGURATION_CONTENT;
 *         IOTHUB_ARGUMENT_INVALID.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_content_apply(struct iothub_service *service, const char *device_id,
                             const char *content);

/* ---- Digital twins (plug and play) ---- */

/**
 * Read a device's digital twin.
 * @param etag  receives its etag, to be freed; NULL if not wanted.
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND.
 * Source: IoT Plug and Play documentation, "Manage digital twins".
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_digital_twin_get(struct iothub_service *service, const char *device_id,
                                char **out, char **etag);

/**
 * Change writable properties.
 * @param patch  JSON Patch: an array of {"op","path","value"}, of add, replace and remove.
 * @param etag   the etag last read; NULL: unconditional.
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND; IOTHUB_PRECONDITION_FAILED;
 *         IOTHUB_INVALID_DIGITAL_TWIN_PATCH and its neighbours.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_digital_twin_update(struct iothub_service *service, const char *device_id,
                                   const char *patch, const char *etag);

/**
 * Call a command of a digital twin, as iothub_service_method_invoke() calls a method.
 * @param component  NULL: a command of the device itself.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status iothub_service_command_invoke(
    struct iothub_service *service, const char *device_id, const char *component,
    const struct iothub_service_method *command, struct iothub_service_method_result *out);

/* ---- Cloud-to-device messages ---- */

struct iothub_service_property {
    const char *name;  /* ASCII letters, digits and ! # $ % & ' * + - . ^ _ ` | ~ */
    const char *value; /* printable ASCII; NULL means "" */
};

/* When feedback is wanted about what becomes of a message. */
enum iothub_service_ack {
    IOTHUB_SERVICE_ACK_NONE,
    IOTHUB_SERVICE_ACK_POSITIVE, /* the device took it */
    IOTHUB_SERVICE_ACK_NEGATIVE, /* it expired, was rejected, given up or purged */
    IOTHUB_SERVICE_ACK_FULL,
};

/* {0} is an empty message.  Texts are printable ASCII; NULL means absent. */
struct iothub_service_message {
    const void *payload;
    size_t payload_len; /* at most 64 KiB together with the properties */
    const struct iothub_service_property *properties; /* their order is kept */
    size_t n_properties;
    const char *message_id; /* what feedback refers to */
    const char *correlation_id;
    const char *user_id;
    const char *content_type;     /* "application/json" */
    const char *content_encoding; /* "utf-8" */
    const char *expiry_time;      /* ISO 8601; NULL: the hub's default, an hour */
    enum iothub_service_ack ack;
};

/**
 * Put a message into a device's queue.
 *
 * It goes by an HTTP route that hubs have for their own tools.
 * @return IOTHUB_OK (it is in the queue); IOTHUB_DEVICE_NOT_FOUND; IOTHUB_MESSAGE_TOO_LARGE;
 *         IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED (50 messages wait already);
 *         IOTHUB_INVALID_MESSAGE_EXPIRY_TIME.
 * Source: IoT Hub developer guide, "Send cloud-to-device messages".
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_c2d_send(struct iothub_service *service, const char *device_id,
                        const struct iothub_service_message *message);

/**
 * Drop all messages from a device's queue.
 * @param out  {"totalMessagesPurged":…,"deviceId":…,"moduleId":null}.
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_c2d_purge(struct iothub_service *service, const char *device_id, char **out);

/**
 * Take the next batch of feedback, which stays locked for this client for a minute.
 * @param out         JSON array of {"originalMessageId","statusCode","description","deviceId",
 *                    "deviceGenerationId","enqueuedTimeUtc"}; "[]" when there is none.
 * @param lock_token  to be freed; NULL when there is none.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_feedback_receive(struct iothub_service *service, char **out, char **lock_token);

/** A batch has been dealt with.  @return IOTHUB_OK; IOTHUB_DEVICE_MESSAGE_LOCK_LOST. */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_feedback_complete(struct iothub_service *service, const char *lock_token);

/** Give a batch back, for anybody to receive.  @return as iothub_service_feedback_complete().
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_feedback_abandon(struct iothub_service *service, const char *lock_token);

/**
 * Take the next notification of an uploaded file, which stays locked for this client for a
 * minute.
 *
 * Only iothub-emulator offers them over HTTP: hubs in Azure do over AMQP.
 * @param out         {"deviceId","blobUri","blobName","lastUpdatedTime","blobSizeInBytes",
 *                    "enqueuedTimeUtc"}, to be freed; NULL when there is none.
 * @param lock_token  to be freed; NULL when there is none.
 * Source: IoT Hub developer guide, "Upload files with IoT Hub", file upload notifications.
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_file_notification_receive(struct iothub_service *service, char **out,
                                         char **lock_token);

/** It has been dealt with.  @return as iothub_service_feedback_complete(). */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_file_notification_complete(struct iothub_service *service,
                                          const char *lock_token);

/** Give it back, for anybody to receive.  @return as iothub_service_feedback_complete(). */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_file_notification_abandon(struct iothub_service *service,
                                         const char *lock_token);

/* ---- Events of an emulator ---- */

/* In the place of an offset: nothing of what there is now. */
#define IOTHUB_SERVICE_EVENTS_LATEST "latest"

/* Which events.  {0}: those of all devices from the first that is kept, at once. */
struct iothub_service_events {
    const char *after;     /* the offset of the last event known; NULL: from the first on */
    const char *device_id; /* only this device's; NULL: all */
    int wait_s;            /* how long to wait for one when there is none, 0 to 300 */
};

/**
 * Read what devices have sent, from iothub-emulator alone: hubs in Azure offer events over
 * AMQP.
 *
 * @param out_after  what `after` is to be for the events behind these, also when there are
 * none; ended by free().  NULL where the hub did not say.  May itself be NULL.
 * @param out  JSON array of {"offset","enqueuedTime","deviceId","properties","body"}, in their
 *             order; "[]" when there is none yet.
 * @return IOTHUB_OK; IOTHUB_GENERIC_NOT_FOUND or another error with HTTP status 404 (the hub is
 *         no emulator).
 */
IOTHUB_API IOTHUB_SERVICE_MUST_CHECK enum iothub_status
iothub_service_events_read(struct iothub_service *service,
                           const struct iothub_service_events *which, char **out_after,
                           char **out);

#ifdef __cplusplus
}
#endif

#endif
