/*
 * Many devices work for a long time, leave, come back and take over from themselves: the
 * emulator's memory and descriptors stay as they are, and it has nothing to complain of.
 *
 * IOTHUB_TEST_MINUTES and IOTHUB_TEST_DEVICES make it as long and as broad as wanted; without
 * them it is a short form in which memory has no time to show anything, so it is only printed.
 * ./dev soak runs the long form.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "reliability/load.h"
#include "reliability/watch.h"

enum {
    SHORT_MS = 10000,
    SHORT_DEVICES = 100,
    LONG_DEVICES = 2000,
    MINUTE_MS = 60000,
    TURN_MS = 20,
    ACTS = 8,         /* of devices, in a turn */
    PAUSE_MS = 50,    /* of a caller */
    LEAVE_ONE_IN = 8, /* turns */
    TAKE_OVER_ONE_IN = 32,
    SAMPLES = 60,
    /* What is always open, and connections that the emulator has not yet seen the end of. */
    DESCRIPTORS_SLACK = 12,
};

/* What a flat line may still rise from the first third's end to the last sample. */
#define RISE_BYTES_MAX (3.0 * 1024 * 1024)

struct sample {
    double at_s;
    double memory_bytes;
    int descriptors; /* besides those of the test's connections */
};

struct soak {
    struct emulator e;
    struct load *load;
    int64_t length_ms;
    struct sample samples[SAMPLES];
    int n_samples;
    int n_away;
};

/* ---- looking ---- */

static int connections_of(const struct load *load)
{
    int n = 0;
    for (int i = 0; i < load->n_devices; i++) {
        n += load->devices[i].is_connected ? 1 : 0;
    }
    for (int i = 0; i < LOAD_ROLES; i++) {
        n += load->callers[i].is_open ? 1 : 0;
    }
    return n;
}

static void take_sample(struct soak *s, int64_t begin_ms)
{
    pid_t pid = s->e.process->pid;
    struct sample *sample = &s->samples[s->n_samples++];
    *sample = (struct sample){
        .at_s = (double)(scene_now_ms() - begin_ms) / 1000,
        .memory_bytes = watch_memory_bytes(pid),
        .descriptors = watch_descriptors(pid) - connections_of(s->load),
    };
    print_message("%6.0f s  %7.0f KiB  %d + %d descriptors  %" PRIu64 " events  %" PRIu64
                  " messages  %" PRIu64 " calls  %d jobs\n",
                  sample->at_s, sample->memory_bytes / 1024, connections_of(s->load),
                  sample->descriptors, s->load->n_acked, s->load->n_taken, s->load->n_called,
                  s->load->n_jobs);
}

/* ---- working ---- */

static void take_over(struct load *load, struct load_device *device)
{
    struct mqtt_peer old = device->peer;
    load_connect_device(load, device);
    mqtt_peer_close(&old);
}

static void come_and_go(struct soak *s)
{
    struct load *load = s->load;
    struct load_device *device = &load->devices[chance_below(&load->chance, load->n_devices)];
    if (device->is_connected && chance_one_in(&load->chance, LEAVE_ONE_IN)) {
        load_drop_device(device);
        s->n_away++;
    } else if (device->is_connected && chance_one_in(&load->chance, TAKE_OVER_ONE_IN)) {
        take_over(load, device);
    }
    /* Whoever is met while away comes back. */
    for (int i = 0; i < ACTS; i++) {
        device = &load->devices[chance_below(&load->chance, load->n_devices)];
        if (!device->is_connected) {
            load_connect_device(load, device);
        }
        load_act(load, device);
    }
}

/* Their tokens do not last for ever, and HTTP connections are to come and go too. */
static void renew_callers(struct load *load)
{
    for (int i = 0; i < LOAD_ROLES; i++) {
        struct load_caller *caller = &load->callers[i];
        if (!caller->is_busy || !caller->is_open) {
            if (caller->is_open) {
                http_peer_close(&caller->peer);
            }
            *caller = (struct load_caller){.role = caller->role, .is_open = true};
            http_peer_open(&caller->peer, load->e);
        }
    }
}

