/*
 * The hub's MQTT surface on one screen: two tables and their readers.
 * Source: IoT Hub documentation, "Communicate using MQTT"; the device SDKs' topic modules.
 */
#include "gateway/mqtt_topics.h"

#include <limits.h>

#include "iothub/topics.h"

/* ---- publishing ----------------------------------------------------------------------------
 */

/* Topics that are the same for every identity. */
static const struct {
    struct slice prefix;
    enum mqtt_topic topic;
} hub_topics[] = {
    {{TOPIC_TWIN_GET, sizeof(TOPIC_TWIN_GET) - 1},           MQTT_TOPIC_TWIN_GET     },
    {{TOPIC_TWIN_REPORTED, sizeof(TOPIC_TWIN_REPORTED) - 1}, MQTT_TOPIC_TWIN_REPORTED},
    {{TOPIC_METHOD_RES, sizeof(TOPIC_METHOD_RES) - 1},       MQTT_TOPIC_METHOD_ANSWER},
};

/* "?$rid={rid}[&…]": the rid is opaque and kept as it stands. */
static bool read_rid(struct slice text, struct slice *out)
{
    struct slice parameter = {0};
    if (text.len == 0 || text.data[0] != '?') {
        return false;
    }
    text = slice_from(text, 1);
    while (slice_next(&text, '&', &parameter)) {
        if (slice_starts_with(parameter, SLICE("$rid="))) {
            *out = slice_from(parameter, 5);
            return out->len != 0;
        }
    }
    return false;
}

static bool read_answer(struct slice rest, struct mqtt_target *out)
{
    struct slice status = {0};
    int64_t number = 0;
    if (!slice_next(&rest, '/', &status) || !slice_to_i64(status, &number) ||
        number < INT_MIN || number > INT_MAX) {
        return false;
    }
    out->status = (int)number;
    return read_rid(rest, &out->rid);
}

/* Take "prefix" off the front of *topic. */
static bool take(struct slice *topic, struct slice prefix)
{
    if (!slice_starts_with(*topic, prefix)) {
        return false;
    }
    *topic = slice_from(*topic, prefix.len);
    return true;
}

/* "devices/{d}" or "devices/{d}/modules/{m}", whose end the rest must respect. */
static bool take_identity(struct slice *topic, struct identity id)
{
    if (!take(topic, SLICE(TOPIC_DEVICES)) || !take(topic, id.device_id)) {
        return false;
    }
    return !identity_is_module(id) ||
           (take(topic, SLICE(TOPIC_MODULES)) && take(topic, id.module_id));
}

static bool read_events(struct slice topic, struct identity id, struct mqtt_target *out)
{
    if (!take_identity(&topic, id) || !take(&topic, SLICE("/messages/events"))) {
        return false;
    }
    if (topic.len != 0 && topic.data[0] != '/') {
        return false;
    }
    out->topic = MQTT_TOPIC_EVENTS;
    out->rest = slice_from(topic, 1);
    return true;
}

bool mqtt_topic_parse(struct slice topic, struct identity id, struct mqtt_target *out)
{
    struct mqtt_target target = {0};
    bool is_good = false;
    if (topic.len == 0 || topic.data[0] != '$') {
        is_good = read_events(topic, id, &target);
    }
    for (size_t i = 0; i < ARRAY_LEN(hub_topics) && !is_good; i++) {
        struct slice rest = topic;
        if (take(&rest, hub_topics[i].prefix)) {
            target.topic = hub_topics[i].topic;
            is_good = target.topic == MQTT_TOPIC_METHOD_ANSWER ? read_answer(rest, &target)
                                                               : read_rid(rest, &target.rid);
        }
    }
    if (is_good) {
        *out = target;
    }
    return is_good;
}

/* ---- subscribing ---------------------------------------------------------------------------
 */

/* A filter may stop at the root, end it with "#", or be narrower than it. */
static const struct {
    struct slice root;
    enum mqtt_feature feature;
} hub_filters[] = {
    {{TOPIC_METHOD_POST, sizeof(TOPIC_METHOD_POST) - 1},   MQTT_FEATURE_METHODS     },
    {{TOPIC_TWIN_RES, sizeof(TOPIC_TWIN_RES) - 1},         MQTT_FEATURE_TWIN_ANSWERS},
    {{TOPIC_TWIN_DESIRED, sizeof(TOPIC_TWIN_DESIRED) - 1}, MQTT_FEATURE_DESIRED     },
};

static bool read_own_filter(struct slice filter, struct identity id, enum mqtt_feature *out)
{
    if (!take_identity(&filter, id)) {
        return false;
    }
    if (!identity_is_module(id)) {
        /* "deviceBound" is how REST and AMQP clients spell it. */
        *out = MQTT_FEATURE_MESSAGES;
        return take(&filter, SLICE("/messages/")) &&
               (slice_equal_nocase(filter, SLICE("devicebound")) ||
                slice_starts_with_nocase(filter, SLICE("devicebound/")));
    }
    *out = MQTT_FEATURE_INPUTS;
    return slice_equal(filter, SLICE("/#")) || slice_starts_with(filter, SLICE(TOPIC_INPUTS));
}

bool mqtt_filter_parse(struct slice filter, struct identity id, enum mqtt_feature *out)
{
    for (size_t i = 0; i < ARRAY_LEN(hub_filters); i++) {
        if (slice_starts_with(filter, hub_filters[i].root)) {
            *out = hub_filters[i].feature;
            return true;
        }
    }
    enum mqtt_feature feature = MQTT_FEATURE_MESSAGES;
    if (!read_own_filter(filter, id, &feature)) {
        return false;
    }
    *out = feature;
    return true;
}
