/*
 * Direct methods from REST to a device and back, beside an empty HTTP request to the same
 * emulator and an echo through mosquitto; and many callers at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/pulse.h"
#include "bench/scenes.h"
#include "iothub/topics.h"

#define BODY SLICE("{\"methodName\":\"ping\",\"payload\":{},\"responseTimeoutInSeconds\":30}")

/* Many round trips at once. */
struct crowd {
    struct load *load;
    uint64_t n_done;
    size_t n_open;
    bool is_going;
};

struct scene {
    struct load load;
    struct server hub;
    struct server broker;
    struct fleet devices;
    struct fleet echoes;
    struct caller *callers;
    struct pulse method;
    struct pulse health;
    struct pulse echo;
    struct crowd method_crowd;
    struct crowd echo_crowd;
};

static const struct fleet_ops method_ops = {.message = device_answer_method};

/* ---- one at a time ---- */

static void on_beat(struct caller *caller, struct slice body)
{
    (void)body;
    pulse_beat(caller->ctx);
}

static void call_method(struct caller *caller, size_t device)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/twins/device-%zu/methods", device);
    caller_send(caller, "POST", path, BODY);
}

static void begin_method(struct pulse *pulse)
{
    call_method(pulse->caller, 0);
}

static void begin_health(struct pulse *pulse)
{
    caller_send(pulse->caller, "GET", "/health", SLICE(""));
}

static void measure_one(struct scene *scene, const struct setting *setting)
{
    struct series ours = {0};
    struct series health = {0};
    struct series echo = {0};
    struct series sum = {0};
    scene->callers[0].answered = on_beat;
    scene->echoes.ops = &pulse_echo_ops;
    scene->echoes.ctx = &scene->echo;
    for (size_t i = 0; i < setting->sizes->n_rounds; i++) {
        size_t n = setting->sizes->n_samples;
        scene->callers[0].ctx = &scene->method;
        pulse_measure(&scene->method, n, &ours);
        scene->callers[0].ctx = &scene->health;
        pulse_measure(&scene->health, n, &health);
        pulse_measure(&scene->echo, n, &echo);
        series_add(&sum, health.values[i] + echo.values[i]);
    }
    report_add(setting->report,
               &(struct report_row){.what = "direct method, REST to device and back",
                                    .unit = "us",
                                    .ours = &ours,
                                    .yardstick = "an empty HTTP request + mosquitto's echo",
                                    .theirs = &sum,
                                    .kind = REPORT_AT_MOST,
                                    .target = 1.5});
    report_note("the empty request %.0f us, the echo %.0f us", series_median(&health),
                series_median(&echo));
}

/* ---- many at once ---- */

/* Whether the one whose round trip ended goes on. */
static bool count(struct crowd *crowd)
{
    crowd->n_done++;
    if (!crowd->is_going && --crowd->n_open == 0) {
        crowd->load->is_done = true;
    }
    return crowd->is_going;
}

static void on_called(struct caller *caller, struct slice body)
{
    struct scene *scene = caller->ctx;
    (void)body;
    if (count(&scene->method_crowd)) {
        call_method(caller, (size_t)(caller - scene->callers));
    }
}

static void on_echoed(struct device *device, const struct mqtt_publish *publish)
{
    struct scene *scene = device->fleet->ctx;
    (void)publish;
    if (count(&scene->echo_crowd)) {
        device_echo(device, SLICE("{}"));
    }
}

/* What the server and its clients need for a round trip, which says more than the rate where
 * others are at work on the machine. */
struct cost {
    struct series server_us;
    struct series client_us;
};

static void crowd_run(struct crowd *crowd, const struct server *server, int64_t round_us,
                      struct series *out, struct cost *cost)
{
    const struct bench client = {.pid = getpid()};
    double server_s = bench_cpu_s(&server->bench);
    double client_s = bench_cpu_s(&client);
    uint64_t n_before = crowd->n_done;
    int64_t begin_us = bench_now_us();
    (void)load_run(crowd->load, begin_us + round_us);
    series_add(out,
               (double)(crowd->n_done - n_before) * 1e6 / (double)(bench_now_us() - begin_us));
    crowd->is_going = false;
    load_await(crowd->load, "the last round trips");
    double per_trip = 1e6 / (double)(crowd->n_done - n_before);
    series_add(&cost->server_us, (bench_cpu_s(&server->bench) - server_s) * per_trip);
    series_add(&cost->client_us, (bench_cpu_s(&client) - client_s) * per_trip);
}

