/*
 * A server under measurement: an emulator on free ports with its files in one folder, or
 * another program that it is compared with.
 */
#ifndef BENCH_LAUNCH_H
#define BENCH_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What is measured, and the one that runs; 0: none. */
struct bench {
    const char *program;
    const char *folder;
    bool is_on_disk; /* the emulator's data; else in memory */
    pid_t pid;
};

/* In the folder, while an emulator runs. */
#define BENCH_READY_FILE "ready.json"

/* End this program, saying why, and the server with it; NULL: those that run end by
 * themselves. */
__attribute__((noreturn, format(printf, 2, 3))) void bench_fail(const struct bench *bench,
                                                                const char *format, ...);

/* Monotonic. */
int64_t bench_now_us(void);

/* Start an emulator and let it run; how long it took to be ready, in microseconds. */
int64_t bench_start(struct bench *bench, const char *data_name);
void bench_end(struct bench *bench);

/* A port of 127.0.0.1 that nobody listens on. */
int bench_free_port(void);

/**
 * Start another program; it is ready when all of the ports accept connections.
 * @param argv  as for execvp(); bench->program is not used.
 */
int64_t bench_start_other(struct bench *bench, char *const argv[], const int *ports, size_t n);
/* End it, whatever status it ends with. */
void bench_end_other(struct bench *bench);

/* "VmRSS", what it holds now, or "VmHWM", the most it ever held; in MiB. */
double bench_memory_mib(const struct bench *bench, const char *which);

/* Processor time it has used, in seconds; of its first thread. */
double bench_cpu_s(const struct bench *bench);

#endif
