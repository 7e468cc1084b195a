/*
 * Which topics a connection may use, and what they mean on it.
 *
 * A hub is no broker: a topic is an address of one of the hub's features for the connected
 * identity, and a filter is a request for one of them.
 */
#ifndef GATEWAY_MQTT_TOPICS_H
#define GATEWAY_MQTT_TOPICS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"
#include "iothub/identity.h"

/* What a device publishes to. */
enum mqtt_topic {
    MQTT_TOPIC_EVENTS,        /* rest: the property bag */
    MQTT_TOPIC_TWIN_GET,      /* rid */
    MQTT_TOPIC_TWIN_REPORTED, /* rid */
    MQTT_TOPIC_METHOD_ANSWER, /* status, rid */
};

struct mqtt_target {
    enum mqtt_topic topic;
    struct slice rest;
    struct slice rid;
    int status;
};

/* false: unknown, malformed, or another identity's. */
MUST_CHECK bool mqtt_topic_parse(struct slice topic, struct identity id,
                                 struct mqtt_target *out);

/* What a device subscribes to. */
enum mqtt_feature {
    MQTT_FEATURE_MESSAGES, /* cloud-to-device */
    MQTT_FEATURE_METHODS,
    MQTT_FEATURE_TWIN_ANSWERS,
    MQTT_FEATURE_DESIRED,
    MQTT_FEATURE_INPUTS, /* module inputs, which only an edge hub feeds */
    MQTT_N_FEATURES,
};

/* false: the filter could match what is not this identity's, or nothing the hub sends. */
MUST_CHECK bool mqtt_filter_parse(struct slice filter, struct identity id,
                                  enum mqtt_feature *out);

#endif
