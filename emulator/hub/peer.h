/*
 * A connected device or module, as the hub sees it.
 *
 * Down by call, up by peer: a gateway calls the hub's functions, and the hub reaches a
 * connection through this table of operations.  An operation only encodes into the connection's
 * own outbox and says whether it could; it never calls the hub.
 */
#ifndef HUB_PEER_H
#define HUB_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/slice.h"
#include "iothub/identity.h"
#include "iothub/limits.h"
#include "iothub/status.h"

struct hub;
struct hub_peer;
struct hub_principal;
struct method_call;
struct hub_lock;

/* Something that happens at a time: hub_tick() calls `fire` once, when it is due. */
struct hub_timer {
    struct deadline deadline;
    void (*fire)(struct hub *hub, struct hub_timer *timer);
};

/* What a connection has asked for. */
enum hub_interest {
    HUB_WANTS_METHODS = 1,
    HUB_WANTS_DESIRED = 2,
    HUB_WANTS_MESSAGES = 4,
};

enum hub_taken {
    HUB_TAKEN,
    HUB_DONE,     /* taken, and nothing more will be heard of it; of messages only */
    HUB_FULL,     /* the outbox is at its cap */
    HUB_UNWANTED, /* the connection has no use for it, e.g. another method's name */
};

/* A cloud-to-device message that is handed out; borrowed until the next call of the hub. */
struct hub_message {
    int64_t id;       /* never used again */
    int64_t sequence; /* in the device's queue */
    int64_t enqueued_ms;
    int64_t delivery_count;
    bool was_sent; /* the device may have seen it before */
    const char *lock_token;
    struct slice properties; /* an encoded property bag in the order that devices are used to */
    struct slice body;
};

/* What becomes of a message that was handed out. */
enum hub_outcome {
    HUB_COMPLETED,
    HUB_ABANDONED, /* it is to come again */
    HUB_REJECTED,  /* it is not */
};

struct hub_peer_ops {
    /* A method call, to be answered with hub_method_answer(call).  payload as in
     * hub_method_request. */
    enum hub_taken (*method)(struct hub_peer *peer, uint64_t call, struct slice name,
                             struct slice payload);
    /* A change of desired properties: the patch with its "$version". */
    enum hub_taken (*desired)(struct hub_peer *peer, struct slice patch, int64_t version);
    /* Only for peers that want messages; to be settled with hub_peer_settle(). */
    enum hub_taken (*message)(struct hub_peer *peer, const struct hub_message *message);
    /* The hub has let go of the peer: close the connection.  It may not be used afterwards. */
    void (*close)(struct hub_peer *peer, enum iothub_status why);
};

/*
 * Embedded in a connection.  Its owner sets `ops` and may read; everything else is the hub's.
 * {0} with ops is a peer that is not attached.
 */
struct hub_peer {
    const struct hub_peer_ops *ops;

    bool is_attached;
    unsigned interests;
    char device_id[LIMIT_ID_CHARS + 1];
    char module_id[LIMIT_ID_CHARS + 1];
    char key[2 * LIMIT_ID_CHARS + 2]; /* "d" or "d/m": ids hold no '/' */
    UT_hash_handle hh;
    struct method_call *calls; /* that await this peer's answer */
    size_t n_calls;
    struct hub_lock *locks;  /* on messages that this peer has not settled */
    struct hub_timer expiry; /* of the token and its grace */
    int64_t seq;             /* the identity's */
    int64_t generation;      /* the identity's */
    int64_t connected_ms;    /* wall time */
    int64_t active_ms;       /* wall time of the last message either way */
    const char *auth_scope;  /* "hub", "device", "module": for event annotations */
    const char *auth_type;   /* "sas", "x509" */
    char model_id[257];
};

static inline struct identity hub_peer_id(const struct hub_peer *peer)
{
    return (struct identity){slice_of(peer->device_id), slice_of(peer->module_id)};
}

/**
 * Make the peer the identity's one connection; an older one is closed.
 * @param principal  from hub_authenticate_identity().
 * @param model_id   the announced model, or empty; the twin shows it.
 */
MUST_CHECK enum iothub_status hub_peer_attach(struct hub *hub, struct hub_peer *peer,
                                              struct identity id,
                                              const struct hub_principal *principal,
                                              struct slice model_id);

/* The connection has ended.  Not attached: nothing happens. */
void hub_peer_detach(struct hub *hub, struct hub_peer *peer);

/* Replace the peer's interests; calls and messages that wait are delivered. */
void hub_peer_want(struct hub *hub, struct hub_peer *peer, unsigned interests);

/* An operation has answered HUB_FULL, and there is room again. */
void hub_peer_ready(struct hub *hub, struct hub_peer *peer);

/* A message's end; one that the peer does not have any more is nothing. */
void hub_peer_settle(struct hub *hub, struct hub_peer *peer, int64_t id,
                     enum hub_outcome outcome);

/*
 * A text kept for the identity between its connections (a protocol's own session), and removed
 * with it.
 */
MUST_CHECK enum iothub_status hub_session_load(struct hub *hub, struct identity id,
                                               struct buf *out);
MUST_CHECK enum iothub_status hub_session_save(struct hub *hub, struct identity id,
                                               struct slice session);

#endif
