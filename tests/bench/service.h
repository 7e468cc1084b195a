/*
 * A back end of the emulator under measurement.
 */
#ifndef BENCH_SERVICE_H
#define BENCH_SERVICE_H

#include "bench/launch.h"
#include "iothub/service.h"

/* For the emulator that runs, over HTTP without TLS.  The caller destroys it. */
struct iothub_service *bench_service_create(const struct bench *bench);

/* End the program unless the status is good. */
void bench_service_check(const struct bench *bench, const struct iothub_service *service,
                         enum iothub_status status, const char *what);

#endif
