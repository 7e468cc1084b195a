/*
 * Indexes of tags: no twin that has a value is missing among the candidates, whatever was
 * written, undone, or asked about in between.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/tags.h"
#include "unit/store/fixture.h"

#define FOUND_MAX 4096

/* The tag at a.b, or at a path of one name. */
static struct store_tag tag_at(const struct slice *names, size_t n_names, uint64_t hash)
{
    return (struct store_tag){.names = names, .n_names = n_names, .hash = hash};
}

static const struct slice x_name[] = {SLICE("x")};

static struct store_tag text_at_x(const char *text)
{
    return tag_at(x_name, 1, store_tag_hash_text(slice_of(text)));
}

static void write_tags(struct store *store, int64_t seq, const char *tags)
{
    const struct store_twin twin = {.seq = seq, .etag = 1, .tags = slice_of(tags)};
    assert_int_equal(store_twin_write_service(store, &twin), 0);
}

static int64_t add_tagged(struct store *store, const char *id, const char *tags)
{
    int64_t seq = add(store, id, "");
    write_tags(store, seq, tags);
    return seq;
}

/* How many candidates there are behind `after`; they ascend, and out has the first. */
static size_t find(struct store *store, struct store_tag tag, int64_t after, int64_t *out)
{
    static int64_t found[FOUND_MAX];
    size_t n = 0;
    size_t of = 0;
    store_tags_ask(store, true);
    assert_int_equal(store_tags_count(store, &tag, &n, &of), 0);
    assert_true(n <= of);
    size_t n_found = store_tags_find(store, &tag, after, found, FOUND_MAX);
    assert_true(n_found <= n);
    for (size_t i = 0; i < n_found; i++) {
        assert_true(found[i] > (i == 0 ? after : found[i - 1]));
    }
    if (n_found > 0 && out != NULL) {
        *out = found[0];
    }
    return n_found;
}

static void assert_only(struct store *store, struct store_tag tag, int64_t seq)
{
    int64_t first = 0;
    assert_int_equal(find(store, tag, 0, &first), 1);
    assert_int_equal(first, seq);
}

static void values_are_found_by_type(void **state)
{
    struct fixture *f = *state;
    int64_t text = add_tagged(f->store, "a", "{\"x\":\"1\"}");
    int64_t number = add_tagged(f->store, "b", "{\"x\":1.0}");
    int64_t truth = add_tagged(f->store, "c", "{\"x\":true}");
    int64_t zero = add_tagged(f->store, "d", "{\"x\":-0.0}");
    int64_t escaped = add_tagged(f->store, "e", "{\"x\":\"\\u0031\\n\"}");
    add_tagged(f->store, "f", "{\"x\":{\"x\":\"1\"}}");
    add_tagged(f->store, "g", "{\"x\":[\"1\"]}");
    add_tagged(f->store, "h", "{\"X\":\"1\"}");
    add(f->store, "i", "");
    assert_only(f->store, text_at_x("1"), text);
    assert_only(f->store, tag_at(x_name, 1, store_tag_hash_number(1)), number);
    assert_only(f->store, tag_at(x_name, 1, store_tag_hash_bool(true)), truth);
    assert_only(f->store, tag_at(x_name, 1, store_tag_hash_number(0)), zero);
    assert_only(f->store, text_at_x("1\n"), escaped);
    assert_int_equal(find(f->store, tag_at(x_name, 1, store_tag_hash_bool(false)), 0, NULL), 0);
    assert_int_equal(find(f->store, tag_at(x_name, 1, store_tag_hash_null()), 0, NULL), 0);
    assert_int_equal(find(f->store, text_at_x("2"), 0, NULL), 0);
}

static void names_are_told_apart(void **state)
{
    static const struct slice ab_c[] = {SLICE("ab"), SLICE("c")};
    static const struct slice a_bc[] = {SLICE("a"), SLICE("bc")};
    struct fixture *f = *state;
    int64_t one = add_tagged(f->store, "a", "{\"ab\":{\"c\":5}}");
    int64_t other = add_tagged(f->store, "b", "{\"a\":{\"bc\":5}}");
    assert_only(f->store, tag_at(ab_c, 2, store_tag_hash_number(5)), one);
    assert_only(f->store, tag_at(a_bc, 2, store_tag_hash_number(5)), other);
}

