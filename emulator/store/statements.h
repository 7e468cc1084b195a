/*
 * What the files of this folder share: the store's inside, and every SQL statement of the
 * program by name, prepared once, on first use.  For the files of this folder only.
 *
 * A statement that is NULL is a broken store's: the binders take it and do nothing, and
 * store_step() and store_run() answer -EIO, so a caller binds all and tests once.
 */
#ifndef STORE_STATEMENTS_H
#define STORE_STATEMENTS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/slice.h"
#include "store/store.h"

enum statement {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_MARK,
    SQL_KEEP,
    SQL_UNDO,
    SQL_IDENTITY_GET,
    SQL_IDENTITY_GET_BY_SEQ,
    SQL_IDENTITY_INSERT,
    SQL_IDENTITY_UPDATE,
    SQL_IDENTITY_ACTIVITY,
    SQL_IDENTITY_TOUCH,
    SQL_IDENTITY_SESSION_GET,
    SQL_IDENTITY_SESSION_SET,
    SQL_IDENTITY_DELETE,
    SQL_IDENTITY_NEXT_DEVICE,
    SQL_IDENTITY_NEXT_MODULE,
    SQL_IDENTITY_COUNT_MODULES,
    SQL_IDENTITY_COUNT_DEVICES,
    SQL_TWIN_GET,
    SQL_TWIN_INSERT,
    SQL_TWIN_WRITE_SERVICE,
    SQL_TWIN_WRITE_DESIRED,
    SQL_TWIN_WRITE_REPORTED,
    SQL_TWIN_WRITE_MODEL,
    SQL_TWIN_DELETE,
    SQL_TWIN_SCAN_DEVICES,
    SQL_TWIN_SCAN_MODULES,
    SQL_TWIN_SCAN_DEVICE,
    SQL_TWIN_SCAN_MODULES_OF,
    SQL_TWIN_WALK_IDENTITIES,
    SQL_TWIN_WALK_TWINS,
    SQL_TWIN_WALK_TAGS,
    SQL_TWIN_WALK_NEXT_MODULE,
    SQL_TWIN_TAGS,
    SQL_TWIN_LOAD,
    SQL_EVENT_INSERT,
    SQL_EVENT_READ,
    SQL_EVENT_LAST,
    SQL_EVENT_LAST_OFFSET,
    SQL_EVENT_OLDEST,
    SQL_EVENT_REMEMBER_LAST,
    SQL_EVENT_EXPIRE,
    SQL_JOB_INSERT,
    SQL_JOB_GET,
    SQL_JOB_UPDATE,
    SQL_JOB_NEXT,
    SQL_JOB_NEXT_UNFINISHED,
    SQL_JOB_COUNT_UNFINISHED,
    SQL_JOB_OLDEST_ENDED,
    SQL_JOB_DELETE,
    SQL_JOB_ROW_INSERT,
    SQL_JOB_ROW_UPDATE,
    SQL_JOB_ROW_OF_STATUS,
    SQL_JOB_ROW_SCAN,
    SQL_JOB_ROW_SCAN_JOB,
    SQL_JOB_ROW_CLOSE,
    SQL_JOB_ROW_LEAVE,
    SQL_JOB_ROW_LEFT,
    SQL_JOB_ROW_LEFT_DELETE,
    SQL_JOB_ROW_LEFT_DONE,
    SQL_C2D_INSERT,
    SQL_C2D_GET,
    SQL_C2D_READ,
    SQL_C2D_NEXT,
    SQL_C2D_NEXT_EXPIRY,
    SQL_C2D_SET_DELIVERY_COUNT,
    SQL_C2D_SET_SENT,
    SQL_C2D_DELETE,
    SQL_C2D_DELETE_OF,
    SQL_FEEDBACK_INSERT,
    SQL_FEEDBACK_LOOSE,
    SQL_FEEDBACK_CUT,
    SQL_FEEDBACK_NEXT_BATCH,
    SQL_FEEDBACK_NEXT,
    SQL_FEEDBACK_RETURN,
    SQL_FEEDBACK_DELETE,
    SQL_FEEDBACK_DELETE_OF,
    SQL_FEEDBACK_OLDEST,
    SQL_FEEDBACK_FIRST,
    SQL_FEEDBACK_LAST,
    SQL_FEEDBACK_EXPIRE,
    SQL_FEEDBACK_COUNT,
    SQL_FEEDBACK_TRIM,
    SQL_UPLOAD_INSERT,
    SQL_UPLOAD_GET,
    SQL_UPLOAD_COUNT,
    SQL_UPLOAD_DELETE,
    SQL_UPLOAD_DELETE_OF,
    SQL_UPLOAD_OLDEST,
    SQL_UPLOAD_FORGET,
    SQL_CONFIGURATION_INSERT,
    SQL_CONFIGURATION_GET,
    SQL_CONFIGURATION_NEXT,
    SQL_CONFIGURATION_UPDATE,
    SQL_CONFIGURATION_PROGRESS,
    SQL_CONFIGURATION_RESULTS,
    SQL_CONFIGURATION_REMOVE,
    SQL_CONFIGURATION_DELETE,
    SQL_CONFIGURATION_TARGET_SET,
    SQL_CONFIGURATION_TARGET_CLEAR,
    SQL_CONFIGURATION_TARGET_GET,
    SQL_CONFIGURATION_TARGET_NEXT,
    SQL_CONFIGURATION_TARGET_WALK,
    SQL_CONFIGURATION_TARGET_COUNT,
    SQL_CONFIGURATION_TARGET_DELETE_OF,
    SQL_CONFIGURATION_MANAGED_GET,
    SQL_CONFIGURATION_MANAGED_SET,
    SQL_CONFIGURATION_MANAGED_CLEAR,
    SQL_CONFIGURATION_MANAGED_DELETE_OF,
    SQL_CONFIGURATION_DIRTY_ADD,
    SQL_CONFIGURATION_DIRTY_REMOVE,
    SQL_CONFIGURATION_DIRTY_NEXT,
    SQL_CONFIGURATION_DIRTY_DELETE_OF,
    SQL_N_STATEMENTS,
};

