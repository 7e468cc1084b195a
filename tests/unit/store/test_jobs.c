/*
 * jobs: every field there and back, order, what is unfinished, rows, expiry.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/jobs.h"
#include "unit/store/fixture.h"

static struct store_job full_job(const char *job_id)
{
    return (struct store_job){
        .job_id = mem_dup_text(job_id),
        .type = JOB_UPDATE_TWIN,
        .status = JOB_RUNNING,
        .condition = mem_dup_text("tags.place = 'it''s %'"),
        .action = mem_dup_text("{\"etag\":\"*\"}"),
        .created_ms = 1700000000001,
        .start_ms = 1700000000002,
        .end_ms = 1700000000003,
        .execution_s = 3600,
        .failure = mem_dup_text("why"),
        .target_cursor = 5,
        .has_targets = true,
        .n_devices = 6,
        .n_pending = 7,
        .n_running = 8,
        .n_succeeded = 9,
        .n_failed = 10,
    };
}

static void assert_texts_equal(const char *a, const char *b)
{
    if (b == NULL) {
        assert_null(a);
        return;
    }
    assert_non_null(a);
    assert_string_equal(a, b);
}

static void assert_jobs_equal(const struct store_job *a, const struct store_job *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_texts_equal(a->job_id, b->job_id);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->status, b->status);
    assert_texts_equal(a->condition, b->condition);
    assert_texts_equal(a->action, b->action);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->start_ms, b->start_ms);
    assert_int_equal(a->end_ms, b->end_ms);
    assert_int_equal(a->execution_s, b->execution_s);
    assert_texts_equal(a->failure, b->failure);
    assert_int_equal(a->target_cursor, b->target_cursor);
    assert_int_equal(a->has_targets, b->has_targets);
    assert_int_equal(a->n_devices, b->n_devices);
    assert_int_equal(a->n_pending, b->n_pending);
    assert_int_equal(a->n_running, b->n_running);
    assert_int_equal(a->n_succeeded, b->n_succeeded);
    assert_int_equal(a->n_failed, b->n_failed);
}

/* Insert a job that is otherwise empty; answers its seq. */
static int64_t add_job(struct store *store, const char *job_id, enum job_status status,
                       int64_t end_ms)
{
    struct store_job job = {.job_id = mem_dup_text(job_id), .status = status, .end_ms = end_ms};
    assert_int_equal(store_job_insert(store, &job), 0);
    int64_t seq = job.seq;
    store_job_finish(&job);
    return seq;
}

static bool has_job(struct store *store, const char *job_id)
{
    struct store_job job = {0};
    int rc = store_job_get(store, slice_of(job_id), &job);
    assert_true(rc == 0 || rc == STORE_NO_ROW);
    store_job_finish(&job);
    return rc == 0;
}

static void every_field_comes_back(void **state)
{
    struct fixture *f = *state;
    struct store_job job = full_job("it's-a_Job");
    struct store_job back = {0};

    assert_int_equal(store_job_insert(f->store, &job), 0);
    assert_true(job.seq > 0);
    fixture_reopen(f);
    assert_int_equal(store_job_get(f->store, SLICE("it's-a_Job"), &back), 0);
    assert_jobs_equal(&back, &job);
    store_job_finish(&back);
    store_job_finish(&job);
}

static void missing_texts_stay_missing_and_empty_ones_empty(void **state)
{
    struct fixture *f = *state;
    struct store_job job = {.job_id = mem_dup_text("j"), .condition = mem_dup_text("")};
    struct store_job back = {0};

    assert_int_equal(store_job_insert(f->store, &job), 0);
    assert_int_equal(store_job_get(f->store, SLICE("j"), &back), 0);
    assert_jobs_equal(&back, &job);
    store_job_finish(&back);
    store_job_finish(&job);
}

static void finishing_leaves_an_empty_job(void **state)
{
    (void)state;
    struct store_job job = full_job("j");

    store_job_finish(&job);
    assert_null(job.job_id);
    assert_null(job.failure);
    assert_int_equal(job.n_failed, 0);
    store_job_finish(&job);
    store_job_finish(NULL);
}

static void missing_job_is_no_row(void **state)
{
    struct fixture *f = *state;
    struct store_job job = {.seq = 9};

    add_job(f->store, "Job", JOB_QUEUED, 0);
    assert_int_equal(store_job_get(f->store, SLICE("job"), &job), STORE_NO_ROW);
    assert_int_equal(store_job_get(f->store, SLICE(""), &job), STORE_NO_ROW);
    assert_null(job.job_id);
    assert_int_equal(store_job_update(f->store, &job), STORE_NO_ROW);
}

