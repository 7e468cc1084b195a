/*
 * A bufferevent around each accepted socket, whose bytes are MQTT's as they are.
 */
#include "server/mqtt_connection.h"

#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/mqtt_stream.h"
#include "server/tls.h"

enum {
    HANDSHAKE_MS = 30000,
    ACCEPT_PAUSE_MS = 500,
};

struct mqtt_listener {
    struct turn *turn;
    struct evconnlistener *acceptor;
    struct mqtt_tls tls;
    struct turn_timer pause;
};

struct mqtt_connection {
    struct mqtt_stream stream;
    X509_STORE *authorities; /* the listener's */
};

/* ---- what a stream wants of it ---- */

static void start(struct mqtt_stream *stream)
{
    const struct mqtt_connection *connection =
        CONTAINER_OF(stream, struct mqtt_connection, stream);
    const SSL *ssl = bufferevent_openssl_get_ssl(stream->bev);
    struct hub_certificate *certificate =
        ssl == NULL
            ? NULL
            : tls_client_certificate(ssl, connection->authorities, stream->turn->now.at_ms);
    mqtt_stream_start(stream, certificate);
    free(certificate);
}

static void on_failed(struct mqtt_stream *stream)
{
    unsigned long why = bufferevent_get_openssl_error(stream->bev);
    if (why != 0) {
        const char *reason = ERR_reason_error_string(why);
        log_info("TLS with %s failed: %s", stream->remote,
                 reason == NULL ? "no reason given" : reason);
    }
}

static void send_bytes(struct mqtt_stream *stream, struct slice bytes)
{
    evbuffer_add(bufferevent_get_output(stream->bev), bytes.data, bytes.len);
}

static bool say_goodbye(struct mqtt_stream *stream)
{
    (void)stream;
    return false;
}

static void release(struct mqtt_stream *stream)
{
    bufferevent_free(stream->bev);
    free(CONTAINER_OF(stream, struct mqtt_connection, stream));
}

static const struct mqtt_stream_ops stream_ops = {
    .connected = start,
    .failed = on_failed,
    .send = send_bytes,
    .say_goodbye = say_goodbye,
    .release = release,
};

/* ---- accepting ---- */

static struct bufferevent *make_bufferevent(const struct mqtt_listener *listener,
                                            evutil_socket_t fd)
{
    int flags = BEV_OPT_CLOSE_ON_FREE;
    if (listener->tls.context == NULL) {
        return bufferevent_socket_new(listener->turn->base, fd, flags);
    }
    SSL *ssl = SSL_new(listener->tls.context);
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

static void on_accept(struct evconnlistener *acceptor, evutil_socket_t fd,
                      struct sockaddr *address, int len, void *ctx)
{
    struct mqtt_listener *listener = ctx;
    int yes = 1;
    (void)acceptor;
    turn_enter(listener->turn);
    struct bufferevent *bev =
        mqtt_streams_have_room(listener->turn) ? make_bufferevent(listener, fd) : NULL;
    if (bev == NULL) {
        evutil_closesocket(fd);
        return;
    }
    struct mqtt_connection *connection = mem_alloc(sizeof(*connection));
    connection->authorities = listener->tls.authorities;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    mqtt_stream_init(&connection->stream, listener->turn, &stream_ops, bev, address,
                     (socklen_t)len);
    if (listener->tls.context == NULL) {
        start(&connection->stream);
    } else {
        mqtt_stream_limit(&connection->stream, HANDSHAKE_MS);
    }
}

static void resume_accepting(struct turn *turn, struct turn_timer *timer)
{
    struct mqtt_listener *listener = CONTAINER_OF(timer, struct mqtt_listener, pause);
    (void)turn;
    evconnlistener_enable(listener->acceptor);
}

/*
 * Out of descriptors: the connection stays in the backlog, and asking again at once would spin.
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

struct mqtt_listener *mqtt_listener_create(struct turn *turn, int fd,
                                           const struct mqtt_tls *tls)
{
    struct mqtt_listener *listener = mem_alloc(sizeof(*listener));
    listener->turn = turn;
    listener->tls = *tls;
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
