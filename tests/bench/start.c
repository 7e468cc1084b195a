/*
 * How long an emulator in memory takes from exec until its ready file is there, and how much
 * memory it then holds while nobody speaks to it; beside mosquitto and, where it is installed,
 * Azurite, the emulator of Azure's storage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/scenes.h"
#include "bench/server.h"

#define IDLE_US ((useconds_t)500000)

enum who { HUB, BROKER, AZURITE, N_WHO };

struct scene {
    const struct setting *setting;
    char *hub_folder;
    char *broker_folder;
    struct series ms[N_WHO];
    struct series mib[N_WHO];
};

static void note(struct scene *scene, enum who who, int64_t took_us, const struct bench *bench)
{
    series_add(&scene->ms[who], (double)took_us / 1000);
    (void)usleep(IDLE_US);
    series_add(&scene->mib[who], bench_memory_mib(bench, "VmRSS"));
}

static void start_hub(struct scene *scene)
{
    struct server hub;
    int64_t took_us =
        server_start_hub(&hub, scene->setting->program, scene->hub_folder, SERVER_IN_MEMORY);
    note(scene, HUB, took_us, &hub.bench);
    server_end_hub(&hub);
}

static void start_broker(struct scene *scene)
{
    struct server broker;
    int64_t took_us = server_start_broker(&broker, scene->broker_folder, scene->hub_folder);
    note(scene, BROKER, took_us, &broker.bench);
    server_end_broker(&broker);
}

static void start_azurite(struct scene *scene)
{
    enum { BLOB, QUEUE, TABLE, N_PORTS };
    int ports[N_PORTS];
    char texts[N_PORTS][16];
    struct bench azurite = {0};
    for (int i = 0; i < N_PORTS; i++) {
        ports[i] = bench_free_port();
        (void)snprintf(texts[i], sizeof(texts[i]), "%d", ports[i]);
    }
    const char *argv[] = {"node",
                          scene->setting->azurite,
                          "--inMemoryPersistence",
                          "--silent",
                          "--blobPort",
                          texts[BLOB],
                          "--queuePort",
                          texts[QUEUE],
                          "--tablePort",
                          texts[TABLE],
                          "--skipApiVersionCheck",
                          "--disableTelemetry",
                          NULL};
    /* execvp() changes none of them. */
    int64_t took_us =
        bench_start_other(&azurite, (char *const *)(uintptr_t)argv, ports, N_PORTS);
    note(scene, AZURITE, took_us, &azurite);
    bench_end_other(&azurite);
}

static void tell(const struct scene *scene, enum who who, const char *name, double most_ms,
                 double most_mib)
{
    report_add(scene->setting->report, &(struct report_row){.what = "start to ready, in memory",
                                                            .unit = "ms",
                                                            .ours = &scene->ms[HUB],
                                                            .yardstick = name,
                                                            .theirs = &scene->ms[who],
                                                            .kind = REPORT_AT_MOST,
                                                            .target = most_ms});
    report_add(scene->setting->report,
               &(struct report_row){.what = "resident memory, idle, in memory",
                                    .unit = "MiB",
                                    .ours = &scene->mib[HUB],
                                    .yardstick = name,
                                    .theirs = &scene->mib[who],
                                    .kind = REPORT_AT_MOST,
                                    .target = most_mib});
}

/* The data directory is there from the second start on, as it is for everybody. */
static void make_certificates(const struct scene *scene)
{
    struct server hub;
    (void)server_start_hub(&hub, scene->setting->program, scene->hub_folder, SERVER_IN_MEMORY);
    server_end_hub(&hub);
}

void measure_start(const struct setting *setting)
{
    struct scene scene = {.setting = setting,
                          .hub_folder = setting_path(setting, "start-hub"),
                          .broker_folder = setting_path(setting, "start-broker")};
    make_certificates(&scene);
    for (size_t i = 0; i < setting->sizes->n_starts; i++) {
        start_hub(&scene);
        start_broker(&scene);
        if (setting->azurite != NULL) {
            start_azurite(&scene);
        }
    }
    tell(&scene, BROKER, "mosquitto", 3, 3);
    if (setting->azurite != NULL) {
        tell(&scene, AZURITE, "Azurite", 0.25, 0.25);
    }
    free(scene.hub_folder);
    free(scene.broker_folder);
}