static void update_changes_what_goes_on_only(void **state)
{
    struct fixture *f = *state;
    struct store_job job = full_job("j");
    struct store_job back = {0};

    assert_int_equal(store_job_insert(f->store, &job), 0);
    int64_t other = add_job(f->store, "other", JOB_QUEUED, 0);
    struct store_job change = {
        .seq = job.seq,
        .job_id = mem_dup_text("not to be written"),
        .status = JOB_FAILED,
        .start_ms = 21,
        .end_ms = 22,
        .failure = mem_dup_text("because"),
        .target_cursor = 23,
        .n_devices = 24,
        .n_pending = 25,
        .n_running = 26,
        .n_succeeded = 27,
        .n_failed = 28,
    };
    assert_int_equal(store_job_update(f->store, &change), 0);
    struct store_job want = change;
    want.job_id = job.job_id;
    want.type = job.type;
    want.condition = job.condition;
    want.action = job.action;
    want.created_ms = job.created_ms;
    want.execution_s = job.execution_s;
    assert_int_equal(store_job_get(f->store, SLICE("j"), &back), 0);
    assert_jobs_equal(&back, &want);
    store_job_finish(&back);
    assert_int_equal(store_job_get(f->store, SLICE("other"), &back), 0);
    assert_int_equal(back.seq, other);
    assert_int_equal(back.status, JOB_QUEUED);
    store_job_finish(&back);
    store_job_finish(&change);
    store_job_finish(&job);
}

static void assert_next_job(struct store *store, bool is_unfinished, int64_t *after_seq,
                            const char *want)
{
    struct store_job job = {0};
    int rc = is_unfinished ? store_job_next_unfinished(store, *after_seq, &job)
                           : store_job_next(store, *after_seq, &job);
    if (want == NULL) {
        assert_int_equal(rc, STORE_NO_ROW);
        return;
    }
    assert_int_equal(rc, 0);
    assert_string_equal(job.job_id, want);
    *after_seq = job.seq;
    store_job_finish(&job);
}

static void jobs_are_walked_in_order_of_creation(void **state)
{
    struct fixture *f = *state;
    int64_t at = 0;

    assert_next_job(f->store, false, &at, NULL);
    add_job(f->store, "z", JOB_COMPLETED, 5);
    add_job(f->store, "a", JOB_QUEUED, 0);
    add_job(f->store, "m", JOB_FAILED, 3);
    assert_next_job(f->store, false, &at, "z");
    assert_next_job(f->store, false, &at, "a");
    assert_next_job(f->store, false, &at, "m");
    assert_next_job(f->store, false, &at, NULL);
}

static void unfinished_jobs_are_those_with_work_to_do(void **state)
{
    struct fixture *f = *state;
    int64_t at = 0;
    int64_t n = 0;

    add_job(f->store, "completed", JOB_COMPLETED, 1);
    add_job(f->store, "scheduled", JOB_SCHEDULED, 0);
    add_job(f->store, "failed", JOB_FAILED, 1);
    add_job(f->store, "running", JOB_RUNNING, 0);
    add_job(f->store, "cancelled", JOB_CANCELLED, 1);
    add_job(f->store, "queued", JOB_QUEUED, 0);
    assert_int_equal(store_job_count_unfinished(f->store, &n), 0);
    assert_int_equal(n, 3);
    assert_next_job(f->store, true, &at, "scheduled");
    assert_next_job(f->store, true, &at, "running");
    struct store_job job = {0};
    assert_int_equal(store_job_get(f->store, SLICE("queued"), &job), 0);
    job.status = JOB_CANCELLED;
    assert_int_equal(store_job_update(f->store, &job), 0);
    store_job_finish(&job);
    assert_next_job(f->store, true, &at, NULL);
    assert_int_equal(store_job_count_unfinished(f->store, &n), 0);
    assert_int_equal(n, 2);
}

/* ---- rows -----------------------------------------------------------------------------------
 */

static void add_row(struct store *store, int64_t job_seq, const char *device_id,
                    enum job_row_status status)
{
    struct store_job_row row = {
        .job_seq = job_seq, .target = id_of(device_id, ""), .status = status, .created_ms = 1};
    assert_int_equal(store_job_row_insert(store, &row), 0);
}

