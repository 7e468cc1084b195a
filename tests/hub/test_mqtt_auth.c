/*
 * Who may connect over MQTT: names, tokens, keys, certificates.
 * Source: IoT Hub documentation, "Communicate using MQTT" and "Control access with shared
 * access signatures"; the device SDKs' transports.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/mem.h"
#include "hub/device.h"
#include "hub/service.h"
#include "iothub/sas_token.h"

#define VERSION "?api-version=2021-04-12"

/* A refusal is CONNACK 5 and the end of the connection, whatever the reason. */
static void assert_refused(struct fixture *f, const struct login *login)
{
    struct device *d = device_connect(f, login);
    const char *heard = device_heard(d);
    if (strcmp(heard, "CONNACK 5") != 0) {
        print_error("%s / %s: %s\n", login->client_id == NULL ? login->id : login->client_id,
                    login->user_name == NULL ? "(its own name)" : login->user_name, heard);
    }
    assert_string_equal(heard, "CONNACK 5");
    assert_true(device_is_closed(d));
}

static void assert_accepted(struct fixture *f, const struct login *login)
{
    struct device *d = device_connect(f, login);
    const char *heard = device_heard(d);
    if (strcmp(heard, "CONNACK 0") != 0) {
        print_error("%s: %s\n", login->user_name == NULL ? login->id : login->user_name, heard);
    }
    assert_string_equal(heard, "CONNACK 0");
    assert_false(device_is_closed(d));
    device_leave(d);
}

static void assert_token_refused(struct fixture *f, const char *id, const char *token)
{
    assert_refused(f, &(struct login){.id = id, .password = token, .is_clean = true});
}

static void assert_token_accepted(struct fixture *f, const char *id, const char *token)
{
    assert_accepted(f, &(struct login){.id = id, .password = token, .is_clean = true});
}

/* A token whose resource stands in it as it is given here. */
static const char *raw_token(struct fixture *f, const char *sr, const char *key,
                             const char *tail)
{
    unsigned char hash[32];
    struct buf message = {.cap = BUF_CAP_OWN};
    struct buf signature = {.cap = BUF_CAP_OWN};
    struct buf *out = &f->tokens[f->n_tokens++ % FIXTURE_TOKENS];
    buf_finish(out);
    buf_init(out, BUF_CAP_OWN);
    buf_putf(&message, "%s\n%lld", sr, START_S + 3600);
    assert_true(sas_hmac_sha256(slice_of(key), buf_slice(&message), hash));
    base64_encode(&signature, hash, sizeof(hash));
    buf_putf(out, "SharedAccessSignature sr=%s&sig=", sr);
    percent_encode(out, buf_slice(&signature));
    buf_putf(out, "&se=%lld%s", START_S + 3600, tail);
    buf_finish(&message);
    buf_finish(&signature);
    return buf_text(out);
}

/* ---- names ------------------------------------------------------------------------------ */

static void each_form_of_the_user_name_is_taken(void **state)
{
    static const struct {
        const char *id;
        const char *user_name;
    } rows[] = {
        {"d",   HOST "/d/?api-version=2021-04-12&DeviceClientType=x"                          },
        {"d",   HOST "/d/?api-version=2019-10-01&DeviceClientType=x%2F1&model-id=dtmi%3Aa%3B1"},
        {"d",   HOST "/d/?api-version=2021-04-12&model-id=dtmi:a;1&DeviceClientType=x"        },
        {"d",   HOST "/d/?DeviceClientType=a/b&api-version=2020-09-30"                        },
        {"d",   HOST "/d/api-version=2016-11-14&DeviceClientType=x"                           },
        {"d",   HOST "/d/DeviceClientType=x&api-version=2016-11-14"                           },
        {"d",   HOST "/d/model-id=dtmi:a;1&api-version=2020-09-30"                            },
        {"d",   HOST "/d/" VERSION "&unknown=1&api-version=2016-11-14"                        },
        {"d",   HOST "/d/?api-version=whatever"                                               },
        {"d",   HOST "/d/"                                                                    },
        {"d",   HOST "/d"                                                                     },
        {"d/m", HOST "/d/m/?api-version=2021-04-12&DeviceClientType=x&auth-chain=e%3Bd"       },
        {"d/m", HOST "/d/m/api-version=2017-06-30&DeviceClientType=x"                         },
        {"d/m", HOST "/d/m/api-version=2017-06-30/DeviceClientType=x"                         },
        {"d/m", HOST "/d/m"                                                                   },
        {"d",   "HUB.Test/d/" VERSION                                                         },
        {"d",   HOST ":8883/d/" VERSION                                                       },
    };
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_accepted(f, &(struct login){.id = rows[i].id,
                                           .user_name = rows[i].user_name,
                                           .is_clean = true});
    }
}

