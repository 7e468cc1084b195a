/*
 * identities: every field there and back, order, ids as they are written, deletion, sessions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/identities.h"
#include "unit/store/fixture.h"

static void fill_text(char *out, size_t size, char c)
{
    memset(out, c, size - 1);
    out[size - 1] = '\0';
}

/* Every text as long as it may be, every number different. */
static struct store_identity largest_record(void)
{
    struct store_identity record = {
        .generation = 637000000000000001,
        .etag = INT64_MAX,
        .is_enabled = false,
        .has_status_reason = true,
        .status_updated_ms = 1700000000001,
        .auth = AUTH_AUTHORITY,
        .has_managed_by = true,
        .is_edge = true,
        .connection_updated_ms = 1700000000002,
        .last_activity_ms = -62135596800000,
    };
    fill_text(record.device_id, sizeof(record.device_id), 'd');
    fill_text(record.module_id, sizeof(record.module_id), 'm');
    fill_text(record.status_reason, sizeof(record.status_reason), 'r');
    fill_text(record.primary_key, sizeof(record.primary_key), 'p');
    fill_text(record.secondary_key, sizeof(record.secondary_key), 's');
    fill_text(record.primary_thumbprint, sizeof(record.primary_thumbprint), 'P');
    fill_text(record.secondary_thumbprint, sizeof(record.secondary_thumbprint), 'S');
    fill_text(record.managed_by, sizeof(record.managed_by), 'b');
    fill_text(record.device_scope, sizeof(record.device_scope), 'c');
    fill_text(record.parent_scope, sizeof(record.parent_scope), 'q');
    return record;
}

static void assert_records_equal(const struct store_identity *a, const struct store_identity *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_string_equal(a->device_id, b->device_id);
    assert_string_equal(a->module_id, b->module_id);
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->etag, b->etag);
    assert_int_equal(a->is_enabled, b->is_enabled);
    assert_int_equal(a->has_status_reason, b->has_status_reason);
    assert_string_equal(a->status_reason, b->status_reason);
    assert_int_equal(a->status_updated_ms, b->status_updated_ms);
    assert_int_equal(a->auth, b->auth);
    assert_string_equal(a->primary_key, b->primary_key);
    assert_string_equal(a->secondary_key, b->secondary_key);
    assert_string_equal(a->primary_thumbprint, b->primary_thumbprint);
    assert_string_equal(a->secondary_thumbprint, b->secondary_thumbprint);
    assert_int_equal(a->has_managed_by, b->has_managed_by);
    assert_string_equal(a->managed_by, b->managed_by);
    assert_int_equal(a->is_edge, b->is_edge);
    assert_string_equal(a->device_scope, b->device_scope);
    assert_string_equal(a->parent_scope, b->parent_scope);
    assert_int_equal(a->connection_updated_ms, b->connection_updated_ms);
    assert_int_equal(a->last_activity_ms, b->last_activity_ms);
}

static void every_field_comes_back(void **state)
{
    struct fixture *f = *state;
    struct store_identity record = largest_record();
    struct store_identity back;

    assert_int_equal(store_identity_insert(f->store, &record), 0);
    assert_true(record.seq > 0);
    memset(&back, 0x5a, sizeof(back));
    assert_int_equal(store_identity_get(f->store, store_identity_id(&record), &back), 0);
    assert_records_equal(&record, &back);
    fixture_reopen(f);
    assert_int_equal(store_identity_get(f->store, store_identity_id(&record), &back), 0);
    assert_records_equal(&record, &back);
}

static void empty_fields_come_back_empty(void **state)
{
    struct fixture *f = *state;
    struct store_identity record = {.device_id = "d"};
    struct store_identity back;

    assert_int_equal(store_identity_insert(f->store, &record), 0);
    memset(&back, 0x5a, sizeof(back));
    assert_int_equal(store_identity_get(f->store, id_of("d", ""), &back), 0);
    assert_records_equal(&record, &back);
}

static void text_that_is_empty_is_not_one_that_is_missing(void **state)
{
    struct fixture *f = *state;
    struct store_identity record = record_of("d", "");
    struct store_identity back;

    record.has_status_reason = true;
    record.has_managed_by = true;
    assert_int_equal(store_identity_insert(f->store, &record), 0);
    assert_int_equal(store_identity_get(f->store, id_of("d", ""), &back), 0);
    assert_true(back.has_status_reason);
    assert_string_equal(back.status_reason, "");
    assert_true(back.has_managed_by);
    assert_string_equal(back.managed_by, "");
}

