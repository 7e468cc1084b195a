/*
 * MQTT topics, filters, user names and property bags, the hub's side against the device's.
 *
 * The first byte chooses; the rest is a text of that kind.
 */
#include "gateway/mqtt_topics.h"

#include <string.h>

#include "base/macros.h"
#include "device/src/topics.h"
#include "fuzz/fuzz.h"
#include "gateway/mqtt_session.h"
#include "gateway/mqtt_user_name.h"
#include "iothub/message.h"
#include "iothub/property_bag.h"
#include "mqtt/text.h"

static const struct identity ids[] = {
    {.device_id = {"d", 1} },
    { .device_id = {"d", 1}, .module_id = {"m", 1}},
};

/* ---- bags ------------------------------------------------------------------------------- */

static void put_bag(struct buf *out, const struct property_bag *bag)
{
    for (size_t i = 0; i < bag->n_items; i++) {
        property_bag_encode(out, bag->items[i].name, bag->items[i].value,
                            bag->items[i].is_null);
    }
}

static void check_same_bag(const struct property_bag *have, const struct property_bag *want)
{
    FUZZ_CHECK(have->n_items == want->n_items);
    for (size_t i = 0; i < have->n_items; i++) {
        const struct property *a = &have->items[i];
        const struct property *b = &want->items[i];
        FUZZ_CHECK(slice_equal(a->name, b->name) && slice_equal(a->value, b->value));
        FUZZ_CHECK(a->is_null == b->is_null);
    }
}

/* A message that the device sends arrives as the message it is. */
static void check_journey(struct property_bag *bag, struct identity id)
{
    struct message sent;
    struct message received;
    struct mqtt_target target;
    struct property_bag arrived = {0};
    struct buf topic = fuzz_buf();
    message_from_bag(bag, SLICE("body"), &sent);
    topic_put_events(&topic, id, &sent);
    FUZZ_CHECK(topic.failed || mqtt_topic_parse(buf_slice(&topic), id, &target));
    if (!topic.failed && topic.len <= TOPIC_MAX_BYTES) {
        FUZZ_CHECK(target.topic == MQTT_TOPIC_EVENTS);
        FUZZ_CHECK(property_bag_decode(&arrived, target.rest));
        message_from_bag(&arrived, SLICE("body"), &received);
        FUZZ_CHECK(message_size(&received) == message_size(&sent));
        FUZZ_CHECK(received.n_properties == sent.n_properties);
        for (int i = 0; i < MESSAGE_N_SYSTEM; i++) {
            FUZZ_CHECK(slice_equal(received.system[i], sent.system[i]));
            FUZZ_CHECK((received.system[i].data == NULL) == (sent.system[i].data == NULL));
        }
    }
    property_bag_finish(&arrived);
    buf_finish(&topic);
}

static void check_bag(struct slice text)
{
    struct property_bag bag = {0};
    struct property_bag again = {0};
    struct buf written = fuzz_buf();
    if (property_bag_decode(&bag, text)) {
        FUZZ_CHECK(bag.n_items <= PROPERTY_BAG_MAX);
        put_bag(&written, &bag);
        FUZZ_CHECK(property_bag_decode(&again, buf_slice(&written)));
        check_same_bag(&again, &bag);
        check_journey(&bag, ids[text.len % ARRAY_LEN(ids)]);
    } else {
        FUZZ_CHECK(bag.n_items == 0);
    }
    property_bag_finish(&bag);
    property_bag_finish(&again);
    buf_finish(&written);
}

/* ---- topics ----------------------------------------------------------------------------- */

static void check_topic(struct slice text)
{
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct mqtt_target target = {0};
        struct property_bag bag = {0};
        if (!mqtt_topic_parse(text, ids[i], &target)) {
            continue;
        }
        FUZZ_CHECK(target.topic != MQTT_TOPIC_TWIN_GET || target.rest.len <= text.len);
        FUZZ_CHECK(target.rid.len <= text.len);
        (void)!property_bag_decode(&bag, target.rest);
        property_bag_finish(&bag);
    }
}