static void user_name_that_names_no_identity_is_refused(void **state)
{
    static const char *const names[] = {
        "",
        HOST,
        HOST "/",
        "/d/" VERSION,
        HOST "//" VERSION,
        HOST "d/",
        HOST "/" VERSION,
        HOST "/d x/" VERSION,
        "d",
        HOST "/d/m m/" VERSION,
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_refused(f, &(struct login){.id = "d", .user_name = names[i], .is_clean = true});
    }
}

static void connect_without_user_name_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_open(f, NULL);
    mqtt_put_connect(device_packets(d),
                     &(struct mqtt_connect){.client_id = SLICE("d"), .clean_session = true});
    device_say(d);
    assert_heard(d, "CONNACK 5");
    assert_true(device_is_closed(d));
}

static void client_id_must_be_the_user_names_identity(void **state)
{
    static const struct {
        const char *id;
        const char *client_id;
    } rows[] = {
        {"d",   "e"   },
        {"d",   "D"   },
        {"d",   "d/m" },
        {"d",   "d/"  },
        {"d",   "dd"  },
        {"d/m", "d"   },
        {"d/m", "m"   },
        {"d/m", "d/M" },
        {"d/m", "d/m/"},
        {"d/m", "e/m" },
    };
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    make(f, "d/m");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_refused(f, &(struct login){.id = rows[i].id,
                                          .client_id = rows[i].client_id,
                                          .is_clean = true});
    }
}

static void user_name_of_another_host_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_refused(f, &(struct login){.id = "d", .user_name = "other.test/d/" VERSION});
    assert_refused(f, &(struct login){.id = "d", .user_name = HOST ".evil/d/" VERSION});
}

static void unknown_device_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_refused(f, &(struct login){.id = "e"});
    assert_refused(f, &(struct login){.id = "D"});
}

static void unknown_module_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "e");
    make(f, "e/m");
    assert_refused(f, &(struct login){.id = "d/m"});
    assert_refused(f, &(struct login){.id = "x/m"});
}

static void ids_with_every_allowed_character_connect(void **state)
{
    static const char *const ids[] = {
        "a#b", "A-1:2.3+4%5_6", "a'b(c)d", "x*y?z!", "p,q=r@s;t$u", "%41%2F",
        "?",   "a#b/m%20",      "$d/m+1",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct identity id = id_of(ids[i]);
        char *device = slice_dup(id.device_id);
        if (!identity_is_module(id) || strcmp(device, "a#b") != 0) {
            make(f, device);
        }
        if (identity_is_module(id)) {
            make(f, ids[i]);
        }
        assert_accepted(f, &(struct login){.id = ids[i], .is_clean = true});
        free(device);
    }
}

/* ---- keys and tokens -------------------------------------------------------------------- */

static void both_keys_of_an_identity_open(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    assert_accepted(f, &(struct login){.id = "d", .key = KEY_FIRST});
    assert_accepted(f, &(struct login){.id = "d", .key = KEY_SECOND, .is_clean = true});
    assert_accepted(f, &(struct login){.id = "d/m", .key = KEY_SECOND});
}

static void wrong_key_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    assert_refused(f, &(struct login){.id = "d", .key = KEY_OTHER});
    assert_refused(f, &(struct login){.id = "d/m", .key = KEY_OTHER});
}

static void device_key_does_not_open_its_modules(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    rest_done(f, 200, "PUT", "/devices/d/modules/m",
              "{'authentication':{'symmetricKey':{'primaryKey':'" KEY_OTHER
              "','secondaryKey':'" KEY_OTHER "'}}}");
    assert_refused(f, &(struct login){.id = "d/m", .key = KEY_FIRST});
    assert_token_refused(f, "d/m", token_of(f, "d", "", KEY_FIRST));
    assert_accepted(f, &(struct login){.id = "d/m", .key = KEY_OTHER});
}

