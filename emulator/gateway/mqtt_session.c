/*
 * Subscriptions in a short list; stored as a line each, "<qos> <filter>", below a first line
 * that says the session exists.
 */
#include "gateway/mqtt_session.h"

#include <stdlib.h>

#include "base/mem.h"
#include "iothub/topics.h"
#include "mqtt/text.h"

#define FIRST_LINE "mqtt"

void mqtt_session_finish(struct mqtt_session *session)
{
    for (size_t i = 0; i < session->n_items; i++) {
        free(session->items[i].filter);
    }
    free(session->items);
    *session = (struct mqtt_session){0};
}

static struct mqtt_subscription *find(const struct mqtt_session *session, struct slice filter)
{
    for (size_t i = 0; i < session->n_items; i++) {
        if (slice_equal_text(filter, session->items[i].filter)) {
            return &session->items[i];
        }
    }
    return NULL;
}

bool mqtt_session_subscribe(struct mqtt_session *session, struct slice filter,
                            enum mqtt_feature feature, uint8_t qos)
{
    struct mqtt_subscription *item = find(session, filter);
    if (item == NULL) {
        if (session->n_items == MQTT_SUBSCRIPTIONS_MAX) {
            return false;
        }
        session->items =
            mem_grow(session->items, session->n_items + 1, sizeof(*session->items));
        item = &session->items[session->n_items++];
        item->filter = slice_dup(filter);
    }
    item->feature = feature;
    item->qos = qos;
    return true;
}

void mqtt_session_unsubscribe(struct mqtt_session *session, struct slice filter)
{
    struct mqtt_subscription *item = find(session, filter);
    if (item != NULL) {
        free(item->filter);
        *item = session->items[--session->n_items];
    }
}

bool mqtt_session_has(const struct mqtt_session *session, enum mqtt_feature feature)
{
    for (size_t i = 0; i < session->n_items; i++) {
        if (session->items[i].feature == feature) {
            return true;
        }
    }
    return false;
}

bool mqtt_session_wants(const struct mqtt_session *session, enum mqtt_feature feature,
                        struct slice topic, uint8_t *out_qos)
{
    bool wants = false;
    for (size_t i = 0; i < session->n_items; i++) {
        const struct mqtt_subscription *item = &session->items[i];
        if (item->feature == feature && mqtt_filter_matches(slice_of(item->filter), topic)) {
            *out_qos = wants && *out_qos > item->qos ? *out_qos : item->qos;
            wants = true;
        }
    }
    return wants;
}

static bool filter_takes_message(struct slice filter, struct identity id, struct slice bag)
{
    size_t len = sizeof(TOPIC_DEVICES) - 1 + id.device_id.len + sizeof(TOPIC_DEVICEBOUND) - 2;
    struct slice rest = slice_from(filter, len);
    return rest.len == 0 || mqtt_filter_matches(slice_from(rest, 1), bag);
}

bool mqtt_session_wants_message(const struct mqtt_session *session, struct identity id,
                                struct slice bag, uint8_t *out_qos)
{
    bool wants = false;
    for (size_t i = 0; i < session->n_items; i++) {
        const struct mqtt_subscription *item = &session->items[i];
        if (item->feature == MQTT_FEATURE_MESSAGES &&
            filter_takes_message(slice_of(item->filter), id, bag)) {
            *out_qos = wants && *out_qos > item->qos ? *out_qos : item->qos;
            wants = true;
        }
    }
    return wants;
}

void mqtt_session_write(const struct mqtt_session *session, struct buf *out)
{
    buf_put_text(out, FIRST_LINE "\n");
    for (size_t i = 0; i < session->n_items; i++) {
        buf_putf(out, "%d %s\n", session->items[i].qos, session->items[i].filter);
    }
}

void mqtt_session_read(struct mqtt_session *session, struct slice text, struct identity id)
{
    struct slice line = {0};
    (void)slice_next(&text, '\n', &line); /* the first */
    while (slice_next(&text, '\n', &line)) {
        enum mqtt_feature feature = MQTT_FEATURE_MESSAGES;
        struct slice filter = slice_from(line, 2);
        uint8_t qos = line.len != 0 && line.data[0] == '1' ? 1 : 0;
        if (mqtt_filter_parse(filter, id, &feature)) {
            (void)!mqtt_session_subscribe(session, filter, feature, qos);
        }
    }
}
