/*
 * Texts, topic names and topic filters.
 */
#include "mqtt/text.h"

#include <stdlib.h>

#include "base/macros.h"
#include "unit/mqtt/notation.h"

/* Each text alone, and at every place within a longer one, where words of eight are read. */
static void check_text(struct slice text, bool want)
{
    char *alone = exact_copy(text);
    assert_int_equal(mqtt_text_is_valid(slice_make(alone, text.len)), want);
    free(alone);
    for (size_t before = 0; before < 17; before++) {
        struct buf all;
        buf_init(&all, 256);
        buf_put(&all, "aaaaaaaaaaaaaaaaa", before);
        buf_put_slice(&all, text);
        buf_put_text(&all, "bbbbbbbbb");
        assert_int_equal(mqtt_text_is_valid(buf_slice(&all)), want);
        assert_int_equal(mqtt_topic_is_valid(buf_slice(&all)), want);
        buf_finish(&all);
    }
}

static void check_notation(const char *notation, bool want)
{
    struct buf text;
    buf_init(&text, 256);
    put_notation(&text, notation);
    check_text(buf_slice(&text), want);
    buf_finish(&text);
}

/* [MQTT-1.5.3-1] */
static void well_formed_utf8_is_accepted(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "'a'",
        "01",
        "7f",
        "c280",
        "dfbf",
        "e0a080",
        "e18080",
        "ecbfbf",
        "ed8080",
        "ed9fbf",
        "ee8080",
        "efbfbd",
        "efbfbf",
        "f0908080",
        "f0aa9b94",
        "f3bfbfbf",
        "f48fbfbf",
        "'A' f0aa9b94",
        "c3bc e282ac 'x' f09f9880",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        check_notation(texts[i], true);
    }
}

/* [MQTT-1.5.3-1] */
static void ill_formed_utf8_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "80",                                            /* a continuation without a lead */
        "bf",       "c080",                              /* over-long U+0000 */
        "c1bf",     "c2",                                /* cut short */
        "c241",     "c3c3",        "e080 80",            /* over-long */
        "e09fbf",   "e28228",      "e282",     "eda080", /* U+D800 */
        "edafbf",   "edb080",      "edbfbf",             /* U+DFFF */
        "f0808080", "f08fbfbf",                          /* over-long */
        "f0908041", "f09080",      "f4908080",           /* beyond U+10FFFF */
        "f5808080", "f8888080 80", "fe",       "ff",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        check_notation(texts[i], false);
    }
}

/* [MQTT-1.5.3-2] */
static void nul_is_refused(void **state)
{
    (void)state;
    check_notation("00", false);
    check_notation("'abcdefg' 00", false);
}

/* [MQTT-1.5.3-3] */
static void byte_order_mark_is_an_ordinary_character(void **state)
{
    (void)state;
    check_notation("efbbbf", true);
}

static void empty_text_is_valid_and_empty_topic_is_not(void **state)
{
    (void)state;
    assert_true(mqtt_text_is_valid(SLICE("")));
    assert_true(mqtt_text_is_valid((struct slice){0}));
    assert_false(mqtt_topic_is_valid(SLICE(""))); /* [MQTT-4.7.3-1] */
    assert_false(mqtt_filter_is_valid(SLICE("")));
}

/* [MQTT-3.3.2-2], [MQTT-4.7.1-1] */
static void topic_name_has_no_wildcards_anywhere(void **state)
{
    (void)state;
    for (size_t at = 0; at < 20; at++) {
        char topic[20] = "devices/d/messages/e";
        assert_true(mqtt_topic_is_valid(slice_make(topic, sizeof(topic))));
        topic[at] = '#';
        assert_false(mqtt_topic_is_valid(slice_make(topic, sizeof(topic))));
        assert_true(mqtt_text_is_valid(slice_make(topic, sizeof(topic))));
        topic[at] = '+';
        assert_false(mqtt_topic_is_valid(slice_make(topic, sizeof(topic))));
    }
}

static void topic_name_may_be_any_other_text(void **state)
{
    (void)state;
    assert_true(mqtt_topic_is_valid(SLICE("/")));
    assert_true(mqtt_topic_is_valid(SLICE("//")));
    assert_true(mqtt_topic_is_valid(SLICE(" ")));
    assert_true(mqtt_topic_is_valid(SLICE("$iothub/twin/GET/?$rid=1")));
    assert_true(mqtt_topic_is_valid(SLICE("*\"$,*\"$,*\"$,"))); /* neighbours of '#' and '+' */
}

