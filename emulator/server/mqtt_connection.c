/*
 * A connection's bytes: bufferevent to gateway, gateway to bufferevent.
 *
 * The gateway's output stays in its own buffer until the turn has committed; only
 * mqtt_connections_put_out() moves it, so no acknowledgement can leave before its data is
 * stored.
 */
#include "server/mqtt_connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/mem.h"
#include "gateway/mqtt_gateway.h"
#include "iothub/limits.h"
#include "server/tls.h"

enum {
    IN_MAX_BYTES =
        LIMIT_MQTT_PACKET_BYTES,   /* the longest packet, and no more, waits to be whole */
    SENDING_MAX_BYTES = 256 * KIB, /* beyond that output waits in the gateway */
    HANDSHAKE_MS = 30000,
    LINGER_MS = 3000, /* for the last bytes of a connection that is over */
    ACCEPT_PAUSE_MS = 500,
    REMOTE_SIZE = NI_MAXHOST + 8,
};

struct mqtt_listener {
    struct turn *turn;
    struct evconnlistener *acceptor;
    SSL_CTX *tls;
    struct turn_timer pause;
};

struct mqtt_connection {
    struct turn *turn;
    struct bufferevent *bev;
    struct mqtt_client *client; /* NULL until the handshake is done */
    struct turn_timer timer;
    bool is_dirty;
    bool is_closing;
    char remote[REMOTE_SIZE];
    struct mqtt_connection *prev; /* in turn->mqtt_connections */
    struct mqtt_connection *next;
    struct mqtt_connection *next_dirty;
};

static void destroy(struct mqtt_connection *connection)
{
    struct turn *turn = connection->turn;
    turn_clear_timer(turn, &connection->timer);
    mqtt_client_destroy(connection->client);
    bufferevent_free(connection->bev);
    DL_DELETE(turn->mqtt_connections, connection);
    if (connection->is_dirty) {
        LL_DELETE2(turn->mqtt_dirty, connection, next_dirty);
    }
    turn->n_connections--;
    free(connection);
}

static void mark_dirty(struct mqtt_connection *connection)
{
    if (!connection->is_dirty) {
        connection->is_dirty = true;
        LL_PREPEND2(connection->turn->mqtt_dirty, connection, next_dirty);
    }
}

static void on_wake(void *owner)
{
    mark_dirty(owner);
}

/* ---- time
 * ------------------------------------------------------------------------------------ */

static void on_timer(struct turn *turn, struct turn_timer *timer);

/* The timer is moved only when it would ring too late: each packet puts the deadline off. */
static void watch_deadline(struct mqtt_connection *connection)
{
    int64_t due_ms = mqtt_client_deadline_ms(connection->client);
    if (due_ms == NEVER_MS) {
        return;
    }
    if (!deadline_is_set(&connection->timer.deadline) ||
        due_ms < connection->timer.deadline.due_ms) {
        turn_set_timer(connection->turn, &connection->timer, due_ms);
    }
}

static void on_timer(struct turn *turn, struct turn_timer *timer)
{
    struct mqtt_connection *connection = CONTAINER_OF(timer, struct mqtt_connection, timer);
    if (connection->client == NULL || connection->is_closing) {
        destroy(connection);
        return;
    }
    mqtt_client_expire(connection->client, turn->now.now_ms);
    watch_deadline(connection);
}

/* ---- intake
 * ---------------------------------------------------------------------------------- */

static void feed(struct mqtt_connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->bev);
    size_t len = evbuffer_get_length(input);
    if (connection->client == NULL || connection->is_closing || len == 0 ||
        len < mqtt_client_need(connection->client)) {
        return;
    }
    const char *bytes = (const char *)evbuffer_pullup(input, -1);
    size_t used = mqtt_client_feed(connection->client, slice_make(bytes, len),
                                   connection->turn->now.now_ms);
    evbuffer_drain(input, used);
    watch_deadline(connection);
    mark_dirty(connection);
}

