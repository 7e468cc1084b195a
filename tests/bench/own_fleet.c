/*
 * A fleet of one process, and one job that calls a method on every device of it: how long
 * connecting and the job take, and what memory the emulator then holds.  A device that is
 * refused, is lost or does not answer ends it with 1.
 *
 *     bench_fleet EMULATOR FOLDER [DEVICES]    FOLDER is empty; what is left in it is of no use
 *
 * The program iothub-device is the one beside EMULATOR.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "bench/service.h"

#define DEVICES           10000
/* Of the emulator and of the fleet, beside their connections. */
#define OTHER_DESCRIPTORS 128
#define BULK              100
#define PATIENCE_US       60000000
#define GLANCE_NS         10000000 /* between two looks at how far it is */
#define PATH_SIZE         1024
#define SKIPPED           77
#define METHOD            "ping"
#define JOB               "ping-all"
#define SUMMARY_FILE      "fleet.json"

struct run {
    struct bench bench;
    struct iothub_service *service;
    long n_devices;
    pid_t fleet;
};

static void check(const struct run *run, enum iothub_status status, const char *what)
{
    bench_service_check(&run->bench, run->service, status, what);
}

static json_t *parse(const struct run *run, const char *text, const char *what)
{
    json_t *tree = json_loads(text, 0, NULL);
    if (tree == NULL) {
        bench_fail(&run->bench, "%s is not JSON", what);
    }
    return tree;
}

static long number(const json_t *tree, const char *name)
{
    return (long)json_integer_value(json_object_get(tree, name));
}

static void expect(const struct run *run, const json_t *tree, const char *name, long wanted)
{
    long got = number(tree, name);
    if (got != wanted) {
        bench_fail(&run->bench, "%s is %ld instead of %ld", name, got, wanted);
    }
}

/* ---- devices
 * -------------------------------------------------------------------------------- */

/* Their names are those that iothub-device gives to a fleet. */
static void seed(struct run *run)
{
    struct buf items = {.cap = BUF_CAP_OWN};
    for (long i = 1; i <= run->n_devices; i += BULK) {
        char *answer = NULL;
        buf_reset(&items);
        for (long k = i; k < i + BULK && k <= run->n_devices; k++) {
            buf_putf(&items, "%c{\"id\":\"device-%ld\",\"importMode\":\"create\"}",
                     k == i ? '[' : ',', k);
        }
        buf_put_char(&items, ']');
        check(run, iothub_service_devices_bulk(run->service, buf_text(&items), &answer),
              "seeding");
        free(answer);
    }
    buf_finish(&items);
}

static void find_device_program(const struct run *run, char out[PATH_SIZE])
{
    const char *slash = strrchr(run->bench.program, '/');
    int len = slash == NULL ? 0 : (int)(slash - run->bench.program) + 1;
    (void)snprintf(out, PATH_SIZE, "%.*siothub-device", len, run->bench.program);
}

/* What the child becomes; it ends when this program does. */
__attribute__((noreturn)) static void become_fleet(const struct run *run)
{
    char program[PATH_SIZE];
    char summary[PATH_SIZE];
    char ready[PATH_SIZE];
    char count[24];
    find_device_program(run, program);
    (void)snprintf(summary, sizeof(summary), "%s/" SUMMARY_FILE, run->bench.folder);
    (void)snprintf(ready, sizeof(ready), "%s/" BENCH_READY_FILE, run->bench.folder);
    (void)snprintf(count, sizeof(count), "%ld", run->n_devices);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int out = open(summary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0 || dup2(out, STDOUT_FILENO) < 0) {
        _exit(127);
    }
    (void)execl(program, program, "fleet", "--ready-file", ready, "--plain", "--count", count,
                "--method", METHOD "=200:true", "--json", (char *)NULL);
    _exit(127);
}

static void start_fleet(struct run *run)
{
    run->fleet = fork();
    if (run->fleet < 0) {
        bench_fail(&run->bench, "no process: %s", strerror(errno));
    }
    if (run->fleet == 0) {
        become_fleet(run);
    }
}

/* Until the next look; a fleet that has ended by itself has failed. */
static void wait_a_little(const struct run *run, int64_t end_us, const char *what)
{
    const struct timespec glance = {.tv_nsec = GLANCE_NS};
    if (bench_now_us() > end_us) {
        bench_fail(&run->bench, "%s takes too long", what);
    }
    if (waitpid(run->fleet, NULL, WNOHANG) != 0) {
        bench_fail(&run->bench, "the fleet has ended");
    }
    (void)nanosleep(&glance, NULL);
}

