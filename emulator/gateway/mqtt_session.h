/*
 * What a connection has subscribed to, and its form between connections.
 * Source: MQTT 3.1.1, 3.1.2.4 (clean session) and 3.8.
 */
#ifndef GATEWAY_MQTT_SESSION_H
#define GATEWAY_MQTT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "gateway/mqtt_topics.h"

/* More distinct filters than this close the connection; SDKs use at most five. */
#define MQTT_SUBSCRIPTIONS_MAX 32

struct mqtt_subscription {
    enum mqtt_feature feature;
    char *filter;
    uint8_t qos;
};

/* {0} is a session without subscriptions. */
struct mqtt_session {
    struct mqtt_subscription *items;
    size_t n_items;
};

void mqtt_session_finish(struct mqtt_session *session);

/* Add, or change the QoS of the same filter; false at the limit. */
MUST_CHECK bool mqtt_session_subscribe(struct mqtt_session *session, struct slice filter,
                                       enum mqtt_feature feature, uint8_t qos);
void mqtt_session_unsubscribe(struct mqtt_session *session, struct slice filter);

bool mqtt_session_has(const struct mqtt_session *session, enum mqtt_feature feature);

/* Whether a subscription to the feature matches the topic, and with which QoS at most. */
bool mqtt_session_wants(const struct mqtt_session *session, enum mqtt_feature feature,
                        struct slice topic, uint8_t *out_qos);

/*
 * The same for a cloud-to-device message with that property bag.  A filter may end before the
 * bag, and spell "devicebound" in any case.
 */
bool mqtt_session_wants_message(const struct mqtt_session *session, struct identity id,
                                struct slice bag, uint8_t *out_qos);

/* As a text that is never empty; and back, for the identity it was stored for. */
void mqtt_session_write(const struct mqtt_session *session, struct buf *out);
void mqtt_session_read(struct mqtt_session *session, struct slice text, struct identity id);

#endif
