/*
 * Round trips, one after the other: how long the one in the middle takes.
 */
#ifndef BENCH_PULSE_H
#define BENCH_PULSE_H

#include "bench/caller.h"
#include "bench/fleet.h"
#include "bench/report.h"

struct pulse {
    struct load *load;
    /* Begin a round trip; whoever sees its end calls pulse_beat(). */
    void (*begin)(struct pulse *pulse);
    struct device *device;
    struct caller *caller;
    struct slice payload; /* of an echo */
    int64_t *took_us;
    int64_t begin_us;
    size_t n_samples;
    size_t n_taken;
};

void pulse_beat(struct pulse *pulse);

/* Take the samples, and add their median to the series, in microseconds. */
void pulse_measure(struct pulse *pulse, size_t n_samples, struct series *out);

/* An echo through mosquitto: a device publishes to itself. */
extern const struct fleet_ops pulse_echo_ops; /* the fleet's ctx is the pulse */
void pulse_begin_echo(struct pulse *pulse);

#endif
