/*
 * configurations: every field there and back, removal, targets, and what goes with an identity.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/configurations.h"
#include "unit/store/fixture.h"

static struct store_configuration full(const char *id)
{
    return (struct store_configuration){
        .configuration_id = mem_dup_text(id),
        .revision = 3,
        .priority = 10,
        .created_ms = 1700000000001,
        .updated_ms = 1700000000002,
        .schema_version = mem_dup_text("\"2.0\""),
        .labels = mem_dup_text("{\"a\":\"it's\"}"),
        .content = mem_dup_text("{\"deviceContent\":{}}"),
        .condition = mem_dup_text("tags.a = 'it''s'"),
        .metrics = mem_dup_text("{\"m\":\"SELECT * FROM devices\"}"),
        .phase = CONFIGURATION_REVIEW,
        .cursor = 4,
        .evaluated_ms = 1700000000003,
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

static void assert_equal(const struct store_configuration *a,
                         const struct store_configuration *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_texts_equal(a->configuration_id, b->configuration_id);
    assert_int_equal(a->revision, b->revision);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->updated_ms, b->updated_ms);
    assert_texts_equal(a->schema_version, b->schema_version);
    assert_texts_equal(a->labels, b->labels);
    assert_texts_equal(a->content, b->content);
    assert_texts_equal(a->condition, b->condition);
    assert_texts_equal(a->metrics, b->metrics);
    assert_int_equal(a->phase, b->phase);
    assert_int_equal(a->cursor, b->cursor);
    assert_int_equal(a->evaluated_ms, b->evaluated_ms);
    assert_int_equal(a->is_removed, b->is_removed);
}

/* Insert one; answers its seq. */
static int64_t put(struct store *store, const char *id)
{
    struct store_configuration record = full(id);
    assert_int_equal(store_configuration_insert(store, &record), 0);
    int64_t seq = record.seq;
    store_configuration_finish(&record);
    return seq;
}

static void set_target(struct store *store, int64_t identity, int64_t configuration,
                       bool is_module, bool is_applied)
{
    const struct store_configuration_target target = {
        .configuration_seq = configuration,
        .identity_seq = identity,
        .is_module = is_module,
        .is_applied = is_applied,
    };
    assert_int_equal(store_configuration_target_set(store, &target), 0);
}

/* ---- records ----------------------------------------------------------------------------- */

static void every_field_comes_back(void **state)
{
    struct fixture *f = *state;
    struct store_configuration record = full("c-1");
    struct store_configuration back = {0};

    assert_int_equal(store_configuration_insert(f->store, &record), 0);
    fixture_reopen(f);
    assert_int_equal(store_configuration_get(f->store, record.seq, &back), 0);
    assert_equal(&back, &record);
    assert_string_equal(back.results, "");
    store_configuration_finish(&back);
    store_configuration_finish(&record);
}

static void missing_texts_stay_missing(void **state)
{
    struct fixture *f = *state;
    struct store_configuration back = {0};
    struct store_configuration record = full("c");
    free(record.labels);
    free(record.schema_version);
    record.labels = record.schema_version = NULL;

    assert_int_equal(store_configuration_insert(f->store, &record), 0);
    assert_int_equal(store_configuration_get(f->store, record.seq, &back), 0);
    assert_equal(&back, &record);
    assert_int_equal(store_configuration_get(f->store, record.seq + 1, &back), STORE_NO_ROW);
    store_configuration_finish(&back);
    store_configuration_finish(&record);
}

static void update_leaves_id_content_and_creation(void **state)
{
    struct fixture *f = *state;
    struct store_configuration back = {0};
    struct store_configuration record = full("c");
    struct store_configuration change = full("other");

    assert_int_equal(store_configuration_insert(f->store, &record), 0);
    change.seq = record.seq;
    change.created_ms = 1;
    change.revision = record.revision = 4;
    change.priority = record.priority = 0;
    change.phase = record.phase = CONFIGURATION_SETTLED;
    change.condition[0] = record.condition[0] = 'T';
    change.content[0] = '?';
    assert_int_equal(store_configuration_update(f->store, &change), 0);
    assert_int_equal(store_configuration_get(f->store, record.seq, &back), 0);
    assert_equal(&back, &record);
    store_configuration_finish(&back);
    store_configuration_finish(&change);
    store_configuration_finish(&record);
}

static void progress_and_results_are_written_alone(void **state)
{
    struct fixture *f = *state;
    struct store_configuration back = {0};
    struct store_configuration record = full("c");

    assert_int_equal(store_configuration_insert(f->store, &record), 0);
    record.phase = CONFIGURATION_SEARCH;
    record.cursor = 77;
    record.evaluated_ms = 78;
    assert_int_equal(
        store_configuration_progress(f->store, record.seq, CONFIGURATION_SEARCH, 77, 78), 0);
    assert_int_equal(store_configuration_write_results(f->store, record.seq, SLICE("{\"m\":1}"),
                                                       SLICE("{\"s\":2}")),
                     0);
    assert_int_equal(store_configuration_get(f->store, record.seq, &back), 0);
    assert_equal(&back, &record);
    assert_string_equal(back.results, "{\"m\":1}");
    assert_string_equal(back.system_results, "{\"s\":2}");
    store_configuration_finish(&back);
    store_configuration_finish(&record);
}