static void missing_identity_is_no_row_and_leaves_the_record(void **state)
{
    struct fixture *f = *state;
    struct store_identity back = record_of("untouched", "");

    add(f->store, "d", "m");
    assert_int_equal(store_identity_get(f->store, id_of("d", ""), &back), STORE_NO_ROW);
    assert_int_equal(store_identity_get(f->store, id_of("d", "n"), &back), STORE_NO_ROW);
    assert_int_equal(store_identity_get(f->store, id_of("", ""), &back), STORE_NO_ROW);
    assert_string_equal(back.device_id, "untouched");
    assert_null(store_failure(f->store));
}

static void update_changes_all_but_seq_and_ids(void **state)
{
    struct fixture *f = *state;
    struct store_identity back;

    int64_t seq = add(f->store, "d", "m");
    add(f->store, "d", "");
    struct store_identity record = largest_record();
    record.seq = seq;
    assert_int_equal(store_identity_update(f->store, &record), 0);
    assert_int_equal(store_identity_get(f->store, id_of("d", "m"), &back), 0);
    (void)snprintf(record.device_id, sizeof(record.device_id), "d");
    (void)snprintf(record.module_id, sizeof(record.module_id), "m");
    assert_records_equal(&record, &back);
    assert_int_equal(store_identity_get(f->store, id_of("d", ""), &back), 0);
    assert_int_equal(back.etag, 0);
}

static void activity_changes_two_times_only(void **state)
{
    struct fixture *f = *state;
    struct store_identity record = largest_record();
    struct store_identity back;

    assert_int_equal(store_identity_insert(f->store, &record), 0);
    assert_int_equal(store_identity_activity(f->store, record.seq, 11, 12), 0);
    record.connection_updated_ms = 11;
    record.last_activity_ms = 12;
    assert_int_equal(store_identity_get(f->store, store_identity_id(&record), &back), 0);
    assert_records_equal(&record, &back);
}

static void changing_what_is_not_there_is_no_row(void **state)
{
    struct fixture *f = *state;
    struct store_identity record = record_of("d", "");
    record.seq = 77;

    assert_int_equal(store_identity_update(f->store, &record), STORE_NO_ROW);
    assert_int_equal(store_identity_activity(f->store, 77, 1, 1), STORE_NO_ROW);
    assert_int_equal(store_identity_delete(f->store, &record), STORE_NO_ROW);
    assert_int_equal(store_session_set(f->store, id_of("d", ""), SLICE("s")), STORE_NO_ROW);
    assert_int_equal(store_commit(f->store), 0);
    assert_false(has(f->store, "d", ""));
}

static void ids_are_exact(void **state)
{
    struct fixture *f = *state;
    static const char *const ids[] = {
        "dev",   "Dev",      "DEV",     "dev'--", "dev''", "d%",  "d_",       "dev\"",
        "dev;,", "(d)*?!=@", "$system", "d ev",   "1",     "1.0", "%27%20OR", "\xc3\xa4",
    };

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct store_identity record = record_of(ids[i], "");
        record.etag = (int64_t)i;
        assert_int_equal(store_identity_insert(f->store, &record), 0);
        record = record_of("dev", ids[i]);
        record.etag = (int64_t)i + 100;
        assert_int_equal(store_identity_insert(f->store, &record), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct store_identity back;
        assert_int_equal(store_identity_get(f->store, id_of(ids[i], ""), &back), 0);
        assert_string_equal(back.device_id, ids[i]);
        assert_int_equal(back.etag, i);
        assert_int_equal(store_identity_get(f->store, id_of("dev", ids[i]), &back), 0);
        assert_string_equal(back.module_id, ids[i]);
        assert_int_equal(back.etag, i + 100);
    }
    int64_t n = 0;
    assert_int_equal(store_identity_count_modules(f->store, SLICE("Dev"), &n), 0);
    assert_int_equal(n, 0);
    assert_false(has(f->store, "d", ""));
    assert_false(has(f->store, "dE", ""));
}

static void devices_are_walked_in_order_of_creation(void **state)
{
    struct fixture *f = *state;
    static const char *const ids[] = {"z", "a", "M", "b"};
    struct store_identity record = {0};

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        add(f->store, ids[i], "");
        add(f->store, ids[i], "module");
    }
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        assert_int_equal(store_identity_next_device(f->store, record.seq, &record), 0);
        assert_string_equal(record.device_id, ids[i]);
        assert_string_equal(record.module_id, "");
    }
    assert_int_equal(store_identity_next_device(f->store, record.seq, &record), STORE_NO_ROW);
}

