/*
 * Rows of uploads.
 */
#include "store/uploads.h"

#include "store/statements.h"

int store_upload_insert(struct store *store, const struct store_upload *upload)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_UPLOAD_INSERT);
    store_bind_i64(stmt, 1, upload->identity_seq);
    store_bind_text(stmt, 2, upload->correlation_id);
    store_bind_text(stmt, 3, upload->blob_name);
    store_bind_i64(stmt, 4, upload->expires_ms);
    store_bind_i64(stmt, 5, upload->forgotten_ms);
    return store_run(store, stmt);
}

int store_upload_get(struct store *store, struct slice correlation_id, struct store_upload *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_UPLOAD_GET);
    store_bind_text(stmt, 1, correlation_id);
    int rc = store_step(store, stmt);
    if (rc == 0) {
        *out = (struct store_upload){
            .seq = store_column_i64(stmt, 0),
            .identity_seq = store_column_i64(stmt, 1),
            .blob_name = store_column_text(stmt, 2),
            .expires_ms = store_column_i64(stmt, 3),
        };
    }
    return rc;
}

int store_upload_count(struct store *store, int64_t identity_seq, int64_t at_ms, int64_t *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_UPLOAD_COUNT);
    store_bind_i64(stmt, 1, identity_seq);
    store_bind_i64(stmt, 2, at_ms);
    return store_read_i64(store, stmt, out);
}

int store_upload_delete(struct store *store, int64_t seq)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_UPLOAD_DELETE);
    store_bind_i64(stmt, 1, seq);
    return store_run_on_row(store, stmt);
}

int store_upload_forget(struct store *store, int64_t at_ms, int most)
{
    int64_t oldest_ms = 0;
    sqlite3_stmt *stmt = store_statement(store, SQL_UPLOAD_OLDEST);
    int rc = store_read_i64(store, stmt, &oldest_ms);
    /* Without a write when there is nothing to do: an idle hub does not touch its disk. */
    if (rc != 0 || oldest_ms == 0 || oldest_ms > at_ms) {
        return rc;
    }
    stmt = store_write_statement(store, SQL_UPLOAD_FORGET);
    store_bind_i64(stmt, 1, at_ms);
    store_bind_i64(stmt, 2, most);
    rc = store_run(store, stmt);
    return rc == 0 ? sqlite3_changes(store->db) : rc;
}
