/*
 * store: opening, refusing, reading beside the writer, and what is there the next time.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/schema.h"
#include "unit/store/fixture.h"

/* Run SQL on a file from outside the store. */
static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool exists(const char *folder, const char *name)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    struct stat info;
    return stat(path, &info) == 0;
}

static void store_in_memory_opens_empty(void **state)
{
    (void)state;
    struct store *store = open_store(NULL);
    struct store_identity record;

    assert_null(store_failure(store));
    assert_false(store_is_dirty(store));
    assert_int_equal(store_identity_next_device(store, 0, &record), STORE_NO_ROW);
    store_close(store);
}

static void stores_in_memory_share_nothing(void **state)
{
    (void)state;
    struct store *one = open_store(NULL);
    struct store *other = open_store(NULL);

    add(one, "d", "");
    assert_int_equal(store_commit(one), 0);
    assert_true(has(one, "d", ""));
    assert_false(has(other, "d", ""));
    store_close(one);
    store_close(other);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    store_close(NULL);
}

static void what_was_committed_is_there_after_reopening(void **state)
{
    struct fixture *f = *state;

    add(f->store, "d", "");
    assert_int_equal(store_commit(f->store), 0);
    fixture_reopen(f);
    assert_true(has(f->store, "d", ""));
}

static void closing_commits_what_is_open(void **state)
{
    struct fixture *f = *state;

    add(f->store, "d", "");
    fixture_reopen(f);
    assert_true(has(f->store, "d", ""));
}

static void closing_keeps_no_half_of_a_group(void **state)
{
    struct fixture *f = *state;

    add(f->store, "before", "");
    assert_int_equal(store_mark(f->store), 0);
    add(f->store, "half", "");
    fixture_reopen(f);
    assert_true(has(f->store, "before", ""));
    assert_false(has(f->store, "half", ""));
}

