/*
 * twins: every field there and back, the three writes, and scans that others write beside.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/schema.h"
#include "store/statements.h"
#include "store/twins.h"
#include "unit/store/fixture.h"

static struct store_twin full_twin(int64_t seq)
{
    return (struct store_twin){
        .seq = seq,
        .etag = 7,
        .model_id = SLICE("dtmi:com:example:Thermostat;1"),
        .tags = SLICE("{\"place\":\"it's \\\"here\\\"\"}"),
        .desired = SLICE("{\"rate\":1}"),
        .desired_metadata = SLICE("{\"rate\":{\"$lastUpdated\":1}}"),
        .desired_version = 3,
        .reported = SLICE("{\"grad\":\"\xc2\xb0\"}"),
        .reported_metadata = SLICE("{}"),
        .reported_version = INT64_MAX,
    };
}

static void assert_slices_equal(struct slice a, struct slice b)
{
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, b.len);
}

static void assert_twins_equal(const struct store_twin *a, const struct store_twin *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->etag, b->etag);
    assert_slices_equal(a->model_id, b->model_id);
    assert_slices_equal(a->tags, b->tags);
    assert_slices_equal(a->desired, b->desired);
    assert_slices_equal(a->desired_metadata, b->desired_metadata);
    assert_int_equal(a->desired_version, b->desired_version);
    assert_slices_equal(a->reported, b->reported);
    assert_slices_equal(a->reported_metadata, b->reported_metadata);
    assert_int_equal(a->reported_version, b->reported_version);
}

static int64_t add_full(struct store *store, const char *device_id, const char *module_id)
{
    struct store_identity record = record_of(device_id, module_id);
    assert_int_equal(store_identity_insert(store, &record), 0);
    struct store_twin twin = full_twin(record.seq);
    assert_int_equal(store_twin_insert(store, &twin), 0);
    return record.seq;
}

static void every_field_comes_back(void **state)
{
    struct fixture *f = *state;
    struct store_twin back;
    int64_t seq = add_full(f->store, "d", "");
    struct store_twin twin = full_twin(seq);

    assert_int_equal(store_twin_get(f->store, seq, &back), 0);
    assert_twins_equal(&back, &twin);
    struct store_identity identity;
    assert_int_equal(store_twin_load(f->store, seq, &identity, &back), 0);
    assert_twins_equal(&back, &twin);
    assert_string_equal(identity.device_id, "d");
    assert_int_equal(store_twin_load(f->store, seq + 1, &identity, &back), STORE_NO_ROW);
    fixture_reopen(f);
    assert_int_equal(store_twin_get(f->store, seq, &back), 0);
    assert_twins_equal(&back, &twin);
}

static void empty_twin_comes_back_empty(void **state)
{
    struct fixture *f = *state;
    struct store_twin back;

    int64_t seq = add(f->store, "d", "");
    assert_int_equal(store_twin_get(f->store, seq, &back), 0);
    assert_slice(back.model_id, "");
    assert_slice(back.tags, "");
    assert_slice(back.desired, "");
    assert_slice(back.reported_metadata, "");
    assert_int_equal(back.desired_version, 0);
}

static void missing_twin_is_no_row(void **state)
{
    struct fixture *f = *state;
    struct store_twin twin = {.seq = 5};

    assert_int_equal(store_twin_get(f->store, 5, &twin), STORE_NO_ROW);
    assert_int_equal(store_twin_write_service(f->store, &twin), STORE_NO_ROW);
    assert_int_equal(store_twin_write_reported(f->store, &twin), STORE_NO_ROW);
    assert_int_equal(store_twin_write_model(f->store, 5, SLICE("m")), STORE_NO_ROW);
    assert_null(store_failure(f->store));
}

static void service_write_leaves_the_devices_side(void **state)
{
    struct fixture *f = *state;
    struct store_twin back;
    int64_t seq = add_full(f->store, "d", "");
    struct store_twin twin = {
        .seq = seq,
        .etag = 8,
        .tags = SLICE("{}"),
        .desired = SLICE("{\"rate\":2}"),
        .desired_metadata = SLICE("{\"rate\":{}}"),
        .desired_version = 4,
    };

    assert_int_equal(store_twin_write_service(f->store, &twin), 0);
    struct store_twin want = full_twin(seq);
    twin.model_id = want.model_id;
    twin.reported = want.reported;
    twin.reported_metadata = want.reported_metadata;
    twin.reported_version = want.reported_version;
    assert_int_equal(store_twin_get(f->store, seq, &back), 0);
    assert_twins_equal(&back, &twin);
}

static void device_write_leaves_the_services_side(void **state)
{
    struct fixture *f = *state;
    struct store_twin back;
    int64_t seq = add_full(f->store, "d", "");
    struct store_twin want = full_twin(seq);
    struct store_twin twin = {
        .seq = seq,
        .reported = SLICE("{\"on\":true}"),
        .reported_metadata = SLICE("{\"on\":{}}"),
        .reported_version = 12,
    };

    assert_int_equal(store_twin_write_reported(f->store, &twin), 0);
    want.reported = twin.reported;
    want.reported_metadata = twin.reported_metadata;
    want.reported_version = 12;
    assert_int_equal(store_twin_get(f->store, seq, &back), 0);
    assert_twins_equal(&back, &want);
}

static void model_write_changes_the_model_alone(void **state)
{
    struct fixture *f = *state;
    struct store_twin back;
    int64_t seq = add_full(f->store, "d", "");
    int64_t other = add_full(f->store, "e", "");
    struct store_twin want = full_twin(seq);

    assert_int_equal(store_twin_write_model(f->store, seq, SLICE("dtmi:x;2")), 0);
    want.model_id = SLICE("dtmi:x;2");
    assert_int_equal(store_twin_get(f->store, seq, &back), 0);
    assert_twins_equal(&back, &want);
    want = full_twin(other);
    assert_int_equal(store_twin_get(f->store, other, &back), 0);
    assert_twins_equal(&back, &want);
}

/* ---- scans ----------------------------------------------------------------------------------
 */

