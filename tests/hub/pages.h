/*
 * Pages of queries, as the service asks for them.
 */
#ifndef TESTS_HUB_PAGES_H
#define TESTS_HUB_PAGES_H

#include "base/buf.h"
#include "hub/fixture.h"

/* The body of a request, for the caller to free. */
char *query_body(const char *query);

struct page {
    json_t *items;
    char *next; /* NULL on the last page */
    char *type;
};

void page_end(struct page *page);

/* The page behind the token; NULL is the first.  It must be there. */
struct page ask_page(struct fixture *f, const char *query, const char *max_items,
                     const char *continuation);

/* Add "id id " of a page to what was seen. */
void put_ids(struct buf *out, const json_t *items);

/* All pages: their ids, with "| " between pages. */
void expect_pages(struct fixture *f, const char *query, const char *max_items,
                  const char *want);

#endif
