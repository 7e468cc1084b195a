/*
 * Identities of devices and modules.
 *
 * A record is a plain value without pointers: it can be copied and changed freely.  `seq` is
 * its place in the order of creation and is never used again, so lists and query pages go by
 * it.
 */
#ifndef STORE_IDENTITIES_H
#define STORE_IDENTITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "iothub/identity.h"
#include "iothub/limits.h"
#include "store/store.h"

enum auth_type {
    AUTH_SAS,
    AUTH_SELF_SIGNED,
    AUTH_AUTHORITY,
    AUTH_NONE,
};

#define IDENTITY_KEY_SIZE        ((LIMIT_KEY_MAX_BYTES + 2) / 3 * 4 + 1)
#define IDENTITY_THUMBPRINT_SIZE 65
#define IDENTITY_SCOPE_SIZE      257
#define IDENTITY_TEXT_SIZE       (4 * LIMIT_STATUS_REASON_CHARS + 1)

struct store_identity {
    int64_t seq;
    char device_id[LIMIT_ID_CHARS + 1];
    char module_id[LIMIT_ID_CHARS + 1]; /* "" for a device */
    int64_t generation;                 /* .NET ticks at creation */
    int64_t etag;                       /* a counter from a random start */
    bool is_enabled;
    bool has_status_reason;
    char status_reason[IDENTITY_TEXT_SIZE];
    int64_t status_updated_ms;
    enum auth_type auth;
    char primary_key[IDENTITY_KEY_SIZE]; /* base64; "" when the type has none */
    char secondary_key[IDENTITY_KEY_SIZE];
    char primary_thumbprint[IDENTITY_THUMBPRINT_SIZE];
    char secondary_thumbprint[IDENTITY_THUMBPRINT_SIZE];
    bool has_managed_by;
    char managed_by[IDENTITY_TEXT_SIZE];
    bool is_edge;
    char device_scope[IDENTITY_SCOPE_SIZE];
    char parent_scope[IDENTITY_SCOPE_SIZE];
    int64_t connection_updated_ms;
    int64_t last_activity_ms;
    int64_t message_count; /* in its queue; the rows of c2d.h change it */
};

static inline struct identity store_identity_id(const struct store_identity *record)
{
    return (struct identity){slice_of(record->device_id), slice_of(record->module_id)};
}

MUST_CHECK int store_identity_get(struct store *store, struct identity id,
                                  struct store_identity *out);

MUST_CHECK int store_identity_get_by_seq(struct store *store, int64_t seq,
                                         struct store_identity *out);

/* Sets record->seq.  The caller has checked that the id is free: a second breaks the store. */
MUST_CHECK int store_identity_insert(struct store *store, struct store_identity *record);

/* Everything but seq, the ids and the count of messages. */
MUST_CHECK int store_identity_update(struct store *store, const struct store_identity *record);

/* What connections change, without the rest. */
MUST_CHECK int store_identity_activity(struct store *store, int64_t seq,
                                       int64_t connection_updated_ms, int64_t last_activity_ms);

/* What a message of one that has no connection changes. */
MUST_CHECK int store_identity_touch(struct store *store, int64_t seq, int64_t last_activity_ms);

/*
 * The identity with its twin, queue and feedback, and for a device its modules with theirs.
 */
MUST_CHECK int store_identity_delete(struct store *store, const struct store_identity *record);

/*
 * Walk in order of creation: pass after_seq 0 first, then the last record's seq.
 * STORE_NO_ROW at the end.  Other calls may be made between two steps.
 */
MUST_CHECK int store_identity_next_device(struct store *store, int64_t after_seq,
                                          struct store_identity *out);
MUST_CHECK int store_identity_next_module(struct store *store, struct slice device_id,
                                          int64_t after_seq, struct store_identity *out);

MUST_CHECK int store_identity_count_modules(struct store *store, struct slice device_id,
                                            int64_t *out);

/* The number of devices that are enabled, or of those that are not; kept, not counted anew. */
MUST_CHECK int store_identity_count_devices(struct store *store, bool is_enabled, int64_t *out);

/*
 * What a connection left to be taken up by the next one; a text that only its gateway reads.
 * Reading appends it, or nothing where nothing was left; STORE_NO_ROW means no such identity.
 * It goes with the identity.
 */
MUST_CHECK int store_session_get(struct store *store, struct identity id, struct buf *out);
MUST_CHECK int store_session_set(struct store *store, struct identity id, struct slice session);

#endif