/* The device's own reading of what a hub might send. */
static void check_received(struct slice text)
{
    struct topic topic = topic_read(text);
    FUZZ_CHECK(topic.name.len + topic.bag.len + topic.rid.len <= text.len);
    FUZZ_CHECK(topic.kind == TOPIC_KIND_OTHER || text.len != 0);
    if (topic.kind == TOPIC_KIND_METHOD) {
        struct buf answer = fuzz_buf();
        struct mqtt_target target = {0};
        topic_put_method_answer(&answer, 200, topic.rid);
        /* What a device calls the request is what a hub hears. */
        FUZZ_CHECK(mqtt_topic_parse(buf_slice(&answer), ids[0], &target));
        FUZZ_CHECK(target.topic == MQTT_TOPIC_METHOD_ANSWER && target.status == 200);
        FUZZ_CHECK(slice_equal(target.rid, topic.rid));
        buf_finish(&answer);
    }
}

/* ---- sessions --------------------------------------------------------------------------- */

static void check_same_session(const struct mqtt_session *have, const struct mqtt_session *want)
{
    FUZZ_CHECK(have->n_items == want->n_items);
    for (size_t i = 0; i < have->n_items; i++) {
        const struct mqtt_subscription *a = &have->items[i];
        const struct mqtt_subscription *b = &want->items[i];
        FUZZ_CHECK(strcmp(a->filter, b->filter) == 0);
        FUZZ_CHECK(a->qos == b->qos && a->feature == b->feature);
    }
}

/* Filters, a line each, make a session that is the same after it was stored. */
static void check_session(struct slice text, struct identity id)
{
    struct mqtt_session session = {0};
    struct mqtt_session again = {0};
    struct buf written = fuzz_buf();
    struct slice rest = text;
    struct slice filter = {0};
    while (slice_next(&rest, '\n', &filter)) {
        enum mqtt_feature feature = MQTT_N_FEATURES;
        if (!mqtt_filter_is_valid(filter) || !mqtt_filter_parse(filter, id, &feature)) {
            continue;
        }
        FUZZ_CHECK(feature < MQTT_N_FEATURES);
        bool has_room = mqtt_session_subscribe(&session, filter, feature, filter.len & 1);
        FUZZ_CHECK(has_room == mqtt_session_has(&session, feature) || !has_room);
    }
    mqtt_session_write(&session, &written);
    FUZZ_CHECK(written.len != 0);
    mqtt_session_read(&again, buf_slice(&written), id);
    check_same_session(&again, &session);
    mqtt_session_finish(&session);
    mqtt_session_finish(&again);

    /* What a store might hold. */
    mqtt_session_read(&again, text, id);
    mqtt_session_finish(&again);
    buf_finish(&written);
}

static void check_device_session(struct slice text)
{
    check_session(text, ids[0]);
}

static void check_module_session(struct slice text)
{
    check_session(text, ids[1]);
}

/* ---- user names ------------------------------------------------------------------------- */

static void check_user_name(struct slice text)
{
    struct mqtt_user_name name = {0};
    struct buf scratch = fuzz_buf();
    if (mqtt_user_name_parse(text, &scratch, &name)) {
        FUZZ_CHECK(name.host.len + name.id.device_id.len + name.id.module_id.len <= text.len);
        struct buf client_id = fuzz_buf();
        buf_put_slice(&client_id, name.id.device_id);
        buf_put_text(&client_id, identity_is_module(name.id) ? "/" : "");
        buf_put_slice(&client_id, name.id.module_id);
        FUZZ_CHECK(mqtt_client_id_matches(buf_slice(&client_id), name.id));
        buf_put_char(&client_id, 'x');
        FUZZ_CHECK(!mqtt_client_id_matches(buf_slice(&client_id), name.id));
        buf_finish(&client_id);
    }
    buf_finish(&scratch);
}

/* ---- filters ---------------------------------------------------------------------------- */

/* A filter and a topic, with "--" between them. */
static void check_matching(struct slice text)
{
    struct slice topic = text;
    struct slice filter = fuzz_take_part(&topic);
    if (!mqtt_filter_is_valid(filter) || !mqtt_topic_is_valid(topic)) {
        return;
    }
    bool matches = mqtt_filter_matches(filter, topic);
    if (mqtt_topic_is_valid(filter)) {
        FUZZ_CHECK(matches == slice_equal(filter, topic));
    }
    FUZZ_CHECK(mqtt_filter_matches(topic, topic));
    FUZZ_CHECK(mqtt_filter_matches(SLICE("#"), topic) == (topic.data[0] != '$'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(struct slice) = {
        check_bag,
        check_topic,
        check_received,
        check_device_session,
        check_module_session,
        check_user_name,
        check_matching,
    };
    struct slice rest = fuzz_input(data, size);
    uint8_t choice = fuzz_take_byte(&rest);
    checks[choice % ARRAY_LEN(checks)](rest);
    return 0;
}
