/*
 * Tables and indexes, and the check that a file is ours.
 */
#include "store/schema.h"

#include <errno.h>
#include <sqlite3.h>

#include "store/statements.h"

/*
 * AUTOINCREMENT, so that a number that was given away never comes back: cursors and offsets are
 * kept by others.  Modules get indexes of their own, for among many devices they may be few.
 */
static const char first_schema[] =
    "CREATE TABLE identity ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  device_id TEXT NOT NULL,"
    "  module_id TEXT NOT NULL DEFAULT '',"
    "  generation INTEGER NOT NULL,"
    "  etag INTEGER NOT NULL,"
    "  is_enabled INTEGER NOT NULL,"
    "  status_reason TEXT,"
    "  status_updated_ms INTEGER NOT NULL,"
    "  auth INTEGER NOT NULL,"
    "  primary_key TEXT NOT NULL,"
    "  secondary_key TEXT NOT NULL,"
    "  primary_thumbprint TEXT NOT NULL,"
    "  secondary_thumbprint TEXT NOT NULL,"
    "  managed_by TEXT,"
    "  is_edge INTEGER NOT NULL,"
    "  device_scope TEXT NOT NULL,"
    "  parent_scope TEXT NOT NULL,"
    "  connection_updated_ms INTEGER NOT NULL,"
    "  last_activity_ms INTEGER NOT NULL,"
    "  session TEXT,"
    "  UNIQUE (device_id, module_id)"
    ") STRICT;"
    "CREATE INDEX identity_modules ON identity (seq) WHERE module_id <> '';"
    "CREATE INDEX identity_modules_of ON identity (device_id) WHERE module_id <> '';"

    "CREATE TABLE twin ("
    "  seq INTEGER PRIMARY KEY,"
    "  etag INTEGER NOT NULL,"
    "  desired_version INTEGER NOT NULL,"
    "  reported_version INTEGER NOT NULL,"
    "  model_id TEXT NOT NULL,"
    "  tags TEXT NOT NULL,"
    "  desired TEXT NOT NULL,"
    "  desired_metadata TEXT NOT NULL,"
    "  reported TEXT NOT NULL,"
    "  reported_metadata TEXT NOT NULL"
    ") STRICT;"

    "CREATE TABLE event ("
    "  \"offset\" INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  enqueued_ms INTEGER NOT NULL,"
    "  \"partition\" INTEGER NOT NULL,"
    "  sequence INTEGER NOT NULL,"
    "  device_id TEXT NOT NULL,"
    "  module_id TEXT NOT NULL,"
    "  source TEXT NOT NULL,"
    "  properties TEXT NOT NULL,"
    "  annotations TEXT NOT NULL,"
    "  body BLOB NOT NULL"
    ") STRICT;"
    "CREATE UNIQUE INDEX event_sequence ON event (\"partition\", sequence);"

    /* What retention removed: sequence numbers go on where the removed events ended. */
    "CREATE TABLE event_removed ("
    "  \"partition\" INTEGER PRIMARY KEY,"
    "  last_sequence INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE job ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  job_id TEXT NOT NULL UNIQUE,"
    "  type INTEGER NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  start_ms INTEGER NOT NULL,"
    "  end_ms INTEGER NOT NULL,"
    "  execution_s INTEGER NOT NULL,"
    "  target_cursor INTEGER NOT NULL,"
    "  has_targets INTEGER NOT NULL,"
    "  n_devices INTEGER NOT NULL,"
    "  n_pending INTEGER NOT NULL,"
    "  n_running INTEGER NOT NULL,"
    "  n_succeeded INTEGER NOT NULL,"
    "  n_failed INTEGER NOT NULL,"
    "  failure TEXT,"
    "  condition TEXT,"
    "  action TEXT"
    ") STRICT;"
    /* 3 is JOB_COMPLETED: what is below still has work to do (jobs.c asserts it). */
    "CREATE INDEX job_unfinished ON job (seq) WHERE status < 3;"
    "CREATE INDEX job_ended ON job (end_ms) WHERE status >= 3;"

    "CREATE TABLE job_row ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  job_seq INTEGER NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  start_ms INTEGER NOT NULL,"
    "  end_ms INTEGER NOT NULL,"
    "  updated_ms INTEGER NOT NULL,"
    "  device_id TEXT NOT NULL,"
    "  module_id TEXT NOT NULL,"
    "  outcome TEXT NOT NULL,"
    "  error_code TEXT NOT NULL,"
    "  error_text TEXT NOT NULL"
    ") STRICT;"
    /* Every index ends with the row's seq, so this is in order of creation within a status. */
    "CREATE INDEX job_row_status ON job_row (job_seq, status);"
    "CREATE INDEX job_row_job ON job_row (job_seq);"

    /* Jobs that are gone while some of their rows are still to be removed. */
    "CREATE TABLE job_left (job_seq INTEGER PRIMARY KEY) STRICT;";

