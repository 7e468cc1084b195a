/*
 * Telemetry over HTTP, single and in batches.
 * Source: IoT Hub REST, "Device - Send Device Event"; the device SDKs' HTTP transports.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/mem.h"
#include "hub/mail.h"

#define BATCH "Content-Type: application/vnd.microsoft.iothub.json"

/* A batch in JSON with ' for ". */
static struct mail batch_of(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '\'') {
            *c = '"';
        }
    }
    return (struct mail){.headers = {BATCH}, .body = slice_of(text)};
}

#define BATCH_OF(text) batch_of((char[]){text})

/* ---- telemetry -----------------------------------------------------------------------------
 */

static void telemetry_is_put_into_the_log(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    say(f, (struct mail){.body = SLICE("{\"t\":21.5}")});
    assert_true(next_event(f, &event));
    assert_slice(event.from.device_id, "d");
    assert_slice(event.from.module_id, "");
    assert_slice(event.source, "Telemetry");
    assert_slice(event.properties, "");
    assert_slice(event.body, "{\"t\":21.5}");
    assert_int_equal(event.enqueued_ms, START_MS);
    assert_no_event(f);
}

static void headers_are_properties(void **state)
{
    struct fixture *f = *state;
    struct mail m = {.body = SLICE("x")};
    static const char *const headers[] = {
        "IoTHub-MessageId: m",
        "iothub-correlationid: c",
        "iothub-userid: u",
        "iothub-to: /devices/d/messages/events",
        "iothub-contenttype: application/json",
        "iothub-contentencoding: utf-8",
        "iothub-creationtimeutc: 2026-03-02T11:59:59Z",
        "Content-Type: application/octet-stream",
        "IoTHub-App-Zeta: 1",
        "iothub-operation: d2c",
        "iothub-app-alpha: a b",
    };
    memcpy(m.headers, headers, sizeof(headers));
    make(f, "d");
    say(f, m);
    assert_event(f,
                 "%24.mid=m&%24.cid=c&%24.uid=u&%24.to=%2Fdevices%2Fd%2Fmessages%2Fevents"
                 "&%24.ct=application%2Fjson&%24.ce=utf-8&%24.ctime=2026-03-02T11%3A59%3A59Z"
                 "&Zeta=1&alpha=a%20b",
                 "x");
}

static void component_and_schema_are_properties_too(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    say(f, (struct mail){
               .headers = {"dt-subject: thermostat", "iothub-messageschema: s",
                           "iothub-interface-id: urn:x:1"}
    });
    assert_true(next_event(f, &event));
    assert_slice(event.properties, "%24.sub=thermostat&%24.ifid=urn%3Ax%3A1&%24.schema=s");
    char *annotations = slice_dup(event.annotations);
    assert_non_null(strstr(annotations, "\"dt-subject\":\"thermostat\""));
    free(annotations);
}

static void property_may_be_empty(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    say(f, (struct mail){
               .headers = {"iothub-app-k:", "iothub-messageid:"}
    });
    assert_event(f, "k=", "");
}

static void repeated_property_takes_the_last_value(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    say(f, (struct mail){
               .headers = {"iothub-app-k: 1", "iothub-app-l: 2", "iothub-app-k: 3"}
    });
    assert_event(f, "k=3&l=2", "");
}

static void body_may_be_any_bytes_or_none(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    say(f, (struct mail){.body = SLICE("\x00\xff{")});
    assert_true(next_event(f, &event));
    assert_int_equal(event.body.len, 3);
    assert_memory_equal(event.body.data, "\x00\xff{", 3);
    say(f, (struct mail){.body = SLICE("")});
    assert_event(f, "", "");
}

static void modules_send_telemetry_too(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    make(f, "d/m");
    say(f, (struct mail){.path = "/devices/d/modules/m/messages/events",
                         .token = own_token(f, "d/m"),
                         .body = SLICE("x")});
    assert_true(next_event(f, &event));
    assert_slice(event.from.device_id, "d");
    assert_slice(event.from.module_id, "m");
    assert_non_null(strstr(event.annotations.data, "\\\"scope\\\":\\\"module\\\""));
}

static void annotations_say_how_the_sender_proved_itself(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    char want[300];
    make(f, "d");
    json_t *identity = get_identity(f, "d");
    (void)snprintf(want, sizeof(want),
                   "{\"iothub-connection-auth-method\":\"{\\\"scope\\\":\\\"device\\\","
                   "\\\"type\\\":\\\"sas\\\",\\\"issuer\\\":\\\"iothub\\\","
                   "\\\"acceptingIpFilterRule\\\":null}\","
                   "\"iothub-connection-auth-generation-id\":\"%s\"}",
                   text_below(identity, "generationId"));
    json_decref(identity);
    say(f, (struct mail){0});
    assert_true(next_event(f, &event));
    assert_slice(event.annotations, want);
    say(f, (struct mail){.token = token_for(f, HOST, KEY_DEVICE_POLICY, "device", 3600)});
    assert_true(next_event(f, &event));
    assert_non_null(strstr(event.annotations.data, "\\\"scope\\\":\\\"hub\\\""));
}

