/*
 * Every SQL statement, and the few calls through which values go in and out.
 */
#include "store/statements.h"

#include <assert.h>
#include <errno.h>

#include "base/buf.h"

#define IDENTITY \
    "i.seq, i.device_id, i.module_id, i.generation, i.etag, i.is_enabled, i.status_reason," \
    " i.status_updated_ms, i.auth, i.primary_key, i.secondary_key, i.primary_thumbprint," \
    " i.secondary_thumbprint, i.managed_by, i.is_edge, i.device_scope, i.parent_scope," \
    " i.connection_updated_ms, i.last_activity_ms, i.message_count"

#define TWIN \
    "t.seq, t.etag, t.model_id, t.tags, t.desired, t.desired_metadata," \
    " t.desired_version, t.reported, t.reported_metadata, t.reported_version"

/* Everything but the content. */
#define C2D \
    "SELECT seq, identity_seq, sequence, enqueued_ms, expires_ms, ack, delivery_count," \
    " was_sent, message_id FROM c2d"

/* As deleting does: an empty module_id names the device, and with it all of its modules. */
#define OF_IDENTITY \
    " WHERE identity_seq IN (SELECT seq FROM identity" \
    " WHERE device_id = ?1 AND (?2 = '' OR module_id = ?2))"

/*
 * CROSS JOIN keeps SQLite from turning the loops around: the order is the identities'.  Modules
 * are found by indexes of their own, which are named, so that a plan never falls back to more.
 */
#define SCAN(index) \
    "SELECT " IDENTITY ", " TWIN " FROM identity AS i" index \
    " CROSS JOIN twin AS t ON t.seq = i.seq"

#define JOB \
    "SELECT seq, job_id, type, status, condition, action, created_ms, start_ms, end_ms," \
    " execution_s, failure, target_cursor, has_targets, n_devices, n_pending, n_running," \
    " n_succeeded, n_failed FROM job"

/* A row whose job is gone is no row. */
#define JOB_ROW \
    "SELECT r.seq, r.job_seq, j.job_id, j.type, r.device_id, r.module_id, r.status," \
    " r.created_ms, r.start_ms, r.end_ms, r.updated_ms, r.outcome, r.error_code," \
    " r.error_text FROM job_row AS r CROSS JOIN job AS j ON j.seq = r.job_seq"

#define CONFIGURATION \
    "SELECT seq, configuration_id, revision, priority, created_ms, updated_ms, " \
    "schema_version," \
    " labels, content, condition, metrics, phase, cursor, evaluated_ms, results," \
    " system_results, is_removed FROM configuration"

#define CONFIGURATION_TARGET \
    "SELECT identity_seq, configuration_seq, is_module, is_applied FROM configuration_target"

