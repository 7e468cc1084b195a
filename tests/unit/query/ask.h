/*
 * What the query tests share: compiling texts and asking JSON documents.
 */
#ifndef TESTS_UNIT_QUERY_ASK_H
#define TESTS_UNIT_QUERY_ASK_H

#include <jansson.h>
#include <stdbool.h>

#include "query/query.h"

/* The compiled query; the test fails when the text is refused. */
struct query *ask_compile(const char *text);

/* The sentence a text is refused with, for the caller to free; the test fails when it is none.
 */
char *ask_error(const char *text);

/* Fails unless the text is refused at `line`:`column`. */
void ask_refused_at(const char *text, int line, int column);

/* Whether a condition over devices is true for one document, a JSON text. */
bool ask_matches(const char *condition, const char *document);

/* The answer to a query over an array of documents, as the hub gives it; TOP is applied. */
json_t *ask_answer(struct query *query, const json_t *documents);

/* The answer to a text, as a JSON text for the caller to free. */
char *ask_answer_text(const char *query, const char *documents);

#endif
