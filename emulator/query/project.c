/*
 * A row's items as a JSON object.
 */
#include "query/eval.h"

#include "iothub/json.h"

/* Of items under one name the last that has a value counts. */
static bool is_hidden(const struct query_item *item)
{
    for (item = item->repeat; item != NULL; item = item->repeat) {
        if (item->value.type != QUERY_UNDEFINED) {
            return true;
        }
    }
    return false;
}

void query_items_put(const struct query *query, struct buf *out)
{
    bool is_first = true;
    buf_put_char(out, '{');
    for (const struct query_item *item = query->items; item != NULL; item = item->next) {
        if (item->value.type == QUERY_UNDEFINED || is_hidden(item)) {
            continue;
        }
        if (!is_first) {
            buf_put_char(out, ',');
        }
        is_first = false;
        json_put_string(out, item->key);
        buf_put_char(out, ':');
        query_value_put(out, &item->value);
    }
    buf_put_char(out, '}');
}

void query_project(struct query *query, const struct query_row_ops *ops, void *row,
                   struct buf *out)
{
    struct query_row asked = {.ops = ops, .row = row};
    for (struct query_item *item = query->items; item != NULL; item = item->next) {
        item->value = query_row_value(&asked, item->attribute);
    }
    query_items_put(query, out);
}