static const char *const texts[SQL_N_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_MARK] = "SAVEPOINT mark",
    [SQL_KEEP] = "RELEASE mark",
    [SQL_UNDO] = "ROLLBACK TO mark",

    [SQL_IDENTITY_GET] = "SELECT " IDENTITY
                         " FROM identity AS i WHERE device_id = ?1 AND module_id = ?2",
    [SQL_IDENTITY_GET_BY_SEQ] = "SELECT " IDENTITY " FROM identity AS i WHERE seq = ?1",
    [SQL_IDENTITY_INSERT] =
        "INSERT INTO identity (device_id, module_id, generation, etag, is_enabled,"
        " status_reason, status_updated_ms, auth, primary_key, secondary_key,"
        " primary_thumbprint, secondary_thumbprint, managed_by, is_edge, device_scope,"
        " parent_scope, connection_updated_ms, last_activity_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
        " ?18)",
    [SQL_IDENTITY_UPDATE] =
        "UPDATE identity SET generation = ?3, etag = ?4, is_enabled = ?5, status_reason = ?6,"
        " status_updated_ms = ?7, auth = ?8, primary_key = ?9, secondary_key = ?10,"
        " primary_thumbprint = ?11, secondary_thumbprint = ?12, managed_by = ?13,"
        " is_edge = ?14, device_scope = ?15, parent_scope = ?16, connection_updated_ms = ?17,"
        " last_activity_ms = ?18 WHERE seq = ?19",
    [SQL_IDENTITY_ACTIVITY] = "UPDATE identity SET connection_updated_ms = ?2,"
                              " last_activity_ms = ?3 WHERE seq = ?1",
    [SQL_IDENTITY_TOUCH] = "UPDATE identity SET last_activity_ms = ?2 WHERE seq = ?1",
    [SQL_IDENTITY_SESSION_GET] =
        "SELECT session FROM identity WHERE device_id = ?1 AND module_id = ?2",
    [SQL_IDENTITY_SESSION_SET] =
        "UPDATE identity SET session = ?3 WHERE device_id = ?1 AND module_id = ?2",
    /* An empty module_id names the device, and with it all of its modules. */
    [SQL_IDENTITY_DELETE] =
        "DELETE FROM identity WHERE device_id = ?1 AND (?2 = '' OR module_id = ?2)",
    [SQL_IDENTITY_NEXT_DEVICE] = "SELECT " IDENTITY " FROM identity AS i"
                                 " WHERE seq > ?1 AND module_id = '' ORDER BY seq LIMIT 1",
    [SQL_IDENTITY_NEXT_MODULE] =
        "SELECT " IDENTITY " FROM identity AS i INDEXED BY identity_modules_of"
        " WHERE device_id = ?2 AND module_id <> '' AND seq > ?1 ORDER BY seq LIMIT 1",
    [SQL_IDENTITY_COUNT_MODULES] =
        "SELECT count(*) FROM identity INDEXED BY identity_modules_of"
        " WHERE device_id = ?1 AND module_id <> ''",
    [SQL_IDENTITY_COUNT_DEVICES] = "SELECT n FROM device_count WHERE is_enabled = ?1",

    [SQL_TWIN_GET] = "SELECT " TWIN " FROM twin AS t WHERE t.seq = ?1",
    [SQL_TWIN_INSERT] =
        "INSERT INTO twin (seq, etag, model_id, tags, desired, desired_metadata,"
        " desired_version, reported, reported_metadata, reported_version)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [SQL_TWIN_WRITE_SERVICE] = "UPDATE twin SET etag = ?2, tags = ?4, desired = ?5,"
                               " desired_metadata = ?6, desired_version = ?7 WHERE seq = ?1",
    [SQL_TWIN_WRITE_DESIRED] = "UPDATE twin SET etag = ?2, desired = ?5, desired_metadata = ?6,"
                               " desired_version = ?7 WHERE seq = ?1",
    [SQL_TWIN_WRITE_REPORTED] = "UPDATE twin SET reported = ?8, reported_metadata = ?9,"
                                " reported_version = ?10 WHERE seq = ?1",
    [SQL_TWIN_WRITE_MODEL] = "UPDATE twin SET model_id = ?2 WHERE seq = ?1",
    [SQL_TWIN_DELETE] = "DELETE FROM twin WHERE seq IN (SELECT seq FROM identity"
                        " WHERE device_id = ?1 AND (?2 = '' OR module_id = ?2))",
    [SQL_TWIN_SCAN_DEVICES] = SCAN("") " WHERE i.seq > ?1 AND i.module_id = '' ORDER BY i.seq",
    [SQL_TWIN_SCAN_MODULES] =
        SCAN(" INDEXED BY identity_modules") " WHERE i.seq > ?1 AND i.module_id <> '' ORDER BY "
                                             "i.seq",
    [SQL_TWIN_SCAN_DEVICE] = SCAN("") " WHERE i.device_id = ?2 AND i.module_id = ''"
                                      " AND i.seq > ?1",
    [SQL_TWIN_SCAN_MODULES_OF] =
        SCAN(" INDEXED BY identity_modules_of") " WHERE i.device_id = ?2 AND i.module_id <> '' "
                                                "AND i.seq > ?1 ORDER BY i.seq",
    [SQL_TWIN_WALK_IDENTITIES] = "SELECT " IDENTITY " FROM identity AS i NOT INDEXED"
                                 " WHERE i.seq > ?1 AND i.module_id = '' ORDER BY i.seq",
    [SQL_TWIN_WALK_TWINS] = "SELECT " TWIN
                            " FROM twin AS t NOT INDEXED WHERE t.seq > ?1 ORDER BY t.seq",
    [SQL_TWIN_WALK_TAGS] =
        "SELECT seq, tags FROM twin INDEXED BY twin_tags WHERE seq > ?1 ORDER BY seq",
    [SQL_TWIN_WALK_NEXT_MODULE] = "SELECT seq FROM identity INDEXED BY identity_modules"
                                  " WHERE module_id <> '' AND seq >= ?1 ORDER BY seq LIMIT 1",
    [SQL_TWIN_TAGS] = "SELECT seq, tags FROM twin INDEXED BY twin_tags ORDER BY seq",
    [SQL_TWIN_LOAD] = SCAN("") " WHERE i.seq = ?1",

    [SQL_EVENT_INSERT] =
        "INSERT INTO event (enqueued_ms, \"partition\", sequence, device_id, module_id, source,"
        " properties, annotations, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [SQL_EVENT_READ] =
        "SELECT \"offset\", enqueued_ms, \"partition\", sequence, device_id, module_id, source,"
        " properties, annotations, body FROM event WHERE \"offset\" > ?1"
        " ORDER BY \"offset\" LIMIT 1",
    [SQL_EVENT_LAST] =
        "SELECT max(sequence) FROM event WHERE \"partition\" = ?1"
        " UNION ALL SELECT last_sequence FROM event_removed WHERE \"partition\" = ?1",
    [SQL_EVENT_LAST_OFFSET] = "SELECT coalesce(max(\"offset\"), 0) FROM event",
    [SQL_EVENT_OLDEST] =
        "SELECT \"offset\", enqueued_ms FROM event ORDER BY \"offset\" LIMIT ?1",
    [SQL_EVENT_REMEMBER_LAST] =
        "INSERT INTO event_removed (\"partition\", last_sequence)"
        " SELECT \"partition\", max(sequence) FROM event NOT INDEXED WHERE \"offset\" <= ?1"
        " GROUP BY \"partition\" ON CONFLICT (\"partition\")"
        " DO UPDATE SET last_sequence = excluded.last_sequence",
    [SQL_EVENT_EXPIRE] = "DELETE FROM event WHERE \"offset\" <= ?1",

    [SQL_JOB_INSERT] =
        "INSERT INTO job (job_id, type, condition, action, created_ms, execution_s, status,"
        " start_ms, end_ms, failure, target_cursor, has_targets, n_devices, n_pending,"
        " n_running, n_succeeded, n_failed)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    [SQL_JOB_GET] = JOB " WHERE job_id = ?1",
    [SQL_JOB_UPDATE] =
        "UPDATE job SET status = ?7, start_ms = ?8, end_ms = ?9, failure = ?10,"
        " target_cursor = ?11, has_targets = ?12, n_devices = ?13, n_pending = ?14,"
        " n_running = ?15, n_succeeded = ?16, n_failed = ?17 WHERE seq = ?18",
    [SQL_JOB_NEXT] = JOB " WHERE seq > ?1 ORDER BY seq LIMIT 1",
    [SQL_JOB_NEXT_UNFINISHED] = JOB
    " INDEXED BY job_unfinished WHERE status < 3 AND seq > ?1 ORDER BY seq LIMIT 1",
    [SQL_JOB_COUNT_UNFINISHED] =
        "SELECT count(*) FROM job INDEXED BY job_unfinished WHERE status < 3",
    [SQL_JOB_OLDEST_ENDED] = "SELECT seq FROM job INDEXED BY job_ended"
                             " WHERE status >= 3 AND end_ms < ?1 ORDER BY end_ms LIMIT 1",
    [SQL_JOB_DELETE] = "DELETE FROM job WHERE seq = ?1",

    [SQL_JOB_ROW_INSERT] =
        "INSERT INTO job_row (job_seq, device_id, module_id, created_ms, status, start_ms,"
        " end_ms, updated_ms, outcome, error_code, error_text)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [SQL_JOB_ROW_UPDATE] =
        "UPDATE job_row SET status = ?5, start_ms = ?6, end_ms = ?7, updated_ms = ?8,"
        " outcome = ?9, error_code = ?10, error_text = ?11 WHERE seq = ?12",
    [SQL_JOB_ROW_OF_STATUS] = JOB_ROW
    " WHERE r.job_seq = ?1 AND r.status = ?2 ORDER BY r.seq LIMIT ?3",
    [SQL_JOB_ROW_SCAN] = JOB_ROW " WHERE r.seq > ?1 ORDER BY r.seq LIMIT 1",
    [SQL_JOB_ROW_SCAN_JOB] = JOB_ROW
    " WHERE r.job_seq = ?1 AND r.seq > ?2 ORDER BY r.seq LIMIT 1",
    [SQL_JOB_ROW_CLOSE] =
        "UPDATE job_row SET status = ?3, end_ms = ?4, updated_ms = ?5, error_code = ?6,"
        " error_text = ?7 WHERE job_seq = ?1 AND status = ?2",
    [SQL_JOB_ROW_LEAVE] = "INSERT INTO job_left (job_seq) VALUES (?1)",
    [SQL_JOB_ROW_LEFT] = "SELECT job_seq FROM job_left ORDER BY job_seq LIMIT 1",
    [SQL_JOB_ROW_LEFT_DELETE] = "DELETE FROM job_row WHERE seq IN"
                                " (SELECT seq FROM job_row WHERE job_seq = ?1 LIMIT ?2)",
    [SQL_JOB_ROW_LEFT_DONE] = "DELETE FROM job_left WHERE job_seq = ?1",

    /* The queue's last number is the identity's, which a trigger keeps. */
    [SQL_C2D_INSERT] =
        "INSERT INTO c2d (identity_seq, sequence, enqueued_ms, expires_ms, ack, delivery_count,"
        " was_sent, message_id, properties, body)"
        " SELECT seq, last_message + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM identity"
        " WHERE seq = ?1",
    [SQL_C2D_GET] = C2D " WHERE seq = ?1",
    [SQL_C2D_READ] = "SELECT properties, body FROM c2d WHERE seq = ?1",
    [SQL_C2D_NEXT] = C2D " WHERE identity_seq = ?1 AND seq > ?2 ORDER BY seq LIMIT 1",
    [SQL_C2D_NEXT_EXPIRY] = C2D
    " WHERE (expires_ms, seq) > (?1, ?2) ORDER BY expires_ms, seq LIMIT 1",
    [SQL_C2D_SET_DELIVERY_COUNT] = "UPDATE c2d SET delivery_count = ?2 WHERE seq = ?1",
    [SQL_C2D_SET_SENT] = "UPDATE c2d SET was_sent = 1 WHERE seq = ?1",
    [SQL_C2D_DELETE] = "DELETE FROM c2d WHERE seq = ?1",
    [SQL_C2D_DELETE_OF] = "DELETE FROM c2d" OF_IDENTITY,

    [SQL_FEEDBACK_INSERT] =
        "INSERT INTO feedback (batch, queue, identity_seq, at_ms, status, delivery_count,"
        " generation, device_id, message_id, body)"
        " VALUES (0, ?1, ?2, ?3, ?4, 0, ?5, ?6, CASE ?8 WHEN 1 THEN ?7 END,"
        " CASE ?10 WHEN 1 THEN ?9 END)",
    [SQL_FEEDBACK_LOOSE] =
        "SELECT seq, at_ms FROM feedback WHERE queue = ?1 AND batch = 0 ORDER BY seq LIMIT ?2",
    [SQL_FEEDBACK_CUT] =
        "UPDATE feedback SET batch = ?2 WHERE queue = ?1 AND batch = 0 AND seq <= ?3",
    [SQL_FEEDBACK_NEXT_BATCH] = "SELECT batch, delivery_count FROM feedback"
                                " WHERE queue = ?1 AND batch > ?2 ORDER BY batch LIMIT 1",
    [SQL_FEEDBACK_NEXT] =
        "SELECT seq, identity_seq, at_ms, status, generation, device_id, message_id, body"
        " FROM feedback WHERE queue = ?1 AND batch = ?2 AND seq > ?3 ORDER BY seq LIMIT 1",
    [SQL_FEEDBACK_RETURN] = "UPDATE feedback SET delivery_count = delivery_count + 1"
                            " WHERE queue = ?1 AND batch = ?2",
    [SQL_FEEDBACK_DELETE] = "DELETE FROM feedback WHERE queue = ?1 AND batch = ?2",
    [SQL_FEEDBACK_DELETE_OF] = "DELETE FROM feedback" OF_IDENTITY,
    [SQL_FEEDBACK_OLDEST] = "SELECT min(at_ms) FROM feedback WHERE queue = ?1",
    [SQL_FEEDBACK_FIRST] = "SELECT min(seq) FROM feedback WHERE queue = ?1",
    [SQL_FEEDBACK_LAST] = "SELECT max(seq) FROM feedback WHERE queue = ?1",
    [SQL_FEEDBACK_EXPIRE] = "DELETE FROM feedback WHERE seq IN (SELECT seq FROM feedback"
                            " WHERE queue = ?1 AND at_ms < ?2 ORDER BY at_ms LIMIT ?3)",
    [SQL_FEEDBACK_COUNT] = "SELECT count(*) FROM feedback WHERE queue = ?1",
    [SQL_FEEDBACK_TRIM] = "DELETE FROM feedback WHERE seq IN (SELECT seq FROM feedback"
                          " WHERE queue = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3)",

    [SQL_UPLOAD_INSERT] = "INSERT INTO upload (identity_seq, correlation_id, blob_name,"
                          " expires_ms, forgotten_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_UPLOAD_GET] = "SELECT seq, identity_seq, blob_name, expires_ms FROM upload"
                       " WHERE correlation_id = ?1",
    [SQL_UPLOAD_COUNT] =
        "SELECT count(*) FROM upload WHERE identity_seq = ?1 AND expires_ms > ?2",
    [SQL_UPLOAD_DELETE] = "DELETE FROM upload WHERE seq = ?1",
    [SQL_UPLOAD_DELETE_OF] = "DELETE FROM upload" OF_IDENTITY,
    [SQL_UPLOAD_OLDEST] = "SELECT min(forgotten_ms) FROM upload",
    [SQL_UPLOAD_FORGET] = "DELETE FROM upload WHERE seq IN (SELECT seq FROM upload"
                          " WHERE forgotten_ms <= ?1 ORDER BY forgotten_ms LIMIT ?2)",

    [SQL_CONFIGURATION_INSERT] =
        "INSERT INTO configuration (revision, priority, updated_ms, schema_version, labels,"
        " condition, metrics, phase, cursor, evaluated_ms, configuration_id, created_ms,"
        " content, is_removed, results, system_results)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, '', '')",
    [SQL_CONFIGURATION_GET] = CONFIGURATION " WHERE seq = ?1",
    [SQL_CONFIGURATION_NEXT] = CONFIGURATION " WHERE seq > ?1 ORDER BY seq LIMIT 1",
    [SQL_CONFIGURATION_UPDATE] =
        "UPDATE configuration SET revision = ?1, priority = ?2, updated_ms = ?3,"
        " schema_version = ?4, labels = ?5, condition = ?6, metrics = ?7, phase = ?8,"
        " cursor = ?9, evaluated_ms = ?10 WHERE seq = ?11",
    [SQL_CONFIGURATION_PROGRESS] =
        "UPDATE configuration SET phase = ?2, cursor = ?3, evaluated_ms = ?4 WHERE seq = ?1",
    [SQL_CONFIGURATION_RESULTS] =
        "UPDATE configuration SET results = ?2, system_results = ?3 WHERE seq = ?1",
    [SQL_CONFIGURATION_REMOVE] =
        "UPDATE configuration SET is_removed = 1, schema_version = NULL, labels = NULL,"
        " content = '', condition = '', metrics = '', results = '', system_results = ''"
        " WHERE seq = ?1",
    [SQL_CONFIGURATION_DELETE] = "DELETE FROM configuration WHERE seq = ?1",
    [SQL_CONFIGURATION_TARGET_SET] =
        "INSERT INTO configuration_target (identity_seq, configuration_seq, is_module,"
        " is_applied) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (identity_seq, configuration_seq)"
        " DO UPDATE SET is_module = excluded.is_module, is_applied = excluded.is_applied",
    [SQL_CONFIGURATION_TARGET_CLEAR] = "DELETE FROM configuration_target"
                                       " WHERE identity_seq = ?1 AND configuration_seq = ?2",
    [SQL_CONFIGURATION_TARGET_GET] = CONFIGURATION_TARGET
    " WHERE identity_seq = ?1 AND configuration_seq = ?2",
    [SQL_CONFIGURATION_TARGET_NEXT] = CONFIGURATION_TARGET
    " WHERE identity_seq = ?1 AND configuration_seq > ?2 ORDER BY configuration_seq LIMIT 1",
    [SQL_CONFIGURATION_TARGET_WALK] =
        "SELECT " IDENTITY " FROM configuration_target AS c CROSS JOIN identity AS i"
        " ON i.seq = c.identity_seq WHERE c.configuration_seq = ?1 AND c.identity_seq > ?2"
        " ORDER BY c.identity_seq LIMIT 1",
    [SQL_CONFIGURATION_TARGET_COUNT] =
        "SELECT count(*), coalesce(sum(is_applied), 0) FROM configuration_target"
        " WHERE configuration_seq = ?1 AND is_module = ?2",
    [SQL_CONFIGURATION_TARGET_DELETE_OF] = "DELETE FROM configuration_target" OF_IDENTITY,
    [SQL_CONFIGURATION_MANAGED_GET] =
        "SELECT content FROM configuration_managed WHERE identity_seq = ?1",
    [SQL_CONFIGURATION_MANAGED_SET] =
        "INSERT OR REPLACE INTO configuration_managed (identity_seq, content) VALUES (?1, ?2)",
    [SQL_CONFIGURATION_MANAGED_CLEAR] =
        "DELETE FROM configuration_managed WHERE identity_seq = ?1",
    [SQL_CONFIGURATION_MANAGED_DELETE_OF] = "DELETE FROM configuration_managed" OF_IDENTITY,
    [SQL_CONFIGURATION_DIRTY_ADD] =
        "INSERT OR IGNORE INTO configuration_dirty (identity_seq) VALUES (?1)",
    [SQL_CONFIGURATION_DIRTY_REMOVE] =
        "DELETE FROM configuration_dirty WHERE identity_seq = ?1",
    [SQL_CONFIGURATION_DIRTY_NEXT] =
        "SELECT " IDENTITY " FROM configuration_dirty AS c CROSS JOIN identity AS i"
        " ON i.seq = c.identity_seq WHERE c.identity_seq > ?1 ORDER BY c.identity_seq LIMIT 1",
    [SQL_CONFIGURATION_DIRTY_DELETE_OF] = "DELETE FROM configuration_dirty" OF_IDENTITY,
};

