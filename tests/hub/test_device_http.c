/*
 * Receiving messages over HTTP, the forms of the devices' addresses, and who may use them.
 * Source: IoT Hub REST, "Device Bound Notification"; the device SDKs' HTTP transports.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/mail.h"

#define QUEUE "/devices/d/messages/deviceBound"

/* ---- receiving -----------------------------------------------------------------------------
 */

static void message_is_a_body_and_headers(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = {"iothub-messageid: m",
                                          "iothub-correlationid: c",
                                          "iothub-userid: u",
                                          "iothub-to: /devices/d/messages/devicebound",
                                          "iothub-expiry: 2026-03-02T12:30:00.5Z",
                                          "iothub-ack: positive",
                                          "iothub-contenttype: text/plain",
                                          "iothub-contentencoding: utf-8",
                                          "iothub-app-Key: a b",
                                          "iothub-app-none:",
                                          NULL};
    static const char *const want[][2] = {
        {"iothub-messageid",      "m"                              },
        {"iothub-correlationid",  "c"                              },
        {"iothub-userid",         "u"                              },
        {"iothub-to",             "/devices/d/messages/devicebound"},
        {"iothub-expiry",         "2026-03-02T12:30:00.5000000Z"   },
        {"iothub-ack",            "positive"                       },
        {"ContentType",           "text/plain"                     },
        {"Content-Type",          "text/plain"                     },
        {"ContentEncoding",       "utf-8"                          },
        {"iothub-app-Key",        "a b"                            },
        {"iothub-app-none",       ""                               },
        {"iothub-sequencenumber", "1"                              },
        {"iothub-enqueuedtime",   "2026-03-02T12:00:00.0000000Z"   },
        {"iothub-deliverycount",  "0"                              },
    };
    make(f, "d");
    post_message(f, "d", "hello", headers);
    fixture_pass(f, SECOND_MS);
    struct reply reply = fetch(f, "d");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.text, "hello");
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const char *value = reply_header(&reply, want[i][0]);
        if (value == NULL) {
            print_error("no header %s\n", want[i][0]);
        }
        assert_non_null(value);
        assert_string_equal(value, want[i][1]);
    }
    /* These, ETag and x-ms-request-id. */
    assert_int_equal(reply.exchange.answer.n_headers, ARRAY_LEN(want) + 2);
    assert_true(
        has_form(reply_header(&reply, "ETag"), "\"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\""));
    reply_end(&reply);
}

static void message_without_anything_has_only_its_address(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "", NULL);
    struct reply reply = fetch(f, "d");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.exchange.answer.body.len, 0);
    assert_string_equal(reply_header(&reply, "iothub-to"), QUEUE);
    /* That, ETag, three numbers and times, x-ms-request-id. */
    assert_int_equal(reply.exchange.answer.n_headers, 6);
    reply_end(&reply);
}

static void many_properties_are_many_headers_in_their_order(void **state)
{
    struct fixture *f = *state;
    char names[100][16];
    struct property properties[100];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "k%d", 99 - i);
        properties[i] = (struct property){.name = slice_of(names[i]), .value = SLICE("v")};
    }
    const struct message message = {.properties = properties, .n_properties = 100};
    make(f, "d");
    assert_int_equal(hub_c2d_send(f->hub, SLICE("d"), &message), IOTHUB_OK);
    struct reply reply = fetch(f, "d");
    const struct http_answer *answer = &reply.exchange.answer;
    int next = 99;
    for (size_t i = 0; i < answer->n_headers; i++) {
        char want[40];
        (void)snprintf(want, sizeof(want), "iothub-app-k%d", next);
        next -= strcmp(answer->headers[i].name, want) == 0;
    }
    assert_int_equal(next, -1);
    reply_end(&reply);
}

static void what_no_header_can_carry_is_left_out(void **state)
{
    struct fixture *f = *state;
    const struct property properties[] = {
        {.name = SLICE("a b"),   .value = SLICE("1")           },
        {.name = SLICE("a:b"),   .value = SLICE("2")           },
        {.name = SLICE(""),      .value = SLICE("3")           },
        {.name = SLICE("lines"), .value = SLICE("4\r\nX: y")   },
        {.name = SLICE("kept"),  .value = SLICE("\xe2\x82\xac")},
        {.name = SLICE("null"),  .is_null = true               },
    };
    const struct message message = {.properties = properties,
                                    .n_properties = ARRAY_LEN(properties)};
    make(f, "d");
    assert_int_equal(hub_c2d_send(f->hub, SLICE("d"), &message), IOTHUB_OK);
    struct reply reply = fetch(f, "d");
    assert_string_equal(reply_header(&reply, "iothub-app-kept"), "\xe2\x82\xac");
    assert_string_equal(reply_header(&reply, "iothub-app-null"), "");
    assert_null(reply_header(&reply, "iothub-app-lines"));
    assert_null(reply_header(&reply, "iothub-app-a b"));
    assert_int_equal(reply.exchange.answer.n_headers, 6 + 2);
    reply_end(&reply);
}

static void receiving_is_activity(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    post_message(f, "d", "hello", NULL);
    fixture_pass(f, MINUTE_MS);
    free(fetch_lock(f, "d", "hello"));
    json_t *identity = get_identity(f, "d");
    assert_string_equal(text_below(identity, "lastActivityTime"), "2026-03-02T12:01:00Z");
    json_decref(identity);
}

/* ---- addresses and access ------------------------------------------------------------------
 */

