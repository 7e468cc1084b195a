/*
 * Paths as text, and their lines.
 */
#include "server/json_path.h"

#include <stdbool.h>

#include "iothub/json.h"
#include "iothub/json_scan.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '$';
}

static bool is_plain_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_plain(name.data[i])) {
            return false;
        }
    }
    return name.len > 0;
}

void json_path_put(struct buf *out, const struct json_path *path)
{
    if (path == NULL) {
        return;
    }
    json_path_put(out, path->up);
    struct slice name = slice_of(path->member);
    if (path->member == NULL) {
        buf_putf(out, "[%zu]", path->index);
    } else if (is_plain_name(name)) {
        buf_putf(out, "%s%s", path->up == NULL ? "" : ".", path->member);
    } else {
        buf_put_char(out, '[');
        json_put_string(out, name);
        buf_put_char(out, ']');
    }
}

/* An element's raw text, and where it is named or begins. */
struct found {
    struct slice raw;
    const char *at;
};

static bool is_named(struct slice raw_name, const char *name)
{
    struct buf scratch;
    buf_init(&scratch, raw_name.len);
    bool is_same = slice_equal_text(json_scan_string(raw_name, &scratch), name);
    buf_finish(&scratch);
    return is_same;
}

static bool find_member(struct slice object, const char *name, struct found *out)
{
    struct json_scan scan;
    struct slice raw_name = {0};
    struct slice raw;
    bool is_found = false;
    if (json_scan_type(object) != JSON_SCAN_OBJECT || !json_scan_open(&scan, object)) {
        return false;
    }
    while (json_scan_next(&scan, &raw_name, &raw)) {
        if (is_named(raw_name, name)) {
            *out = (struct found){raw, raw_name.data};
            is_found = true;
        }
    }
    return is_found;
}

static bool find_element(struct slice array, size_t index, struct found *out)
{
    struct json_scan scan;
    struct slice raw;
    if (json_scan_type(array) != JSON_SCAN_ARRAY || !json_scan_open(&scan, array)) {
        return false;
    }
    for (size_t i = 0; json_scan_next(&scan, NULL, &raw); i++) {
        if (i == index) {
            *out = (struct found){raw, raw.data};
            return true;
        }
    }
    return false;
}

/* `out` ends as the last step that was found. */
static bool find(struct slice text, const struct json_path *path, struct found *out)
{
    if (path == NULL) {
        struct slice raw;
        if (!json_scan_value(&text, &raw)) {
            return false;
        }
        *out = (struct found){raw, raw.data};
        return true;
    }
    if (!find(text, path->up, out)) {
        return false;
    }
    return path->member != NULL ? find_member(out->raw, path->member, out)
                                : find_element(out->raw, path->index, out);
}

static size_t line_of(struct slice text, const char *at)
{
    size_t line = 1;
    for (const char *c = text.data; c < at; c++) {
        line += *c == '\n';
    }
    return line;
}

size_t json_path_line(struct slice text, const struct json_path *path)
{
    struct found found = {.at = text.data};
    /* Whether it was found to the end does not matter: the last step found tells the line. */
    (void)!find(text, path, &found);
    return line_of(text, found.at);
}
