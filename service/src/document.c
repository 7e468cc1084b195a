/*
 * Numbers, member order and date-like strings must reach the hub as the user wrote them, so a
 * member is spliced into the text and no tree is written out again.
 */
#include "service/src/document.h"

#include <jansson.h>

#include "iothub/json.h"

/* 1: the member is there with that value; 0: it is missing; -1: it has another value. */
static int find(struct slice object, const char *name, const char *value)
{
    json_t *tree = json_parse(object, NULL);
    const json_t *member = json_object_get(tree, name);
    int found = 0;
    if (member != NULL) {
        found = slice_equal_text(json_string_slice(member), value) ? 1 : -1;
    }
    json_decref(tree);
    return found;
}

bool document_put_with(struct buf *out, const char *object, const char *name, const char *value)
{
    struct slice text = slice_trim(slice_of(object));
    int found = find(text, name, value);
    if (found != 0) {
        if (found > 0) {
            buf_put_slice(out, text);
        }
        return found > 0;
    }
    struct slice rest = slice_trim(slice_from(text, 1));
    buf_put_char(out, '{');
    json_put_string(out, slice_of(name));
    buf_put_char(out, ':');
    json_put_string(out, slice_of(value));
    if (!slice_equal_text(rest, "}")) {
        buf_put_char(out, ',');
    }
    buf_put_slice(out, rest);
    return true;
}
