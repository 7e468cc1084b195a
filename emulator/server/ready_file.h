/*
 * The ready file: there while every listener accepts, for scripts that wait for the emulator
 * and for the verbs that ask a running one.
 *
 *     {"hostName": "127.0.0.1", "mqttPort": 1883, "mqttsPort": 8883, "httpPort": 8080,
 *      "httpsPort": 443, "caFile": "…/ca.pem", "connectionString": "HostName=…", "pid": 4711}
 *
 * The port of a listener that is switched off is null.  The file holds a key and is readable by
 * the user alone; it appears in one step.
 */
#ifndef SERVER_READY_FILE_H
#define SERVER_READY_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

/* Written: texts are borrowed.  Read: they are owned, end it with ready_finish(). */
struct ready {
    char *host_name;
    int64_t mqtt_port; /* 0: switched off */
    int64_t mqtts_port;
    int64_t http_port;
    int64_t https_port;
    char *ca_file; /* NULL is written as null */
    char *connection_string;
    int64_t pid;
};

MUST_CHECK bool ready_file_write(const char *path, const struct ready *ready,
                                 struct buf *error);

enum ready_found {
    READY_FOUND,
    READY_MISSING, /* nothing is told */
    READY_BAD,     /* unreadable, or not a ready file */
};

MUST_CHECK enum ready_found ready_file_read(const char *path, struct buf *error,
                                            struct ready *out);

/* Remove the file if that process wrote it; with pid 0 whoever wrote it. */
void ready_file_remove(const char *path, int64_t pid);

void ready_finish(struct ready *ready);

#endif
