/*
 * What is measured.  Each starts the servers it needs, measures ours and the yardstick by
 * turns, and ends them.
 */
#ifndef BENCH_SCENES_H
#define BENCH_SCENES_H

#include <stddef.h>
#include <stdint.h>

#include "bench/report.h"

struct sizes {
    size_t n_rounds;
    int64_t round_us;   /* of measurements by rate */
    size_t n_samples;   /* a round, of measurements by latency */
    size_t n_telemetry; /* devices */
    size_t n_callers;   /* of direct methods at once */
    size_t n_connect;   /* in plain */
    size_t n_connect_tls;
    size_t n_connect_rounds;
    size_t n_job; /* devices */
    size_t n_job_rounds;
    size_t n_starts;
};

struct setting {
    const char *program; /* the emulator */
    const char *folder;  /* for all that is written; empty at first */
    const char *azurite; /* its main file; NULL: it is not there */
    const struct sizes *sizes;
    struct report *report;
};

void measure_telemetry(const struct setting *setting);
void measure_connect(const struct setting *setting);
void measure_twin(const struct setting *setting);
void measure_method(const struct setting *setting);
void measure_job(const struct setting *setting);
void measure_start(const struct setting *setting);

/* setting->folder "/" name; to be freed. */
char *setting_path(const struct setting *setting, const char *name);

#endif
