/*
 * Reading and replacing small files.
 */
#include "server/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define READ_STEP 16384

char *file_path(const char *folder, const char *name)
{
    struct buf path;
    buf_init(&path, BUF_CAP_OWN);
    buf_putf(&path, "%s/%s", folder, name);
    return buf_take_text(&path);
}

/* Pipes are read as well, so the size is not asked for beforehand. */
static int read_all(int fd, struct buf *out)
{
    for (;;) {
        char step[READ_STEP];
        ssize_t n = read(fd, step, sizeof(step));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? 0 : -errno;
        }
        buf_put(out, step, (size_t)n);
        if (out->failed) {
            return -EFBIG;
        }
    }
}

int file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int result = read_all(fd, out);
    close(fd);
    return result;
}

static int write_all(int fd, struct slice content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        content = slice_from(content, (size_t)n);
    }
    return 0;
}

static int fill(int fd, mode_t mode, struct slice content)
{
    if (fchmod(fd, mode) != 0) {
        return -errno;
    }
    int result = write_all(fd, content);
    if (result != 0) {
        return result;
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return mem_dup_text(".");
    }
    return slice_dup(slash == path ? SLICE("/") : slice_between(path, slash));
}

/* The rename itself lasts only once the folder is synced. */
static int sync_folder_of(const char *path)
{
    char *folder = folder_of(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0) {
        return -errno;
    }
    /* Some file systems cannot sync a folder and say EINVAL. */
    int result = fsync(fd) == 0 || errno == EINVAL ? 0 : -errno;
    close(fd);
    return result;
}

static int write_and_rename(int fd, char *temporary, const char *path, mode_t mode,
                            struct slice content)
{
    int result = fill(fd, mode, content);
    if (close(fd) != 0 && result == 0) {
        result = -errno;
    }
    if (result == 0 && rename(temporary, path) != 0) {
        result = -errno;
    }
    if (result != 0) {
        unlink(temporary);
        return result;
    }
    return sync_folder_of(path);
}

int file_replace(const char *path, mode_t mode, struct slice content)
{
    struct buf name;
    buf_init(&name, BUF_CAP_OWN);
    buf_putf(&name, "%s.XXXXXX", path);
    char *temporary = buf_take_text(&name);
    int fd = mkostemp(temporary, O_CLOEXEC);
    int result = fd < 0 ? -errno : write_and_rename(fd, temporary, path, mode, content);
    free(temporary);
    return result;
}
