/*
 * Connections against a hub that the test plays: what is said, who is refused, what is tried
 * again, and how tokens are renewed.
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
#include "device/src/client.h"
#include "unit/device/bench.h"

static void connect_says_what_the_sdks_say(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
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
    bench_finish(&b);
}

static void clean_session_and_keep_alive_are_passed_on(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b,
                    (struct iothub_device_options){.clean_session = true, .keep_alive_s = 60});
    bench_go_up(&b);
    assert_true(b.hub.is_clean_session);
    assert_int_equal(b.hub.keep_alive_s, 60);
    bench_finish(&b);
}

static void only_what_was_asked_for_is_subscribed(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.connection_string = BENCH_MODULE});
    iothub_device_on_desired(b.client, bench_on_desired, &b);
    bench_go_up(&b);
    assert_string_equal(b.hub.client_id, "dev-1/mod");
    assert_int_equal(b.hub.n_filters, 1);
    assert_true(fake_hub_has_filter(&b.hub, TOPIC_FILTER_DESIRED));
    iothub_device_on_method(b.client, bench_on_method, &b);
    UNTIL(&b, b.hub.n_filters == 2);
    assert_true(fake_hub_has_filter(&b.hub, TOPIC_FILTER_METHODS));
    iothub_device_on_method(b.client, NULL, NULL);
    UNTIL(&b, b.hub.n_unsubscribes == 1);
    bench_finish(&b);
}

static void connected_is_reported_after_the_suback(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.hub.is_holding_subacks = true;
    iothub_device_on_method(b.client, bench_on_method, &b);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_filters == 1);
    bench_turn(&b);
    assert_int_equal(iothub_device_state(b.client), IOTHUB_DEVICE_CONNECTING);
    fake_hub_send(&b.hub, "\x90\x03\x00\x01\x00", 5);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    bench_finish(&b);
}

static void refused_subscription_is_a_lost_connection(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.hub.suback = 0x80;
    iothub_device_on_method(b.client, bench_on_method, &b);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_UNEXPECTED_ANSWER);
    bench_finish(&b);
}

static void refusal_ends_the_first_attempt(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.hub.connack = 5;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_IDLE));
    assert_int_equal(b.status, IOTHUB_UNAUTHORIZED);
    assert_int_equal(b.hub.n_connects, 1);
    assert_int_equal(iothub_device_deadline_ms(b.client), -1);
    assert_int_equal(iothub_device_fd(b.client), -1);
    bench_finish(&b);
}

static void refused_client_can_connect_again(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.hub.connack = 5;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_IDLE));
    b.hub.connack = 0;
    bench_go_up(&b);
    bench_finish(&b);
}

static void unavailable_hub_is_tried_again(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.hub.connack = 3;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_connects == 3);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_SERVICE_UNAVAILABLE);
    b.hub.connack = 0;
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    bench_finish(&b);
}

static void refusal_after_a_connection_is_tried_again(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    b.hub.connack = 5;
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, b.hub.n_connects == 3);
    b.hub.connack = 0;
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    bench_finish(&b);
}

static void port_nobody_listens_on_is_tried_again(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    (void)close(b.hub.listener);
    b.hub.listener = -1;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.n_states >= 4);
    assert_int_equal(b.states[1], IOTHUB_DEVICE_WAITING);
    assert_int_equal(b.states[2], IOTHUB_DEVICE_CONNECTING);
    assert_int_equal(b.states[3], IOTHUB_DEVICE_WAITING);
    assert_int_equal(b.status, IOTHUB_CONNECTION_FAILED);
    assert_non_null(strstr(b.text, "Connection refused"));
    bench_finish(&b);
}

static void next_address_of_the_host_is_tried_at_once(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.backoff_min_ms = 3600000,
                                                       .backoff_max_ms = 3600000});
    /* As the resolver would have answered: nobody listens at the first of the two. */
    struct addresses *addresses = &b.client->link.addresses;
    (void)snprintf(addresses->texts[0], sizeof(addresses->texts[0]), "127.0.0.2");
    (void)snprintf(addresses->texts[1], sizeof(addresses->texts[1]), "127.0.0.1");
    addresses->n_texts = 2;
    bench_go_up(&b);
    assert_int_equal(b.states[1], IOTHUB_DEVICE_WAITING);
    bench_finish(&b);
}

static void host_without_an_address_is_reported(void **state)
{
    (void)state;
    struct bench b = {0};
    fake_hub_init(&b.hub, NULL);
    const struct iothub_device_options options = {
        .connection_string = BENCH_DEVICE, .address = "no.such.host.invalid", .is_plain = true};
    assert_int_equal(iothub_device_create(&options, NULL, &b.client), IOTHUB_OK);
    iothub_device_on_connection(b.client, bench_on_connection, &b);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_CONNECTION_FAILED);
    assert_non_null(strstr(b.text, "no address"));
    bench_finish(&b);
}