/* Source: azure-iot-sdk-csharp, provisioning end-to-end tests. */
static void device_key_opens_the_system_modules_of_an_edge_device(void **state)
{
    struct fixture *f = *state;
    rest_done(f, 200, "PUT", "/devices/edge",
              "{'capabilities':{'iotEdge':true},'authentication':{'symmetricKey':{'primaryKey':"
              "'" KEY_FIRST "','secondaryKey':'" KEY_SECOND "'}}}");
    assert_accepted(f, &(struct login){.id = "edge/$edgeHub", .key = KEY_FIRST});
    assert_accepted(f, &(struct login){.id = "edge/$edgeAgent", .key = KEY_SECOND});
    assert_refused(f, &(struct login){.id = "edge/$edgeHub", .key = KEY_OTHER});
}

static void token_of_another_device_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "dd");
    assert_token_refused(f, "d", token_of(f, "dd", "", KEY_FIRST));
    assert_token_refused(f, "dd", token_of(f, "d", "", KEY_FIRST));
}

static void token_of_a_module_does_not_open_its_device(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    assert_token_refused(f, "d", token_of(f, "d", "m", KEY_FIRST));
}

static void own_token_must_name_its_device(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_token_refused(f, "d", token_for(f, HOST, KEY_FIRST, "", 3600));
    assert_token_refused(f, "d", token_for(f, HOST "/devices", KEY_FIRST, "", 3600));
    assert_token_refused(f, "d", token_for(f, "other.test/devices/d", KEY_FIRST, "", 3600));
    assert_token_refused(f, "d", token_for(f, HOST "/twins/d", KEY_FIRST, "", 3600));
}

static void clocks_may_differ_by_five_minutes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_token_accepted(f, "d", token_for(f, HOST "/devices/d", KEY_FIRST, "", -299));
    assert_token_refused(f, "d", token_for(f, HOST "/devices/d", KEY_FIRST, "", -300));
    assert_token_refused(f, "d", token_for(f, HOST "/devices/d", KEY_FIRST, "", -301));
}

static void token_may_be_valid_for_ages(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d =
        device_connect(f, &(struct login){.id = "d",
                                          .password = token_for(f, HOST "/devices/d", KEY_FIRST,
                                                                "", 200000000000)});
    assert_heard(d, "CONNACK 0");
    fixture_pass(f, 20 * MINUTE_MS);
    assert_false(device_is_closed(d));
}

/* The C SDK writes the resource unencoded and an empty policy name; .NET encodes in lower case.
 */
static void resource_is_signed_as_it_stands(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_token_accepted(f, "d", raw_token(f, HOST "/devices/d", KEY_FIRST, "&skn="));
    assert_token_accepted(f, "d", raw_token(f, "hub.test%2fdevices%2fd", KEY_FIRST, ""));
    assert_token_accepted(f, "d", raw_token(f, "hub.test%2Fdevices%2Fd", KEY_FIRST, ""));
}

static void resource_may_carry_scheme_case_and_suffix(void **state)
{
    static const char *const resources[] = {
        "amqps://" HOST "/devices/d", "https://" HOST "/devices/d/",
        "HUB.TEST/devices/d",         HOST "/Devices/d",
        HOST ":8883/devices/d",       HOST "/devices/d/api-version=2016-11-14",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        assert_token_accepted(f, "d", token_for(f, resources[i], KEY_FIRST, "", 3600));
    }
}

/* The documentation wants lower-case resources, the SDKs keep the id's case. */
static void resource_may_be_in_lower_case(void **state)
{
    struct fixture *f = *state;
    make(f, "Device");
    make(f, "Device/Module");
    assert_token_accepted(f, "Device", token_of(f, "device", "", KEY_FIRST));
    assert_token_accepted(f, "Device/Module", token_of(f, "device", "module", KEY_FIRST));
}

static void id_in_the_resource_may_be_encoded_twice(void **state)
{
    struct fixture *f = *state;
    make(f, "a#b");
    make(f, "a#b/m=1");
    assert_token_accepted(f, "a#b", token_of(f, "a%23b", "", KEY_FIRST));
    assert_token_accepted(f, "a#b/m=1", token_of(f, "a%23b", "m%3D1", KEY_FIRST));
    assert_token_refused(f, "a#b", token_of(f, "a%24b", "", KEY_FIRST));
}

