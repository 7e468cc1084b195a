/*
 * Rows of identities.
 */
#include "store/identities.h"

#include "store/statements.h"

/* NULL stands for a text that is not there, which is not the same as an empty one. */
static bool read_optional(sqlite3_stmt *stmt, int at, char *out, size_t size)
{
    store_column_copy(stmt, at, out, size);
    return !store_column_is_null(stmt, at);
}

void store_identity_read(sqlite3_stmt *stmt, struct store_identity *out)
{
    out->seq = store_column_i64(stmt, 0);
    store_column_copy(stmt, 1, out->device_id, sizeof(out->device_id));
    store_column_copy(stmt, 2, out->module_id, sizeof(out->module_id));
    out->generation = store_column_i64(stmt, 3);
    out->etag = store_column_i64(stmt, 4);
    out->is_enabled = store_column_i64(stmt, 5) != 0;
    out->has_status_reason =
        read_optional(stmt, 6, out->status_reason, sizeof(out->status_reason));
    out->status_updated_ms = store_column_i64(stmt, 7);
    out->auth = (enum auth_type)store_column_i64(stmt, 8);
    store_column_copy(stmt, 9, out->primary_key, sizeof(out->primary_key));
    store_column_copy(stmt, 10, out->secondary_key, sizeof(out->secondary_key));
    store_column_copy(stmt, 11, out->primary_thumbprint, sizeof(out->primary_thumbprint));
    store_column_copy(stmt, 12, out->secondary_thumbprint, sizeof(out->secondary_thumbprint));
    out->has_managed_by = read_optional(stmt, 13, out->managed_by, sizeof(out->managed_by));
    out->is_edge = store_column_i64(stmt, 14) != 0;
    store_column_copy(stmt, 15, out->device_scope, sizeof(out->device_scope));
    store_column_copy(stmt, 16, out->parent_scope, sizeof(out->parent_scope));
    out->connection_updated_ms = store_column_i64(stmt, 17);
    out->last_activity_ms = store_column_i64(stmt, 18);
    out->message_count = store_column_i64(stmt, 19);
}

/* The one row the statement gives, into a record of its own. */
static int read_one(struct store *store, sqlite3_stmt *stmt, struct store_identity *out)
{
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    store_identity_read(stmt, out);
    (void)sqlite3_reset(stmt);
    return 0;
}

static void bind_id(sqlite3_stmt *stmt, struct identity id)
{
    store_bind_text(stmt, 1, id.device_id);
    store_bind_text(stmt, 2, id.module_id);
}

/* Parameters 3 to 18 of insert and update alike. */
static void bind_record(sqlite3_stmt *stmt, const struct store_identity *record)
{
    store_bind_i64(stmt, 3, record->generation);
    store_bind_i64(stmt, 4, record->etag);
    store_bind_i64(stmt, 5, record->is_enabled);
    store_bind_text_or_null(stmt, 6, record->has_status_reason ? record->status_reason : NULL);
    store_bind_i64(stmt, 7, record->status_updated_ms);
    store_bind_i64(stmt, 8, record->auth);
    store_bind_text(stmt, 9, slice_of(record->primary_key));
    store_bind_text(stmt, 10, slice_of(record->secondary_key));
    store_bind_text(stmt, 11, slice_of(record->primary_thumbprint));
    store_bind_text(stmt, 12, slice_of(record->secondary_thumbprint));
    store_bind_text_or_null(stmt, 13, record->has_managed_by ? record->managed_by : NULL);
    store_bind_i64(stmt, 14, record->is_edge);
    store_bind_text(stmt, 15, slice_of(record->device_scope));
    store_bind_text(stmt, 16, slice_of(record->parent_scope));
    store_bind_i64(stmt, 17, record->connection_updated_ms);
    store_bind_i64(stmt, 18, record->last_activity_ms);
}

int store_identity_get(struct store *store, struct identity id, struct store_identity *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_IDENTITY_GET);
    bind_id(stmt, id);
    return read_one(store, stmt, out);
}

