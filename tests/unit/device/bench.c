/*
 * A client, the hub it talks to, and notes of what the client said.
 */
#include "unit/device/bench.h"

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

void bench_on_connection(void *ctx, enum iothub_device_state state, enum iothub_status status,
                         const char *text)
{
    struct bench *b = ctx;
    assert_true(b->n_states < ARRAY_LEN(b->states));
    b->states[b->n_states++] = state;
    b->status = status;
    (void)snprintf(b->text, sizeof(b->text), "%s", text);
}

enum iothub_device_answering bench_on_method(void *ctx,
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

void bench_on_desired(void *ctx, const char *patch, size_t patch_len, int64_t version)
{
    struct bench *b = ctx;
    b->n_patches++;
    assert_int_equal(strlen(patch), patch_len);
    (void)snprintf(b->patch, sizeof(b->patch), "%s", patch);
    b->patch_version = version;
}

void bench_on_sent(void *ctx)
{
    struct bench *b = ctx;
    b->n_sent++;
}

void bench_on_result(void *ctx, const struct iothub_device_twin_result *result)
{
    struct bench *b = ctx;
    b->n_results++;
    b->result_status = result->status;
    b->result_version = result->version;
    (void)snprintf(b->result_document, sizeof(b->result_document), "%s", result->document);
    (void)snprintf(b->result_text, sizeof(b->result_text), "%s", result->text);
}

/* A client of a plain hub, short pauses, not connected yet. */
void bench_init_with(struct bench *b, struct iothub_device_options options)
{
    *b = (struct bench){
        .answer = {200, "{\"ok\":true}"}
    };
    fake_hub_init(&b->hub, NULL);
    options.connection_string = options.connection_string == NULL ? BENCH_DEVICE
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
    iothub_device_on_connection(b->client, bench_on_connection, b);
}

void bench_init(struct bench *b)
{
    bench_init_with(b, (struct iothub_device_options){0});
}

void bench_finish(struct bench *b)
{
    iothub_device_destroy(b->client);
    fake_hub_finish(&b->hub);
}

void bench_turn(struct bench *b)
{
    enum iothub_status status = iothub_device_poll(b->client, 1);
    assert_true(status == IOTHUB_OK || status == IOTHUB_INTERRUPTED);
    fake_hub_turn(&b->hub);
}

int64_t bench_now_ms(void)
{
    const struct clock clock = {0};
    return clock_read(&clock).now_ms;
}

void bench_turn_until(struct bench *b, int64_t end_ms, const char *condition)
{
    if (bench_now_ms() > end_ms) {
        fail_msg("in vain: %s (last state: %s)", condition, b->text);
    }
    bench_turn(b);
}

bool bench_is_in(const struct bench *b, enum iothub_device_state state)
{
    return iothub_device_state(b->client) == state && b->n_states != 0 &&
           b->states[b->n_states - 1] == state;
}

void bench_go_up(struct bench *b)
{
    assert_int_equal(iothub_device_connect(b->client), IOTHUB_OK);
    UNTIL(b, bench_is_in(b, IOTHUB_DEVICE_CONNECTED));
}

enum iothub_status bench_send(struct bench *b, const char *text)
{
    const struct iothub_device_message message = {.payload = text, .payload_len = strlen(text)};
    return iothub_device_send(b->client, &message, bench_on_sent, b);
}

/* A TLS hub named hub.example.net, and a file with the certificate to trust. */
void bench_init_tls(struct bench *b, const char *name, char ca_file[64])
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

void bench_connect_tls(struct bench *b, const char *ca_file)
{
    const struct iothub_device_options options = {.connection_string = BENCH_DEVICE,
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
    iothub_device_on_connection(b->client, bench_on_connection, b);
    assert_int_equal(iothub_device_connect(b->client), IOTHUB_OK);
}
