/*
 * The two that are compared: the emulator, and mosquitto, which is set up so that nothing it
 * need not do is in its way.
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "bench/launch.h"

struct server {
    struct bench bench;
    int mqtt_port;
    int mqtts_port;
    int http_port;           /* 0: mosquitto has none */
    char *connection_string; /* of the hub's owner */
};

enum server_data { SERVER_ON_DISK, SERVER_IN_MEMORY };

/**
 * Start an emulator.
 * @param folder  must live as long as the server; it is made.
 * @return how long it took to be ready, in microseconds.
 */
int64_t server_start_hub(struct server *server, const char *program, const char *folder,
                         enum server_data data);
void server_end_hub(struct server *server);

/* Start mosquitto with the certificate of an emulator that was started in hub_folder. */
int64_t server_start_broker(struct server *server, const char *folder, const char *hub_folder);
void server_end_broker(struct server *server);

/* Register "device-0" and so on, all with one key. */
void server_seed(const struct server *server, size_t n);

/* Signed for an identity, "" for the hub's owner. */
void server_put_token(const struct server *server, const char *device_id, struct buf *out);
void server_put_host(const struct server *server, struct buf *out);

#endif
