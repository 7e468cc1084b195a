/*
 * The hub: what IoT Hub knows and does, in its own words.
 *
 * All protocols meet here.  No topic, header or link name comes in, no SQL goes out.  A hub is
 * a value: a process may hold several, each with its own store.
 *
 * Time is told, not asked: hub_turn() sets the moment in which everything until the next
 * hub_turn() happens.  Nothing a call answered may leave the process before hub_commit().
 *
 * Calls that can fail answer an enum iothub_status; hub_error_text() then holds the sentence
 * that belongs into the answer.  Slices given in are borrowed for the call; documents are
 * appended to a buffer the caller owns.
 */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "hub/peer.h"
#include "iothub/identity.h"
#include "iothub/message.h"
#include "iothub/status.h"

struct hub;
struct storage_account;

/* ---- life ------------------------------------------------------------------------------- */

/* Rights of a policy, as bits. */
enum hub_right {
    HUB_REGISTRY_READ = 1,
    HUB_REGISTRY_WRITE = 2, /* brings HUB_REGISTRY_READ with it */
    HUB_SERVICE_CONNECT = 4,
    HUB_DEVICE_CONNECT = 8,
};

/* A shared access policy.  Keys are base64; the secondary may be NULL. */
struct hub_policy {
    const char *name;
    const char *primary_key;
    const char *secondary_key;
    unsigned rights;
};

/* Where devices' files go, and what the service is told of them. */
struct hub_file_settings {
    const struct storage_account *account; /* NULL: none; borrowed for the hub's life */
    const char *container;                 /* likewise */
    int64_t upload_ttl_ms; /* how long an upload is open, and its place may be written to */
    bool has_notifications;
    int64_t notification_ttl_ms;
    int64_t notification_lock_ms;
    int64_t notification_deliveries;
};

struct hub_options {
    const char *store_path;   /* NULL: in memory */
    const char *const *names; /* host names the hub answers to, without a port */
    size_t n_names;           /* none: any name is taken for this hub's */
    const struct hub_policy *policies;
    size_t n_policies;
    uint64_t calls_before;  /* ids of method calls begin behind this one */
    int64_t token_grace_ms; /* how long a live connection outlasts its token; nor is a token
                               accepted for longer after its expiry */
    int64_t event_retention_ms;
    int64_t event_retention_count;
    struct hub_file_settings files;
};

/* 10 minutes: IoT Hub documentation, "Monitor, diagnose and troubleshoot device connectivity".
 */
#define HUB_TOKEN_GRACE_MS 600000

/**
 * Open the hub's store and take up unfinished jobs.
 * @param options  copied.
 * @param error    receives a sentence when it fails.
 */
MUST_CHECK bool hub_open(const struct hub_options *options, struct moment now,
                         struct buf *error, struct hub **out);

/* Attached peers must have been detached.  NULL is allowed. */
void hub_close(struct hub *hub);

/* Begin a turn: the moment of everything that follows. */
void hub_turn(struct hub *hub, struct moment now);

/* The moment of this turn. */
struct moment hub_now(const struct hub *hub);

/* Do what is due: time-outs, expiries, a chunk of each running job. */
void hub_tick(struct hub *hub);

/* When hub_tick() is next needed (now_ms scale); NEVER_MS for never. */
int64_t hub_deadline_ms(const struct hub *hub);

/* End the turn's transaction.  false: the store is broken, hub_error_text() says how. */
MUST_CHECK bool hub_commit(struct hub *hub);

/* The sentence for the last failed call. */
const char *hub_error_text(const struct hub *hub);

/* Whether `name` (a port after it is ignored) is this hub's host name. */
bool hub_is_named(const struct hub *hub, struct slice name);

/* ---- who is calling ---------------------------------------------------------------------- */

enum hub_principal_kind {
    HUB_POLICY,   /* a shared access policy's token */
    HUB_IDENTITY, /* a device's or module's own key or certificate */
};

