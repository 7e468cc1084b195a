/*
 * Rows of the event log.
 */
#include "store/events.h"

#include <assert.h>

#include "store/statements.h"

int store_event_append(struct store *store, struct store_event *event)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_EVENT_INSERT);
    store_bind_i64(stmt, 1, event->enqueued_ms);
    store_bind_i64(stmt, 2, event->partition);
    store_bind_i64(stmt, 3, event->sequence);
    store_bind_text(stmt, 4, event->from.device_id);
    store_bind_text(stmt, 5, event->from.module_id);
    store_bind_text(stmt, 6, event->source);
    store_bind_text(stmt, 7, event->properties);
    store_bind_text(stmt, 8, event->annotations);
    store_bind_blob(stmt, 9, event->body);
    int rc = store_run(store, stmt);
    if (rc == 0) {
        event->offset = sqlite3_last_insert_rowid(store->db);
    }
    return rc;
}

int store_event_next(struct store *store, int64_t after_offset, struct store_event *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_EVENT_READ);
    store_bind_i64(stmt, 1, after_offset);
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    *out = (struct store_event){
        .offset = store_column_i64(stmt, 0),
        .enqueued_ms = store_column_i64(stmt, 1),
        .partition = (int)store_column_i64(stmt, 2),
        .sequence = store_column_i64(stmt, 3),
        .from = {store_column_text(stmt, 4), store_column_text(stmt, 5)},
        .source = store_column_text(stmt, 6),
        .properties = store_column_text(stmt, 7),
        .annotations = store_column_text(stmt, 8),
        .body = store_column_blob(stmt, 9),
    };
    return 0;
}

int store_event_last_offset(struct store *store, int64_t *out)
{
    return store_read_i64(store, store_statement(store, SQL_EVENT_LAST_OFFSET), out);
}

/* At most two rows: the log's own last number, NULL when there is none, and the removed one. */
int store_event_last(struct store *store, int partition, int64_t *out_sequence)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_EVENT_LAST);
    store_bind_i64(stmt, 1, partition);
    int64_t last = -1;
    int rc = store_step(store, stmt);
    while (rc == 0) {
        if (!store_column_is_null(stmt, 0) && store_column_i64(stmt, 0) > last) {
            last = store_column_i64(stmt, 0);
        }
        rc = store_step(store, stmt);
    }
    if (rc != STORE_NO_ROW || last < 0) {
        return rc;
    }
    *out_sequence = last;
    return 0;
}

/*
 * The last offset of those at the front that are to go.  The walk ends at the first that stays,
 * so it never looks at more than one event that is not removed.
 */
static int find_expired(struct store *store, int64_t before_ms, int64_t keep_above, int most,
                        int64_t *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_EVENT_OLDEST);
    store_bind_i64(stmt, 1, most);
    int64_t found = 0;
    int rc = store_step(store, stmt);
    while (rc == 0) {
        int64_t offset = store_column_i64(stmt, 0);
        if (offset > keep_above && store_column_i64(stmt, 1) >= before_ms) {
            break;
        }
        found = offset;
        rc = store_step(store, stmt);
    }
    if (rc < 0) {
        return rc;
    }
    (void)sqlite3_reset(stmt);
    *out = found;
    return found == 0 ? STORE_NO_ROW : 0;
}

static int run_up_to(struct store *store, enum statement which, int64_t offset)
{
    sqlite3_stmt *stmt = store_write_statement(store, which);
    store_bind_i64(stmt, 1, offset);
    return store_run(store, stmt);
}

int store_event_expire(struct store *store, int64_t before_ms, int64_t keep, int most)
{
    assert(most > 0);
    int64_t last = 0;
    int rc = store_event_last_offset(store, &last);
    if (rc != 0) {
        return rc;
    }
    int64_t expired = 0;
    /* Offsets have no gaps, so the last `keep` events are those above this one. */
    rc = find_expired(store, before_ms, last - keep, most, &expired);
    if (rc != 0) {
        return rc == STORE_NO_ROW ? 0 : rc;
    }
    rc = run_up_to(store, SQL_EVENT_REMEMBER_LAST, expired);
    if (rc == 0) {
        rc = run_up_to(store, SQL_EVENT_EXPIRE, expired);
    }
    return rc == 0 ? sqlite3_changes(store->db) : rc;
}