static void on_readable(struct bufferevent *bev, void *ctx)
{
    struct mqtt_connection *connection = ctx;
    (void)bev;
    turn_enter(connection->turn);
    feed(connection);
}

/* What was sent made room: the gateway may have more, or may go on reading. */
static void on_writable(struct bufferevent *bev, void *ctx)
{
    struct mqtt_connection *connection = ctx;
    (void)bev;
    turn_enter(connection->turn);
    if (connection->is_closing) {
        destroy(connection);
        return;
    }
    mark_dirty(connection);
    feed(connection);
}

static void start_client(struct mqtt_connection *connection)
{
    char thumbprints[2][TLS_THUMBPRINT_SIZE] = {"", ""};
    SSL *ssl = bufferevent_openssl_get_ssl(connection->bev);
    if (ssl != NULL) {
        tls_thumbprints(ssl, thumbprints);
    }
    struct mqtt_link link = {
        .remote = connection->remote,
        .thumbprints = {slice_of(thumbprints[0]), slice_of(thumbprints[1])},
        .wake = on_wake,
        .owner = connection,
    };
    connection->client =
        mqtt_client_create(connection->turn->hub, &link, connection->turn->now.now_ms);
    turn_clear_timer(connection->turn, &connection->timer);
    watch_deadline(connection);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct mqtt_connection *connection = ctx;
    turn_enter(connection->turn);
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        start_client(connection);
        return;
    }
    unsigned long why = bufferevent_get_openssl_error(bev);
    if (connection->client == NULL && why != 0) {
        log_info("TLS with %s failed: %s", connection->remote,
                 ERR_reason_error_string(why) == NULL ? "no reason given"
                                                      : ERR_reason_error_string(why));
    }
    log_debug("the connection from %s has ended", connection->remote);
    destroy(connection);
}

/* ---- output
 * ---------------------------------------------------------------------------------- */

static void close_when_sent(struct mqtt_connection *connection)
{
    connection->is_closing = true;
    bufferevent_disable(connection->bev, EV_READ);
    if (evbuffer_get_length(bufferevent_get_output(connection->bev)) == 0) {
        destroy(connection);
        return;
    }
    turn_set_timer(connection->turn, &connection->timer,
                   connection->turn->now.now_ms + LINGER_MS);
}

static void put_out(struct mqtt_connection *connection)
{
    struct evbuffer *sending = bufferevent_get_output(connection->bev);
    struct buf *out = mqtt_client_out(connection->client);
    size_t queued = evbuffer_get_length(sending);
    size_t room = queued >= SENDING_MAX_BYTES ? 0 : SENDING_MAX_BYTES - queued;
    size_t n = out->len < room ? out->len : room;
    if (n != 0) {
        evbuffer_add(sending, out->data, n);
        buf_drop(out, n);
    }
    /* A quiet connection keeps no memory for its next packet. */
    if (out->len == 0) {
        buf_finish(out);
    }
    if (mqtt_client_is_over(connection->client)) {
        close_when_sent(connection);
    }
}

void mqtt_connections_put_out(struct turn *turn)
{
    /* Ending one may make the hub tell others, which are then dirty again. */
    while (turn->mqtt_dirty != NULL) {
        struct mqtt_connection *connection = turn->mqtt_dirty;
        LL_DELETE2(turn->mqtt_dirty, connection, next_dirty);
        connection->is_dirty = false;
        if (!connection->is_closing) {
            put_out(connection);
        }
    }
}

void mqtt_connections_close(struct turn *turn)
{
    while (turn->mqtt_connections != NULL) {
        destroy(turn->mqtt_connections);
    }
}

/* ---- accepting
 * ------------------------------------------------------------------------------- */