static void what_is_no_token_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_token_refused(f, "d", "secret");
    assert_token_refused(f, "d", KEY_FIRST);
    assert_token_refused(f, "d", "SharedAccessSignature sr=hub.test%2Fdevices%2Fd&sig=x");
    assert_token_refused(f, "d", "");
}

static void policy_with_device_connect_opens_every_device(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    assert_token_accepted(f, "d", token_for(f, HOST, KEY_DEVICE_POLICY, "device", 3600));
    assert_token_accepted(f, "d/m", token_for(f, HOST, KEY_DEVICE_POLICY, "device", 3600));
    assert_token_accepted(f, "d", token_for(f, HOST, KEY_OWNER, "iothubowner", 3600));
    assert_token_accepted(f, "d", token_for(f, HOST, KEY_OWNER_SECOND, "iothubowner", 3600));
}

static void policy_without_device_connect_opens_no_device(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_token_refused(f, "d", token_for(f, HOST, KEY_SERVICE, "service", 3600));
    assert_token_refused(f, "d", token_for(f, HOST, KEY_READ, "registryRead", 3600));
    assert_token_refused(f, "d", token_for(f, HOST, KEY_READ_WRITE, "registryReadWrite", 3600));
}

static void policy_must_exist_and_have_the_key(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_token_refused(f, "d", token_for(f, HOST, KEY_DEVICE_POLICY, "devices", 3600));
    assert_token_refused(f, "d", token_for(f, HOST, KEY_DEVICE_POLICY, "iothubowner", 3600));
    assert_token_refused(f, "d", token_for(f, HOST, KEY_FIRST, "device", 3600));
}

static void policy_does_not_open_a_device_that_is_not_there(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_token_refused(f, "e", token_for(f, HOST, KEY_DEVICE_POLICY, "device", 3600));
}

static void policy_tokens_scope_is_a_prefix_by_segments(void **state)
{
    struct fixture *f = *state;
    const char *key = KEY_DEVICE_POLICY;
    make(f, "d");
    make(f, "dd");
    make(f, "d/m");
    assert_token_accepted(f, "d", token_for(f, HOST "/devices", key, "device", 3600));
    assert_token_accepted(f, "d", token_for(f, HOST "/devices/d", key, "device", 3600));
    assert_token_accepted(f, "d/m", token_for(f, HOST "/devices/d", key, "device", 3600));
    assert_token_refused(f, "dd", token_for(f, HOST "/devices/d", key, "device", 3600));
    assert_token_refused(f, "d",
                         token_for(f, HOST "/devices/d/modules/m", key, "device", 3600));
    assert_token_refused(f, "d", token_for(f, HOST "/device", key, "device", 3600));
}

/* ---- state ------------------------------------------------------------------------------ */

static void disabled_device_and_its_modules_are_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    json_decref(ask_json(f, 200,
                         &(struct ask){
                             .method = "PUT",
                             .path = "/devices/d",
                             .if_match = "*",
                             .body = "{\"status\":\"disabled\",\"authentication\":{"
                                     "\"symmetricKey\":{\"primaryKey\":\"" KEY_FIRST
                                     "\",\"secondaryKey\":\"" KEY_SECOND "\"}}}",
                         }));
    assert_refused(f, &(struct login){.id = "d"});
    assert_refused(f, &(struct login){.id = "d/m"});
    assert_token_refused(f, "d", token_for(f, HOST, KEY_DEVICE_POLICY, "device", 3600));
}

static void refused_connection_is_not_served(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_open(f, NULL);
    mqtt_put_connect(device_packets(d), &(struct mqtt_connect){.client_id = SLICE("d"),
                                                               .has_user_name = true,
                                                               .user_name = SLICE(HOST "/d"),
                                                               .clean_session = true});
    device_publish(d, "devices/d/messages/events/", "x", 1);
    assert_heard(d, "CONNACK 5");
    assert_no_event(f);
}

