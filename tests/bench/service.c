/*
 * Finding the emulator by its ready file.
 */
#include "bench/service.h"

#include <jansson.h>
#include <stdio.h>

#define PATH_SIZE  1024
#define TIMEOUT_MS 120000

struct iothub_service *bench_service_create(const struct bench *bench)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/" BENCH_READY_FILE, bench->folder);
    json_t *ready = json_load_file(path, 0, NULL);
    const struct iothub_service_options options = {
        .connection_string = json_string_value(json_object_get(ready, "connectionString")),
        .port = (unsigned)json_integer_value(json_object_get(ready, "httpPort")),
        .is_plain = true,
        .timeout_ms = TIMEOUT_MS,
    };
    struct iothub_service *service = NULL;
    char *why = NULL;
    if (iothub_service_create(&options, &why, &service) != IOTHUB_OK) {
        bench_fail(bench, "%s", why == NULL ? "no client" : why);
    }
    json_decref(ready);
    return service;
}

void bench_service_check(const struct bench *bench, const struct iothub_service *service,
                         enum iothub_status status, const char *what)
{
    if (status != IOTHUB_OK) {
        bench_fail(bench, "%s: %s: %s", what, iothub_status_name(status),
                   iothub_service_error_text(service));
    }
}
