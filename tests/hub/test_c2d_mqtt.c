/*
 * Cloud-to-device messages over MQTT: their topics, their acknowledgement, and what happens to
 * them when a connection ends. Source: IoT Hub documentation, "Communicate using MQTT",
 * receiving cloud-to-device messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/mail.h"

#define FILTER "devices/d/messages/devicebound/#"
#define TOPIC  "devices/d/messages/devicebound/%24.to=%2Fdevices%2Fd%2Fmessages%2FdeviceBound"

enum {
    WINDOW = 16, /* messages without PUBACK */
};

/* A connected device with this subscription, of which nothing has come yet. */
static struct device *subscribed(struct fixture *f, uint8_t qos)
{
    char want[40];
    struct device *d = device_online(f, "d");
    device_want_messages(d, FILTER, qos);
    (void)snprintf(want, sizeof(want), "SUBACK id 1 0x0%u", qos);
    assert_heard_in_full(d, want);
    return d;
}

static void assert_message(struct device *d, const char *body, uint16_t packet_id, bool dup)
{
    char want[200];
    (void)snprintf(want, sizeof(want), "PUBLISH %s=%s qos 1 id %u%s", TOPIC, body, packet_id,
                   dup ? " dup" : "");
    assert_heard_in_full(d, want);
}

/* How many messages have come; they are "first", "first + 1" and so on. */
static int count_messages(struct device *d, int first)
{
    int n = 0;
    for (; d->heard.len != 0; n++) {
        char body[16];
        struct mqtt_publish publish = device_next_publish(d);
        (void)snprintf(body, sizeof(body), "%d", first + n);
        assert_slice(publish.payload, body);
    }
    return n;
}

/* ---- topics ---- */

static void message_reaches_a_subscribed_device_at_once(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "hello", NULL);
    assert_message(d, "hello", 1, false);
}

static void properties_come_in_their_order(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"iothub-app-zeta: 1",
                                          "iothub-ack: none",
                                          "iothub-contentencoding: utf-8",
                                          "iothub-contenttype: text/plain",
                                          "iothub-userid: u",
                                          "iothub-correlationid: c",
                                          "iothub-to: /devices/d/messages/devicebound",
                                          "iothub-expiry: 2026-03-02T12:30:00Z",
                                          "iothub-messageid: m",
                                          "iothub-app-alpha: 2",
                                          NULL};
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "hello", headers);
    assert_heard_in_full(d,
                         "PUBLISH devices/d/messages/devicebound/%24.mid=m"
                         "&%24.exp=2026-03-02T12%3A30%3A00.0000000Z"
                         "&%24.to=%2Fdevices%2Fd%2Fmessages%2Fdevicebound&%24.cid=c&%24.uid=u"
                         "&%24.ct=text%2Fplain&%24.ce=utf-8&iothub-ack=none&zeta=1&alpha=2"
                         "=hello qos 1 id 1");
}

static void nothing_is_added_to_a_property(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"iothub-app-k: v", "User-Agent: any",
                                          "Content-Type: text/plain", "iothub-operation: c2d",
                                          NULL};
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "", headers);
    assert_heard_in_full(d, "PUBLISH " TOPIC "&k=v= qos 1 id 1");
}

static void odd_characters_are_encoded(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"iothub-app-&ey1: =al1", "iothub-app-K/y2: V@l2 +#",
                                          "iothub-app-Ke?3: Va%3",
                                          "iothub-app-\xc3\xbc: \xe2\x82\xac", NULL};
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "", headers);
    assert_heard_in_full(d,
                         "PUBLISH " TOPIC "&%26ey1=%3Dal1&K%2Fy2=V%40l2%20%2B%23&Ke%3F3=Va%253"
                         "&%C3%BC=%E2%82%AC= qos 1 id 1");
}

static void null_value_is_a_bare_name_and_empty_one_is_not(void **state)
{
    struct fixture *f = *state;
    const struct property properties[] = {
        {.name = SLICE("none"),  .is_null = true   },
        {.name = SLICE("empty"), .value = SLICE("")},
    };
    const struct message message = {.properties = properties, .n_properties = 2};
    make(f, "d");
    struct device *d = subscribed(f, 1);
    assert_int_equal(hub_c2d_send(f->hub, SLICE("d"), &message), IOTHUB_OK);
    fixture_turn(f);
    assert_heard_in_full(d, "PUBLISH " TOPIC "&none&empty== qos 1 id 1");
}