static void modules_of_one_device_are_walked_in_order_of_creation(void **state)
{
    struct fixture *f = *state;
    struct store_identity record = {0};
    int64_t n = 0;

    add(f->store, "d", "");
    add(f->store, "d", "z");
    add(f->store, "e", "other");
    add(f->store, "d", "a");
    assert_int_equal(store_identity_count_modules(f->store, SLICE("d"), &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store_identity_count_modules(f->store, SLICE("none"), &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_identity_next_module(f->store, SLICE("d"), 0, &record), 0);
    assert_string_equal(record.module_id, "z");
    assert_int_equal(store_identity_next_module(f->store, SLICE("d"), record.seq, &record), 0);
    assert_string_equal(record.module_id, "a");
    assert_int_equal(store_identity_next_module(f->store, SLICE("d"), record.seq, &record),
                     STORE_NO_ROW);
}

static void walk_goes_on_behind_a_device_that_was_deleted(void **state)
{
    struct fixture *f = *state;
    struct store_identity record = {0};

    add(f->store, "a", "");
    add(f->store, "b", "");
    add(f->store, "c", "");
    assert_int_equal(store_identity_next_device(f->store, 0, &record), 0);
    assert_int_equal(store_identity_delete(f->store, &record), 0);
    assert_int_equal(store_identity_next_device(f->store, record.seq, &record), 0);
    assert_string_equal(record.device_id, "b");
    assert_int_equal(store_identity_delete(f->store, &record), 0);
    assert_int_equal(store_identity_next_device(f->store, record.seq, &record), 0);
    assert_string_equal(record.device_id, "c");
}

static void device_goes_with_its_modules_and_all_twins(void **state)
{
    struct fixture *f = *state;
    struct store_twin twin;
    int64_t device = add(f->store, "d", "");
    int64_t module = add(f->store, "d", "m");
    int64_t other = add(f->store, "D", "");
    int64_t module_of_other = add(f->store, "D", "m");

    struct store_identity record = record_of("d", "");
    assert_int_equal(store_identity_delete(f->store, &record), 0);
    assert_false(has(f->store, "d", ""));
    assert_false(has(f->store, "d", "m"));
    assert_int_equal(store_twin_get(f->store, device, &twin), STORE_NO_ROW);
    assert_int_equal(store_twin_get(f->store, module, &twin), STORE_NO_ROW);
    assert_true(has(f->store, "D", ""));
    assert_true(has(f->store, "D", "m"));
    assert_int_equal(store_twin_get(f->store, other, &twin), 0);
    assert_int_equal(store_twin_get(f->store, module_of_other, &twin), 0);
}

static void module_goes_alone(void **state)
{
    struct fixture *f = *state;
    struct store_twin twin;
    int64_t device = add(f->store, "d", "");
    int64_t module = add(f->store, "d", "m");
    int64_t other = add(f->store, "d", "n");

    struct store_identity record = record_of("d", "m");
    assert_int_equal(store_identity_delete(f->store, &record), 0);
    assert_false(has(f->store, "d", "m"));
    assert_int_equal(store_twin_get(f->store, module, &twin), STORE_NO_ROW);
    assert_true(has(f->store, "d", ""));
    assert_true(has(f->store, "d", "n"));
    assert_int_equal(store_twin_get(f->store, device, &twin), 0);
    assert_int_equal(store_twin_get(f->store, other, &twin), 0);
}

static int64_t count(struct fixture *f, bool is_enabled)
{
    int64_t n = -1;
    assert_int_equal(store_identity_count_devices(f->store, is_enabled, &n), 0);
    return n;
}

static void devices_are_counted_as_they_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct store_identity record;

    assert_int_equal(count(f, true), 0);
    assert_int_equal(count(f, false), 0);
    add(f->store, "a", "");
    add(f->store, "a", "m");
    add(f->store, "b", "");
    assert_int_equal(count(f, true), 2);
    assert_int_equal(store_identity_get(f->store, id_of("a", ""), &record), 0);
    record.is_enabled = false;
    assert_int_equal(store_identity_update(f->store, &record), 0);
    assert_int_equal(store_identity_update(f->store, &record), 0);
    assert_int_equal(count(f, true), 1);
    assert_int_equal(count(f, false), 1);
    assert_int_equal(store_commit(f->store), 0);
    fixture_reopen(f);
    assert_int_equal(count(f, false), 1);
    assert_int_equal(store_identity_delete(f->store, &record), 0);
    assert_int_equal(count(f, true), 1);
    assert_int_equal(count(f, false), 0);
}

static void device_that_was_undone_is_not_counted(void **state)
{
    struct fixture *f = *state;

    add(f->store, "a", "");
    assert_int_equal(store_mark(f->store), 0);
    add(f->store, "b", "");
    assert_int_equal(count(f, true), 2);
    assert_int_equal(store_undo(f->store), 0);
    assert_int_equal(count(f, true), 1);
}

static void number_of_the_newest_is_not_used_again(void **state)
{
    struct fixture *f = *state;
    int64_t first = add(f->store, "d", "");

    struct store_identity record = record_of("d", "");
    assert_int_equal(store_identity_delete(f->store, &record), 0);
    fixture_reopen(f);
    assert_true(add(f->store, "d", "") > first);
}

static void session_is_kept_until_it_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct buf text = {.cap = 100};

    add(f->store, "d", "");
    add(f->store, "d", "m");
    assert_int_equal(store_session_get(f->store, id_of("d", ""), &text), 0);
    assert_int_equal(text.len, 0);
    assert_int_equal(store_session_set(f->store, id_of("d", ""), SLICE("of the device")), 0);
    assert_int_equal(store_session_set(f->store, id_of("d", "m"), SLICE("of the module")), 0);
    assert_int_equal(store_session_set(f->store, id_of("d", ""), SLICE("the second")), 0);
    fixture_reopen(f);
    assert_int_equal(store_session_get(f->store, id_of("d", ""), &text), 0);
    assert_slice(buf_slice(&text), "the second");
    buf_reset(&text);
    assert_int_equal(store_session_get(f->store, id_of("d", "m"), &text), 0);
    assert_slice(buf_slice(&text), "of the module");
    buf_reset(&text);
    assert_int_equal(store_session_set(f->store, id_of("d", "m"), SLICE("")), 0);
    assert_int_equal(store_session_get(f->store, id_of("d", "m"), &text), 0);
    assert_int_equal(text.len, 0);
    assert_int_equal(store_session_get(f->store, id_of("e", ""), &text), STORE_NO_ROW);
    buf_finish(&text);
}

