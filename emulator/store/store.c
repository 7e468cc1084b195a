/*
 * The store's life and the turn's transaction.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "store/lock.h"
#include "store/schema.h"
#include "store/statements.h"

/*
 * A read-only opener may hold a lock for a moment while it opens or recovers the file; nobody
 * else competes, so waiting this long is never seen and giving up at once would be wrong.
 */
#define BUSY_MS 2000

static struct store *create(const char *path)
{
    struct store *store = mem_alloc(sizeof(*store));
    store->lock_fd = -1;
    store->name = mem_dup_text(path == NULL ? "the store in memory" : path);
    return store;
}

static void destroy(struct store *store)
{
    for (size_t i = 0; i < ARRAY_LEN(store->statements); i++) {
        (void)sqlite3_finalize(store->statements[i]);
    }
    (void)sqlite3_close(store->db);
    /* Last: the next owner must find the file closed. */
    store_lock_release(store->lock_fd);
    store_tags_finish(store);
    free(store->name);
    free(store->failure);
    free(store);
}

/*
 * SQLite gives some names a meaning (":memory:", "file:..."); a name with its folder in front
 * is always a file.  The file holds keys, so it is the owner's alone; SQLite gives the files
 * beside it the same mode.
 */
static int open_file(struct store *store, const char *path, int flags)
{
    struct buf full;
    buf_init(&full, BUF_CAP_OWN);
    buf_putf(&full, "%s%s", path[0] == '/' ? "" : "./", path);
    mode_t old = umask(S_IRWXG | S_IRWXO);
    int rc = sqlite3_open_v2(buf_text(&full), &store->db, flags, NULL);
    umask(old);
    buf_finish(&full);
    return rc;
}

/* 0 or the errno of the system's refusal. */
static int open_database(struct store *store, const char *path, int flags, struct buf *error)
{
    flags |= SQLITE_OPEN_NOMUTEX;
    int rc = path == NULL ? sqlite3_open_v2(":memory:", &store->db, flags, NULL)
                          : open_file(store, path, flags);
    if (rc != SQLITE_OK) {
        int cause = sqlite3_system_errno(store->db);
        buf_putf(error, "cannot open %s: %s", store->name,
                 cause != 0 ? strerror(cause) : sqlite3_errmsg(store->db));
        return cause == ENOENT ? -ENOENT : -EIO;
    }
    (void)sqlite3_busy_timeout(store->db, BUSY_MS);
    return 0;
}

/*
 * The page cache is kept small, for most of what is read is read once.
 *
 * synchronous=NORMAL: a COMMIT is in the write-ahead log when it returns, but only a checkpoint
 * waits for the disk.  A process that is killed loses nothing that was committed; a machine
 * that loses power may lose the last commits, never older ones and never a part of one.  That
 * is the promise an emulator gives, and it saves a disk flush each turn.
 *
 * secure_delete=FAST: content is overwritten only where that costs no further writes.
 */
static const char pragmas[] = "PRAGMA cache_size = -2048;"
                              "PRAGMA mmap_size = 0;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA foreign_keys = OFF;"
                              "PRAGMA secure_delete = FAST;"
                              "PRAGMA synchronous = NORMAL;";

static int configure(struct store *store, struct buf *error)
{
    if (sqlite3_exec(store->db, pragmas, NULL, NULL, NULL) != SQLITE_OK) {
        buf_putf(error, "cannot read %s: %s", store->name, sqlite3_errmsg(store->db));
        return -EIO;
    }
    return 0;
}

/* Readers beside the writer need the write-ahead log, and so does the speed of a commit. */
static int use_write_ahead_log(struct store *store, struct buf *error)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    bool is_on = false;
    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        is_on = slice_equal_text(store_column_text(stmt, 0), "wal");
    }
    rc = sqlite3_finalize(stmt);
    if (is_on) {
        return 0;
    }
    buf_putf(error, "cannot keep a write-ahead log for %s: %s", store->name,
             rc == SQLITE_OK ? "its file system does not allow it" : sqlite3_errmsg(store->db));
    return -EIO;
}

