/*
 * What a client consists of, and what its parts ask of each other.
 *
 * session says what is to be done and when, link does it, and the three lists hold what waits
 * for the hub (outbox, requests) or for the application (calls).
 */
#ifndef DEVICE_SRC_CLIENT_H
#define DEVICE_SRC_CLIENT_H

#include <stdbool.h>

#include "base/clock.h"
#include "device/src/calls.h"
#include "device/src/link.h"
#include "device/src/outbox.h"
#include "device/src/requests.h"
#include "device/src/session.h"
#include "device/src/settings.h"
#include "device/src/topics.h"
#include "iothub/device.h"

/* What the client may subscribe to, as bits. */
enum {
    SUBSCRIBE_METHODS = 1,
    SUBSCRIBE_TWIN = 2,
    SUBSCRIBE_DESIRED = 4,
    SUBSCRIBE_MESSAGES = 8,
};

/* Subscriptions of each quality of service go in a SUBSCRIBE of their own. */
#define CLIENT_N_QOS 2

struct iothub_device {
    struct settings settings;
    struct clock clock;
    struct session session;
    struct link link;
    struct renewal renewal;   /* of the token that the link was opened with */
    bool has_newer_signature; /* than the one that the link was opened with */

    unsigned wanted;     /* subscriptions the application needs */
    unsigned subscribed; /* those asked for on this connection */
    char *messages_filter;
    /* By QoS, of the SUBSCRIBE that IOTHUB_DEVICE_CONNECTED waits for; 0: none. */
    int subscribe_mids[CLIENT_N_QOS];
    bool is_subscription_refused;

    struct outbox outbox;
    struct requests requests;
    struct calls calls;

    enum iothub_device_state announced;
    bool is_polling;
    bool has_called_back; /* in this poll */

    iothub_device_connection_fn on_connection;
    void *on_connection_ctx;
    iothub_device_method_fn on_method;
    void *on_method_ctx;
    iothub_device_desired_fn on_desired;
    void *on_desired_ctx;
    iothub_device_message_fn on_message;
    void *on_message_ctx;
};

/* Add to or take from the wanted subscriptions, at the hub as well when there is a connection.
 */
void client_subscribe(struct iothub_device *client, unsigned bit);
void client_unsubscribe(struct iothub_device *client, unsigned bit);

/* Whether new requests and messages may be sent. */
bool client_is_connected(const struct iothub_device *client);

/* telemetry.c */
void telemetry_flush(struct iothub_device *client);
void telemetry_on_acknowledged(struct iothub_device *client, int mid);

/* twin.c */
void twin_flush(struct iothub_device *client);
void twin_expire(struct iothub_device *client, int64_t now_ms);
void twin_on_response(struct iothub_device *client, const struct topic *topic,
                      struct slice payload);
void twin_on_desired(struct iothub_device *client, const struct topic *topic,
                     struct slice payload);

/* received.c */
void received_on_message(struct iothub_device *client, const struct topic *topic,
                         struct slice payload);

/* method.c */
void method_on_call(struct iothub_device *client, const struct topic *topic,
                    struct slice payload);

#endif
