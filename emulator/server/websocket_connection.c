/*
 * A bufferevent, and frames between it and the stream.
 */
#include "server/websocket_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/websocket.h"

enum {
    /* How long the kernel keeps the last bytes for a client that does not take them. */
    UNREAD_MS = 30000,
};

struct websocket_connection {
    struct mqtt_stream stream;
    struct websocket socket;
    bool *is_busy;
    struct MHD_UpgradeResponseHandle *handle;
    evutil_socket_t fd;
    evutil_socket_t client_fd;
    struct event *hung_up; /* the client's socket, when that is not `fd` */
};

static struct websocket_connection *connection_of(struct mqtt_stream *stream)
{
    return CONTAINER_OF(stream, struct websocket_connection, stream);
}

/* ---- what a stream wants of it ---- */

static void take(struct mqtt_stream *stream)
{
    struct websocket *socket = &connection_of(stream)->socket;
    *connection_of(stream)->is_busy = true;
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

static void release(struct mqtt_stream *stream)
{
    struct websocket_connection *connection = connection_of(stream);
    unsigned unread_ms = UNREAD_MS;
    if (connection->hung_up != NULL) {
        event_free(connection->hung_up);
    }
    bufferevent_free(stream->bev);
    evbuffer_free(stream->in);
    websocket_finish(&connection->socket);
    /* The library waits for the last bytes to leave. */
    (void)setsockopt(connection->client_fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unread_ms,
                     sizeof(unread_ms));
    MHD_upgrade_action(connection->handle, MHD_UPGRADE_ACTION_CLOSE);
    free(connection);
}

static const struct mqtt_stream_ops stream_ops = {
    .take = take,
    .send = send_bytes,
    .say_goodbye = say_goodbye,
    .release = release,
};

/* ---- beginning ---- */

/*
 * With TLS the library does not tell of a client that is gone while nothing is sent to it. When
 * nothing is written to it any more, it ends its side once everything that came has been read.
 */
static void on_hung_up(evutil_socket_t client_fd, short what, void *ctx)
{
    struct websocket_connection *connection = ctx;
    struct pollfd state = {.fd = client_fd, .events = POLLRDHUP};
    (void)what;
    if (poll(&state, 1, 0) == 1) {
        log_debug("%s has hung up", connection->stream.remote);
        event_del(connection->hung_up);
        shutdown(connection->fd, SHUT_WR);
    }
}

static bool watch_client(struct websocket_connection *connection, struct event_base *base)
{
    if (connection->client_fd == connection->fd) {
        return true;
    }
    /* An error is told as readable; each arrival is told once, and it is not ours to read. */
    connection->hung_up = event_new(base, connection->client_fd,
                                    EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, on_hung_up,
                                    connection);
    return connection->hung_up != NULL && event_add(connection->hung_up, NULL) == 0;
}

static const struct sockaddr *address_of(struct MHD_Connection *connection, socklen_t *out_len)
{
    const struct sockaddr *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    *out_len = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                              : sizeof(struct sockaddr_in);
    return address;
}

/* A bufferevent that leaves closing to the library. */
static struct bufferevent *make_bufferevent(const struct websocket_link *link)
{
    return evutil_make_socket_nonblocking(link->fd) == 0
               ? bufferevent_socket_new(link->turn->base, link->fd, 0)
               : NULL;
}

static struct websocket_connection *make_connection(const struct websocket_link *link)
{
    struct websocket_connection *connection = mem_alloc(sizeof(*connection));
    connection->is_busy = link->is_busy;
    connection->handle = link->handle;
    connection->fd = link->fd;
    connection->client_fd =
        MHD_get_connection_info(link->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd;
    return connection;
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
    struct websocket_connection *connection = make_connection(link);
    struct bufferevent *bev = make_bufferevent(link);
    struct evbuffer *data = evbuffer_new();
    if (bev == NULL || data == NULL || !watch_client(connection, link->turn->base)) {
        if (connection->hung_up != NULL) {
            event_free(connection->hung_up);
        }
        if (bev != NULL) {
            bufferevent_free(bev);
        }
        if (data != NULL) {
            evbuffer_free(data);
        }
        free(connection);
        return false;
    }
    (void)setsockopt(connection->client_fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    open_stream(connection, link, bev, data);
    return true;
}