static void what_is_written_is_found_at_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(find(f->store, text_at_x("v"), 0, NULL), 0);
    int64_t changed = add_tagged(f->store, "a", "{\"x\":\"u\"}");
    struct store_identity record = record_of("b", "");
    assert_int_equal(store_identity_insert(f->store, &record), 0);
    const struct store_twin twin = {.seq = record.seq, .tags = SLICE("{\"x\":\"w\"}")};
    assert_int_equal(store_twin_insert(f->store, &twin), 0);
    assert_only(f->store, text_at_x("w"), record.seq);
    write_tags(f->store, changed, "{\"x\":\"v\"}");
    assert_only(f->store, text_at_x("v"), changed);
    assert_int_equal(store_commit(f->store), 0);
    assert_only(f->store, text_at_x("v"), changed);
}

static void what_is_undone_is_found_as_it_was(void **state)
{
    struct fixture *f = *state;
    int64_t seq = add_tagged(f->store, "a", "{\"x\":\"old\"}");
    assert_only(f->store, text_at_x("old"), seq);
    assert_int_equal(store_mark(f->store), 0);
    write_tags(f->store, seq, "{\"x\":\"new\"}");
    assert_int_equal(store_undo(f->store), 0);
    assert_only(f->store, text_at_x("old"), seq);
}

static void no_index_is_made_on_a_mark(void **state)
{
    struct fixture *f = *state;
    struct store_tag tag = text_at_x("old");
    size_t n = 0;
    size_t of = 0;
    int64_t seq = add_tagged(f->store, "a", "{\"x\":\"old\"}");
    assert_int_equal(store_mark(f->store), 0);
    write_tags(f->store, seq, "{\"x\":\"new\"}");
    store_tags_ask(f->store, true);
    assert_int_equal(store_tags_count(f->store, &tag, &n, &of), STORE_NO_ROW);
    assert_int_equal(store_undo(f->store), 0);
    assert_only(f->store, tag, seq);
}

static void more_paths_than_there_is_room_for_all_answer(void **state)
{
    struct fixture *f = *state;
    struct buf tags = {.cap = BUF_CAP_OWN};
    for (int i = 0; i < 20; i++) {
        buf_putf(&tags, "%s\"p%d\":%d", i == 0 ? "{" : ",", i, i);
    }
    buf_put_char(&tags, '}');
    int64_t seq = add_tagged(f->store, "a", buf_text(&tags));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
            char name[8];
            int len = snprintf(name, sizeof(name), "p%d", i);
            const struct slice names[] = {slice_make(name, (size_t)len)};
            assert_only(f->store, tag_at(names, 1, store_tag_hash_number(i)), seq);
        }
    }
    buf_finish(&tags);
}

/* Or what was counted first could not be found any more. */
static void a_question_keeps_all_indexes_that_it_needs(void **state)
{
    struct fixture *f = *state;
    int64_t seq = add_tagged(f->store, "a", "{\"x\":\"v\"}");
    for (int round = 0; round < 2; round++) {
        size_t n_counted = 0;
        int64_t first = 0;
        assert_only(f->store, text_at_x("v"), seq);
        store_tags_ask(f->store, true);
        for (int i = 0; i < 20; i++) {
            char name[8];
            size_t n = 0;
            size_t of = 0;
            int len = snprintf(name, sizeof(name), "p%d", i);
            const struct slice names[] = {slice_make(name, (size_t)len)};
            struct store_tag tag = i == 0 ? text_at_x("v")
                                          : tag_at(names, 1, store_tag_hash_bool(true));
            n_counted += store_tags_count(f->store, &tag, &n, &of) == 0 ? 1 : 0;
        }
        assert_in_range(n_counted, 2, 19);
        struct store_tag tag = text_at_x("v");
        assert_int_equal(store_tags_find(f->store, &tag, 0, &first, 1), 1);
        assert_int_equal(first, seq);
    }
}

