/*
 * Whole files as texts.
 */
#ifndef DEVICE_CLI_FILE_H
#define DEVICE_CLI_FILE_H

#include "base/buf.h"
#include "base/macros.h"

/* Append a file's content, stdin's for "-".  @return 0, or a negative errno; -EFBIG over the
 * cap. */
MUST_CHECK int file_read(const char *path, struct buf *out);

#endif