static void body_is_any_bytes(void **state)
{
    struct fixture *f = *state;
    const struct message message = {.body = SLICE("\x00\xff{\x7f")};
    make(f, "d");
    struct device *d = subscribed(f, 1);
    assert_int_equal(hub_c2d_send(f->hub, SLICE("d"), &message), IOTHUB_OK);
    fixture_turn(f);
    struct mqtt_publish publish = device_next_publish(d);
    assert_int_equal(publish.payload.len, 4);
    assert_memory_equal(publish.payload.data, "\x00\xff{\x7f", 4);
}

static void filter_may_take_several_forms(void **state)
{
    struct fixture *f = *state;
    static const char *const filters[] = {
        "devices/d/messages/devicebound/#",
        "devices/d/messages/devicebound",
        "devices/d/messages/deviceBound/#",
        "devices/d/messages/devicebound/+",
    };
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        struct device *d = device_online(f, "d");
        device_want_messages(d, filters[i], 1);
        assert_heard_in_full(d, "SUBACK id 1 0x01");
        post_message(f, "d", "hello", NULL);
        assert_message(d, "hello", 1, false);
        device_puback(d, 1);
        device_leave(d);
    }
    assert_int_equal(message_count(f, "d"), 0);
}

static void message_outside_of_a_narrow_filter_waits(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_want_messages(d, "devices/d/messages/devicebound/other", 1);
    assert_heard_in_full(d, "SUBACK id 1 0x01");
    post_message(f, "d", "hello", NULL);
    assert_heard_in_full(d, "");
    assert_int_equal(message_count(f, "d"), 1);
    device_want_messages(d, FILTER, 1);
    assert_heard_in_full(d, "SUBACK id 2 0x01; PUBLISH " TOPIC "=hello qos 1 id 1");
}

/* ---- acknowledging ---- */

static void puback_completes(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"iothub-messageid: m", "iothub-ack: positive", NULL};
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "hello", headers);
    (void)device_heard(d);
    assert_int_equal(message_count(f, "d"), 1);
    device_puback(d, 1);
    assert_int_equal(message_count(f, "d"), 0);
    assert_feedback(f, "Success", "Success");
}

static void message_with_qos_0_is_complete_when_it_is_written(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"iothub-messageid: m", "iothub-ack: full", NULL};
    make(f, "d");
    struct device *d = subscribed(f, 0);
    post_message(f, "d", "hello", headers);
    assert_heard_in_full(d, "PUBLISH devices/d/messages/devicebound/%24.mid=m"
                            "&%24.to=%2Fdevices%2Fd%2Fmessages%2FdeviceBound&iothub-ack=full"
                            "=hello qos 0 id 0");
    assert_int_equal(message_count(f, "d"), 0);
    assert_feedback(f, "Success", "Success");
}

static void qos_2_is_granted_as_1(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_want_messages(d, FILTER, 2);
    assert_heard_in_full(d, "SUBACK id 1 0x01");
    post_message(f, "d", "hello", NULL);
    assert_message(d, "hello", 1, false);
}

static void unknown_puback_is_nothing(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "hello", NULL);
    (void)device_heard(d);
    device_puback(d, 7);
    assert_int_equal(message_count(f, "d"), 1);
    device_puback(d, 1);
    device_puback(d, 1);
    assert_int_equal(message_count(f, "d"), 0);
    assert_false(device_is_closed(d));
}

static void sixteen_messages_are_on_their_way_at_most(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_messages(f, "d", 20);
    assert_int_equal(count_messages(d, 0), WINDOW);
    /* In any order. */
    device_puback(d, 5);
    assert_int_equal(count_messages(d, WINDOW), 1);
    device_puback(d, 1);
    assert_int_equal(count_messages(d, WINDOW + 1), 1);
    device_puback(d, 2);
    device_puback(d, 3);
    assert_int_equal(count_messages(d, WINDOW + 2), 2);
    device_puback(d, 4);
    assert_int_equal(count_messages(d, 20), 0);
}

static void nothing_is_sent_twice_on_a_live_connection(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "hello", NULL);
    assert_message(d, "hello", 1, false);
    fixture_pass(f, 20 * MINUTE_MS);
    assert_heard_in_full(d, "");
    device_puback(d, 1);
    assert_int_equal(message_count(f, "d"), 0);
}

