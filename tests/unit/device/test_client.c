/*
 * The whole client against a hub that the test plays: connections, refusals, methods, twins and
 * messages, and what becomes of them when the connection breaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"
#include "device/src/client.h"
#include "fake_hub.h"
#include "iothub/device.h"

#define KEY    "MDEyMzQ1Njc4OWFiY2RlZg=="
#define DEVICE "HostName=hub.example.net;DeviceId=dev-1;SharedAccessKey=" KEY
#define MODULE "HostName=hub.example.net;DeviceId=dev-1;ModuleId=mod;SharedAccessKey=" KEY

/* Nothing on this machine takes longer; a test that waits this long has failed. */
#define PATIENCE_MS 10000

/* Everything a test needs, and what its callbacks have noted. */
struct bench {
    struct fake_hub hub;
    struct iothub_device *client;

    enum iothub_device_state states[64];
    size_t n_states;
    enum iothub_status status; /* of the last change */
    char text[256];

    int n_methods;
    char method_name[128];
    char method_payload[256];
    uint64_t method_id;
    struct iothub_device_answer answer;
    bool is_answered_later;

    int n_patches;
    char patch[256];
    int64_t patch_version;

    int n_sent;

    int n_results;
    enum iothub_status result_status;
    char result_document[256];
    char result_text[256];
    int64_t result_version;
};

static void on_connection(void *ctx, enum iothub_device_state state, enum iothub_status status,
                          const char *text)
{
    struct bench *b = ctx;
    assert_true(b->n_states < ARRAY_LEN(b->states));
    b->states[b->n_states++] = state;
    b->status = status;
    (void)snprintf(b->text, sizeof(b->text), "%s", text);
}

static enum iothub_device_answering on_method(void *ctx,
                                              const struct iothub_device_method *method,
                                              struct iothub_device_answer *answer)
{
    struct bench *b = ctx;
    b->n_methods++;
    (void)snprintf(b->method_name, sizeof(b->method_name), "%s", method->name);
    (void)snprintf(b->method_payload, sizeof(b->method_payload), "%s", method->payload);
    assert_int_equal(strlen(method->payload), method->payload_len);
    b->method_id = method->request_id;
    *answer = b->answer;
    return b->is_answered_later ? IOTHUB_DEVICE_ANSWER_LATER : IOTHUB_DEVICE_ANSWER_NOW;
}

static void on_desired(void *ctx, const char *patch, size_t patch_len, int64_t version)
{
    struct bench *b = ctx;
    b->n_patches++;
    assert_int_equal(strlen(patch), patch_len);
    (void)snprintf(b->patch, sizeof(b->patch), "%s", patch);
    b->patch_version = version;
}

static void on_sent(void *ctx)
{
    struct bench *b = ctx;
    b->n_sent++;
}

static void on_result(void *ctx, const struct iothub_device_twin_result *result)
{
    struct bench *b = ctx;
    b->n_results++;
    b->result_status = result->status;
    b->result_version = result->version;
    (void)snprintf(b->result_document, sizeof(b->result_document), "%s", result->document);
    (void)snprintf(b->result_text, sizeof(b->result_text), "%s", result->text);
}

/* A client of a plain hub, short pauses, not connected yet. */
static void setup_with(struct bench *b, struct iothub_device_options options)
{
    *b = (struct bench){
        .answer = {200, "{\"ok\":true}"}
    };
    fake_hub_init(&b->hub, NULL);
    options.connection_string = options.connection_string == NULL ? DEVICE
                                                                  : options.connection_string;
    options.address = "127.0.0.1";
    options.is_plain = true;
    options.port = b->hub.port;
    options.backoff_min_ms = options.backoff_min_ms == 0 ? 1 : options.backoff_min_ms;
    options.backoff_max_ms = options.backoff_max_ms == 0 ? 5 : options.backoff_max_ms;
    struct iothub_device_error error;
    enum iothub_status status = iothub_device_create(&options, &error, &b->client);
    if (status != IOTHUB_OK) {
        fail_msg("%s", error.text);
    }
    iothub_device_on_connection(b->client, on_connection, b);
}

static void setup(struct bench *b)
{
    setup_with(b, (struct iothub_device_options){0});
}

static void teardown(struct bench *b)
{
    iothub_device_destroy(b->client);
    fake_hub_finish(&b->hub);
}

static void turn(struct bench *b)
{
    enum iothub_status status = iothub_device_poll(b->client, 1);
    assert_true(status == IOTHUB_OK || status == IOTHUB_INTERRUPTED);
    fake_hub_turn(&b->hub);
}

