/*
 * Starting an emulator, and looking at it from outside.
 */
#include "bench/launch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MAX_MS 10000
#define PATH_SIZE    1024
#define OTHER_MAX_US 30000000
#define PROBE_US     100 /* far below what is measured, and not in its way */

void bench_fail(const struct bench *bench, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("bench: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    if (bench != NULL && bench->pid > 0) {
        (void)kill(bench->pid, SIGKILL);
    }
    exit(1);
}

int64_t bench_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What the child becomes: a server without its output, which does not outlive us. */
__attribute__((noreturn)) static void become(char *const argv[])
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    (void)execvp(argv[0], argv);
    _exit(127);
}

static void start(struct bench *bench, char *const argv[])
{
    bench->pid = fork();
    if (bench->pid < 0) {
        bench_fail(NULL, "no process: %s", strerror(errno));
    }
    if (bench->pid == 0) {
        become(argv);
    }
}

static void start_emulator(struct bench *bench, const char *data_dir, const char *ready_file)
{
    const char *argv[16] = {bench->program, "run",     "--mqtt-port", "0",
                            "--mqtts-port", "0",       "--http-port", "0",
                            "--https-port", "0",       "--data-dir",  data_dir,
                            "--ready-file", ready_file};
    if (!bench->is_on_disk) {
        argv[14] = "--in-memory";
    }
    /* execvp() changes none of them. */
    start(bench, (char *const *)(uintptr_t)argv);
}

/* Whether the events that came in tell of the ready file. */
static bool read_events(int watch)
{
    _Alignas(struct inotify_event) char events[4096];
    ssize_t len = read(watch, events, sizeof(events));
    for (ssize_t at = 0; at < len;) {
        const struct inotify_event *event = (const void *)(events + at);
        if (event->len > 0 && strcmp(event->name, BENCH_READY_FILE) == 0) {
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
        int64_t left_us = end_us - bench_now_us();
        if (left_us <= 0 || poll(&fd, 1, (int)(left_us / 1000) + 1) == 0) {
            bench_fail(bench, "%s is not ready after %d ms", bench->program, READY_MAX_MS);
        }
    } while (!read_events(watch));
}

int64_t bench_start(struct bench *bench, const char *data_name)
{
    char data_dir[PATH_SIZE];
    char ready_file[PATH_SIZE];
    (void)snprintf(data_dir, sizeof(data_dir), "%s/%s", bench->folder, data_name);
    (void)snprintf(ready_file, sizeof(ready_file), "%s/%s", bench->folder, BENCH_READY_FILE);
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0 || inotify_add_watch(watch, bench->folder, IN_CREATE | IN_MOVED_TO) < 0) {
        bench_fail(bench, "%s: %s", bench->folder, strerror(errno));
    }
    int64_t begin_us = bench_now_us();
    start_emulator(bench, data_dir, ready_file);
    await_ready(bench, watch, begin_us + (int64_t)READY_MAX_MS * 1000);
    int64_t took_us = bench_now_us() - begin_us;
    (void)close(watch);
    return took_us;
}

void bench_end(struct bench *bench)
{
    int status = 0;
    (void)kill(bench->pid, SIGTERM);
    pid_t pid = waitpid(bench->pid, &status, 0);
    bench->pid = 0;
    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bench_fail(bench, "%s did not end well", bench->program);
    }
}

static struct sockaddr_in local_port(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int bench_free_port(void)
{
    struct sockaddr_in address = local_port(0);
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        bench_fail(NULL, "no free port: %s", strerror(errno));
    }
    (void)close(fd);
    return ntohs(address.sin_port);
}

static bool accepts(int port)
{
    struct sockaddr_in address = local_port(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_there = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(fd);
    return is_there;
}

int64_t bench_start_other(struct bench *bench, char *const argv[], const int *ports, size_t n)
{
    int64_t begin_us = bench_now_us();
    start(bench, argv);
    for (size_t i = 0; i < n;) {
        if (accepts(ports[i])) {
            i++;
        } else if (bench_now_us() - begin_us > OTHER_MAX_US ||
                   waitpid(bench->pid, NULL, WNOHANG) != 0) {
            bench_fail(NULL, "%s does not listen", argv[0]);
        } else {
            (void)usleep(PROBE_US);
        }
    }
    return bench_now_us() - begin_us;
}

void bench_end_other(struct bench *bench)
{
    (void)kill(bench->pid, SIGTERM);
    (void)waitpid(bench->pid, NULL, 0);
    bench->pid = 0;
}

double bench_cpu_s(const struct bench *bench)
{
    char path[64];
    long long run_ns = 0;
    (void)snprintf(path, sizeof(path), "/proc/%ld/schedstat", (long)bench->pid);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        char line[128];
        if (fgets(line, sizeof(line), file) != NULL) {
            run_ns = strtoll(line, NULL, 10);
        }
        (void)fclose(file);
    }
    return (double)run_ns / 1e9;
}

double bench_memory_mib(const struct bench *bench, const char *which)
{
    char path[64];
    char line[128];
    long kib = 0;
    size_t len = strlen(which);
    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)bench->pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        bench_fail(bench, "%s: %s", path, strerror(errno));
    }
    while (kib == 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, which, len) == 0 && line[len] == ':') {
            kib = strtol(line + len + 1, NULL, 10);
        }
    }
    (void)fclose(file);
    return (double)kib / 1024;
}
