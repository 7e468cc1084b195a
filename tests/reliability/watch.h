/*
 * What the system says of a running process.
 */
#ifndef RELIABILITY_WATCH_H
#define RELIABILITY_WATCH_H

#include <stdint.h>
#include <sys/types.h>

/* Resident. */
double watch_memory_bytes(pid_t pid);

/* Open ones. */
int watch_descriptors(pid_t pid);

/* Of the processors, in its own and in the system's name, since it began. */
int64_t watch_cpu_ms(pid_t pid);

#endif
