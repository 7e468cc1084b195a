/*
 * Rows of cloud-to-device messages.
 */
#include "store/c2d.h"

#include "store/statements.h"

static void read_message(sqlite3_stmt *stmt, struct store_c2d *out)
{
    out->seq = store_column_i64(stmt, 0);
    out->identity_seq = store_column_i64(stmt, 1);
    out->sequence = store_column_i64(stmt, 2);
    out->enqueued_ms = store_column_i64(stmt, 3);
    out->expires_ms = store_column_i64(stmt, 4);
    out->ack = (enum c2d_ack)store_column_i64(stmt, 5);
    out->delivery_count = store_column_i64(stmt, 6);
    out->was_sent = store_column_i64(stmt, 7) != 0;
    out->has_message_id = !store_column_is_null(stmt, 8);
    store_column_copy(stmt, 8, out->message_id, sizeof(out->message_id));
}

/* The one row the statement gives, into a record of its own. */
static int read_one(struct store *store, sqlite3_stmt *stmt, struct store_c2d *out)
{
    int rc = store_step(store, stmt);
    if (rc == 0) {
        read_message(stmt, out);
        (void)sqlite3_reset(stmt);
    }
    return rc;
}

int store_c2d_insert(struct store *store, struct store_c2d *message,
                     const struct store_c2d_content *content)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_C2D_INSERT);
    store_bind_i64(stmt, 1, message->identity_seq);
    store_bind_i64(stmt, 2, message->enqueued_ms);
    store_bind_i64(stmt, 3, message->expires_ms);
    store_bind_i64(stmt, 4, message->ack);
    store_bind_i64(stmt, 5, message->delivery_count);
    store_bind_i64(stmt, 6, message->was_sent);
    store_bind_text_or_null(stmt, 7, message->has_message_id ? message->message_id : NULL);
    store_bind_text(stmt, 8, content->properties);
    store_bind_blob(stmt, 9, content->body);
    int rc = store_run_on_row(store, stmt);
    if (rc == 0) {
        message->seq = sqlite3_last_insert_rowid(store->db);
    }
    return rc;
}

int store_c2d_get(struct store *store, int64_t seq, struct store_c2d *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_C2D_GET);
    store_bind_i64(stmt, 1, seq);
    return read_one(store, stmt, out);
}

int store_c2d_read(struct store *store, int64_t seq, struct store_c2d_content *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_C2D_READ);
    store_bind_i64(stmt, 1, seq);
    int rc = store_step(store, stmt);
    if (rc == 0) {
        out->properties = store_column_text(stmt, 0);
        out->body = store_column_blob(stmt, 1);
    }
    return rc;
}

int store_c2d_next(struct store *store, int64_t identity_seq, int64_t after_seq,
                   struct store_c2d *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_C2D_NEXT);
    store_bind_i64(stmt, 1, identity_seq);
    store_bind_i64(stmt, 2, after_seq);
    return read_one(store, stmt, out);
}

int store_c2d_next_expiry(struct store *store, int64_t after_ms, int64_t after_seq,
                          struct store_c2d *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_C2D_NEXT_EXPIRY);
    store_bind_i64(stmt, 1, after_ms);
    store_bind_i64(stmt, 2, after_seq);
    return read_one(store, stmt, out);
}

int store_c2d_set_delivery_count(struct store *store, int64_t seq, int64_t count)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_C2D_SET_DELIVERY_COUNT);
    store_bind_i64(stmt, 1, seq);
    store_bind_i64(stmt, 2, count);
    return store_run_on_row(store, stmt);
}

static int run_on(struct store *store, enum statement which, int64_t seq)
{
    sqlite3_stmt *stmt = store_write_statement(store, which);
    store_bind_i64(stmt, 1, seq);
    return store_run_on_row(store, stmt);
}

int store_c2d_set_sent(struct store *store, int64_t seq)
{
    return run_on(store, SQL_C2D_SET_SENT, seq);
}

int store_c2d_delete(struct store *store, int64_t seq)
{
    return run_on(store, SQL_C2D_DELETE, seq);
}