static int64_t now_ms(void)
{
    const struct clock clock = {0};
    return clock_read(&clock).now_ms;
}

static void turn_until(struct bench *b, int64_t end_ms, const char *condition)
{
    if (now_ms() > end_ms) {
        fail_msg("in vain: %s (last state: %s)", condition, b->text);
    }
    turn(b);
}

/* Turn until the condition holds. */
#define UNTIL(b, condition) \
    for (int64_t end_ms_ = now_ms() + PATIENCE_MS; !(condition);) { \
        turn_until(b, end_ms_, #condition); \
    }

static bool is_in(const struct bench *b, enum iothub_device_state state)
{
    return iothub_device_state(b->client) == state && b->n_states != 0 &&
           b->states[b->n_states - 1] == state;
}

static void go_up(struct bench *b)
{
    assert_int_equal(iothub_device_connect(b->client), IOTHUB_OK);
    UNTIL(b, is_in(b, IOTHUB_DEVICE_CONNECTED));
}

static enum iothub_status send_text(struct bench *b, const char *text)
{
    const struct iothub_device_message message = {.payload = text, .payload_len = strlen(text)};
    return iothub_device_send(b->client, &message, on_sent, b);
}

static void connect_says_what_the_sdks_say(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    assert_string_equal(b.hub.client_id, "dev-1");
    assert_ptr_equal(strstr(b.hub.user_name, "hub.example.net/dev-1/?api-version=2021-04-12&"),
                     b.hub.user_name);
    assert_ptr_equal(strstr(b.hub.password,
                            "SharedAccessSignature sr=hub.example.net%2Fdevices%2Fdev-1&sig="),
                     b.hub.password);
    assert_false(b.hub.is_clean_session);
    assert_int_equal(b.hub.keep_alive_s, 240);
    assert_int_equal(b.hub.n_filters, 0);
    assert_int_equal(b.n_states, 2);
    assert_int_equal(b.states[0], IOTHUB_DEVICE_CONNECTING);
    teardown(&b);
}

static void clean_session_and_keep_alive_are_passed_on(void **state)
{
    (void)state;
    struct bench b;
    setup_with(&b, (struct iothub_device_options){.clean_session = true, .keep_alive_s = 60});
    go_up(&b);
    assert_true(b.hub.is_clean_session);
    assert_int_equal(b.hub.keep_alive_s, 60);
    teardown(&b);
}

static void only_what_was_asked_for_is_subscribed(void **state)
{
    (void)state;
    struct bench b;
    setup_with(&b, (struct iothub_device_options){.connection_string = MODULE});
    iothub_device_on_desired(b.client, on_desired, &b);
    go_up(&b);
    assert_string_equal(b.hub.client_id, "dev-1/mod");
    assert_int_equal(b.hub.n_filters, 1);
    assert_true(fake_hub_has_filter(&b.hub, TOPIC_FILTER_DESIRED));
    iothub_device_on_method(b.client, on_method, &b);
    UNTIL(&b, b.hub.n_filters == 2);
    assert_true(fake_hub_has_filter(&b.hub, TOPIC_FILTER_METHODS));
    iothub_device_on_method(b.client, NULL, NULL);
    UNTIL(&b, b.hub.n_unsubscribes == 1);
    teardown(&b);
}

static void connected_is_reported_after_the_suback(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.hub.is_holding_subacks = true;
    iothub_device_on_method(b.client, on_method, &b);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_filters == 1);
    turn(&b);
    assert_int_equal(iothub_device_state(b.client), IOTHUB_DEVICE_CONNECTING);
    fake_hub_send(&b.hub, "\x90\x03\x00\x01\x00", 5);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_CONNECTED));
    teardown(&b);
}

static void refused_subscription_is_a_lost_connection(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.hub.suback = 0x80;
    iothub_device_on_method(b.client, on_method, &b);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_UNEXPECTED_ANSWER);
    teardown(&b);
}

static void refusal_ends_the_first_attempt(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.hub.connack = 5;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_IDLE));
    assert_int_equal(b.status, IOTHUB_UNAUTHORIZED);
    assert_int_equal(b.hub.n_connects, 1);
    assert_int_equal(iothub_device_deadline_ms(b.client), -1);
    assert_int_equal(iothub_device_fd(b.client), -1);
    teardown(&b);
}

static void refused_client_can_connect_again(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.hub.connack = 5;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_IDLE));
    b.hub.connack = 0;
    go_up(&b);
    teardown(&b);
}

static void unavailable_hub_is_tried_again(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.hub.connack = 3;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_connects == 3);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_SERVICE_UNAVAILABLE);
    b.hub.connack = 0;
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_CONNECTED));
    teardown(&b);
}

