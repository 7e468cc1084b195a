/*
 * Every case of tests/data/query/vectors.json: queries with their answers, texts to refuse.
 *
 * Rows there that name `open` points rest on choices that the service's documentation leaves
 * open.  This implementation makes the same choice in all of them, so there is no list of
 * exceptions here.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ask.h"

static json_t *vectors;

static int load(void **state)
{
    (void)state;
    json_error_t error;
    vectors = json_load_file(TEST_DATA_DIR "/query/vectors.json", 0, &error);
    if (vectors == NULL) {
        print_error("%s:%d: %s\n", error.source, error.line, error.text);
    }
    return vectors == NULL ? -1 : 0;
}

static int unload(void **state)
{
    (void)state;
    json_decref(vectors);
    return 0;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static const json_t *documents_of(const struct query *query)
{
    static const char *const names[] = {
        [QUERY_DEVICES] = "twins",
        [QUERY_MODULES] = "modules",
        [QUERY_JOBS] = "jobs",
    };
    return json_object_get(vectors, names[query_collection(query)]);
}

/* The id that `expect` uses for a whole document. */
static json_t *id_of(const json_t *document)
{
    const char *device = text_of(document, "deviceId");
    const char *module = text_of(document, "moduleId");
    const char *job = text_of(document, "jobId");
    if (job[0] != '\0') {
        return json_sprintf("%s/%s", job, device);
    }
    return module[0] != '\0' ? json_sprintf("%s/%s", device, module) : json_string(device);
}

/* Like json_equal, but 1 and 1.0 are the same. */
static bool same(const json_t *a, const json_t *b)
{
    const char *name = NULL;
    json_t *value = NULL;
    if (json_is_number(a) && json_is_number(b)) {
        return json_number_value(a) == json_number_value(b);
    }
    if (!json_is_object(a) || !json_is_object(b)) {
        return json_equal(a, b);
    }
    if (json_object_size(a) != json_object_size(b)) {
        return false;
    }
    json_t *object = json_copy((json_t *)(uintptr_t)a);
    bool is_same = true;
    json_object_foreach(object, name, value)
    {
        is_same = is_same && same(value, json_object_get(b, name));
    }
    json_decref(object);
    return is_same;
}

/* Take one element like `value` out of the array. */
static bool take(json_t *array, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (same(json_array_get(array, i), value)) {
            json_array_remove(array, i);
            return true;
        }
    }
    return false;
}

/* Every actual element is one of the expected ones, and as many as there should be. */
static bool is_expected(const json_t *row, const json_t *answer)
{
    json_t *left = json_copy(json_object_get(row, "expect"));
    const json_t *limit = json_object_get(row, "limit");
    size_t n = limit != NULL ? (size_t)json_integer_value(limit) : json_array_size(left);
    bool is_ids = strcmp(text_of(row, "kind"), "ids") == 0;
    bool is_good = json_array_size(answer) == n;
    for (size_t i = 0; i < json_array_size(answer); i++) {
        json_t *element = json_array_get(answer, i);
        json_t *shown = is_ids ? id_of(element) : json_incref(element);
        is_good = take(left, shown) && is_good;
        json_decref(shown);
    }
    json_decref(left);
    return is_good;
}

static bool passes(const json_t *row, struct query *query)
{
    json_t *answer = ask_answer(query, documents_of(query));
    bool is_good = is_expected(row, answer) &&
                   strcmp(query_item_type(query), text_of(row, "itemType")) == 0;
    if (!is_good) {
        char *text = json_dumps(answer, JSON_COMPACT);
        print_error("%s\n  answered with %s: %.2000s\n", text_of(row, "query"),
                    query_item_type(query), text);
        free(text);
    }
    json_decref(answer);
    return is_good;
}

static void every_query_answers_what_is_expected(void **state)
{
    (void)state;
    size_t index = 0;
    json_t *row = NULL;
    size_t n_bad = 0;
    json_array_foreach(json_object_get(vectors, "queries"), index, row)
    {
        struct query *query = ask_compile(text_of(row, "query"));
        n_bad += passes(row, query) ? 0 : 1;
        query_destroy(query);
    }
    print_message("%zu queries run\n", index);
    assert_true(index > 0);
    assert_int_equal(n_bad, 0);
}

static void every_query_means_the_same_when_it_is_printed(void **state)
{
    (void)state;
    size_t index = 0;
    json_t *row = NULL;
    size_t n_bad = 0;
    json_array_foreach(json_object_get(vectors, "queries"), index, row)
    {
        struct query *query = ask_compile(text_of(row, "query"));
        struct buf text;
        buf_init(&text, BUF_CAP_OWN);
        query_print(query, &text);
        query_destroy(query);
        query = ask_compile(buf_text(&text));
        n_bad += passes(row, query) ? 0 : 1;
        query_destroy(query);
        buf_finish(&text);
    }
    assert_int_equal(n_bad, 0);
}

static void every_bad_text_is_refused(void **state)
{
    (void)state;
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(json_object_get(vectors, "errors"), index, row)
    {
        char *error = ask_error(text_of(row, "query"));
        assert_non_null(
            strstr(error, "SQL query parse failed due to following errors: \n\tLine "));
        free(error);
    }
    print_message("%zu bad texts run\n", index);
    assert_true(index > 0);
}

/* The sizes of pages, without whose rows there is nothing to cut: all matches are counted. */
static void every_paged_query_has_as_many_rows_as_its_pages(void **state)
{
    (void)state;
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(json_object_get(vectors, "paging"), index, row)
    {
        json_int_t expected = 0;
        size_t page = 0;
        json_t *size = NULL;
        json_array_foreach(json_object_get(row, "pages"), page, size)
        {
            expected += json_integer_value(size);
        }
        struct query *query = ask_compile(text_of(row, "query"));
        json_t *answer = ask_answer(query, documents_of(query));
        assert_int_equal(json_array_size(answer), expected);
        json_decref(answer);
        query_destroy(query);
    }
    assert_true(index > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_query_answers_what_is_expected),
        cmocka_unit_test(every_query_means_the_same_when_it_is_printed),
        cmocka_unit_test(every_bad_text_is_refused),
        cmocka_unit_test(every_paged_query_has_as_many_rows_as_its_pages),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