/* A plain value; {0} may do nothing. */
struct hub_principal {
    enum hub_principal_kind kind;
    unsigned rights; /* enum hub_right bits */
    char scope[2 * (LIMIT_ID_CHARS + 10) +
               1];      /* what the token's resource names behind the host:
                           "", "devices/d", "devices/d/modules/m" */
    int64_t expires_ms; /* wall time, without skew; NEVER_MS for a certificate */
};

/**
 * Check a shared access token that is presented to the service API.
 * A token without policy is checked with the key of the identity its resource names.
 * @return IOTHUB_OK; IOTHUB_UNAUTHORIZED (not a token, expired, unknown policy, no identity);
 *         IOTHUB_UNAUTHORIZED_ACCESS (wrong signature).
 */
MUST_CHECK enum iothub_status hub_authenticate(struct hub *hub, struct slice token,
                                               struct hub_principal *out);

/* What a client's certificate says, read and judged by whoever speaks TLS with it. */
struct hub_certificate {
    struct slice thumbprints[2]; /* SHA-1 and SHA-256 in hex */
    struct slice common_name;    /* of its subject; empty unless there is exactly one */
    bool is_trusted; /* its chain leads to a CA of devices, and each in it is valid now */
};

/* A copy with its texts, ended by free(). */
struct hub_certificate *hub_certificate_dup(const struct hub_certificate *certificate);

/**
 * Check what a device or module presents for itself.
 *
 * @param token  a shared access token; empty for a certificate.
 * @param certificate  NULL when none was shown.
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND, IOTHUB_MODULE_NOT_FOUND, IOTHUB_DEVICE_DISABLED,
 *         IOTHUB_UNAUTHORIZED.
 */
MUST_CHECK enum iothub_status
hub_authenticate_identity(struct hub *hub, struct identity id, struct slice token,
                          const struct hub_certificate *certificate, struct hub_principal *out);

/* Whether the principal has one of `rights` and its scope covers `path`
 * ("devices/d/modules/m"). */
bool hub_principal_may(const struct hub_principal *principal, unsigned rights,
                       struct slice path);

/* ---- identities -------------------------------------------------------------------------- */

enum hub_match {
    HUB_MATCH_NONE, /* no If-Match */
    HUB_MATCH_ANY,  /* "*" */
    HUB_MATCH_ETAG,
};

struct hub_condition {
    enum hub_match match;
    struct slice etag; /* without its quotes */
    bool is_quoted;    /* it had some: twins ignore an etag without them, as the hub does */
};

#define HUB_ETAG_SIZE 32

/* A JSON answer with its etag, "" where the hub gives none. */
struct hub_document {
    struct buf *body;
    char etag[HUB_ETAG_SIZE];
};

MUST_CHECK enum iothub_status hub_identity_get(struct hub *hub, struct identity id,
                                               struct hub_document *out);

/**
 * Create (no condition), update ("*") or update if it is still the same (etag).
 * Source: IoT Hub REST, "Create or Update Identity", and the service SDKs' registry clients.
 */
MUST_CHECK enum iothub_status hub_identity_put(struct hub *hub, struct identity id,
                                               const json_t *body,
                                               struct hub_condition condition,
                                               struct hub_document *out);

/* Its connection is closed, its twin goes with it, and a device's modules. */
MUST_CHECK enum iothub_status hub_identity_delete(struct hub *hub, struct identity id,
                                                  struct hub_condition condition);

/* The first `top` devices in order of creation, as an array. */
MUST_CHECK enum iothub_status hub_device_list(struct hub *hub, int64_t top, struct buf *out);
MUST_CHECK enum iothub_status hub_module_list(struct hub *hub, struct slice device_id,
                                              struct buf *out);