static void work(struct soak *s)
{
    struct load *load = s->load;
    int64_t begin_ms = scene_now_ms();
    int64_t every_ms = s->length_ms / SAMPLES;
    int64_t sample_ms = begin_ms + every_ms;
    int64_t turn_ms = begin_ms;
    while (s->n_samples < SAMPLES) {
        load_ask(load);
        come_and_go(s);
        turn_ms += TURN_MS;
        do {
            int64_t left_ms = turn_ms - scene_now_ms();
            load_take(load, left_ms > 0 ? (int)left_ms : 0);
        } while (scene_now_ms() < turn_ms);
        if (scene_now_ms() >= sample_ms) {
            take_sample(s, begin_ms);
            renew_callers(load);
            sample_ms += every_ms;
        }
    }
}

/* ---- judging ---- */

/* How far a line through the samples rises from the first of them to the last. */
static double rise_of(const struct sample *samples, int n)
{
    double mean_t = 0;
    double mean_y = 0;
    double product = 0;
    double square = 0;
    for (int i = 0; i < n; i++) {
        mean_t += samples[i].at_s / n;
        mean_y += samples[i].memory_bytes / n;
    }
    for (int i = 0; i < n; i++) {
        double t = samples[i].at_s - mean_t;
        product += t * (samples[i].memory_bytes - mean_y);
        square += t * t;
    }
    return square > 0 ? product / square * (samples[n - 1].at_s - samples[0].at_s) : 0;
}

static void expect_flat(const struct soak *s, bool is_long)
{
    const struct sample *rest = &s->samples[SAMPLES / 3];
    double rise = rise_of(rest, SAMPLES - SAMPLES / 3);
    print_message("memory rises by %.0f KiB over the last two thirds\n", rise / 1024);
    if (is_long && rise > RISE_BYTES_MAX) {
        fail_msg("memory is not flat: %.0f KiB more", rise / 1024);
    }
    for (int i = 1; i < SAMPLES; i++) {
        int more = s->samples[i].descriptors - s->samples[0].descriptors;
        if (more > DESCRIPTORS_SLACK) {
            fail_msg("sample %d: %d descriptors more than at first", i, more);
        }
    }
}

static void hub_stays_as_it_is_while_devices_work(void **state)
{
    struct soak *s = mem_alloc(sizeof(*s));
    int64_t minutes = environment_number("IOTHUB_TEST_MINUTES", 0);
    int64_t n_devices =
        environment_number("IOTHUB_TEST_DEVICES", minutes == 0 ? SHORT_DEVICES : LONG_DEVICES);
    s->length_ms = minutes == 0 ? SHORT_MS : minutes * MINUTE_MS;
    s->load = mem_alloc(sizeof(*s->load));
    struct chance chance = chance_begin();
    emulator_init(&s->e, *state);
    emulator_start(&s->e, TEXTS("--log-level", "warning", "--max-connections", "10000"));
    load_init(s->load, &s->e, chance, (int)n_devices);
    s->load->is_bounded = true;
    s->load->pause_ms = PAUSE_MS;
    load_connect(s->load);
    work(s);
    if (s->load->n_refused != 0) {
        fail_msg("%d requests were refused; the last one: %s", s->load->n_refused,
                 s->load->refusal);
    }
    assert_true(s->n_away != 0 && s->load->n_acked != 0 && s->load->n_taken != 0);
    assert_true(s->load->n_called != 0 && s->load->n_reported != 0);
    load_finish(s->load);
    emulator_stop(&s->e);
    assert_string_equal(process_text(s->e.process, PROCESS_ERR), "");
    expect_flat(s, minutes != 0);
    free(s->load);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(hub_stays_as_it_is_while_devices_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
