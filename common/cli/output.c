/*
 * Results for people (tables, cards) and for programs (JSON).
 */
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "iothub/json.h"

#define GAP         2
#define INDENT_STEP 2

/* One cell's text, ready to be shown. */
struct cell {
    char *text;
    size_t width;
    bool is_absent;
    bool is_number;
};

struct table {
    const struct cli_column *columns;
    size_t n_columns;
    struct cell *cells; /* row after row, the titles first */
    size_t n_rows;
};

/*
 * The value at a path of members parted by dots; the row itself for the empty path.  A query
 * may name its columns as it likes: a member with the whole path as its name goes first.
 */
static const json_t *find_value(const json_t *row, const char *path)
{
    struct slice rest = slice_of(path);
    struct slice name;
    const json_t *value = json_object_get(row, path);
    if (value != NULL) {
        return json_is_null(value) ? NULL : value;
    }
    value = row;
    while (value != NULL && slice_next(&rest, '.', &name)) {
        char *key = slice_dup(name);
        value = json_object_get(value, key);
        free(key);
    }
    return json_is_null(value) ? NULL : value;
}

static void put_value(struct buf *out, const json_t *value)
{
    if (value == NULL) {
        buf_put_char(out, '-');
        return;
    }
    if (json_is_string(value)) {
        text_put_clean(out, json_string_slice(value));
        return;
    }
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    json_put(&text, value);
    text_put_clean(out, buf_slice(&text));
    buf_finish(&text);
}

static struct cell cell_take(struct buf *text)
{
    struct cell cell = {.width = text_width(buf_slice(text))};
    cell.text = buf_take_text(text);
    return cell;
}

static struct cell cell_of_value(const json_t *value)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    put_value(&text, value);
    struct cell cell = cell_take(&text);
    cell.is_absent = value == NULL;
    cell.is_number = json_is_number(value);
    return cell;
}

/* A title may be the name of a member, and as foreign as a value. */
static struct cell cell_of_title(const char *title)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    text_put_clean(&text, slice_of(title));
    for (size_t i = 0; i < text.len; i++) {
        bool is_small = text.data[i] >= 'a' && text.data[i] <= 'z';
        text.data[i] = (char)(is_small ? text.data[i] - 'a' + 'A' : text.data[i]);
    }
    return cell_take(&text);
}

static struct cell *cell_at(const struct table *t, size_t row, size_t column)
{
    return &t->cells[row * t->n_columns + column];
}

static void table_init(struct table *t, const struct cli_column *columns, size_t n_columns,
                       const json_t *rows)
{
    *t = (struct table){
        .columns = columns,
        .n_columns = n_columns,
        .n_rows = json_array_size(rows) + 1,
    };
    t->cells = mem_array(t->n_rows * n_columns + 1, sizeof(*t->cells));
    for (size_t i = 0; i < n_columns; i++) {
        *cell_at(t, 0, i) = cell_of_title(columns[i].title);
    }
    for (size_t row = 1; row < t->n_rows; row++) {
        for (size_t i = 0; i < n_columns; i++) {
            const json_t *value = find_value(json_array_get(rows, row - 1), columns[i].path);
            *cell_at(t, row, i) = cell_of_value(value);
        }
    }
}

static void table_finish(struct table *t)
{
    for (size_t i = 0; i < t->n_rows * t->n_columns; i++) {
        free(t->cells[i].text);
    }
    free(t->cells);
}

static size_t column_width(const struct table *t, size_t column)
{
    size_t width = 0;
    for (size_t row = 0; row < t->n_rows; row++) {
        size_t needed = cell_at(t, row, column)->width;
        width = needed > width ? needed : width;
    }
    return width;
}

/* All present values are numbers, and there is one. */
static bool column_is_numeric(const struct table *t, size_t column)
{
    size_t n_numbers = 0;
    for (size_t row = 1; row < t->n_rows; row++) {
        const struct cell *cell = cell_at(t, row, column);
        if (!cell->is_absent && !cell->is_number) {
            return false;
        }
        n_numbers += cell->is_number ? 1 : 0;
    }
    return n_numbers > 0;
}