/* The next of the scan must be this one; NULL: the scan must be at its end. */
static void assert_next(struct store *store, struct store_scan *scan, const char *device_id,
                        const char *module_id)
{
    struct store_identity identity;
    struct store_twin twin;
    int rc = store_twin_next(store, scan, &identity, &twin);
    if (device_id == NULL) {
        assert_int_equal(rc, STORE_NO_ROW);
        return;
    }
    assert_int_equal(rc, 0);
    assert_string_equal(identity.device_id, device_id);
    assert_string_equal(identity.module_id, module_id);
    assert_int_equal(twin.seq, identity.seq);
    assert_int_equal(scan->after_seq, identity.seq);
}

static void add_some(struct store *store)
{
    add_full(store, "c", "");
    add_full(store, "c", "m1");
    add_full(store, "a", "");
    add_full(store, "b", "");
    add_full(store, "b", "m2");
    add_full(store, "c", "m0");
}

static void scan_of_devices_is_in_order_of_creation(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {0};

    add_some(f->store);
    assert_next(f->store, &scan, "c", "");
    assert_next(f->store, &scan, "a", "");
    assert_next(f->store, &scan, "b", "");
    assert_next(f->store, &scan, NULL, NULL);
    assert_next(f->store, &scan, NULL, NULL);
    add(f->store, "later", "");
    assert_next(f->store, &scan, "later", "");
}

static void scan_of_modules_is_in_order_of_creation(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {.is_modules = true};

    add_some(f->store);
    assert_next(f->store, &scan, "c", "m1");
    assert_next(f->store, &scan, "b", "m2");
    assert_next(f->store, &scan, "c", "m0");
    assert_next(f->store, &scan, NULL, NULL);
}

static void scan_of_one_device_finds_it_alone(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {.device_id = SLICE("b")};
    struct store_scan none = {.device_id = SLICE("B")};

    add_some(f->store);
    assert_next(f->store, &scan, "b", "");
    assert_next(f->store, &scan, NULL, NULL);
    assert_next(f->store, &none, NULL, NULL);
}

static void scan_of_one_devices_modules_finds_those_alone(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {.is_modules = true, .device_id = SLICE("c")};

    add_some(f->store);
    assert_next(f->store, &scan, "c", "m1");
    assert_next(f->store, &scan, "c", "m0");
    assert_next(f->store, &scan, NULL, NULL);
}

static void scan_gives_all_fields_of_both(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {0};
    struct store_identity identity;
    struct store_twin twin;
    struct store_identity record = record_of("d", "");
    record.etag = 42;
    record.last_activity_ms = 43;

    assert_int_equal(store_identity_insert(f->store, &record), 0);
    struct store_twin want = full_twin(record.seq);
    assert_int_equal(store_twin_insert(f->store, &want), 0);
    assert_int_equal(store_twin_next(f->store, &scan, &identity, &twin), 0);
    assert_int_equal(identity.seq, record.seq);
    assert_int_equal(identity.etag, 42);
    assert_int_equal(identity.auth, AUTH_SAS);
    assert_int_equal(identity.last_activity_ms, 43);
    assert_twins_equal(&twin, &want);
}