/* [MQTT-4.7.1-2], [MQTT-4.7.1-3] and the examples beside them */
static void wildcards_fill_their_level_and_hash_is_the_last(void **state)
{
    (void)state;
    static const char *const good[] = {
        "#",
        "+",
        "/#",
        "/+",
        "+/",
        "+/+",
        "/",
        "a",
        "sport/tennis/player1/#",
        "sport/#",
        "+/tennis/#",
        "sport/+/player1",
        "$SYS/#",
        "$SYS/monitor/+",
        "a//b",
        "+//#",
        "$iothub/methods/POST/#",
    };
    static const char *const bad[] = {
        "sport/tennis#",
        "sport/tennis/#/ranking",
        "#/",
        "##",
        "a#",
        "#a",
        "sport+",
        "+a",
        "a+/b",
        "a/+b",
        "++",
        "+#",
        "#+",
        "a/#b",
        "a/b#",
        "a/+/b+",
        "/a+/#",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(mqtt_filter_is_valid(slice_of(good[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(mqtt_filter_is_valid(slice_of(bad[i])));
    }
    assert_false(mqtt_filter_is_valid(SLICE("a/\xed\xa0\x80")));
    assert_false(mqtt_filter_is_valid(SLICE("a/\0")));
}

/* The examples of 4.7.1 to 4.7.3; what begins with '$' is [MQTT-4.7.2-1]. */
static void filters_match_as_in_the_specification(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        const char *topic;
        bool want;
    } rows[] = {
        {"sport/tennis/player1/#", "sport/tennis/player1",                 true },
        {"sport/tennis/player1/#", "sport/tennis/player1/ranking",         true },
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true },
        {"sport/tennis/player1/#", "sport/tennis/player2",                 false},
        {"sport/tennis/player1/#", "sport/tennis",                         false},
        {"sport/tennis/player1/#", "sport/tennis/player11",                false},
        {"sport/#",                "sport",                                true },
        {"sport/#",                "sports",                               false},
        {"#",                      "sport/tennis",                         true },
        {"#",                      "/",                                    true },
        {"sport/tennis/+",         "sport/tennis/player1",                 true },
        {"sport/tennis/+",         "sport/tennis/player2",                 true },
        {"sport/tennis/+",         "sport/tennis/player1/ranking",         false},
        {"sport/+",                "sport",                                false},
        {"sport/+",                "sport/",                               true },
        {"+/+",                    "/finance",                             true },
        {"/+",                     "/finance",                             true },
        {"+",                      "/finance",                             false},
        {"+",                      "finance",                              true },
        {"+/tennis/#",             "x/tennis",                             true },
        {"+/tennis/#",             "x/y/tennis",                           false},
        {"sport/+/player1",        "sport/tennis/player1",                 true },
        {"sport/+/player1",        "sport/tennis/player2",                 false},
        {"sport/+/player1",        "sport/player1",                        false},
        {"#",                      "$SYS/monitor",                         false},
        {"+/monitor/Clients",      "$SYS/monitor/Clients",                 false},
        {"$SYS/#",                 "$SYS/monitor",                         true },
        {"$SYS/#",                 "$SYS",                                 true },
        {"$SYS/monitor/+",         "$SYS/monitor/Clients",                 true },
        {"ACCOUNTS",               "Accounts",                             false},
        {"/finance",               "finance",                              false},
        {"finance/",               "finance",                              false},
        {"finance",                "finance/",                             false},
        {"a/b",                    "a/b",                                  true },
        {"a/b",                    "a",                                    false},
        {"a",                      "a/b",                                  false},
        {"a//b",                   "a//b",                                 true },
        {"a/+/b",                  "a//b",                                 true },
        {"a/#",                    "a//",                                  true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool have = mqtt_filter_matches(slice_of(rows[i].filter), slice_of(rows[i].topic));
        if (have != rows[i].want) {
            fail_msg("%s and %s: %d", rows[i].filter, rows[i].topic, have);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_utf8_is_accepted),
        cmocka_unit_test(ill_formed_utf8_is_refused),
        cmocka_unit_test(nul_is_refused),
        cmocka_unit_test(byte_order_mark_is_an_ordinary_character),
        cmocka_unit_test(empty_text_is_valid_and_empty_topic_is_not),
        cmocka_unit_test(topic_name_has_no_wildcards_anywhere),
        cmocka_unit_test(topic_name_may_be_any_other_text),
        cmocka_unit_test(wildcards_fill_their_level_and_hash_is_the_last),
        cmocka_unit_test(filters_match_as_in_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