/**
 * Write many identities and twins at once.  Each item stands for itself: what can be done is
 * done.
 *
 * @param items  an array of 1 to 100 objects: {"id", "moduleId"?, "importMode"?, "eTag"?,
 *               "twinETag"?, "tags"?, "properties"?: {"desired"?}} and an identity's members.
 * @param out    receives {"isSuccessful","errors","warnings"}.
 * @param out_is_successful  whether no item failed.
 * @return IOTHUB_OK, also when items failed; for the array itself IOTHUB_FORMAT_ERROR or
 *         IOTHUB_ARGUMENT_INVALID.
 * Source: IoT Hub REST, "Bulk Registry - Update Registry".
 */
MUST_CHECK enum iothub_status hub_registry_bulk(struct hub *hub, const json_t *items,
                                                struct buf *out, bool *out_is_successful);

/* How many of a bulk's items were done, and how many not. */
struct hub_bulk_counts {
    size_t n_done;
    size_t n_failed;
};

/**
 * Give devices and modules new symmetric keys.
 *
 * @param body  {"policyKey": "primaryKey"|"secondaryKey"|"both",
 *              "devices": [{"id","moduleId"?}]}
 * @param out   receives {"policyKey","rotatedKeys","errors"}.
 * @return as hub_registry_bulk(); IOTHUB_INVALID_POLICY_KEY.
 * Source: azure-iot-cli-extension, the service API of version 2024-03-31.
 */
MUST_CHECK enum iothub_status hub_keys_regenerate(struct hub *hub, const json_t *body,
                                                  struct buf *out,
                                                  struct hub_bulk_counts *out_counts);

struct hub_counts {
    int64_t n_devices;
    int64_t n_enabled;
    int64_t n_connected; /* devices, without modules */
};

MUST_CHECK enum iothub_status hub_count(struct hub *hub, struct hub_counts *out);

/**
 * Make a device and its modules as a configuration file describes them, unless it exists.
 * @param seed     {"deviceId", "status"?, "authentication"?, "capabilities"?, "tags"?,
 *                 "properties"?: {"desired"?, "reported"?}, "modules"?: […]}
 * @param created  whether it was made now.
 */
MUST_CHECK enum iothub_status hub_device_seed(struct hub *hub, const json_t *seed,
                                              bool *created);

/* ---- twins ------------------------------------------------------------------------------- */

/* The service's view. */
MUST_CHECK enum iothub_status hub_twin_get(struct hub *hub, struct identity id,
                                           struct buf *out);

/**
 * Change tags and desired properties: merge `body` into them, or put it in their place.
 * A connected, subscribed device is told of a desired change.
 * @param out  receives the new twin.
 */
MUST_CHECK enum iothub_status hub_twin_update(struct hub *hub, struct identity id,
                                              const json_t *body, bool replace,
                                              struct hub_condition condition, struct buf *out);

/* The device's view: {"desired":{…,"$version":n},"reported":{…,"$version":m}}. */
MUST_CHECK enum iothub_status hub_twin_get_own(struct hub *hub, struct identity id,
                                               struct buf *out);

/* Merge a device's patch text into its reported properties. */
MUST_CHECK enum iothub_status hub_twin_report(struct hub *hub, struct identity id,
                                              struct slice patch, int64_t *out_version);

/* ---- digital twins ----------------------------------------------------------------------- */

/*
 * What a Plug and Play device's twin says, by properties and components; any device has one.
 * Source: IoT Plug and Play documentation, "Understand digital twins", "Manage digital twins".
 */
MUST_CHECK enum iothub_status hub_digital_twin_get(struct hub *hub, struct slice device_id,
                                                   struct hub_document *out);

/**
 * Change desired properties by a JSON Patch.
 * @param patch     an array of {"op": "add"|"replace"|"remove", "path", "value"?}
 * @param out_etag  the new one.
 * @return IOTHUB_OK; IOTHUB_INVALID_DIGITAL_TWIN_JSON_PATCH (no such patch),
 *         IOTHUB_INVALID_DIGITAL_TWIN_PATCH_PATH, IOTHUB_INVALID_DIGITAL_TWIN_PAYLOAD (a value
 *         that no property can have), IOTHUB_INVALID_DIGITAL_TWIN_PATCH (a component without
 * its mark), IOTHUB_ARGUMENT_INVALID; as hub_twin_update().
 */
