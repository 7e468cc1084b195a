/*
 * The hub: what IoT Hub knows and does, in its own words.
 *
 * All protocols meet here.  No topic, header or link name comes in, no SQL goes out.  A hub is a
 * value: a process may hold several, each with its own store.
 *
 * Time is told, not asked: hub_turn() sets the moment in which everything until the next
 * hub_turn() happens.  Nothing a call answered may leave the process before hub_commit().
 *
 * Calls that can fail answer an enum iothub_status; hub_error_text() then holds the sentence that
 * belongs into the answer.  Slices given in are borrowed for the call; documents are appended to
 * a buffer the caller owns.
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

struct hub_options {
    const char *store_path;           /* NULL: in memory */
    const char *const *names;         /* host names the hub answers to, without a port */
    size_t n_names;                   /* none: any name is taken for this hub's */
    const struct hub_policy *policies;
    size_t n_policies;
    int64_t token_grace_ms;           /* how long a live connection outlasts its token */
    int64_t event_retention_ms;
    int64_t event_retention_count;
};

/* 10 minutes: IoT Hub documentation, "Monitor, diagnose and troubleshoot device connectivity". */
#define HUB_TOKEN_GRACE_MS 600000

/**
 * Open the hub's store and take up unfinished jobs.
 * @param options  copied.
 * @param error    receives a sentence when it fails.
 */
MUST_CHECK bool hub_open(const struct hub_options *options, struct moment now, struct buf *error,
                         struct hub **out);

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
    unsigned rights;         /* enum hub_right bits */
    char scope[2 * (LIMIT_ID_CHARS + 10) + 1]; /* what the token's resource names behind the host:
                                                  "", "devices/d", "devices/d/modules/m" */
    int64_t expires_ms;      /* wall time, without skew; NEVER_MS for a certificate */
};

/**
 * Check a shared access token that is presented to the service API.
 * A token without policy is checked with the key of the identity its resource names.
 * @return IOTHUB_OK; IOTHUB_UNAUTHORIZED (not a token, expired, unknown policy, no identity);
 *         IOTHUB_UNAUTHORIZED_ACCESS (wrong signature).
 */
MUST_CHECK enum iothub_status hub_authenticate(struct hub *hub, struct slice token,
                                               struct hub_principal *out);

/**
 * Check what a device or module presents for itself.
 *
 * @param token  a shared access token; empty for a certificate.
 * @param thumbprints  SHA-1 and SHA-256 of the client's certificate in hex, empty for none.
 * @return IOTHUB_OK; IOTHUB_DEVICE_NOT_FOUND, IOTHUB_MODULE_NOT_FOUND, IOTHUB_DEVICE_DISABLED,
 *         IOTHUB_UNAUTHORIZED.
 */
MUST_CHECK enum iothub_status hub_authenticate_identity(struct hub *hub, struct identity id,
                                                        struct slice token,
                                                        const struct slice thumbprints[2],
                                                        struct hub_principal *out);

/* Whether the principal has one of `rights` and its scope covers `path` ("devices/d/modules/m"). */
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
 * Make a device and its modules as a configuration file describes them, unless it exists.
 * @param seed     {"deviceId", "status"?, "authentication"?, "capabilities"?, "tags"?,
 *                 "properties"?: {"desired"?, "reported"?}, "modules"?: […]}
 * @param created  whether it was made now.
 */
MUST_CHECK enum iothub_status hub_device_seed(struct hub *hub, const json_t *seed, bool *created);

/* ---- twins ------------------------------------------------------------------------------- */

/* The service's view. */
MUST_CHECK enum iothub_status hub_twin_get(struct hub *hub, struct identity id, struct buf *out);

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

/* ---- messages ---------------------------------------------------------------------------- */

/* Take a device's message into the event log. */
MUST_CHECK enum iothub_status hub_event_send(struct hub *hub, struct hub_peer *peer,
                                             const struct message *message);

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

/* Forget a call; `done` will not be called.  An unknown id is nothing. */
void hub_method_cancel(struct hub *hub, uint64_t call);

/* A device's answer; one to an unknown or foreign call is dropped. */
void hub_method_answer(struct hub *hub, struct hub_peer *peer, uint64_t call, int device_status,
                       struct slice payload);

/* ---- queries ----------------------------------------------------------------------------- */

struct hub_page_request {
    int64_t max_items;         /* 0: the hub's own page size */
    struct slice continuation; /* empty: the first page */
};

struct hub_page {
    struct buf *body;        /* a JSON array */
    const char *item_type;   /* "Twin", "DeviceJob", "Raw", "JobResponse" */
    struct buf *continuation; /* stays empty on the last page */
};

MUST_CHECK enum iothub_status hub_query(struct hub *hub, struct slice text,
                                        const struct hub_page_request *request,
                                        struct hub_page *out);

/* ---- jobs -------------------------------------------------------------------------------- */

MUST_CHECK enum iothub_status hub_job_create(struct hub *hub, struct slice job_id,
                                             struct slice text, const json_t *body,
                                             struct buf *out);
MUST_CHECK enum iothub_status hub_job_get(struct hub *hub, struct slice job_id, struct buf *out);
MUST_CHECK enum iothub_status hub_job_cancel(struct hub *hub, struct slice job_id,
                                             struct buf *out);

/* Filters are compared without case; empty ones let everything pass. */
MUST_CHECK enum iothub_status hub_job_list(struct hub *hub, struct slice type,
                                           struct slice status,
                                           const struct hub_page_request *request,
                                           struct hub_page *out);

#endif
