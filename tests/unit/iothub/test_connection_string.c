/*
 * connection_string: every form, every refusal, and no key in any error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "iothub/connection_string.h"

#define KEY    "c2VjcmV0LXNlY3JldA=="
#define TOKEN  "SharedAccessSignature sr=h%2Fdevices%2Fd&sig=c2VjcmV0&se=1700000000"
#define DEVICE "HostName=hub.example.com;DeviceId=d-1;"
#define MODULE "HostName=hub.example.com;DeviceId=d-1;ModuleId=m-1;"

/* What a string is made of; NULL when absent. */
struct parts {
    const char *host_name;
    const char *device_id;
    const char *module_id;
    const char *shared_access_key_name;
    const char *shared_access_key;
    const char *shared_access_signature;
    const char *gateway_host_name;
    bool is_x509;
};

static const struct {
    enum connection_string_kind kind;
    const char *text;
    struct parts parts;
} forms[] = {
    {CONNECTION_STRING_SERVICE,
     "HostName=hub.example.com;SharedAccessKeyName=iothubowner;SharedAccessKey=" KEY,
     {.host_name = "hub.example.com",
      .shared_access_key_name = "iothubowner",
      .shared_access_key = KEY}                                                            },
    {CONNECTION_STRING_SERVICE,
     "HostName=hub.example.com;SharedAccessKeyName=a_b-c@d.e;SharedAccessSignature=" TOKEN,
     {.host_name = "hub.example.com",
      .shared_access_key_name = "a_b-c@d.e",
      .shared_access_signature = TOKEN}                                                    },
    {CONNECTION_STRING_SERVICE,
     "HostName=localhost;SharedAccessKeyName=p;SharedAccessKey=" KEY,
     {.host_name = "localhost", .shared_access_key_name = "p", .shared_access_key = KEY}   },
    {CONNECTION_STRING_DEVICE,
     DEVICE "SharedAccessKey=" KEY,
     {.host_name = "hub.example.com", .device_id = "d-1", .shared_access_key = KEY}        },
    {CONNECTION_STRING_DEVICE,
     DEVICE "SharedAccessSignature=" TOKEN,
     {.host_name = "hub.example.com", .device_id = "d-1", .shared_access_signature = TOKEN}},
    {CONNECTION_STRING_DEVICE,
     DEVICE "x509=true",
     {.host_name = "hub.example.com", .device_id = "d-1", .is_x509 = true}                 },
    {CONNECTION_STRING_DEVICE,
     DEVICE "SharedAccessKey=" KEY ";GatewayHostName=edge_1",
     {.host_name = "hub.example.com",
      .device_id = "d-1",
      .shared_access_key = KEY,
      .gateway_host_name = "edge_1"}                                                       },
    {CONNECTION_STRING_DEVICE,
     DEVICE "SharedAccessKeyName=device;SharedAccessKey=" KEY,
     {.host_name = "hub.example.com",
      .device_id = "d-1",
      .shared_access_key_name = "device",
      .shared_access_key = KEY}                                                            },
    {CONNECTION_STRING_DEVICE,
     MODULE "SharedAccessKey=" KEY,
     {.host_name = "hub.example.com",
      .device_id = "d-1",
      .module_id = "m-1",
      .shared_access_key = KEY}                                                            },
    {CONNECTION_STRING_DEVICE,
     MODULE "x509=true;GatewayHostName=edge",
     {.host_name = "hub.example.com",
      .device_id = "d-1",
      .module_id = "m-1",
      .is_x509 = true,
      .gateway_host_name = "edge"}                                                         },
};

static void check_text(const char *got, const char *wanted)
{
    if (wanted == NULL) {
        assert_null(got);
        return;
    }
    assert_non_null(got);
    assert_string_equal(got, wanted);
}

static void check_parts(const struct connection_string *got, const struct parts *wanted)
{
    check_text(got->host_name, wanted->host_name);
    check_text(got->device_id, wanted->device_id);
    check_text(got->module_id, wanted->module_id);
    check_text(got->shared_access_key_name, wanted->shared_access_key_name);
    check_text(got->shared_access_key, wanted->shared_access_key);
    check_text(got->shared_access_signature, wanted->shared_access_signature);
    check_text(got->gateway_host_name, wanted->gateway_host_name);
    assert_int_equal(got->is_x509, wanted->is_x509);
}