static void refusal_after_a_connection_is_tried_again(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    b.hub.connack = 5;
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, b.hub.n_connects == 3);
    b.hub.connack = 0;
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_CONNECTED));
    teardown(&b);
}

static void port_nobody_listens_on_is_tried_again(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    (void)close(b.hub.listener);
    b.hub.listener = -1;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.n_states >= 4);
    assert_int_equal(b.states[1], IOTHUB_DEVICE_WAITING);
    assert_int_equal(b.states[2], IOTHUB_DEVICE_CONNECTING);
    assert_int_equal(b.states[3], IOTHUB_DEVICE_WAITING);
    assert_int_equal(b.status, IOTHUB_CONNECTION_FAILED);
    assert_non_null(strstr(b.text, "Connection refused"));
    teardown(&b);
}

static void next_address_of_the_host_is_tried_at_once(void **state)
{
    (void)state;
    struct bench b;
    setup_with(&b, (struct iothub_device_options){.backoff_min_ms = 3600000,
                                                  .backoff_max_ms = 3600000});
    /* As the resolver would have answered: nobody listens at the first of the two. */
    struct addresses *addresses = &b.client->link.addresses;
    (void)snprintf(addresses->texts[0], sizeof(addresses->texts[0]), "127.0.0.2");
    (void)snprintf(addresses->texts[1], sizeof(addresses->texts[1]), "127.0.0.1");
    addresses->n_texts = 2;
    go_up(&b);
    assert_int_equal(b.states[1], IOTHUB_DEVICE_WAITING);
    teardown(&b);
}

static void host_without_an_address_is_reported(void **state)
{
    (void)state;
    struct bench b = {0};
    fake_hub_init(&b.hub, NULL);
    const struct iothub_device_options options = {
        .connection_string = DEVICE, .address = "no.such.host.invalid", .is_plain = true};
    assert_int_equal(iothub_device_create(&options, NULL, &b.client), IOTHUB_OK);
    iothub_device_on_connection(b.client, on_connection, &b);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_CONNECTION_FAILED);
    assert_non_null(strstr(b.text, "no address"));
    teardown(&b);
}

static void silent_hub_is_given_up(void **state)
{
    (void)state;
    struct bench b;
    setup_with(&b, (struct iothub_device_options){.connect_timeout_ms = 30});
    b.hub.connack = -1;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_TIMED_OUT);
    UNTIL(&b, b.hub.n_connects == 2);
    teardown(&b);
}

static void hub_that_breaks_the_protocol_is_given_up(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.hub.connack = -1;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_connects == 1);
    fake_hub_send(&b.hub, "\xf0\x00", 2);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_UNEXPECTED_ANSWER);
    teardown(&b);
}

static void disconnect_takes_leave(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    iothub_device_disconnect(b.client);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_IDLE));
    assert_int_equal(b.status, IOTHUB_OK);
    UNTIL(&b, b.hub.n_disconnects == 1);
    go_up(&b);
    assert_int_equal(b.hub.n_connects, 2);
    teardown(&b);
}

static void leave_is_taken_without_a_pause(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    iothub_device_disconnect(b.client);
    assert_int_equal(iothub_device_deadline_ms(b.client), 0);
    assert_int_equal(iothub_device_poll(b.client, -1), IOTHUB_OK);
    assert_true(is_in(&b, IOTHUB_DEVICE_IDLE));
    teardown(&b);
}

static void disconnect_during_an_attempt_ends_it(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.hub.connack = -1;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_connects == 1);
    iothub_device_disconnect(b.client);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_IDLE));
    assert_int_equal(b.hub.n_connects, 1);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_INVALID_OPERATION);
    teardown(&b);
}

static void subscriptions_are_made_again_after_a_loss(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    iothub_device_on_method(b.client, on_method, &b);
    iothub_device_on_desired(b.client, on_desired, &b);
    go_up(&b);
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, b.hub.n_connects == 2 && is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_int_equal(b.hub.n_filters, 2);
    assert_true(fake_hub_has_filter(&b.hub, TOPIC_FILTER_METHODS));
    assert_true(fake_hub_has_filter(&b.hub, TOPIC_FILTER_DESIRED));
    assert_int_equal(b.n_patches, 0);
    teardown(&b);
}