MUST_CHECK enum iothub_status hub_digital_twin_patch(struct hub *hub, struct slice device_id,
                                                     const json_t *patch,
                                                     struct hub_condition condition,
                                                     char out_etag[HUB_ETAG_SIZE]);

/* ---- messages ---------------------------------------------------------------------------- */

/* Who sends, as the messages' annotations tell it; borrowed. */
struct hub_sender {
    struct identity id;
    int64_t generation;
    const char *auth_scope; /* "hub", "device", "module" */
    const char *auth_type;  /* "sas", "x509" */
    const char *model_id;   /* "" when none was announced */
};

/* A connection, also one that was let go of. */
struct hub_sender hub_sender_of_peer(const struct hub_peer *peer);

/* Who has none: hub_authenticate_identity() gave it the principal. */
MUST_CHECK enum iothub_status hub_sender_of_caller(struct hub *hub, struct identity id,
                                                   const struct hub_principal *principal,
                                                   struct hub_sender *out);

/* Take a message into the event log, while its sender exists. */
MUST_CHECK enum iothub_status hub_event_send(struct hub *hub, const struct hub_sender *sender,
                                             const struct message *message);

/* Several at once, all or none; the limit of a message's size is that of all together. */
MUST_CHECK enum iothub_status hub_event_send_batch(struct hub *hub,
                                                   const struct hub_sender *sender,
                                                   const struct message *messages, size_t n);

/* ---- reading the log of events ----------------------------------------------------------- */

/* Borrowed until the next call of the hub. */
struct hub_event {
    int64_t offset; /* in the whole log, growing, without gaps, from 1 */
    int64_t enqueued_ms;
    int partition;
    int64_t sequence; /* within the partition, from 0 */
    struct identity from;
    struct slice source;     /* "Telemetry" */
    struct slice properties; /* a property bag in encoded form, system properties as "$.name" */
    struct slice annotations; /* a JSON object: what the hub added */
    struct slice body;
};

/* The first event behind that offset, if there is one. */
MUST_CHECK enum iothub_status hub_event_next(struct hub *hub, int64_t after_offset,
                                             struct hub_event *out, bool *found);

/* The newest event's offset; 0 when the log is empty. */
MUST_CHECK enum iothub_status hub_event_last(struct hub *hub, int64_t *out_offset);

/* Someone who waits for events; embedded.  {0} with `wake` waits for nothing. */
struct hub_event_waiter {
    /* May read and wait again, and nothing else of the hub. */
    void (*wake)(struct hub_event_waiter *waiter);

    /* The hub's own. */
    bool is_waiting;
    int64_t round;
    struct hub_timer timer;
    struct hub_event_waiter *prev;
    struct hub_event_waiter *next;
};

/* Be woken once: when events have been committed, or at the time (now_ms scale). */
void hub_event_wait(struct hub *hub, struct hub_event_waiter *waiter, int64_t until_ms);
void hub_event_unwait(struct hub *hub, struct hub_event_waiter *waiter);

/* ---- cloud-to-device messages ------------------------------------------------------------ */

/**
 * Put a message into a device's queue.
 * @param message  its expiry is an ISO 8601 time; the property "iothub-ack" asks for feedback.
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND (or disabled),
 *         IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED, IOTHUB_MESSAGE_TOO_LARGE,
 *         IOTHUB_INVALID_MESSAGE_EXPIRY_TIME, IOTHUB_ARGUMENT_INVALID.
 */
MUST_CHECK enum iothub_status hub_c2d_send(struct hub *hub, struct slice device_id,
                                           const struct message *message);

/*
 * Hand out the first message that nobody has, for a minute or until it is settled by its token.
 * Its id is 0 when there is none.
 */
