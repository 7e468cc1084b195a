/*
 * Connecting: how many devices a second get their CONNACK, and what memory each then holds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/fleet.h"
#include "bench/scenes.h"

#define SETTLE_US 200000

struct outcome {
    struct series rates;
    struct series kib;       /* a connection */
    struct series server_us; /* processor time a connection */
    struct series client_us;
};

static void connect_all(struct load *load, const struct server *server, struct fleet *fleet,
                        bool is_tls, struct outcome *out)
{
    double before_mib = bench_memory_mib(&server->bench, "VmRSS");
    const struct bench client = {.pid = getpid()};
    double per_connection = 1e6 / (double)fleet->n;
    double server_s = bench_cpu_s(&server->bench);
    double client_s = bench_cpu_s(&client);
    int64_t begin_us = bench_now_us();
    fleet_connect(fleet, is_tls ? server->mqtts_port : server->mqtt_port, is_tls);
    series_add(&out->rates, (double)fleet->n * 1e6 / (double)(bench_now_us() - begin_us));
    series_add(&out->server_us, (bench_cpu_s(&server->bench) - server_s) * per_connection);
    series_add(&out->client_us, (bench_cpu_s(&client) - client_s) * per_connection);
    (void)load_run(load, bench_now_us() + SETTLE_US);
    double after_mib = bench_memory_mib(&server->bench, "VmRSS");
    series_add(&out->kib, (after_mib - before_mib) * 1024 / (double)fleet->n);
}

/* New servers each round: memory that was used once would not count again. */
static void measure_round(const struct setting *setting, size_t n, bool is_tls,
                          struct outcome *ours, struct outcome *theirs)
{
    struct load load;
    struct server hub;
    struct server broker;
    struct fleet fleets[2];
    char *hub_folder = setting_path(setting, "connect-hub");
    char *broker_folder = setting_path(setting, "connect-broker");
    static const struct fleet_ops ops = {0};
    load_init(&load);
    (void)server_start_hub(&hub, setting->program, hub_folder, SERVER_IN_MEMORY);
    (void)server_start_broker(&broker, broker_folder, hub_folder);
    server_seed(&hub, n);
    fleet_init(&fleets[0], &load, n, &hub, &ops);
    fleet_init(&fleets[1], &load, n, &hub, &ops);
    connect_all(&load, &hub, &fleets[0], is_tls, ours);
    fleet_finish(&fleets[0]); /* their descriptors are wanted */
    connect_all(&load, &broker, &fleets[1], is_tls, theirs);
    fleet_finish(&fleets[1]);
    server_end_hub(&hub);
    server_end_broker(&broker);
    load_finish(&load);
    free(hub_folder);
    free(broker_folder);
}

static void measure(const struct setting *setting, size_t n, bool is_tls)
{
    struct outcome ours = {0};
    struct outcome theirs = {0};
    char what[64];
    const char *how = is_tls ? "over TLS" : "in plain";
    for (size_t i = 0; i < setting->sizes->n_connect_rounds; i++) {
        measure_round(setting, n, is_tls, &ours, &theirs);
    }
    (void)snprintf(what, sizeof(what), "%zu connects %s", n, how);
    report_add(setting->report, &(struct report_row){.what = what,
                                                     .unit = "/s",
                                                     .ours = &ours.rates,
                                                     .yardstick = "mosquitto, no passwords",
                                                     .theirs = &theirs.rates,
                                                     .kind = REPORT_AT_LEAST,
                                                     .target = 1.0});
    report_note("processor time a connection: hub %.0f us, mosquitto %.0f us; client %.0f us, "
                "%.0f us",
                series_median(&ours.server_us), series_median(&theirs.server_us),
                series_median(&ours.client_us), series_median(&theirs.client_us));
    (void)snprintf(what, sizeof(what), "memory of an idle connection %s", how);
    report_add(setting->report,
               &(struct report_row){.what = what,
                                    .unit = "KiB",
                                    .ours = &ours.kib,
                                    .kind = is_tls ? REPORT_NO_TARGET : REPORT_AT_MOST,
                                    .target = 4});
    report_note("of mosquitto: %.1f KiB", series_median(&theirs.kib));
}

void measure_connect(const struct setting *setting)
{
    measure(setting, setting->sizes->n_connect, false);
    measure(setting, setting->sizes->n_connect_tls, true);
}