const char *store_sql(enum statement which)
{
    return texts[which];
}

int store_fail(struct store *store)
{
    if (store->failure != NULL) {
        return -EIO;
    }
    struct buf sentence;
    buf_init(&sentence, BUF_CAP_OWN);
    buf_putf(&sentence, "%s: %s", store->name, sqlite3_errmsg(store->db));
    store->failure = buf_take_text(&sentence);
    store->is_in_transaction = false;
    store->is_marked = false;
    store->cursor.is_open = false;
    /* SQLite may have rolled back already; half a turn must not be left for close to commit. */
    if (sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return -EIO;
}

sqlite3_stmt *store_statement(struct store *store, enum statement which)
{
    if (store->failure != NULL) {
        return NULL;
    }
    sqlite3_stmt *stmt = store->statements[which];
    if (stmt != NULL) {
        /* What the reset answers is the error of an earlier step, which was dealt with then. */
        (void)sqlite3_reset(stmt);
        return stmt;
    }
    int rc =
        sqlite3_prepare_v3(store->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (rc != SQLITE_OK) {
        (void)store_fail(store);
        return NULL;
    }
    store->statements[which] = stmt;
    return stmt;
}

sqlite3_stmt *store_write_statement(struct store *store, enum statement which)
{
    if (store_begin(store) != 0) {
        return NULL;
    }
    store->is_dirty = true;
    /* What was read stays readable; only the next step of a scan starts anew. */
    store->cursor.is_open = false;
    return store_statement(store, which);
}

int store_begin(struct store *store)
{
    if (store->is_in_transaction) {
        return 0;
    }
    int rc = store_run(store, store_statement(store, SQL_BEGIN));
    store->is_in_transaction = rc == 0;
    return rc;
}

int store_step(struct store *store, sqlite3_stmt *stmt)
{
    if (stmt == NULL || store->failure != NULL) {
        return -EIO;
    }
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        return 0;
    }
    if (rc != SQLITE_DONE) {
        return store_fail(store);
    }
    (void)sqlite3_reset(stmt);
    return STORE_NO_ROW;
}

int store_run(struct store *store, sqlite3_stmt *stmt)
{
    int rc = store_step(store, stmt);
    assert(rc != 0);
    return rc == STORE_NO_ROW ? 0 : rc;
}

int store_run_on_row(struct store *store, sqlite3_stmt *stmt)
{
    int rc = store_run(store, stmt);
    if (rc != 0) {
        return rc;
    }
    return sqlite3_changes(store->db) == 0 ? STORE_NO_ROW : 0;
}

int store_read_i64(struct store *store, sqlite3_stmt *stmt, int64_t *out)
{
    int rc = store_step(store, stmt);
    if (rc == 0) {
        *out = store_column_i64(stmt, 0);
        (void)sqlite3_reset(stmt);
    }
    return rc;
}

void store_reset_statements(struct store *store)
{
    for (size_t i = 0; i < ARRAY_LEN(store->statements); i++) {
        (void)sqlite3_reset(store->statements[i]);
    }
    store->cursor.is_open = false;
}

/* A parameter that a statement has not, or a value of a gigabyte, is a mistake of ours. */
static void must_bind(int rc)
{
    assert(rc == SQLITE_OK);
    (void)rc;
}

void store_bind_text(sqlite3_stmt *stmt, int at, struct slice text)
{
    if (stmt != NULL) {
        const char *data = text.len == 0 ? "" : text.data;
        must_bind(sqlite3_bind_text64(stmt, at, data, text.len, SQLITE_STATIC, SQLITE_UTF8));
    }
}

void store_bind_text_or_null(sqlite3_stmt *stmt, int at, const char *text)
{
    if (text != NULL) {
        store_bind_text(stmt, at, slice_of(text));
    } else if (stmt != NULL) {
        must_bind(sqlite3_bind_null(stmt, at));
    }
}

void store_bind_blob(sqlite3_stmt *stmt, int at, struct slice bytes)
{
    if (stmt != NULL) {
        const char *data = bytes.len == 0 ? "" : bytes.data;
        must_bind(sqlite3_bind_blob64(stmt, at, data, bytes.len, SQLITE_STATIC));
    }
}

void store_bind_i64(sqlite3_stmt *stmt, int at, int64_t value)
{
    if (stmt != NULL) {
        must_bind(sqlite3_bind_int64(stmt, at, value));
    }
}

/* SQLite answers NULL for an empty value; a slice of ours always points somewhere. */
static struct slice slice_of_column(const void *data, int len)
{
    return data == NULL ? SLICE("") : slice_make(data, (size_t)len);
}

struct slice store_column_text(sqlite3_stmt *stmt, int at)
{
    const void *data = sqlite3_column_text(stmt, at);
    return slice_of_column(data, sqlite3_column_bytes(stmt, at));
}

struct slice store_column_blob(sqlite3_stmt *stmt, int at)
{
    const void *data = sqlite3_column_blob(stmt, at);
    return slice_of_column(data, sqlite3_column_bytes(stmt, at));
}

bool store_column_is_null(sqlite3_stmt *stmt, int at)
{
    return sqlite3_column_type(stmt, at) == SQLITE_NULL;
}

int64_t store_column_i64(sqlite3_stmt *stmt, int at)
{
    return sqlite3_column_int64(stmt, at);
}

void store_column_copy(sqlite3_stmt *stmt, int at, char *out, size_t size)
{
    assert(size > 0);
    struct slice text = store_column_text(stmt, at);
    size_t len = text.len < size ? text.len : size - 1;
    memcpy(out, text.data, len);
    out[len] = '\0';
}

char *store_column_dup(sqlite3_stmt *stmt, int at)
{
    return store_column_is_null(stmt, at) ? NULL : slice_dup(store_column_text(stmt, at));
}