static void more_than_the_outbox_holds_waits_until_it_is_drained(void **state)
{
    struct fixture *f = *state;
    const size_t body_bytes = (size_t)44 * KIB;
    const size_t value_bytes = (size_t)19 * KIB;
    char *bytes = mem_alloc(body_bytes);
    int n = 0;
    const struct property property = {
        .name = SLICE("k"), .value = {bytes, value_bytes}
    };
    const struct message message = {
        .body = {bytes, body_bytes},
          .properties = &property, .n_properties = 1
    };
    memset(bytes, '/', body_bytes); /* three characters in a topic */
    make(f, "d");
    for (int i = 0; i < LIMIT_C2D_QUEUE; i++) {
        assert_int_equal(hub_c2d_send(f->hub, SLICE("d"), &message), IOTHUB_OK);
    }
    fixture_turn(f);
    struct device *d = device_online(f, "d");
    device_want_messages(d, FILTER, 0);
    buf_drop(&d->heard, 5); /* SUBACK */
    while (n < LIMIT_C2D_QUEUE) {
        assert_true(d->heard.len != 0);
        for (; d->heard.len != 0; n++) {
            assert_int_equal(device_next_publish(d).payload.len, body_bytes);
        }
        assert_int_equal(message_count(f, "d"), LIMIT_C2D_QUEUE - n);
        mqtt_client_drained(d->client);
        fixture_turn(f);
    }
    free(bytes);
}

/* ---- sessions ---- */

static void waiting_messages_come_behind_the_suback(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "hello", NULL);
    struct device *d = device_online(f, "d");
    assert_heard_in_full(d, "");
    device_want_messages(d, FILTER, 1);
    assert_heard_in_full(d, "SUBACK id 1 0x01; PUBLISH " TOPIC "=hello qos 1 id 1");
}

static void stored_subscription_gets_messages_behind_the_connack(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_connect(f, &(struct login){.id = "d"});
    device_want_messages(d, FILTER, 1);
    assert_heard_in_full(d, "CONNACK 0; SUBACK id 1 0x01");
    device_leave(d);
    post_message(f, "d", "hello", NULL);
    d = device_connect(f, &(struct login){.id = "d"});
    assert_heard_in_full(d, "CONNACK 0 session; PUBLISH " TOPIC "=hello qos 1 id 1");
}

static void clean_session_does_not_lose_messages(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "hello", NULL);
    device_leave(device_online(f, "d"));
    assert_int_equal(message_count(f, "d"), 1);
    struct device *d = device_online(f, "d");
    device_want_messages(d, FILTER, 1);
    assert_heard_in_full(d, "SUBACK id 1 0x01; PUBLISH " TOPIC "=hello qos 1 id 1");
}

static void unacknowledged_messages_come_again_first_and_marked(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_messages(f, "d", 3);
    assert_int_equal(count_messages(d, 0), 3);
    device_puback(d, 2);
    device_break(d);
    post_message(f, "d", "3", NULL);
    d = device_online(f, "d");
    device_want_messages(d, FILTER, 1);
    assert_heard_in_full(d, "SUBACK id 1 0x01; PUBLISH " TOPIC "=0 qos 1 id 1 dup; "
                            "PUBLISH " TOPIC "=2 qos 1 id 2 dup; "
                            "PUBLISH " TOPIC "=3 qos 1 id 3");
}

static void lost_connection_is_no_delivery_that_counts(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "hello", NULL);
    for (int i = 0; i < 2 * C2D_DELIVERIES; i++) {
        struct device *d = device_online(f, "d");
        device_want_messages(d, FILTER, 1);
        device_break(d);
    }
    struct reply reply = fetch(f, "d");
    assert_string_equal(reply_header(&reply, "iothub-deliverycount"), "0");
    reply_end(&reply);
}

static void newer_connection_takes_the_messages_over(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *first = subscribed(f, 1);
    post_message(f, "d", "hello", NULL);
    assert_message(first, "hello", 1, false);
    struct device *second = device_online(f, "d");
    assert_true(device_is_closed(first));
    device_want_messages(second, FILTER, 1);
    assert_heard_in_full(second, "SUBACK id 1 0x01; PUBLISH " TOPIC "=hello qos 1 id 1 dup");
}

static void message_of_a_lost_connection_may_have_expired(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"iothub-messageid: m", "iothub-ack: negative",
                                          "iothub-expiry: 2026-03-02T12:00:30Z", NULL};
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "hello", headers);
    fixture_pass(f, 40 * SECOND_MS);
    assert_int_equal(message_count(f, "d"), 1);
    device_break(d);
    assert_int_equal(message_count(f, "d"), 0);
    assert_feedback(f, "Expired", "Expired");
}

