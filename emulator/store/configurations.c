/*
 * Rows of configurations, of their targets, and of what is still to be looked at.
 */
#include "store/configurations.h"

#include <stdlib.h>

#include "store/statements.h"

void store_configuration_finish(struct store_configuration *record)
{
    if (record == NULL) {
        return;
    }
    free(record->configuration_id);
    free(record->schema_version);
    free(record->labels);
    free(record->content);
    free(record->condition);
    free(record->metrics);
    free(record->results);
    free(record->system_results);
    *record = (struct store_configuration){0};
}

/* What can change is parameters 1 to 10, in insert and update alike. */
static void bind_changeable(sqlite3_stmt *stmt, const struct store_configuration *record)
{
    store_bind_i64(stmt, 1, record->revision);
    store_bind_i64(stmt, 2, record->priority);
    store_bind_i64(stmt, 3, record->updated_ms);
    store_bind_text_or_null(stmt, 4, record->schema_version);
    store_bind_text_or_null(stmt, 5, record->labels);
    store_bind_text(stmt, 6, slice_of(record->condition));
    store_bind_text(stmt, 7, slice_of(record->metrics));
    store_bind_i64(stmt, 8, record->phase);
    store_bind_i64(stmt, 9, record->cursor);
    store_bind_i64(stmt, 10, record->evaluated_ms);
}

static int read_record(struct store *store, sqlite3_stmt *stmt, struct store_configuration *out)
{
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    *out = (struct store_configuration){
        .seq = store_column_i64(stmt, 0),
        .configuration_id = store_column_dup(stmt, 1),
        .revision = store_column_i64(stmt, 2),
        .priority = store_column_i64(stmt, 3),
        .created_ms = store_column_i64(stmt, 4),
        .updated_ms = store_column_i64(stmt, 5),
        .schema_version = store_column_dup(stmt, 6),
        .labels = store_column_dup(stmt, 7),
        .content = store_column_dup(stmt, 8),
        .condition = store_column_dup(stmt, 9),
        .metrics = store_column_dup(stmt, 10),
        .phase = (enum configuration_phase)store_column_i64(stmt, 11),
        .cursor = store_column_i64(stmt, 12),
        .evaluated_ms = store_column_i64(stmt, 13),
        .results = store_column_dup(stmt, 14),
        .system_results = store_column_dup(stmt, 15),
        .is_removed = store_column_i64(stmt, 16) != 0,
    };
    (void)sqlite3_reset(stmt);
    return 0;
}

int store_configuration_insert(struct store *store, struct store_configuration *record)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_CONFIGURATION_INSERT);
    bind_changeable(stmt, record);
    store_bind_text(stmt, 11, slice_of(record->configuration_id));
    store_bind_i64(stmt, 12, record->created_ms);
    store_bind_text(stmt, 13, slice_of(record->content));
    int rc = store_run(store, stmt);
    if (rc == 0) {
        record->seq = sqlite3_last_insert_rowid(store->db);
    }
    return rc;
}

int store_configuration_get(struct store *store, int64_t seq, struct store_configuration *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_CONFIGURATION_GET);
    store_bind_i64(stmt, 1, seq);
    return read_record(store, stmt, out);
}

int store_configuration_next(struct store *store, int64_t after_seq,
                             struct store_configuration *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_CONFIGURATION_NEXT);
    store_bind_i64(stmt, 1, after_seq);
    return read_record(store, stmt, out);
}

int store_configuration_update(struct store *store, const struct store_configuration *record)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_CONFIGURATION_UPDATE);
    bind_changeable(stmt, record);
    store_bind_i64(stmt, 11, record->seq);
    return store_run_on_row(store, stmt);
}

int store_configuration_progress(struct store *store, int64_t seq,
                                 enum configuration_phase phase, int64_t cursor,
                                 int64_t evaluated_ms)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_CONFIGURATION_PROGRESS);
    store_bind_i64(stmt, 1, seq);
    store_bind_i64(stmt, 2, phase);
    store_bind_i64(stmt, 3, cursor);
    store_bind_i64(stmt, 4, evaluated_ms);
    return store_run_on_row(store, stmt);
}

int store_configuration_write_results(struct store *store, int64_t seq, struct slice results,
                                      struct slice system_results)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_CONFIGURATION_RESULTS);
    store_bind_i64(stmt, 1, seq);
    store_bind_text(stmt, 2, results);
    store_bind_text(stmt, 3, system_results);
    return store_run_on_row(store, stmt);
}

static int run_on_configuration(struct store *store, enum statement which, int64_t seq)
{
    sqlite3_stmt *stmt = store_write_statement(store, which);
    store_bind_i64(stmt, 1, seq);
    return store_run_on_row(store, stmt);
}

int store_configuration_remove(struct store *store, int64_t seq)
{
    return run_on_configuration(store, SQL_CONFIGURATION_REMOVE, seq);
}

