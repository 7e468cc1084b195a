/*
 * A device reads its twin, beside a device that publishes as many bytes to itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/pulse.h"
#include "bench/scenes.h"
#include "iothub/topics.h"

static const char twin_payload[128] = "";

struct twin_reader {
    struct pulse pulse;
    size_t answer_bytes;
};

static void on_message(struct device *device, const struct mqtt_publish *publish)
{
    struct twin_reader *reader = device->fleet->ctx;
    if (!slice_starts_with(publish->topic, SLICE(TOPIC_TWIN_RES "200/"))) {
        bench_fail(NULL, "a twin is refused: %.*s", SLICE_ARG(publish->topic));
    }
    reader->answer_bytes = publish->payload.len;
    pulse_beat(&reader->pulse);
}

static void begin_get(struct pulse *pulse)
{
    char topic[64];
    int len = snprintf(topic, sizeof(topic), TOPIC_TWIN_GET TOPIC_RID "%zu", pulse->n_taken);
    device_publish(pulse->device, slice_make(topic, (size_t)len), SLICE(""), 0);
}

static const struct fleet_ops twin_ops = {.message = on_message};

static void measure(struct load *load, const struct sizes *sizes, struct fleet *ours,
                    struct fleet *theirs, struct report *report)
{
    struct series ours_us = {0};
    struct series theirs_us = {0};
    struct twin_reader reader = {
        .pulse = {.load = load, .begin = begin_get, .device = ours->devices}
    };
    struct pulse echo = {.load = load, .begin = pulse_begin_echo, .device = theirs->devices};
    ours->ctx = &reader;
    theirs->ctx = &echo;
    for (size_t i = 0; i < sizes->n_rounds; i++) {
        pulse_measure(&reader.pulse, sizes->n_samples, &ours_us);
        size_t n = reader.answer_bytes < sizeof(twin_payload) ? reader.answer_bytes
                                                              : sizeof(twin_payload);
        echo.payload = slice_make(twin_payload, n);
        pulse_measure(&echo, sizes->n_samples, &theirs_us);
    }
    ours->ctx = NULL;
    theirs->ctx = NULL;
    report_add(report, &(struct report_row){.what = "twin GET round trip over MQTT",
                                            .unit = "us",
                                            .ours = &ours_us,
                                            .yardstick = "mosquitto, publish to oneself",
                                            .theirs = &theirs_us,
                                            .kind = REPORT_AT_MOST,
                                            .target = 1.5});
}

void measure_twin(const struct setting *setting)
{
    struct load load;
    struct server hub;
    struct server broker;
    struct fleet ours;
    struct fleet theirs;
    char *hub_folder = setting_path(setting, "twin-hub");
    char *broker_folder = setting_path(setting, "twin-broker");
    load_init(&load);
    (void)server_start_hub(&hub, setting->program, hub_folder, SERVER_ON_DISK);
    (void)server_start_broker(&broker, broker_folder, hub_folder);
    server_seed(&hub, 1);
    fleet_init(&ours, &load, 1, &hub, &twin_ops);
    fleet_connect(&ours, hub.mqtt_port, false);
    fleet_subscribe(&ours, TOPIC_TWIN_RES "#", false);
    fleet_init(&theirs, &load, 1, &hub, &pulse_echo_ops);
    fleet_open_echo(&theirs, &broker);
    measure(&load, setting->sizes, &ours, &theirs, setting->report);
    fleet_finish(&ours);
    fleet_finish(&theirs);
    server_end_hub(&hub);
    server_end_broker(&broker);
    load_finish(&load);
    free(hub_folder);
    free(broker_folder);
}
