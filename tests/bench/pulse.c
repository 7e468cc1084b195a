/*
 * One round trip begins when the one before has ended.
 */
#include "bench/pulse.h"

#include <stdlib.h>

#include "base/mem.h"

static void begin(struct pulse *pulse)
{
    pulse->begin_us = bench_now_us();
    pulse->begin(pulse);
}

void pulse_beat(struct pulse *pulse)
{
    pulse->took_us[pulse->n_taken++] = bench_now_us() - pulse->begin_us;
    if (pulse->n_taken < pulse->n_samples) {
        begin(pulse);
    } else {
        pulse->load->is_done = true;
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void pulse_measure(struct pulse *pulse, size_t n_samples, struct series *out)
{
    pulse->took_us = mem_array(n_samples, sizeof(*pulse->took_us));
    pulse->n_samples = n_samples;
    pulse->n_taken = 0;
    begin(pulse);
    load_await(pulse->load, "round trips");
    qsort(pulse->took_us, n_samples, sizeof(*pulse->took_us), compare);
    size_t middle = n_samples / 2;
    series_add(out, (double)pulse->took_us[middle]);
    free(pulse->took_us);
}

void pulse_begin_echo(struct pulse *pulse)
{
    device_echo(pulse->device, pulse->payload);
}

static void on_echo(struct device *device, const struct mqtt_publish *publish)
{
    (void)publish;
    pulse_beat(device->fleet->ctx);
}

const struct fleet_ops pulse_echo_ops = {.message = on_echo};