MUST_CHECK enum iothub_status hub_c2d_next(struct hub *hub, struct slice device_id,
                                           struct hub_message *out);

/* IOTHUB_DEVICE_MESSAGE_LOCK_LOST when the token is unknown or its time is over. */
MUST_CHECK enum iothub_status hub_c2d_settle(struct hub *hub, struct slice device_id,
                                             struct slice token, enum hub_outcome outcome);

/* Empty the queue, also of what is handed out; the senders get their feedback. */
MUST_CHECK enum iothub_status hub_c2d_purge(struct hub *hub, struct slice device_id,
                                            int64_t *out_n);

/* A batch of feedback; all 0 when there is none. */
struct hub_feedback {
    int64_t id;
    size_t n_records;
    int64_t enqueued_ms; /* of the last record */
    int64_t delivery_count;
    const char *lock_token; /* borrowed until the next call of the hub */
};

/*
 * Hand out a batch of feedback that nobody has, for a minute or until it is settled.  A batch
 * is made of 64 records, or of fewer when the first has waited for 15 seconds.
 * @param body  receives a JSON array.
 */
MUST_CHECK enum iothub_status hub_feedback_next(struct hub *hub, struct buf *body,
                                                struct hub_feedback *out);

/* Complete it, or let it come again.  IOTHUB_DEVICE_MESSAGE_LOCK_LOST as above. */
MUST_CHECK enum iothub_status hub_feedback_settle(struct hub *hub, struct slice token,
                                                  bool is_completed);

/* ---- files ------------------------------------------------------------------------------- */

/* What the hub wants of the storage account. */
enum hub_storage_wish {
    HUB_STORAGE_MAKE_CONTAINER, /* unless it is there */
    HUB_STORAGE_LOOK_AT_BLOB,
};

/* Borrowed for the call. */
struct hub_storage_request {
    uint64_t id;
    enum hub_storage_wish wish;
    struct slice container;
    struct slice blob; /* empty for a container */
};

enum hub_storage_outcome {
    HUB_STORAGE_DONE,
    HUB_STORAGE_MISSING, /* there is no such blob or container */
    HUB_STORAGE_REFUSED, /* the account is not this one, or the key is wrong */
    HUB_STORAGE_UNREACHABLE,
};

struct hub_storage_answer {
    enum hub_storage_outcome outcome;
    int64_t n_bytes;     /* of a blob */
    int64_t modified_ms; /* of a blob, wall time */
};

/*
 * The way to the storage account.  An operation never calls the hub: the answer comes later, by
 * hub_storage_answer().  The hub waits for it as long as it wants to, then it cancels.
 */
struct hub_storage_link {
    void (*begin)(void *ctx, const struct hub_storage_request *request);
    void (*cancel)(void *ctx, uint64_t id);
    void *ctx;
};

/* To be called once, before the first turn; without, the account is never reached. */
void hub_storage_connect(struct hub *hub, const struct hub_storage_link *link);

/* An id that was cancelled is nothing. */
void hub_storage_answer(struct hub *hub, uint64_t id, const struct hub_storage_answer *answer);

/* How a device's request ended: IOTHUB_OK, or the hub's error. */
struct hub_file_result {
    enum iothub_status status;
    struct slice body; /* of the answer, JSON; empty for none */
    const char *error_text;
};

typedef void hub_file_done(void *ctx, const struct hub_file_result *result);