static void version_and_case_and_slash_do_not_matter(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    say(f, (struct mail){.query = "", .body = SLICE("1")});
    say(f, (struct mail){.query = "api-version=2016-02-03", .body = SLICE("2")});
    say(f, (struct mail){.query = "api-version=any", .body = SLICE("3")});
    say(f, (struct mail){.path = EVENTS "/", .body = SLICE("4")});
    say(f, (struct mail){.path = "/Devices/d/Messages/Events", .body = SLICE("5")});
    for (int i = 1; i <= 5; i++) {
        char body[4];
        (void)snprintf(body, sizeof(body), "%d", i);
        assert_event(f, "", body);
    }
    struct mail m = {.method = "GET",
                     .path = "/devices/d/messages/devicebound/",
                     .query = "iothub-messagelocktimeout=60",
                     .token = own_token(f, "d")};
    mail_done(f, 204, &m);
}

static void services_need_a_version_to_send(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    mail_error(f, IOTHUB_INVALID_PROTOCOL_VERSION,
               &(struct mail){.method = "POST", .path = QUEUE, .query = ""});
}

static void ids_are_decoded(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "a#b");
    say(f, (struct mail){.path = "/devices/a%23b/messages/events",
                         .token = token_for(f, HOST "/devices/a#b", KEY_FIRST, "", 60)});
    assert_true(next_event(f, &event));
    assert_slice(event.from.device_id, "a#b");
}

static void caller_must_be_the_device(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    make(f, "e");
    const char *const others[] = {
        "",
        "nonsense",
        token_of(f, "e", "", KEY_FIRST),
        token_of(f, "d", "m", KEY_FIRST),
        token_for(f, HOST "/devices/d", KEY_FIRST, "", -600),
        token_for(f, HOST, KEY_SERVICE, "service", 600),
        token_for(f, HOST, KEY_READ_WRITE, "registryReadWrite", 600),
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct mail m = {.method = "GET", .path = QUEUE, .token = others[i]};
        mail_error(f, IOTHUB_UNAUTHORIZED, &m);
        say_refused(f, IOTHUB_UNAUTHORIZED, (struct mail){.token = others[i]});
    }
    say_refused(f, IOTHUB_UNAUTHORIZED_ACCESS,
                (struct mail){.token = token_of(f, "d", "", KEY_OTHER)});
    say(f, (struct mail){.token = token_of(f, "d", "", KEY_SECOND)});
    say(f, (struct mail){.token = token_for(f, HOST, KEY_DEVICE_POLICY, "device", 60)});
    say(f, (struct mail){.token = token_for(f, HOST, KEY_OWNER, "iothubowner", 60)});
}

static void module_must_be_itself(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    make(f, "d/n");
    const char *path = "/devices/d/modules/m/messages/events";
    say_refused(f, IOTHUB_UNAUTHORIZED,
                (struct mail){.path = path, .token = own_token(f, "d/n")});
    say(f, (struct mail){.path = path, .token = own_token(f, "d/m")});
}

static void absent_device_is_not_found_by_who_has_a_token(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct mail m = {.path = "/devices/other/messages/events",
                     .token = token_of(f, "other", "", KEY_FIRST)};
    say_refused(f, IOTHUB_DEVICE_NOT_FOUND, m);
    m.token = "";
    say_refused(f, IOTHUB_UNAUTHORIZED, m);
    m.path = "/devices/d/modules/m/messages/events";
    m.token = token_of(f, "d", "m", KEY_FIRST);
    say_refused(f, IOTHUB_MODULE_NOT_FOUND, m);
}

static void disabled_device_is_told_so(void **state)
{
    struct fixture *f = *state;
    rest_done(f, 200, "PUT", "/devices/d",
              "{'status':'disabled','authentication':{'symmetricKey':{"
              "'primaryKey':'" KEY_FIRST "','secondaryKey':'" KEY_SECOND "'}}}");
    say_refused(f, IOTHUB_DEVICE_DISABLED, (struct mail){0});
    say_refused(f, IOTHUB_UNAUTHORIZED_ACCESS,
                (struct mail){.token = token_of(f, "d", "", KEY_OTHER)});
}

static void device_may_not_do_what_services_do(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct mail m = {.method = "POST", .path = QUEUE, .token = own_token(f, "d")};
    mail_error(f, IOTHUB_UNAUTHORIZED_ACCESS, &m);
    m = (struct mail){.method = "DELETE", .path = "/devices/d/commands"};
    m.token = own_token(f, "d");
    mail_error(f, IOTHUB_UNAUTHORIZED_ACCESS, &m);
}

static void other_methods_are_not_allowed(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct mail m = {.method = "GET", .path = EVENTS, .token = own_token(f, "d")};
    mail_error(f, IOTHUB_GENERIC_METHOD_NOT_ALLOWED, &m);
    m.method = "PUT";
    m.path = QUEUE;
    mail_error(f, IOTHUB_GENERIC_METHOD_NOT_ALLOWED, &m);
}

static void too_large_a_request_is_told_so(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    ask_fails(f, IOTHUB_MESSAGE_TOO_LARGE,
              &(struct ask){.method = "POST",
                            .path = EVENTS,
                            .token = own_token(f, "d"),
                            .is_too_large = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(message_is_a_body_and_headers),
        HUB_TEST(message_without_anything_has_only_its_address),
        HUB_TEST(many_properties_are_many_headers_in_their_order),
        HUB_TEST(what_no_header_can_carry_is_left_out),
        HUB_TEST(receiving_is_activity),
        HUB_TEST(version_and_case_and_slash_do_not_matter),
        HUB_TEST(services_need_a_version_to_send),
        HUB_TEST(ids_are_decoded),
        HUB_TEST(caller_must_be_the_device),
        HUB_TEST(module_must_be_itself),
        HUB_TEST(absent_device_is_not_found_by_who_has_a_token),
        HUB_TEST(disabled_device_is_told_so),
        HUB_TEST(device_may_not_do_what_services_do),
        HUB_TEST(other_methods_are_not_allowed),
        HUB_TEST(too_large_a_request_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