static void describe(const struct sockaddr *address, int len, char out[REMOTE_SIZE])
{
    char host[NI_MAXHOST];
    char port[8];
    if (getnameinfo(address, (socklen_t)len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(out, REMOTE_SIZE, "an unknown address");
        return;
    }
    snprintf(out, REMOTE_SIZE, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

static struct bufferevent *make_bufferevent(const struct mqtt_listener *listener,
                                            evutil_socket_t fd)
{
    int flags = BEV_OPT_CLOSE_ON_FREE;
    if (listener->tls == NULL) {
        return bufferevent_socket_new(listener->turn->base, fd, flags);
    }
    SSL *ssl = SSL_new(listener->tls);
    if (ssl == NULL) {
        return NULL;
    }
    struct bufferevent *bev = bufferevent_openssl_socket_new(listener->turn->base, fd, ssl,
                                                             BUFFEREVENT_SSL_ACCEPTING, flags);
    if (bev == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    /* Clients that just close the socket are no TLS error. */
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

static void begin(struct mqtt_listener *listener, struct bufferevent *bev, evutil_socket_t fd,
                  const struct sockaddr *address, int len)
{
    int yes = 1;
    struct turn *turn = listener->turn;
    struct mqtt_connection *connection = mem_alloc(sizeof(*connection));
    connection->turn = turn;
    connection->bev = bev;
    connection->timer.fire = on_timer;
    describe(address, len, connection->remote);
    DL_APPEND(turn->mqtt_connections, connection);
    turn->n_connections++;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    bufferevent_setcb(bev, on_readable, on_writable, on_event, connection);
    bufferevent_setwatermark(bev, EV_READ, 0, IN_MAX_BYTES);
    if (listener->tls == NULL) {
        start_client(connection);
    } else {
        turn_set_timer(turn, &connection->timer, turn->now.now_ms + HANDSHAKE_MS);
    }
    bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void on_accept(struct evconnlistener *acceptor, evutil_socket_t fd,
                      struct sockaddr *address, int len, void *ctx)
{
    struct mqtt_listener *listener = ctx;
    struct turn *turn = listener->turn;
    (void)acceptor;
    turn_enter(turn);
    if (turn->n_connections >= turn->max_connections) {
        log_warning("a connection was turned away: there are %zu already (--max-connections)",
                    turn->n_connections);
        evutil_closesocket(fd);
        return;
    }
    struct bufferevent *bev = make_bufferevent(listener, fd);
    if (bev == NULL) {
        evutil_closesocket(fd);
        return;
    }
    begin(listener, bev, fd, address, len);
}

static void resume_accepting(struct turn *turn, struct turn_timer *timer)
{
    struct mqtt_listener *listener = CONTAINER_OF(timer, struct mqtt_listener, pause);
    (void)turn;
    evconnlistener_enable(listener->acceptor);
}

/* Out of descriptors: the connection stays in the backlog, and asking again at once would spin.
 */
static void on_accept_error(struct evconnlistener *acceptor, void *ctx)
{
    struct mqtt_listener *listener = ctx;
    turn_enter(listener->turn);
    log_error("cannot accept connections: %s; trying again in %d ms",
              evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()), ACCEPT_PAUSE_MS);
    evconnlistener_disable(acceptor);
    listener->pause.fire = resume_accepting;
    turn_set_timer(listener->turn, &listener->pause,
                   listener->turn->now.now_ms + ACCEPT_PAUSE_MS);
}

struct mqtt_listener *mqtt_listener_create(struct turn *turn, int fd, SSL_CTX *tls)
{
    struct mqtt_listener *listener = mem_alloc(sizeof(*listener));
    listener->turn = turn;
    listener->tls = tls;
    listener->acceptor = evconnlistener_new(
        turn->base, on_accept, listener, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (listener->acceptor == NULL) {
        free(listener);
        return NULL;
    }
    evconnlistener_set_error_cb(listener->acceptor, on_accept_error);
    return listener;
}

void mqtt_listener_destroy(struct mqtt_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    turn_clear_timer(listener->turn, &listener->pause);
    evconnlistener_free(listener->acceptor);
    free(listener);
}
