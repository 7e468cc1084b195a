/*
 * Rows of twins, and the scan that queries read them by.
 */
#include "store/twins.h"

#include "store/statements.h"

/* `at` is the column the twin begins at. */
static void read_twin(sqlite3_stmt *stmt, int at, struct store_twin *out)
{
    out->seq = store_column_i64(stmt, at);
    out->etag = store_column_i64(stmt, at + 1);
    out->model_id = store_column_text(stmt, at + 2);
    out->tags = store_column_text(stmt, at + 3);
    out->desired = store_column_text(stmt, at + 4);
    out->desired_metadata = store_column_text(stmt, at + 5);
    out->desired_version = store_column_i64(stmt, at + 6);
    out->reported = store_column_text(stmt, at + 7);
    out->reported_metadata = store_column_text(stmt, at + 8);
    out->reported_version = store_column_i64(stmt, at + 9);
}

static void bind_desired(sqlite3_stmt *stmt, const struct store_twin *twin)
{
    store_bind_text(stmt, 5, twin->desired);
    store_bind_text(stmt, 6, twin->desired_metadata);
    store_bind_i64(stmt, 7, twin->desired_version);
}

/* The service's side is parameters 4 to 7, the device's 8 to 10, in every statement. */
static void bind_service(sqlite3_stmt *stmt, const struct store_twin *twin)
{
    store_bind_i64(stmt, 2, twin->etag);
    store_bind_text(stmt, 4, twin->tags);
    bind_desired(stmt, twin);
}

static void bind_reported(sqlite3_stmt *stmt, const struct store_twin *twin)
{
    store_bind_text(stmt, 8, twin->reported);
    store_bind_text(stmt, 9, twin->reported_metadata);
    store_bind_i64(stmt, 10, twin->reported_version);
}

int store_twin_get(struct store *store, int64_t seq, struct store_twin *out)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_TWIN_GET);
    store_bind_i64(stmt, 1, seq);
    int rc = store_step(store, stmt);
    if (rc == 0) {
        read_twin(stmt, 0, out);
    }
    return rc;
}

int store_twin_load(struct store *store, int64_t seq, struct store_identity *identity,
                    struct store_twin *twin)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_TWIN_LOAD);
    store_bind_i64(stmt, 1, seq);
    int rc = store_step(store, stmt);
    if (rc == 0) {
        store_identity_read(stmt, identity);
        read_twin(stmt, STORE_IDENTITY_COLUMNS, twin);
    }
    return rc;
}

int store_twin_insert(struct store *store, const struct store_twin *twin)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_TWIN_INSERT);
    store_bind_i64(stmt, 1, twin->seq);
    store_bind_text(stmt, 3, twin->model_id);
    bind_service(stmt, twin);
    bind_reported(stmt, twin);
    store_tags_note(store, twin->seq, twin->tags);
    return store_run(store, stmt);
}

int store_twin_write_service(struct store *store, const struct store_twin *twin)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_TWIN_WRITE_SERVICE);
    store_bind_i64(stmt, 1, twin->seq);
    bind_service(stmt, twin);
    store_tags_note(store, twin->seq, twin->tags);
    return store_run_on_row(store, stmt);
}

int store_twin_write_desired(struct store *store, const struct store_twin *twin)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_TWIN_WRITE_DESIRED);
    store_bind_i64(stmt, 1, twin->seq);
    store_bind_i64(stmt, 2, twin->etag);
    bind_desired(stmt, twin);
    return store_run_on_row(store, stmt);
}

int store_twin_write_reported(struct store *store, const struct store_twin *twin)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_TWIN_WRITE_REPORTED);
    store_bind_i64(stmt, 1, twin->seq);
    bind_reported(stmt, twin);
    return store_run_on_row(store, stmt);
}

int store_twin_write_model(struct store *store, int64_t seq, struct slice model_id)
{
    sqlite3_stmt *stmt = store_write_statement(store, SQL_TWIN_WRITE_MODEL);
    store_bind_i64(stmt, 1, seq);
    store_bind_text(stmt, 2, model_id);
    return store_run_on_row(store, stmt);
}

/* ---- walks ------------------------------------------------------------------------------ */

static const enum statement walks[] = {
    [STORE_PART_ALL] = SQL_TWIN_SCAN_DEVICES,
    [STORE_PART_IDENTITY] = SQL_TWIN_WALK_IDENTITIES,
    [STORE_PART_TWIN] = SQL_TWIN_WALK_TWINS,
    [STORE_PART_TAGS] = SQL_TWIN_WALK_TAGS,
};

