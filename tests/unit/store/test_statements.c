/*
 * statements: each is well formed, and none sorts or searches a whole table that may be large.
 */
#include <stdio.h>
#include <string.h>

#include "store/schema.h"
#include "store/statements.h"
#include "unit/store/fixture.h"

static void every_statement_is_well_formed(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < SQL_N_STATEMENTS; i++) {
        assert_non_null(store_sql((enum statement)i));
        assert_non_null(store_statement(f->store, (enum statement)i));
    }
    assert_null(store_failure(f->store));
}

/*
 * "SCAN" alone is a walk from one end; right where the walk ends at the first row that fits
 * (LIMIT, an index of the very rows asked for) or the table has a row a partition or job; all
 * tags are read to make an index of them.
 */
static bool may_scan(const char *detail)
{
    return strcmp(detail, "SCAN event") == 0 || strcmp(detail, "SCAN job_left") == 0 ||
           strstr(detail, "INDEX job_unfinished") != NULL ||
           strcmp(detail, "SCAN twin USING COVERING INDEX twin_tags") == 0;
}

static void no_statement_sorts_or_walks_a_table(void **state)
{
    struct fixture *f = *state;

    for (int i = SQL_IDENTITY_GET; i < SQL_N_STATEMENTS; i++) {
        char sql[2048];
        int len =
            snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", store_sql((enum statement)i));
        assert_in_range(len, 1, sizeof(sql) - 1);
        sqlite3_stmt *stmt = NULL;
        assert_int_equal(sqlite3_prepare_v2(f->store->db, sql, -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(stmt, 3);
            bool is_sorting = strstr(detail, "TEMP B-TREE") != NULL;
            bool is_walking = strncmp(detail, "SCAN", 4) == 0 && !may_scan(detail);
            if (is_sorting || is_walking) {
                print_error("%s\n  %s\n", sql, detail);
            }
            assert_false(is_walking);
            /* At most a chunk of removed events is grouped by partition. */
            assert_true(!is_sorting || i == SQL_EVENT_REMEMBER_LAST);
        }
        assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    }
}

static void settings_are_as_meant(void **state)
{
    struct fixture *f = *state;
    char version[16];
    (void)snprintf(version, sizeof(version), "%d", store_n_migrations);
    const struct {
        const char *sql;
        const char *want;
    } settings[] = {
        {"PRAGMA journal_mode",  "wal"  },
        {"PRAGMA synchronous",   "1"    },
        {"PRAGMA cache_size",    "-2048"},
        {"PRAGMA mmap_size",     "0"    },
        {"PRAGMA temp_store",    "2"    },
        {"PRAGMA foreign_keys",  "0"    },
        {"PRAGMA secure_delete", "2"    },
        {"PRAGMA user_version",  version},
    };

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        sqlite3_stmt *stmt = NULL;
        assert_int_equal(sqlite3_prepare_v2(f->store->db, settings[i].sql, -1, &stmt, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(stmt, 0), settings[i].want);
        assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    }
}

static void text_that_is_too_long_is_cut_and_ended(void **state)
{
    struct fixture *f = *state;
    char out[4];
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(
        sqlite3_prepare_v2(f->store->db, "SELECT 'abcdef', NULL, 'abc'", -1, &stmt, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    store_column_copy(stmt, 0, out, sizeof(out));
    assert_string_equal(out, "abc");
    store_column_copy(stmt, 1, out, sizeof(out));
    assert_string_equal(out, "");
    store_column_copy(stmt, 2, out, sizeof(out));
    assert_string_equal(out, "abc");
    assert_null(store_column_dup(stmt, 1));
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
}

#define ON_FILE(test)   cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_memory, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(every_statement_is_well_formed),
        IN_MEMORY(no_statement_sorts_or_walks_a_table),
        ON_FILE(settings_are_as_meant),
        IN_MEMORY(text_that_is_too_long_is_cut_and_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