static void packets_right_behind_connect_are_served(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    struct device *d = device_open(f, NULL);
    struct mqtt_filter filter = {.topic = SLICE(METHODS), .qos = 1};
    mqtt_put_connect(
        device_packets(d),
        &(struct mqtt_connect){.client_id = SLICE("d"),
                               .has_user_name = true,
                               .user_name = SLICE(HOST "/d"),
                               .has_password = true,
                               .password = slice_of(token_of(f, "d", "", KEY_FIRST)),
                               .clean_session = true});
    mqtt_put_subscribe(device_packets(d), 9, &filter, 1);
    device_publish(d, "devices/d/messages/events/", "x", 1);
    assert_heard(d, "CONNACK 0; SUBACK id 9 0x01; PUBACK id 1");
    assert_true(next_event(f, &event));
}

/* ---- certificates ----------------------------------------------------------------------- */

#define SHA1_A   "0123456789ABCDEF0123456789ABCDEF01234567"
#define SHA1_B   "1111111111111111111111111111111111111111"
#define SHA256_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void make_self_signed(struct fixture *f, const char *first, const char *second)
{
    char body[400];
    (void)snprintf(body, sizeof(body),
                   "{'authentication':{'type':'selfSigned','x509Thumbprint':{"
                   "'primaryThumbprint':'%s','secondaryThumbprint':'%s'}}}",
                   first, second);
    rest_done(f, 200, "PUT", "/devices/x", body);
}

static void registered_thumbprint_opens(void **state)
{
    struct fixture *f = *state;
    make_self_signed(f, SHA1_A, SHA256_A);
    assert_accepted(f, &(struct login){.id = "x", .password = "", .thumbprint = SHA1_A});
    assert_accepted(f,
                    &(struct login){.id = "x",
                                    .password = "",
                                    .is_clean = true,
                                    .thumbprint = "0123456789abcdef0123456789abcdef01234567"});
    assert_accepted(
        f,
        &(struct login){.id = "x", .password = "", .is_clean = true, .thumbprint = SHA256_A});
}

static void other_certificate_or_none_is_refused(void **state)
{
    struct fixture *f = *state;
    make_self_signed(f, SHA1_A, "");
    assert_refused(f, &(struct login){.id = "x", .password = "", .thumbprint = SHA1_B});
    assert_refused(f, &(struct login){.id = "x", .password = "", .thumbprint = SHA256_A});
    assert_refused(f, &(struct login){.id = "x", .password = ""});
}

static void self_signed_device_without_thumbprints_opens_for_nobody(void **state)
{
    struct fixture *f = *state;
    rest_done(f, 200, "PUT", "/devices/x", "{'authentication':{'type':'selfSigned'}}");
    assert_refused(f, &(struct login){.id = "x", .password = "", .thumbprint = SHA1_B});
    assert_refused(f, &(struct login){.id = "x", .password = ""});
}

static void token_does_not_open_a_self_signed_device(void **state)
{
    struct fixture *f = *state;
    make_self_signed(f, SHA1_A, "");
    assert_refused(f, &(struct login){.id = "x"});
    /* A password decides, whatever certificate is there. */
    assert_refused(f, &(struct login){.id = "x", .thumbprint = SHA1_A});
}

static void certificate_does_not_open_a_sas_device(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_refused(f, &(struct login){.id = "d", .password = "", .thumbprint = SHA1_A});
    assert_accepted(f, &(struct login){.id = "d", .thumbprint = SHA1_A});
}

/* ---- the end of a token ----------------------------------------------------------------- */

static void connection_outlives_its_token_by_ten_minutes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_connect(
        f, &(struct login){.id = "d",
                           .password = token_for(f, HOST "/devices/d", KEY_FIRST, "", 100)});
    assert_heard(d, "CONNACK 0");
    fixture_pass(f, 100 * SECOND_MS + HUB_TOKEN_GRACE_MS - 1);
    assert_false(device_is_closed(d));
    fixture_pass(f, 1);
    assert_true(device_is_closed(d));
    assert_heard(d, "");
    json_t *identity = get_identity(f, "d");
    assert_string_equal(text_below(identity, "connectionState"), "Disconnected");
    json_decref(identity);
}

/* Else a client that was closed would come back with the same token, again and again. */
static void token_is_no_longer_good_for_a_connection_than_the_grace(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    f->hub->token_grace_ms = 2 * SECOND_MS;
    const struct login login = {.id = "d",
                                .password = token_for(f, HOST "/devices/d", KEY_FIRST, NULL, 5),
                                .is_clean = true};
    struct device *d = device_connect(f, &login);
    assert_heard(d, "CONNACK 0");
    fixture_pass(f, 7 * SECOND_MS - 1);
    assert_false(device_is_closed(d));
    fixture_pass(f, 1);
    assert_true(device_is_closed(d));
    d = device_connect(f, &login);
    assert_heard(d, "CONNACK 5");
}