/*
 * How many devices there are, enabled and not, kept by the database itself: a count that went
 * with the calls of the program would have to be undone where their writes are.
 */
static const char device_counts[] =
    "CREATE TABLE device_count (is_enabled INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;"
    "INSERT INTO device_count (is_enabled, n)"
    "  SELECT 0, count(*) FROM identity WHERE module_id = '' AND is_enabled = 0"
    "  UNION ALL SELECT 1, count(*) FROM identity WHERE module_id = '' AND is_enabled <> 0;"
    "CREATE TRIGGER device_added AFTER INSERT ON identity WHEN NEW.module_id = '' BEGIN"
    "  UPDATE device_count SET n = n + 1 WHERE is_enabled = NEW.is_enabled; END;"
    "CREATE TRIGGER device_removed AFTER DELETE ON identity WHEN OLD.module_id = '' BEGIN"
    "  UPDATE device_count SET n = n - 1 WHERE is_enabled = OLD.is_enabled; END;"
    "CREATE TRIGGER device_switched AFTER UPDATE OF is_enabled ON identity"
    " WHEN NEW.module_id = '' AND NEW.is_enabled <> OLD.is_enabled BEGIN"
    "  UPDATE device_count SET n = n - 1 WHERE is_enabled = OLD.is_enabled;"
    "  UPDATE device_count SET n = n + 1 WHERE is_enabled = NEW.is_enabled; END;";

/*
 * Queues of cloud-to-device messages and what became of them.  How many messages a queue holds,
 * and its last number, are kept with the identity by the database itself.
 */
static const char message_queues[] =
    "ALTER TABLE identity ADD COLUMN message_count INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE identity ADD COLUMN last_message INTEGER NOT NULL DEFAULT 0;"

    "CREATE TABLE c2d ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  identity_seq INTEGER NOT NULL,"
    "  sequence INTEGER NOT NULL,"
    "  enqueued_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL,"
    "  ack INTEGER NOT NULL,"
    "  delivery_count INTEGER NOT NULL,"
    "  was_sent INTEGER NOT NULL,"
    "  message_id TEXT,"
    "  properties TEXT NOT NULL,"
    "  body BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX c2d_queue ON c2d (identity_seq);"
    "CREATE INDEX c2d_expiry ON c2d (expires_ms);"
    "CREATE TRIGGER c2d_added AFTER INSERT ON c2d BEGIN"
    "  UPDATE identity SET message_count = message_count + 1, last_message = NEW.sequence"
    "  WHERE seq = NEW.identity_seq; END;"
    "CREATE TRIGGER c2d_removed AFTER DELETE ON c2d BEGIN"
    "  UPDATE identity SET message_count = message_count - 1"
    "  WHERE seq = OLD.identity_seq; END;"

    /* A batch is known by its first record; 0 means that the record is in none yet. */
    "CREATE TABLE feedback ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  batch INTEGER NOT NULL,"
    "  identity_seq INTEGER NOT NULL,"
    "  at_ms INTEGER NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  delivery_count INTEGER NOT NULL,"
    "  generation INTEGER NOT NULL,"
    "  device_id TEXT NOT NULL,"
    "  message_id TEXT"
    ") STRICT;"
    "CREATE INDEX feedback_batch ON feedback (batch);"
    "CREATE INDEX feedback_identity ON feedback (identity_seq);"
    "CREATE INDEX feedback_age ON feedback (at_ms);";

/*
 * Configurations and what they did.  A configuration that was removed stays without its name
 * until no twin holds anything of it; the order of its targets is that of identities, since a
 * review walks along them.
 */
static const char configurations[] =
    "CREATE TABLE configuration ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  configuration_id TEXT NOT NULL,"
    "  revision INTEGER NOT NULL,"
    "  priority INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  updated_ms INTEGER NOT NULL,"
    "  evaluated_ms INTEGER NOT NULL,"
    "  phase INTEGER NOT NULL,"
    "  cursor INTEGER NOT NULL,"
    "  is_removed INTEGER NOT NULL,"
    "  schema_version TEXT,"
    "  labels TEXT,"
    "  content TEXT NOT NULL,"
    "  condition TEXT NOT NULL,"
    "  metrics TEXT NOT NULL,"
    "  results TEXT NOT NULL,"
    "  system_results TEXT NOT NULL"
    ") STRICT;"
    "CREATE UNIQUE INDEX configuration_id ON configuration (configuration_id)"
    " WHERE is_removed = 0;"

    "CREATE TABLE configuration_target ("
    "  identity_seq INTEGER NOT NULL,"
    "  configuration_seq INTEGER NOT NULL,"
    "  is_module INTEGER NOT NULL,"
    "  is_applied INTEGER NOT NULL,"
    "  PRIMARY KEY (identity_seq, configuration_seq)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX configuration_target_of"
    " ON configuration_target (configuration_seq, identity_seq, is_module, is_applied);"

    "CREATE TABLE configuration_managed ("
    "  identity_seq INTEGER PRIMARY KEY,"
    "  content TEXT NOT NULL"
    ") STRICT;"

    "CREATE TABLE configuration_dirty (identity_seq INTEGER PRIMARY KEY) STRICT;";

