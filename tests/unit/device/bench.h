/*
 * A client, the hub it talks to, and notes of what the client said: what the tests of the whole
 * client start from.
 */
#ifndef TESTS_UNIT_DEVICE_BENCH_H
#define TESTS_UNIT_DEVICE_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/src/client.h"
#include "iothub/device.h"
#include "unit/device/fake_hub.h"

#define BENCH_KEY    "MDEyMzQ1Njc4OWFiY2RlZg=="
#define BENCH_DEVICE "HostName=hub.example.net;DeviceId=dev-1;SharedAccessKey=" BENCH_KEY
#define BENCH_MODULE \
    "HostName=hub.example.net;DeviceId=dev-1;ModuleId=mod;SharedAccessKey=" BENCH_KEY

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

/* A client of a plain hub with short pauses, not connected yet. */
void bench_init(struct bench *b);
void bench_init_with(struct bench *b, struct iothub_device_options options);

/* A TLS hub of that name, and a file with the certificate to trust, which the test removes. */
void bench_init_tls(struct bench *b, const char *name, char ca_file[64]);

/* Make a client for it and start to connect; ca_file NULL trusts the system's. */
void bench_connect_tls(struct bench *b, const char *ca_file);

void bench_finish(struct bench *b);

/* Milliseconds of a monotonic clock. */
int64_t bench_now_ms(void);

/* Let both sides do what they can do now. */
void bench_turn(struct bench *b);

/* The same, but fail when the time is over. */
void bench_turn_until(struct bench *b, int64_t end_ms, const char *condition);

/* Nothing on this machine takes longer; a test that waits this long has failed. */
#define BENCH_PATIENCE_MS 10000

/* Turn until the condition holds. */
#define UNTIL(b, condition) \
    for (int64_t end_ms_ = bench_now_ms() + BENCH_PATIENCE_MS; !(condition);) { \
        bench_turn_until(b, end_ms_, #condition); \
    }

/* Whether the client is in that state and has said so. */
bool bench_is_in(const struct bench *b, enum iothub_device_state state);

/* Connect and wait for it. */
void bench_go_up(struct bench *b);

/* Send a message of that text. */
enum iothub_status bench_send(struct bench *b, const char *text);

/* Callbacks that note what they are told; the context is the bench. */
void bench_on_connection(void *ctx, enum iothub_device_state state, enum iothub_status status,
                         const char *text);
enum iothub_device_answering bench_on_method(void *ctx,
                                             const struct iothub_device_method *method,
                                             struct iothub_device_answer *answer);
void bench_on_desired(void *ctx, const char *patch, size_t patch_len, int64_t version);
void bench_on_sent(void *ctx);
void bench_on_result(void *ctx, const struct iothub_device_twin_result *result);

#endif
