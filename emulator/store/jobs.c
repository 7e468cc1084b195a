/*
 * Rows of jobs and of what they do to each device.
 */
#include "store/jobs.h"

#include <assert.h>
#include <stdlib.h>

#include "store/statements.h"

/* The schema's indexes and the statements say 3 where they mean this. */
static_assert(JOB_COMPLETED == 3 && JOB_RUNNING < JOB_COMPLETED && JOB_COMPLETED < JOB_FAILED &&
                  JOB_COMPLETED < JOB_CANCELLED,
              "a job's statuses are in order: those that have work to do, those that ended");

void store_job_finish(struct store_job *job)
{
    if (job == NULL) {
        return;
    }
    free(job->job_id);
    free(job->condition);
    free(job->action);
    free(job->failure);
    *job = (struct store_job){0};
}

/* The part that changes is parameters 7 to 17, in insert and update alike. */
static void bind_progress(sqlite3_stmt *stmt, const struct store_job *job)
{
    store_bind_i64(stmt, 7, job->status);
    store_bind_i64(stmt, 8, job->start_ms);
    store_bind_i64(stmt, 9, job->end_ms);
    store_bind_text_or_null(stmt, 10, job->failure);
    store_bind_i64(stmt, 11, job->target_cursor);
    store_bind_i64(stmt, 12, job->has_targets);
    store_bind_i64(stmt, 13, job->n_devices);
    store_bind_i64(stmt, 14, job->n_pending);
    store_bind_i64(stmt, 15, job->n_running);
    store_bind_i64(stmt, 16, job->n_succeeded);
    store_bind_i64(stmt, 17, job->n_failed);
}

static int read_job(struct store *store, sqlite3_stmt *stmt, struct store_job *out)
{
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    *out = (struct store_job){
        .seq = store_column_i64(stmt, 0),
        .job_id = store_column_dup(stmt, 1),
        .type = (enum job_type)store_column_i64(stmt, 2),
        .status = (enum job_status)store_column_i64(stmt, 3),
        .condition = store_column_dup(stmt, 4),
        .action = store_column_dup(stmt, 5),
        .created_ms = store_column_i64(stmt, 6),
        .start_ms = store_column_i64(stmt, 7),
        .end_ms = store_column_i64(stmt, 8),
        .execution_s = store_column_i64(stmt, 9),
        .failure = store_column_dup(stmt, 10),
        .target_cursor = store_column_i64(stmt, 11),
        .has_targets = store_column_i64(stmt, 12) != 0,
        .n_devices = store_column_i64(stmt, 13),
        .n_pending = store_column_i64(stmt, 14),
        .n_running = store_column_i64(stmt, 15),
        .n_succeeded = store_column_i64(stmt, 16),
        .n_failed = store_column_i64(stmt, 17),
    };
    (void)sqlite3_reset(stmt);
    return 0;
}

int store_job_insert(struct store *store, struct store_job *job)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_JOB_INSERT);
    store_bind_text(stmt, 1, slice_of(job->job_id));
    store_bind_i64(stmt, 2, job->type);
    store_bind_text_or_null(stmt, 3, job->condition);
    store_bind_text_or_null(stmt, 4, job->action);
    store_bind_i64(stmt, 5, job->created_ms);
    store_bind_i64(stmt, 6, job->execution_s);
    bind_progress(stmt, job);
    int rc = store_run(store, stmt);
    if (rc == 0) {
        job->seq = sqlite3_last_insert_rowid(store->db);
    }
    return rc;
}

int store_job_get(struct store *store, struct slice job_id, struct store_job *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_JOB_GET);
    store_bind_text(stmt, 1, job_id);
    return read_job(store, stmt, out);
}

int store_job_update(struct store *store, const struct store_job *job)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_JOB_UPDATE);
    bind_progress(stmt, job);
    store_bind_i64(stmt, 18, job->seq);
    return store_run_on_row(store, stmt);
}

int store_job_next(struct store *store, int64_t after_seq, struct store_job *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_JOB_NEXT);
    store_bind_i64(stmt, 1, after_seq);
    return read_job(store, stmt, out);
}

int store_job_next_unfinished(struct store *store, int64_t after_seq, struct store_job *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_JOB_NEXT_UNFINISHED);
    store_bind_i64(stmt, 1, after_seq);
    return read_job(store, stmt, out);
}

int store_job_count_unfinished(struct store *store, int64_t *out)
{
    return store_read_i64(store, store_statement(store, SQL_JOB_COUNT_UNFINISHED), out);
}

static int run_on_job(struct store *store, enum statement which, int64_t job_seq)
{
    sqlite3_stmt *stmt = store_write_statement(store, which);
    store_bind_i64(stmt, 1, job_seq);
    return store_run(store, stmt);
}

/* A job may have very many rows: it goes at once, and they follow piece by piece. */
int store_job_expire(struct store *store, int64_t ended_before_ms)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_JOB_OLDEST_ENDED);
    store_bind_i64(stmt, 1, ended_before_ms);
    int64_t seq = 0;
    int rc = store_read_i64(store, stmt, &seq);
    if (rc != 0) {
        return rc;
    }
    rc = run_on_job(store, SQL_JOB_ROW_LEAVE, seq);
    return rc != 0 ? rc : run_on_job(store, SQL_JOB_DELETE, seq);
}