/* Parse what must parse; the caller finishes it. */
static struct connection_string parse(const char *text, enum connection_string_kind kind)
{
    struct connection_string cs = {0};
    struct buf error;

    buf_init(&error, 1000);
    if (!connection_string_parse(slice_of(text), kind, &error, &cs)) {
        fail_msg("\"%s\" is refused: %s", text, buf_text(&error));
    }
    assert_string_equal(buf_text(&error), "");
    buf_finish(&error);
    return cs;
}

static void every_form_is_accepted_and_written_back(void **state)
{
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct connection_string cs = parse(forms[i].text, forms[i].kind);
        struct buf text;
        check_parts(&cs, &forms[i].parts);
        buf_init(&text, 1000);
        connection_string_write(&text, &cs);
        assert_string_equal(buf_text(&text), forms[i].text);
        buf_finish(&text);
        connection_string_finish(&cs);
        assert_null(cs.host_name);
    }
}

static void order_and_case_of_names_do_not_matter(void **state)
{
    (void)state;
    struct connection_string cs =
        parse("sharedaccesskey=" KEY ";DEVICEID=D;hostName=H", CONNECTION_STRING_DEVICE);
    struct buf text;

    buf_init(&text, 1000);
    connection_string_write(&text, &cs);
    assert_string_equal(buf_text(&text), "HostName=H;DeviceId=D;SharedAccessKey=" KEY);
    buf_finish(&text);
    connection_string_finish(&cs);
}

static void white_space_around_the_string_is_dropped(void **state)
{
    (void)state;
    struct connection_string cs =
        parse(" \t\r\n" DEVICE "SharedAccessKey=" KEY "\n", CONNECTION_STRING_DEVICE);

    assert_string_equal(cs.host_name, "hub.example.com");
    assert_string_equal(cs.shared_access_key, KEY);
    connection_string_finish(&cs);
}

static void a_value_may_hold_the_equals_sign(void **state)
{
    (void)state;
    struct connection_string cs =
        parse("HostName=h;DeviceId=a=b;SharedAccessKey=" KEY, CONNECTION_STRING_DEVICE);

    assert_string_equal(cs.device_id, "a=b");
    assert_string_equal(cs.shared_access_key, KEY);
    connection_string_finish(&cs);
}

static void x509_false_is_no_credential(void **state)
{
    (void)state;
    struct connection_string cs =
        parse(DEVICE "SharedAccessKey=" KEY ";X509=False", CONNECTION_STRING_DEVICE);

    assert_false(cs.is_x509);
    connection_string_finish(&cs);
}

/* `hint` must stand in the error, so that a refusal for another reason is noticed. */
struct refusal {
    const char *text;
    const char *hint;
};

static void check_refusals(const struct refusal *cases, size_t n,
                           enum connection_string_kind kind)
{
    for (size_t i = 0; i < n; i++) {
        struct connection_string cs = {.is_x509 = true};
        struct buf error;
        buf_init(&error, 1000);
        if (connection_string_parse(slice_of(cases[i].text), kind, &error, &cs)) {
            fail_msg("accepted: %s", cases[i].text);
        }
        if (strstr(buf_text(&error), cases[i].hint) == NULL) {
            fail_msg("\"%s\": \"%s\" lacks \"%s\"", cases[i].text, buf_text(&error),
                     cases[i].hint);
        }
        assert_null(strstr(buf_text(&error), "c2Vj"));
        /* Nothing was written. */
        assert_true(cs.is_x509);
        assert_null(cs.host_name);
        assert_false(connection_string_parse(slice_of(cases[i].text), kind, NULL, &cs));
        buf_finish(&error);
    }
}