/**
 * Give a device a place for a file.
 *
 * `done` is called exactly once, later or from within this call, unless the status is not
 * IOTHUB_OK or the request is cancelled.
 * @param body    {"blobName"}
 * @param out_id  written before anything else happens; never 0.
 * @return IOTHUB_OK; IOTHUB_DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED, IOTHUB_ARGUMENT_NULL,
 *         IOTHUB_ARGUMENT_INVALID (no name for a blob),
 *         IOTHUB_DEVICE_MAXIMUM_ACTIVE_FILE_UPLOAD_LIMIT_EXCEEDED, IOTHUB_SERVER_BUSY.
 *         `done` may also tell IOTHUB_INVALID_STORAGE_ENDPOINT (the account refuses),
 *         IOTHUB_SERVICE_UNAVAILABLE (it cannot be reached), IOTHUB_GATEWAY_TIMEOUT.
 * Source: IoT Hub documentation, "Upload files with IoT Hub", device: initialize a file upload.
 */
MUST_CHECK enum iothub_status hub_file_begin(struct hub *hub, struct slice device_id,
                                             const json_t *body, hub_file_done *done, void *ctx,
                                             uint64_t *out_id);

/**
 * A device says how its upload ended.
 *
 * @param correlation_id  from the path; empty: the body has it.
 * @param body  {"correlationId"?, "isSuccess", "statusCode"?, "statusDescription"?}
 * @return as above; IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID,
 *         IOTHUB_EXPIRED_FILE_UPLOAD_CORRELATION_ID,
 *         IOTHUB_INVALID_FILE_UPLOAD_COMPLETION_STATUS; `done` may also tell
 *         IOTHUB_INVALID_STORAGE_ENDPOINT_OR_BLOB (there is no such blob).
 */
MUST_CHECK enum iothub_status hub_file_end(struct hub *hub, struct slice device_id,
                                           struct slice correlation_id, const json_t *body,
                                           hub_file_done *done, void *ctx, uint64_t *out_id);

/* Forget a request; `done` will not be called.  An unknown id is nothing. */
void hub_file_cancel(struct hub *hub, uint64_t id);

/*
 * Notifications of uploaded files, handed out and settled as feedback is, one at a time.
 * @param body  receives a JSON object.
 */
MUST_CHECK enum iothub_status hub_file_notification_next(struct hub *hub, struct buf *body,
                                                         struct hub_feedback *out);
MUST_CHECK enum iothub_status hub_file_notification_settle(struct hub *hub, struct slice token,
                                                           bool is_completed);

/* ---- direct methods ---------------------------------------------------------------------- */

struct hub_method_request {
    struct identity target;
    struct slice name;
    struct slice payload; /* JSON text; empty data NULL when the request has none */
    int64_t response_s;
    int64_t connect_s;
};

/* How a call ended: IOTHUB_OK with the device's answer, or the hub's error. */
struct hub_method_result {
    enum iothub_status status;
    int device_status;
    struct slice payload; /* JSON text; empty when the device sent none */
    const char *error_text;
};

typedef void hub_method_done(void *ctx, uint64_t call, const struct hub_method_result *result);

/*
 * Read {"methodName","payload","responseTimeoutInSeconds","connectTimeoutInSeconds"}.
 * The payload's slice points into `text`.
 */
MUST_CHECK enum iothub_status hub_method_parse(struct hub *hub, struct slice text,
                                               const json_t *body,
                                               struct hub_method_request *out);

/**
 * Call a method.  `done` is called exactly once, later or from within this call, unless the
 * status is not IOTHUB_OK or the call is cancelled.
 * @param out_call  its id, written before anything else happens; never 0.
 */
MUST_CHECK enum iothub_status hub_method_call(struct hub *hub,
                                              const struct hub_method_request *request,
                                              hub_method_done *done, void *ctx,
                                              uint64_t *out_call);

/* A command of a digital twin: the method "name" or "component*name". */
struct hub_command {
    struct slice device_id;
    struct slice component; /* empty for a command of the device */
    struct slice name;
    struct slice payload; /* JSON text, or empty */
    int64_t response_s;
    int64_t connect_s;
};

/* As hub_method_call(), with the same checks that hub_method_parse() makes. */
MUST_CHECK enum iothub_status hub_command_invoke(struct hub *hub,
                                                 const struct hub_command *command,
                                                 hub_method_done *done, void *ctx,
                                                 uint64_t *out_call);

