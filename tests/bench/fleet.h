/*
 * MQTT devices on a load loop: they connect, subscribe, publish, and tell what comes.
 */
#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/load.h"
#include "bench/server.h"
#include "mqtt/packet.h"

struct fleet;

struct device {
    struct load_link link;
    struct fleet *fleet;
    size_t index;
    uint16_t last_packet_id;
};

/* Either may be NULL where it does not come. */
struct fleet_ops {
    void (*acked)(struct device *device); /* PUBACK */
    void (*message)(struct device *device, const struct mqtt_publish *publish);
};

struct fleet {
    struct load *load;
    const struct fleet_ops *ops;
    void *ctx; /* of the operations */
    struct device *devices;
    size_t n;
    size_t n_begun;
    size_t n_awaited; /* CONNACK, SUBACK */
    int port;
    bool is_tls;
};

#define DEVICE_ID_SIZE 32

void device_id(size_t index, char out[DEVICE_ID_SIZE]);
void device_publish(struct device *device, struct slice topic, struct slice payload,
                    uint8_t qos);

/* Devices 0 to n - 1 with their CONNECTs, written and signed for `hub`, whoever gets them. */
void fleet_init(struct fleet *fleet, struct load *load, size_t n, const struct server *hub,
                const struct fleet_ops *ops);

/* Connect all, some at once, and wait for their CONNACKs. */
void fleet_connect(struct fleet *fleet, int port, bool is_tls);

/* Every device subscribes to `prefix`, followed by its id if so wished. */
void fleet_subscribe(struct fleet *fleet, const char *prefix, bool is_own);
void fleet_finish(struct fleet *fleet);

/* The topic to which a device of the broker publishes in order to hear itself. */
#define ECHO_PREFIX "echo/"
void device_echo(struct device *device, struct slice payload);

/* The operation `message` of a device that takes every method call: 200, "{}". */
void device_answer_method(struct device *device, const struct mqtt_publish *publish);

/* A fleet on the broker, connected and ready to hear itself. */
void fleet_open_echo(struct fleet *fleet, const struct server *broker);

#endif