/*
 * The file is looked at before it is locked, so that another program's file gets no lock file
 * beside it, and again afterwards, since only then it stands still.
 */
static int own_file(struct store *store, struct buf *error)
{
    int version = 0;
    int rc = store_check_file(store, error, &version);
    if (rc != 0) {
        return rc;
    }
    /* SQLite opens what may not be written for reading, and would say so with the first write.
     */
    if (sqlite3_db_readonly(store->db, "main") != 0) {
        buf_putf(error, "cannot write %s: %s", store->name, strerror(EACCES));
        return -EIO;
    }
    /* The full name, links resolved: two names of one file share its lock. */
    rc = store_lock_take(sqlite3_db_filename(store->db, "main"), store->name, error,
                         &store->lock_fd);
    if (rc != 0) {
        return rc;
    }
    rc = store_check_file(store, error, &version);
    if (rc != 0) {
        return rc;
    }
    rc = configure(store, error);
    if (rc == 0) {
        rc = use_write_ahead_log(store, error);
    }
    return rc != 0 ? rc : store_migrate(store, version, error);
}

static int start(struct store *store, const char *path, struct buf *error)
{
    int rc = open_database(store, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
    if (rc != 0) {
        return -EIO;
    }
    if (path != NULL) {
        return own_file(store, error);
    }
    rc = configure(store, error);
    return rc != 0 ? rc : store_migrate(store, 0, error);
}

static int start_readonly(struct store *store, const char *path, struct buf *error)
{
    store->is_readonly = true;
    int rc = open_database(store, path, SQLITE_OPEN_READONLY, error);
    if (rc != 0) {
        return rc;
    }
    int version = 0;
    rc = store_check_file(store, error, &version);
    return rc != 0 ? rc : configure(store, error);
}

int store_open(const char *path, struct buf *error, struct store **out)
{
    struct store *store = create(path);
    int rc = start(store, path, error);
    if (rc != 0) {
        destroy(store);
        return rc;
    }
    *out = store;
    return 0;
}

int store_open_readonly(const char *path, struct buf *error, struct store **out)
{
    struct store *store = create(path);
    int rc = start_readonly(store, path, error);
    if (rc != 0) {
        destroy(store);
        return rc;
    }
    *out = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    /* What cannot be kept any more is in failure, or is half of a group and must not be kept.
     */
    if (!store->is_marked || store_undo(store) == 0) {
        (void)!store_commit(store);
    }
    destroy(store);
}

int store_commit(struct store *store)
{
    if (store->failure != NULL) {
        return -EIO;
    }
    assert(!store->is_marked);
    /* A row that is still held would keep the write-ahead log from being emptied. */
    store_reset_statements(store);
    if (!store->is_in_transaction) {
        return 0;
    }
    int rc = store_run(store, store_statement(store, SQL_COMMIT));
    if (rc != 0) {
        return rc;
    }
    store->is_in_transaction = false;
    store->is_dirty = false;
    return 0;
}

bool store_is_dirty(const struct store *store)
{
    return store->is_dirty || store->failure != NULL;
}

int store_mark(struct store *store)
{
    assert(!store->is_marked);
    if (store_begin(store) != 0) {
        return -EIO;
    }
    int rc = store_run(store, store_statement(store, SQL_MARK));
    store->is_marked = rc == 0;
    store->was_dirty_at_mark = store->is_dirty;
    return rc;
}

int store_keep(struct store *store)
{
    assert(store->is_marked || store->failure != NULL);
    int rc = store_run(store, store_statement(store, SQL_KEEP));
    store->is_marked = false;
    return rc;
}

int store_undo(struct store *store)
{
    assert(store->is_marked || store->failure != NULL);
    int rc = store_run(store, store_statement(store, SQL_UNDO));
    if (rc == 0) {
        rc = store_run(store, store_statement(store, SQL_KEEP));
    }
    store->is_marked = false;
    if (rc == 0) {
        store->is_dirty = store->was_dirty_at_mark;
        store->cursor.is_open = false;
    }
    return rc;
}

const char *store_failure(const struct store *store)
{
    return store->failure;
}
