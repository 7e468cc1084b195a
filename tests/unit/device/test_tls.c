/*
 * TLS against a hub that the test plays: which name is asked for, and which certificates are
 * trusted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "device/src/client.h"
#include "unit/device/bench.h"

static void tls_asks_for_and_verifies_the_host_name_at_any_address(void **state)
{
    (void)state;
    struct bench b;
    char ca_file[64];
    bench_init_tls(&b, "hub.example.net", ca_file);
    bench_connect_tls(&b, ca_file);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_string_equal(b.hub.server_name, "hub.example.net");
    assert_int_equal(bench_send(&b, "over TLS"), IOTHUB_OK);
    UNTIL(&b, b.n_sent == 1);
    fake_hub_hang_up(&b.hub);
    UNTIL(&b, b.hub.n_connects == 2 && bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    iothub_device_disconnect(b.client);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_IDLE));
    bench_finish(&b);
    (void)unlink(ca_file);
}

static void certificate_for_another_name_is_not_trusted(void **state)
{
    (void)state;
    struct bench b;
    char ca_file[64];
    bench_init_tls(&b, "other.example.net", ca_file);
    bench_connect_tls(&b, ca_file);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_TLS_FAILED);
    assert_non_null(strstr(b.text, "hostname mismatch"));
    assert_int_equal(b.hub.n_connects, 0);
    bench_finish(&b);
    (void)unlink(ca_file);
}

static void certificate_of_a_stranger_is_not_trusted(void **state)
{
    (void)state;
    struct bench b;
    char ca_file[64];
    bench_init_tls(&b, "hub.example.net", ca_file);
    bench_connect_tls(&b, NULL);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_int_equal(b.status, IOTHUB_TLS_FAILED);
    assert_int_equal(b.hub.n_connects, 0);
    bench_finish(&b);
    (void)unlink(ca_file);
}

static void tls_tries_the_next_address_too(void **state)
{
    (void)state;
    struct bench b;
    char ca_file[64];
    bench_init_tls(&b, "hub.example.net", ca_file);
    bench_connect_tls(&b, ca_file);
    struct addresses *addresses = &b.client->link.addresses;
    (void)snprintf(addresses->texts[0], sizeof(addresses->texts[0]), "127.0.0.2");
    (void)snprintf(addresses->texts[1], sizeof(addresses->texts[1]), "127.0.0.1");
    addresses->n_texts = 2;
    UNTIL(&b, b.n_states >= 2);
    assert_int_equal(b.states[1], IOTHUB_DEVICE_WAITING);
    assert_int_equal(b.status, IOTHUB_CONNECTION_FAILED);
    UNTIL(&b, bench_is_in(&b, IOTHUB_DEVICE_CONNECTED));
    assert_int_equal(b.n_states, 4);
    bench_finish(&b);
    (void)unlink(ca_file);
}

static void authorities_of_another_client_are_shared(void **state)
{
    (void)state;
    struct bench b;
    char ca_file[64];
    struct iothub_device *first = NULL;
    bench_init_tls(&b, "hub.example.net", ca_file);
    struct iothub_device_options options = {.connection_string = BENCH_DEVICE,
                                            .address = "127.0.0.1",
                                            .port = b.hub.port,
                                            .ca_file = ca_file};
    assert_int_equal(iothub_device_create(&options, NULL, &first), IOTHUB_OK);
    (void)unlink(ca_file);
    options.share_with = first;
    assert_int_equal(iothub_device_create(&options, NULL, &b.client), IOTHUB_OK);
    /* What is shared does not end with the client it came from. */
    iothub_device_destroy(first);
    iothub_device_on_connection(b.client, bench_on_connection, &b);
    bench_go_up(&b);
    bench_finish(&b);
}

static void tls_server_that_hangs_up_is_reported(void **state)
{
    (void)state;
    struct bench b = {0};
    fake_hub_init(&b.hub, NULL);
    bench_connect_tls(&b, NULL);
    /* The bytes of a handshake are no MQTT packet: the test hangs up in the hub's place. */
    int64_t end_ms = bench_now_ms() + BENCH_PATIENCE_MS;
    while (!bench_is_in(&b, IOTHUB_DEVICE_WAITING) && bench_now_ms() < end_ms) {
        assert_int_equal(iothub_device_poll(b.client, 1), IOTHUB_OK);
        int fd = accept(b.hub.listener, NULL, NULL);
        if (fd >= 0) {
            char byte = 0;
            (void)recv(fd, &byte, 1, 0);
            (void)close(fd);
        }
    }
    assert_true(bench_is_in(&b, IOTHUB_DEVICE_WAITING));
    assert_true(b.status == IOTHUB_TLS_FAILED || b.status == IOTHUB_CONNECTION_FAILED);
    bench_finish(&b);
}

static void file_that_is_no_certificate_is_named(void **state)
{
    (void)state;
    struct iothub_device *client = NULL;
    struct iothub_device_error error;
    const struct iothub_device_options options = {.connection_string = BENCH_DEVICE,
                                                  .ca_file = "/dev/null"};
    assert_int_equal(iothub_device_create(&options, &error, &client), IOTHUB_TLS_FAILED);
    assert_non_null(strstr(error.text, "/dev/null"));
    assert_null(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_asks_for_and_verifies_the_host_name_at_any_address),
        cmocka_unit_test(certificate_for_another_name_is_not_trusted),
        cmocka_unit_test(certificate_of_a_stranger_is_not_trusted),
        cmocka_unit_test(tls_tries_the_next_address_too),
        cmocka_unit_test(authorities_of_another_client_are_shared),
        cmocka_unit_test(tls_server_that_hangs_up_is_reported),
        cmocka_unit_test(file_that_is_no_certificate_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
