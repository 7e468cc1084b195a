/*
 * store: the turn's transaction, marks, and what happens when SQLite fails.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "store/events.h"
#include "store/statements.h"
#include "unit/store/fixture.h"

static void commit_without_writes_is_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_commit(f->store), 0);
    assert_false(has(f->store, "d", ""));
    assert_int_equal(store_commit(f->store), 0);
    assert_false(store_is_dirty(f->store));
}

static void turn_reads_its_own_writes(void **state)
{
    struct fixture *f = *state;

    add(f->store, "d", "");
    assert_true(has(f->store, "d", ""));
    assert_int_equal(store_commit(f->store), 0);
    assert_true(has(f->store, "d", ""));
}

static void writing_makes_dirty_and_commit_clean(void **state)
{
    struct fixture *f = *state;

    assert_false(store_is_dirty(f->store));
    add(f->store, "d", "");
    assert_true(store_is_dirty(f->store));
    assert_int_equal(store_commit(f->store), 0);
    assert_false(store_is_dirty(f->store));
}

static void reading_makes_nothing_dirty(void **state)
{
    struct fixture *f = *state;

    assert_false(has(f->store, "d", ""));
    assert_false(store_is_dirty(f->store));
}

static void undo_takes_back_what_follows_the_mark(void **state)
{
    struct fixture *f = *state;

    int64_t before = add(f->store, "before", "");
    assert_int_equal(store_mark(f->store), 0);
    add(f->store, "after", "");
    struct store_twin twin = {.seq = before, .etag = 9, .tags = SLICE("{\"x\":1}")};
    assert_int_equal(store_twin_write_service(f->store, &twin), 0);
    assert_int_equal(store_undo(f->store), 0);
    assert_true(store_is_dirty(f->store));
    assert_int_equal(store_commit(f->store), 0);
    assert_true(has(f->store, "before", ""));
    assert_false(has(f->store, "after", ""));
    assert_int_equal(store_twin_get(f->store, before, &twin), 0);
    assert_int_equal(twin.etag, 1);
    assert_slice(twin.tags, "");
}

static void keep_keeps_what_follows_the_mark(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_mark(f->store), 0);
    add(f->store, "d", "");
    assert_int_equal(store_keep(f->store), 0);
    assert_true(store_is_dirty(f->store));
    assert_int_equal(store_commit(f->store), 0);
    fixture_reopen(f);
    assert_true(has(f->store, "d", ""));
}

static void undone_turn_is_not_dirty(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_mark(f->store), 0);
    assert_false(store_is_dirty(f->store));
    add(f->store, "d", "");
    assert_int_equal(store_undo(f->store), 0);
    assert_false(store_is_dirty(f->store));
    assert_int_equal(store_commit(f->store), 0);
    assert_false(has(f->store, "d", ""));
}

static void marks_follow_each_other_in_a_turn(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "d%d", i);
        assert_int_equal(store_mark(f->store), 0);
        add(f->store, id, "");
        assert_int_equal(i % 2 == 0 ? store_keep(f->store) : store_undo(f->store), 0);
    }
    assert_int_equal(store_commit(f->store), 0);
    assert_true(has(f->store, "d0", ""));
    assert_false(has(f->store, "d1", ""));
    assert_true(has(f->store, "d2", ""));
    assert_false(has(f->store, "d3", ""));
}

static void undone_number_is_no_gap_in_offsets(void **state)
{
    struct fixture *f = *state;
    struct store_event event = {.sequence = 0};

    assert_int_equal(store_mark(f->store), 0);
    assert_int_equal(store_event_append(f->store, &event), 0);
    assert_int_equal(event.offset, 1);
    assert_int_equal(store_undo(f->store), 0);
    assert_int_equal(store_event_append(f->store, &event), 0);
    assert_int_equal(event.offset, 1);
}

static void held_rows_outlive_writes_and_undo(void **state)
{
    struct fixture *f = *state;
    int64_t seq = add(f->store, "d", "");
    char *large = mem_alloc(20001);
    memset(large, 'a', 20000);
    struct store_twin twin = {.seq = seq, .etag = 1, .reported = slice_of(large)};
    assert_int_equal(store_twin_write_reported(f->store, &twin), 0);
    assert_int_equal(store_commit(f->store), 0);

    struct store_twin held;
    assert_int_equal(store_twin_get(f->store, seq, &held), 0);
    assert_int_equal(store_mark(f->store), 0);
    twin.reported = SLICE("{}");
    assert_int_equal(store_twin_write_reported(f->store, &twin), 0);
    assert_slice(held.reported, large);
    /* A row written back with a slice of itself. */
    twin.tags = held.reported;
    assert_int_equal(store_twin_write_service(f->store, &twin), 0);
    assert_int_equal(store_undo(f->store), 0);
    assert_slice(held.reported, large);
    free(large);
}

