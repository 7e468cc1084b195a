/*
 * Subscriptions, stored sessions, and the topics a connection may use.
 * Source: MQTT 3.1.1, 3.1.2.4 and 3.8; IoT Hub documentation, "Communicate using MQTT".
 */
#include <stdio.h>
#include <string.h>

#include "hub/device.h"
#include "hub/service.h"

/* Whether a desired change reaches the connection. */
static bool hears_of_changes(struct fixture *f, struct device *d, const char *id)
{
    patch_twin(f, id, "{'properties':{'desired':{'a':1}}}");
    return strncmp(device_heard(d), "PUBLISH ", 8) == 0;
}

static struct device *connect_with(struct fixture *f, const char *id, bool is_clean,
                                   const char *want)
{
    struct device *d = device_connect(f, &(struct login){.id = id, .is_clean = is_clean});
    assert_heard(d, want);
    return d;
}

/* ---- sessions --------------------------------------------------------------------------- */

static void first_connection_finds_no_session(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    device_leave(connect_with(f, "d", false, "CONNACK 0"));
}

static void kept_session_is_present_next_time(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    device_leave(connect_with(f, "d", false, "CONNACK 0"));
    device_leave(connect_with(f, "d", false, "CONNACK 0 session"));
}

static void stored_subscription_is_active_at_once(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = connect_with(f, "d", false, "CONNACK 0");
    device_subscribe(d, DESIRED);
    device_break(d);
    d = connect_with(f, "d", false, "CONNACK 0 session");
    assert_true(hears_of_changes(f, d, "d"));
}

static void stored_subscription_to_methods_takes_calls_at_once(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    struct device *d = connect_with(f, "d", false, "CONNACK 0");
    device_subscribe(d, METHODS);
    device_leave(d);
    pending_begin(
        &p, f,
        &(struct ask){.method = "POST",
                      .path = "/twins/d/methods",
                      .body = "{\"methodName\":\"m\",\"connectTimeoutInSeconds\":20}"});
    (void)connect_with(f, "d", false,
                       "CONNACK 0 session; PUBLISH $iothub/methods/POST/m/?$rid=1= "
                       "qos 0 id 0");
    pending_drop(&p);
}

static void session_outlives_the_process(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = connect_with(f, "d", false, "CONNACK 0");
    device_subscribe(d, DESIRED);
    fixture_restart(f);
    d = connect_with(f, "d", false, "CONNACK 0 session");
    assert_true(hears_of_changes(f, d, "d"));
}

static void unsubscribed_filter_is_not_stored(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = connect_with(f, "d", false, "CONNACK 0");
    device_subscribe(d, DESIRED);
    device_subscribe(d, METHODS);
    device_unsubscribe(d, DESIRED);
    device_leave(d);
    d = connect_with(f, "d", false, "CONNACK 0 session");
    assert_false(hears_of_changes(f, d, "d"));
}

static void clean_session_has_no_memory(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = connect_with(f, "d", true, "CONNACK 0");
    device_subscribe(d, DESIRED);
    assert_true(hears_of_changes(f, d, "d"));
    device_leave(d);
    d = connect_with(f, "d", true, "CONNACK 0");
    assert_false(hears_of_changes(f, d, "d"));
    device_leave(d);
    d = connect_with(f, "d", false, "CONNACK 0");
    assert_false(hears_of_changes(f, d, "d"));
}

static void clean_session_deletes_the_stored_one(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = connect_with(f, "d", false, "CONNACK 0");
    device_subscribe(d, DESIRED);
    device_leave(d);
    device_leave(connect_with(f, "d", true, "CONNACK 0"));
    d = connect_with(f, "d", false, "CONNACK 0");
    assert_false(hears_of_changes(f, d, "d"));
}

static void session_is_the_identitys_own(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    make(f, "e");
    struct device *d = connect_with(f, "d", false, "CONNACK 0");
    device_subscribe(d, DESIRED);
    (void)connect_with(f, "e", false, "CONNACK 0");
    struct device *module = connect_with(f, "d/m", false, "CONNACK 0");
    assert_false(hears_of_changes(f, module, "d/m"));
}

static void session_goes_with_its_identity(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = connect_with(f, "d", false, "CONNACK 0");
    device_subscribe(d, DESIRED);
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    assert_true(device_is_closed(d));
    make(f, "d");
    d = connect_with(f, "d", false, "CONNACK 0");
    assert_false(hears_of_changes(f, d, "d"));
}

