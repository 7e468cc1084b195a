/*
 * property_bag: decoding what clients send, and the way back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "iothub/property_bag.h"

/* One text for a bag: name, then "=value" unless null, each in brackets. */
static void describe(const struct property_bag *bag, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < bag->n_items; i++) {
        const struct property *p = &bag->items[i];
        buf_putf(out, "[%.*s", SLICE_ARG(p->name));
        if (!p->is_null) {
            buf_putf(out, "=%.*s", SLICE_ARG(p->value));
        }
        assert_false(p->is_null && p->value.len != 0);
        buf_put_char(out, ']');
    }
}

static void encoded_bags_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *encoded;
        const char *bag;
    } cases[] = {
        {"",                  ""                  },
        {"a=1",               "[a=1]"             },
        {"a=1&b=2",           "[a=1][b=2]"        },
        {"b=2&a=1",           "[b=2][a=1]"        },
        {"%24.mid=x&$.cid=y", "[$.mid=x][$.cid=y]"},
        {"a%3Db=c%26d%2Fe",   "[a=b=c&d/e]"       },
        {"a=b=c",             "[a=b=c]"           },
        {"a=b+c%20d",         "[a=b+c d]"         },
        {"a%2Bb+c=1",         "[a+b+c=1]"         },
        {"a=%e2%82%ac",       "[a=\xe2\x82\xac]"  },
        {"a=100%&b=%zz",      "[a=100%][b=%zz]"   },
 /* Null, and empty. */
        {"a&b=&c",            "[a][b=][c]"        },
        {"a",                 "[a]"               },
        {"a=",                "[a=]"              },
 /* As clients add them. */
        {"?a=1",              "[a=1]"             },
        {"a=1/",              "[a=1]"             },
        {"?a=1&b/",           "[a=1][b]"          },
        {"?",                 ""                  },
        {"/",                 ""                  },
        {"?/",                ""                  },
        {"??a=1//",           "[?a=1/]"           },
        {"a=x/y",             "[a=x/y]"           },
 /* Empty parts. */
        {"&&a=1&&b=2&",       "[a=1][b=2]"        },
        {"&",                 ""                  },
        {"=1",                "[=1]"              },
 /* Repeated keys. */
        {"a=1&b=2&a=3",       "[a=3][b=2]"        },
        {"a=1&b=2&%61",       "[a][b=2]"          },
        {"a&b=2&a=",          "[a=][b=2]"         },
        {"a=1&A=2",           "[a=1][A=2]"        },
    };
    struct property_bag bag = {0};
    struct buf text;

    buf_init(&text, 1000);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(property_bag_decode(&bag, slice_of(cases[i].encoded)));
        describe(&bag, &text);
        assert_string_equal(buf_text(&text), cases[i].bag);
    }
    property_bag_finish(&bag);
    property_bag_finish(&bag);
    property_bag_finish(NULL);
    buf_finish(&text);
}

static void a_bag_encodes_to_what_it_was_decoded_from(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "a=1",
        "%24.mid=m%2F1&%24.to=%2Fdevices%2Fd%2Fmessages%2FdeviceBound&iothub-ack=none",
        "a&b=&c=%20%2B%25%26%3D%23%3F",
        "%C3%A4=%E2%82%AC%00",
        "z=1&y=2&x=3&w=4&v=5&u=6&t=7&s=8&r=9&q=10",
    };
    struct property_bag bag = {0};
    struct buf text;

    buf_init(&text, 1000);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(property_bag_decode(&bag, slice_of(cases[i])));
        buf_reset(&text);
        for (size_t k = 0; k < bag.n_items; k++) {
            property_bag_encode(&text, bag.items[k].name, bag.items[k].value,
                                bag.items[k].is_null);
        }
        assert_string_equal(buf_text(&text), cases[i]);
    }
    property_bag_finish(&bag);
    buf_finish(&text);
}

static void every_byte_survives_the_round_trip(void **state)
{
    (void)state;
    char bytes[256];
    struct property_bag bag = {0};
    struct buf text;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)i;
    }
    buf_init(&text, 2000);
    property_bag_encode(&text, slice_make(bytes, 256), slice_make(bytes, 256), false);
    assert_true(property_bag_decode(&bag, buf_slice(&text)));
    assert_int_equal(bag.n_items, 1);
    assert_true(slice_equal(bag.items[0].name, slice_make(bytes, 256)));
    assert_true(slice_equal(bag.items[0].value, slice_make(bytes, 256)));
    property_bag_finish(&bag);
    buf_finish(&text);
}

static void properties_are_found_by_name_and_case(void **state)
{
    (void)state;
    struct property_bag bag = {0};

    assert_null(property_bag_get(&bag, "a"));
    assert_true(property_bag_decode(&bag, SLICE("%24.mid=7&a")));
    const struct property *mid = property_bag_get(&bag, "$.mid");
    assert_non_null(mid);
    assert_true(slice_equal_text(mid->value, "7"));
    assert_true(property_bag_get(&bag, "a")->is_null);
    assert_null(property_bag_get(&bag, "A"));
    assert_null(property_bag_get(&bag, "$.mi"));
    property_bag_finish(&bag);
}

static void put_properties(struct buf *out, int n)
{
    buf_reset(out);
    for (int i = 0; i < n; i++) {
        buf_putf(out, "%sp%d=%d", i == 0 ? "" : "&", i, i);
    }
}

static void more_properties_than_the_limit_are_refused(void **state)
{
    (void)state;
    struct property_bag bag = {0};
    struct buf text;

    buf_init(&text, PROPERTY_BAG_MAX_BYTES);
    put_properties(&text, PROPERTY_BAG_MAX);
    assert_true(property_bag_decode(&bag, buf_slice(&text)));
    assert_int_equal(bag.n_items, PROPERTY_BAG_MAX);
    /* A repeated one is no further property. */
    buf_put_text(&text, "&p0=x");
    assert_true(property_bag_decode(&bag, buf_slice(&text)));
    assert_true(slice_equal_text(property_bag_get(&bag, "p0")->value, "x"));
    put_properties(&text, PROPERTY_BAG_MAX + 1);
    assert_false(property_bag_decode(&bag, buf_slice(&text)));
    assert_int_equal(bag.n_items, 0);
    /* The bag can be used again. */
    assert_true(property_bag_decode(&bag, SLICE("a=1")));
    assert_int_equal(bag.n_items, 1);
    property_bag_finish(&bag);
    buf_finish(&text);
}

static void more_text_than_the_cap_is_refused(void **state)
{
    (void)state;
    static char text[PROPERTY_BAG_MAX_BYTES + 1];
    struct property_bag bag = {0};

    memset(text, 'x', sizeof(text));
    text[1] = '=';
    assert_true(property_bag_decode(&bag, slice_make(text, PROPERTY_BAG_MAX_BYTES)));
    assert_int_equal(bag.items[0].value.len, PROPERTY_BAG_MAX_BYTES - 2);
    assert_false(property_bag_decode(&bag, slice_make(text, PROPERTY_BAG_MAX_BYTES + 1)));
    assert_int_equal(bag.n_items, 0);
    assert_true(property_bag_decode(&bag, SLICE("")));
    property_bag_finish(&bag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_bags_are_decoded),
        cmocka_unit_test(a_bag_encodes_to_what_it_was_decoded_from),
        cmocka_unit_test(every_byte_survives_the_round_trip),
        cmocka_unit_test(properties_are_found_by_name_and_case),
        cmocka_unit_test(more_properties_than_the_limit_are_refused),
        cmocka_unit_test(more_text_than_the_cap_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
