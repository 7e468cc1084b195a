/*
 * The yardstick for scans: SQLite's own json_extract over the same documents.
 */
#ifndef BENCH_SQLITE_SCAN_H
#define BENCH_SQLITE_SCAN_H

#include "base/slice.h"

/* A database in memory, as the emulator's is while it is measured. */
struct sqlite_scan;

struct sqlite_scan *sqlite_scan_create(void);
void sqlite_scan_destroy(struct sqlite_scan *scan);

/* The twin as one document, and its tags alone. */
void sqlite_scan_add(struct sqlite_scan *scan, struct slice document, struct slice tags);

/*
 * The least microseconds of processor time, of some runs, to count those whose
 * tags.location.region is 'US' with a prepared statement: over whole documents, or over a table
 * that has nothing but the tags.
 */
double sqlite_scan_documents_us(struct sqlite_scan *scan);
double sqlite_scan_tags_us(struct sqlite_scan *scan);

#endif
