/*
 * Reading a file to its end.
 */
#include "service/cli/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool read_stream(FILE *stream, struct buf *out)
{
    char chunk[4096];
    size_t n = 0;
    do {
        n = fread(chunk, 1, sizeof(chunk), stream);
        buf_put(out, chunk, n);
    } while (n != 0 && !out->failed);
    if (out->failed) {
        errno = EFBIG;
        return false;
    }
    return ferror(stream) == 0;
}

bool file_read(const char *path, struct buf *out)
{
    if (strcmp(path, "-") == 0) {
        return read_stream(stdin, out);
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool is_read = read_stream(file, out);
    int error = errno;
    (void)fclose(file);
    errno = error;
    return is_read;
}