static void token_is_renewed_by_reconnecting(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    const struct clock clock = {0};
    struct moment start = clock_read(&clock);
    clock_fake(&b.client->clock, start.at_ms);
    go_up(&b);
    char first[sizeof(b.hub.password)];
    memcpy(first, b.hub.password, sizeof(first));
    clock_advance(&b.client->clock, 3600 * 800 - 1);
    turn(&b);
    turn(&b);
    assert_int_equal(b.hub.n_disconnects, 0);
    clock_advance(&b.client->clock, 1);
    UNTIL(&b, b.hub.n_connects == 2 && is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_int_equal(b.hub.n_disconnects, 1);
    assert_string_not_equal(first, b.hub.password);
    /* Nobody is told that the connection was lost: it was not. */
    assert_int_equal(b.n_states, 4);
    assert_int_equal(b.states[2], IOTHUB_DEVICE_CONNECTING);
    assert_int_equal(b.states[3], IOTHUB_DEVICE_CONNECTED);
    teardown(&b);
}

static void method_is_answered_by_its_function(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    iothub_device_on_method(b.client, on_method, &b);
    go_up(&b);
    b.answer = (struct iothub_device_answer){299, "{\"Response\": \"done\"}"};
    fake_hub_publish(&b.hub, "$iothub/methods/POST/lockDoor/?$rid=a1",
                     "{\"lockTime\":\"10m\"}");
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.method_name, "lockDoor");
    assert_string_equal(b.method_payload, "{\"lockTime\":\"10m\"}");
    assert_string_equal(b.hub.publishes[0].topic, "$iothub/methods/res/299/?$rid=a1");
    assert_string_equal(b.hub.publishes[0].payload, "{\"Response\": \"done\"}");
    assert_int_equal(b.hub.publishes[0].qos, 0);
    teardown(&b);
}

static void method_without_payload_has_an_empty_one(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    iothub_device_on_method(b.client, on_method, &b);
    go_up(&b);
    b.answer = (struct iothub_device_answer){200, NULL};
    fake_hub_publish(&b.hub, "$iothub/methods/POST/ping/?$rid=1", "");
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.method_payload, "");
    assert_string_equal(b.hub.publishes[0].payload, "null");
    teardown(&b);
}

static void method_is_answered_later(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    iothub_device_on_method(b.client, on_method, &b);
    go_up(&b);
    b.is_answered_later = true;
    fake_hub_publish(&b.hub, "$iothub/methods/POST/slow/?$rid=z", "1");
    UNTIL(&b, b.n_methods == 1);
    turn(&b);
    assert_int_equal(b.hub.n_publishes, 0);
    assert_int_equal(iothub_device_method_answer(b.client, b.method_id, 201, "{"),
                     IOTHUB_BAD_ARGUMENT);
    assert_int_equal(iothub_device_method_answer(b.client, b.method_id, 201, "[1]"), IOTHUB_OK);
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.hub.publishes[0].topic, "$iothub/methods/res/201/?$rid=z");
    assert_int_equal(iothub_device_method_answer(b.client, b.method_id, 201, "[1]"),
                     IOTHUB_NOT_CONNECTED);
    teardown(&b);
}

static void answer_does_not_cross_connections(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    iothub_device_on_method(b.client, on_method, &b);
    go_up(&b);
    b.is_answered_later = true;
    fake_hub_publish(&b.hub, "$iothub/methods/POST/slow/?$rid=z", "1");
    UNTIL(&b, b.n_methods == 1);
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, b.hub.n_connects == 2 && is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_int_equal(iothub_device_method_answer(b.client, b.method_id, 200, "1"),
                     IOTHUB_NOT_CONNECTED);
    teardown(&b);
}

static void answer_that_is_not_json_becomes_a_500(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    iothub_device_on_method(b.client, on_method, &b);
    go_up(&b);
    b.answer = (struct iothub_device_answer){200, "not json"};
    fake_hub_publish(&b.hub, "$iothub/methods/POST/x/?$rid=1", "");
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.hub.publishes[0].topic, "$iothub/methods/res/500/?$rid=1");
    teardown(&b);
}

static void method_nobody_handles_is_answered_with_501(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    fake_hub_publish(&b.hub, "$iothub/methods/POST/x/?$rid=1", "");
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.hub.publishes[0].topic, "$iothub/methods/res/501/?$rid=1");
    teardown(&b);
}

static void desired_patch_arrives_with_its_version(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    iothub_device_on_desired(b.client, on_desired, &b);
    go_up(&b);
    fake_hub_publish(&b.hub, "$iothub/twin/PATCH/properties/desired/?$version=4",
                     "{\"building\":43,\"floor\":3,\"$version\":4}");
    UNTIL(&b, b.n_patches == 1);
    assert_string_equal(b.patch, "{\"building\":43,\"floor\":3,\"$version\":4}");
    assert_int_equal(b.patch_version, 4);
    teardown(&b);
}

