/*
 * Topics: what a device publishes to, and what it makes of what it receives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "device/src/topics.h"

static void assert_slice(struct slice got, const char *wanted)
{
    char *text = slice_dup(got);
    assert_string_equal(text, wanted);
    free(text);
}

static void method_topic_has_name_and_rid(void **state)
{
    (void)state;
    struct topic topic = topic_read(SLICE("$iothub/methods/POST/lockDoor/?$rid=1f"));
    assert_int_equal(topic.kind, TOPIC_KIND_METHOD);
    assert_slice(topic.name, "lockDoor");
    assert_slice(topic.rid, "1f");
}

static void method_name_is_taken_as_it_stands(void **state)
{
    (void)state;
    struct topic topic = topic_read(SLICE("$iothub/methods/POST/a%20b+c/?$rid=x-Y.z"));
    assert_slice(topic.name, "a%20b+c");
    assert_slice(topic.rid, "x-Y.z");
}

static void twin_response_has_status_rid_and_version(void **state)
{
    (void)state;
    struct topic topic = topic_read(SLICE("$iothub/twin/res/204/?$rid=7&$version=12"));
    assert_int_equal(topic.kind, TOPIC_KIND_TWIN);
    assert_int_equal(topic.status, 204);
    assert_slice(topic.rid, "7");
    assert_int_equal(topic.version, 12);
}

static void twin_response_without_version_has_version_zero(void **state)
{
    (void)state;
    struct topic topic = topic_read(SLICE("$iothub/twin/res/200/?$rid=7"));
    assert_int_equal(topic.kind, TOPIC_KIND_TWIN);
    assert_int_equal(topic.status, 200);
    assert_int_equal(topic.version, 0);
}

static void desired_topic_has_version(void **state)
{
    (void)state;
    struct topic topic = topic_read(SLICE("$iothub/twin/PATCH/properties/desired/?$version=4"));
    assert_int_equal(topic.kind, TOPIC_KIND_DESIRED);
    assert_int_equal(topic.version, 4);
}

static void topics_of_other_shapes_are_other(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "$iothub/methods/POST/",
        "$iothub/methods/POST/lockDoor",
        "$iothub/methods/POST/lockDoor/",
        "$iothub/methods/POST/lockDoor/$rid=1",
        "$iothub/methods/POST//?$rid=1",
        "$iothub/methods/POST/lockDoor/?$rid=",
        "$iothub/twin/res/200/",
        "$iothub/twin/res/200/?$version=1",
        "$iothub/twin/res/abc/?$rid=1",
        "$iothub/twin/res/-1/?$rid=1",
        "$iothub/twin/res/99999999999999999999/?$rid=1",
        "devices/d",
        "devices//",
        "devices/d/messages/devicebound",
        "devices/d/messages/events/a=b",
        "devices/d/inputs/in/a=b",
        "devices/d/modules/m/messages/devicebound/a=b",
        "devices/d/modules/m",
        "$IOTHUB/twin/res/200/?$rid=1",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct topic topic = topic_read(slice_of(texts[i]));
        if (topic.kind != TOPIC_KIND_OTHER) {
            fail_msg("\"%s\" is read as kind %d", texts[i], (int)topic.kind);
        }
    }
}

static void messages_of_devices_and_modules_are_told_by_their_topics(void **state)
{
    (void)state;
    struct topic device = topic_read(SLICE("devices/a b/messages/devicebound/%24.to=x/"));
    assert_int_equal(device.kind, TOPIC_KIND_MESSAGE);
    assert_int_equal(device.name.len, 0);
    assert_true(slice_equal_text(device.bag, "%24.to=x/"));
    struct topic module = topic_read(SLICE("devices/d/modules/inputs/inputs/in/a=b"));
    assert_int_equal(module.kind, TOPIC_KIND_MESSAGE);
    assert_true(slice_equal_text(module.name, "in"));
    assert_true(slice_equal_text(module.bag, "a=b"));
}

static void expect_filter(struct identity id, const char *expected)
{
    struct buf filter;
    buf_init(&filter, BUF_CAP_OWN);
    topic_put_messages_filter(&filter, id);
    assert_string_equal(buf_text(&filter), expected);
    buf_finish(&filter);
}

static void messages_have_a_filter_of_ones_own(void **state)
{
    (void)state;
    expect_filter((struct identity){SLICE("d"), {0}}, "devices/d/messages/devicebound/#");
    expect_filter((struct identity){SLICE("d"), SLICE("m")}, "devices/d/modules/m/inputs/#");
}

static void every_prefix_of_a_topic_is_read_safely(void **state)
{
    (void)state;
    const struct slice whole = SLICE("$iothub/twin/res/204/?$rid=7&$version=12");
    for (size_t len = 0; len < whole.len; len++) {
        char *part = slice_dup(slice_make(whole.data, len));
        struct topic topic = topic_read(slice_make(part, len));
        assert_true(topic.kind == TOPIC_KIND_OTHER || topic.kind == TOPIC_KIND_TWIN);
        free(part);
    }
}

static void assert_events(struct identity id, const struct message *message, const char *wanted)
{
    struct buf out;
    buf_init(&out, TOPIC_MAX_BYTES);
    topic_put_events(&out, id, message);
    assert_false(out.failed);
    assert_string_equal(buf_text(&out), wanted);
    buf_finish(&out);
}

static void events_topic_of_a_device_ends_with_a_slash(void **state)
{
    (void)state;
    const struct message none = {0};
    assert_events(identity_of_device(SLICE("dev-1")), &none, "devices/dev-1/messages/events/");
}

static void events_topic_of_a_module_names_it(void **state)
{
    (void)state;
    const struct message none = {0};
    assert_events((struct identity){SLICE("d"), SLICE("m")}, &none,
                  "devices/d/modules/m/messages/events/");
}

static void events_topic_carries_encoded_properties_in_order(void **state)
{
    (void)state;
    const struct property properties[] = {
        {.name = SLICE("b/1"), .value = SLICE("x y+#")},
        {.name = SLICE("a"),   .is_null = true        },
        {.name = SLICE("e"),   .value = SLICE("")     },
    };
    struct message message = {.properties = properties, .n_properties = ARRAY_LEN(properties)};
    message.system[MESSAGE_ID] = SLICE("m1");
    message.system[MESSAGE_CONTENT_TYPE] = SLICE("application/json");
    assert_events(identity_of_device(SLICE("d")), &message,
                  "devices/d/messages/events/%24.mid=m1&%24.ct=application%2Fjson"
                  "&b%2F1=x%20y%2B%23&a&e=");
}

static void events_topic_over_the_cap_fails(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 40);
    const struct property property = {.name = SLICE("name"), .value = SLICE("value too long")};
    const struct message message = {.properties = &property, .n_properties = 1};
    topic_put_events(&out, identity_of_device(SLICE("d")), &message);
    assert_true(out.failed);
    buf_finish(&out);
}

static void answers_and_requests_have_their_topics(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, TOPIC_MAX_BYTES);
    topic_put_method_answer(&out, -3, SLICE("ab"));
    assert_string_equal(buf_text(&out), "$iothub/methods/res/-3/?$rid=ab");
    buf_reset(&out);
    topic_put_twin_get(&out, 18446744073709551615ULL);
    assert_string_equal(buf_text(&out), "$iothub/twin/GET/?$rid=18446744073709551615");
    buf_reset(&out);
    topic_put_twin_report(&out, 5);
    assert_string_equal(buf_text(&out), "$iothub/twin/PATCH/properties/reported/?$rid=5");
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(method_topic_has_name_and_rid),
        cmocka_unit_test(method_name_is_taken_as_it_stands),
        cmocka_unit_test(twin_response_has_status_rid_and_version),
        cmocka_unit_test(twin_response_without_version_has_version_zero),
        cmocka_unit_test(desired_topic_has_version),
        cmocka_unit_test(topics_of_other_shapes_are_other),
        cmocka_unit_test(messages_of_devices_and_modules_are_told_by_their_topics),
        cmocka_unit_test(messages_have_a_filter_of_ones_own),
        cmocka_unit_test(every_prefix_of_a_topic_is_read_safely),
        cmocka_unit_test(events_topic_of_a_device_ends_with_a_slash),
        cmocka_unit_test(events_topic_of_a_module_names_it),
        cmocka_unit_test(events_topic_carries_encoded_properties_in_order),
        cmocka_unit_test(events_topic_over_the_cap_fails),
        cmocka_unit_test(answers_and_requests_have_their_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
