/*
 * Queries: a query's text and a document, with "--" between them.
 */
#include "query/query.h"

#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "iothub/json.h"
#include "iothub/json_scan.h"
#include "iothub/limits.h"
#include "query/error.h"

/* A row that tells which query asks it, so that one is not asked for what is not loaded. */
struct row {
    struct slice document;
    const struct query *query;
};

static struct query_value look_up(void *row, const struct query_path *path, struct buf *scratch)
{
    struct row *asked = row;
    FUZZ_CHECK(path->root != QUERY_ROOT_UNKNOWN);
    FUZZ_CHECK(query_uses(asked->query, path->root));
    return query_json_row.lookup(&asked->document, path, scratch);
}

static const struct query_row_ops row_ops = {look_up};

static struct query *compile(struct slice text, bool is_condition)
{
    struct query *query = NULL;
    struct buf error = fuzz_buf();
    struct slice copy = fuzz_copy(text);
    enum iothub_status status = is_condition ? query_compile_condition(copy, &query, &error)
                                             : query_compile(copy, &query, &error);
    FUZZ_CHECK(status == IOTHUB_OK || status == IOTHUB_ARGUMENT_INVALID);
    FUZZ_CHECK((status == IOTHUB_OK) == (query != NULL));
    FUZZ_CHECK((status == IOTHUB_OK) == (error.len == 0));
    buf_finish(&error);
    fuzz_free(copy);
    return query;
}

static void check_is_object(struct slice text)
{
    json_t *value = json_parse(text, NULL);
    FUZZ_CHECK(json_is_object(value));
    json_decref(value);
}

/* All that a query answers to the one row. */
static void put_answer(struct query *query, struct slice document, struct buf *out)
{
    struct row row = {document, query};
    struct buf error = fuzz_buf();
    bool matches = query_matches(query, &row_ops, &row);
    buf_putf(out, "%s %s ", query_item_type(query), matches ? "yes" : "no");
    size_t before = out->len;
    if (query_is_aggregate(query)) {
        struct query_groups *groups = query_groups_create(query);
        FUZZ_CHECK(query_groups_add(groups, &row_ops, &row, &error) == IOTHUB_OK);
        FUZZ_CHECK(query_groups_add(groups, &row_ops, &row, &error) == IOTHUB_OK);
        FUZZ_CHECK(query_groups_count(groups) == 1);
        query_groups_put(groups, 0, out);
        query_groups_destroy(groups);
        check_is_object(slice_from(buf_slice(out), before));
    } else if (!query_is_star(query)) {
        query_project(query, &row_ops, &row, out);
        check_is_object(slice_from(buf_slice(out), before));
    }
    buf_finish(&error);
}

/* What is pinned to some ids matches no other. */
static void check_pins(struct query *query, struct slice document)
{
    static const struct slice names[] = {
        {"deviceId", 8}
    };
    struct row row = {document, query};
    struct query_pins pins = {0};
    struct slice raw = {0};
    if (!query_pins(query, QUERY_ROOT_DEVICE_ID, &pins)) {
        return;
    }
    bool is_pinned = false;
    bool has_id = json_scan_path(document, names, 1, &raw);
    for (size_t i = 0; i < pins.n_values; i++) {
        is_pinned = is_pinned || (has_id && json_scan_string_is(raw, pins.values[i]));
        FUZZ_CHECK(i == 0 || slice_compare(pins.values[i - 1], pins.values[i]) < 0);
    }
    FUZZ_CHECK(is_pinned || !query_matches(query, &row_ops, &row));
    query_pins_finish(&pins);
}

static void check_query(struct query *query, struct slice document)
{
    struct buf text = fuzz_buf();
    struct buf answer = fuzz_buf();
    query_print(query, &text);
    put_answer(query, document, &answer);
    check_pins(query, document);
    if (query_count_chars(buf_slice(&text)) <= LIMIT_QUERY_CHARS) {
        struct buf text_again = fuzz_buf();
        struct buf answer_again = fuzz_buf();
        struct query *again = compile(buf_slice(&text), false);
        FUZZ_CHECK(again != NULL);
        query_print(again, &text_again);
        fuzz_check_same(buf_slice(&text_again), buf_slice(&text));
        put_answer(again, document, &answer_again);
        fuzz_check_same(buf_slice(&answer_again), buf_slice(&answer));
        query_destroy(again);
        buf_finish(&text_again);
        buf_finish(&answer_again);
    }
    buf_finish(&text);
    buf_finish(&answer);
}

/* A condition and its negation are not both true. */
static void check_negation(struct slice condition, struct query *query, struct slice document)
{
    struct buf text = fuzz_buf();
    buf_put_text(&text, "NOT (");
    buf_put_slice(&text, condition);
    buf_put_text(&text, ")");
    struct query *negated = compile(buf_slice(&text), true);
    buf_finish(&text);
    if (negated == NULL) {
        return; /* "*", or nested too deep by now */
    }
    struct row row = {document, query};
    struct row negated_row = {document, negated};
    FUZZ_CHECK(!query_matches(query, &row_ops, &row) ||
               !query_matches(negated, &row_ops, &negated_row));
    query_destroy(negated);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_input(data, size);
    struct slice text = fuzz_take_part(&rest);
    json_t *tree = json_parse(rest, NULL);
    struct slice document = json_is_object(tree) ? rest : SLICE("{\"deviceId\":\"d\"}");
    document = fuzz_copy(slice_trim(document));
    json_decref(tree);
    struct query *query = compile(text, false);
    if (query != NULL) {
        check_query(query, document);
    }
    query_destroy(query);
    query = compile(text, true);
    if (query != NULL) {
        check_query(query, document);
        check_negation(text, query, document);
    }
    query_destroy(query);
    fuzz_free(document);
    return 0;
}