int store_job_row_expire(struct store *store, int most)
{
    assert(most > 0);
    int64_t job_seq = 0;
    int rc = store_read_i64(store, store_statement(store, SQL_JOB_ROW_LEFT), &job_seq);
    if (rc != 0) {
        return rc;
    }
    sqlite3_stmt *stmt = store_write_statement(store, SQL_JOB_ROW_LEFT_DELETE);
    store_bind_i64(stmt, 1, job_seq);
    store_bind_i64(stmt, 2, most);
    rc = store_run(store, stmt);
    if (rc != 0 || sqlite3_changes(store->db) >= most) {
        return rc;
    }
    return run_on_job(store, SQL_JOB_ROW_LEFT_DONE, job_seq);
}

/* The part that changes is parameters 5 to 11, in insert and update alike. */
static void bind_row_progress(sqlite3_stmt *stmt, const struct store_job_row *row)
{
    store_bind_i64(stmt, 5, row->status);
    store_bind_i64(stmt, 6, row->start_ms);
    store_bind_i64(stmt, 7, row->end_ms);
    store_bind_i64(stmt, 8, row->updated_ms);
    store_bind_text(stmt, 9, row->outcome);
    store_bind_text(stmt, 10, row->error_code);
    store_bind_text(stmt, 11, row->error_text);
}

static int read_row(struct store *store, sqlite3_stmt *stmt, struct store_job_row *out)
{
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    *out = (struct store_job_row){
        .seq = store_column_i64(stmt, 0),
        .job_seq = store_column_i64(stmt, 1),
        .job_id = store_column_text(stmt, 2),
        .type = (enum job_type)store_column_i64(stmt, 3),
        .target = {store_column_text(stmt, 4), store_column_text(stmt, 5)},
        .status = (enum job_row_status)store_column_i64(stmt, 6),
        .created_ms = store_column_i64(stmt, 7),
        .start_ms = store_column_i64(stmt, 8),
        .end_ms = store_column_i64(stmt, 9),
        .updated_ms = store_column_i64(stmt, 10),
        .outcome = store_column_text(stmt, 11),
        .error_code = store_column_text(stmt, 12),
        .error_text = store_column_text(stmt, 13),
    };
    return 0;
}

int store_job_row_insert(struct store *store, const struct store_job_row *row)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_JOB_ROW_INSERT);
    store_bind_i64(stmt, 1, row->job_seq);
    store_bind_text(stmt, 2, row->target.device_id);
    store_bind_text(stmt, 3, row->target.module_id);
    store_bind_i64(stmt, 4, row->created_ms);
    bind_row_progress(stmt, row);
    return store_run(store, stmt);
}

int store_job_row_update(struct store *store, const struct store_job_row *row)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_JOB_ROW_UPDATE);
    bind_row_progress(stmt, row);
    store_bind_i64(stmt, 12, row->seq);
    return store_run_on_row(store, stmt);
}

int store_job_row_each(struct store *store, int64_t job_seq, enum job_row_status status,
                       int64_t most, store_job_row_visit *visit, void *ctx)
{
    struct store_job_row row;
    int rc = 0;
    sqlite3_stmt *stmt = store_statement(store, SQL_JOB_ROW_OF_STATUS);
    store_bind_i64(stmt, 1, job_seq);
    store_bind_i64(stmt, 2, status);
    store_bind_i64(stmt, 3, most);
    while ((rc = read_row(store, stmt, &row)) == 0) {
        visit(ctx, &row);
    }
    return rc == STORE_NO_ROW ? 0 : rc;
}

int store_job_row_scan(struct store *store, int64_t after_seq, struct store_job_row *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_JOB_ROW_SCAN);
    store_bind_i64(stmt, 1, after_seq);
    return read_row(store, stmt, out);
}

int store_job_row_scan_job(struct store *store, int64_t job_seq, int64_t after_seq,
                           struct store_job_row *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_JOB_ROW_SCAN_JOB);
    store_bind_i64(stmt, 1, job_seq);
    store_bind_i64(stmt, 2, after_seq);
    return read_row(store, stmt, out);
}

int store_job_row_close(struct store *store, int64_t job_seq, enum job_row_status from,
                        const struct store_job_row *becomes, int64_t *out_n)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_JOB_ROW_CLOSE);
    store_bind_i64(stmt, 1, job_seq);
    store_bind_i64(stmt, 2, from);
    store_bind_i64(stmt, 3, becomes->status);
    store_bind_i64(stmt, 4, becomes->end_ms);
    store_bind_i64(stmt, 5, becomes->updated_ms);
    store_bind_text(stmt, 6, becomes->error_code);
    store_bind_text(stmt, 7, becomes->error_text);
    int rc = store_run(store, stmt);
    if (rc == 0) {
        *out_n = sqlite3_changes64(store->db);
    }
    return rc;
}