static enum store_part part_of(const struct store_scan *scan)
{
    return scan->is_modules || scan->device_id.len != 0 ? STORE_PART_ALL : scan->part;
}

static enum statement choose_statement(const struct store_scan *scan)
{
    if (scan->device_id.len != 0) {
        return scan->is_modules ? SQL_TWIN_SCAN_MODULES_OF : SQL_TWIN_SCAN_DEVICE;
    }
    return scan->is_modules ? SQL_TWIN_SCAN_MODULES : walks[part_of(scan)];
}

/*
 * The statement that stands where the scan left off.  One device's rows are few and found by an
 * index: such a scan starts anew each time, so a cursor never has to know whose it was.
 */
static sqlite3_stmt *find_cursor(struct store *store, struct store_scan *scan)
{
    enum statement which = choose_statement(scan);
    const struct store_cursor *cursor = &store->cursor;
    bool is_there = cursor->is_open && cursor->which == which &&
                    cursor->seq == scan->after_seq && scan->device_id.len == 0;
    if (is_there) {
        return store->statements[which];
    }
    sqlite3_stmt *stmt = store_statement(store, which);
    store_bind_i64(stmt, 1, scan->after_seq);
    if (scan->device_id.len != 0) {
        store_bind_text(stmt, 2, scan->device_id);
    }
    scan->next_module = 0;
    return stmt;
}

static void read_part(sqlite3_stmt *stmt, enum store_part part, struct store_identity *identity,
                      struct store_twin *twin)
{
    switch (part) {
    case STORE_PART_ALL:
        store_identity_read(stmt, identity);
        read_twin(stmt, STORE_IDENTITY_COLUMNS, twin);
        return;
    case STORE_PART_IDENTITY:
        store_identity_read(stmt, identity);
        *twin = (struct store_twin){.seq = identity->seq};
        return;
    case STORE_PART_TWIN:
        read_twin(stmt, 0, twin);
        break;
    case STORE_PART_TAGS:
        *twin = (struct store_twin){.seq = store_column_i64(stmt, 0),
                                    .tags = store_column_text(stmt, 1)};
        break;
    }
    identity->seq = twin->seq;
    identity->device_id[0] = '\0';
    identity->module_id[0] = '\0';
}

/* A walk along the twins alone meets those of modules; their numbers are looked up in turn. */
static int pass_modules(struct store *store, struct store_scan *scan, int64_t seq,
                        bool *is_module)
{
    while (scan->next_module < seq) {
        sqlite3_stmt *stmt = store_statement(store, SQL_TWIN_WALK_NEXT_MODULE);
        store_bind_i64(stmt, 1, seq);
        int rc = store_read_i64(store, stmt, &scan->next_module);
        if (rc < 0) {
            return rc;
        }
        scan->next_module = rc == 0 ? scan->next_module : INT64_MAX;
    }
    *is_module = scan->next_module == seq;
    return 0;
}

static int step(struct store *store, struct store_scan *scan, struct store_identity *identity,
                struct store_twin *twin)
{
    sqlite3_stmt *stmt = find_cursor(store, scan);
    store->cursor.is_open = false;
    int rc = store_step(store, stmt);
    if (rc != 0) {
        return rc;
    }
    read_part(stmt, part_of(scan), identity, twin);
    scan->after_seq = identity->seq;
    store->cursor = (struct store_cursor){true, choose_statement(scan), identity->seq};
    return 0;
}

int store_twin_next(struct store *store, struct store_scan *scan,
                    struct store_identity *identity, struct store_twin *twin)
{
    enum store_part part = part_of(scan);
    bool meets_modules = part == STORE_PART_TWIN || part == STORE_PART_TAGS;
    bool is_module = false;
    do {
        int rc = step(store, scan, identity, twin);
        if (rc == 0 && meets_modules) {
            rc = pass_modules(store, scan, twin->seq, &is_module);
        }
        if (rc != 0) {
            return rc;
        }
    } while (is_module);
    return 0;
}

void store_twin_scan_end(struct store *store)
{
    if (store->cursor.is_open) {
        (void)sqlite3_reset(store->statements[store->cursor.which]);
        store->cursor.is_open = false;
    }
}