static void walk_along_a_part_passes_the_same_devices(void **state)
{
    static const enum store_part parts[] = {STORE_PART_IDENTITY, STORE_PART_TWIN,
                                            STORE_PART_TAGS};
    struct fixture *f = *state;

    add_full(f->store, "x", "early"); /* a module before every device */
    add_some(f->store);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct store_scan whole = {0};
        struct store_scan scan = {.part = parts[i]};
        struct store_identity identity;
        struct store_identity walked;
        struct store_twin twin;
        for (int n = 0; n < 3; n++) {
            assert_int_equal(store_twin_next(f->store, &whole, &identity, &twin), 0);
            assert_int_equal(store_twin_next(f->store, &scan, &walked, &twin), 0);
            assert_int_equal(walked.seq, identity.seq);
            assert_int_equal(twin.seq, identity.seq);
            assert_int_equal(scan.after_seq, identity.seq);
            assert_string_equal(walked.device_id,
                                parts[i] == STORE_PART_IDENTITY ? identity.device_id : "");
        }
        assert_int_equal(store_twin_next(f->store, &scan, &walked, &twin), STORE_NO_ROW);
    }
}

static void walk_along_a_part_reads_that_part(void **state)
{
    struct fixture *f = *state;
    struct store_identity identity;
    struct store_twin twin;
    struct store_twin want = full_twin(add_full(f->store, "d", ""));

    struct store_scan tags = {.part = STORE_PART_TAGS};
    assert_int_equal(store_twin_next(f->store, &tags, &identity, &twin), 0);
    assert_slices_equal(twin.tags, want.tags);
    assert_int_equal(twin.desired.len, 0);
    struct store_scan twins = {.part = STORE_PART_TWIN};
    assert_int_equal(store_twin_next(f->store, &twins, &identity, &twin), 0);
    assert_twins_equal(&twin, &want);
    struct store_scan identities = {.part = STORE_PART_IDENTITY};
    assert_int_equal(store_twin_next(f->store, &identities, &identity, &twin), 0);
    assert_string_equal(identity.device_id, "d");
    assert_int_equal(twin.tags.len, 0);
}

static void walk_passes_modules_that_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {.part = STORE_PART_TAGS};
    struct store_identity identity;
    struct store_twin twin;
    int64_t first = add_full(f->store, "a", "");
    struct store_identity module = record_of("a", "m");
    add_full(f->store, "a", "m");
    int64_t second = add_full(f->store, "b", "");

    assert_int_equal(store_twin_next(f->store, &scan, &identity, &twin), 0);
    assert_int_equal(twin.seq, first);
    assert_int_equal(store_identity_delete(f->store, &module), 0);
    assert_int_equal(store_twin_next(f->store, &scan, &identity, &twin), 0);
    assert_int_equal(twin.seq, second);
    add_full(f->store, "a", "n");
    int64_t third = add_full(f->store, "c", "");
    assert_int_equal(store_twin_next(f->store, &scan, &identity, &twin), 0);
    assert_int_equal(twin.seq, third);
    assert_int_equal(store_twin_next(f->store, &scan, &identity, &twin), STORE_NO_ROW);
}

static void run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        print_error("%s\n", sqlite3_errmsg(db));
        fail();
    }
}

/* The file as a program of before that step of the schema would have left it. */
static void make_older(const char *path, int version)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    sqlite3 *db = NULL;
    char older[400];
    (void)snprintf(older, sizeof(older), "%s.older", path);
    assert_int_equal(sqlite3_open(older, &db), SQLITE_OK);
    for (int i = 0; i < version; i++) {
        run_sql(db, store_migrations[i]);
    }
    buf_putf(&text,
             "ATTACH '%s' AS present; INSERT INTO identity SELECT * FROM present.identity;"
             "INSERT INTO twin SELECT * FROM present.twin;"
             "PRAGMA application_id = %d; PRAGMA user_version = %d",
             path, STORE_APPLICATION_ID, version);
    run_sql(db, buf_text(&text));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(rename(older, path), 0);
    buf_finish(&text);
}

static void tags_of_an_older_file_are_walked_along(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {.part = STORE_PART_TAGS};
    struct store_identity identity;
    struct store_twin twin;
    struct store_twin want = full_twin(add_full(f->store, "d", ""));

    fixture_close(f);
    make_older(f->path, 4);
    fixture_reopen(f);
    assert_int_equal(store_twin_next(f->store, &scan, &identity, &twin), 0);
    assert_slices_equal(twin.tags, want.tags);
}