static void removed_configuration_frees_its_id(void **state)
{
    struct fixture *f = *state;
    struct store_configuration back = {0};
    int64_t first = put(f->store, "c");

    assert_int_equal(store_configuration_remove(f->store, first), 0);
    int64_t second = put(f->store, "c");
    assert_true(second > first);
    assert_int_equal(store_configuration_next(f->store, 0, &back), 0);
    assert_int_equal(back.seq, first);
    assert_true(back.is_removed);
    assert_string_equal(back.content, "");
    store_configuration_finish(&back);
    assert_int_equal(store_configuration_next(f->store, first, &back), 0);
    assert_int_equal(back.seq, second);
    assert_false(back.is_removed);
    store_configuration_finish(&back);
    assert_int_equal(store_configuration_next(f->store, second, &back), STORE_NO_ROW);
}

static void deleted_configuration_is_no_row(void **state)
{
    struct fixture *f = *state;
    struct store_configuration back = {0};
    int64_t seq = put(f->store, "c");

    assert_int_equal(store_configuration_delete(f->store, seq), 0);
    assert_int_equal(store_configuration_delete(f->store, seq), STORE_NO_ROW);
    assert_int_equal(store_configuration_get(f->store, seq, &back), STORE_NO_ROW);
    assert_int_equal(store_configuration_progress(f->store, seq, CONFIGURATION_SEARCH, 0, 0),
                     STORE_NO_ROW);
}

static void second_of_an_id_breaks_the_store(void **state)
{
    struct fixture *f = *state;
    struct store_configuration record = full("c");

    put(f->store, "c");
    assert_int_equal(store_configuration_insert(f->store, &record), -EIO);
    store_configuration_finish(&record);
}

/* ---- targets ----------------------------------------------------------------------------- */

static void targets_of_an_identity_are_in_order(void **state)
{
    struct fixture *f = *state;
    struct store_configuration_target target = {0};
    int64_t identity = add(f->store, "d", "");

    set_target(f->store, identity, 9, false, false);
    set_target(f->store, identity, 5, false, true);
    set_target(f->store, identity + 1, 7, false, true);
    assert_int_equal(store_configuration_target_next(f->store, identity, 0, &target), 0);
    assert_int_equal(target.configuration_seq, 5);
    assert_int_equal(target.identity_seq, identity);
    assert_true(target.is_applied);
    assert_int_equal(store_configuration_target_next(f->store, identity, 5, &target), 0);
    assert_int_equal(target.configuration_seq, 9);
    assert_false(target.is_applied);
    assert_int_equal(store_configuration_target_next(f->store, identity, 9, &target),
                     STORE_NO_ROW);
}

static void setting_a_target_again_changes_it(void **state)
{
    struct fixture *f = *state;
    struct store_configuration_target target = {0};

    set_target(f->store, 1, 2, true, false);
    set_target(f->store, 1, 2, true, true);
    assert_int_equal(store_configuration_target_get(f->store, 1, 2, &target), 0);
    assert_true(target.is_module);
    assert_true(target.is_applied);
    assert_int_equal(store_configuration_target_clear(f->store, 1, 2), 0);
    assert_int_equal(store_configuration_target_clear(f->store, 1, 2), STORE_NO_ROW);
    assert_int_equal(store_configuration_target_get(f->store, 1, 2, &target), STORE_NO_ROW);
}

static void walk_gives_a_configurations_identities(void **state)
{
    struct fixture *f = *state;
    struct store_identity identity;
    int64_t a = add(f->store, "a", "");
    int64_t b = add(f->store, "b", "");
    int64_t m = add(f->store, "a", "m");

    set_target(f->store, m, 3, true, true);
    set_target(f->store, a, 3, false, true);
    set_target(f->store, b, 4, false, true);
    assert_int_equal(store_configuration_target_walk(f->store, 3, 0, &identity), 0);
    assert_string_equal(identity.device_id, "a");
    assert_string_equal(identity.module_id, "");
    assert_int_equal(store_configuration_target_walk(f->store, 3, identity.seq, &identity), 0);
    assert_string_equal(identity.module_id, "m");
    assert_int_equal(store_configuration_target_walk(f->store, 3, identity.seq, &identity),
                     STORE_NO_ROW);
}