static void security_messages_are_taken_and_not_shown(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    say(f, (struct mail){
               .headers = {"iothub-interface-id: urn:azureiot:Security:SecurityAgent:1"}});
    assert_no_event(f);
}

static void telemetry_has_256_kilobytes_at_most(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    const size_t most = (size_t)LIMIT_D2C_BYTES;
    char *bytes = mem_alloc(most + 1);
    make(f, "d");
    say_refused(f, IOTHUB_MESSAGE_TOO_LARGE,
                (struct mail){.body = slice_make(bytes, most + 1)});
    struct mail m = {.headers = {"iothub-app-k: v"}, .body = slice_make(bytes, most - 1)};
    say_refused(f, IOTHUB_MESSAGE_TOO_LARGE, m);
    say(f, (struct mail){.body = slice_make(bytes, most)});
    assert_true(next_event(f, &event));
    assert_int_equal(event.body.len, most);
    free(bytes);
}

static void properties_that_fit_no_bag_are_refused(void **state)
{
    struct fixture *f = *state;
    struct buf line = {.cap = BUF_CAP_OWN};
    make(f, "d");
    buf_put_text(&line, "iothub-app-k: ");
    for (int i = 0; i < 22 * KIB; i++) {
        buf_put_char(&line, '/'); /* three characters in a bag */
    }
    say_refused(f, IOTHUB_MESSAGE_TOO_LARGE, (struct mail){.headers = {buf_text(&line)}});
    buf_finish(&line);
}

static void telemetry_is_activity_but_no_connection(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    fixture_pass(f, MINUTE_MS);
    say(f, (struct mail){0});
    json_t *identity = get_identity(f, "d");
    assert_string_equal(text_below(identity, "connectionState"), "Disconnected");
    assert_string_equal(text_below(identity, "lastActivityTime"), "2026-03-02T12:01:00Z");
    assert_string_equal(text_below(identity, "connectionStateUpdatedTime"),
                        "0001-01-01T00:00:00Z");
    json_decref(identity);
}

/* ---- batches -------------------------------------------------------------------------------
 */

static void batch_is_several_messages_in_their_order(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    say(f, BATCH_OF(
               "[{'body':'aGVsbG8=','properties':{'iothub-app-k':'v','iothub-messageid':'7'}},"
               "{'body':'plain text','base64Encoded':false,'properties':{}},"
               "{'body':'','base64Encoded':true}]"));
    assert_event(f, "%24.mid=7&k=v", "hello");
    assert_event(f, "", "plain text");
    assert_event(f, "", "");
    assert_no_event(f);
}

static void type_of_a_batch_may_name_its_charset(void **state)
{
    struct fixture *f = *state;
    struct mail m = BATCH_OF("[{'body':'aGVsbG8='}]");
    m.headers[0] = "content-type: Application/vnd.microsoft.iothub.json; charset=utf-8";
    make(f, "d");
    say(f, m);
    assert_event(f, "", "hello");
}

static void values_of_a_batch_are_taken_as_texts(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    say(f, BATCH_OF("[{'body':'','properties':{'IoTHub-app-i':1,'iothub-app-b':true,"
                    "'iothub-app-n':null,'iothub-app-s':'\\u20ac','other':'x'}}]"));
    assert_event(f, "i=1&b=true&n&s=%E2%82%AC", "");
}

static void other_types_are_no_batch(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    say(f, (struct mail){.headers = {"Content-Type: application/json"},
                         .body = SLICE("[{\"body\":\"aGVsbG8=\"}]")});
    assert_event(f, "", "[{\"body\":\"aGVsbG8=\"}]");
}

