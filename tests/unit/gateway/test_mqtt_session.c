/*
 * gateway/mqtt_session: subscriptions, and their form between connections.
 */
#include "gateway/mqtt_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define METHODS "$iothub/methods/POST/#"
#define DESIRED "$iothub/twin/PATCH/properties/desired/#"

static const struct identity device = {
    {"d",  1},
    {NULL, 0}
};

static void subscribe(struct mqtt_session *session, const char *filter, uint8_t qos)
{
    enum mqtt_feature feature = MQTT_N_FEATURES;
    assert_true(mqtt_filter_parse(slice_of(filter), device, &feature));
    assert_true(mqtt_session_subscribe(session, slice_of(filter), feature, qos));
}

static bool wants(const struct mqtt_session *session, enum mqtt_feature feature,
                  const char *topic, uint8_t *qos)
{
    return mqtt_session_wants(session, feature, slice_of(topic), qos);
}

static void empty_session_wants_nothing(void **state)
{
    struct mqtt_session session = {0};
    uint8_t qos = 7;
    (void)state;
    assert_false(mqtt_session_has(&session, MQTT_FEATURE_METHODS));
    assert_false(wants(&session, MQTT_FEATURE_METHODS, "$iothub/methods/POST/m/?$rid=1", &qos));
    assert_int_equal(qos, 7);
    mqtt_session_unsubscribe(&session, SLICE(METHODS));
    mqtt_session_finish(&session);
}

static void subscription_matches_its_topics(void **state)
{
    struct mqtt_session session = {0};
    uint8_t qos = 7;
    (void)state;
    subscribe(&session, "$iothub/methods/POST/reboot/#", 1);
    assert_true(mqtt_session_has(&session, MQTT_FEATURE_METHODS));
    assert_false(mqtt_session_has(&session, MQTT_FEATURE_DESIRED));
    assert_true(
        wants(&session, MQTT_FEATURE_METHODS, "$iothub/methods/POST/reboot/?$rid=1", &qos));
    assert_int_equal(qos, 1);
    assert_false(
        wants(&session, MQTT_FEATURE_METHODS, "$iothub/methods/POST/rebooted/?$rid=1", &qos));
    mqtt_session_finish(&session);
}

static void highest_quality_of_several_counts(void **state)
{
    struct mqtt_session session = {0};
    uint8_t qos = 7;
    (void)state;
    subscribe(&session, METHODS, 0);
    assert_true(wants(&session, MQTT_FEATURE_METHODS, "$iothub/methods/POST/m/?$rid=1", &qos));
    assert_int_equal(qos, 0);
    subscribe(&session, "$iothub/methods/POST/m/#", 1);
    assert_true(wants(&session, MQTT_FEATURE_METHODS, "$iothub/methods/POST/m/?$rid=1", &qos));
    assert_int_equal(qos, 1);
    mqtt_session_finish(&session);
}

static void same_filter_again_changes_its_quality(void **state)
{
    struct mqtt_session session = {0};
    (void)state;
    subscribe(&session, METHODS, 1);
    subscribe(&session, METHODS, 0);
    assert_int_equal(session.n_items, 1);
    assert_int_equal(session.items[0].qos, 0);
    mqtt_session_finish(&session);
}

static void unsubscribing_leaves_the_others(void **state)
{
    struct mqtt_session session = {0};
    (void)state;
    subscribe(&session, METHODS, 0);
    subscribe(&session, DESIRED, 0);
    subscribe(&session, "$iothub/twin/res/#", 0);
    mqtt_session_unsubscribe(&session, SLICE(METHODS));
    mqtt_session_unsubscribe(&session, SLICE("$iothub/methods/#"));
    assert_int_equal(session.n_items, 2);
    assert_false(mqtt_session_has(&session, MQTT_FEATURE_METHODS));
    assert_true(mqtt_session_has(&session, MQTT_FEATURE_DESIRED));
    assert_true(mqtt_session_has(&session, MQTT_FEATURE_TWIN_ANSWERS));
    mqtt_session_finish(&session);
}

static void number_of_filters_is_limited(void **state)
{
    struct mqtt_session session = {0};
    char filter[60];
    (void)state;
    for (int i = 0; i < MQTT_SUBSCRIPTIONS_MAX; i++) {
        (void)snprintf(filter, sizeof(filter), "$iothub/methods/POST/m%d/#", i);
        subscribe(&session, filter, 0);
    }
    assert_false(mqtt_session_subscribe(&session, SLICE(METHODS), MQTT_FEATURE_METHODS, 0));
    assert_true(mqtt_session_subscribe(&session, slice_of(filter), MQTT_FEATURE_METHODS, 1));
    mqtt_session_finish(&session);
}

static void session_comes_back_from_its_text(void **state)
{
    struct mqtt_session session = {0};
    struct mqtt_session again = {0};
    struct buf text = {.cap = 1000};
    struct buf second = {.cap = 1000};
    uint8_t qos = 7;
    (void)state;
    subscribe(&session, METHODS, 1);
    subscribe(&session, DESIRED, 0);
    mqtt_session_write(&session, &text);
    mqtt_session_read(&again, buf_slice(&text), device);
    assert_int_equal(again.n_items, 2);
    assert_true(wants(&again, MQTT_FEATURE_METHODS, "$iothub/methods/POST/m/?$rid=1", &qos));
    assert_int_equal(qos, 1);
    mqtt_session_write(&again, &second);
    assert_string_equal(buf_text(&second), buf_text(&text));
    buf_finish(&text);
    buf_finish(&second);
    mqtt_session_finish(&session);
    mqtt_session_finish(&again);
}

static void text_of_an_empty_session_is_not_empty(void **state)
{
    struct mqtt_session session = {0};
    struct buf text = {.cap = 1000};
    (void)state;
    mqtt_session_write(&session, &text);
    assert_true(text.len > 0);
    mqtt_session_read(&session, buf_slice(&text), device);
    assert_int_equal(session.n_items, 0);
    buf_finish(&text);
    mqtt_session_finish(&session);
}

/* A file that was changed by hand gives a connection nothing it could not ask for. */
static void foreign_lines_of_a_text_are_passed_over(void **state)
{
    struct mqtt_session session = {0};
    (void)state;
    mqtt_session_read(
        &session,
        SLICE("mqtt\n1 devices/e/messages/devicebound/#\n0 #\n\n1\nx\n1 " DESIRED "\n"),
        device);
    assert_int_equal(session.n_items, 1);
    assert_string_equal(session.items[0].filter, DESIRED);
    assert_int_equal(session.items[0].qos, 1);
    mqtt_session_finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_session_wants_nothing),
        cmocka_unit_test(subscription_matches_its_topics),
        cmocka_unit_test(highest_quality_of_several_counts),
        cmocka_unit_test(same_filter_again_changes_its_quality),
        cmocka_unit_test(unsubscribing_leaves_the_others),
        cmocka_unit_test(number_of_filters_is_limited),
        cmocka_unit_test(session_comes_back_from_its_text),
        cmocka_unit_test(text_of_an_empty_session_is_not_empty),
        cmocka_unit_test(foreign_lines_of_a_text_are_passed_over),
    };
    return cmocka_run_group_tests_name("gateway.mqtt_session", tests, NULL, NULL);
}
