/*
 * A bufferevent, and frames between it and the stream.
 */
#include "server/websocket_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "base/mem.h"
#include "server/websocket.h"

struct websocket_connection {
    struct mqtt_stream stream;
    struct websocket socket;
    struct turn_timer *run_library;
    struct tls_relays *relays;
    struct MHD_Connection *connection;
    struct MHD_UpgradeResponseHandle *handle;
};

static struct websocket_connection *connection_of(struct mqtt_stream *stream)
{
    return CONTAINER_OF(stream, struct websocket_connection, stream);
}

/* ---- what a stream wants of it ---- */

static void take(struct mqtt_stream *stream)
{
    struct websocket *socket = &connection_of(stream)->socket;
    websocket_read(socket);
    stream->has_heard_all = socket->has_heard_all;
    if (socket->was_closed_by_client) {
        stream->awaits_peer = false;
    }
}

static void send_bytes(struct mqtt_stream *stream, struct slice bytes)
{
    websocket_send(&connection_of(stream)->socket, bytes);
}

static bool say_goodbye(struct mqtt_stream *stream)
{
    struct websocket *socket = &connection_of(stream)->socket;
    websocket_close(socket);
    return !socket->was_closed_by_client;
}

static const struct sockaddr *address_of(struct MHD_Connection *connection, socklen_t *out_len)
{
    const struct sockaddr *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    *out_len = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                              : sizeof(struct sockaddr_in);
    return address;
}

/* The client's socket is ours, or that of the relay at the other end of the pair. */
static void cut(const struct websocket_connection *connection)
{
    socklen_t len = 0;
    if (connection->relays != NULL) {
        const struct sockaddr *address = address_of(connection->connection, &len);
        tls_relay_cut(connection->relays, address, len);
    } else {
        acceptor_reset_on_close(bufferevent_getfd(connection->stream.bev));
    }
}

static void release(struct mqtt_stream *stream)
{
    struct websocket_connection *connection = connection_of(stream);
    admission_drop_websocket(&stream->turn->admission);
    if (stream->is_cut) {
        cut(connection);
    }
    bufferevent_free(stream->bev);
    evbuffer_free(stream->in);
    websocket_finish(&connection->socket);
    MHD_upgrade_action(connection->handle, MHD_UPGRADE_ACTION_CLOSE);
    turn_set_timer(stream->turn, connection->run_library, stream->turn->now.now_ms);
    free(connection);
}

static const struct mqtt_stream_ops stream_ops = {
    .take = take,
    .send = send_bytes,
    .say_goodbye = say_goodbye,
    .release = release,
};

/* ---- beginning ---- */

/* A bufferevent that leaves closing to the library. */
static struct bufferevent *make_bufferevent(const struct websocket_link *link)
{
    return evutil_make_socket_nonblocking(link->fd) == 0
               ? bufferevent_socket_new(link->turn->base, link->fd, 0)
               : NULL;
}

static void open_stream(struct websocket_connection *connection,
                        const struct websocket_link *link, struct bufferevent *bev,
                        struct evbuffer *data)
{
    struct mqtt_stream *stream = &connection->stream;
    const struct websocket_buffers buffers = {
        .raw = bufferevent_get_input(bev),
        .data = data,
        .out = bufferevent_get_output(bev),
        .data_max_bytes = MQTT_STREAM_IN_MAX_BYTES,
        .out_max_bytes = MQTT_STREAM_SENDING_MAX_BYTES,
    };
    socklen_t len = 0;
    const struct sockaddr *address = address_of(link->connection, &len);
    websocket_init(&connection->socket, &buffers);
    mqtt_stream_init(stream, link->turn, &stream_ops, bev, address, len);
    stream->in = data;
    mqtt_stream_start(stream, link->certificate);
    if (link->extra.len != 0) {
        evbuffer_prepend(buffers.raw, link->extra.data, link->extra.len);
        mqtt_stream_feed(stream);
    }
}

bool websocket_connection_create(const struct websocket_link *link)
{
    int yes = 1;
    struct bufferevent *bev = make_bufferevent(link);
    struct evbuffer *data = evbuffer_new();
    if (bev == NULL || data == NULL) {
        if (bev != NULL) {
            bufferevent_free(bev);
        }
        if (data != NULL) {
            evbuffer_free(data);
        }
        return false;
    }
    struct websocket_connection *connection = mem_alloc(sizeof(*connection));
    admission_add_websocket(&link->turn->admission);
    connection->run_library = link->run_library;
    connection->relays = link->relays;
    connection->connection = link->connection;
    connection->handle = link->handle;
    /* Behind TLS it is no TCP socket, and the real one is told so already. */
    (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    open_stream(connection, link, bev, data);
    return true;
}