static void silent_hub_is_given_up(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.connect_timeout_ms = 30});
    b.hub.connack = -1;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_TIMED_OUT);
    UNTIL(&b, b.hub.n_connects == 2);
    bench_finish(&b);
}

static void hub_that_breaks_the_protocol_is_given_up(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.hub.connack = -1;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_connects == 1);
    fake_hub_send(&b.hub, "\xf0\x00", 2);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_UNEXPECTED_ANSWER);
    bench_finish(&b);
}

static void disconnect_takes_leave(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    iothub_device_disconnect(b.client);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_IDLE));
    assert_int_equal(b.status, IOTHUB_OK);
    UNTIL(&b, b.hub.n_disconnects == 1);
    bench_go_up(&b);
    assert_int_equal(b.hub.n_connects, 2);
    bench_finish(&b);
}

static void leave_is_taken_without_a_pause(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    bench_go_up(&b);
    iothub_device_disconnect(b.client);
    assert_int_equal(iothub_device_deadline_ms(b.client), 0);
    assert_int_equal(iothub_device_poll(b.client, -1), IOTHUB_OK);
    assert_true(bench_is_in(&b, IOTHUB_DEVICE_IDLE));
    bench_finish(&b);
}

static void disconnect_during_an_attempt_ends_it(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.hub.connack = -1;
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_connects == 1);
    iothub_device_disconnect(b.client);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_IDLE));
    assert_int_equal(b.hub.n_connects, 1);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_INVALID_OPERATION);
    bench_finish(&b);
}

static void subscriptions_are_made_again_after_a_loss(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    iothub_device_on_method(b.client, bench_on_method, &b);
    iothub_device_on_desired(b.client, bench_on_desired, &b);
    bench_go_up(&b);
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, b.hub.n_connects == 2 && bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_int_equal(b.hub.n_filters, 2);
    assert_true(fake_hub_has_filter(&b.hub, TOPIC_FILTER_METHODS));
    assert_true(fake_hub_has_filter(&b.hub, TOPIC_FILTER_DESIRED));
    assert_int_equal(b.n_patches, 0);
    bench_finish(&b);
}

static void token_is_renewed_by_reconnecting(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    const struct clock clock = {0};
    struct moment start = clock_read(&clock);
    clock_fake(&b.client->clock, start.at_ms);
    bench_go_up(&b);
    char first[sizeof(b.hub.password)];
    memcpy(first, b.hub.password, sizeof(first));
    clock_advance(&b.client->clock, 3600 * 800 - 1);
    bench_turn(&b);
    bench_turn(&b);
    assert_int_equal(b.hub.n_disconnects, 0);
    clock_advance(&b.client->clock, 1);
    UNTIL(&b, b.hub.n_connects == 2 && bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_int_equal(b.hub.n_disconnects, 1);
    assert_string_not_equal(first, b.hub.password);
    /* Nobody is told that the connection was lost: it was not. */
    assert_int_equal(b.n_states, 4);
    assert_int_equal(b.states[2], IOTHUB_DEVICE_CONNECTING);
    assert_int_equal(b.states[3], IOTHUB_DEVICE_CONNECTED);
    bench_finish(&b);
}

#define SIGNATURE(number) "SharedAccessSignature sr=h%2Fdevices%2Fdev-1&sig=" number "&se=1"
#define WITH_SIGNATURE \
    "HostName=hub.example.net;DeviceId=dev-1;SharedAccessSignature=" SIGNATURE("1")

static void newer_signature_is_taken_by_reconnecting(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.connection_string = WITH_SIGNATURE});
    bench_go_up(&b);
    assert_string_equal(b.hub.password, SIGNATURE("1"));
    assert_int_equal(iothub_device_renew_signature(b.client, SIGNATURE("2")), IOTHUB_OK);
    UNTIL(&b, b.hub.n_connects == 2 && bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_string_equal(b.hub.password, SIGNATURE("2"));
    assert_int_equal(b.hub.n_disconnects, 1);
    assert_int_equal(b.n_states, 4);
    assert_int_equal(b.states[2], IOTHUB_DEVICE_CONNECTING);
    bench_turn(&b);
    assert_int_equal(b.hub.n_connects, 2);
    bench_finish(&b);
}

