/*
 * The emulator beside what it has to stand up to, over real sockets.
 *
 *     bench_compare [--quick] [--azurite FILE] EMULATOR FOLDER REPORT WHAT...
 *
 * FOLDER is empty, and what is left in it is of no use.  REPORT is the JSON file to write.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "bench/launch.h"
#include "bench/scenes.h"

static const struct {
    const char *name;
    void (*measure)(const struct setting *setting);
} scenes[] = {
    {"connect",   measure_connect  },
    {"telemetry", measure_telemetry},
    {"twin",      measure_twin     },
    {"method",    measure_method   },
    {"job",       measure_job      },
    {"start",     measure_start    },
};

static const struct sizes full = {
    .n_rounds = 9,
    .round_us = 1000000,
    .n_samples = 1000,
    .n_telemetry = 100,
    .n_callers = 64,
    .n_connect = 10000,
    .n_connect_tls = 2000,
    .n_connect_rounds = 5,
    .n_job = 10000,
    .n_job_rounds = 5,
    .n_starts = 20,
};

/* Enough to see that everything works. */
static const struct sizes quick = {
    .n_rounds = 1,
    .round_us = 100000,
    .n_samples = 10,
    .n_telemetry = 5,
    .n_callers = 4,
    .n_connect = 100,
    .n_connect_tls = 20,
    .n_connect_rounds = 1,
    .n_job = 50,
    .n_job_rounds = 1,
    .n_starts = 1,
};

char *setting_path(const struct setting *setting, const char *name)
{
    struct buf path = {.cap = BUF_CAP_OWN};
    buf_putf(&path, "%s/%s", setting->folder, name);
    return buf_take_text(&path);
}

/* Every connection is a descriptor, here and in the servers that inherit the limit. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Debian keeps servers where only root's shell looks. */
static void widen_path(void)
{
    struct buf path = {.cap = BUF_CAP_OWN};
    const char *old = getenv("PATH");
    buf_putf(&path, "%s:/usr/sbin", old == NULL ? "/usr/bin" : old);
    (void)setenv("PATH", buf_text(&path), 1);
    buf_finish(&path);
}

static bool run(const struct setting *setting, const char *what)
{
    bool is_known = false;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        if (strcmp(what, "all") == 0 || strcmp(what, scenes[i].name) == 0) {
            scenes[i].measure(setting);
            is_known = true;
        }
    }
    return is_known;
}

/* How many arguments were options. */
static int take_options(int argc, char **argv, struct setting *setting)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-') {
        if (strcmp(argv[i], "--quick") == 0) {
            setting->sizes = &quick;
        } else if (strcmp(argv[i], "--azurite") == 0 && i + 1 < argc) {
            setting->azurite = argv[++i];
        }
        i++;
    }
    return i;
}

int main(int argc, char **argv)
{
    struct report report;
    struct setting setting = {.sizes = &full, .report = &report};
    int first = take_options(argc, argv, &setting);
    if (argc - first < 4) {
        (void)fputs("usage: bench_compare [--quick] [--azurite FILE] EMULATOR FOLDER REPORT "
                    "WHAT...\n",
                    stderr);
        return 2;
    }
    setting.program = argv[first];
    setting.folder = argv[first + 1];
    raise_descriptor_limit();
    widen_path();
    report_init(&report);
    for (int i = first + 3; i < argc; i++) {
        if (!run(&setting, argv[i])) {
            bench_fail(NULL, "there is no '%s' to be measured", argv[i]);
        }
    }
    report_finish(&report, argv[first + 2]);
    return 0;
}
