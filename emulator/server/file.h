/*
 * Small files as a whole: read into a buffer, or put in place of an earlier one in one step.
 */
#ifndef SERVER_FILE_H
#define SERVER_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/**
 * Append a file's content.
 * @return 0, or a negative errno; -EFBIG when it does not fit under the buffer's cap.
 */
MUST_CHECK int file_read(const char *path, struct buf *out);

/**
 * Write a file so that a reader sees the old content or the new one and never a part, whatever
 * happens meanwhile: a temporary file beside it is written, synced and renamed.
 * @param mode  its permissions, whatever the umask says.
 * @return 0, or a negative errno; nothing is left behind then.
 */
MUST_CHECK int file_replace(const char *path, mode_t mode, struct slice content);

/* "folder/name", which the caller frees. */
char *file_path(const char *folder, const char *name);

#endif