static void taken_over_session_goes_on(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *first = connect_with(f, "d", false, "CONNACK 0");
    device_subscribe(first, DESIRED);
    struct device *second = connect_with(f, "d", false, "CONNACK 0 session");
    assert_true(device_is_closed(first));
    assert_true(hears_of_changes(f, second, "d"));
}

/* ---- subscribing ------------------------------------------------------------------------ */

static void each_filter_has_its_code_and_quality(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    /* As the C SDK does it, in one packet. */
    const struct mqtt_filter filters[] = {
        {.topic = SLICE("devices/d/messages/devicebound/#"), .qos = 1},
        {.topic = SLICE(ANSWERS),                            .qos = 0},
        {.topic = SLICE(DESIRED),                            .qos = 2},
        {.topic = SLICE(METHODS),                            .qos = 0},
    };
    mqtt_put_subscribe(device_packets(d), 300, filters, ARRAY_LEN(filters));
    device_say(d);
    assert_heard(d, "SUBACK id 300 0x01000100");
}

static void subscribing_again_is_granted(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, DESIRED);
    device_subscribe(d, DESIRED);
    patch_twin(f, "d", "{'properties':{'desired':{'a':1}}}");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=2",
                   "{\"a\":1,\"$version\":2}");
    assert_heard(d, "");
}

static void own_filters_are_granted(void **state)
{
    static const struct {
        const char *id;
        const char *filter;
    } rows[] = {
        {"d",   "devices/d/messages/devicebound/#"},
        {"d",   "devices/d/messages/devicebound"  },
        {"d",   "devices/d/messages/deviceBound/#"},
        {"d",   "$iothub/methods/POST/#"          },
        {"d",   "$iothub/methods/POST/reboot/#"   },
        {"d",   "$iothub/twin/res/#"              },
        {"d",   DESIRED                           },
        {"d/m", "devices/d/modules/m/#"           },
        {"d/m", "devices/d/modules/m/inputs/#"    },
        {"d/m", "$iothub/methods/POST/#"          },
        {"d/m", "$iothub/twin/res/#"              },
        {"d/m", DESIRED                           },
    };
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct device *d = device_online(f, rows[i].id);
        device_subscribe(d, rows[i].filter);
        device_leave(d);
    }
}

/* There is no failing SUBACK: the connection ends. */
static void foreign_filters_close(void **state)
{
    static const struct {
        const char *id;
        const char *filter;
    } rows[] = {
        {"d",   "#"                                },
        {"d",   "+/d/messages/devicebound/#"       },
        {"d",   "devices/#"                        },
        {"d",   "devices/+/messages/devicebound/#" },
        {"d",   "devices/e/messages/devicebound/#" },
        {"d",   "devices/dd/messages/devicebound/#"},
        {"d",   "devices/d/messages/events/#"      },
        {"d",   "devices/d/#"                      },
        {"d",   "devices/d/modules/m/#"            },
        {"d",   "devices/d/modules/m/inputs/#"     },
        {"d/m", "devices/d/messages/devicebound/#" },
        {"d/m", "devices/d/modules/n/#"            },
        {"d/m", "devices/d/modules/mm/inputs/#"    },
        {"d",   "$iothub/#"                        },
        {"d",   "$iothub/twin/#"                   },
        {"d",   "$iothub/+/POST/#"                 },
        {"d",   "$iothub/streams/POST/#"           },
        {"d",   "test"                             },
    };
    struct fixture *f = *state;
    make(f, "d");
    make(f, "dd");
    make(f, "e");
    make(f, "d/m");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct device *d = device_online(f, rows[i].id);
        const struct mqtt_filter filter = {.topic = slice_of(rows[i].filter)};
        mqtt_put_subscribe(device_packets(d), 1, &filter, 1);
        device_say(d);
        if (!device_is_closed(d)) {
            print_error("%s may subscribe to %s\n", rows[i].id, rows[i].filter);
        }
        assert_true(device_is_closed(d));
        assert_heard(d, "");
    }
}

