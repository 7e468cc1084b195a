/*
 * How long an emulator in memory takes from exec until its ready file is there, and how much
 * memory it then holds while nobody speaks to it.
 *
 *     bench_start EMULATOR FOLDER    FOLDER is empty; what is left in it is of no use
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_RUNS       20
#define READY_MAX_MS 10000
#define IDLE_S       1
#define PATH_SIZE    1024
#define READY_FILE   "ready.json"

/* What is measured, and the one that runs; 0: none. */
struct bench {
    const char *program;
    const char *folder;
    pid_t pid;
};

/* End the emulator and this program, saying why. */
__attribute__((noreturn, format(printf, 2, 3))) static void fail(const struct bench *bench,
                                                                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("bench_start: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    if (bench->pid > 0) {
        (void)kill(bench->pid, SIGKILL);
    }
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What the child becomes: the emulator, without its output. */
__attribute__((noreturn)) static void
become_emulator(const struct bench *bench, const char *data_dir, const char *ready_file)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    (void)execl(bench->program, bench->program, "run", "--in-memory", "--mqtt-port", "0",
                "--mqtts-port", "0", "--http-port", "0", "--https-port", "0", "--data-dir",
                data_dir, "--ready-file", ready_file, (char *)NULL);
    _exit(127);
}

/* Whether the events that came in tell of the ready file. */
static bool read_events(int watch)
{
    _Alignas(struct inotify_event) char events[4096];
    ssize_t len = read(watch, events, sizeof(events));
    for (ssize_t at = 0; at < len;) {
        const struct inotify_event *event = (const void *)(events + at);
        if (event->len > 0 && strcmp(event->name, READY_FILE) == 0) {
            return true;
        }
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    return false;
}

static void await_ready(const struct bench *bench, int watch, int64_t end_us)
{
    struct pollfd fd = {.fd = watch, .events = POLLIN};
    do {
        int64_t left_us = end_us - now_us();
        if (left_us <= 0 || poll(&fd, 1, (int)(left_us / 1000) + 1) == 0) {
            fail(bench, "%s is not ready after %d ms", bench->program, READY_MAX_MS);
        }
    } while (!read_events(watch));
}

/* Start an emulator and let it run; how long that took. */
static int64_t start(struct bench *bench, const char *data_name)
{
    char data_dir[PATH_SIZE];
    char ready_file[PATH_SIZE];
    (void)snprintf(data_dir, sizeof(data_dir), "%s/%s", bench->folder, data_name);
    (void)snprintf(ready_file, sizeof(ready_file), "%s/%s", bench->folder, READY_FILE);
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0 || inotify_add_watch(watch, bench->folder, IN_CREATE | IN_MOVED_TO) < 0) {
        fail(bench, "%s: %s", bench->folder, strerror(errno));
    }
    int64_t begin_us = now_us();
    bench->pid = fork();
    if (bench->pid < 0) {
        fail(bench, "no process: %s", strerror(errno));
    }
    if (bench->pid == 0) {
        become_emulator(bench, data_dir, ready_file);
    }
    await_ready(bench, watch, begin_us + (int64_t)READY_MAX_MS * 1000);
    int64_t took_us = now_us() - begin_us;
    (void)close(watch);
    return took_us;
}

static void end(struct bench *bench)
{
    int status = 0;
    (void)kill(bench->pid, SIGTERM);
    pid_t pid = waitpid(bench->pid, &status, 0);
    bench->pid = 0;
    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail(bench, "%s did not end well", bench->program);
    }
}

static double resident_mib(const struct bench *bench)
{
    char path[64];
    char line[128];
    long kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)bench->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fail(bench, "%s: %s", path, strerror(errno));
    }
    while (kib == 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtol(line + 6, NULL, 10);
        }
    }
    (void)fclose(file);
    return (double)kib / 1024;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* All runs have a data directory that is there already, or each one of its own that is not. */
static void measure_starts(struct bench *bench, bool is_first, const char *what)
{
    int64_t took_us[N_RUNS];
    for (int i = 0; i < N_RUNS; i++) {
        char data_name[32] = "kept";
        if (is_first) {
            (void)snprintf(data_name, sizeof(data_name), "new-%d", i);
        }
        took_us[i] = start(bench, data_name);
        end(bench);
    }
    qsort(took_us, N_RUNS, sizeof(took_us[0]), compare);
    int64_t two_us = took_us[N_RUNS / 2 - 1] + took_us[N_RUNS / 2];
    (void)printf("%-40s %7.1f %7.1f %7.1f  ms\n", what, (double)two_us / 2000,
                 (double)took_us[0] / 1000, (double)took_us[N_RUNS - 1] / 1000);
}

static void measure_memory(struct bench *bench)
{
    (void)start(bench, "kept");
    (void)sleep(IDLE_S);
    (void)printf("%-40s %7.1f %16s MiB\n", "resident memory, idle", resident_mib(bench), "");
    end(bench);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fputs("usage: bench_start EMULATOR FOLDER\n", stderr);
        return 2;
    }
    struct bench bench = {.program = argv[1], .folder = argv[2]};
    (void)start(&bench, "kept");
    end(&bench);
    (void)printf("%-40s %7s %7s %7s\n", "", "median", "least", "most");
    measure_starts(&bench, false, "start to ready");
    measure_starts(&bench, true, "start to ready, making certificates too");
    measure_memory(&bench);
    return 0;
}
