/*
 * Who is connected: one peer an identity, the newest wins.
 */
#include <stdio.h>
#include <string.h>

#include "hub/core.h"
#include "iothub/sas_token.h"

/* How long a name stays a model's: DTMIs are at most 128 characters, older announcements
 * longer. */
#define MODEL_ID_MAX (sizeof(((struct hub_peer *)0)->model_id) - 1)

static void write_key(char key[2 * LIMIT_ID_CHARS + 2], struct identity id)
{
    size_t len = id.device_id.len;
    memcpy(key, id.device_id.data, len);
    if (identity_is_module(id)) {
        key[len++] = '/';
        memcpy(key + len, id.module_id.data, id.module_id.len);
        len += id.module_id.len;
    }
    key[len] = '\0';
}

struct hub_peer *hub_find_peer(const struct hub *hub, struct identity id)
{
    char key[2 * LIMIT_ID_CHARS + 2];
    struct hub_peer *peer = NULL;
    if (id.device_id.len > LIMIT_ID_CHARS || id.module_id.len > LIMIT_ID_CHARS) {
        return NULL;
    }
    write_key(key, id);
    HASH_FIND_STR(hub->peers, key, peer);
    return peer;
}

static void copy_id(char out[LIMIT_ID_CHARS + 1], struct slice id)
{
    memcpy(out, id.len == 0 ? "" : id.data, id.len);
    out[id.len] = '\0';
}

/* Take the peer out of the hub's books; the connection's end is stored. */
static void let_go(struct hub *hub, struct hub_peer *peer)
{
    HASH_DEL(hub->peers, peer);
    hub->n_devices_online -= peer->module_id[0] == '\0';
    peer->is_attached = false;
    peer->interests = 0;
    hub_clear_timer(hub, &peer->expiry);
    /* A failure here breaks the store, and the turn's commit tells of it. */
    (void)!store_identity_activity(hub->store, peer->seq, hub->now.at_ms, peer->active_ms);
    hub_configurations_touch(hub, peer->seq, HUB_TOUCHED_CONNECTION);
    hub_calls_lost(hub, peer);
    hub_messages_lost(hub, peer);
}

static void expire(struct hub *hub, struct hub_timer *timer)
{
    struct hub_peer *peer = CONTAINER_OF(timer, struct hub_peer, expiry);
    let_go(hub, peer);
    peer->ops->close(peer, IOTHUB_UNAUTHORIZED);
}

void hub_close_peer(struct hub *hub, struct identity id, enum iothub_status why)
{
    struct hub_peer *peer = hub_find_peer(hub, id);
    if (peer != NULL) {
        let_go(hub, peer);
        peer->ops->close(peer, why);
    }
}

static void watch_expiry(struct hub *hub, struct hub_peer *peer, int64_t expires_ms)
{
    if (expires_ms == NEVER_MS) {
        return;
    }
    int64_t grace_ms = hub->token_grace_ms;
    int64_t left_ms = expires_ms - hub->now.at_ms + grace_ms;
    if (left_ms < INT64_MAX - hub->now.now_ms) {
        peer->expiry.fire = expire;
        hub_set_timer(hub, &peer->expiry, hub->now.now_ms + left_ms);
    }
}

static enum iothub_status announce_model(struct hub *hub, struct hub_peer *peer,
                                         struct slice model_id)
{
    if (model_id.len > MODEL_ID_MAX) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "The model id is too long.");
    }
    memcpy(peer->model_id, model_id.len == 0 ? "" : model_id.data, model_id.len);
    peer->model_id[model_id.len] = '\0';
    struct store_twin twin;
    if (store_twin_get(hub->store, peer->seq, &twin) != 0) {
        return hub_store_failed(hub);
    }
    if (slice_equal(twin.model_id, model_id)) {
        return IOTHUB_OK;
    }
    return store_twin_write_model(hub->store, peer->seq, model_id) == 0 ? IOTHUB_OK
                                                                        : hub_store_failed(hub);
}

