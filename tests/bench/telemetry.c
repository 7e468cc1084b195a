/*
 * Telemetry with QoS 1: how many messages a second are acknowledged, which our hub does after
 * they are stored, and mosquitto, to which nobody listens, at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/fleet.h"
#include "bench/scenes.h"

#define PAYLOAD_BYTES 256
#define IN_FLIGHT     10
#define WARM_UP_US    100000

/* Devices on one server. */
struct stage {
    struct server *server;
    struct fleet fleet;
    struct series rates;
    struct series server_us; /* processor time a message */
    struct series client_us;
    char payload[PAYLOAD_BYTES];
    uint64_t n_acked;
    size_t n_in_flight;
    bool is_sending;
};

static void send_one(struct stage *stage, struct device *device)
{
    char topic[64];
    int len =
        snprintf(topic, sizeof(topic), "devices/device-%zu/messages/events/", device->index);
    device_publish(device, slice_make(topic, (size_t)len),
                   slice_make(stage->payload, sizeof(stage->payload)), 1);
    stage->n_in_flight++;
}

static void on_acked(struct device *device)
{
    struct stage *stage = device->fleet->ctx;
    stage->n_acked++;
    stage->n_in_flight--;
    if (stage->is_sending) {
        send_one(stage, device);
    } else if (stage->n_in_flight == 0) {
        device->fleet->load->is_done = true;
    }
}

static const struct fleet_ops ops = {.acked = on_acked};

static void open_stage(struct stage *stage, struct load *load, struct server *server,
                       const struct server *hub, size_t n)
{
    *stage = (struct stage){.server = server};
    for (size_t i = 0; i < sizeof(stage->payload); i++) {
        stage->payload[i] = (char)('a' + i % 26);
    }
    fleet_init(&stage->fleet, load, n, hub, &ops);
    stage->fleet.ctx = stage;
    fleet_connect(&stage->fleet, server->mqtt_port, false);
}

static double own_cpu_s(void)
{
    return bench_cpu_s(&(struct bench){.pid = getpid()});
}

static void measure(struct stage *stage, int64_t round_us)
{
    struct load *load = stage->fleet.load;
    stage->is_sending = true;
    for (size_t i = 0; i < stage->fleet.n; i++) {
        for (int k = 0; k < IN_FLIGHT; k++) {
            send_one(stage, &stage->fleet.devices[i]);
        }
    }
    (void)load_run(load, bench_now_us() + WARM_UP_US);
    uint64_t n_before = stage->n_acked;
    double server_s = bench_cpu_s(&stage->server->bench);
    double client_s = own_cpu_s();
    int64_t begin_us = bench_now_us();
    (void)load_run(load, begin_us + round_us);
    double n = (double)(stage->n_acked - n_before);
    series_add(&stage->rates, n * 1e6 / (double)(bench_now_us() - begin_us));
    series_add(&stage->server_us, (bench_cpu_s(&stage->server->bench) - server_s) * 1e6 / n);
    series_add(&stage->client_us, (own_cpu_s() - client_s) * 1e6 / n);
    stage->is_sending = false;
    load_await(load, "the last acknowledgements");
}

static void tell(struct report *report, const char *what, const struct stage *ours,
                 const struct stage *theirs, double target)
{
    report_add(report, &(struct report_row){.what = what,
                                            .unit = "/s",
                                            .ours = &ours->rates,
                                            .yardstick = "mosquitto, which stores nothing",
                                            .theirs = &theirs->rates,
                                            .kind = REPORT_AT_LEAST,
                                            .target = target});
    report_note("processor time a message: hub %.1f us, mosquitto %.1f us; client %.1f us, "
                "%.1f us",
                series_median(&ours->server_us), series_median(&theirs->server_us),
                series_median(&ours->client_us), series_median(&theirs->client_us));
}

void measure_telemetry(const struct setting *setting)
{
    enum { DISK, MEMORY, BROKER, N_STAGES };
    struct load load;
    struct server servers[N_STAGES];
    struct stage *stages = mem_array(N_STAGES, sizeof(*stages));
    size_t n = setting->sizes->n_telemetry;
    char *folders[N_STAGES] = {setting_path(setting, "telemetry-disk"),
                               setting_path(setting, "telemetry-memory"),
                               setting_path(setting, "telemetry-broker")};
    load_init(&load);
    (void)server_start_hub(&servers[DISK], setting->program, folders[DISK], SERVER_ON_DISK);
    (void)server_start_hub(&servers[MEMORY], setting->program, folders[MEMORY],
                           SERVER_IN_MEMORY);
    (void)server_start_broker(&servers[BROKER], folders[BROKER], folders[DISK]);
    server_seed(&servers[DISK], n);
    server_seed(&servers[MEMORY], n);
    for (size_t i = 0; i < N_STAGES; i++) {
        open_stage(&stages[i], &load, &servers[i], &servers[DISK], n);
    }
    for (size_t k = 0; k < setting->sizes->n_rounds * N_STAGES; k++) {
        measure(&stages[k % N_STAGES], setting->sizes->round_us);
    }
    tell(setting->report, "telemetry, QoS 1, stored on disk", &stages[DISK], &stages[BROKER],
         1.0);
    tell(setting->report, "telemetry, QoS 1, in memory", &stages[MEMORY], &stages[BROKER], 1.3);
    for (size_t i = 0; i < N_STAGES; i++) {
        fleet_finish(&stages[i].fleet);
        free(folders[i]);
    }
    server_end_hub(&servers[DISK]);
    server_end_hub(&servers[MEMORY]);
    server_end_broker(&servers[BROKER]);
    load_finish(&load);
    free(stages);
}
