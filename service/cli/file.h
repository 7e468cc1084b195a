/*
 * Whole files.
 */
#ifndef SERVICE_CLI_FILE_H
#define SERVICE_CLI_FILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"

/**
 * Append a file's content; the path "-" is stdin.
 * @return false with errno set: it cannot be read, or is longer than the buffer's cap (EFBIG).
 */
MUST_CHECK bool file_read(const char *path, struct buf *out);

#endif