static struct store_job_row full_row(int64_t job_seq)
{
    return (struct store_job_row){
        .job_seq = job_seq,
        .target = id_of("d'", "m%"),
        .status = JOB_ROW_FAILED,
        .created_ms = 31,
        .start_ms = 32,
        .end_ms = 33,
        .updated_ms = 34,
        .outcome = SLICE("{\"status\":200}"),
        .error_code = SLICE("DeviceNotOnline"),
        .error_text = SLICE("The device is \"away\"."),
    };
}

static void assert_slices_equal(struct slice a, struct slice b)
{
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, b.len);
}

static void assert_rows_equal(const struct store_job_row *a, const struct store_job_row *b)
{
    assert_int_equal(a->job_seq, b->job_seq);
    assert_slices_equal(a->target.device_id, b->target.device_id);
    assert_slices_equal(a->target.module_id, b->target.module_id);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->start_ms, b->start_ms);
    assert_int_equal(a->end_ms, b->end_ms);
    assert_int_equal(a->updated_ms, b->updated_ms);
    assert_slices_equal(a->outcome, b->outcome);
    assert_slices_equal(a->error_code, b->error_code);
    assert_slices_equal(a->error_text, b->error_text);
}

static void every_field_of_a_row_comes_back(void **state)
{
    struct fixture *f = *state;
    struct store_job job = full_job("j");
    assert_int_equal(store_job_insert(f->store, &job), 0);
    struct store_job_row row = full_row(job.seq);
    struct store_job_row back;

    assert_int_equal(store_job_row_insert(f->store, &row), 0);
    fixture_reopen(f);
    assert_int_equal(store_job_row_scan_job(f->store, job.seq, 0, &back), 0);
    assert_rows_equal(&back, &row);
    assert_slice(back.job_id, "j");
    assert_int_equal(back.type, JOB_UPDATE_TWIN);
    assert_int_equal(store_job_row_scan(f->store, 0, &back), 0);
    assert_rows_equal(&back, &row);
    assert_slice(back.job_id, "j");
    assert_int_equal(back.type, JOB_UPDATE_TWIN);
    store_job_finish(&job);
}

static void row_update_changes_what_goes_on_only(void **state)
{
    struct fixture *f = *state;
    int64_t job_seq = add_job(f->store, "j", JOB_RUNNING, 0);
    struct store_job_row back;

    add_row(f->store, job_seq, "d'", JOB_ROW_PENDING);
    add_row(f->store, job_seq, "other", JOB_ROW_PENDING);
    assert_int_equal(store_job_row_scan_job(f->store, job_seq, 0, &back), 0);
    struct store_job_row row = full_row(job_seq);
    row.seq = back.seq;
    assert_int_equal(store_job_row_update(f->store, &row), 0);
    row.target = id_of("d'", "");
    row.created_ms = 1;
    assert_int_equal(store_job_row_scan_job(f->store, job_seq, 0, &back), 0);
    assert_rows_equal(&back, &row);
    assert_int_equal(store_job_row_scan_job(f->store, job_seq, row.seq, &back), 0);
    assert_slice(back.target.device_id, "other");
    assert_int_equal(back.status, JOB_ROW_PENDING);
    row.seq = 99;
    assert_int_equal(store_job_row_update(f->store, &row), STORE_NO_ROW);
}

static void note_name(void *ctx, const struct store_job_row *row)
{
    struct buf *names = ctx;
    buf_put_slice(names, row->target.device_id);
    buf_put_char(names, ' ');
}

static void assert_walk(struct store *store, int64_t job_seq, enum job_row_status status,
                        int64_t most, const char *want)
{
    char room[64];
    struct buf names = {.data = room, .room = sizeof(room), .cap = sizeof(room) - 1};
    assert_int_equal(store_job_row_each(store, job_seq, status, most, note_name, &names), 0);
    assert_slice(buf_slice(&names), want);
}

static void rows_in_a_status_are_walked_in_order(void **state)
{
    struct fixture *f = *state;
    int64_t one = add_job(f->store, "one", JOB_RUNNING, 0);
    int64_t two = add_job(f->store, "two", JOB_RUNNING, 0);

    add_row(f->store, one, "z", JOB_ROW_PENDING);
    add_row(f->store, two, "x", JOB_ROW_PENDING);
    add_row(f->store, one, "y", JOB_ROW_RUNNING);
    add_row(f->store, one, "a", JOB_ROW_PENDING);
    assert_walk(f->store, one, JOB_ROW_PENDING, 9, "z a ");
    assert_walk(f->store, one, JOB_ROW_PENDING, 1, "z ");
    assert_walk(f->store, one, JOB_ROW_RUNNING, 9, "y ");
    assert_walk(f->store, one, JOB_ROW_FAILED, 9, "");
    assert_walk(f->store, 77, JOB_ROW_PENDING, 9, "");
}

