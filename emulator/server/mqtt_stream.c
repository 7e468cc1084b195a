/*
 * What all transports of MQTT share.
 *
 * The gateway's output stays in its own buffer until the turn has committed; only
 * mqtt_streams_put_out() moves it, so no acknowledgement can leave before its data is stored.
 */
#include "server/mqtt_stream.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"

enum {
    LINGER_MS = 3000, /* for the last bytes of a conversation that is over */
};

/* ---- life ---- */

static void end(struct mqtt_stream *stream)
{
    struct turn *turn = stream->turn;
    turn_clear_timer(turn, &stream->timer);
    mqtt_client_destroy(stream->client);
    DL_DELETE(turn->mqtt_streams, stream);
    if (stream->is_dirty) {
        LL_DELETE2(turn->mqtt_dirty, stream, next_dirty);
    }
    stream->ops->release(stream);
}

static void mark_dirty(struct mqtt_stream *stream)
{
    if (!stream->is_dirty) {
        stream->is_dirty = true;
        LL_PREPEND2(stream->turn->mqtt_dirty, stream, next_dirty);
    }
}

static void on_wake(void *owner)
{
    mark_dirty(owner);
}

/* ---- time ---- */

/* The timer is moved only when it would ring too late: each packet puts the deadline off. */
static void watch_deadline(struct mqtt_stream *stream)
{
    int64_t due_ms = mqtt_client_deadline_ms(stream->client);
    if (due_ms == NEVER_MS) {
        return;
    }
    if (!deadline_is_set(&stream->timer.deadline) || due_ms < stream->timer.deadline.due_ms) {
        turn_set_timer(stream->turn, &stream->timer, due_ms);
    }
}

static void on_timer(struct turn *turn, struct turn_timer *timer)
{
    struct mqtt_stream *stream = CONTAINER_OF(timer, struct mqtt_stream, timer);
    if (stream->client == NULL || stream->is_leaving) {
        end(stream);
        return;
    }
    mqtt_client_expire(stream->client, turn->now.now_ms);
    watch_deadline(stream);
}

void mqtt_stream_limit(struct mqtt_stream *stream, int64_t wait_ms)
{
    turn_set_timer(stream->turn, &stream->timer, stream->turn->now.now_ms + wait_ms);
}

/* ---- intake ---- */

/* How much the gateway has used of what waits. */
static size_t feed_client(struct mqtt_stream *stream)
{
    size_t len = evbuffer_get_length(stream->in);
    if (stream->is_leaving || len == 0 || len < mqtt_client_need(stream->client)) {
        return 0;
    }
    const char *bytes = (const char *)evbuffer_pullup(stream->in, -1);
    size_t used =
        mqtt_client_feed(stream->client, slice_make(bytes, len), stream->turn->now.now_ms);
    evbuffer_drain(stream->in, used);
    watch_deadline(stream);
    mark_dirty(stream);
    return used;
}

/* A transport that takes may have held something back for want of room. */
static void take_and_feed(struct mqtt_stream *stream)
{
    size_t used = 0;
    do {
        if (stream->ops->take != NULL) {
            stream->ops->take(stream);
        }
        used = feed_client(stream);
    } while (used != 0 && stream->ops->take != NULL);
}

static bool is_done(const struct mqtt_stream *stream)
{
    return stream->is_closing && !stream->awaits_peer &&
           evbuffer_get_length(bufferevent_get_output(stream->bev)) == 0;
}

void mqtt_stream_feed(struct mqtt_stream *stream)
{
    if (stream->client != NULL) {
        take_and_feed(stream);
    }
    if (stream->has_heard_all) {
        mark_dirty(stream);
    }
    if (is_done(stream)) {
        end(stream);
    }
}

static void on_readable(struct bufferevent *bev, void *ctx)
{
    struct mqtt_stream *stream = ctx;
    (void)bev;
    turn_enter(stream->turn);
    mqtt_stream_feed(stream);
}

/* What was sent made room: the gateway may have more, or may go on reading. */
static void on_writable(struct bufferevent *bev, void *ctx)
{
    struct mqtt_stream *stream = ctx;
    (void)bev;
    turn_enter(stream->turn);
    if (stream->client != NULL) {
        mqtt_client_drained(stream->client);
        mark_dirty(stream);
    }
    mqtt_stream_feed(stream);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct mqtt_stream *stream = ctx;
    (void)bev;
    turn_enter(stream->turn);
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        stream->ops->connected(stream);
        return;
    }
    if (stream->client == NULL && stream->ops->failed != NULL) {
        stream->ops->failed(stream);
    }
    log_debug("the connection from %s has ended", stream->remote);
    end(stream);
}

/* ---- beginning ---- */