static void await_connected(const struct run *run)
{
    long n_connected = 0;
    int64_t end_us = bench_now_us() + PATIENCE_US;
    while (n_connected < run->n_devices) {
        char *text = NULL;
        wait_a_little(run, end_us, "connecting");
        check(run, iothub_service_service_statistics(run->service, &text), "counting");
        json_t *statistics = parse(run, text, "what is counted");
        n_connected = number(statistics, "connectedDeviceCount");
        json_decref(statistics);
        free(text);
    }
}

/* Ask it for its figures, and see that nothing went wrong. */
static void end_fleet(const struct run *run)
{
    char path[PATH_SIZE];
    int status = 0;
    (void)snprintf(path, sizeof(path), "%s/" SUMMARY_FILE, run->bench.folder);
    (void)kill(run->fleet, SIGTERM);
    if (waitpid(run->fleet, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bench_fail(&run->bench, "the fleet did not end well");
    }
    json_t *summary = json_load_file(path, 0, NULL);
    expect(run, summary, "connects", run->n_devices);
    expect(run, summary, "methods", run->n_devices);
    expect(run, summary, "losses", 0);
    expect(run, summary, "failedAttempts", 0);
    expect(run, summary, "refused", 0);
    (void)printf("%-40s %9.2f s  (%ld/s)\n", "connecting",
                 json_number_value(json_object_get(summary, "connectSeconds")),
                 number(summary, "connectsPerSecond"));
    json_decref(summary);
}

/* ---- the job
 * -------------------------------------------------------------------------------- */

/* Whether it is over; then all devices must have answered. */
static bool look_at_job(const struct run *run)
{
    char *text = NULL;
    check(run, iothub_service_job_get(run->service, JOB, &text), "the job");
    json_t *job = parse(run, text, "the job");
    const char *state = json_string_value(json_object_get(job, "status"));
    bool is_over = state != NULL && strcmp(state, "queued") != 0 &&
                   strcmp(state, "running") != 0;
    if (is_over && strcmp(state, "completed") != 0) {
        bench_fail(&run->bench, "the job: %s", text);
    }
    if (is_over) {
        const json_t *statistics = json_object_get(job, "deviceJobStatistics");
        expect(run, statistics, "deviceCount", run->n_devices);
        expect(run, statistics, "succeededCount", run->n_devices);
        expect(run, statistics, "failedCount", 0);
    }
    json_decref(job);
    free(text);
    return is_over;
}

/* How long it took, in seconds. */
static double measure_job(const struct run *run)
{
    char *text = NULL;
    const struct iothub_service_job job = {.job_id = JOB, .query_condition = "*"};
    /* A device may be connected and not yet have subscribed to methods. */
    const struct iothub_service_method method = {
        .name = METHOD, .payload = "{}", .response_timeout_s = 30, .connect_timeout_s = 30};
    int64_t begin_us = bench_now_us();
    check(run, iothub_service_job_create_method(run->service, &job, &method, &text), "the job");
    free(text);
    while (!look_at_job(run)) {
        wait_a_little(run, begin_us + PATIENCE_US, "the job");
    }
    return (double)(bench_now_us() - begin_us) / 1e6;
}

/* Each side has a descriptor a device. */
static bool has_room(const struct run *run)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)run->n_devices + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= wanted) {
        return true;
    }
    (void)printf("skipped: a process may not have %ld descriptors here\n", (long)wanted);
    return false;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        (void)fputs("usage: bench_fleet EMULATOR FOLDER [DEVICES]\n", stderr);
        return 2;
    }
    struct run run = {
        .bench = {.program = argv[1], .folder = argv[2]},
        .n_devices = argc == 4 ? strtol(argv[3], NULL, 10) : DEVICES
    };
    if (!has_room(&run)) {
        return SKIPPED;
    }
    (void)bench_start(&run.bench, "data");
    run.service = bench_service_create(&run.bench);
    (void)printf("%ld devices of one process, in memory, without TLS\n", run.n_devices);
    seed(&run);
    double before_mib = bench_memory_mib(&run.bench, "VmRSS");
    start_fleet(&run);
    await_connected(&run);
    double after_mib = bench_memory_mib(&run.bench, "VmRSS");
    double job_s = measure_job(&run);
    end_fleet(&run);
    (void)printf("%-40s %9.2f s  (%.0f devices/s)\n", "one job, a method on each device", job_s,
                 (double)run.n_devices / job_s);
    (void)printf("%-40s %9.1f MiB (%.1f before they connected, %.1f at most)\n",
                 "resident memory, all connected", after_mib, before_mib,
                 bench_memory_mib(&run.bench, "VmHWM"));
    iothub_service_destroy(run.service);
    bench_end(&run.bench);
    return 0;
}
