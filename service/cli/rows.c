/*
 * Reading pages to their end.
 */
#include "service/cli/rows.h"

#include <stdlib.h>

#include "iothub/json.h"
#include "service/cli/columns.h"

/* Columns fit the rows, so a table is shown once its rows are known; so many at most. */
#define TABLE_ROWS_MAX 10000

static enum iothub_status read_page(struct iothub_service_query *query, json_t **out)
{
    char *text = NULL;
    enum iothub_status status = iothub_service_query_next(query, &text);
    if (status == IOTHUB_OK) {
        *out = json_parse(slice_of(text), NULL);
        free(text);
    }
    return status;
}

enum iothub_status rows_read(const struct app *app, const char *text, json_t **out)
{
    struct iothub_service_query *query = NULL;
    json_t *rows = json_array();
    enum iothub_status status = iothub_service_query_create(app->service, text, 0, &query);
    while (status == IOTHUB_OK && iothub_service_query_has_more(query)) {
        json_t *page = NULL;
        status = read_page(query, &page);
        if (status == IOTHUB_OK) {
            (void)json_array_extend(rows, page);
            json_decref(page);
        }
    }
    iothub_service_query_destroy(query);
    if (status == IOTHUB_OK) {
        *out = rows;
    } else {
        json_decref(rows);
    }
    return status;
}

static void show_as_table(const char *item_type, const json_t *page, bool is_first)
{
    struct buf text;
    struct columns columns;
    if (json_array_size(page) == 0 && !is_first) {
        return;
    }
    buf_init(&text, BUF_CAP_OWN);
    columns_for_rows(&columns, item_type, page);
    if (!is_first) {
        buf_put_char(&text, '\n');
    }
    cli_put_table(&text, columns.items, columns.n_items, page);
    app_print(&text);
    buf_finish(&text);
}

static void show_as_json(const json_t *page, int64_t n_shown)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    for (size_t i = 0; i < json_array_size(page); i++) {
        buf_put_text(&text, n_shown + (int64_t)i == 0 ? "\n" : ",\n");
        json_put(&text, json_array_get(page, i));
    }
    app_print(&text);
    buf_finish(&text);
}

/* Drop what is over the limit. */
static void cut(json_t *page, int64_t n_wanted)
{
    while ((int64_t)json_array_size(page) > n_wanted) {
        (void)json_array_remove(page, json_array_size(page) - 1);
    }
}

/* The page's rows go below those that wait; many of them are a table of their own. */
static void gather(const char *item_type, json_t *waiting, json_t *page, bool *is_first)
{
    (void)json_array_extend(waiting, page);
    if (json_array_size(waiting) >= TABLE_ROWS_MAX) {
        show_as_table(item_type, waiting, *is_first);
        (void)json_array_clear(waiting);
        *is_first = false;
    }
}

int rows_show(const struct app *app, struct iothub_service_query *query, int64_t max_rows)
{
    bool is_json = app->values->output == CLI_OUTPUT_JSON;
    int64_t limit = max_rows == 0 ? INT64_MAX : max_rows;
    int64_t n_shown = 0;
    bool is_first = true;
    json_t *waiting = json_array();
    enum iothub_status status = IOTHUB_OK;
    if (is_json) {
        fputs("[", stdout);
    }
    while (iothub_service_query_has_more(query) && n_shown < limit) {
        json_t *page = NULL;
        status = read_page(query, &page);
        if (status != IOTHUB_OK) {
            break;
        }
        cut(page, limit - n_shown);
        if (is_json) {
            show_as_json(page, n_shown);
        } else {
            gather(iothub_service_query_item_type(query), waiting, page, &is_first);
        }
        n_shown += (int64_t)json_array_size(page);
        json_decref(page);
    }
    if (!is_json && (status == IOTHUB_OK || n_shown > 0)) {
        show_as_table(iothub_service_query_item_type(query), waiting, is_first);
    }
    json_decref(waiting);
    if (is_json) {
        /* Ended also after a failure, which stderr and the exit code tell. */
        fputs(n_shown == 0 ? "]\n" : "\n]\n", stdout);
    }
    iothub_service_query_destroy(query);
    return status == IOTHUB_OK ? CLI_DONE : app_fail(app, status);
}