static void desired_write_leaves_the_tags(void **state)
{
    struct fixture *f = *state;
    struct store_twin back;
    struct store_scan scan = {.part = STORE_PART_TAGS};
    struct store_identity identity;
    struct store_twin want = full_twin(add_full(f->store, "d", ""));
    struct store_twin write = want;

    write.etag = want.etag + 1;
    write.tags = SLICE("{\"other\":true}");
    write.desired = SLICE("{\"rate\":9}");
    write.desired_metadata = SLICE("{}");
    write.desired_version = 77;
    assert_int_equal(store_twin_write_desired(f->store, &write), 0);
    write.tags = want.tags;
    assert_int_equal(store_twin_get(f->store, want.seq, &back), 0);
    assert_twins_equal(&back, &write);
    assert_int_equal(store_twin_next(f->store, &scan, &identity, &back), 0);
    assert_slices_equal(back.tags, want.tags);
}

static void two_scans_take_turns(void **state)
{
    struct fixture *f = *state;
    struct store_scan one = {0};
    struct store_scan other = {0};
    struct store_scan modules = {.is_modules = true};
    struct store_scan of_c = {.is_modules = true, .device_id = SLICE("c")};
    struct store_scan of_b = {.is_modules = true, .device_id = SLICE("b")};

    add_some(f->store);
    assert_next(f->store, &one, "c", "");
    assert_next(f->store, &other, "c", "");
    assert_next(f->store, &modules, "c", "m1");
    assert_next(f->store, &of_c, "c", "m1");
    assert_next(f->store, &of_b, "b", "m2");
    assert_next(f->store, &one, "a", "");
    assert_next(f->store, &of_c, "c", "m0");
    assert_next(f->store, &modules, "b", "m2");
    assert_next(f->store, &of_b, NULL, NULL);
    assert_next(f->store, &one, "b", "");
    assert_next(f->store, &other, "a", "");
}

static void scan_can_be_left_and_taken_up(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {0};

    add_some(f->store);
    store_twin_scan_end(f->store);
    assert_next(f->store, &scan, "c", "");
    store_twin_scan_end(f->store);
    store_twin_scan_end(f->store);
    assert_next(f->store, &scan, "a", "");
    assert_int_equal(store_commit(f->store), 0);
    assert_next(f->store, &scan, "b", "");
}

static void scan_sees_what_was_written_on_its_way(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {0};
    struct store_identity identity;
    struct store_twin twin;

    int64_t first = add(f->store, "a", "");
    int64_t second = add(f->store, "b", "");
    assert_int_equal(store_twin_next(f->store, &scan, &identity, &twin), 0);
    struct store_twin write = {.seq = second, .etag = 5, .tags = SLICE("{\"new\":1}")};
    assert_int_equal(store_twin_write_service(f->store, &write), 0);
    write.seq = first;
    assert_int_equal(store_twin_write_service(f->store, &write), 0);
    assert_int_equal(store_twin_next(f->store, &scan, &identity, &twin), 0);
    assert_string_equal(identity.device_id, "b");
    assert_slice(twin.tags, "{\"new\":1}");
    assert_next(f->store, &scan, NULL, NULL);
}

enum { N_DEVICES = 300 };

static const char *name_of(char out[32], long number)
{
    (void)snprintf(out, 32, "d%ld", number);
    return out;
}

/* What others do in step `step`, while the scan stands at device `at`. */
static void disturb(struct store *store, int step, long at, struct store_twin *twin)
{
    char id[32];
    if (step % 3 == 0) {
        /* Delete the one that was seen, and one that is still to come. */
        struct store_identity here = record_of(name_of(id, at), "");
        assert_int_equal(store_identity_delete(store, &here), 0);
        struct store_identity ahead = record_of(name_of(id, at + 2), "");
        int want = at + 2 < N_DEVICES ? 0 : STORE_NO_ROW;
        assert_int_equal(store_identity_delete(store, &ahead), want);
    } else {
        twin->reported = SLICE("{\"touched\":true}");
        assert_int_equal(store_twin_write_reported(store, twin), 0);
    }
    if (step % 5 == 0) {
        assert_int_equal(store_commit(store), 0);
    }
    if (step % 7 == 0) {
        assert_int_equal(store_mark(store), 0);
        add(store, "undone", "");
        assert_int_equal(store_undo(store), 0);
    }
}

