/*
 * A place in a JSON document, and the line where it stands in the text.
 *
 * jansson's trees do not remember lines, so a mistake is first found in the tree and then
 * looked up in the text: the path that was walked down leads to the line.
 */
#ifndef SERVER_JSON_PATH_H
#define SERVER_JSON_PATH_H

#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

/*
 * One step below `up`; a NULL path is the document itself.  Steps live on the stack of those
 * who walk the tree, and borrow the names.
 */
struct json_path {
    const struct json_path *up;
    const char *member; /* NULL: an array's element */
    size_t index;
};

/* "devices[3].properties.desired"; a name that would be unclear so is quoted: tags["a.b"]. */
void json_path_put(struct buf *out, const struct json_path *path);

/**
 * The line, from 1, where the path's member is named or its element begins.  Where the path
 * leads to nothing, the line of the last step that exists: a missing member is missing there.
 * @param text  JSON that json_parse() takes; of repeated names the last counts.
 */
size_t json_path_line(struct slice text, const struct json_path *path);

#endif
