/*
 * Compiling and asking, for the query tests.
 */
#include "ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "iothub/json.h"

struct query *ask_compile(const char *text)
{
    struct query *query = NULL;
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    if (query_compile(slice_of(text), &query, &error) != IOTHUB_OK) {
        print_error("%s\n%s\n", text, buf_text(&error));
        fail();
    }
    assert_int_equal(error.len, 0);
    buf_finish(&error);
    return query;
}

char *ask_error(const char *text)
{
    struct query *query = NULL;
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    if (query_compile(slice_of(text), &query, &error) == IOTHUB_OK) {
        print_error("accepted: %s\n", text);
        fail();
    }
    assert_null(query);
    return buf_take_text(&error);
}

void ask_refused_at(const char *text, int line, int column)
{
    char expected[100];
    snprintf(expected, sizeof(expected),
             "SQL query parse failed due to following errors: \n\tLine %d:%d ", line, column);
    char *error = ask_error(text);
    if (strncmp(error, expected, strlen(expected)) != 0) {
        print_error("%s\nrefused with: %s\nexpected at: %d:%d\n", text, error, line, column);
        fail();
    }
    free(error);
}

bool ask_matches(const char *condition, const char *document)
{
    struct buf text;
    struct slice row = slice_of(document);
    buf_init(&text, BUF_CAP_OWN);
    buf_putf(&text, "SELECT * FROM devices WHERE %s", condition);
    struct query *query = ask_compile(buf_text(&text));
    bool matches = query_matches(query, &query_json_row, &row);
    query_destroy(query);
    buf_finish(&text);
    return matches;
}

static json_t *parse(struct slice text)
{
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    json_t *value = json_parse(text, &error);
    if (value == NULL) {
        print_error("%s: %.*s\n", buf_text(&error), SLICE_ARG(text));
        fail();
    }
    buf_finish(&error);
    return value;
}

static bool is_full(const struct query *query, const json_t *answer)
{
    uint64_t top = 0;
    return query_top(query, &top) && json_array_size(answer) == top;
}

/* A projected row, or the whole document. */
static void answer_row(struct query *query, struct slice *row, json_t *answer)
{
    struct buf out;
    if (query_is_star(query)) {
        json_array_append_new(answer, parse(*row));
        return;
    }
    buf_init(&out, BUF_CAP_OWN);
    query_project(query, &query_json_row, row, &out);
    json_array_append_new(answer, parse(buf_slice(&out)));
    buf_finish(&out);
}

static void answer_groups(struct query *query, struct query_groups *groups, json_t *answer)
{
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    for (size_t i = 0; i < query_groups_count(groups) && !is_full(query, answer); i++) {
        buf_reset(&out);
        query_groups_put(groups, i, &out);
        json_array_append_new(answer, parse(buf_slice(&out)));
    }
    buf_finish(&out);
}

json_t *ask_answer(struct query *query, const json_t *documents)
{
    json_t *answer = json_array();
    struct query_groups *groups = query_is_aggregate(query) ? query_groups_create(query) : NULL;
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    for (size_t i = 0; i < json_array_size(documents) && !is_full(query, answer); i++) {
        char *text = json_dumps(json_array_get(documents, i), JSON_COMPACT);
        struct slice row = slice_of(text);
        if (!query_matches(query, &query_json_row, &row)) {
            /* not in the answer */
        } else if (groups != NULL) {
            assert_int_equal(query_groups_add(groups, &query_json_row, &row, &error),
                             IOTHUB_OK);
        } else {
            answer_row(query, &row, answer);
        }
        free(text);
    }
    if (groups != NULL) {
        answer_groups(query, groups, answer);
    }
    query_groups_destroy(groups);
    buf_finish(&error);
    return answer;
}

char *ask_answer_text(const char *query, const char *documents)
{
    json_t *tree = parse(slice_of(documents));
    struct query *compiled = ask_compile(query);
    json_t *answer = ask_answer(compiled, tree);
    char *text = json_text(answer);
    json_decref(answer);
    json_decref(tree);
    query_destroy(compiled);
    return text;
}