static void commit_works_beside_held_rows_and_scans(void **state)
{
    struct fixture *f = *state;
    struct store_identity identity;
    struct store_twin twin;
    struct store_scan scan = {0};

    add(f->store, "a", "");
    add(f->store, "b", "");
    assert_int_equal(store_commit(f->store), 0);
    assert_int_equal(store_twin_next(f->store, &scan, &identity, &twin), 0);
    add(f->store, "c", "");
    assert_int_equal(store_twin_get(f->store, 1, &twin), 0);
    assert_int_equal(store_commit(f->store), 0);
    assert_int_equal(store_twin_next(f->store, &scan, &identity, &twin), 0);
    assert_string_equal(identity.device_id, "b");
    fixture_reopen(f);
    assert_true(has(f->store, "c", ""));
}

static void committed_rows_leave_the_log_small(void **state)
{
    struct fixture *f = *state;
    struct store_event event = {.sequence = 0};
    struct store_event held;
    static char body[4000];
    event.body = slice_make(body, sizeof(body));

    for (; event.sequence < 4000; event.sequence++) {
        assert_int_equal(store_event_append(f->store, &event), 0);
        /* A row stays held over each commit; it must not keep the log from starting anew. */
        assert_int_equal(store_event_next(f->store, event.offset - 1, &held), 0);
        if (event.sequence % 100 == 0) {
            assert_int_equal(store_commit(f->store), 0);
        }
    }
    char path[400];
    (void)snprintf(path, sizeof(path), "%s-wal", f->path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    assert_true(ftell(file) < 8000000L);
    assert_int_equal(fclose(file), 0);
}

/* Let the database be as large as it is, and write until that is too little. */
static void fill(struct store *store)
{
    char sql[64];
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(store->db, "PRAGMA page_count", -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    (void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d", sqlite3_column_int(stmt, 0));
    (void)sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_exec(store->db, sql, NULL, NULL, NULL), SQLITE_OK);

    static char body[8192];
    struct store_event event = {.body = slice_make(body, sizeof(body))};
    int rc = 0;
    for (int i = 0; rc == 0 && i < 1000; i++) {
        event.sequence = i;
        rc = store_event_append(store, &event);
    }
    assert_int_equal(rc, -EIO);
}

static void assert_broken(struct store *store)
{
    struct store_identity record = record_of("later", "");
    struct store_twin twin;
    struct store_scan scan = {0};
    struct store_event event = {0};
    int64_t n = 0;

    assert_int_equal(store_identity_insert(store, &record), -EIO);
    assert_int_equal(store_identity_get(store, id_of("d", ""), &record), -EIO);
    assert_int_equal(store_identity_count_modules(store, SLICE("d"), &n), -EIO);
    assert_int_equal(store_twin_next(store, &scan, &record, &twin), -EIO);
    assert_int_equal(store_event_next(store, 0, &event), -EIO);
    assert_int_equal(store_event_expire(store, 0, 0, 1), -EIO);
    assert_int_equal(store_mark(store), -EIO);
    assert_int_equal(store_keep(store), -EIO);
    assert_int_equal(store_undo(store), -EIO);
    assert_int_equal(store_commit(store), -EIO);
    assert_true(store_is_dirty(store));
}

static void full_disk_breaks_the_store_for_good(void **state)
{
    struct fixture *f = *state;
    char want[512];

    add(f->store, "committed", "");
    assert_int_equal(store_commit(f->store), 0);
    add(f->store, "in this turn", "");
    fill(f->store);
    (void)snprintf(want, sizeof(want), "%s: database or disk is full", f->path);
    assert_string_equal(store_failure(f->store), want);
    /* Room again: what failed once stays failed. */
    assert_int_equal(
        sqlite3_exec(f->store->db, "PRAGMA max_page_count = 100000", NULL, NULL, NULL),
        SQLITE_OK);
    assert_broken(f->store);
    assert_string_equal(store_failure(f->store), want);

    fixture_reopen(f);
    assert_null(store_failure(f->store));
    assert_true(has(f->store, "committed", ""));
    assert_false(has(f->store, "in this turn", ""));
    struct store_event event;
    assert_int_equal(store_event_next(f->store, 0, &event), STORE_NO_ROW);
}

static void full_disk_after_a_mark_keeps_nothing_of_the_turn(void **state)
{
    struct fixture *f = *state;

    add(f->store, "before the mark", "");
    assert_int_equal(store_mark(f->store), 0);
    add(f->store, "after the mark", "");
    fill(f->store);
    assert_int_equal(store_undo(f->store), -EIO);
    assert_int_equal(store_commit(f->store), -EIO);
    fixture_reopen(f);
    assert_false(has(f->store, "before the mark", ""));
    assert_false(has(f->store, "after the mark", ""));
}

/* Files may not grow: the system refuses what a commit writes to the log. */
static void commit_that_cannot_be_written_keeps_nothing_of_the_turn(void **state)
{
    struct fixture *f = *state;
    struct rlimit before;
    add(f->store, "committed", "");
    assert_int_equal(store_commit(f->store), 0);

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = before;
    limit.rlim_cur = 1024;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct store_identity record = record_of("in this turn", "");
    int inserted = store_identity_insert(f->store, &record);
    int committed = store_commit(f->store);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);

    assert_int_equal(inserted, 0);
    assert_int_equal(committed, -EIO);
    assert_non_null(strstr(store_failure(f->store), f->path));
    assert_broken(f->store);
    fixture_reopen(f);
    assert_true(has(f->store, "committed", ""));
    assert_false(has(f->store, "in this turn", ""));
}

static void second_of_an_id_breaks_the_store(void **state)
{
    struct fixture *f = *state;
    struct store_identity record = record_of("d", "");

    add(f->store, "d", "");
    assert_int_equal(store_identity_insert(f->store, &record), -EIO);
    assert_non_null(strstr(store_failure(f->store), "UNIQUE"));
    assert_broken(f->store);
}

static void damaged_file_breaks_the_store_when_it_is_read(void **state)
{
    struct fixture *f = *state;
    struct store_identity record;

    for (int i = 0; i < 500; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "d%d", i);
        add(f->store, id, "");
    }
    fixture_close(f);
    FILE *file = fopen(f->path, "r+");
    assert_non_null(file);
    /* The pages behind those that say what the file is and which tables it has. */
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    long half = size / 2 / 4096 * 4096;
    assert_int_equal(fseek(file, half, SEEK_SET), 0);
    for (long at = half; at < size; at++) {
        assert_int_not_equal(fputc(0xee, file), EOF);
    }
    assert_int_equal(fclose(file), 0);

    f->store = open_store(f->path);
    int rc = 0;
    for (int i = 0; i < 500 && rc == 0; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "d%d", i);
        rc = store_identity_get(f->store, id_of(id, ""), &record);
    }
    assert_int_equal(rc, -EIO);
    assert_non_null(strstr(store_failure(f->store), "malformed"));
    assert_broken(f->store);
}

#define ON_FILE(test) cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(commit_without_writes_is_nothing),
        ON_FILE(turn_reads_its_own_writes),
        ON_FILE(writing_makes_dirty_and_commit_clean),
        ON_FILE(reading_makes_nothing_dirty),
        ON_FILE(undo_takes_back_what_follows_the_mark),
        ON_FILE(keep_keeps_what_follows_the_mark),
        ON_FILE(undone_turn_is_not_dirty),
        ON_FILE(marks_follow_each_other_in_a_turn),
        ON_FILE(undone_number_is_no_gap_in_offsets),
        ON_FILE(held_rows_outlive_writes_and_undo),
        ON_FILE(commit_works_beside_held_rows_and_scans),
        ON_FILE(committed_rows_leave_the_log_small),
        ON_FILE(full_disk_breaks_the_store_for_good),
        ON_FILE(full_disk_after_a_mark_keeps_nothing_of_the_turn),
        ON_FILE(commit_that_cannot_be_written_keeps_nothing_of_the_turn),
        ON_FILE(second_of_an_id_breaks_the_store),
        ON_FILE(damaged_file_breaks_the_store_when_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