int store_identity_get_by_seq(struct store *store, int64_t seq, struct store_identity *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_IDENTITY_GET_BY_SEQ);
    store_bind_i64(stmt, 1, seq);
    return read_one(store, stmt, out);
}

int store_identity_insert(struct store *store, struct store_identity *record)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_IDENTITY_INSERT);
    bind_id(stmt, store_identity_id(record));
    bind_record(stmt, record);
    int rc = store_run(store, stmt);
    if (rc == 0) {
        record->seq = sqlite3_last_insert_rowid(store->db);
    }
    return rc;
}

int store_identity_update(struct store *store, const struct store_identity *record)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_IDENTITY_UPDATE);
    bind_record(stmt, record);
    store_bind_i64(stmt, 19, record->seq);
    return store_run_on_row(store, stmt);
}

int store_identity_activity(struct store *store, int64_t seq, int64_t connection_updated_ms,
                            int64_t last_activity_ms)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_IDENTITY_ACTIVITY);
    store_bind_i64(stmt, 1, seq);
    store_bind_i64(stmt, 2, connection_updated_ms);
    store_bind_i64(stmt, 3, last_activity_ms);
    return store_run_on_row(store, stmt);
}

int store_identity_touch(struct store *store, int64_t seq, int64_t last_activity_ms)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_IDENTITY_TOUCH);
    store_bind_i64(stmt, 1, seq);
    store_bind_i64(stmt, 2, last_activity_ms);
    return store_run_on_row(store, stmt);
}

/* What belongs to the identities goes before them: it is found through them. */
int store_identity_delete(struct store *store, const struct store_identity *record)
{
    static const enum statement belongings[] = {SQL_TWIN_DELETE,
                                                SQL_C2D_DELETE_OF,
                                                SQL_FEEDBACK_DELETE_OF,
                                                SQL_UPLOAD_DELETE_OF,
                                                SQL_CONFIGURATION_TARGET_DELETE_OF,
                                                SQL_CONFIGURATION_MANAGED_DELETE_OF,
                                                SQL_CONFIGURATION_DIRTY_DELETE_OF};
    sqlite3_stmt *stmt = NULL;
    for (size_t i = 0; i < ARRAY_LEN(belongings); i++) {
        stmt = store_write_statement(store, belongings[i]);
        bind_id(stmt, store_identity_id(record));
        int rc = store_run(store, stmt);
        if (rc != 0) {
            return rc;
        }
    }
    stmt = store_write_statement(store, SQL_IDENTITY_DELETE);
    bind_id(stmt, store_identity_id(record));
    return store_run_on_row(store, stmt);
}

int store_identity_next_device(struct store *store, int64_t after_seq,
                               struct store_identity *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_IDENTITY_NEXT_DEVICE);
    store_bind_i64(stmt, 1, after_seq);
    return read_one(store, stmt, out);
}

int store_identity_next_module(struct store *store, struct slice device_id, int64_t after_seq,
                               struct store_identity *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_IDENTITY_NEXT_MODULE);
    store_bind_i64(stmt, 1, after_seq);
    store_bind_text(stmt, 2, device_id);
    return read_one(store, stmt, out);
}

int store_identity_count_modules(struct store *store, struct slice device_id, int64_t *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_IDENTITY_COUNT_MODULES);
    store_bind_text(stmt, 1, device_id);
    return store_read_i64(store, stmt, out);
}

int store_identity_count_devices(struct store *store, bool is_enabled, int64_t *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_IDENTITY_COUNT_DEVICES);
    store_bind_i64(stmt, 1, is_enabled);
    return store_read_i64(store, stmt, out);
}

int store_session_get(struct store *store, struct identity id, struct buf *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_IDENTITY_SESSION_GET);
    bind_id(stmt, id);
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    buf_put_slice(out, store_column_text(stmt, 0));
    (void)sqlite3_reset(stmt);
    return 0;
}

int store_session_set(struct store *store, struct identity id, struct slice session)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_IDENTITY_SESSION_SET);
    bind_id(stmt, id);
    store_bind_text(stmt, 3, session);
    return store_run_on_row(store, stmt);
}
