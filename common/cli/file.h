/*
 * Whole files as texts.
 */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "base/buf.h"
#include "base/macros.h"

/**
 * Append a file's content; the path "-" is stdin.
 * @return 0, or a negative errno: -EFBIG when there is more than the buffer's cap.
 */
MUST_CHECK int cli_file_read(const char *path, struct buf *out);

#endif