static void newer_signature_waits_for_an_attempt_that_is_under_way(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.connection_string = WITH_SIGNATURE});
    b.hub.is_holding_subacks = true;
    iothub_device_on_desired(b.client, bench_on_desired, &b);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_subscribes == 1);
    assert_int_equal(iothub_device_renew_signature(b.client, SIGNATURE("2")), IOTHUB_OK);
    bench_turn(&b);
    assert_int_equal(b.hub.n_connects, 1);
    fake_hub_hang_up(&b.hub);
    b.hub.is_holding_subacks = false;
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_string_equal(b.hub.password, SIGNATURE("2"));
    assert_int_equal(b.hub.n_connects, 2);
    bench_finish(&b);
}

/* The last moment for it: the connection is about to be opened. */
static void renew_while_connecting(void *ctx, enum iothub_device_state state,
                                   enum iothub_status status, const char *text)
{
    struct bench *b = ctx;
    if (state == IOTHUB_DEVICE_CONNECTING) {
        assert_int_equal(iothub_device_renew_signature(b->client, SIGNATURE("2")), IOTHUB_OK);
    }
    bench_on_connection(b, state, status, text);
}

static void newer_signature_may_come_from_the_callback(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.connection_string = WITH_SIGNATURE});
    iothub_device_on_connection(b.client, renew_while_connecting, &b);
    bench_go_up(&b);
    assert_string_equal(b.hub.password, SIGNATURE("2"));
    bench_turn(&b);
    bench_turn(&b);
    assert_int_equal(b.hub.n_connects, 1);
    assert_int_equal(b.hub.n_disconnects, 0);
    bench_finish(&b);
}

static void newer_signature_ends_the_pause_between_attempts(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.connection_string = WITH_SIGNATURE,
                                                       .backoff_min_ms = 3600000,
                                                       .backoff_max_ms = 3600000});
    const struct clock clock = {0};
    clock_fake(&b.client->clock, clock_read(&clock).at_ms);
    bench_go_up(&b);
    b.hub.connack = 5;
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_WAITING));
    b.hub.connack = 0;
    assert_int_equal(iothub_device_renew_signature(b.client, SIGNATURE("2")), IOTHUB_OK);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_string_equal(b.hub.password, SIGNATURE("2"));
    bench_finish(&b);
}

/* It failed with the old one, so that is no reason to pause. */
static void newer_signature_ends_the_pause_after_an_attempt_that_failed(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.connection_string = WITH_SIGNATURE,
                                                       .backoff_min_ms = 3600000,
                                                       .backoff_max_ms = 3600000});
    const struct clock clock = {0};
    clock_fake(&b.client->clock, clock_read(&clock).at_ms);
    b.hub.is_holding_subacks = true;
    iothub_device_on_desired(b.client, bench_on_desired, &b);
    assert_int_equal(iothub_device_connect(b.client), IOTHUB_OK);
    UNTIL(&b, b.hub.n_subscribes == 1);
    assert_int_equal(iothub_device_renew_signature(b.client, SIGNATURE("2")), IOTHUB_OK);
    fake_hub_hang_up(&b.hub);
    b.hub.is_holding_subacks = false;
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_string_equal(b.hub.password, SIGNATURE("2"));
    assert_int_equal(b.hub.n_connects, 2);
    bench_finish(&b);
}

static void only_signatures_are_renewed_by_signatures(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    assert_int_equal(iothub_device_renew_signature(b.client, SIGNATURE("2")),
                     IOTHUB_INVALID_OPERATION);
    bench_finish(&b);
    bench_init_with(&b, (struct iothub_device_options){.connection_string = WITH_SIGNATURE});
    assert_int_equal(iothub_device_renew_signature(b.client, NULL), IOTHUB_BAD_ARGUMENT);
    assert_int_equal(iothub_device_renew_signature(b.client, "sr=h&sig=2&se=1"),
                     IOTHUB_BAD_ARGUMENT);
    bench_go_up(&b);
    assert_string_equal(b.hub.password, SIGNATURE("1"));
    bench_finish(&b);
}

static void quiet_connection_is_kept_alive(void **state)
{
    (void)state;
    struct bench b;
    bench_init_with(&b, (struct iothub_device_options){.keep_alive_s = 5});
    bench_go_up(&b);
    /* libmosquitto reads its own clock: the ping comes when five seconds have really passed. */
    UNTIL(&b, b.hub.n_pings == 1);
    assert_int_equal(b.hub.n_connects, 1);
    bench_finish(&b);
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
        cmocka_unit_test(newer_signature_is_taken_by_reconnecting),
        cmocka_unit_test(newer_signature_waits_for_an_attempt_that_is_under_way),
        cmocka_unit_test(newer_signature_may_come_from_the_callback),
        cmocka_unit_test(newer_signature_ends_the_pause_between_attempts),
        cmocka_unit_test(newer_signature_ends_the_pause_after_an_attempt_that_failed),
        cmocka_unit_test(only_signatures_are_renewed_by_signatures),
        cmocka_unit_test(quiet_connection_is_kept_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