static void describe(const struct sockaddr *address, socklen_t len,
                     char out[MQTT_STREAM_REMOTE_SIZE])
{
    char host[MQTT_STREAM_HOST_SIZE];
    char port[8];
    if (getnameinfo(address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(out, MQTT_STREAM_REMOTE_SIZE, "an unknown address");
        return;
    }
    snprintf(out, MQTT_STREAM_REMOTE_SIZE, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s",
             host, port);
}

void mqtt_stream_init(struct mqtt_stream *stream, struct turn *turn,
                      const struct mqtt_stream_ops *ops, struct bufferevent *bev,
                      const struct sockaddr *remote, socklen_t remote_len)
{
    stream->turn = turn;
    stream->ops = ops;
    stream->bev = bev;
    stream->in = bufferevent_get_input(bev);
    stream->timer.fire = on_timer;
    describe(remote, remote_len, stream->remote);
    DL_APPEND(turn->mqtt_streams, stream);
    bufferevent_setcb(bev, on_readable, on_writable, on_event, stream);
    bufferevent_setwatermark(bev, EV_READ, 0, MQTT_STREAM_IN_MAX_BYTES);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
}

void mqtt_stream_start(struct mqtt_stream *stream, const struct hub_certificate *certificate)
{
    struct mqtt_link link = {
        .remote = stream->remote,
        .certificate = certificate,
        .allows_faults = stream->turn->faults != NULL,
        .wake = on_wake,
        .owner = stream,
    };
    stream->client = mqtt_client_create(stream->turn->hub, &link, stream->turn->now.now_ms);
    turn_clear_timer(stream->turn, &stream->timer);
    watch_deadline(stream);
}

/* ---- output ---- */

static void leave(struct mqtt_stream *stream)
{
    if (!stream->is_leaving) {
        stream->is_leaving = true;
        mqtt_stream_limit(stream, LINGER_MS);
    }
    if (!stream->is_closing) {
        if (mqtt_client_out(stream->client)->len != 0) {
            return; /* on_writable() comes back to it */
        }
        stream->is_closing = true;
        stream->awaits_peer = stream->ops->say_goodbye(stream);
    }
    if (!stream->awaits_peer) {
        bufferevent_disable(stream->bev, EV_READ);
    }
}

/*
 * What the socket takes at once need not wait until the loop says that it would, which costs
 * three calls of the system and another turn.  But that is also how who waits for room hears
 * of it, so for those it goes that way.
 */
static size_t send_now(struct mqtt_stream *stream, struct slice bytes)
{
    return stream->ops->send_now == NULL || mqtt_client_wants_room(stream->client)
               ? 0
               : stream->ops->send_now(stream, bytes);
}

static void move_out(struct mqtt_stream *stream)
{
    struct buf *out = mqtt_client_out(stream->client);
    size_t queued = evbuffer_get_length(bufferevent_get_output(stream->bev));
    size_t room =
        queued >= MQTT_STREAM_SENDING_MAX_BYTES ? 0 : MQTT_STREAM_SENDING_MAX_BYTES - queued;
    size_t n = out->len < room ? out->len : room;
    if (n != 0) {
        bool is_all = queued == 0 && n == out->len;
        size_t sent = is_all ? send_now(stream, slice_make(out->data, n)) : 0;
        if (sent < n) {
            stream->ops->send(stream, slice_make(out->data + sent, n - sent));
        }
        buf_drop(out, n);
    }
    /* A quiet connection keeps no memory for its next packet. */
    if (out->len == 0) {
        buf_finish(out);
    }
}

/* false when it has ended. */
static bool put_out(struct mqtt_stream *stream)
{
    if (mqtt_client_is_cut(stream->client)) {
        stream->is_cut = true;
        end(stream);
        return false;
    }
    if (!stream->is_closing) {
        move_out(stream);
    }
    if (mqtt_client_is_over(stream->client) || stream->has_heard_all) {
        leave(stream);
    }
    if (is_done(stream)) {
        end(stream);
        return false;
    }
    return true;
}

bool mqtt_streams_put_out(struct turn *turn)
{
    bool has_ended_one = false;
    /* Ending one may make the hub tell others, which are then dirty again. */
    while (turn->mqtt_dirty != NULL) {
        struct mqtt_stream *stream = turn->mqtt_dirty;
        LL_DELETE2(turn->mqtt_dirty, stream, next_dirty);
        stream->is_dirty = false;
        has_ended_one = !put_out(stream) || has_ended_one;
    }
    return has_ended_one;
}

void mqtt_streams_close(struct turn *turn)
{
    while (turn->mqtt_streams != NULL) {
        end(turn->mqtt_streams);
    }
}
