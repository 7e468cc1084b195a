/*
 * One writing process a file.
 *
 * An advisory lock on a file beside the database ("<file>.lock", which holds the owner's
 * process id), and not SQLite's exclusive mode: that would keep out readers too.  The lock goes
 * with the process, however it ends; the file stays, since removing it would race with the next
 * owner. For the files of this folder only.
 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include "base/buf.h"
#include "base/macros.h"

/*
 * @param file   the database's full path.
 * @param name   the same as the user knows it, for the sentence.
 * @return 0; -EBUSY (another process has it, which the sentence names); -EIO.
 */
MUST_CHECK int store_lock_take(const char *file, const char *name, struct buf *error,
                               int *out_fd);

/* -1 is allowed. */
void store_lock_release(int fd);

#endif
