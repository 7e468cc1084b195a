/*
 * A job that calls a method on thousands of connected devices, until it says that it is
 * completed, beside as many echoes through mosquitto, as many at once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/caller.h"
#include "bench/fleet.h"
#include "bench/scenes.h"
#include "iothub/topics.h"

#define AT_ONCE 256 /* what a job of the hub calls at once */
#define POLL_US 10000
#define MAX_S   3.0

struct scene {
    struct load load;
    struct server hub;
    struct server broker;
    struct fleet devices;
    struct fleet echoes;
    struct caller caller;
    size_t n_begun; /* echoes */
    size_t n_ended;
    bool is_completed; /* the job */
};

/* ---- the job ---- */

static const struct fleet_ops method_ops = {.message = device_answer_method};

static bool has_text(struct slice in, struct slice text)
{
    return memmem(in.data, in.len, text.data, text.len) != NULL;
}

static void on_answered(struct caller *caller, struct slice body)
{
    struct scene *scene = caller->ctx;
    if (has_text(body, SLICE("\"failed\""))) {
        bench_fail(NULL, "the job fails: %.*s", SLICE_ARG(body));
    }
    scene->is_completed = has_text(body, SLICE("\"status\":\"completed\""));
    scene->load.is_done = true;
}

static void measure_job_round(struct scene *scene, size_t round, struct series *out)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/jobs/v2/job-%zu", round);
    scene->caller.answered = on_answered;
    scene->caller.ctx = scene;
    scene->is_completed = false;
    int64_t begin_us = bench_now_us();
    caller_send(&scene->caller, "PUT", path,
                SLICE("{\"type\":\"scheduleDeviceMethod\",\"queryCondition\":\"*\","
                      "\"maxExecutionTimeInSeconds\":300,\"cloudToDeviceMethod\":"
                      "{\"methodName\":\"ping\",\"payload\":{},"
                      "\"responseTimeoutInSeconds\":30}}"));
    load_await(&scene->load, "making a job");
    while (!scene->is_completed) {
        (void)load_run(&scene->load, bench_now_us() + POLL_US);
        caller_send(&scene->caller, "GET", path, SLICE(""));
        load_await(&scene->load, "asking for a job");
    }
    series_add(out, (double)(bench_now_us() - begin_us) / 1e6);
}

/* ---- the echoes ---- */

static void begin_echo(struct scene *scene)
{
    if (scene->n_begun < scene->devices.n) {
        size_t next = scene->n_begun++ % scene->echoes.n;
        device_echo(&scene->echoes.devices[next], SLICE("{}"));
    }
}

static void on_echo(struct device *device, const struct mqtt_publish *publish)
{
    struct scene *scene = device->fleet->ctx;
    (void)publish;
    begin_echo(scene);
    if (++scene->n_ended == scene->devices.n) {
        scene->load.is_done = true;
    }
}

static const struct fleet_ops echo_ops = {.message = on_echo};

static void measure_echoes(struct scene *scene, struct series *out)
{
    scene->n_begun = 0;
    scene->n_ended = 0;
    int64_t begin_us = bench_now_us();
    for (int i = 0; i < AT_ONCE; i++) {
        begin_echo(scene);
    }
    load_await(&scene->load, "echoes");
    series_add(out, (double)(bench_now_us() - begin_us) / 1e6);
}

/* ---- the scene ---- */

static void measure(struct scene *scene, const struct setting *setting)
{
    struct series ours = {0};
    struct series theirs = {0};
    double hub_s = bench_cpu_s(&scene->hub.bench);
    double broker_s = bench_cpu_s(&scene->broker.bench);
    char what[64];
    for (size_t i = 0; i < setting->sizes->n_job_rounds; i++) {
        measure_job_round(scene, i, &ours);
        measure_echoes(scene, &theirs);
    }
    double per_device = 1e6 / (double)(scene->devices.n * setting->sizes->n_job_rounds);
    double hub_us = (bench_cpu_s(&scene->hub.bench) - hub_s) * per_device;
    double broker_us = (bench_cpu_s(&scene->broker.bench) - broker_s) * per_device;
    (void)snprintf(what, sizeof(what), "job calling a method on %zu devices", scene->devices.n);
    report_add(setting->report, &(struct report_row){.what = what,
                                                     .unit = "s",
                                                     .ours = &ours,
                                                     .yardstick = "mosquitto, as many echoes",
                                                     .theirs = &theirs,
                                                     .kind = REPORT_AT_MOST,
                                                     .target = 3});
    report_add(setting->report, &(struct report_row){.what = "the same, in itself",
                                                     .unit = "s",
                                                     .ours = &ours,
                                                     .kind = REPORT_AT_MOST,
                                                     .target = MAX_S});
    report_note("processor time a device: hub %.1f us, mosquitto %.1f us", hub_us, broker_us);
}

void measure_job(const struct setting *setting)
{
    struct scene scene = {0};
    size_t n = setting->sizes->n_job;
    char *hub_folder = setting_path(setting, "job-hub");
    char *broker_folder = setting_path(setting, "job-broker");
    load_init(&scene.load);
    (void)server_start_hub(&scene.hub, setting->program, hub_folder, SERVER_ON_DISK);
    (void)server_start_broker(&scene.broker, broker_folder, hub_folder);
    server_seed(&scene.hub, n);
    fleet_init(&scene.devices, &scene.load, n, &scene.hub, &method_ops);
    fleet_connect(&scene.devices, scene.hub.mqtt_port, false);
    fleet_subscribe(&scene.devices, TOPIC_METHOD_POST "#", false);
    /* Half as many, each twice: a process has no descriptors for all. */
    fleet_init(&scene.echoes, &scene.load, n / 2, &scene.hub, &echo_ops);
    scene.echoes.ctx = &scene;
    fleet_open_echo(&scene.echoes, &scene.broker);
    caller_open(&scene.caller, &scene.load, &scene.hub);
    measure(&scene, setting);
    caller_close(&scene.caller);
    fleet_finish(&scene.devices);
    fleet_finish(&scene.echoes);
    server_end_hub(&scene.hub);
    server_end_broker(&scene.broker);
    load_finish(&scene.load);
    free(hub_folder);
    free(broker_folder);
}