/* Nothing but the line feed follows the last text of a line. */
static void end_line(struct buf *out)
{
    while (out->len > 0 && out->data[out->len - 1] == ' ') {
        buf_cut(out, out->len - 1);
    }
    buf_put_char(out, '\n');
}

static void put_cell(struct buf *out, const struct cell *cell, size_t width, bool is_right)
{
    size_t blanks = width - cell->width;
    text_put_blanks(out, is_right ? blanks : 0);
    buf_put_text(out, cell->text);
    text_put_blanks(out, (is_right ? 0 : blanks) + GAP);
}

void cli_put_table(struct buf *out, const struct cli_column *columns, size_t n_columns,
                   const json_t *rows)
{
    struct table t;
    table_init(&t, columns, n_columns, rows);
    size_t *widths = mem_array(n_columns + 1, sizeof(*widths));
    bool *are_right = mem_array(n_columns + 1, sizeof(*are_right));
    for (size_t i = 0; i < n_columns; i++) {
        widths[i] = column_width(&t, i);
        are_right[i] = column_is_numeric(&t, i);
    }
    for (size_t row = 0; row < t.n_rows; row++) {
        for (size_t i = 0; i < n_columns; i++) {
            put_cell(out, cell_at(&t, row, i), widths[i], are_right[i]);
        }
        end_line(out);
    }
    free(are_right);
    free(widths);
    table_finish(&t);
}

void cli_put_card(struct buf *out, const struct cli_column *columns, size_t n_columns,
                  const json_t *row)
{
    size_t width = 0;
    for (size_t i = 0; i < n_columns; i++) {
        size_t needed = text_width(slice_of(columns[i].title));
        width = needed > width ? needed : width;
    }
    for (size_t i = 0; i < n_columns; i++) {
        struct slice title = slice_of(columns[i].title);
        text_put_clean(out, title);
        text_put_blanks(out, width - text_width(title) + GAP);
        put_value(out, find_value(row, columns[i].path));
        end_line(out);
    }
}

static void put_indented(struct buf *out, const json_t *value, size_t depth);

static void put_line_start(struct buf *out, bool is_first, size_t depth)
{
    buf_put_text(out, is_first ? "\n" : ",\n");
    text_put_blanks(out, depth * INDENT_STEP);
}

static void put_members(struct buf *out, const json_t *object, size_t depth)
{
    const char *key;
    json_t *member;
    bool is_first = true;
    /* jansson's iterators take no const tree, but change nothing in it. */
    json_t *iterated = (json_t *)(uintptr_t)object;
    json_object_foreach(iterated, key, member)
    {
        put_line_start(out, is_first, depth + 1);
        json_put_string(out, slice_of(key));
        buf_put_text(out, ": ");
        put_indented(out, member, depth + 1);
        is_first = false;
    }
}

/* Not json_dumps(): it writes 0.1 as 0.10000000000000001. */
static void put_indented(struct buf *out, const json_t *value, size_t depth)
{
    bool is_object = json_is_object(value) && json_object_size(value) > 0;
    bool is_array = json_is_array(value) && json_array_size(value) > 0;
    if (!is_object && !is_array) {
        json_put(out, value);
        return;
    }
    buf_put_char(out, is_object ? '{' : '[');
    if (is_object) {
        put_members(out, value, depth);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        put_line_start(out, i == 0, depth + 1);
        put_indented(out, json_array_get(value, i), depth + 1);
    }
    buf_put_char(out, '\n');
    text_put_blanks(out, depth * INDENT_STEP);
    buf_put_char(out, is_object ? '}' : ']');
}

void cli_put_json(struct buf *out, const json_t *value)
{
    put_indented(out, value, 0);
    buf_put_char(out, '\n');
}
