/*
 * Pins: what a condition restricts a path to, and that nothing else is claimed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ask.h"

/* The pins as "a,b", "" for none at all, "free" when the path is not pinned. */
static void show(const struct query *query, const struct query_path *path, struct buf *out)
{
    struct query_pins pins = {0};
    if (!query_pins_path(query, path, &pins)) {
        buf_put_text(out, "free");
        return;
    }
    for (size_t i = 0; i < pins.n_values; i++) {
        buf_put_text(out, i == 0 ? "" : ",");
        buf_put_slice(out, pins.values[i]);
    }
    query_pins_finish(&pins);
    assert_null(pins.values);
}

static void assert_pins(const char *condition, const struct query_path *path,
                        const char *expected)
{
    struct buf text;
    struct buf shown;
    buf_init(&text, BUF_CAP_OWN);
    buf_init(&shown, BUF_CAP_OWN);
    buf_putf(&text, "SELECT * FROM devices.modules WHERE %s", condition);
    struct query *query = ask_compile(buf_text(&text));
    show(query, path, &shown);
    if (strcmp(buf_text(&shown), expected) != 0) {
        print_error("%s pins '%s', expected '%s'\n", condition, buf_text(&shown), expected);
        fail();
    }
    query_destroy(query);
    buf_finish(&text);
    buf_finish(&shown);
}

static void assert_pins_device(const char *condition, const char *expected)
{
    struct query_path path = {.root = QUERY_ROOT_DEVICE_ID};
    assert_pins(condition, &path, expected);
}

static void equalities_and_lists_of_strings_pin(void **state)
{
    (void)state;
    assert_pins_device("deviceId = 'a'", "a");
    assert_pins_device("'a' = devices.DeviceId", "a");
    assert_pins_device("deviceId IN ['b', 'a', 'b']", "a,b");
    assert_pins_device("deviceId IN []", "");
    assert_pins_device("((deviceId = 'a'))", "a");
}

static void one_pinned_operand_of_and_is_enough(void **state)
{
    (void)state;
    assert_pins_device("tags.x = 1 AND deviceId = 'a' AND NOT tags.y", "a");
    assert_pins_device("deviceId IN ['a', 'b', 'c'] AND deviceId IN ['b', 'c', 'd']", "b,c");
    assert_pins_device("deviceId = 'a' AND deviceId = 'b'", "");
    assert_pins_device("(tags.x = 1 OR tags.y = 2) AND deviceId = 'a'", "a");
    assert_pins_device("deviceId = 'a' AND (tags.x = 1 OR deviceId = 'b')", "a");
}

static void every_operand_of_or_must_be_pinned(void **state)
{
    (void)state;
    assert_pins_device("deviceId = 'b' OR deviceId = 'a' OR deviceId IN ['a', 'c']", "a,b,c");
    assert_pins_device("deviceId = 'a' OR tags.x = 1", "free");
    assert_pins_device("(deviceId = 'a' AND tags.x) OR (deviceId = 'b' AND tags.y)", "a,b");
    assert_pins_device("deviceId = 'a' OR moduleId = 'b'", "free");
}

static void nothing_else_pins(void **state)
{
    (void)state;
    static const char *const conditions[] = {
        "true",
        "NOT deviceId = 'a'",
        "NOT deviceId != 'a'",
        "deviceId != 'a'",
        "deviceId > 'a'",
        "deviceId NIN ['a']",
        "NOT deviceId NIN ['a']",
        "deviceId = 5",
        "deviceId IN ['a', 5]",
        "deviceId IN ['a', null]",
        "deviceId = moduleId",
        "deviceId = deviceId",
        "STARTSWITH(deviceId, 'a')",
        "(deviceId = 'a') = true",
        "tags.deviceId = 'a'",
        "deviceId.x = 'a'",
    };
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        assert_pins_device(conditions[i], "free");
    }
}

static void any_path_may_be_pinned(void **state)
{
    (void)state;
    const struct slice names[] = {SLICE("location"), SLICE("region")};
    struct query_path path = {.root = QUERY_ROOT_TAGS, .names = names, .n_names = 2};
    assert_pins("tags.location.region = 'US' AND deviceId = 'x'", &path, "US");
    assert_pins("TAGS.location.[[region]] IN ['US', 'EU']", &path, "EU,US");
    assert_pins("tags.location.Region = 'US'", &path, "free");
    assert_pins("tags.location = 'US'", &path, "free");
    assert_pins("properties.reported.location.region = 'US'", &path, "free");
}

static void a_query_without_condition_pins_nothing(void **state)
{
    (void)state;
    struct query *query = ask_compile("SELECT * FROM devices");
    struct query_pins pins = {0};
    assert_false(query_pins(query, QUERY_ROOT_DEVICE_ID, &pins));
    query_pins_finish(&pins);
    query_destroy(query);
}

/* Whatever a condition pins: a row that matches has one of the values. */
static void no_row_matches_beside_the_pins(void **state)
{
    (void)state;
    static const char *const parts[] = {"deviceId = 'a'",     "deviceId IN ['a', 'b']",
                                        "NOT deviceId = 'c'", "tags.x",
                                        "deviceId != 'b'",    "deviceId IN ['c', 'b', 'd']"};
    static const char *const joints[] = {"AND", "OR"};
    static const char *const ids[] = {"a", "b", "c", "d", "e"};
    size_t n = ARRAY_LEN(parts);
    for (size_t i = 0; i < n * n * n * 4; i++) {
        char text[300];
        char row[100];
        struct query_pins pins = {0};
        snprintf(text, sizeof(text), "SELECT * FROM devices WHERE %s %s (%s %s %s)",
                 parts[i % n], joints[i / (n * n * n) % 2], parts[i / n % n],
                 joints[i / (n * n * n) / 2], parts[i / n / n % n]);
        struct query *query = ask_compile(text);
        bool is_pinned = query_pins(query, QUERY_ROOT_DEVICE_ID, &pins);
        for (size_t id = 0; id < ARRAY_LEN(ids) && is_pinned; id++) {
            bool is_listed = false;
            snprintf(row, sizeof(row), "{\"deviceId\":\"%s\",\"tags\":{\"x\":true}}", ids[id]);
            struct slice document = slice_of(row);
            for (size_t pin = 0; pin < pins.n_values; pin++) {
                is_listed |= slice_equal_text(pins.values[pin], ids[id]);
            }
            assert_true(is_listed || !query_matches(query, &query_json_row, &document));
        }
        query_pins_finish(&pins);
        query_destroy(query);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equalities_and_lists_of_strings_pin),
        cmocka_unit_test(one_pinned_operand_of_and_is_enough),
        cmocka_unit_test(every_operand_of_or_must_be_pinned),
        cmocka_unit_test(nothing_else_pins),
        cmocka_unit_test(any_path_may_be_pinned),
        cmocka_unit_test(a_query_without_condition_pins_nothing),
        cmocka_unit_test(no_row_matches_beside_the_pins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