static void malformed_batch_is_refused_as_a_whole(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        enum iothub_status status;
    } cases[] = {
        {"",                                                           IOTHUB_FORMAT_ERROR    },
        {"[",                                                          IOTHUB_FORMAT_ERROR    },
        {"{'body':'aGVsbG8='}",                                        IOTHUB_FORMAT_ERROR    },
        {"[]",                                                         IOTHUB_FORMAT_ERROR    },
        {"[{'body':'aGVsbG8='},1]",                                    IOTHUB_ARGUMENT_INVALID},
        {"[{'body':'aGVsbG8='},{}]",                                   IOTHUB_ARGUMENT_INVALID},
        {"[{'body':'aGVsbG8='},{'body':null}]",                        IOTHUB_ARGUMENT_INVALID},
        {"[{'body':'aGVsbG8='},{'body':{'a':1}}]",                     IOTHUB_ARGUMENT_INVALID},
        {"[{'body':'aGVsbG8='},{'body':'no base64'}]",                 IOTHUB_ARGUMENT_INVALID},
        {"[{'body':'aGVsbG8='},{'body':'','properties':1}]",           IOTHUB_ARGUMENT_INVALID},
        {"[{'body':''},{'body':'','properties':{'iothub-app-k':[]}}]", IOTHUB_ARGUMENT_INVALID},
    };
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = mem_dup_text(cases[i].text);
        say_refused(f, cases[i].status, batch_of(text));
        free(text);
    }
}

static void batch_has_500_messages_at_most(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    struct buf text = {.cap = BUF_CAP_OWN};
    make(f, "d");
    for (int i = 0; i < LIMIT_D2C_BATCH; i++) {
        buf_put_text(&text, i == 0 ? "[{\"body\":\"\"}" : ",{\"body\":\"\"}");
    }
    size_t len = text.len;
    buf_put_text(&text, ",{\"body\":\"\"}]");
    say_refused(f, IOTHUB_MESSAGE_TOO_LARGE,
                (struct mail){.headers = {BATCH}, .body = buf_slice(&text)});
    buf_cut(&text, len);
    buf_put_char(&text, ']');
    say(f, (struct mail){.headers = {BATCH}, .body = buf_slice(&text)});
    int n = 0;
    while (next_event(f, &event)) {
        n++;
    }
    assert_int_equal(n, LIMIT_D2C_BATCH);
    buf_finish(&text);
}

static void batch_has_256_kilobytes_in_all(void **state)
{
    struct fixture *f = *state;
    struct buf text = {.cap = BUF_CAP_OWN};
    char *bytes = mem_alloc((size_t)LIMIT_D2C_BYTES / 2);
    make(f, "d");
    buf_put_text(&text, "[{\"body\":\"");
    base64_encode(&text, bytes, LIMIT_D2C_BYTES / 2);
    buf_put_text(&text, "\"},{\"body\":\"");
    base64_encode(&text, bytes, LIMIT_D2C_BYTES / 2);
    size_t len = text.len;
    buf_put_text(&text, "\",\"properties\":{\"iothub-app-k\":\"\"}}]");
    say_refused(f, IOTHUB_MESSAGE_TOO_LARGE,
                (struct mail){.headers = {BATCH}, .body = buf_slice(&text)});
    buf_cut(&text, len);
    buf_put_text(&text, "\"}]");
    say(f, (struct mail){.headers = {BATCH}, .body = buf_slice(&text)});
    buf_finish(&text);
    free(bytes);
}

static void message_of_a_batch_has_256_properties_at_most(void **state)
{
    struct fixture *f = *state;
    struct buf text = {.cap = BUF_CAP_OWN};
    make(f, "d");
    buf_put_text(&text, "[{\"body\":\"\",\"properties\":{");
    for (int i = 0; i <= PROPERTY_BAG_MAX; i++) {
        buf_putf(&text, "%s\"iothub-app-%d\":\"\"", i == 0 ? "" : ",", i);
    }
    buf_put_text(&text, "}}]");
    say_refused(f, IOTHUB_MESSAGE_TOO_LARGE,
                (struct mail){.headers = {BATCH}, .body = buf_slice(&text)});
    buf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(telemetry_is_put_into_the_log),
        HUB_TEST(headers_are_properties),
        HUB_TEST(component_and_schema_are_properties_too),
        HUB_TEST(property_may_be_empty),
        HUB_TEST(repeated_property_takes_the_last_value),
        HUB_TEST(body_may_be_any_bytes_or_none),
        HUB_TEST(modules_send_telemetry_too),
        HUB_TEST(annotations_say_how_the_sender_proved_itself),
        HUB_TEST(security_messages_are_taken_and_not_shown),
        HUB_TEST(telemetry_has_256_kilobytes_at_most),
        HUB_TEST(properties_that_fit_no_bag_are_refused),
        HUB_TEST(telemetry_is_activity_but_no_connection),
        HUB_TEST(batch_is_several_messages_in_their_order),
        HUB_TEST(type_of_a_batch_may_name_its_charset),
        HUB_TEST(values_of_a_batch_are_taken_as_texts),
        HUB_TEST(other_types_are_no_batch),
        HUB_TEST(malformed_batch_is_refused_as_a_whole),
        HUB_TEST(batch_has_500_messages_at_most),
        HUB_TEST(batch_has_256_kilobytes_in_all),
        HUB_TEST(message_of_a_batch_has_256_properties_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