static void one_foreign_filter_spoils_the_packet(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = connect_with(f, "d", false, "CONNACK 0");
    const struct mqtt_filter filters[] = {{.topic = SLICE(DESIRED)}, {.topic = SLICE("#")}};
    mqtt_put_subscribe(device_packets(d), 1, filters, ARRAY_LEN(filters));
    device_say(d);
    assert_true(device_is_closed(d));
    assert_heard(d, "");
    d = connect_with(f, "d", false, "CONNACK 0 session");
    assert_false(hears_of_changes(f, d, "d"));
}

static void unsubscribing_is_always_acknowledged(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_unsubscribe(d, METHODS);
    device_unsubscribe(d, "devices/e/messages/devicebound/#");
    device_unsubscribe(d, "whatever/#");
    assert_false(device_is_closed(d));
}

static void unsubscribing_ends_the_flow(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, DESIRED);
    assert_true(hears_of_changes(f, d, "d"));
    device_unsubscribe(d, DESIRED);
    assert_false(hears_of_changes(f, d, "d"));
}

static void number_of_filters_has_a_limit(void **state)
{
    struct fixture *f = *state;
    char filter[60];
    make(f, "d");
    struct device *d = device_online(f, "d");
    for (int i = 0; i < 32; i++) {
        (void)snprintf(filter, sizeof(filter), "$iothub/methods/POST/m%d/#", i);
        device_subscribe(d, filter);
    }
    const struct mqtt_filter more = {.topic = SLICE("$iothub/methods/POST/more/#")};
    mqtt_put_subscribe(device_packets(d), 1, &more, 1);
    device_say(d);
    assert_true(device_is_closed(d));
}

/* ---- publishing ------------------------------------------------------------------------- */

static void foreign_topics_close(void **state)
{
    static const struct {
        const char *id;
        const char *topic;
    } rows[] = {
        {"d",   "devices/e/messages/events/"                   },
        {"d",   "devices/dd/messages/events/"                  },
        {"d",   "devices/D/messages/events/"                   },
        {"d",   "devices/d/messages/eventsx"                   },
        {"d",   "devices/d/messages/devicebound/"              },
        {"d",   "devices/d/modules/m/messages/events/"         },
        {"d/m", "devices/d/messages/events/"                   },
        {"d/m", "devices/d/modules/n/messages/events/"         },
        {"d",   "test"                                         },
        {"d",   "$iothub/twin/GET/"                            },
        {"d",   "$iothub/twin/PATCH/properties/desired/?$rid=1"},
        {"d",   "$iothub/methods/POST/m/?$rid=1"               },
        {"d",   "$iothub/methods/res/ok/?$rid=1"               },
        {"d",   "$iothub/methods/res/200/"                     },
    };
    struct fixture *f = *state;
    make(f, "d");
    make(f, "dd");
    make(f, "e");
    make(f, "d/m");
    make(f, "d/n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct device *d = device_online(f, rows[i].id);
        device_publish(d, rows[i].topic, "x", 1);
        if (!device_is_closed(d)) {
            print_error("%s may publish to %s\n", rows[i].id, rows[i].topic);
        }
        assert_true(device_is_closed(d));
        assert_heard(d, "");
    }
    assert_no_event(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(first_connection_finds_no_session),
        HUB_TEST(kept_session_is_present_next_time),
        HUB_TEST(stored_subscription_is_active_at_once),
        HUB_TEST(stored_subscription_to_methods_takes_calls_at_once),
        DISK_TEST(session_outlives_the_process),
        HUB_TEST(unsubscribed_filter_is_not_stored),
        HUB_TEST(clean_session_has_no_memory),
        HUB_TEST(clean_session_deletes_the_stored_one),
        HUB_TEST(session_is_the_identitys_own),
        HUB_TEST(session_goes_with_its_identity),
        HUB_TEST(taken_over_session_goes_on),
        HUB_TEST(each_filter_has_its_code_and_quality),
        HUB_TEST(subscribing_again_is_granted),
        HUB_TEST(own_filters_are_granted),
        HUB_TEST(foreign_filters_close),
        HUB_TEST(one_foreign_filter_spoils_the_packet),
        HUB_TEST(unsubscribing_is_always_acknowledged),
        HUB_TEST(unsubscribing_ends_the_flow),
        HUB_TEST(number_of_filters_has_a_limit),
        HUB_TEST(foreign_topics_close),
    };
    return cmocka_run_group_tests_name("hub.mqtt_session", tests, NULL, NULL);
}
