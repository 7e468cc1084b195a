/*
 * Rows of feedback.
 */
#include "store/feedback.h"

#include "store/statements.h"

int store_feedback_insert(struct store *store, enum feedback_queue queue,
                          const struct store_feedback *record)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_FEEDBACK_INSERT);
    store_bind_i64(stmt, 1, queue);
    store_bind_i64(stmt, 2, record->identity_seq);
    store_bind_i64(stmt, 3, record->at_ms);
    store_bind_i64(stmt, 4, record->status);
    store_bind_i64(stmt, 5, record->generation);
    store_bind_text(stmt, 6, record->device_id);
    store_bind_text(stmt, 7, record->message_id);
    store_bind_i64(stmt, 8, record->message_id.data != NULL);
    store_bind_text(stmt, 9, record->body);
    store_bind_i64(stmt, 10, record->body.data != NULL);
    return store_run(store, stmt);
}

int store_feedback_loose(struct store *store, enum feedback_queue queue, int most,
                         struct store_feedback_loose *out)
{
    struct store_feedback_loose loose = {0};
    sqlite3_stmt *stmt = store_statement(store, SQL_FEEDBACK_LOOSE);
    store_bind_i64(stmt, 1, queue);
    store_bind_i64(stmt, 2, most);
    int rc = store_step(store, stmt);
    while (rc == 0) {
        if (loose.n++ == 0) {
            loose.first_seq = store_column_i64(stmt, 0);
            loose.oldest_ms = store_column_i64(stmt, 1);
        }
        loose.last_seq = store_column_i64(stmt, 0);
        rc = store_step(store, stmt);
    }
    if (rc != STORE_NO_ROW) {
        return rc;
    }
    *out = loose;
    return 0;
}

int store_feedback_cut(struct store *store, enum feedback_queue queue,
                       const struct store_feedback_loose *loose)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_FEEDBACK_CUT);
    store_bind_i64(stmt, 1, queue);
    store_bind_i64(stmt, 2, loose->first_seq);
    store_bind_i64(stmt, 3, loose->last_seq);
    return store_run_on_row(store, stmt);
}

int store_feedback_next_batch(struct store *store, enum feedback_queue queue,
                              int64_t after_batch, int64_t *out_batch,
                              int64_t *out_delivery_count)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_FEEDBACK_NEXT_BATCH);
    store_bind_i64(stmt, 1, queue);
    store_bind_i64(stmt, 2, after_batch);
    int rc = store_step(store, stmt);
    if (rc == 0) {
        *out_batch = store_column_i64(stmt, 0);
        *out_delivery_count = store_column_i64(stmt, 1);
        (void)sqlite3_reset(stmt);
    }
    return rc;
}

int store_feedback_next(struct store *store, enum feedback_queue queue, int64_t batch,
                        int64_t after_seq, struct store_feedback *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_FEEDBACK_NEXT);
    store_bind_i64(stmt, 1, queue);
    store_bind_i64(stmt, 2, batch);
    store_bind_i64(stmt, 3, after_seq);
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    *out = (struct store_feedback){
        .seq = store_column_i64(stmt, 0),
        .identity_seq = store_column_i64(stmt, 1),
        .at_ms = store_column_i64(stmt, 2),
        .status = (enum feedback_status)store_column_i64(stmt, 3),
        .generation = store_column_i64(stmt, 4),
        .device_id = store_column_text(stmt, 5),
    };
    if (!store_column_is_null(stmt, 6)) {
        out->message_id = store_column_text(stmt, 6);
    }
    if (!store_column_is_null(stmt, 7)) {
        out->body = store_column_text(stmt, 7);
    }
    return 0;
}

static int run_on_batch(struct store *store, enum statement which, enum feedback_queue queue,
                        int64_t batch)
{
    sqlite3_stmt *stmt = store_write_statement(store, which);
    store_bind_i64(stmt, 1, queue);
    store_bind_i64(stmt, 2, batch);
    return store_run_on_row(store, stmt);
}

int store_feedback_return(struct store *store, enum feedback_queue queue, int64_t batch)
{
    return run_on_batch(store, SQL_FEEDBACK_RETURN, queue, batch);
}

int store_feedback_delete(struct store *store, enum feedback_queue queue, int64_t batch)
{
    return run_on_batch(store, SQL_FEEDBACK_DELETE, queue, batch);
}

/* How many rows the statement removed. */
static int remove_some(struct store *store, enum statement which, enum feedback_queue queue,
                       int64_t bound, int most)
{
    sqlite3_stmt *stmt = store_write_statement(store, which);
    store_bind_i64(stmt, 1, queue);
    store_bind_i64(stmt, 2, bound);
    store_bind_i64(stmt, 3, most);
    int rc = store_run(store, stmt);
    return rc == 0 ? sqlite3_changes(store->db) : rc;
}

static int read_of_queue(struct store *store, enum statement which, enum feedback_queue queue,
                         int64_t *out)
{
    sqlite3_stmt *stmt = store_statement(store, which);
    store_bind_i64(stmt, 1, queue);
    return store_read_i64(store, stmt, out);
}

/* 0 where there are no records. */
static int read_bounds(struct store *store, enum feedback_queue queue, int64_t *out_oldest_ms,
                       int64_t *out_first, int64_t *out_last)
{
    int rc = read_of_queue(store, SQL_FEEDBACK_OLDEST, queue, out_oldest_ms);
    if (rc == 0) {
        rc = read_of_queue(store, SQL_FEEDBACK_FIRST, queue, out_first);
    }
    return rc != 0 ? rc : read_of_queue(store, SQL_FEEDBACK_LAST, queue, out_last);
}

/*
 * Remove the first records beyond `keep`.  They are counted only where they may be too many:
 * numbers have gaps, which the other queue has taken.
 */
static int trim(struct store *store, enum feedback_queue queue, int64_t keep, int most)
{
    int64_t n = 0;
    int rc = read_of_queue(store, SQL_FEEDBACK_COUNT, queue, &n);
    if (rc != 0 || n <= keep) {
        return rc;
    }
    return remove_some(store, SQL_FEEDBACK_TRIM, queue, 0,
                       n - keep < most ? (int)(n - keep) : most);
}

int store_feedback_expire(struct store *store, enum feedback_queue queue, int64_t before_ms,
                          int64_t keep, int most)
{
    int64_t oldest_ms = 0;
    int64_t first = 0;
    int64_t last = 0;
    int rc = read_bounds(store, queue, &oldest_ms, &first, &last);
    if (rc != 0 || last == 0) {
        return rc;
    }
    int removed = 0;
    /* Without a write when there is nothing to do: an idle hub does not touch its disk. */
    if (oldest_ms < before_ms) {
        removed = remove_some(store, SQL_FEEDBACK_EXPIRE, queue, before_ms, most);
    }
    if (removed >= 0 && first <= last - keep) {
        rc = trim(store, queue, keep, most);
        removed = rc < 0 ? rc : removed + rc;
    }
    return removed;
}
