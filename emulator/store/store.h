/*
 * The hub's durable state in one SQLite file, or in memory.
 *
 * One writer, one transaction a turn: the first write of a turn begins it, store_commit() ends
 * it, and nothing that was written may be acknowledged before.  Reads inside the turn see its
 * writes.  The record kinds are in files of their own: identities.h, twins.h, events.h,
 * jobs.h, c2d.h, feedback.h.
 *
 * Calls answer 0, STORE_NO_ROW, or a negative errno.  A negative answer is the machine's fault:
 * the store is then broken, what was not committed is dropped, every later read, write and
 * commit fails too, and the process should end.  A call that changes a row which is not there
 * changes nothing and answers STORE_NO_ROW.
 *
 * What a reading call lends lives as the record kind's header says, and never beyond
 * store_commit() and store_close().
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"

#define STORE_NO_ROW 1

struct store;

/**
 * Open or create the database and bring its schema up to date.
 *
 * @param path   the file; NULL for a database in memory.
 * @param error  receives one sentence when it fails: why, and for a file that another process
 *               writes, or that a newer program made, just that.
 * @return 0; -EBUSY (another process has it), -EINVAL (not ours or from a newer version), -EIO.
 *
 * The folder must exist.  A new file is readable by its owner only; "<path>.lock" beside it
 * keeps a second writing process out and stays when the store is closed.
 */
MUST_CHECK int store_open(const char *path, struct buf *error, struct store **out);

/*
 * As store_open, for reading beside a running emulator or without one; writes fail.  The file
 * must exist (-ENOENT) and be of this version (-EINVAL).  What another process commits is seen
 * from the next store_commit() on, which ends a reader's turn too.
 */
MUST_CHECK int store_open_readonly(const char *path, struct buf *error, struct store **out);

/* Commits what is open, without what follows an open mark.  NULL is allowed. */
void store_close(struct store *store);

/* End the turn and its transaction; 0 also when nothing was written.  No mark may be open. */
MUST_CHECK int store_commit(struct store *store);

/* Whether something was written since the last commit; also true once the store is broken. */
bool store_is_dirty(const struct store *store);

/*
 * A point to go back to within the turn: several writes that belong together either all stay or
 * none does.  Points do not nest.  What was read before stays readable.
 */
MUST_CHECK int store_mark(struct store *store);
MUST_CHECK int store_keep(struct store *store);
MUST_CHECK int store_undo(struct store *store);

/* What broke the store; NULL while it is whole. */
const char *store_failure(const struct store *store);

#endif
