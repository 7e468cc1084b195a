/*
 * How long an emulator in memory takes from exec until its ready file is there, and how much
 * memory it then holds while nobody speaks to it.
 *
 *     bench_start EMULATOR FOLDER    FOLDER is empty; what is left in it is of no use
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/launch.h"

#define N_RUNS 20
#define IDLE_S 1

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* All runs have a data directory that is there already, or each one of its own that is not. */
static void measure_starts(struct bench *bench, bool is_first, const char *what)
{
    int64_t took_us[N_RUNS];
    for (int i = 0; i < N_RUNS; i++) {
        char data_name[32] = "kept";
        if (is_first) {
            (void)snprintf(data_name, sizeof(data_name), "new-%d", i);
        }
        took_us[i] = bench_start(bench, data_name);
        bench_end(bench);
    }
    qsort(took_us, N_RUNS, sizeof(took_us[0]), compare);
    int64_t two_us = took_us[N_RUNS / 2 - 1] + took_us[N_RUNS / 2];
    (void)printf("%-40s %7.1f %7.1f %7.1f  ms\n", what, (double)two_us / 2000,
                 (double)took_us[0] / 1000, (double)took_us[N_RUNS - 1] / 1000);
}

static void measure_memory(struct bench *bench)
{
    (void)bench_start(bench, "kept");
    (void)sleep(IDLE_S);
    (void)printf("%-40s %7.1f %16s MiB\n", "resident memory, idle",
                 bench_memory_mib(bench, "VmRSS"), "");
    bench_end(bench);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fputs("usage: bench_start EMULATOR FOLDER\n", stderr);
        return 2;
    }
    struct bench bench = {.program = argv[1], .folder = argv[2]};
    (void)bench_start(&bench, "kept");
    bench_end(&bench);
    (void)printf("%-40s %7s %7s %7s\n", "", "median", "least", "most");
    measure_starts(&bench, false, "start to ready");
    measure_starts(&bench, true, "start to ready, making certificates too");
    measure_memory(&bench);
    return 0;
}
