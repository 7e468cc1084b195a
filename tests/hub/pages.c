/*
 * Asking for pages of queries.
 */
#include "hub/pages.h"

#include <stdlib.h>

#include "base/mem.h"
#include "hub/service.h"
#include "iothub/json.h"

char *query_body(const char *query)
{
    json_t *body = json_pack("{s:s}", "query", query);
    char *text = json_text(body);
    json_decref(body);
    return text;
}

void page_end(struct page *page)
{
    json_decref(page->items);
    free(page->next);
    free(page->type);
}

struct page ask_page(struct fixture *f, const char *query, const char *max_items,
                     const char *continuation)
{
    char *body = query_body(query);
    struct reply reply = ask(f, &(struct ask){.method = "POST",
                                              .path = "/devices/query",
                                              .body = body,
                                              .max_items = max_items,
                                              .continuation = continuation});
    if (reply.status != 200) {
        print_error("%s: %s\n", query, reply.text);
    }
    assert_int_equal(reply.status, 200);
    assert_true(json_is_array(reply.json));
    assert_non_null(reply_header(&reply, "x-ms-item-type"));
    struct page page = {
        .items = json_incref(reply.json),
        .next = mem_dup_text(reply_header(&reply, "x-ms-continuation")),
        .type = mem_dup_text(reply_header(&reply, "x-ms-item-type")),
    };
    assert_true(page.next == NULL || page.next[0] != '\0');
    reply_end(&reply);
    free(body);
    return page;
}

void put_ids(struct buf *out, const json_t *items)
{
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(items, i, item)
    {
        buf_putf(out, "%s ", text_below(item, "deviceId"));
    }
}

void expect_pages(struct fixture *f, const char *query, const char *max_items, const char *want)
{
    struct buf have = {.cap = BUF_CAP_OWN};
    char *next = NULL;
    do {
        struct page page = ask_page(f, query, max_items, next);
        buf_put_text(&have, next == NULL ? "" : "| ");
        put_ids(&have, page.items);
        free(next);
        next = mem_dup_text(page.next);
        page_end(&page);
    } while (next != NULL);
    assert_string_equal(buf_text(&have), want);
    buf_finish(&have);
}
