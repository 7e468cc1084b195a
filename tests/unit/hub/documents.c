/*
 * Reading and comparing documents.
 */
#include "unit/hub/documents.h"

#include <stdlib.h>

#include "base/mem.h"
#include "iothub/json.h"

static char *with_quotes(const char *text)
{
    char *copy = mem_dup_text(text);
    for (char *c = copy; *c != '\0'; c++) {
        if (*c == '\'') {
            *c = '"';
        }
    }
    return copy;
}

json_t *document(const char *text)
{
    char *json = with_quotes(text);
    json_t *value = json_parse(slice_of(json), NULL);
    if (value == NULL) {
        print_error("no JSON: %s\n", json);
    }
    assert_non_null(value);
    free(json);
    return value;
}

void assert_document(const json_t *value, const char *want)
{
    char *expected = with_quotes(want);
    char *have = json_text(value);
    assert_string_equal(have, expected);
    free(expected);
    free(have);
}
