/*
 * One MQTT connection at a time over libmosquitto, and what went wrong with it in our words.
 *
 * One libmosquitto object serves all connections of a client, since it keeps the messages that
 * are to be repeated after a reconnection.  It is only ever called from link_… functions; its
 * own reconnecting, threads and TLS settings are not used.
 */
#ifndef DEVICE_SRC_LINK_H
#define DEVICE_SRC_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"
#include "device/src/resolve.h"
#include "device/src/tls.h"
#include "iothub/status.h"

struct mosquitto;

/* What arrives during link_work(). */
struct link_events {
    void (*on_message)(void *ctx, struct slice topic, struct slice payload);
    void (*on_acknowledged)(void *ctx, int mid);
    void (*on_granted)(void *ctx, int mid, bool is_granted); /* SUBACK */
};

struct link_options {
    const char *client_id;
    const char *host; /* to connect to */
    uint16_t port;
    int keep_alive_s;
    bool is_clean_session;
    const struct tls_options *tls; /* NULL: plain */
    const struct link_events *events;
    void *ctx;
};

/* Why a connection or an attempt ended. */
struct link_loss {
    enum iothub_status status;
    bool is_refusal;      /* the hub refused this client */
    bool has_alternative; /* the host has further addresses, and trying them makes sense */
    char text[256];
};

struct link {
    struct mosquitto *mosq;
    struct tls tls;
    bool is_tls;
    char *host;
    uint16_t port;
    int keep_alive_s;
    const struct link_events *events;
    void *ctx;
    struct addresses addresses;
    const char *address; /* in use; points into addresses */
    bool is_open;        /* an attempt or a connection is alive */
    bool is_accepted;    /* by a CONNACK */
    bool is_leaving;     /* DISCONNECT was sent */
    int refusal;         /* CONNACK code; 0 when there was none */
    int64_t tick_ms;     /* when libmosquitto is to look at its clock */
    bool has_loss;
    struct link_loss loss;
    char complaint[160]; /* libmosquitto's last error line */
};

/* @param error  receives what is wrong with a file.  The link must not move afterwards. */
MUST_CHECK bool link_init(struct link *link, const struct link_options *options,
                          struct buf *error);
void link_finish(struct link *link);

/* Begin an attempt at the next of the host's addresses; a failure is a loss like any other. */
void link_open(struct link *link, const char *user_name, const char *password, int64_t now_ms);

/* Send DISCONNECT; the loss that follows has IOTHUB_OK. */
void link_leave(struct link *link);

/* Give the connection up as lost, for the reason given. */
void link_fail(struct link *link, enum iothub_status status, const char *text);

/* Close without a word and without a loss. */
void link_drop(struct link *link);

int link_fd(const struct link *link); /* -1 when there is none */
bool link_wants_write(const struct link *link);
int64_t link_deadline_ms(const struct link *link);

/* Read, write and keep alive; `revents` as poll() gives them. */
void link_work(struct link *link, short revents, int64_t now_ms);

/* The loss that has happened since the last call, once. */
MUST_CHECK bool link_take_loss(struct link *link, struct link_loss *out);

/*
 * Publish; with QoS 1 libmosquitto keeps a copy and repeats it until it is acknowledged.
 * @return IOTHUB_OK; IOTHUB_NOT_CONNECTED; IOTHUB_BAD_ARGUMENT (not a topic MQTT allows).
 */
MUST_CHECK enum iothub_status link_publish(struct link *link, const char *topic,
                                           struct slice payload, int qos, int *out_mid);

/* Subscribe to one or more filters; on_granted tells the outcome. */
MUST_CHECK enum iothub_status link_subscribe(struct link *link, const char *const *filters,
                                             size_t n_filters, int qos, int *out_mid);
void link_unsubscribe(struct link *link, const char *filter);

#endif
