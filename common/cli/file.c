/*
 * Reading a file to its end.
 */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int read_all(int fd, struct buf *out)
{
    char chunk[16384];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : 0;
        }
        buf_put(out, chunk, (size_t)n);
        if (out->failed) {
            return -EFBIG;
        }
    }
}

int cli_file_read(const char *path, struct buf *out)
{
    if (strcmp(path, "-") == 0) {
        return read_all(STDIN_FILENO, out);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int result = read_all(fd, out);
    (void)close(fd);
    return result;
}
