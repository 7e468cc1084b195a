/*
 * Reading /proc.
 */
#include "reliability/watch.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    TEXT_SIZE = 1024,
    SECOND_MS = 1000,
};

static void read_text(pid_t pid, const char *name, char out[TEXT_SIZE])
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t n = fread(out, 1, TEXT_SIZE - 1, file);
    out[n] = '\0';
    (void)fclose(file);
}

double watch_memory_bytes(pid_t pid)
{
    char text[TEXT_SIZE];
    long long pages = 0;
    long long resident = 0;
    read_text(pid, "statm", text);
    /* NOLINTNEXTLINE(cert-err34-c): the kernel writes numbers that fit. */
    assert_int_equal(sscanf(text, "%lld %lld", &pages, &resident), 2);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

int watch_descriptors(pid_t pid)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        n++;
    }
    (void)closedir(folder);
    return n - 2; /* "." and ".." */
}

int64_t watch_cpu_ms(pid_t pid)
{
    char text[TEXT_SIZE];
    long long own = 0;
    long long systems = 0;
    read_text(pid, "stat", text);
    const char *rest = strrchr(text, ')'); /* the name may hold anything */
    assert_non_null(rest);
    /* NOLINTNEXTLINE(cert-err34-c): the kernel writes numbers that fit. */
    assert_int_equal(sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld",
                            &own, &systems),
                     2);
    return (own + systems) * SECOND_MS / sysconf(_SC_CLK_TCK);
}
