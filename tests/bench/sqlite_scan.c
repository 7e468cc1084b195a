/*
 * Two tables of the same twins, and how long SQLite takes to look through each.
 */
#include "bench/sqlite_scan.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_RUNS 5

struct sqlite_scan {
    sqlite3 *db;
    sqlite3_stmt *add_document;
    sqlite3_stmt *add_tags;
};

static void check(const struct sqlite_scan *scan, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE) {
        (void)fprintf(stderr, "bench: SQLite: %s\n", sqlite3_errmsg(scan->db));
        exit(1);
    }
}

static sqlite3_stmt *prepare(const struct sqlite_scan *scan, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    check(scan, sqlite3_prepare_v2(scan->db, sql, -1, &stmt, NULL));
    return stmt;
}

struct sqlite_scan *sqlite_scan_create(void)
{
    struct sqlite_scan *scan = calloc(1, sizeof(*scan));
    if (scan == NULL) {
        abort();
    }
    check(scan, sqlite3_open(":memory:", &scan->db));
    check(scan,
          sqlite3_exec(scan->db,
                       "CREATE TABLE document (seq INTEGER PRIMARY KEY, content TEXT) STRICT;"
                       "CREATE TABLE tags (seq INTEGER PRIMARY KEY, content TEXT) STRICT;"
                       "BEGIN",
                       NULL, NULL, NULL));
    scan->add_document = prepare(scan, "INSERT INTO document (content) VALUES (?1)");
    scan->add_tags = prepare(scan, "INSERT INTO tags (content) VALUES (?1)");
    return scan;
}

void sqlite_scan_destroy(struct sqlite_scan *scan)
{
    if (scan == NULL) {
        return;
    }
    (void)sqlite3_finalize(scan->add_document);
    (void)sqlite3_finalize(scan->add_tags);
    (void)sqlite3_close(scan->db);
    free(scan);
}

static void add(const struct sqlite_scan *scan, sqlite3_stmt *stmt, struct slice text)
{
    check(scan, sqlite3_bind_text(stmt, 1, text.data, (int)text.len, SQLITE_STATIC));
    check(scan, sqlite3_step(stmt));
    check(scan, sqlite3_reset(stmt));
}

void sqlite_scan_add(struct sqlite_scan *scan, struct slice document, struct slice tags)
{
    add(scan, scan->add_document, document);
    add(scan, scan->add_tags, tags);
}

static double now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double measure(struct sqlite_scan *scan, const char *sql)
{
    double least_us = 0;
    sqlite3_stmt *stmt = prepare(scan, sql);
    for (int i = 0; i < N_RUNS; i++) {
        double begin_us = now_us();
        check(scan, sqlite3_step(stmt));
        double took_us = now_us() - begin_us;
        check(scan, sqlite3_reset(stmt));
        least_us = i == 0 || took_us < least_us ? took_us : least_us;
    }
    (void)sqlite3_finalize(stmt);
    return least_us;
}

double sqlite_scan_documents_us(struct sqlite_scan *scan)
{
    return measure(scan, "SELECT count(*) FROM document"
                         " WHERE json_extract(content, '$.tags.location.region') = 'US'");
}

double sqlite_scan_tags_us(struct sqlite_scan *scan)
{
    return measure(scan, "SELECT count(*) FROM tags"
                         " WHERE json_extract(content, '$.location.region') = 'US'");
}
