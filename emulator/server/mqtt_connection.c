/*
 * A bufferevent around each accepted socket, whose bytes are MQTT's as they are.
 */
#include "server/mqtt_connection.h"

#include <event2/bufferevent_ssl.h>
#include <stdlib.h>

#include "base/mem.h"
#include "server/acceptor.h"
#include "server/mqtt_stream.h"
#include "server/tls.h"

/* CONNACK with code 3, "the service is unavailable": MQTT 3.1.1, 3.2. */
#define REFUSAL "\x20\x02\x00\x03"

struct mqtt_listener {
    struct turn *turn;
    struct acceptor *acceptor;
    struct mqtt_tls tls;
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
    acceptor_explain(stream->bev, stream->remote);
}

static void send_bytes(struct mqtt_stream *stream, struct slice bytes)
{
    evbuffer_add(bufferevent_get_output(stream->bev), bytes.data, bytes.len);
}

/* A failure is met again by the bufferevent, which tells of it. */
static size_t send_now(struct mqtt_stream *stream, struct slice bytes)
{
    if (bufferevent_openssl_get_ssl(stream->bev) != NULL) {
        return 0;
    }
    ssize_t n = send(bufferevent_getfd(stream->bev), bytes.data, bytes.len, MSG_NOSIGNAL);
    return n < 0 ? 0 : (size_t)n;
}

static bool say_goodbye(struct mqtt_stream *stream)
{
    (void)stream;
    return false;
}

static void release(struct mqtt_stream *stream)
{
    admission_give_back(&stream->turn->admission, ADMISSION_MQTT);
    if (stream->is_cut) {
        acceptor_cut(stream->bev);
    } else {
        acceptor_hang_up(stream->bev);
    }
    free(CONTAINER_OF(stream, struct mqtt_connection, stream));
}

static const struct mqtt_stream_ops stream_ops = {
    .connected = start,
    .failed = on_failed,
    .send = send_bytes,
    .send_now = send_now,
    .say_goodbye = say_goodbye,
    .release = release,
};

/* ---- accepting ---- */

static void on_accepted(void *owner, const struct accepted *accepted)
{
    struct mqtt_listener *listener = owner;
    struct turn *turn = listener->turn;
    struct mqtt_connection *connection = mem_alloc(sizeof(*connection));
    connection->authorities = listener->tls.authorities;
    mqtt_stream_init(&connection->stream, turn, &stream_ops, accepted->bev, accepted->address,
                     accepted->address_len);
    if (listener->tls.context == NULL) {
        start(&connection->stream);
    } else {
        mqtt_stream_limit(&connection->stream, ACCEPTOR_HANDSHAKE_MS);
    }
}

struct mqtt_listener *mqtt_listener_create(struct turn *turn, int fd,
                                           const struct mqtt_tls *tls)
{
    struct mqtt_listener *listener = mem_alloc(sizeof(*listener));
    listener->turn = turn;
    listener->tls = *tls;
    listener->acceptor = acceptor_create(turn, fd,
                                         &(struct acceptor_wish){.tls = tls->context,
                                                                 .kind = ADMISSION_MQTT,
                                                                 .farewell = SLICE(REFUSAL),
                                                                 .callback = on_accepted,
                                                                 .owner = listener});
    if (listener->acceptor == NULL) {
        free(listener);
        return NULL;
    }
    return listener;
}

void mqtt_listener_destroy(struct mqtt_listener *listener)
{
    if (listener != NULL) {
        acceptor_destroy(listener->acceptor);
        free(listener);
    }
}
