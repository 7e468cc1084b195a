/*
 * Queries that indexes answer: the same rows in the same order as a scan gives.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/pages.h"
#include "hub/search.h"
#include "hub/service.h"

static void make_letters(struct fixture *f, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        make(f, (char[]){*letters, '\0'});
    }
}

/* What an index answers, and what a scan does: a double negation pins nothing. */
static void expect_as_by_scan(struct fixture *f, const char *condition)
{
    struct buf pinned = {.cap = BUF_CAP_OWN};
    struct buf scanned = {.cap = BUF_CAP_OWN};
    struct buf ids = {.cap = BUF_CAP_OWN};
    buf_putf(&pinned, "SELECT * FROM devices WHERE %s", condition);
    buf_putf(&scanned, "SELECT * FROM devices WHERE NOT NOT (%s)", condition);
    struct page page = ask_page(f, buf_text(&scanned), NULL, NULL);
    assert_null(page.next);
    put_ids(&ids, page.items);
    expect_pages(f, buf_text(&pinned), NULL, buf_text(&ids));
    page_end(&page);
    buf_finish(&pinned);
    buf_finish(&scanned);
    buf_finish(&ids);
}

static void indexed_tags_answer_as_a_scan_does(void **state)
{
    static const char *const conditions[] = {
        "tags.x = 1",
        "tags.x = '1'",
        "tags.x = true",
        "tags.x = null",
        "tags.x = 1.0 AND tags.y = 'q'",
        "tags.y = 'q' AND tags.x = '1'",
        "tags.x IN [1, '1', 'none']",
        "tags.x = 1 OR tags.y = 'r' OR deviceId = 'c'",
        "tags.x = 1 OR NOT IS_DEFINED(tags.y)",
        "tags.o.p = 'deep' AND status = 'enabled'",
        "tags.o = 'deep'",
        "tags.X = 1",
        "tags.x = 1 AND deviceId = 'a'",
        "deviceId = 'a' OR tags.y = 'q'",
        "tags.y = 'Q'",
    };
    struct fixture *f = *state;
    make_letters(f, "abcdefgh");
    make(f, "a/m");
    patch_twin(f, "a/m", "{'tags':{'x':1,'y':'q'}}");
    patch_twin(f, "a", "{'tags':{'x':1,'y':'q'}}");
    patch_twin(f, "b", "{'tags':{'x':'1','y':'q'}}");
    patch_twin(f, "c", "{'tags':{'x':true,'o':{'p':'deep'}}}");
    patch_twin(f, "d", "{'tags':{'x':{'x':1}}}");
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
            expect_as_by_scan(f, conditions[i]);
        }
        /* Values come, go and come again, devices too. */
        patch_twin(f, "a", round == 1 ? "{'tags':{'x':1}}" : "{'tags':{'x':2,'y':'r'}}");
        patch_twin(f, "e", "{'tags':{'x':1.0,'o':{'p':'deep'}}}");
        patch_twin(f, "b", "{'tags':null}");
        rest_done(f, 204, "DELETE", "/devices/h", NULL);
        make(f, "h");
        patch_twin(f, "h", "{'tags':{'y':'q'}}");
    }
}

/* Each operand needs an index of its own, and they do not all have room at once. */
static void one_condition_may_ask_for_more_tags_than_have_indexes(void **state)
{
    struct fixture *f = *state;
    struct buf any = {.cap = BUF_CAP_OWN};
    struct buf all = {.cap = BUF_CAP_OWN};
    make_letters(f, "abcd");
    patch_twin(f, "a", "{'tags':{'t0':1,'t19':2}}");
    patch_twin(f, "b", "{'tags':{'t10':1}}");
    patch_twin(f, "d", "{'tags':{'t19':1}}");
    for (int i = 0; i < 20; i++) {
        buf_putf(&any, "%stags.t%d = 1", i == 0 ? "" : " OR ", i);
        buf_putf(&all, "tags.t%d IN [1, 2] AND ", i == 0 ? 0 : 19);
    }
    for (int round = 0; round < 2; round++) {
        expect_as_by_scan(f, buf_text(&any));
        buf_putf(&all, "(%s)", buf_text(&any));
        expect_as_by_scan(f, buf_text(&all));
        buf_cut(&all, slice_find(buf_slice(&all), '('));
        patch_twin(f, "c", "{'tags':{'t1':1}}");
    }
    buf_finish(&any);
    buf_finish(&all);
}

static void indexed_tags_come_in_pages(void **state)
{
    struct fixture *f = *state;
    make_letters(f, "ebdacf");
    for (const char *c = "ebda"; *c != '\0'; c++) {
        patch_twin(f, (char[]){*c, '\0'}, "{'tags':{'x':'v'}}");
    }
    expect_pages(f, "SELECT * FROM devices WHERE tags.x = 'v'", "2", "e b | d a ");
    expect_pages(f, "SELECT deviceId FROM devices WHERE tags.x IN ['v', 'w']", "3",
                 "e b d | a ");
    struct page page = ask_page(f, "SELECT * FROM devices WHERE tags.x = 'v'", "1", NULL);
    patch_twin(f, "b", "{'tags':{'x':'w'}}");
    patch_twin(f, "c", "{'tags':{'x':'v'}}");
    struct page rest = ask_page(f, "SELECT * FROM devices WHERE tags.x = 'v'", NULL, page.next);
    struct buf ids = {.cap = BUF_CAP_OWN};
    put_ids(&ids, rest.items);
    assert_string_equal(buf_text(&ids), "d a c ");
    buf_finish(&ids);
    page_end(&page);
    page_end(&rest);
}

/* How many devices a search with that budget finds on from *after, and how it ends. */
static int search_with(struct fixture *f, int64_t budget, int64_t *after, int64_t *out_n)
{
    struct buf error = {.cap = BUF_CAP_OWN};
    struct query *query = NULL;
    struct search search;
    struct store_identity identity;
    struct store_twin twin;
    int found =
        query_compile(SLICE("SELECT * FROM devices WHERE tags.x = 'v'"), &query, &error);
    assert_int_equal(found, IOTHUB_OK);
    assert_int_equal(search_init(f->hub, &search, query, *after), 0);
    while ((found = search_next(f->hub, &search, &budget, &identity, &twin)) == 0) {
        ++*out_n;
        budget--;
    }
    *after = search.scan.after_seq;
    search_finish(f->hub, &search);
    query_destroy(query);
    buf_finish(&error);
    return found;
}

/* Rows that were looked up for nothing take time as well. */
static void rows_that_are_no_devices_count_as_looked_at(void **state)
{
    struct fixture *f = *state;
    int64_t after = 0;
    int64_t n = 0;
    int n_parts = 1;
    make(f, "a");
    for (const char *c = "123456"; *c != '\0'; c++) {
        char id[] = {'a', '/', *c, '\0'};
        make(f, id);
        patch_twin(f, id, "{'tags':{'x':'v'}}");
    }
    make(f, "b");
    patch_twin(f, "b", "{'tags':{'x':'v'}}");
    while (search_with(f, 2, &after, &n) == -EAGAIN) {
        n_parts++;
    }
    assert_int_equal(n, 1);
    assert_in_range(n_parts, 4, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(indexed_tags_answer_as_a_scan_does),
        HUB_TEST(one_condition_may_ask_for_more_tags_than_have_indexes),
        HUB_TEST(indexed_tags_come_in_pages),
        HUB_TEST(rows_that_are_no_devices_count_as_looked_at),
    };
    return cmocka_run_group_tests_name("hub.query_index", tests, NULL, NULL);
}