static void malformed_strings_are_refused_without_naming_a_key(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"",                                                                "empty"                 },
        {"  \n",                                                            "empty"                 },
        {"nonsense",                                                        "part 1 has no"         },
        {DEVICE "SharedAccessKey=" KEY ";",                                 "ends in ';'"           },
        {DEVICE "SharedAccessKey=" KEY ";tail",                             "part 4 has no"         },
        {"HostName=h;;DeviceId=d;SharedAccessKey=" KEY,                     "part 2 has no"         },
        {";HostName=h;DeviceId=d;SharedAccessKey=" KEY,                     "part 1 has no"         },
        {DEVICE "SharedAccessKey=" KEY ";Colour=red",                       "part 4 has an"         },
        {DEVICE " SharedAccessKey=" KEY,                                    "part 3 has an"         },
 /* The key without its name in front: its padding is taken for '='. */
        {DEVICE KEY,                                                        "part 3 has an"         },
        {DEVICE "=" KEY,                                                    "part 3 has an"         },
        {DEVICE "DeviceId=d;SharedAccessKey=" KEY,                          "DeviceId stands"       },
        {DEVICE "hostname=h;SharedAccessKey=" KEY,                          "HostName stands"       },
        {DEVICE "SharedAccessKey=" KEY ";SharedAccessKey=" KEY,             "SharedAccessKey stands"},
        {DEVICE "x509=true;x509=true",                                      "x509 stands"           },
        {DEVICE "x509=false;x509=true",                                     "x509 stands"           },
        {DEVICE "x509=yes",                                                 "x509 must"             },
        {DEVICE "x509=",                                                    "x509 must"             },
        {"HostName=;DeviceId=d;SharedAccessKey=" KEY,                       "HostName is"           },
        {"HostName=h;DeviceId=;SharedAccessKey=" KEY,                       "DeviceId is"           },
        {DEVICE "ModuleId=;SharedAccessKey=" KEY,                           "ModuleId is"           },
        {DEVICE "SharedAccessKey=",                                         "Key is empty"          },
        {DEVICE "SharedAccessSignature=",                                   "is empty"              },
        {DEVICE "GatewayHostName=;SharedAccessKey=" KEY,                    "is empty"              },
        {"HostName=h:8883;DeviceId=d;SharedAccessKey=" KEY,                 "HostName must"         },
        {"HostName=https://h;DeviceId=d;SharedAccessKey=" KEY,              "HostName must"         },
        {"HostName=h h;DeviceId=d;SharedAccessKey=" KEY,                    "HostName must"         },
        {DEVICE "GatewayHostName=e:1;SharedAccessKey=" KEY,                 "HostName must"         },
        {"HostName=h;DeviceId=d d;SharedAccessKey=" KEY,                    "DeviceId must"         },
        {"HostName=h;DeviceId=d/e;SharedAccessKey=" KEY,                    "DeviceId must"         },
        {DEVICE "ModuleId=m/n;SharedAccessKey=" KEY,                        "ModuleId must"         },
        {DEVICE "SharedAccessKey=c2VjcmV0LXNlY3JldA=",                      "Key must"              },
        {DEVICE "SharedAccessKey=c2VjcmV0 c2VjcmV0",                        "Key must"              },
        {DEVICE "SharedAccessKeyName=a b;SharedAccessKey=" KEY,             "KeyName must"          },
        {DEVICE "SharedAccessSignature=c2VjcmV0",                           "Signature must"        },
        {DEVICE "SharedAccessSignature=SharedAccessSignature sig=c2VjcmV0", "Signature must"        },
    };

    check_refusals(cases, ARRAY_LEN(cases), CONNECTION_STRING_DEVICE);
}

static void a_device_string_needs_its_parts_and_one_credential(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"DeviceId=d;SharedAccessKey=" KEY,                             "HostName is missing"},
        {"HostName=h;SharedAccessKey=" KEY,                             "DeviceId is missing"},
        {"HostName=h;ModuleId=m;SharedAccessKey=" KEY,                  "DeviceId is missing"},
        {"HostName=h;SharedAccessKeyName=p;SharedAccessKey=" KEY,       "DeviceId is missing"},
        {"HostName=h;DeviceId=d",                                       "exactly one of"     },
        {"HostName=h;DeviceId=d;x509=false",                            "exactly one of"     },
        {DEVICE "SharedAccessKey=" KEY ";x509=true",                    "exactly one of"     },
        {DEVICE "SharedAccessKey=" KEY ";SharedAccessSignature=" TOKEN, "exactly one of"     },
        {DEVICE "SharedAccessSignature=" TOKEN ";x509=true",            "exactly one of"     },
        {DEVICE "SharedAccessKeyName=p;x509=true",                      "does not go with"   },
    };

    check_refusals(cases, ARRAY_LEN(cases), CONNECTION_STRING_DEVICE);
}