static void subscribing_again_neither_loses_nor_repeats(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "first", NULL);
    assert_message(d, "first", 1, false);
    device_want_messages(d, FILTER, 1);
    assert_heard_in_full(d, "SUBACK id 2 0x01");
    device_unsubscribe(d, FILTER);
    post_message(f, "d", "second", NULL);
    assert_heard_in_full(d, "");
    device_want_messages(d, FILTER, 1);
    assert_heard_in_full(d, "SUBACK id 4 0x01; PUBLISH " TOPIC "=second qos 1 id 2");
    device_puback(d, 1);
    device_puback(d, 2);
    assert_int_equal(message_count(f, "d"), 0);
}

static void message_is_acknowledged_after_unsubscribing(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "hello", NULL);
    (void)device_heard(d);
    device_unsubscribe(d, FILTER);
    device_puback(d, 1);
    assert_int_equal(message_count(f, "d"), 0);
}

static void messages_outlive_the_process(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "hello", NULL);
    assert_message(d, "hello", 1, false);
    fixture_restart(f);
    d = device_online(f, "d");
    device_want_messages(d, FILTER, 1);
    assert_heard_in_full(d, "SUBACK id 1 0x01; PUBLISH " TOPIC "=hello qos 1 id 1 dup");
}

/* ---- two ways at once ---- */

static void connection_has_its_messages_for_itself(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_message(f, "d", "hello", NULL);
    assert_nothing_to_fetch(f, "d");
    device_break(d);
    settle_take(f, "d", fetch_lock(f, "d", "hello"), COMPLETE);
}

static void message_that_comes_back_goes_to_the_connection(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_messages(f, "d", 2);
    char *abandoned = fetch_lock(f, "d", "0");
    char *forgotten = fetch_lock(f, "d", "1");
    struct device *d = subscribed(f, 1);
    settle_take(f, "d", abandoned, ABANDON);
    assert_message(d, "0", 1, true);
    fixture_pass(f, C2D_LOCK_S * SECOND_MS);
    assert_message(d, "1", 2, false);
    free(forgotten);
}

static void puback_of_a_purged_message_makes_room(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = subscribed(f, 1);
    post_messages(f, "d", WINDOW);
    assert_int_equal(count_messages(d, 0), WINDOW);
    assert_int_equal(purge(f, "d"), WINDOW);
    post_message(f, "d", "next", NULL);
    assert_heard_in_full(d, "");
    device_puback(d, 3);
    assert_message(d, "next", WINDOW + 1, false);
    assert_int_equal(message_count(f, "d"), 1);
}

static void message_stays_out_of_modules(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    struct device *module = device_online(f, "d/m");
    device_want_messages(module, "devices/d/modules/m/#", 1);
    assert_heard_in_full(module, "SUBACK id 1 0x01");
    post_message(f, "d", "hello", NULL);
    assert_heard_in_full(module, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(message_reaches_a_subscribed_device_at_once),
        HUB_TEST(properties_come_in_their_order),
        HUB_TEST(nothing_is_added_to_a_property),
        HUB_TEST(odd_characters_are_encoded),
        HUB_TEST(null_value_is_a_bare_name_and_empty_one_is_not),
        HUB_TEST(body_is_any_bytes),
        HUB_TEST(filter_may_take_several_forms),
        HUB_TEST(message_outside_of_a_narrow_filter_waits),
        HUB_TEST(puback_completes),
        HUB_TEST(message_with_qos_0_is_complete_when_it_is_written),
        HUB_TEST(qos_2_is_granted_as_1),
        HUB_TEST(unknown_puback_is_nothing),
        HUB_TEST(sixteen_messages_are_on_their_way_at_most),
        HUB_TEST(nothing_is_sent_twice_on_a_live_connection),
        HUB_TEST(more_than_the_outbox_holds_waits_until_it_is_drained),
        HUB_TEST(waiting_messages_come_behind_the_suback),
        HUB_TEST(stored_subscription_gets_messages_behind_the_connack),
        HUB_TEST(clean_session_does_not_lose_messages),
        HUB_TEST(unacknowledged_messages_come_again_first_and_marked),
        HUB_TEST(lost_connection_is_no_delivery_that_counts),
        HUB_TEST(newer_connection_takes_the_messages_over),
        HUB_TEST(message_of_a_lost_connection_may_have_expired),
        HUB_TEST(subscribing_again_neither_loses_nor_repeats),
        HUB_TEST(message_is_acknowledged_after_unsubscribing),
        DISK_TEST(messages_outlive_the_process),
        HUB_TEST(connection_has_its_messages_for_itself),
        HUB_TEST(message_that_comes_back_goes_to_the_connection),
        HUB_TEST(puback_of_a_purged_message_makes_room),
        HUB_TEST(message_stays_out_of_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