static void devices_and_modules_are_counted_apart(void **state)
{
    struct fixture *f = *state;
    struct store_configuration_count count = {.n_targeted = 9, .n_applied = 9};

    assert_int_equal(store_configuration_target_count(f->store, 3, false, &count), 0);
    assert_int_equal(count.n_targeted, 0);
    assert_int_equal(count.n_applied, 0);
    set_target(f->store, 1, 3, false, true);
    set_target(f->store, 2, 3, false, false);
    set_target(f->store, 3, 3, true, true);
    set_target(f->store, 1, 4, false, true);
    assert_int_equal(store_configuration_target_count(f->store, 3, false, &count), 0);
    assert_int_equal(count.n_targeted, 2);
    assert_int_equal(count.n_applied, 1);
    assert_int_equal(store_configuration_target_count(f->store, 3, true, &count), 0);
    assert_int_equal(count.n_targeted, 1);
    assert_int_equal(count.n_applied, 1);
}

/* ---- beside identities ------------------------------------------------------------------- */

static void assert_managed(struct store *store, int64_t identity, const char *want)
{
    struct buf text = {.cap = 1000};
    assert_int_equal(store_configuration_managed_get(store, identity, &text), 0);
    assert_string_equal(buf_text(&text), want);
    buf_finish(&text);
}

static void managed_text_is_replaced_and_removed(void **state)
{
    struct fixture *f = *state;

    assert_managed(f->store, 1, "");
    assert_int_equal(store_configuration_managed_set(f->store, 1, SLICE("{\"a\":1}")), 0);
    assert_int_equal(store_configuration_managed_set(f->store, 2, SLICE("{}")), 0);
    assert_int_equal(store_configuration_managed_set(f->store, 1, SLICE("{\"b\":1}")), 0);
    assert_managed(f->store, 1, "{\"b\":1}");
    assert_int_equal(store_configuration_managed_set(f->store, 1, SLICE("")), 0);
    assert_managed(f->store, 1, "");
    assert_managed(f->store, 2, "{}");
}

static void dirty_identities_are_a_set(void **state)
{
    struct fixture *f = *state;
    struct store_identity identity;
    int64_t a = add(f->store, "a", "");
    int64_t b = add(f->store, "b", "");

    assert_int_equal(store_configuration_dirty_next(f->store, 0, &identity), STORE_NO_ROW);
    assert_int_equal(store_configuration_dirty_add(f->store, b), 0);
    assert_int_equal(store_configuration_dirty_add(f->store, a), 0);
    assert_int_equal(store_configuration_dirty_add(f->store, b), 0);
    assert_int_equal(store_configuration_dirty_next(f->store, 0, &identity), 0);
    assert_string_equal(identity.device_id, "a");
    assert_int_equal(store_configuration_dirty_next(f->store, a, &identity), 0);
    assert_string_equal(identity.device_id, "b");
    assert_int_equal(store_configuration_dirty_remove(f->store, b), 0);
    assert_int_equal(store_configuration_dirty_next(f->store, a, &identity), STORE_NO_ROW);
}

static void add_belongings(struct store *store, int64_t identity)
{
    set_target(store, identity, 3, false, true);
    assert_int_equal(store_configuration_managed_set(store, identity, SLICE("{}")), 0);
    assert_int_equal(store_configuration_dirty_add(store, identity), 0);
}

static void assert_belongings(struct store *store, int64_t identity, bool are_there)
{
    struct store_configuration_target target;
    struct store_identity record;
    assert_int_equal(store_configuration_target_get(store, identity, 3, &target),
                     are_there ? 0 : STORE_NO_ROW);
    assert_managed(store, identity, are_there ? "{}" : "");
    int rc = store_configuration_dirty_next(store, identity - 1, &record);
    assert_int_equal(rc == 0 && record.seq == identity, are_there);
}

static void all_of_it_goes_with_the_identity(void **state)
{
    struct fixture *f = *state;
    struct store_identity device = record_of("d", "");
    int64_t d = add(f->store, "d", "");
    int64_t m = add(f->store, "d", "m");
    int64_t other = add(f->store, "other", "");

    add_belongings(f->store, d);
    add_belongings(f->store, m);
    add_belongings(f->store, other);
    assert_int_equal(store_identity_delete(f->store, &device), 0);
    assert_belongings(f->store, d, false);
    assert_belongings(f->store, m, false);
    assert_belongings(f->store, other, true);
}

#define ON_FILE(test)   cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_memory, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(every_field_comes_back),
        IN_MEMORY(missing_texts_stay_missing),
        IN_MEMORY(update_leaves_id_content_and_creation),
        IN_MEMORY(progress_and_results_are_written_alone),
        IN_MEMORY(removed_configuration_frees_its_id),
        IN_MEMORY(deleted_configuration_is_no_row),
        IN_MEMORY(second_of_an_id_breaks_the_store),
        IN_MEMORY(targets_of_an_identity_are_in_order),
        IN_MEMORY(setting_a_target_again_changes_it),
        IN_MEMORY(walk_gives_a_configurations_identities),
        IN_MEMORY(devices_and_modules_are_counted_apart),
        IN_MEMORY(managed_text_is_replaced_and_removed),
        IN_MEMORY(dirty_identities_are_a_set),
        IN_MEMORY(all_of_it_goes_with_the_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
