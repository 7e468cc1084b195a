/*
 * The shape of the file: whose it is, which version, and how an older one becomes a newer one.
 * For the files of this folder only.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "base/buf.h"
#include "base/macros.h"

struct store;

/* In the file's header: "IOTH".  Other programs' files carry another number or none. */
#define STORE_APPLICATION_ID 0x494F5448

/* Statements that are run once each, in order; the file's user_version says how many were. */
extern const char *const store_migrations[];
extern const int store_n_migrations;

/*
 * Look at the file without changing it: 0 with its version, which is 0 for an empty file;
 * -EINVAL (another program's, a newer version's), -EBUSY, -EIO, with a sentence.
 */
MUST_CHECK int store_check_file(struct store *store, struct buf *error, int *out_version);

/* Run what the file lacks, in one transaction. */
MUST_CHECK int store_migrate(struct store *store, int version, struct buf *error);

#endif