static void session_outlives_changes_but_not_its_identity(void **state)
{
    struct fixture *f = *state;
    struct store_identity record;
    struct buf text = {.cap = 100};

    add(f->store, "d", "");
    assert_int_equal(store_session_set(f->store, id_of("d", ""), SLICE("session")), 0);
    assert_int_equal(store_identity_get(f->store, id_of("d", ""), &record), 0);
    record.etag++;
    assert_int_equal(store_identity_update(f->store, &record), 0);
    assert_int_equal(store_session_get(f->store, id_of("d", ""), &text), 0);
    assert_slice(buf_slice(&text), "session");
    buf_reset(&text);
    assert_int_equal(store_identity_delete(f->store, &record), 0);
    add(f->store, "d", "");
    assert_int_equal(store_session_get(f->store, id_of("d", ""), &text), 0);
    assert_int_equal(text.len, 0);
    buf_finish(&text);
}

#define ON_FILE(test)   cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_memory, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(every_field_comes_back),
        IN_MEMORY(empty_fields_come_back_empty),
        IN_MEMORY(text_that_is_empty_is_not_one_that_is_missing),
        IN_MEMORY(missing_identity_is_no_row_and_leaves_the_record),
        IN_MEMORY(update_changes_all_but_seq_and_ids),
        IN_MEMORY(activity_changes_two_times_only),
        IN_MEMORY(changing_what_is_not_there_is_no_row),
        IN_MEMORY(ids_are_exact),
        IN_MEMORY(devices_are_walked_in_order_of_creation),
        IN_MEMORY(modules_of_one_device_are_walked_in_order_of_creation),
        IN_MEMORY(walk_goes_on_behind_a_device_that_was_deleted),
        IN_MEMORY(device_goes_with_its_modules_and_all_twins),
        IN_MEMORY(module_goes_alone),
        ON_FILE(devices_are_counted_as_they_come_and_go),
        IN_MEMORY(device_that_was_undone_is_not_counted),
        ON_FILE(number_of_the_newest_is_not_used_again),
        ON_FILE(session_is_kept_until_it_is_replaced),
        IN_MEMORY(session_outlives_changes_but_not_its_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