static void a_question_that_goes_on_makes_no_index(void **state)
{
    struct fixture *f = *state;
    struct store_tag tag = text_at_x("v");
    size_t n = 0;
    size_t of = 0;
    int64_t seq = add_tagged(f->store, "a", "{\"x\":\"v\"}");
    store_tags_ask(f->store, false);
    assert_int_equal(store_tags_count(f->store, &tag, &n, &of), STORE_NO_ROW);
    assert_only(f->store, tag, seq);
    store_tags_ask(f->store, false);
    assert_int_equal(store_tags_count(f->store, &tag, &n, &of), 0);
    assert_int_equal(n, 1);
}

/* More writes than the short list holds, with values that come again. */
static void many_writes_stay_in_order(void **state)
{
    enum { N = 2000, N_VALUES = 7 };
    struct fixture *f = *state;
    int64_t first = add(f->store, "d", "");
    for (int i = 1; i < N; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "d%d", i);
        add(f->store, id, "");
    }
    assert_int_equal(find(f->store, text_at_x("0"), 0, NULL), 0);
    for (int i = 0; i < 2 * N; i++) {
        char tags[32];
        int at = i * 7919 % N; /* each of them twice, in no order, with one value */
        (void)snprintf(tags, sizeof(tags), "{\"x\":\"%d\"}", at % N_VALUES);
        write_tags(f->store, first + at, tags);
    }
    for (int v = 0; v < N_VALUES; v++) {
        char text[8];
        int64_t seq = 0;
        (void)snprintf(text, sizeof(text), "%d", v);
        size_t want = (N - (size_t)v + N_VALUES - 1) / N_VALUES;
        assert_int_equal(find(f->store, text_at_x(text), 0, NULL), want);
        /* Behind the tenth of them. */
        assert_int_equal(find(f->store, text_at_x(text), first + v + 9 * N_VALUES, &seq),
                         want - 10);
        assert_int_equal(seq, first + v + 10 * N_VALUES);
    }
}

/* An index that is mostly of the past is made anew, and then knows the present alone. */
static void what_is_no_longer_true_does_not_pile_up(void **state)
{
    enum { N_WRITES = (64 << 10) + 600 };
    struct fixture *f = *state;
    struct store_tag tag = tag_at(x_name, 1, store_tag_hash_number(N_WRITES - 1));
    size_t n = 0;
    size_t of = 0;
    int64_t seq = add_tagged(f->store, "a", "{\"x\":-1}");
    store_tags_ask(f->store, true);
    assert_int_equal(store_tags_count(f->store, &tag, &n, &of), 0);
    for (int i = 0; i < N_WRITES; i++) {
        char tags[32];
        (void)snprintf(tags, sizeof(tags), "{\"x\":%d}", i);
        write_tags(f->store, seq, tags);
    }
    assert_only(f->store, tag, seq);
    assert_int_equal(store_tags_count(f->store, &tag, &n, &of), 0);
    assert_int_equal(of, 1);
}

static void reader_beside_a_writer_has_no_indexes(void **state)
{
    struct fixture *f = *state;
    struct store_tag tag = text_at_x("v");
    size_t n = 0;
    size_t of = 0;
    add_tagged(f->store, "a", "{\"x\":\"v\"}");
    assert_int_equal(store_commit(f->store), 0);
    struct store *reader = open_reader(f->path);
    store_tags_ask(reader, true);
    assert_int_equal(store_tags_count(reader, &tag, &n, &of), STORE_NO_ROW);
    store_close(reader);
}

#define ON_FILE(test)   cmocka_unit_test_setup_teardown(test, fixture_file, fixture_end)
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, fixture_memory, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(values_are_found_by_type),
        IN_MEMORY(names_are_told_apart),
        ON_FILE(what_is_written_is_found_at_once),
        IN_MEMORY(what_is_undone_is_found_as_it_was),
        IN_MEMORY(no_index_is_made_on_a_mark),
        IN_MEMORY(more_paths_than_there_is_room_for_all_answer),
        IN_MEMORY(a_question_keeps_all_indexes_that_it_needs),
        IN_MEMORY(a_question_that_goes_on_makes_no_index),
        IN_MEMORY(many_writes_stay_in_order),
        IN_MEMORY(what_is_no_longer_true_does_not_pile_up),
        ON_FILE(reader_beside_a_writer_has_no_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