static void twin_is_fetched_under_a_request_id(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    assert_int_equal(iothub_device_twin_get(b.client, on_result, &b), IOTHUB_OK);
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_true(fake_hub_has_filter(&b.hub, TOPIC_FILTER_TWIN));
    assert_string_equal(b.hub.publishes[0].topic, "$iothub/twin/GET/?$rid=1");
    fake_hub_publish(&b.hub, "$iothub/twin/res/200/?$rid=99", "{}");
    fake_hub_publish(&b.hub, "$iothub/twin/res/200/?$rid=1",
                     "{\"desired\":{},\"reported\":{}}");
    UNTIL(&b, b.n_results == 1);
    assert_int_equal(b.result_status, IOTHUB_OK);
    assert_string_equal(b.result_document, "{\"desired\":{},\"reported\":{}}");
    teardown(&b);
}

static void report_made_before_the_connection_waits_for_it(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    assert_int_equal(iothub_device_twin_report(b.client, "{\"a\":null}", on_result, &b),
                     IOTHUB_OK);
    go_up(&b);
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.hub.publishes[0].topic,
                        "$iothub/twin/PATCH/properties/reported/?$rid=1");
    assert_string_equal(b.hub.publishes[0].payload, "{\"a\":null}");
    fake_hub_publish(&b.hub, "$iothub/twin/res/204/?$rid=1&$version=7", "");
    UNTIL(&b, b.n_results == 1);
    assert_int_equal(b.result_status, IOTHUB_OK);
    assert_int_equal(b.result_version, 7);
    teardown(&b);
}

static void refused_report_tells_the_hubs_words(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    assert_int_equal(iothub_device_twin_report(b.client, "{\"$a\":1}", on_result, &b),
                     IOTHUB_OK);
    fake_hub_publish(&b.hub, "$iothub/twin/res/400/?$rid=1",
                     "{\"errorCode\":400004,\"message\":\"a key begins with $\"}");
    UNTIL(&b, b.n_results == 1);
    assert_int_equal(b.result_status, IOTHUB_GENERIC_BAD_REQUEST);
    assert_string_equal(b.result_text, "a key begins with $");
    teardown(&b);
}

static void unanswered_request_is_asked_again_over_the_next_connection(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    assert_int_equal(iothub_device_twin_get(b.client, on_result, &b), IOTHUB_OK);
    UNTIL(&b, b.hub.n_publishes == 1);
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, b.hub.n_publishes == 2);
    assert_string_equal(b.hub.publishes[1].topic, b.hub.publishes[0].topic);
    fake_hub_publish(&b.hub, "$iothub/twin/res/200/?$rid=1", "{}");
    UNTIL(&b, b.n_results == 1);
    teardown(&b);
}

static void unanswered_request_times_out(void **state)
{
    (void)state;
    struct bench b;
    setup_with(&b, (struct iothub_device_options){.request_timeout_ms = 20});
    go_up(&b);
    assert_int_equal(iothub_device_twin_get(b.client, on_result, &b), IOTHUB_OK);
    UNTIL(&b, b.n_results == 1);
    assert_int_equal(b.result_status, IOTHUB_TIMED_OUT);
    fake_hub_publish(&b.hub, "$iothub/twin/res/200/?$rid=1", "{}");
    turn(&b);
    turn(&b);
    assert_int_equal(b.n_results, 1);
    teardown(&b);
}

static void bad_reports_are_refused_here(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    assert_int_equal(iothub_device_twin_report(b.client, NULL, NULL, NULL),
                     IOTHUB_BAD_ARGUMENT);
    assert_int_equal(iothub_device_twin_report(b.client, "[]", NULL, NULL),
                     IOTHUB_BAD_ARGUMENT);
    assert_int_equal(iothub_device_twin_report(b.client, "{", NULL, NULL), IOTHUB_BAD_ARGUMENT);
    assert_int_equal(iothub_device_twin_get(b.client, NULL, NULL), IOTHUB_BAD_ARGUMENT);
    char *big = calloc(1, 300 * 1024);
    memset(big, ' ', 300 * 1024 - 1);
    big[0] = '{';
    big[300 * 1024 - 2] = '}';
    assert_int_equal(iothub_device_twin_report(b.client, big, NULL, NULL),
                     IOTHUB_MESSAGE_TOO_LARGE);
    free(big);
    teardown(&b);
}