static void a_service_string_needs_a_policy_and_no_device(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"SharedAccessKeyName=p;SharedAccessKey=" KEY,                                 "HostName is missing"           },
        {"HostName=h;SharedAccessKey=" KEY,                                            "SharedAccessKeyName is missing"},
        {"HostName=h;SharedAccessKeyName=p",                                           "exactly one of"                },
        {"HostName=h;SharedAccessKeyName=p;SharedAccessKey=" KEY
         ";SharedAccessSignature=" TOKEN,
         "exactly one of"                                                                                              },
        {DEVICE "SharedAccessKey=" KEY,                                                "a service's is wanted"         },
        {DEVICE "SharedAccessKeyName=p;SharedAccessKey=" KEY,                          "a service's is wanted"         },
        {"HostName=h;ModuleId=m;SharedAccessKeyName=p;SharedAccessKey=" KEY,
         "a service's is wanted"                                                                                       },
        {"HostName=h;SharedAccessKeyName=p;x509=true",                                 "a service's is wanted"         },
        {"HostName=h;SharedAccessKeyName=p;SharedAccessKey=" KEY ";GatewayHostName=e",
         "a service's is wanted"                                                                                       },
    };

    check_refusals(cases, ARRAY_LEN(cases), CONNECTION_STRING_SERVICE);
}

/* The form of `before`, `n` characters and `after`. */
static char *padded(const char *before, size_t n, const char *after)
{
    struct buf text;

    buf_init(&text, 100000);
    buf_put_text(&text, before);
    for (size_t i = 0; i < n; i++) {
        buf_put_char(&text, 'A');
    }
    buf_put_text(&text, after);
    return buf_take_text(&text);
}

static void each_value_has_its_longest_length(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        size_t longest;
        size_t too_long;
        const char *after;
    } cases[] = {
        {"HostName=",                   255, 256, ";DeviceId=d;SharedAccessKey=" KEY},
        {"HostName=h;DeviceId=",        128, 129, ";SharedAccessKey=" KEY           },
        {DEVICE "ModuleId=",            128, 129, ";SharedAccessKey=" KEY           },
        {DEVICE "SharedAccessKeyName=", 256, 257, ";SharedAccessKey=" KEY           },
        {DEVICE "SharedAccessKey=",     256, 260, ""                                },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *fits = padded(cases[i].before, cases[i].longest, cases[i].after);
        char *tops = padded(cases[i].before, cases[i].too_long, cases[i].after);
        struct connection_string cs = parse(fits, CONNECTION_STRING_DEVICE);
        connection_string_finish(&cs);
        assert_false(
            connection_string_parse(slice_of(tops), CONNECTION_STRING_DEVICE, NULL, &cs));
        free(fits);
        free(tops);
    }
}

/* Its values become texts that a NUL would end early. */
static void a_nul_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    struct connection_string cs = {0};
    struct buf error = {.cap = BUF_CAP_OWN};
    const struct slice text =
        SLICE("HostName=h;SharedAccessKeyName=p;"
              "SharedAccessSignature=SharedAccessSignature sr=a\0&sig=b&se=1");

    assert_false(connection_string_parse(text, CONNECTION_STRING_SERVICE, &error, &cs));
    assert_string_equal(buf_text(&error), "the connection string holds a NUL");
    buf_finish(&error);
}

static void a_very_long_text_is_refused_at_once(void **state)
{
    (void)state;
    struct connection_string cs;
    struct buf error;
    char *text = padded("HostName=", 50000, "");

    buf_init(&error, 1000);
    assert_false(
        connection_string_parse(slice_of(text), CONNECTION_STRING_DEVICE, &error, &cs));
    assert_string_equal(buf_text(&error), "the connection string is too long");
    buf_finish(&error);
    free(text);
}

static void finishing_nothing_is_allowed(void **state)
{
    (void)state;
    struct connection_string cs = {0};

    connection_string_finish(NULL);
    connection_string_finish(&cs);
    connection_string_finish(&cs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_accepted_and_written_back),
        cmocka_unit_test(order_and_case_of_names_do_not_matter),
        cmocka_unit_test(white_space_around_the_string_is_dropped),
        cmocka_unit_test(a_value_may_hold_the_equals_sign),
        cmocka_unit_test(x509_false_is_no_credential),
        cmocka_unit_test(malformed_strings_are_refused_without_naming_a_key),
        cmocka_unit_test(a_device_string_needs_its_parts_and_one_credential),
        cmocka_unit_test(a_service_string_needs_a_policy_and_no_device),
        cmocka_unit_test(each_value_has_its_longest_length),
        cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
        cmocka_unit_test(a_very_long_text_is_refused_at_once),
        cmocka_unit_test(finishing_nothing_is_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