static void killed_process_leaves_what_it_committed(void **state)
{
    struct fixture *f = *state;

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = open_store(f->path);
        add(store, "committed", "");
        if (store_commit(store) != 0) {
            _exit(1);
        }
        add(store, "lost", "");
        (void)raise(SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    f->store = open_store(f->path);
    assert_true(has(f->store, "committed", ""));
    assert_false(has(f->store, "lost", ""));
}

static void reader_finds_what_a_killed_process_committed(void **state)
{
    struct fixture *f = *state;

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = open_store(f->path);
        add(store, "committed", "");
        if (store_commit(store) != 0) {
            _exit(1);
        }
        (void)raise(SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    struct store *reader = open_reader(f->path);
    assert_true(has(reader, "committed", ""));
    store_close(reader);
}

static void second_open_is_refused_and_names_file_and_owner(void **state)
{
    struct fixture *f = *state;
    char text[512];
    char want[512];

    assert_int_equal(refused(f->path, text), -EBUSY);
    (void)snprintf(want, sizeof(want), "%s is in use by process %ld", f->path, (long)getpid());
    assert_string_equal(text, want);
    /* The refusal took nothing away from the owner. */
    add(f->store, "d", "");
    assert_int_equal(store_commit(f->store), 0);
    assert_int_equal(refused(f->path, text), -EBUSY);
}

static void other_process_keeps_its_store_until_it_is_gone(void **state)
{
    struct fixture *f = *state;
    int ready[2];
    int leave[2];
    char byte = 0;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(leave), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = open_store(f->path);
        close(leave[1]);
        /* The parent's closing, or its end, is the sign to go; without closing the store. */
        bool done = store != NULL && write(ready[1], "r", 1) == 1 &&
                    read(leave[0], &byte, 1) == 0;
        _exit(done ? 0 : 1);
    }
    close(ready[1]);
    close(leave[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    char text[512];
    char want[512];
    assert_int_equal(refused(f->path, text), -EBUSY);
    (void)snprintf(want, sizeof(want), "%s is in use by process %ld", f->path, (long)child);
    assert_string_equal(text, want);
    close(ready[0]);
    close(leave[1]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    f->store = open_store(f->path);
}

static void owner_that_cannot_be_told_is_another_process(void **state)
{
    struct fixture *f = *state;
    char lock[400];
    char text[512];
    char want[512];

    (void)snprintf(lock, sizeof(lock), "%s.lock", f->path);
    write_file(lock, "garbage");
    assert_int_equal(refused(f->path, text), -EBUSY);
    (void)snprintf(want, sizeof(want), "%s is in use by another process", f->path);
    assert_string_equal(text, want);
}

static void another_name_of_the_file_is_refused_too(void **state)
{
    struct fixture *f = *state;
    char link[300];
    char text[512];

    (void)snprintf(link, sizeof(link), "%s/link.db", f->folder);
    assert_int_equal(symlink(f->path, link), 0);
    assert_int_equal(refused(link, text), -EBUSY);
}

static void closed_store_can_be_opened_by_the_next(void **state)
{
    struct fixture *f = *state;
    char text[512];

    assert_int_equal(refused(f->path, text), -EBUSY);
    fixture_reopen(f);
    assert_int_equal(refused(f->path, text), -EBUSY);
    fixture_reopen(f);
    add(f->store, "d", "");
    assert_int_equal(store_commit(f->store), 0);
}

static void reader_sees_only_what_is_committed(void **state)
{
    struct fixture *f = *state;

    add(f->store, "first", "");
    assert_int_equal(store_commit(f->store), 0);
    struct store *reader = open_reader(f->path);
    add(f->store, "second", "");
    assert_true(has(reader, "first", ""));
    assert_false(has(reader, "second", ""));
    assert_int_equal(store_commit(f->store), 0);
    assert_int_equal(store_commit(reader), 0);
    assert_true(has(reader, "second", ""));
    store_close(reader);
    /* The reader's going leaves the writer whole. */
    add(f->store, "third", "");
    assert_int_equal(store_commit(f->store), 0);
}

static void reader_needs_no_writer(void **state)
{
    struct fixture *f = *state;

    add(f->store, "d", "");
    fixture_close(f);
    struct store *reader = open_reader(f->path);
    assert_true(has(reader, "d", ""));
    store_close(reader);
    f->store = open_store(f->path);
    assert_true(has(f->store, "d", ""));
}

static void reader_does_not_keep_the_writer_out(void **state)
{
    struct fixture *f = *state;

    add(f->store, "d", "");
    fixture_close(f);
    struct store *reader = open_reader(f->path);
    assert_true(has(reader, "d", ""));
    f->store = open_store(f->path);
    add(f->store, "e", "");
    assert_int_equal(store_commit(f->store), 0);
    assert_int_equal(store_commit(reader), 0);
    assert_true(has(reader, "e", ""));
    store_close(reader);
}

static void reader_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct store *reader = open_reader(f->path);
    struct store_identity record = record_of("d", "");

    assert_true(store_identity_insert(reader, &record) < 0);
    assert_non_null(strstr(store_failure(reader), "readonly"));
    store_close(reader);
    assert_false(has(f->store, "d", ""));
}

static void reading_a_missing_file_creates_none(void **state)
{
    struct fixture *f = *state;
    char text[512];

    assert_int_equal(refused_to_read(f->path, text), -ENOENT);
    assert_non_null(strstr(text, f->path));
    assert_false(exists(f->folder, "hub.db"));
    assert_false(exists(f->folder, "hub.db.lock"));
}

static void reader_refuses_what_no_emulator_has_set_up(void **state)
{
    struct fixture *f = *state;
    char text[512];

    write_file(f->path, "");
    assert_int_equal(refused_to_read(f->path, text), -EINVAL);
    assert_non_null(strstr(text, f->path));
}

static void foreign_database_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    char text[512];
    char want[512];

    run_sql(f->path, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);");
    (void)snprintf(want, sizeof(want), "%s is not a file of iothub-emulator", f->path);
    assert_int_equal(refused(f->path, text), -EINVAL);
    assert_string_equal(text, want);
    assert_int_equal(refused_to_read(f->path, text), -EINVAL);
    assert_string_equal(text, want);
    assert_false(exists(f->folder, "hub.db.lock"));
    assert_false(exists(f->folder, "hub.db-wal"));
    run_sql(f->path, "INSERT INTO theirs VALUES (2);");
}

static void foreign_number_is_refused(void **state)
{
    struct fixture *f = *state;
    char text[512];

    run_sql(f->path, "PRAGMA application_id = 252006674;");
    assert_int_equal(refused(f->path, text), -EINVAL);
    run_sql(f->path, "PRAGMA application_id = 0; PRAGMA user_version = 1;");
    assert_int_equal(refused(f->path, text), -EINVAL);
}

static void file_that_is_no_database_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    char text[512];
    char want[512];
    char content[128] = "";

    write_file(f->path, "A letter to somebody that is longer than a database's header is, and "
                        "not to be touched.\n");
    assert_int_equal(refused(f->path, text), -EINVAL);
    (void)snprintf(want, sizeof(want), "%s is not a file of iothub-emulator", f->path);
    assert_string_equal(text, want);
    FILE *file = fopen(f->path, "r");
    assert_non_null(file);
    assert_non_null(fgets(content, sizeof(content), file));
    assert_int_equal(fclose(file), 0);
    assert_memory_equal(content, "A letter", 8);
    assert_false(exists(f->folder, "hub.db.lock"));
}

static void newer_version_is_refused(void **state)
{
    struct fixture *f = *state;
    char text[512];
    char want[512];
    char sql[64];

    fixture_close(f);
    (void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", store_n_migrations + 1);
    run_sql(f->path, sql);
    (void)snprintf(want, sizeof(want), "%s was written by a newer version of iothub-emulator",
                   f->path);
    assert_int_equal(refused(f->path, text), -EINVAL);
    assert_string_equal(text, want);
    assert_int_equal(refused_to_read(f->path, text), -EINVAL);
    assert_string_equal(text, want);
}

/* A file of the first version counts its devices once, when it is brought up to date. */
static void older_file_is_brought_up_to_date(void **state)
{
    struct fixture *f = *state;
    char sql[64];
    int64_t n = 0;

    run_sql(f->path, store_migrations[0]);
    run_sql(
        f->path,
        "INSERT INTO identity (device_id, module_id, generation, etag, is_enabled,"
        " status_updated_ms, auth, primary_key, secondary_key, primary_thumbprint,"
        " secondary_thumbprint, is_edge, device_scope, parent_scope, connection_updated_ms,"
        " last_activity_ms) VALUES ('a', '', 1, 1, 1, 0, 0, '', '', '', '', 0, '', '', 0, 0),"
        " ('a', 'm', 1, 1, 1, 0, 0, '', '', '', '', 0, '', '', 0, 0),"
        " ('b', '', 1, 1, 1, 0, 0, '', '', '', '', 0, '', '', 0, 0),"
        " ('c', '', 1, 1, 0, 0, 0, '', '', '', '', 0, '', '', 0, 0)");
    (void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = 1",
                   STORE_APPLICATION_ID);
    run_sql(f->path, sql);
    fixture_reopen(f);
    assert_int_equal(store_identity_count_devices(f->store, true, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store_identity_count_devices(f->store, false, &n), 0);
    assert_int_equal(n, 1);
}

static void empty_file_becomes_a_store(void **state)
{
    struct fixture *f = *state;

    write_file(f->path, "");
    f->store = open_store(f->path);
    add(f->store, "d", "");
    fixture_reopen(f);
    assert_true(has(f->store, "d", ""));
}

static void assert_private(const struct fixture *f, const char *suffix)
{
    char path[400];
    struct stat info;

    (void)snprintf(path, sizeof(path), "%s%s", f->path, suffix);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void files_are_the_owners_alone(void **state)
{
    struct fixture *f = *state;
    mode_t before = umask(022);

    f->store = open_store(f->path);
    add(f->store, "d", "");
    assert_int_equal(store_commit(f->store), 0);
    assert_int_equal(umask(before), 022);
    assert_private(f, "");
    assert_private(f, "-wal");
    assert_private(f, "-shm");
    assert_private(f, ".lock");
}

/* In a process of its own, which may have to become somebody who is bound by modes. */
static void file_that_may_not_be_written_is_refused(void **state)
{
    struct fixture *f = *state;
    char text[512];
    char want[512];

    fixture_close(f);
    assert_int_equal(chmod(f->folder, 0777), 0);
    assert_int_equal(chmod(f->path, 0444), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0) {
            _exit(2);
        }
        int rc = refused(f->path, text);
        (void)snprintf(want, sizeof(want), "cannot write %s: Permission denied", f->path);
        _exit(rc == -EIO && strcmp(text, want) == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void missing_folder_is_said(void **state)
{
    struct fixture *f = *state;
    char path[400];
    char text[512];
    char want[600];

    (void)snprintf(path, sizeof(path), "%s/none/hub.db", f->folder);
    assert_int_equal(refused(path, text), -EIO);
    (void)snprintf(want, sizeof(want), "cannot open %s: No such file or directory", path);
    assert_string_equal(text, want);
    assert_int_equal(refused(f->folder, text), -EIO);
    assert_int_equal(refused("", text), -EIO);
}

static void names_with_a_meaning_to_sqlite_are_files(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {":memory:", "file:x?mode=memory"};
    char before[4096];

    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(f->folder), 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct store *store = open_store(names[i]);
        add(store, "d", "");
        store_close(store);
        assert_true(exists(f->folder, names[i]));
        store = open_store(names[i]);
        assert_true(has(store, "d", ""));
        store_close(store);
    }
    assert_int_equal(chdir(before), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_end)
#define ON_FILE(test)   cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_in_memory_opens_empty),
        cmocka_unit_test(stores_in_memory_share_nothing),
        cmocka_unit_test(closing_nothing_is_fine),
        ON_FILE(what_was_committed_is_there_after_reopening),
        ON_FILE(closing_commits_what_is_open),
        ON_FILE(closing_keeps_no_half_of_a_group),
        IN_FOLDER(killed_process_leaves_what_it_committed),
        IN_FOLDER(reader_finds_what_a_killed_process_committed),
        ON_FILE(second_open_is_refused_and_names_file_and_owner),
        IN_FOLDER(other_process_keeps_its_store_until_it_is_gone),
        ON_FILE(owner_that_cannot_be_told_is_another_process),
        ON_FILE(another_name_of_the_file_is_refused_too),
        ON_FILE(closed_store_can_be_opened_by_the_next),
        ON_FILE(reader_sees_only_what_is_committed),
        ON_FILE(reader_needs_no_writer),
        ON_FILE(reader_does_not_keep_the_writer_out),
        ON_FILE(reader_writes_nothing),
        IN_FOLDER(reading_a_missing_file_creates_none),
        IN_FOLDER(reader_refuses_what_no_emulator_has_set_up),
        IN_FOLDER(foreign_database_is_refused_and_left_alone),
        IN_FOLDER(foreign_number_is_refused),
        IN_FOLDER(file_that_is_no_database_is_refused_and_left_alone),
        ON_FILE(newer_version_is_refused),
        IN_FOLDER(older_file_is_brought_up_to_date),
        IN_FOLDER(empty_file_becomes_a_store),
        IN_FOLDER(files_are_the_owners_alone),
        ON_FILE(file_that_may_not_be_written_is_refused),
        IN_FOLDER(missing_folder_is_said),
        IN_FOLDER(names_with_a_meaning_to_sqlite_are_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
