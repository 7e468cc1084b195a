/*
 * Finding and making the data directory.
 */
#include "server/data_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/file.h"

#define FOLDER_NAME "iothub-emulator"

/* The specification asks that a relative path be ignored. */
static const char *absolute_variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] == '/' ? value : NULL;
}

char *data_dir_default(void)
{
    const char *state = absolute_variable("XDG_STATE_HOME");
    if (state != NULL) {
        return file_path(state, FOLDER_NAME);
    }
    const char *home = absolute_variable("HOME");
    return home == NULL ? NULL : file_path(home, ".local/state/" FOLDER_NAME);
}

static int make_folder(const char *path)
{
    return mkdir(path, S_IRWXU) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Every prefix of the path that ends before a slash, then the path itself. */
static int make_with_parents(const char *path)
{
    char *prefix = mem_dup_text(path);
    int result = 0;
    for (char *at = prefix + 1; result == 0 && *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            result = make_folder(prefix);
            *at = '/';
        }
    }
    if (result == 0) {
        result = make_folder(prefix);
    }
    free(prefix);
    return result;
}

static bool refuse(const char *path, const char *why, struct buf *error)
{
    buf_putf(error, "data directory %s: %s; choose another one with --data-dir", path, why);
    return false;
}

bool data_dir_prepare(const char *path, struct buf *error)
{
    struct stat found;
    int result = path[0] == '\0' ? -ENOENT : make_with_parents(path);
    if (result == 0 && stat(path, &found) != 0) {
        result = -errno;
    }
    if (result != 0) {
        return refuse(path, strerror(-result), error);
    }
    if (!S_ISDIR(found.st_mode)) {
        return refuse(path, "it is not a folder", error);
    }
    if (access(path, W_OK | X_OK) != 0) {
        return refuse(path, "it cannot be written", error);
    }
    return true;
}
