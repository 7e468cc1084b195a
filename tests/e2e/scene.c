/*
 * Making and clearing away what a test has around it.
 */
#include "e2e/scene.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "e2e/process.h"

enum {
    PROCESSES_MAX = 64,
    READ_BYTES = 16384,
    TEARDOWN_MS = 10000,
};

int scene_setup(void **state)
{
    struct scene *scene = mem_alloc(sizeof(*scene));
    const char *base = getenv("TMPDIR");
    int len = snprintf(scene->folder, sizeof(scene->folder), "%s/iothub-e2e-XXXXXX",
                       base == NULL || base[0] != '/' ? "/tmp" : base);
    if (len >= (int)sizeof(scene->folder) || mkdtemp(scene->folder) == NULL) {
        free(scene);
        return -1;
    }
    /* A peer that went away is an answer, not the end of the test program. */
    (void)signal(SIGPIPE, SIG_IGN);
    *state = scene;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static bool end_processes(struct scene *scene)
{
    bool is_good = true;
    int64_t until_ms = scene_now_ms() + TEARDOWN_MS;
    for (struct process *p = scene->processes; p != NULL; p = p->next) {
        if (!p->is_over) {
            process_signal(p, SIGTERM);
            process_go_on(p);
        }
    }
    for (struct process *p = scene->processes; p != NULL; p = p->next) {
        is_good = process_ends_well(p, until_ms) && is_good;
    }
    return is_good;
}

int scene_teardown(void **state)
{
    struct scene *scene = *state;
    bool is_good = end_processes(scene);
    while (scene->processes != NULL) {
        struct process *process = scene->processes;
        scene->processes = process->next;
        process_destroy(process);
    }
    if (nftw(scene->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0) {
        print_error("%s: %s\n", scene->folder, strerror(errno));
        is_good = false;
    }
    free(scene);
    return is_good ? 0 : -1;
}

void scene_path(const struct scene *scene, const char *name, char out[SCENE_PATH_SIZE])
{
    int len = snprintf(out, SCENE_PATH_SIZE, "%s/%s", scene->folder, name);
    assert_in_range(len, 1, SCENE_PATH_SIZE - 1);
}

void scene_write(const struct scene *scene, const char *name, const char *text)
{
    char path[SCENE_PATH_SIZE];
    scene_path(scene, name, path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    bool is_written = fputs(text, file) >= 0;
    assert_int_equal(fclose(file), 0);
    assert_true(is_written);
}

bool scene_has(const struct scene *scene, const char *name)
{
    char path[SCENE_PATH_SIZE];
    scene_path(scene, name, path);
    return access(path, F_OK) == 0;
}

int64_t scene_now_ms(void)
{
    static const struct clock clock = {0};
    return clock_read(&clock).now_ms;
}

/* ---- what the processes print ---- */

struct source {
    struct process *process;
    enum process_stream stream;
};

static size_t list_sources(struct scene *scene, struct source *sources, struct pollfd *fds)
{
    size_t n = 0;
    for (struct process *p = scene->processes; p != NULL; p = p->next) {
        for (int stream = 0; stream < PROCESS_STREAMS; stream++) {
            if (p->output[stream] < 0) {
                continue;
            }
            assert_true(n < (size_t)PROCESSES_MAX * PROCESS_STREAMS);
            sources[n] = (struct source){p, (enum process_stream)stream};
            fds[n++] = (struct pollfd){.fd = p->output[stream], .events = POLLIN};
        }
    }
    return n;
}

static void take(const struct source *source)
{
    struct process *process = source->process;
    char bytes[READ_BYTES];
    ssize_t len = read(process->output[source->stream], bytes, sizeof(bytes));
    if (len > 0) {
        buf_put(&process->text[source->stream], bytes, (size_t)len);
    } else if (len == 0 || errno != EINTR) {
        (void)close(process->output[source->stream]);
        process->output[source->stream] = -1;
    }
}

bool scene_turn(struct scene *scene, int64_t until_ms)
{
    struct source sources[PROCESSES_MAX * PROCESS_STREAMS];
    struct pollfd fds[PROCESSES_MAX * PROCESS_STREAMS];
    size_t n = list_sources(scene, sources, fds);
    int64_t left_ms = until_ms - scene_now_ms();
    left_ms = left_ms < 0 ? 0 : left_ms;
    int n_ready = poll(fds, n, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
    for (size_t i = 0; n_ready > 0 && i < n; i++) {
        if (fds[i].revents != 0) {
            take(&sources[i]);
        }
    }
    return n_ready > 0 || (n_ready < 0 && errno == EINTR);
}