static void message_is_sent_with_its_properties_and_acknowledged(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    const struct iothub_device_property properties[] = {
        {"level", "1 2"},
        {"flag",  NULL }
    };
    const struct iothub_device_message message = {
        .payload = "{}",
        .payload_len = 2,
        .properties = properties,
        .n_properties = 2,
        .message_id = "m-1",
        .content_type = "application/json",
        .content_encoding = "utf-8",
    };
    b.hub.is_holding_pubacks = true;
    assert_int_equal(iothub_device_send(b.client, &message, on_sent, &b), IOTHUB_OK);
    UNTIL(&b, b.hub.n_publishes == 1);
    assert_string_equal(b.hub.publishes[0].topic,
                        "devices/dev-1/messages/events/%24.mid=m-1&%24.ct=application%2Fjson"
                        "&%24.ce=utf-8&level=1%202&flag");
    assert_int_equal(b.hub.publishes[0].qos, 1);
    turn(&b);
    assert_int_equal(b.n_sent, 0);
    assert_int_equal(iothub_device_n_unsent(b.client), 1);
    fake_hub_puback(&b.hub, b.hub.publishes[0].mid);
    UNTIL(&b, b.n_sent == 1);
    assert_int_equal(iothub_device_n_unsent(b.client), 0);
    teardown(&b);
}

static void messages_wait_for_a_connection_in_order(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    assert_int_equal(send_text(&b, "one"), IOTHUB_OK);
    assert_int_equal(send_text(&b, "two"), IOTHUB_OK);
    go_up(&b);
    UNTIL(&b, b.n_sent == 2);
    assert_string_equal(b.hub.publishes[0].payload, "one");
    assert_string_equal(b.hub.publishes[1].payload, "two");
    assert_false(b.hub.publishes[0].is_dup);
    teardown(&b);
}

static void unacknowledged_messages_are_repeated_before_newer_ones(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    b.hub.is_holding_pubacks = true;
    assert_int_equal(send_text(&b, "one"), IOTHUB_OK);
    UNTIL(&b, b.hub.n_publishes == 1);
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(send_text(&b, "two"), IOTHUB_OK);
    b.hub.is_holding_pubacks = false;
    UNTIL(&b, b.n_sent == 2);
    assert_int_equal(b.hub.n_publishes, 3);
    assert_string_equal(b.hub.publishes[1].payload, "one");
    assert_true(b.hub.publishes[1].is_dup);
    assert_int_equal(b.hub.publishes[1].mid, b.hub.publishes[0].mid);
    assert_string_equal(b.hub.publishes[2].payload, "two");
    assert_false(b.hub.publishes[2].is_dup);
    teardown(&b);
}

static void full_outbox_says_so(void **state)
{
    (void)state;
    struct bench b;
    setup_with(&b, (struct iothub_device_options){.max_sends = 2});
    assert_int_equal(send_text(&b, "one"), IOTHUB_OK);
    assert_int_equal(send_text(&b, "two"), IOTHUB_OK);
    assert_int_equal(send_text(&b, "three"), IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED);
    go_up(&b);
    UNTIL(&b, b.n_sent == 2);
    assert_int_equal(send_text(&b, "three"), IOTHUB_OK);
    teardown(&b);
}

static void large_message_passes_and_a_larger_one_is_refused(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    go_up(&b);
    char *payload = calloc(1, 256 * 1024 + 1);
    struct iothub_device_message message = {.payload = payload, .payload_len = 256 * 1024};
    assert_int_equal(iothub_device_send(b.client, &message, on_sent, &b), IOTHUB_OK);
    UNTIL(&b, b.n_sent == 1);
    message.payload_len++;
    assert_int_equal(iothub_device_send(b.client, &message, on_sent, &b),
                     IOTHUB_MESSAGE_TOO_LARGE);
    message.payload_len = 256 * 1024;
    message.message_id = "x";
    assert_int_equal(iothub_device_send(b.client, &message, on_sent, &b),
                     IOTHUB_MESSAGE_TOO_LARGE);
    free(payload);
    teardown(&b);
}

static void bad_messages_are_refused_here(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    struct iothub_device_message message = {.message_id = "with blank"};
    assert_int_equal(iothub_device_send(b.client, &message, NULL, NULL), IOTHUB_BAD_ARGUMENT);
    const struct iothub_device_property nameless = {"", "x"};
    message = (struct iothub_device_message){.properties = &nameless, .n_properties = 1};
    assert_int_equal(iothub_device_send(b.client, &message, NULL, NULL), IOTHUB_BAD_ARGUMENT);
    message = (struct iothub_device_message){.payload_len = 1};
    assert_int_equal(iothub_device_send(b.client, &message, NULL, NULL), IOTHUB_BAD_ARGUMENT);
    char *value = calloc(1, 70 * 1024);
    memset(value, 'v', 70 * 1024 - 1);
    const struct iothub_device_property long_one = {"n", value};
    message = (struct iothub_device_message){.properties = &long_one, .n_properties = 1};
    assert_int_equal(iothub_device_send(b.client, &message, NULL, NULL),
                     IOTHUB_MESSAGE_TOO_LARGE);
    free(value);
    message = (struct iothub_device_message){0};
    assert_int_equal(iothub_device_send(b.client, &message, NULL, NULL), IOTHUB_OK);
    teardown(&b);
}