static void measure_crowd(struct scene *scene, const struct setting *setting)
{
    static const struct fleet_ops echo_ops = {.message = on_echoed};
    struct series ours = {0};
    struct series theirs = {0};
    struct cost our_cost = {0};
    struct cost their_cost = {0};
    char what[64];
    size_t n = setting->sizes->n_callers;
    scene->echoes.ops = &echo_ops;
    scene->echoes.ctx = scene;
    for (size_t k = 0; k < setting->sizes->n_rounds; k++) {
        scene->method_crowd =
            (struct crowd){.load = &scene->load, .n_open = n, .is_going = true};
        scene->echo_crowd = scene->method_crowd;
        for (size_t i = 0; i < n; i++) {
            scene->callers[i].answered = on_called;
            scene->callers[i].ctx = scene;
            call_method(&scene->callers[i], i);
        }
        crowd_run(&scene->method_crowd, &scene->hub, setting->sizes->round_us, &ours,
                  &our_cost);
        for (size_t i = 0; i < n; i++) {
            device_echo(&scene->echoes.devices[i], SLICE("{}"));
        }
        crowd_run(&scene->echo_crowd, &scene->broker, setting->sizes->round_us, &theirs,
                  &their_cost);
    }
    (void)snprintf(what, sizeof(what), "direct methods, %zu callers at once", n);
    report_add(setting->report, &(struct report_row){.what = what,
                                                     .unit = "/s",
                                                     .ours = &ours,
                                                     .yardstick = "mosquitto, as many echoes",
                                                     .theirs = &theirs});
    report_note("processor time a round trip: hub %.1f us, mosquitto %.1f us; client %.1f us, "
                "%.1f us",
                series_median(&our_cost.server_us), series_median(&their_cost.server_us),
                series_median(&our_cost.client_us), series_median(&their_cost.client_us));
}

/* ---- the scene ---- */

static void open_scene(struct scene *scene, const struct setting *setting,
                       const char *hub_folder, const char *broker_folder)
{
    size_t n = setting->sizes->n_callers;
    load_init(&scene->load);
    (void)server_start_hub(&scene->hub, setting->program, hub_folder, SERVER_ON_DISK);
    (void)server_start_broker(&scene->broker, broker_folder, hub_folder);
    server_seed(&scene->hub, n);
    fleet_init(&scene->devices, &scene->load, n, &scene->hub, &method_ops);
    fleet_connect(&scene->devices, scene->hub.mqtt_port, false);
    fleet_subscribe(&scene->devices, TOPIC_METHOD_POST "#", false);
    fleet_init(&scene->echoes, &scene->load, n, &scene->hub, &pulse_echo_ops);
    fleet_open_echo(&scene->echoes, &scene->broker);
    scene->callers = mem_array(n, sizeof(*scene->callers));
    for (size_t i = 0; i < n; i++) {
        caller_open(&scene->callers[i], &scene->load, &scene->hub);
    }
    scene->method =
        (struct pulse){.load = &scene->load, .begin = begin_method, .caller = scene->callers};
    scene->health =
        (struct pulse){.load = &scene->load, .begin = begin_health, .caller = scene->callers};
    scene->echo = (struct pulse){.load = &scene->load,
                                 .begin = pulse_begin_echo,
                                 .device = scene->echoes.devices,
                                 .payload = SLICE("{}")};
}

static void close_scene(struct scene *scene, size_t n_callers)
{
    for (size_t i = 0; i < n_callers; i++) {
        caller_close(&scene->callers[i]);
    }
    free(scene->callers);
    fleet_finish(&scene->devices);
    fleet_finish(&scene->echoes);
    server_end_hub(&scene->hub);
    server_end_broker(&scene->broker);
    load_finish(&scene->load);
}

void measure_method(const struct setting *setting)
{
    struct scene scene = {0};
    char *hub_folder = setting_path(setting, "method-hub");
    char *broker_folder = setting_path(setting, "method-broker");
    open_scene(&scene, setting, hub_folder, broker_folder);
    measure_one(&scene, setting);
    measure_crowd(&scene, setting);
    close_scene(&scene, setting->sizes->n_callers);
    free(hub_folder);
    free(broker_folder);
}