static void writes_between_steps_neither_skip_nor_repeat(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {0};
    struct store_identity identity;
    struct store_twin twin;
    int n_seen[N_DEVICES] = {0};
    char id[32];
    int step = 0;

    for (int i = 0; i < N_DEVICES; i++) {
        add(f->store, name_of(id, i), "");
        add(f->store, name_of(id, i), "m");
    }
    for (; store_twin_next(f->store, &scan, &identity, &twin) == 0; step++) {
        long at = strtol(identity.device_id + 1, NULL, 10);
        assert_in_range(at, 0, N_DEVICES - 1);
        n_seen[at]++;
        disturb(f->store, step, at, &twin);
    }
    assert_true(step > N_DEVICES / 2);
    for (int i = 0; i < N_DEVICES; i++) {
        /* Once, or never because it was deleted before. */
        assert_in_range(n_seen[i], 0, 1);
        assert_true(n_seen[i] == 1 || !has(f->store, name_of(id, i), ""));
    }
}

/* What SQLite did since the last call, in steps of its machine; no clock is asked. */
static int64_t steps_since(struct store *store)
{
    int64_t n = 0;
    for (size_t i = 0; i < SQL_N_STATEMENTS; i++) {
        if (store->statements[i] != NULL) {
            n += sqlite3_stmt_status(store->statements[i], SQLITE_STMTSTATUS_VM_STEP, 1);
        }
    }
    return n;
}

/* A page of rows behind `after_seq`, as a query reads it. */
static int64_t steps_of_page(struct store *store, enum store_part part, int64_t after_seq)
{
    enum { PAGE = 20 };
    struct store_scan scan = {.after_seq = after_seq, .part = part};
    struct store_identity identity;
    struct store_twin twin;
    (void)steps_since(store);
    for (int i = 0; i < PAGE; i++) {
        assert_int_equal(store_twin_next(store, &scan, &identity, &twin), 0);
    }
    store_twin_scan_end(store);
    return steps_since(store);
}

/* Each second device has a module; what earlier pages gave is passed by at no cost. */
static void later_page_costs_what_the_first_one_does(void **state)
{
    enum { N = 1000 };
    struct fixture *f = *state;
    char id[32];
    int64_t late = 0;

    for (int i = 0; i < N; i++) {
        int64_t seq = add_full(f->store, name_of(id, i), "");
        late = i == N - 100 ? seq : late;
        if (i % 2 == 0) {
            add_full(f->store, id, "m");
        }
    }
    for (int part = STORE_PART_ALL; part <= STORE_PART_TAGS; part++) {
        int64_t first = steps_of_page(f->store, (enum store_part)part, 0);
        int64_t later = steps_of_page(f->store, (enum store_part)part, late);
        assert_in_range(later, first / 2, first + first / 4);
    }
}

static void modules_of_deleted_devices_are_in_no_scan(void **state)
{
    struct fixture *f = *state;
    struct store_scan scan = {.is_modules = true};
    struct store_identity device = record_of("c", "");

    add_some(f->store);
    assert_next(f->store, &scan, "c", "m1");
    assert_int_equal(store_identity_delete(f->store, &device), 0);
    assert_next(f->store, &scan, "b", "m2");
    assert_next(f->store, &scan, NULL, NULL);
}

#define ON_FILE(test)   cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_memory, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(every_field_comes_back),
        IN_MEMORY(empty_twin_comes_back_empty),
        IN_MEMORY(missing_twin_is_no_row),
        IN_MEMORY(service_write_leaves_the_devices_side),
        IN_MEMORY(device_write_leaves_the_services_side),
        IN_MEMORY(model_write_changes_the_model_alone),
        IN_MEMORY(scan_of_devices_is_in_order_of_creation),
        IN_MEMORY(scan_of_modules_is_in_order_of_creation),
        IN_MEMORY(scan_of_one_device_finds_it_alone),
        IN_MEMORY(scan_of_one_devices_modules_finds_those_alone),
        IN_MEMORY(scan_gives_all_fields_of_both),
        IN_MEMORY(walk_along_a_part_passes_the_same_devices),
        IN_MEMORY(walk_along_a_part_reads_that_part),
        IN_MEMORY(walk_passes_modules_that_come_and_go),
        ON_FILE(tags_of_an_older_file_are_walked_along),
        IN_MEMORY(desired_write_leaves_the_tags),
        IN_MEMORY(two_scans_take_turns),
        IN_MEMORY(scan_can_be_left_and_taken_up),
        IN_MEMORY(scan_sees_what_was_written_on_its_way),
        ON_FILE(writes_between_steps_neither_skip_nor_repeat),
        IN_MEMORY(writes_between_steps_neither_skip_nor_repeat),
        IN_MEMORY(later_page_costs_what_the_first_one_does),
        IN_MEMORY(modules_of_deleted_devices_are_in_no_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