/* The walk of store_twin_next(): which statement stands behind which identity. */
struct store_cursor {
    bool is_open;
    enum statement which;
    int64_t seq;
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_N_STATEMENTS];
    char *name; /* the file, for sentences */
    int lock_fd;
    bool is_in_transaction;
    bool is_dirty;
    bool is_marked;
    bool was_dirty_at_mark;
    bool is_readonly;
    char *failure;
    struct store_cursor cursor;
    struct store_tags *tags; /* indexes of tags, tags.c; NULL before the first */
};

/* The text of a statement. */
const char *store_sql(enum statement which);

/* A statement ready for its parameters; NULL when the store is broken. */
sqlite3_stmt *store_statement(struct store *store, enum statement which);

/* As store_statement, and the turn's transaction is open afterwards. */
sqlite3_stmt *store_write_statement(struct store *store, enum statement which);

/* Open the turn's transaction unless it is open. */
MUST_CHECK int store_begin(struct store *store);

/* Step to the next row: 0, STORE_NO_ROW at the end (the statement is reset), negative errno. */
MUST_CHECK int store_step(struct store *store, sqlite3_stmt *stmt);

/* Run a statement that gives no rows, and reset it. */
MUST_CHECK int store_run(struct store *store, sqlite3_stmt *stmt);

/* As store_run; STORE_NO_ROW when it changed no row. */
MUST_CHECK int store_run_on_row(struct store *store, sqlite3_stmt *stmt);

/* A statement that gives one number, and reset it; its parameters are bound. */
MUST_CHECK int store_read_i64(struct store *store, sqlite3_stmt *stmt, int64_t *out);

/* Let go of every row that is still held. */
void store_reset_statements(struct store *store);

/* SQLite failed: keep what it says as the store's failure, and drop the turn's writes. */
int store_fail(struct store *store);

/* Borrowed by SQLite until the statement is reset; the empty slice is an empty text. */
void store_bind_text(sqlite3_stmt *stmt, int at, struct slice text);
void store_bind_text_or_null(sqlite3_stmt *stmt, int at, const char *text);
void store_bind_blob(sqlite3_stmt *stmt, int at, struct slice bytes);
void store_bind_i64(sqlite3_stmt *stmt, int at, int64_t value);

/* Borrowed until the statement's next step or reset. */
struct slice store_column_text(sqlite3_stmt *stmt, int at);
struct slice store_column_blob(sqlite3_stmt *stmt, int at);
bool store_column_is_null(sqlite3_stmt *stmt, int at);
int64_t store_column_i64(sqlite3_stmt *stmt, int at);
/* Into an array of `size` bytes, cut to fit, always NUL-terminated; NULL becomes "". */
void store_column_copy(sqlite3_stmt *stmt, int at, char *out, size_t size);
/* A copy that the caller frees; NULL stays NULL. */
char *store_column_dup(sqlite3_stmt *stmt, int at);

/* A twin has these tags now; its indexes are to know. */
void store_tags_note(struct store *store, int64_t seq, struct slice document);
void store_tags_finish(struct store *store);

/* Every statement that reads identities begins with these columns (identities.c). */
#define STORE_IDENTITY_COLUMNS 20
struct store_identity;
void store_identity_read(sqlite3_stmt *stmt, struct store_identity *out);

#endif