static void rows_of_all_jobs_are_scanned_in_order(void **state)
{
    struct fixture *f = *state;
    int64_t one = add_job(f->store, "one", JOB_RUNNING, 0);
    int64_t two = add_job(f->store, "two", JOB_RUNNING, 0);
    static const char *const wants[] = {"two", "one", "two"};
    struct store_job_row row = {0};

    add_row(f->store, two, "a", JOB_ROW_FAILED);
    add_row(f->store, one, "b", JOB_ROW_PENDING);
    add_row(f->store, two, "c", JOB_ROW_PENDING);
    for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
        assert_int_equal(store_job_row_scan(f->store, row.seq, &row), 0);
        assert_slice(row.job_id, wants[i]);
    }
    assert_int_equal(store_job_row_scan(f->store, row.seq, &row), STORE_NO_ROW);
}

static void rows_of_one_job_are_scanned_in_order_whatever_their_status(void **state)
{
    struct fixture *f = *state;
    int64_t one = add_job(f->store, "one", JOB_RUNNING, 0);
    int64_t two = add_job(f->store, "two", JOB_RUNNING, 0);
    static const char *const wants[] = {"d", "c", "a"};
    struct store_job_row row = {0};

    add_row(f->store, one, "d", JOB_ROW_FAILED);
    add_row(f->store, two, "b", JOB_ROW_PENDING);
    add_row(f->store, one, "c", JOB_ROW_PENDING);
    add_row(f->store, one, "a", JOB_ROW_COMPLETED);
    for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
        assert_int_equal(store_job_row_scan_job(f->store, one, row.seq, &row), 0);
        assert_slice(row.target.device_id, wants[i]);
        assert_slice(row.job_id, "one");
    }
    assert_int_equal(store_job_row_scan_job(f->store, one, row.seq, &row), STORE_NO_ROW);
    assert_int_equal(store_job_row_scan_job(f->store, 77, 0, &row), STORE_NO_ROW);
}

