/*
 * An emulator under measurement: in memory, on free ports, with its files in one folder.
 */
#ifndef BENCH_LAUNCH_H
#define BENCH_LAUNCH_H

#include <stdint.h>
#include <sys/types.h>

/* What is measured, and the one that runs; 0: none. */
struct bench {
    const char *program;
    const char *folder;
    pid_t pid;
};

/* In the folder, while an emulator runs. */
#define BENCH_READY_FILE "ready.json"

/* End the emulator and this program, saying why. */
__attribute__((noreturn, format(printf, 2, 3))) void bench_fail(const struct bench *bench,
                                                                const char *format, ...);

/* Monotonic. */
int64_t bench_now_us(void);

/* Start an emulator and let it run; how long it took to be ready, in microseconds. */
int64_t bench_start(struct bench *bench, const char *data_name);
void bench_end(struct bench *bench);

/* "VmRSS", what it holds now, or "VmHWM", the most it ever held; in MiB. */
double bench_memory_mib(const struct bench *bench, const char *which);

#endif
