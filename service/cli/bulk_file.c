/*
 * Reading import files.
 */
#include "service/cli/bulk_file.h"

#include <jansson.h>

#include "iothub/json.h"

static const struct slice mode_name = {"importMode", 10};

static bool is_array(struct slice text)
{
    text = slice_trim(text);
    return text.len != 0 && text.data[0] == '[';
}

/*
 * The next line that holds an object, or should.  A first line that begins with anything else
 * is the note that a hub's own export begins with when it leaves keys out.
 */
static bool next_line(struct slice *rest, size_t *number, struct slice *out)
{
    while (slice_next(rest, '\n', out)) {
        ++*number;
        *out = slice_trim(*out);
        bool is_note = *number == 1 && out->len != 0 && out->data[0] != '{';
        if (out->len != 0 && !is_note) {
            return true;
        }
    }
    return false;
}

static bool check_array(struct slice text, struct buf *error, size_t *n_items)
{
    json_t *items = json_parse(text, error);
    bool is_good = items != NULL;
    for (size_t i = 0; is_good && i < json_array_size(items); i++) {
        is_good = json_is_object(json_array_get(items, i));
        if (!is_good) {
            buf_putf(error, "item %zu is no object", i + 1);
        }
    }
    *n_items = json_array_size(items);
    json_decref(items);
    return is_good;
}

static bool check_line(struct slice line, size_t number, struct buf *error)
{
    struct buf why;
    buf_init(&why, error->cap);
    json_t *item = json_parse(line, &why);
    bool is_good = json_is_object(item);
    if (!is_good) {
        buf_putf(error, "line %zu is no JSON object%s%s", number, why.len == 0 ? "" : ": ",
                 buf_text(&why));
    }
    json_decref(item);
    buf_finish(&why);
    return is_good;
}

bool bulk_file_check(struct slice text, struct buf *error, size_t *n_items)
{
    size_t number = 0;
    size_t n = 0;
    struct slice line = {0};
    if (is_array(text)) {
        return check_array(text, error, n_items);
    }
    bool is_empty = slice_trim(text).len == 0;
    while (next_line(&text, &number, &line)) {
        if (!check_line(line, number, error)) {
            return false;
        }
        n++;
    }
    if (n == 0 && !is_empty) {
        buf_put_text(error, "there is no JSON object in it");
        return false;
    }
    *n_items = n;
    return true;
}

void bulk_file_open(struct bulk_file *file, struct slice text)
{
    *file = (struct bulk_file){.is_array = is_array(text), .rest = text};
    if (file->is_array && !json_scan_open(&file->scan, slice_trim(text))) {
        file->is_array = false;
        file->rest = (struct slice){0};
    }
}

bool bulk_file_next(struct bulk_file *file, struct slice *out)
{
    if (file->is_array) {
        return json_scan_next(&file->scan, NULL, out);
    }
    struct slice line = {0};
    while (slice_next(&file->rest, '\n', &line)) {
        line = slice_trim(line);
        if (line.len != 0 && line.data[0] == '{') {
            *out = line;
            return true;
        }
    }
    return false;
}

/* A name as it stands in the text; an escape in it makes no other name of it. */
static bool is_mode_name(struct slice raw)
{
    struct buf scratch;
    buf_init(&scratch, BUF_CAP_OWN);
    bool is_mode = slice_equal_nocase(json_scan_string(raw, &scratch), mode_name);
    buf_finish(&scratch);
    return is_mode;
}

void bulk_file_put_item(struct buf *out, struct slice item, const char *mode)
{
    struct json_scan scan;
    struct slice name = {0};
    struct slice value = {0};
    struct slice own = {0};
    struct buf rest;
    buf_init(&rest, BUF_CAP_OWN);
    bool is_open = json_scan_open(&scan, item);
    while (is_open && json_scan_next(&scan, &name, &value)) {
        if (is_mode_name(name)) {
            own = value;
            continue;
        }
        buf_put_char(&rest, ',');
        buf_put_slice(&rest, name);
        buf_put_char(&rest, ':');
        buf_put_slice(&rest, value);
    }
    buf_put_char(out, '{');
    json_put_string(out, mode_name);
    buf_put_char(out, ':');
    if (mode == NULL && own.len != 0) {
        buf_put_slice(out, own);
    } else {
        json_put_string(out, slice_of(mode == NULL ? "createOrUpdate" : mode));
    }
    buf_put_slice(out, buf_slice(&rest));
    buf_put_char(out, '}');
    buf_finish(&rest);
}
