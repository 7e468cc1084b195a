/*
 * The devices' side of MQTT.
 */
#include "bench/fleet.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "iothub/topics.h"

#define AT_ONCE      64
#define KEEP_ALIVE_S 1000
#define API_VERSION  "2021-04-12"

void device_id(size_t index, char out[DEVICE_ID_SIZE])
{
    (void)snprintf(out, DEVICE_ID_SIZE, "device-%zu", index);
}

static void put_connect(struct device *device, const struct server *hub)
{
    char id[DEVICE_ID_SIZE];
    struct buf user = {.cap = BUF_CAP_OWN};
    struct buf token = {.cap = BUF_CAP_OWN};
    device_id(device->index, id);
    server_put_host(hub, &user);
    buf_putf(&user, "/%s/?api-version=" API_VERSION, id);
    server_put_token(hub, id, &token);
    mqtt_put_connect(&device->link.out, &(struct mqtt_connect){.client_id = slice_of(id),
                                                               .user_name = buf_slice(&user),
                                                               .password = buf_slice(&token),
                                                               .has_user_name = true,
                                                               .has_password = true,
                                                               .clean_session = true,
                                                               .keep_alive_s = KEEP_ALIVE_S});
    buf_finish(&user);
    buf_finish(&token);
}

void fleet_init(struct fleet *fleet, struct load *load, size_t n, const struct server *hub,
                const struct fleet_ops *ops)
{
    *fleet = (struct fleet){
        .load = load, .ops = ops, .n = n, .devices = mem_array(n, sizeof(*fleet->devices))};
    for (size_t i = 0; i < n; i++) {
        struct device *device = &fleet->devices[i];
        device->fleet = fleet;
        device->index = i;
        device->link.out.cap = BUF_CAP_OWN;
        put_connect(device, hub);
    }
}

void fleet_finish(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->n_begun; i++) {
        mqtt_put_simple(&fleet->devices[i].link.out, MQTT_DISCONNECT);
        load_link_send(&fleet->devices[i].link);
        load_link_close(&fleet->devices[i].link);
    }
    free(fleet->devices);
    *fleet = (struct fleet){0};
}

/* ---- what comes ---- */

static void begin_next(struct fleet *fleet);

static void on_connack(struct device *device, const struct mqtt_connack *connack)
{
    if (connack->code != MQTT_CONNACK_ACCEPTED) {
        bench_fail(NULL, "device-%zu is refused with code %d", device->index, connack->code);
    }
    begin_next(device->fleet);
}

static void settle_one(struct fleet *fleet)
{
    if (--fleet->n_awaited == 0) {
        fleet->load->is_done = true;
    }
}

static void on_packet(struct device *device, const struct mqtt_packet *packet)
{
    const struct fleet_ops *ops = device->fleet->ops;
    if (packet->type == MQTT_PUBACK) {
        ops->acked(device);
    } else if (packet->type == MQTT_PUBLISH) {
        ops->message(device, &packet->publish);
    } else if (packet->type == MQTT_CONNACK) {
        on_connack(device, &packet->connack);
        settle_one(device->fleet);
    } else if (packet->type == MQTT_SUBACK) {
        settle_one(device->fleet);
    } else {
        bench_fail(NULL, "device-%zu gets a %s", device->index, mqtt_packet_name(packet->type));
    }
}

static size_t on_bytes(struct load_link *link, struct slice in)
{
    struct device *device = CONTAINER_OF(link, struct device, link);
    struct mqtt_packet packet;
    const char *reason = NULL;
    size_t done = 0;
    size_t used = 0;
    enum wire_result result = WIRE_OK;
    while ((result = mqtt_packet_read(slice_from(in, done), MQTT_PACKET_MAX_BYTES, &packet,
                                      &used, &reason)) == WIRE_OK) {
        done += used;
        on_packet(device, &packet);
    }
    if (result == WIRE_BAD) {
        bench_fail(NULL, "device-%zu cannot read a packet: %s", device->index, reason);
    }
    return done;
}

static const struct load_link_ops link_ops = {.take = on_bytes};

/* ---- what goes ---- */

static void begin_next(struct fleet *fleet)
{
    if (fleet->n_begun < fleet->n) {
        struct device *device = &fleet->devices[fleet->n_begun++];
        load_link_open(&device->link, fleet->load, &link_ops, fleet->port, fleet->is_tls);
    }
}

void fleet_connect(struct fleet *fleet, int port, bool is_tls)
{
    fleet->port = port;
    fleet->is_tls = is_tls;
    fleet->n_awaited = fleet->n;
    for (size_t i = 0; i < AT_ONCE; i++) {
        begin_next(fleet);
    }
    load_await(fleet->load, "connecting");
}

static uint16_t next_packet_id(struct device *device)
{
    device->last_packet_id =
        device->last_packet_id == UINT16_MAX ? 1 : (uint16_t)(device->last_packet_id + 1);
    return device->last_packet_id;
}

void fleet_subscribe(struct fleet *fleet, const char *prefix, bool is_own)
{
    fleet->n_awaited = fleet->n;
    for (size_t i = 0; i < fleet->n; i++) {
        struct device *device = &fleet->devices[i];
        char id[DEVICE_ID_SIZE];
        char topic[DEVICE_ID_SIZE * 2];
        device_id(i, id);
        (void)snprintf(topic, sizeof(topic), "%s%s", prefix, is_own ? id : "");
        struct mqtt_filter filter = {.topic = slice_of(topic)};
        mqtt_put_subscribe(&device->link.out, next_packet_id(device), &filter, 1);
        load_link_send(&device->link);
    }
    load_await(fleet->load, "subscribing");
}

void device_publish(struct device *device, struct slice topic, struct slice payload,
                    uint8_t qos)
{
    struct mqtt_publish publish = {.topic = topic,
                                   .payload = payload,
                                   .qos = qos,
                                   .packet_id = qos == 0 ? 0 : next_packet_id(device)};
    mqtt_put_publish(&device->link.out, &publish);
    load_link_send(&device->link);
}

void device_echo(struct device *device, struct slice payload)
{
    char id[DEVICE_ID_SIZE];
    char topic[DEVICE_ID_SIZE * 2];
    device_id(device->index, id);
    (void)snprintf(topic, sizeof(topic), ECHO_PREFIX "%s", id);
    device_publish(device, slice_of(topic), payload, 0);
}

void device_answer_method(struct device *device, const struct mqtt_publish *publish)
{
    char topic[128];
    size_t at = publish->topic.len;
    while (at > 0 && publish->topic.data[at - 1] != '/') {
        at--;
    }
    struct slice rid = slice_from(publish->topic, at); /* "?$rid=..." */
    int len = snprintf(topic, sizeof(topic), TOPIC_METHOD_RES "200/%.*s", SLICE_ARG(rid));
    device_publish(device, slice_make(topic, (size_t)len), SLICE("{}"), 0);
}

void fleet_open_echo(struct fleet *fleet, const struct server *broker)
{
    fleet_connect(fleet, broker->mqtt_port, false);
    fleet_subscribe(fleet, ECHO_PREFIX, true);
}
