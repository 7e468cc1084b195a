/*
 * The lock that keeps a second writing process out.
 */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"

/* The owner's process id; 0 when it cannot be told, as in the moment before it is written. */
static int64_t read_owner(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof(text), 0);
    if (n <= 0) {
        return 0;
    }
    int64_t pid = 0;
    if (!slice_to_i64(slice_trim(slice_make(text, (size_t)n)), &pid)) {
        return 0;
    }
    return pid;
}

static void say_owner(int fd, const char *name, struct buf *error)
{
    int64_t pid = read_owner(fd);
    if (pid > 0) {
        buf_putf(error, "%s is in use by process %lld", name, (long long)pid);
    } else {
        buf_putf(error, "%s is in use by another process", name);
    }
}

static int write_owner(int fd)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len) {
        return -errno;
    }
    return 0;
}

static int lock_and_sign(int fd, const char *name, struct buf *error)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            say_owner(fd, name, error);
            return -EBUSY;
        }
        buf_putf(error, "cannot lock %s: %s", name, strerror(errno));
        return -EIO;
    }
    int rc = write_owner(fd);
    if (rc != 0) {
        buf_putf(error, "cannot write %s.lock: %s", name, strerror(-rc));
        return -EIO;
    }
    return 0;
}

int store_lock_take(const char *file, const char *name, struct buf *error, int *out_fd)
{
    struct buf path;
    buf_init(&path, BUF_CAP_OWN);
    buf_putf(&path, "%s.lock", file);
    int fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    buf_finish(&path);
    if (fd < 0) {
        buf_putf(error, "cannot create %s.lock: %s", name, strerror(errno));
        return -EIO;
    }
    int rc = lock_and_sign(fd, name, error);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    *out_fd = fd;
    return 0;
}

void store_lock_release(int fd)
{
    if (fd < 0) {
        return;
    }
    /* An empty lock file names nobody; if this fails, the next owner overwrites it anyway. */
    if (ftruncate(fd, 0) != 0) {
        errno = 0;
    }
    close(fd);
}