/*
 * Tags once more, in the order of twins: most conditions look at nothing else, and a walk along
 * these passes a tenth of the pages that the twins lie on.
 */
static const char tags_apart[] = "CREATE INDEX twin_tags ON twin (seq, tags);";

/*
 * Notifications of uploaded files wait for the service as feedback does, in a queue of their
 * own beside it; their texts are made when they are written.  Uploads are open from the request
 * for a place until the device says how it ended.
 */
static const char uploads[] =
    "ALTER TABLE feedback ADD COLUMN queue INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE feedback ADD COLUMN body TEXT;"
    "DROP INDEX feedback_batch;"
    "DROP INDEX feedback_age;"
    "CREATE INDEX feedback_queue ON feedback (queue);"
    "CREATE INDEX feedback_batch ON feedback (queue, batch);"
    "CREATE INDEX feedback_age ON feedback (queue, at_ms);"

    "CREATE TABLE upload ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  identity_seq INTEGER NOT NULL,"
    "  correlation_id TEXT NOT NULL UNIQUE,"
    "  blob_name TEXT NOT NULL,"
    "  expires_ms INTEGER NOT NULL,"
    "  forgotten_ms INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX upload_identity ON upload (identity_seq, expires_ms);"
    "CREATE INDEX upload_age ON upload (forgotten_ms);";

const char *const store_migrations[] = {
    first_schema, device_counts, message_queues, configurations, tags_apart, uploads,
};
const int store_n_migrations = (int)ARRAY_LEN(store_migrations);

/* One number from a statement without parameters; an SQLite result code. */
static int query_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *out = sqlite3_column_int64(stmt, 0);
    }
    int end = sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : end;
}

static int say_foreign(const struct store *store, struct buf *error)
{
    buf_putf(error, "%s is not a file of iothub-emulator", store->name);
    return -EINVAL;
}

static int say_unreadable(const struct store *store, int rc, struct buf *error)
{
    if (rc == SQLITE_NOTADB) {
        return say_foreign(store, error);
    }
    buf_putf(error, "cannot read %s: %s", store->name, sqlite3_errmsg(store->db));
    return rc == SQLITE_BUSY ? -EBUSY : -EIO;
}

static int judge_version(const struct store *store, int64_t version, struct buf *error)
{
    if (version > store_n_migrations) {
        buf_putf(error, "%s was written by a newer version of iothub-emulator", store->name);
        return -EINVAL;
    }
    if (store->is_readonly && version < store_n_migrations) {
        buf_putf(error, "%s is not up to date: the emulator has to open it first", store->name);
        return -EINVAL;
    }
    return 0;
}

int store_check_file(struct store *store, struct buf *error, int *out_version)
{
    int64_t owner = 0;
    int64_t version = 0;
    int64_t n_things = 0;
    int rc = query_number(store->db, "PRAGMA application_id", &owner);
    if (rc == SQLITE_OK) {
        rc = query_number(store->db, "PRAGMA user_version", &version);
    }
    if (rc == SQLITE_OK) {
        rc = query_number(store->db, "SELECT count(*) FROM sqlite_schema", &n_things);
    }
    if (rc != SQLITE_OK) {
        return say_unreadable(store, rc, error);
    }
    bool is_empty = owner == 0 && version == 0 && n_things == 0;
    if (owner != STORE_APPLICATION_ID && !is_empty) {
        return say_foreign(store, error);
    }
    int verdict = judge_version(store, version, error);
    if (verdict == 0) {
        *out_version = (int)version;
    }
    return verdict;
}

/* The number of the schema is written in the same transaction as the schema. */
static int run_migrations(sqlite3 *db, int version)
{
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int i = version; rc == SQLITE_OK && i < store_n_migrations; i++) {
        rc = sqlite3_exec(db, store_migrations[i], NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct buf sql;
    buf_init(&sql, BUF_CAP_OWN);
    buf_putf(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             STORE_APPLICATION_ID, store_n_migrations);
    rc = sqlite3_exec(db, buf_text(&sql), NULL, NULL, NULL);
    buf_finish(&sql);
    return rc;
}

int store_migrate(struct store *store, int version, struct buf *error)
{
    if (version == store_n_migrations) {
        return 0;
    }
    if (run_migrations(store->db, version) != SQLITE_OK) {
        buf_putf(error, "cannot bring %s up to date: %s", store->name,
                 sqlite3_errmsg(store->db));
        return -EIO;
    }
    return 0;
}