static void lapsed_token_still_gives_the_rest_of_the_grace(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_connect(
        f, &(struct login){.id = "d",
                           .password = token_for(f, HOST "/devices/d", KEY_FIRST, "", -200)});
    fixture_pass(f, HUB_TOKEN_GRACE_MS - 200 * SECOND_MS - 1);
    assert_false(device_is_closed(d));
    fixture_pass(f, 1);
    assert_true(device_is_closed(d));
}

static void token_that_ended_does_not_end_the_next_connection(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *first = device_connect(
        f, &(struct login){.id = "d",
                           .password = token_for(f, HOST "/devices/d", KEY_FIRST, "", 100)});
    struct device *second = device_online(f, "d");
    assert_true(device_is_closed(first));
    fixture_pass(f, 100 * SECOND_MS + HUB_TOKEN_GRACE_MS);
    assert_false(device_is_closed(second));
}

static void certificate_does_not_lapse(void **state)
{
    struct fixture *f = *state;
    make_self_signed(f, SHA1_A, "");
    struct device *d = device_connect(
        f,
        &(struct login){.id = "x", .password = "", .thumbprint = SHA1_A, .keep_alive_s = 60});
    for (int i = 0; i < 200; i++) {
        fixture_pass(f, MINUTE_MS);
        device_ping(d);
    }
    assert_false(device_is_closed(d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(each_form_of_the_user_name_is_taken),
        HUB_TEST(user_name_that_names_no_identity_is_refused),
        HUB_TEST(connect_without_user_name_is_refused),
        HUB_TEST(client_id_must_be_the_user_names_identity),
        HUB_TEST(user_name_of_another_host_is_refused),
        HUB_TEST(unknown_device_is_refused),
        HUB_TEST(unknown_module_is_refused),
        HUB_TEST(ids_with_every_allowed_character_connect),
        HUB_TEST(both_keys_of_an_identity_open),
        HUB_TEST(wrong_key_is_refused),
        HUB_TEST(device_key_does_not_open_its_modules),
        HUB_TEST(device_key_opens_the_system_modules_of_an_edge_device),
        HUB_TEST(token_of_another_device_is_refused),
        HUB_TEST(token_of_a_module_does_not_open_its_device),
        HUB_TEST(own_token_must_name_its_device),
        HUB_TEST(clocks_may_differ_by_five_minutes),
        HUB_TEST(token_may_be_valid_for_ages),
        HUB_TEST(resource_is_signed_as_it_stands),
        HUB_TEST(resource_may_carry_scheme_case_and_suffix),
        HUB_TEST(resource_may_be_in_lower_case),
        HUB_TEST(id_in_the_resource_may_be_encoded_twice),
        HUB_TEST(what_is_no_token_is_refused),
        HUB_TEST(policy_with_device_connect_opens_every_device),
        HUB_TEST(policy_without_device_connect_opens_no_device),
        HUB_TEST(policy_must_exist_and_have_the_key),
        HUB_TEST(policy_does_not_open_a_device_that_is_not_there),
        HUB_TEST(policy_tokens_scope_is_a_prefix_by_segments),
        HUB_TEST(disabled_device_and_its_modules_are_refused),
        HUB_TEST(refused_connection_is_not_served),
        HUB_TEST(packets_right_behind_connect_are_served),
        HUB_TEST(registered_thumbprint_opens),
        HUB_TEST(other_certificate_or_none_is_refused),
        HUB_TEST(self_signed_device_without_thumbprints_opens_for_nobody),
        HUB_TEST(token_does_not_open_a_self_signed_device),
        HUB_TEST(certificate_does_not_open_a_sas_device),
        HUB_TEST(connection_outlives_its_token_by_ten_minutes),
        HUB_TEST(token_is_no_longer_good_for_a_connection_than_the_grace),
        HUB_TEST(lapsed_token_still_gives_the_rest_of_the_grace),
        HUB_TEST(token_that_ended_does_not_end_the_next_connection),
        HUB_TEST(certificate_does_not_lapse),
    };
    return cmocka_run_group_tests_name("hub.mqtt_auth", tests, NULL, NULL);
}