static void closing_turns_one_status_of_one_job(void **state)
{
    struct fixture *f = *state;
    int64_t job_seq = add_job(f->store, "j", JOB_RUNNING, 0);
    int64_t other = add_job(f->store, "other", JOB_RUNNING, 0);
    struct store_job_row becomes = {
        .status = JOB_ROW_CANCELED,
        .start_ms = 55,
        .end_ms = 56,
        .updated_ms = 57,
        .error_code = SLICE("JobCancelled"),
        .error_text = SLICE("The job was cancelled."),
    };
    struct store_job_row row;
    int64_t n = -1;

    add_row(f->store, job_seq, "a", JOB_ROW_PENDING);
    add_row(f->store, job_seq, "b", JOB_ROW_RUNNING);
    add_row(f->store, job_seq, "c", JOB_ROW_PENDING);
    add_row(f->store, other, "d", JOB_ROW_PENDING);
    assert_int_equal(store_job_row_close(f->store, job_seq, JOB_ROW_PENDING, &becomes, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store_job_row_scan_job(f->store, job_seq, 0, &row), 0);
    assert_int_equal(row.status, JOB_ROW_CANCELED);
    assert_slice(row.target.device_id, "a");
    assert_int_equal(row.created_ms, 1);
    assert_int_equal(row.start_ms, 0);
    assert_int_equal(row.end_ms, 56);
    assert_int_equal(row.updated_ms, 57);
    assert_slice(row.error_code, "JobCancelled");
    assert_slice(row.error_text, "The job was cancelled.");
    assert_walk(f->store, job_seq, JOB_ROW_CANCELED, 9, "a c ");
    assert_walk(f->store, job_seq, JOB_ROW_RUNNING, 9, "b ");
    assert_walk(f->store, other, JOB_ROW_PENDING, 9, "d ");
    assert_int_equal(store_job_row_close(f->store, job_seq, JOB_ROW_PENDING, &becomes, &n), 0);
    assert_int_equal(n, 0);
}

/* ---- expiry ---------------------------------------------------------------------------------
 */

static void job_that_ended_first_expires_first(void **state)
{
    struct fixture *f = *state;

    add_job(f->store, "ended at 300", JOB_COMPLETED, 300);
    add_job(f->store, "ended at 100", JOB_CANCELLED, 100);
    add_job(f->store, "never ended", JOB_RUNNING, 0);
    add_job(f->store, "ended at 200", JOB_FAILED, 200);
    assert_int_equal(store_job_expire(f->store, 100), STORE_NO_ROW);
    assert_int_equal(store_job_expire(f->store, 201), 0);
    assert_false(has_job(f->store, "ended at 100"));
    assert_true(has_job(f->store, "ended at 200"));
    assert_int_equal(store_job_expire(f->store, 201), 0);
    assert_false(has_job(f->store, "ended at 200"));
    assert_int_equal(store_job_expire(f->store, 201), STORE_NO_ROW);
    assert_true(has_job(f->store, "ended at 300"));
    assert_int_equal(store_job_expire(f->store, INT64_MAX), 0);
    assert_int_equal(store_job_expire(f->store, INT64_MAX), STORE_NO_ROW);
    assert_true(has_job(f->store, "never ended"));
}

static void rows_of_a_gone_job_are_hidden_and_removed_in_pieces(void **state)
{
    struct fixture *f = *state;
    int64_t gone = add_job(f->store, "gone", JOB_COMPLETED, 1);
    int64_t stays = add_job(f->store, "stays", JOB_COMPLETED, 1000);
    struct store_job_row row;

    for (int i = 0; i < 5; i++) {
        add_row(f->store, gone, "d", i % 2 == 0 ? JOB_ROW_COMPLETED : JOB_ROW_FAILED);
        add_row(f->store, stays, "d", JOB_ROW_COMPLETED);
    }
    assert_int_equal(store_job_row_expire(f->store, 2), STORE_NO_ROW);
    assert_int_equal(store_job_expire(f->store, 500), 0);
    int64_t at = 0;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(store_job_row_scan(f->store, at, &row), 0);
        assert_int_equal(row.job_seq, stays);
        at = row.seq;
    }
    assert_int_equal(store_job_row_scan(f->store, at, &row), STORE_NO_ROW);
    assert_walk(f->store, gone, JOB_ROW_FAILED, 9, "");

    fixture_reopen(f);
    assert_int_equal(store_job_row_expire(f->store, 2), 0);
    assert_int_equal(store_job_row_expire(f->store, 2), 0);
    assert_int_equal(store_job_row_expire(f->store, 2), 0);
    assert_int_equal(store_job_row_expire(f->store, 2), STORE_NO_ROW);
    for (at = 0; store_job_row_scan(f->store, at, &row) == 0; at = row.seq) {
        assert_int_equal(row.job_seq, stays);
    }
    assert_walk(f->store, stays, JOB_ROW_COMPLETED, 9, "d d d d d ");
}

static void id_of_a_gone_job_is_free_again_and_its_rows_are_not(void **state)
{
    struct fixture *f = *state;
    struct store_job_row row;

    int64_t first = add_job(f->store, "j", JOB_COMPLETED, 1);
    add_row(f->store, first, "d", JOB_ROW_COMPLETED);
    assert_int_equal(store_job_expire(f->store, 500), 0);
    int64_t second = add_job(f->store, "j", JOB_QUEUED, 0);
    assert_true(second > first);
    assert_int_equal(store_job_row_scan(f->store, 0, &row), STORE_NO_ROW);
}

#define ON_FILE(test)   cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_memory, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(every_field_comes_back),
        IN_MEMORY(missing_texts_stay_missing_and_empty_ones_empty),
        cmocka_unit_test(finishing_leaves_an_empty_job),
        IN_MEMORY(missing_job_is_no_row),
        IN_MEMORY(update_changes_what_goes_on_only),
        IN_MEMORY(jobs_are_walked_in_order_of_creation),
        IN_MEMORY(unfinished_jobs_are_those_with_work_to_do),
        ON_FILE(every_field_of_a_row_comes_back),
        IN_MEMORY(row_update_changes_what_goes_on_only),
        IN_MEMORY(rows_in_a_status_are_walked_in_order),
        IN_MEMORY(rows_of_all_jobs_are_scanned_in_order),
        IN_MEMORY(rows_of_one_job_are_scanned_in_order_whatever_their_status),
        IN_MEMORY(closing_turns_one_status_of_one_job),
        IN_MEMORY(job_that_ended_first_expires_first),
        ON_FILE(rows_of_a_gone_job_are_hidden_and_removed_in_pieces),
        IN_MEMORY(id_of_a_gone_job_is_free_again_and_its_rows_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