/* Forget a call; `done` will not be called.  An unknown id is nothing. */
void hub_method_cancel(struct hub *hub, uint64_t id);

/* A device's answer; one to an unknown or foreign call is dropped. */
void hub_method_answer(struct hub *hub, struct hub_peer *peer, uint64_t id, int device_status,
                       struct slice payload);

/* ---- queries ----------------------------------------------------------------------------- */

struct hub_page_request {
    int64_t max_items;         /* 0: the hub's own page size */
    struct slice continuation; /* empty: the first page */
};

struct hub_page {
    struct buf *body;         /* a JSON array */
    const char *item_type;    /* "Twin", "DeviceJob", "Raw", "JobResponse" */
    struct buf *continuation; /* stays empty on the last page */
};

/* The page is lent for the call; with an error, hub_error_text() has the words. */
typedef void hub_query_done(void *ctx, enum iothub_status status, const struct hub_page *page);

struct hub_query_request {
    struct slice text;
    struct hub_page_request page;
    struct buf *body; /* empty; receives the page; borrowed until `done` is called */
    hub_query_done *done;
    void *ctx;
};

/* A query that looks at too many rows for one turn. */
struct hub_query_run;

/**
 * Ask for a page.
 * @param out  set when `done` was not called yet, and will be in a later turn.
 * @return an error that is told at once, in place of `done`.
 */
MUST_CHECK enum iothub_status
hub_query(struct hub *hub, const struct hub_query_request *request, struct hub_query_run **out);

/* Nobody waits for it any more: `done` is not called. */
void hub_query_cancel(struct hub *hub, struct hub_query_run *run);

/* ---- jobs -------------------------------------------------------------------------------- */

MUST_CHECK enum iothub_status hub_job_create(struct hub *hub, struct slice job_id,
                                             struct slice text, const json_t *body,
                                             struct buf *out);
MUST_CHECK enum iothub_status hub_job_get(struct hub *hub, struct slice job_id,
                                          struct buf *out);
MUST_CHECK enum iothub_status hub_job_cancel(struct hub *hub, struct slice job_id,
                                             struct buf *out);

/* Filters are compared without case; empty ones let everything pass. */
MUST_CHECK enum iothub_status hub_job_list(struct hub *hub, struct slice type,
                                           struct slice status,
                                           const struct hub_page_request *request,
                                           struct hub_page *out);

/* ---- configurations -----------------------------------------------------------------------
 */

/* Automatic device management and edge deployments: IoT Hub REST, "Configuration". */

MUST_CHECK enum iothub_status hub_configuration_get(struct hub *hub, struct slice id,
                                                    struct hub_document *out);

/**
 * Create (no condition), update ("*") or update if it is still the same (etag, with or without
 * quotes).  Content cannot change: of an update that has other content, the rest is taken.
 * @param text  the body as it came, of which content and labels are kept.
 */
MUST_CHECK enum iothub_status hub_configuration_put(struct hub *hub, struct slice id,
                                                    struct slice text, const json_t *body,
                                                    struct hub_condition condition,
                                                    struct hub_document *out);

/* What it did to twins is undone by and by. */
MUST_CHECK enum iothub_status hub_configuration_delete(struct hub *hub, struct slice id,
                                                       struct hub_condition condition);

/* The first `top` in order of creation, as an array. */
MUST_CHECK enum iothub_status hub_configuration_list(struct hub *hub, int64_t top,
                                                     struct buf *out);

/* What is wrong with the queries of {"targetCondition", "customMetricQueries"}. */
MUST_CHECK enum iothub_status hub_configuration_test(struct hub *hub, const json_t *body,
                                                     struct buf *out);

/* Put content into one device and, of an edge device, its modules, once. */
MUST_CHECK enum iothub_status hub_configuration_apply(struct hub *hub, struct slice device_id,
                                                      const json_t *body);

#endif