static enum iothub_device_answering poll_inside(void *ctx,
                                                const struct iothub_device_method *method,
                                                struct iothub_device_answer *answer)
{
    (void)method;
    (void)answer;
    struct bench *b = ctx;
    b->n_methods++;
    assert_int_equal(iothub_device_poll(b->client, 0), IOTHUB_INVALID_OPERATION);
    iothub_device_disconnect(b->client);
    return IOTHUB_DEVICE_ANSWER_NOW;
}

static void callback_may_disconnect_but_not_poll(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    iothub_device_on_method(b.client, poll_inside, &b);
    go_up(&b);
    fake_hub_publish(&b.hub, "$iothub/methods/POST/x/?$rid=1", "");
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_IDLE));
    assert_int_equal(b.n_methods, 1);
    UNTIL(&b, b.hub.n_disconnects == 1);
    teardown(&b);
}

static void quiet_connection_is_kept_alive(void **state)
{
    (void)state;
    struct bench b;
    setup_with(&b, (struct iothub_device_options){.keep_alive_s = 5});
    go_up(&b);
    /* libmosquitto reads its own clock: the ping comes when five seconds have really passed. */
    UNTIL(&b, b.hub.n_pings == 1);
    assert_int_equal(b.hub.n_connects, 1);
    teardown(&b);
}

/* A TLS hub named hub.example.net, and a file with the certificate to trust. */
static void setup_tls(struct bench *b, const char *name, char ca_file[64])
{
    *b = (struct bench){
        .answer = {200, NULL}
    };
    (void)snprintf(ca_file, 64, "/tmp/iothub-device-ca-XXXXXX");
    int fd = mkstemp(ca_file);
    assert_true(fd >= 0);
    fake_hub_init(&b->hub, fake_hub_make_tls(name, fd));
    (void)close(fd);
}

static void connect_tls(struct bench *b, const char *ca_file)
{
    const struct iothub_device_options options = {.connection_string = DEVICE,
                                                  .address = "127.0.0.1",
                                                  .port = b->hub.port,
                                                  .ca_file = ca_file,
                                                  .backoff_min_ms = 1,
                                                  .backoff_max_ms = 5,
                                                  .connect_timeout_ms = 5000};
    struct iothub_device_error error;
    if (iothub_device_create(&options, &error, &b->client) != IOTHUB_OK) {
        fail_msg("%s", error.text);
    }
    iothub_device_on_connection(b->client, on_connection, b);
    assert_int_equal(iothub_device_connect(b->client), IOTHUB_OK);
}

static void tls_asks_for_and_verifies_the_host_name_at_any_address(void **state)
{
    (void)state;
    struct bench b;
    char ca_file[64];
    setup_tls(&b, "hub.example.net", ca_file);
    connect_tls(&b, ca_file);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_string_equal(b.hub.server_name, "hub.example.net");
    assert_int_equal(send_text(&b, "over TLS"), IOTHUB_OK);
    UNTIL(&b, b.n_sent == 1);
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, b.hub.n_connects == 2 && is_in(&b, IOTHUB_DEVICE_CONNECTED));
    iothub_device_disconnect(b.client);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_IDLE));
    teardown(&b);
    (void)unlink(ca_file);
}

static void certificate_for_another_name_is_not_trusted(void **state)
{
    (void)state;
    struct bench b;
    char ca_file[64];
    setup_tls(&b, "other.example.net", ca_file);
    connect_tls(&b, ca_file);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_TLS_FAILED);
    assert_non_null(strstr(b.text, "hostname mismatch"));
    assert_int_equal(b.hub.n_connects, 0);
    teardown(&b);
    (void)unlink(ca_file);
}

static void certificate_of_a_stranger_is_not_trusted(void **state)
{
    (void)state;
    struct bench b;
    char ca_file[64];
    setup_tls(&b, "hub.example.net", ca_file);
    connect_tls(&b, NULL);
    UNTIL(&b, is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_TLS_FAILED);
    assert_int_equal(b.hub.n_connects, 0);
    teardown(&b);
    (void)unlink(ca_file);
}