static const char *scope_name(const struct hub_principal *principal, struct identity id)
{
    if (principal->kind == HUB_POLICY) {
        return "hub";
    }
    return identity_is_module(id) ? "module" : "device";
}

/* Only certificates do not expire. */
static const char *auth_type(const struct hub_principal *principal)
{
    return principal->expires_ms == NEVER_MS ? "x509" : "sas";
}

enum iothub_status hub_peer_attach(struct hub *hub, struct hub_peer *peer, struct identity id,
                                   const struct hub_principal *principal, struct slice model_id)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, id, &record);
    if (status != IOTHUB_OK) {
        return status;
    }
    peer->seq = record.seq;
    status = announce_model(hub, peer, model_id);
    if (status != IOTHUB_OK) {
        return status;
    }
    hub_close_peer(hub, id, IOTHUB_CONNECTION_FORCEFULLY_CLOSED_ON_NEW_CONNECTION);
    copy_id(peer->device_id, id.device_id);
    copy_id(peer->module_id, id.module_id);
    write_key(peer->key, id);
    peer->generation = record.generation;
    peer->connected_ms = hub->now.at_ms;
    peer->active_ms = hub->now.at_ms;
    peer->auth_scope = scope_name(principal, id);
    peer->auth_type = auth_type(principal);
    peer->interests = 0;
    peer->is_attached = true;
    HASH_ADD_STR(hub->peers, key, peer);
    hub->n_devices_online += peer->module_id[0] == '\0';
    hub_configurations_touch(hub, peer->seq, HUB_TOUCHED_CONNECTION);
    watch_expiry(hub, peer, principal->expires_ms);
    return IOTHUB_OK;
}

void hub_peer_detach(struct hub *hub, struct hub_peer *peer)
{
    if (peer->is_attached) {
        let_go(hub, peer);
    }
}

void hub_peer_want(struct hub *hub, struct hub_peer *peer, unsigned interests)
{
    if (!peer->is_attached) {
        return;
    }
    peer->interests = interests;
    /* Also when it answered before: it may know more methods now. */
    if ((interests & HUB_WANTS_METHODS) != 0) {
        hub_deliver_waiting(hub, peer);
    }
    hub_messages_deliver(hub, peer);
}

void hub_touch(struct hub *hub, int64_t seq, struct identity id)
{
    struct hub_peer *peer = hub_find_peer(hub, id);
    if (peer != NULL) {
        peer->active_ms = hub->now.at_ms;
    } else {
        /* A failure here breaks the store, and the turn's commit tells of it. */
        (void)!store_identity_touch(hub->store, seq, hub->now.at_ms);
    }
}

struct hub_sender hub_sender_of_peer(const struct hub_peer *peer)
{
    return (struct hub_sender){
        .id = hub_peer_id(peer),
        .generation = peer->generation,
        .auth_scope = peer->auth_scope,
        .auth_type = peer->auth_type,
        .model_id = peer->model_id,
    };
}

enum iothub_status hub_sender_of_caller(struct hub *hub, struct identity id,
                                        const struct hub_principal *principal,
                                        struct hub_sender *out)
{
    struct store_identity record;
    enum iothub_status status = hub_find_identity(hub, id, &record);
    if (status == IOTHUB_OK) {
        *out = (struct hub_sender){
            .id = id,
            .generation = record.generation,
            .auth_scope = scope_name(principal, id),
            .auth_type = auth_type(principal),
            .model_id = "",
        };
    }
    return status;
}

enum iothub_status hub_session_load(struct hub *hub, struct identity id, struct buf *out)
{
    int found = store_session_get(hub->store, id, out);
    return found < 0 ? hub_store_failed(hub) : IOTHUB_OK;
}

enum iothub_status hub_session_save(struct hub *hub, struct identity id, struct slice session)
{
    int done = store_session_set(hub->store, id, session);
    return done < 0 ? hub_store_failed(hub) : IOTHUB_OK;
}
