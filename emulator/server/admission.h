/*
 * Who may still come in: --max-connections holds for the connections of devices over MQTT, for
 * those over HTTP and for those over HTTPS by themselves, so that a crowd of devices does not
 * keep back ends out; and what the system allows in descriptors holds for all together.
 */
#ifndef SERVER_ADMISSION_H
#define SERVER_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* A WebSocket is one of HTTP or HTTPS, and of MQTT besides. */
enum admission_kind {
    ADMISSION_MQTT,
    ADMISSION_HTTP,
    ADMISSION_HTTPS,
    ADMISSION_KINDS,
};

/* {0} with the two limits has nobody. */
struct admission {
    size_t max_connections; /* of each kind */
    size_t max_descriptors;
    size_t n_connections[ADMISSION_KINDS];
    size_t n_descriptors;
    size_t n_unsaid; /* turned away since the last warning */
    int64_t said_ms; /* when that was; 0: never */
};

/* Whether one more of that kind would be let in; a warning as below. */
MUST_CHECK bool admission_has_room(struct admission *admission, enum admission_kind kind,
                                   int64_t now_ms);

/* Let a connection in; else a warning is logged, though not for each of many. */
MUST_CHECK bool admission_take(struct admission *admission, enum admission_kind kind,
                               int64_t now_ms);

/* It has ended. */
void admission_give_back(struct admission *admission, enum admission_kind kind);

/* A connection that is there already has become a WebSocket; it is one no more. */
void admission_add_websocket(struct admission *admission);
void admission_drop_websocket(struct admission *admission);

#endif