static void tls_server_that_hangs_up_or_is_none_is_reported(void **state)
{
    (void)state;
    struct bench b = {0};
    fake_hub_init(&b.hub, NULL);
    const char *ca_file = NULL;
    connect_tls(&b, ca_file);
    /* The bytes of a handshake are no MQTT packet: hang up as soon as something is connected.
     */
    int64_t end_ms = now_ms() + PATIENCE_MS;
    while (!is_in(&b, IOTHUB_DEVICE_WAITING) && now_ms() < end_ms) {
        assert_int_equal(iothub_device_poll(b.client, 1), IOTHUB_OK);
        int fd = accept(b.hub.listener, NULL, NULL);
        if (fd >= 0) {
            char byte = 0;
            (void)recv(fd, &byte, 1, 0);
            (void)close(fd);
        }
    }
    assert_true(b.status == IOTHUB_TLS_FAILED || b.status == IOTHUB_CONNECTION_FAILED);
    teardown(&b);
}

static void file_that_is_no_certificate_is_named(void **state)
{
    (void)state;
    struct iothub_device *client = NULL;
    struct iothub_device_error error;
    const struct iothub_device_options options = {.connection_string = DEVICE,
                                                  .ca_file = "/dev/null"};
    assert_int_equal(iothub_device_create(&options, &error, &client), IOTHUB_TLS_FAILED);
    assert_non_null(strstr(error.text, "/dev/null"));
    assert_null(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_says_what_the_sdks_say),
        cmocka_unit_test(clean_session_and_keep_alive_are_passed_on),
        cmocka_unit_test(only_what_was_asked_for_is_subscribed),
        cmocka_unit_test(connected_is_reported_after_the_suback),
        cmocka_unit_test(refused_subscription_is_a_lost_connection),
        cmocka_unit_test(refusal_ends_the_first_attempt),
        cmocka_unit_test(refused_client_can_connect_again),
        cmocka_unit_test(unavailable_hub_is_tried_again),
        cmocka_unit_test(refusal_after_a_connection_is_tried_again),
        cmocka_unit_test(port_nobody_listens_on_is_tried_again),
        cmocka_unit_test(next_address_of_the_host_is_tried_at_once),
        cmocka_unit_test(host_without_an_address_is_reported),
        cmocka_unit_test(silent_hub_is_given_up),
        cmocka_unit_test(hub_that_breaks_the_protocol_is_given_up),
        cmocka_unit_test(disconnect_takes_leave),
        cmocka_unit_test(leave_is_taken_without_a_pause),
        cmocka_unit_test(disconnect_during_an_attempt_ends_it),
        cmocka_unit_test(subscriptions_are_made_again_after_a_loss),
        cmocka_unit_test(token_is_renewed_by_reconnecting),
        cmocka_unit_test(method_is_answered_by_its_function),
        cmocka_unit_test(method_without_payload_has_an_empty_one),
        cmocka_unit_test(method_is_answered_later),
        cmocka_unit_test(answer_does_not_cross_connections),
        cmocka_unit_test(answer_that_is_not_json_becomes_a_500),
        cmocka_unit_test(method_nobody_handles_is_answered_with_501),
        cmocka_unit_test(desired_patch_arrives_with_its_version),
        cmocka_unit_test(twin_is_fetched_under_a_request_id),
        cmocka_unit_test(report_made_before_the_connection_waits_for_it),
        cmocka_unit_test(refused_report_tells_the_hubs_words),
        cmocka_unit_test(unanswered_request_is_asked_again_over_the_next_connection),
        cmocka_unit_test(unanswered_request_times_out),
        cmocka_unit_test(bad_reports_are_refused_here),
        cmocka_unit_test(message_is_sent_with_its_properties_and_acknowledged),
        cmocka_unit_test(messages_wait_for_a_connection_in_order),
        cmocka_unit_test(unacknowledged_messages_are_repeated_before_newer_ones),
        cmocka_unit_test(full_outbox_says_so),
        cmocka_unit_test(large_message_passes_and_a_larger_one_is_refused),
        cmocka_unit_test(bad_messages_are_refused_here),
        cmocka_unit_test(callback_may_disconnect_but_not_poll),
        cmocka_unit_test(quiet_connection_is_kept_alive),
        cmocka_unit_test(tls_asks_for_and_verifies_the_host_name_at_any_address),
        cmocka_unit_test(certificate_for_another_name_is_not_trusted),
        cmocka_unit_test(certificate_of_a_stranger_is_not_trusted),
        cmocka_unit_test(tls_server_that_hangs_up_or_is_none_is_reported),
        cmocka_unit_test(file_that_is_no_certificate_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
