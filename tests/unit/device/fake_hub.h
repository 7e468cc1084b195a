/*
 * The hub's side of one device connection, played by the test itself: just enough of an MQTT
 * 3.1.1 server to accept, refuse, answer, keep silent or hang up on command.
 *
 * It has no thread: fake_hub_turn() does what can be done without waiting, and tests alternate
 * it with iothub_device_poll().
 */
#ifndef TESTS_UNIT_DEVICE_FAKE_HUB_H
#define TESTS_UNIT_DEVICE_FAKE_HUB_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define FAKE_HUB_PUBLISHES 64
#define FAKE_HUB_FILTERS   16

/* A PUBLISH from the device. */
struct fake_publish {
    char topic[512];
    char payload[512]; /* cut */
    int qos;
    int mid;
    bool is_dup;
};

struct fake_hub {
    int listener;
    uint16_t port;
    int peer;     /* -1 when no device is connected */
    SSL_CTX *tls; /* NULL: plain */
    SSL *ssl;
    struct buf in;

    /* What it is to do. */
    int connack;             /* return code; -1: none at all */
    bool is_holding_pubacks; /* QoS 1 messages are not acknowledged */
    bool is_holding_subacks;
    int suback; /* return code for each filter */

    /* What it has seen. */
    int n_connects;
    char client_id[256];
    char user_name[512];
    char password[512];
    bool has_password;
    bool is_clean_session;
    int keep_alive_s;
    char filters[FAKE_HUB_FILTERS][128]; /* since the last CONNECT */
    int filter_qos[FAKE_HUB_FILTERS];
    size_t n_filters;
    int n_subscribes;
    int n_unsubscribes;
    int n_disconnects;
    int n_pings;
    int pubacks[FAKE_HUB_PUBLISHES]; /* packet ids that the device has acknowledged */
    size_t n_pubacks;
    struct fake_publish publishes[FAKE_HUB_PUBLISHES];
    size_t n_publishes;
    char server_name[256]; /* asked for by SNI in the last handshake */
};

/* Listen on a free loopback port.  @param tls  taken over; NULL for none. */
void fake_hub_init(struct fake_hub *hub, SSL_CTX *tls);
void fake_hub_finish(struct fake_hub *hub);

void fake_hub_turn(struct fake_hub *hub);

/* Send a PUBLISH with QoS 0 to the device. */
void fake_hub_publish(struct fake_hub *hub, const char *topic, const char *payload);

/* The same with QoS 1, under this packet id. */
void fake_hub_publish_once(struct fake_hub *hub, const char *topic, struct slice payload,
                           int mid);

/* Acknowledge a message that was held back. */
void fake_hub_puback(struct fake_hub *hub, int mid);

/* Send bytes as they are. */
void fake_hub_send(struct fake_hub *hub, const void *data, size_t len);

/* Close the connection without a word. */
void fake_hub_hang_up(struct fake_hub *hub);

bool fake_hub_has_filter(const struct fake_hub *hub, const char *filter);

/* The last PUBLISH to a topic that begins so; NULL when there is none. */
const struct fake_publish *fake_hub_find(const struct fake_hub *hub, const char *topic_prefix);

/*
 * A TLS server that shows a certificate for `name`, self-signed.
 * @param ca_file  an open file the certificate is written to, for the device to trust; -1:
 * none.
 */
SSL_CTX *fake_hub_make_tls(const char *name, int ca_file);

#endif
