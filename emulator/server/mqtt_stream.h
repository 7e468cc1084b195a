/*
 * An MQTT conversation over whatever carries it: bytes to the gateway, and back after the
 * commit.
 *
 * What carries it embeds a struct mqtt_stream and adds a table of operations: TCP with or
 * without TLS (mqtt_connection.h), WebSockets (websocket_connection.h).  Feeding, deadlines,
 * waiting for slow readers and closing are the same for all, and so is the list of those that
 * have output.
 */
#ifndef SERVER_MQTT_STREAM_H
#define SERVER_MQTT_STREAM_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/slice.h"
#include "gateway/mqtt_gateway.h"
#include "iothub/limits.h"
#include "server/turn.h"

struct mqtt_stream;

/* The most that is kept of what the peer sent: the longest packet waits to be whole. */
#define MQTT_STREAM_IN_MAX_BYTES      LIMIT_MQTT_PACKET_BYTES
/* The most that is kept of what it does not read; beyond that output waits in the gateway. */
#define MQTT_STREAM_SENDING_MAX_BYTES ((size_t)256 * KIB)

/* An address with its scope, and "[" address "]:" port; every connection holds one. */
#define MQTT_STREAM_HOST_SIZE   (INET6_ADDRSTRLEN + 1 + IF_NAMESIZE)
#define MQTT_STREAM_REMOTE_SIZE (MQTT_STREAM_HOST_SIZE + 8)

struct mqtt_stream_ops {
    /* The transport is there: mqtt_stream_start().  Only when it was not at the beginning. */
    void (*connected)(struct mqtt_stream *stream);
    /* It never came.  NULL for transports that are there from the beginning. */
    void (*failed)(struct mqtt_stream *stream);
    /* Put what is MQTT's of the bufferevent's input into stream->in; NULL when all of it is. */
    void (*take)(struct mqtt_stream *stream);
    void (*send)(struct mqtt_stream *stream, struct slice bytes);
    /* Without waiting; how much was taken, the rest is sent.  NULL: this way cannot. */
    size_t (*send_now)(struct mqtt_stream *stream, struct slice bytes);
    /* Say that nothing more will be sent.  true: the peer is to be heard of until it agrees. */
    bool (*say_goodbye)(struct mqtt_stream *stream);
    /* Free what embeds the stream, and its bufferevent. */
    void (*release)(struct mqtt_stream *stream);
};

/* The transport may read; it writes `in` and the two that are said to be its own. */
struct mqtt_stream {
    struct turn *turn;
    const struct mqtt_stream_ops *ops;
    struct bufferevent *bev;
    struct evbuffer *in; /* MQTT's bytes: the bufferevent's input, or the transport's own */
    struct mqtt_client *client; /* NULL until mqtt_stream_start() */
    struct turn_timer timer;
    bool is_dirty;
    bool has_heard_all; /* the transport's: the peer has said its last */
    bool awaits_peer;   /* the transport may clear it: the peer has agreed to the goodbye */
    bool is_leaving;    /* the conversation is over, its last bytes leave */
    bool is_closing;    /* goodbye was said */
    bool is_cut;        /* it is to end without one: its release resets the connection */
    char remote[MQTT_STREAM_REMOTE_SIZE];
    struct mqtt_stream *prev; /* in turn->mqtt_streams */
    struct mqtt_stream *next;
    struct mqtt_stream *next_dirty;
};

/**
 * Take up a bufferevent, whose callbacks are the stream's from now on.
 * @param stream  {0}; `in` is set to the bufferevent's input.
 */
void mqtt_stream_init(struct mqtt_stream *stream, struct turn *turn,
                      const struct mqtt_stream_ops *ops, struct bufferevent *bev,
                      const struct sockaddr *remote, socklen_t remote_len);

/* Give up, unless mqtt_stream_start() or end comes before. */
void mqtt_stream_limit(struct mqtt_stream *stream, int64_t wait_ms);

/* The conversation begins. */
void mqtt_stream_start(struct mqtt_stream *stream, const struct hub_certificate *certificate);

/* The transport has put something into `in`, or has set has_heard_all or cleared awaits_peer.
 */
void mqtt_stream_feed(struct mqtt_stream *stream);

/**
 * Send what the gateway's clients have, and end those that are over.
 * @return whether one ended, which may have written to the hub.
 */
bool mqtt_streams_put_out(struct turn *turn);

/* End all at once. */
void mqtt_streams_close(struct turn *turn);

#endif