int store_configuration_delete(struct store *store, int64_t seq)
{
    return run_on_configuration(store, SQL_CONFIGURATION_DELETE, seq);
}

/* ---- targets ----------------------------------------------------------------------------- */

int store_configuration_target_set(struct store *store,
                                   const struct store_configuration_target *target)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_CONFIGURATION_TARGET_SET);
    store_bind_i64(stmt, 1, target->identity_seq);
    store_bind_i64(stmt, 2, target->configuration_seq);
    store_bind_i64(stmt, 3, target->is_module);
    store_bind_i64(stmt, 4, target->is_applied);
    return store_run(store, stmt);
}

int store_configuration_target_clear(struct store *store, int64_t identity_seq,
                                     int64_t configuration_seq)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_CONFIGURATION_TARGET_CLEAR);
    store_bind_i64(stmt, 1, identity_seq);
    store_bind_i64(stmt, 2, configuration_seq);
    return store_run_on_row(store, stmt);
}

static int read_target(struct store *store, sqlite3_stmt *stmt,
                       struct store_configuration_target *out)
{
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    *out = (struct store_configuration_target){
        .identity_seq = store_column_i64(stmt, 0),
        .configuration_seq = store_column_i64(stmt, 1),
        .is_module = store_column_i64(stmt, 2) != 0,
        .is_applied = store_column_i64(stmt, 3) != 0,
    };
    (void)sqlite3_reset(stmt);
    return 0;
}

int store_configuration_target_get(struct store *store, int64_t identity_seq,
                                   int64_t configuration_seq,
                                   struct store_configuration_target *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_CONFIGURATION_TARGET_GET);
    store_bind_i64(stmt, 1, identity_seq);
    store_bind_i64(stmt, 2, configuration_seq);
    return read_target(store, stmt, out);
}

int store_configuration_target_next(struct store *store, int64_t identity_seq,
                                    int64_t after_seq, struct store_configuration_target *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_CONFIGURATION_TARGET_NEXT);
    store_bind_i64(stmt, 1, identity_seq);
    store_bind_i64(stmt, 2, after_seq);
    return read_target(store, stmt, out);
}

static int read_identity(struct store *store, sqlite3_stmt *stmt, struct store_identity *out)
{
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    store_identity_read(stmt, out);
    (void)sqlite3_reset(stmt);
    return 0;
}

int store_configuration_target_walk(struct store *store, int64_t configuration_seq,
                                    int64_t after_seq, struct store_identity *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_CONFIGURATION_TARGET_WALK);
    store_bind_i64(stmt, 1, configuration_seq);
    store_bind_i64(stmt, 2, after_seq);
    return read_identity(store, stmt, out);
}

int store_configuration_target_count(struct store *store, int64_t configuration_seq,
                                     bool is_module, struct store_configuration_count *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_CONFIGURATION_TARGET_COUNT);
    store_bind_i64(stmt, 1, configuration_seq);
    store_bind_i64(stmt, 2, is_module);
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    out->n_targeted = store_column_i64(stmt, 0);
    out->n_applied = store_column_i64(stmt, 1);
    (void)sqlite3_reset(stmt);
    return 0;
}

/* ---- what was made of a twin ------------------------------------------------------------- */

int store_configuration_managed_get(struct store *store, int64_t identity_seq, struct buf *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_CONFIGURATION_MANAGED_GET);
    store_bind_i64(stmt, 1, identity_seq);
    int rc = store_step(store, stmt);
    if (rc == 0) {
        buf_put_slice(out, store_column_text(stmt, 0));
        (void)sqlite3_reset(stmt);
    }
    return rc == STORE_NO_ROW ? 0 : rc;
}

int store_configuration_managed_set(struct store *store, int64_t identity_seq,
                                    struct slice managed)
{
    enum statement which = managed.len == 0 ? SQL_CONFIGURATION_MANAGED_CLEAR
                                            : SQL_CONFIGURATION_MANAGED_SET;
    sqlite3_stmt *stmt = store_write_statement(store, which);
    store_bind_i64(stmt, 1, identity_seq);
    if (managed.len != 0) {
        store_bind_text(stmt, 2, managed);
    }
    return store_run(store, stmt);
}

/* ---- identities to be looked at ---------------------------------------------------------- */

int store_configuration_dirty_add(struct store *store, int64_t identity_seq)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_CONFIGURATION_DIRTY_ADD);
    store_bind_i64(stmt, 1, identity_seq);
    return store_run(store, stmt);
}

int store_configuration_dirty_remove(struct store *store, int64_t identity_seq)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_CONFIGURATION_DIRTY_REMOVE);
    store_bind_i64(stmt, 1, identity_seq);
    return store_run_on_row(store, stmt);
}

int store_configuration_dirty_next(struct store *store, int64_t after_seq,
                                   struct store_identity *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_CONFIGURATION_DIRTY_NEXT);
    store_bind_i64(stmt, 1, after_seq);
    return read_identity(store, stmt, out);
}
