/*
 * gateway/mqtt_user_name: every form of a device's user name, and the client id beside it.
 */
#include "gateway/mqtt_user_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "iothub/limits.h"

static void assert_slice(struct slice have, const char *want)
{
    char *text = slice_dup(have);
    assert_string_equal(text, want);
    free(text);
}

static void every_form_ends_in_the_same_answers(void **state)
{
    static const struct {
        const char *text;
        const char *module_id;
        const char *model_id;
    } rows[] = {
        {"h/d",                                                       "",         ""          },
        {"h/d/",                                                      "",         ""          },
        {"h/d/?api-version=2021-04-12&DeviceClientType=x",            "",         ""          },
        {"h/d/?api-version=1&model-id=dtmi%3Aa%3Bb%3B1",              "",         "dtmi:a;b;1"},
        {"h/d/?api-version=1&model-id=dtmi:a;1&DeviceClientType=x/y", "",         "dtmi:a;1"  },
        {"h/d/?model-id=dtmi:a;1",                                    "",         "dtmi:a;1"  },
        {"h/d/?MODEL-ID=dtmi:a;1",                                    "",         "dtmi:a;1"  },
        {"h/d/?model%2Did=dtmi:a;1",                                  "",         "dtmi:a;1"  },
        {"h/d/?model-id=first&model-id=second",                       "",         "first"     },
        {"h/d/?model-id=",                                            "",         ""          },
        {"h/d/?model-id",                                             "",         ""          },
        {"h/d/?",                                                     "",         ""          },
        {"h/d/api-version=2016-11-14&DeviceClientType=x",             "",         ""          },
        {"h/d/DeviceClientType=x&api-version=2016-11-14",             "",         ""          },
        {"h/d/model-id=dtmi:a;1&api-version=2020-09-30",              "",         "dtmi:a;1"  },
        {"h/d/m",                                                     "m",        ""          },
        {"h/d/m/",                                                    "m",        ""          },
        {"h/d/m/?api-version=1&auth-chain=e&model-id=x",              "m",        "x"         },
        {"h/d/m/api-version=1&DeviceClientType=x",                    "m",        ""          },
        {"h/d/m/api-version=2017-06-30/DeviceClientType=x",           "m",        ""          },
        {"h/d/$edgeHub/?api-version=1",                               "$edgeHub", ""          },
        {"h/d/x=y/?api-version=1",                                    "x=y",      ""          },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf scratch = {.cap = 1000};
        struct mqtt_user_name name = {0};
        if (!mqtt_user_name_parse(slice_of(rows[i].text), &scratch, &name)) {
            print_error("refused: %s\n", rows[i].text);
            fail();
        }
        assert_slice(name.host, "h");
        assert_slice(name.id.device_id, "d");
        assert_slice(name.id.module_id, rows[i].module_id);
        assert_slice(name.model_id, rows[i].model_id);
        buf_finish(&scratch);
    }
}

static void odd_ids_are_read_whole(void **state)
{
    static const char *const ids[] = {"?", "?a=b", "api-version=1", "a%20b", "$", "a#b", "*"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct buf text = {.cap = 1000};
        struct buf scratch = {.cap = 1000};
        struct mqtt_user_name name = {0};
        buf_putf(&text, "h/%s/?api-version=1", ids[i]);
        assert_true(mqtt_user_name_parse(buf_slice(&text), &scratch, &name));
        assert_slice(name.id.device_id, ids[i]);
        assert_slice(name.id.module_id, "");
        buf_finish(&text);
        buf_finish(&scratch);
    }
}

static void what_names_no_identity_is_refused(void **state)
{
    static const char *const texts[] = {
        "",     "/",     "h",       "h/",           "/d",        "h//",
        "h//m", "h/a b", "h/d/m m", "h/d/\xc3\xa9", "h/d/\"x\"",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct buf scratch = {.cap = 1000};
        struct mqtt_user_name name = {0};
        if (mqtt_user_name_parse(slice_of(texts[i]), &scratch, &name)) {
            print_error("taken: %s\n", texts[i]);
            fail();
        }
        assert_null(name.host.data);
        buf_finish(&scratch);
    }
}

static void ids_that_are_too_long_are_refused(void **state)
{
    char text[LIMIT_ID_CHARS + 4] = "h/";
    struct buf scratch = {.cap = 1000};
    struct mqtt_user_name name = {0};
    (void)state;
    memset(text + 2, 'x', LIMIT_ID_CHARS + 1);
    assert_false(mqtt_user_name_parse(slice_of(text), &scratch, &name));
    text[2 + LIMIT_ID_CHARS] = '\0';
    assert_true(mqtt_user_name_parse(slice_of(text), &scratch, &name));
    assert_int_equal(name.id.device_id.len, LIMIT_ID_CHARS);
    buf_finish(&scratch);
}

static void client_id_is_the_same_identity(void **state)
{
    static const struct {
        const char *client_id;
        const char *device_id;
        const char *module_id;
        bool matches;
    } rows[] = {
        {"d",    "d", "",  true },
        {"d/m",  "d", "m", true },
        {"D",    "d", "",  false},
        {"d/",   "d", "",  false},
        {"d/m",  "d", "",  false},
        {"d",    "d", "m", false},
        {"d/M",  "d", "m", false},
        {"d/m/", "d", "m", false},
        {"/d",   "d", "",  false},
        {"",     "d", "",  false},
        {"m",    "d", "m", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct identity id = {slice_of(rows[i].device_id), slice_of(rows[i].module_id)};
        assert_int_equal(mqtt_client_id_matches(slice_of(rows[i].client_id), id),
                         rows[i].matches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_ends_in_the_same_answers),
        cmocka_unit_test(odd_ids_are_read_whole),
        cmocka_unit_test(what_names_no_identity_is_refused),
        cmocka_unit_test(ids_that_are_too_long_are_refused),
        cmocka_unit_test(client_id_is_the_same_identity),
    };
    return cmocka_run_group_tests_name("gateway.mqtt_user_name", tests, NULL, NULL);
}
