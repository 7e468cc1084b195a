/*
 * gateway/mqtt_topics: what topics and filters mean on a connection.
 */
#include "gateway/mqtt_topics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct identity device = {
    {"d",  1},
    {NULL, 0}
};
static const struct identity module = {
    {"d", 1},
    {"m", 1}
};

static void assert_slice(struct slice have, const char *want)
{
    char *text = slice_dup(have);
    assert_string_equal(text, want);
    free(text);
}

static struct mqtt_target parse(const char *topic, struct identity id)
{
    struct mqtt_target target = {0};
    if (!mqtt_topic_parse(slice_of(topic), id, &target)) {
        print_error("refused: %s\n", topic);
        fail();
    }
    return target;
}

static void refuse(const char *topic, struct identity id)
{
    struct mqtt_target target = {.status = 77};
    if (mqtt_topic_parse(slice_of(topic), id, &target)) {
        print_error("taken: %s\n", topic);
        fail();
    }
    assert_int_equal(target.status, 77);
}

static void events_leave_their_property_bag(void **state)
{
    static const struct {
        const char *topic;
        const char *bag;
    } rows[] = {
        {"devices/d/messages/events",          ""        },
        {"devices/d/messages/events/",         ""        },
        {"devices/d/messages/events/a=b&c",    "a=b&c"   },
        {"devices/d/messages/events/a=b/",     "a=b/"    },
        {"devices/d/messages/events//",        "/"       },
        {"devices/d/messages/events/?a=b%2Fc", "?a=b%2Fc"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mqtt_target target = parse(rows[i].topic, device);
        assert_int_equal(target.topic, MQTT_TOPIC_EVENTS);
        assert_slice(target.rest, rows[i].bag);
    }
    struct mqtt_target target = parse("devices/d/modules/m/messages/events/x=y", module);
    assert_int_equal(target.topic, MQTT_TOPIC_EVENTS);
    assert_slice(target.rest, "x=y");
}

static void others_events_are_refused(void **state)
{
    (void)state;
    refuse("devices/e/messages/events/", device);
    refuse("devices/dd/messages/events/", device);
    refuse("devices/D/messages/events/", device);
    refuse("devices//messages/events/", device);
    refuse("Devices/d/messages/events/", device);
    refuse("devices/d/modules/m/messages/events/", device);
    refuse("devices/d/messages/events/", module);
    refuse("devices/d/modules/mm/messages/events/", module);
    refuse("devices/d/modules/m", module);
    refuse("devices/d/messages/eventsa", device);
    refuse("devices/d/messages/event", device);
    refuse("devices/d", device);
    refuse("", device);
}

static void twin_requests_have_an_id(void **state)
{
    (void)state;
    struct mqtt_target target = parse("$iothub/twin/GET/?$rid=0c4a-1", device);
    assert_int_equal(target.topic, MQTT_TOPIC_TWIN_GET);
    assert_slice(target.rid, "0c4a-1");
    target = parse("$iothub/twin/PATCH/properties/reported/?$rid=a%20b&$version=3", module);
    assert_int_equal(target.topic, MQTT_TOPIC_TWIN_REPORTED);
    assert_slice(target.rid, "a%20b");
    target = parse("$iothub/twin/GET/?x=1&$rid=5", device);
    assert_slice(target.rid, "5");
    refuse("$iothub/twin/GET/", device);
    refuse("$iothub/twin/GET/?", device);
    refuse("$iothub/twin/GET/?$rid=", device);
    refuse("$iothub/twin/GET/?$rid", device);
    refuse("$iothub/twin/GET/$rid=1", device);
    refuse("$iothub/twin/get/?$rid=1", device);
}

static void method_answers_have_status_and_id(void **state)
{
    (void)state;
    struct mqtt_target target = parse("$iothub/methods/res/200/?$rid=1f", device);
    assert_int_equal(target.topic, MQTT_TOPIC_METHOD_ANSWER);
    assert_int_equal(target.status, 200);
    assert_slice(target.rid, "1f");
    assert_int_equal(parse("$iothub/methods/res/-1/?$rid=1", device).status, -1);
    assert_int_equal(parse("$iothub/methods/res/2147483647/?$rid=1", device).status, INT32_MAX);
    refuse("$iothub/methods/res/2147483648/?$rid=1", device);
    refuse("$iothub/methods/res/-2147483649/?$rid=1", device);
    refuse("$iothub/methods/res//?$rid=1", device);
    refuse("$iothub/methods/res/ok/?$rid=1", device);
    refuse("$iothub/methods/res/200?$rid=1", device);
    refuse("$iothub/methods/res/200/", device);
    refuse("$iothub/methods/res/200", device);
}

static void unknown_hub_topics_are_refused(void **state)
{
    (void)state;
    refuse("$iothub/twin/res/200/?$rid=1", device);
    refuse("$iothub/methods/POST/m/?$rid=1", device);
    refuse("$iothub/twin/PATCH/properties/desired/?$rid=1", device);
    refuse("$iothub", device);
    refuse("$SYS/broker", device);
}

/* A device whose name is like the words around it. */
static void names_are_not_mistaken_for_words(void **state)
{
    static const struct identity odd = {
        {"devices",  7},
        {"messages", 8}
    };
    (void)state;
    parse("devices/devices/modules/messages/messages/events/", odd);
    refuse("devices/devices/messages/events/", odd);
}

/* ---- filters -------------------------------------------------------------------------------
 */

static void own_filters_name_their_feature(void **state)
{
    static const struct {
        const char *filter;
        bool is_module;
        enum mqtt_feature feature;
    } rows[] = {
        {"devices/d/messages/devicebound/#",        false, MQTT_FEATURE_MESSAGES    },
        {"devices/d/messages/devicebound",          false, MQTT_FEATURE_MESSAGES    },
        {"devices/d/messages/deviceBound/#",        false, MQTT_FEATURE_MESSAGES    },
        {"devices/d/modules/m/#",                   true,  MQTT_FEATURE_INPUTS      },
        {"devices/d/modules/m/inputs/#",            true,  MQTT_FEATURE_INPUTS      },
        {"devices/d/modules/m/inputs/one/#",        true,  MQTT_FEATURE_INPUTS      },
        {"$iothub/methods/POST/#",                  false, MQTT_FEATURE_METHODS     },
        {"$iothub/methods/POST/reboot/#",           true,  MQTT_FEATURE_METHODS     },
        {"$iothub/twin/res/#",                      false, MQTT_FEATURE_TWIN_ANSWERS},
        {"$iothub/twin/PATCH/properties/desired/#", true,  MQTT_FEATURE_DESIRED     },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum mqtt_feature feature = MQTT_N_FEATURES;
        assert_true(mqtt_filter_parse(slice_of(rows[i].filter),
                                      rows[i].is_module ? module : device, &feature));
        assert_int_equal(feature, rows[i].feature);
    }
}

static void other_filters_are_refused(void **state)
{
    static const struct {
        const char *filter;
        bool is_module;
    } rows[] = {
        {"#",                                false},
        {"+/d/messages/devicebound/#",       false},
        {"devices/+/messages/devicebound/#", false},
        {"devices/e/messages/devicebound/#", false},
        {"devices/d/messages/#",             false},
        {"devices/d/messages/+",             false},
        {"devices/d/messages/deviceboundx",  false},
        {"devices/d/messages/events/#",      false},
        {"devices/d/modules/m/#",            false},
        {"devices/d/messages/devicebound/#", true },
        {"devices/d/modules/+/#",            true },
        {"devices/d/modules/m",              true },
        {"devices/d/modules/m/outputs/#",    true },
        {"$iothub/#",                        false},
        {"$iothub/methods/#",                false},
        {"$iothub/+/res/#",                  false},
        {"$iothub/twin/PATCH/#",             false},
        {"",                                 false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum mqtt_feature feature = MQTT_N_FEATURES;
        bool is_taken = mqtt_filter_parse(slice_of(rows[i].filter),
                                          rows[i].is_module ? module : device, &feature);
        if (is_taken) {
            print_error("taken: %s\n", rows[i].filter);
        }
        assert_false(is_taken);
        assert_int_equal(feature, MQTT_N_FEATURES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_leave_their_property_bag),
        cmocka_unit_test(others_events_are_refused),
        cmocka_unit_test(twin_requests_have_an_id),
        cmocka_unit_test(method_answers_have_status_and_id),
        cmocka_unit_test(unknown_hub_topics_are_refused),
        cmocka_unit_test(names_are_not_mistaken_for_words),
        cmocka_unit_test(own_filters_name_their_feature),
        cmocka_unit_test(other_filters_are_refused),
    };
    return cmocka_run_group_tests_name("gateway.mqtt_topics", tests, NULL, NULL);
}
