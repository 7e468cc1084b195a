/*
 * Queries over HTTP: pages and their tokens, and that a query sees what GET shows.
 * Source: IoT Hub REST, "Query - Get Twins"; IoT Hub documentation, query language; the SDKs'
 * query clients.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/pages.h"
#include "hub/service.h"
#include "hub/twin_set.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "query/query.h"
#include "unit/query/ask.h"

static void query_fails(struct fixture *f, enum iothub_status status, const struct ask *how,
                        const char *query)
{
    char *body = query_body(query);
    struct ask asked = *how;
    asked.method = "POST";
    asked.path = "/devices/query";
    asked.body = body;
    ask_fails(f, status, &asked);
    free(body);
}

/* ---- the vectors ------------------------------------------------------------------------ */

static const char *member(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text == NULL ? "" : text;
}

static bool answers_like_documents(struct fixture *f, const char *text,
                                   const json_t *const documents[2])
{
    struct query *query = ask_compile(text);
    bool is_same = true;
    if (query_collection(query) != QUERY_JOBS) {
        json_t *want =
            ask_answer(query, documents[query_collection(query) == QUERY_MODULES ? 1 : 0]);
        struct page page = ask_page(f, text, NULL, NULL);
        is_same = json_equal(page.items, want) && page.next == NULL &&
                  strcmp(page.type, query_item_type(query)) == 0;
        if (!is_same) {
            char *have_text = json_text(page.items);
            char *want_text = json_text(want);
            print_error("%s\n  have %.1500s\n  want %.1500s\n", text, have_text, want_text);
            free(have_text);
            free(want_text);
        }
        page_end(&page);
        json_decref(want);
    }
    query_destroy(query);
    return is_same;
}

static void query_sees_what_get_shows(void **state)
{
    struct fixture *f = *state;
    size_t i = 0;
    size_t n_bad = 0;
    json_t *row = NULL;
    json_t *set = twin_set_load();
    twin_set_fill(f, set);
    json_t *documents[2] = {twin_set_documents(f, set, false),
                            twin_set_documents(f, set, true)};
    const json_t *const views[2] = {documents[0], documents[1]};
    json_array_foreach(json_object_get(set, "queries"), i, row)
    {
        n_bad += answers_like_documents(f, member(row, "query"), views) ? 0 : 1;
    }
    assert_true(i > 0);
    assert_int_equal(n_bad, 0);
    json_decref(documents[0]);
    json_decref(documents[1]);
    json_decref(set);
}

static void check_pages(struct fixture *f, const json_t *row)
{
    char max_items[20] = "";
    const json_t *count = json_object_get(row, "maxItemCount");
    const json_t *pages = json_object_get(row, "pages");
    char *next = NULL;
    (void)snprintf(max_items, sizeof(max_items), "%lld", json_integer_value(count));
    for (size_t i = 0; i < json_array_size(pages); i++) {
        struct page page =
            ask_page(f, member(row, "query"), json_is_null(count) ? NULL : max_items, next);
        assert_int_equal(json_array_size(page.items),
                         json_integer_value(json_array_get(pages, i)));
        free(next);
        next = mem_dup_text(page.next);
        assert_int_equal(next != NULL, i + 1 < json_array_size(pages));
        page_end(&page);
    }
    free(next);
}

static void every_paging_row_has_its_pages(void **state)
{
    struct fixture *f = *state;
    size_t i = 0;
    json_t *row = NULL;
    json_t *set = twin_set_load();
    twin_set_fill(f, set);
    json_array_foreach(json_object_get(set, "paging"), i, row)
    {
        print_message("  %s by %lld\n", member(row, "query"),
                      json_integer_value(json_object_get(row, "maxItemCount")));
        check_pages(f, row);
    }
    assert_true(i > 0);
    json_decref(set);
}

static void every_bad_request_is_refused(void **state)
{
    struct fixture *f = *state;
    size_t i = 0;
    json_t *row = NULL;
    json_t *set = twin_set_load();
    json_array_foreach(json_object_get(set, "requestErrors"), i, row)
    {
        struct reply reply = ask(f, &(struct ask){.method = "POST",
                                                  .path = "/devices/query",
                                                  .body = member(row, "body")});
        const char *code = member(row, "errorCode");
        assert_int_equal(reply.status, json_integer_value(json_object_get(row, "status")));
        if (code[0] != '\0') {
            assert_string_equal(reply_header(&reply, "iothub-errorcode"), code);
        }
        reply_end(&reply);
    }
    assert_true(i > 0);
    json_decref(set);
}

/* ---- pages ------------------------------------------------------------------------------ */

static void make_letters(struct fixture *f, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        make(f, (char[]){*letters, '\0'});
    }
}

static void pages_are_in_order_of_creation(void **state)
{
    struct fixture *f = *state;
    make_letters(f, "ebdac");
    expect_pages(f, "SELECT * FROM devices", "2", "e b | d a | c ");
    expect_pages(f, "SELECT deviceId FROM devices", "5", "e b d a c ");
    expect_pages(f, "SELECT * FROM devices WHERE deviceId IN ['c','a','zz','b']", "1",
                 "b | a | c ");
    expect_pages(f, "SELECT * FROM devices WHERE deviceId = 'a' OR deviceId = 'e'", "1",
                 "e | a ");
}

static void last_page_has_no_token_even_when_it_is_full(void **state)
{
    struct fixture *f = *state;
    make_letters(f, "abcd");
    expect_pages(f, "SELECT * FROM devices", "2", "a b | c d ");
    patch_twin(f, "b", "{'tags':{'x':1}}");
    expect_pages(f, "SELECT * FROM devices WHERE tags.x = 1", "1", "b ");
}

static void item_type_is_told_without_items_too(void **state)
{
    static const struct {
        const char *query;
        const char *type;
    } rows[] = {
        {"SELECT * FROM devices",            "Twin"     },
        {"select deviceId from devices",     "Raw"      },
        {"SELECT * FROM devices.modules",    "Twin"     },
        {"SELECT * FROM devices.jobs",       "DeviceJob"},
        {"SELECT COUNT() AS n FROM devices", "Raw"      },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct page page = ask_page(f, rows[i].query, NULL, NULL);
        assert_string_equal(page.type, rows[i].type);
        assert_null(page.next);
        page_end(&page);
    }
}

static void page_has_a_hundred_items_at_most(void **state)
{
    static const char *const max_items[] = {NULL, "100", "101", "1000", "9223372036854775807"};
    struct fixture *f = *state;
    make_many(f, "d", QUERY_PAGE_ITEMS + 1);
    for (size_t i = 0; i < ARRAY_LEN(max_items); i++) {
        struct page page = ask_page(f, "SELECT * FROM devices", max_items[i], NULL);
        assert_int_equal(json_array_size(page.items), QUERY_PAGE_ITEMS);
        struct page last = ask_page(f, "SELECT * FROM devices", max_items[i], page.next);
        assert_int_equal(json_array_size(last.items), 1);
        assert_null(last.next);
        page_end(&page);
        page_end(&last);
    }
}

static void bad_page_size_is_refused(void **state)
{
    static const char *const max_items[] = {"0", "-1", "x", "", "1.5"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(max_items); i++) {
        query_fails(f, IOTHUB_ARGUMENT_INVALID, &(struct ask){.max_items = max_items[i]},
                    "SELECT * FROM devices");
    }
}

static void page_size_may_change_on_the_way(void **state)
{
    struct fixture *f = *state;
    make_letters(f, "abcd");
    struct page first = ask_page(f, "SELECT * FROM devices", "1", NULL);
    struct page second = ask_page(f, "SELECT * FROM devices", "2", first.next);
    struct buf ids = {.cap = BUF_CAP_OWN};
    put_ids(&ids, second.items);
    assert_string_equal(buf_text(&ids), "b c ");
    buf_finish(&ids);
    page_end(&first);
    page_end(&second);
}

static void what_is_created_meanwhile_comes_last(void **state)
{
    struct fixture *f = *state;
    struct buf ids = {.cap = BUF_CAP_OWN};
    make_letters(f, "mnop");
    struct page page = ask_page(f, "SELECT * FROM devices", "2", NULL);
    put_ids(&ids, page.items);
    make_letters(f, "az");
    while (page.next != NULL) {
        struct page next = ask_page(f, "SELECT * FROM devices", "2", page.next);
        put_ids(&ids, next.items);
        page_end(&page);
        page = next;
    }
    assert_string_equal(buf_text(&ids), "m n o p a z ");
    page_end(&page);
    buf_finish(&ids);
}

static void what_is_deleted_meanwhile_moves_nothing(void **state)
{
    /* The last given, one given before, the next one, and one of a later page. */
    static const struct {
        const char *deleted;
        const char *rest;
    } rows[] = {
        {"b", "c d e "},
        {"a", "c d e "},
        {"c", "d e "  },
        {"e", "c d "  },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char path[40];
        struct buf ids = {.cap = BUF_CAP_OWN};
        make_letters(f, "abcde");
        struct page first = ask_page(f, "SELECT * FROM devices", "2", NULL);
        (void)snprintf(path, sizeof(path), "/devices/%s", rows[i].deleted);
        rest_done(f, 204, "DELETE", path, NULL);
        struct page second = ask_page(f, "SELECT * FROM devices", "100", first.next);
        put_ids(&ids, second.items);
        assert_string_equal(buf_text(&ids), rows[i].rest);
        buf_finish(&ids);
        page_end(&first);
        page_end(&second);
        for (const char *c = "abcde"; *c != '\0'; c++) {
            if (*c != rows[i].deleted[0]) {
                (void)snprintf(path, sizeof(path), "/devices/%c", *c);
                rest_done(f, 204, "DELETE", path, NULL);
            }
        }
    }
}

static void query_goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    make_letters(f, "abc");
    struct page first = ask_page(f, "SELECT deviceId FROM devices", "2", NULL);
    fixture_restart(f);
    struct page second = ask_page(f, "SELECT deviceId FROM devices", "2", first.next);
    assert_json(second.items, "[{'deviceId':'c'}]");
    page_end(&first);
    page_end(&second);
}

/* ---- tokens ----------------------------------------------------------------------------- */

static void token_belongs_to_its_query(void **state)
{
    struct fixture *f = *state;
    make_letters(f, "abc");
    struct page page = ask_page(f, "SELECT * FROM devices", "1", NULL);
    query_fails(f, IOTHUB_ARGUMENT_INVALID, &(struct ask){.continuation = page.next},
                "SELECT deviceId FROM devices");
    page_end(&page);
}

static void tampered_token_is_refused(void **state)
{
    static const char *const tokens[] = {
        "x", "MTox", "MjoxOjA=", "!!!!", "LTE6MTow", "AAAA", "MToxOmFiY2RlZjAxMjM0NTY3ODkw",
    };
    struct fixture *f = *state;
    make_letters(f, "abc");
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        query_fails(f, IOTHUB_ARGUMENT_INVALID, &(struct ask){.continuation = tokens[i]},
                    "SELECT * FROM devices");
    }
    struct page page = ask_page(f, "SELECT * FROM devices", "1", NULL);
    for (size_t i = 0; page.next[i] != '\0'; i++) {
        /* Not every character changes the meaning, but none may do more than that. */
        char was = page.next[i];
        page.next[i] = was == 'Q' ? 'R' : 'Q';
        char *body = query_body("SELECT * FROM devices");
        struct reply reply = ask(f, &(struct ask){.method = "POST",
                                                  .path = "/devices/query",
                                                  .body = body,
                                                  .continuation = page.next});
        assert_true(reply.status == 200 || reply.status == 400);
        reply_end(&reply);
        free(body);
        page.next[i] = was;
    }
    page_end(&page);
}

/* ---- totals ----------------------------------------------------------------------------- */

static void top_counts_over_all_pages(void **state)
{
    struct fixture *f = *state;
    make_letters(f, "abcdef");
    expect_pages(f, "SELECT TOP 5 * FROM devices", "2", "a b | c d | e ");
    expect_pages(f, "SELECT TOP 4 * FROM devices", "2", "a b | c d ");
    expect_pages(f, "SELECT TOP 1 deviceId FROM devices", "2", "a ");
    expect_pages(f, "SELECT TOP 10 * FROM devices", "4", "a b c d | e f ");
}

static void aggregate_is_one_row(void **state)
{
    struct fixture *f = *state;
    struct page page = ask_page(f, "SELECT COUNT() AS n FROM devices", NULL, NULL);
    assert_json(page.items, "[{'n':0}]");
    page_end(&page);
    make_letters(f, "abc");
    patch_twin(f, "a", "{'tags':{'x':1}}");
    patch_twin(f, "b", "{'tags':{'x':4}}");
    page =
        ask_page(f,
                 "SELECT COUNT() AS n, SUM(tags.x) AS s, AVG(tags.x) AS a, MIN(tags.x) AS i, "
                 "MAX(tags.x) AS j FROM devices",
                 NULL, NULL);
    assert_json(json_array_get(page.items, 0), "{'n':3,'s':5,'a':2.5,'i':1,'j':4}");
    page_end(&page);
}

static void groups_come_in_pages(void **state)
{
    static const char query[] = "SELECT tags.x AS x, COUNT() AS n FROM devices GROUP BY tags.x";
    struct fixture *f = *state;
    make_letters(f, "abcde");
    patch_twin(f, "a", "{'tags':{'x':1}}");
    patch_twin(f, "b", "{'tags':{'x':'1'}}");
    patch_twin(f, "d", "{'tags':{'x':1}}");
    struct page first = ask_page(f, query, "2", NULL);
    assert_json(first.items, "[{'x':1,'n':2},{'x':'1','n':1}]");
    assert_string_equal(first.type, "Raw");
    struct page second = ask_page(f, query, "2", first.next);
    /* Those without the attribute are a group whose row lacks it. */
    assert_json(second.items, "[{'n':2}]");
    assert_null(second.next);
    page_end(&first);
    page_end(&second);
}

/* ---- what is seen ----------------------------------------------------------------------- */

static void query_sees_connections_as_they_are(void **state)
{
    static const char query[] = "SELECT * FROM devices WHERE connectionState = 'Connected'";
    struct fixture *f = *state;
    make_letters(f, "ab");
    struct device *b = device_online(f, "b");
    expect_pages(f, query, NULL, "b ");
    device_leave(b);
    expect_pages(f, query, NULL, "");
}

static void query_sees_writes_at_once(void **state)
{
    struct fixture *f = *state;
    make_letters(f, "ab");
    patch_twin(f, "b", "{'properties':{'desired':{'a':{'b':[1]}}}}");
    expect_pages(f, "SELECT * FROM devices WHERE IS_DEFINED(properties.desired.a.b)", NULL,
                 "b ");
    patch_twin(f, "b", "{'properties':{'desired':{'a':{'b':null}}}}");
    expect_pages(f, "SELECT * FROM devices WHERE IS_DEFINED(properties.desired.a.b)", NULL, "");
    report(f, "a", "{'battery':20}");
    expect_pages(f, "SELECT * FROM devices WHERE properties.reported.battery < 30", NULL, "a ");
}

static void modules_are_found_by_device_and_name(void **state)
{
    struct fixture *f = *state;
    make_letters(f, "ab");
    make(f, "a/m");
    make(f, "b/m");
    make(f, "a/n");
    expect_pages(f, "SELECT * FROM devices.modules", "2", "a b | a ");
    expect_pages(f, "SELECT * FROM devices.modules WHERE deviceId = 'a'", "1", "a | a ");
    expect_pages(f, "SELECT * FROM devices.modules WHERE moduleId = 'm'", NULL, "a b ");
    expect_pages(f, "SELECT * FROM devices.modules WHERE deviceId IN ['b'] AND moduleId='m'",
                 NULL, "b ");
    expect_pages(f, "SELECT * FROM devices", NULL, "a b ");
}

/* ---- refusals --------------------------------------------------------------------------- */

static void bad_query_is_told_with_line_and_column(void **state)
{
    struct fixture *f = *state;
    char *body = query_body("SELECT * FROM devices\nWHERE tags.a ==== 1");
    struct reply reply =
        ask(f, &(struct ask){.method = "POST", .path = "/devices/query", .body = body});
    const char *message = text_below(reply.json, "Message");
    static const char want[] =
        "ErrorCode:ArgumentInvalid;SQL query parse failed due to following errors: \n\tLine 2:";
    assert_int_equal(strncmp(message, want, strlen(want)), 0);
    expect_error(reply, IOTHUB_ARGUMENT_INVALID);
    free(body);
}

static void query_that_is_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    struct buf query = {.cap = BUF_CAP_OWN};
    buf_put_text(&query, "SELECT * FROM devices");
    while (query.len < LIMIT_QUERY_CHARS) {
        buf_put_char(&query, ' ');
    }
    struct page page = ask_page(f, buf_text(&query), NULL, NULL);
    page_end(&page);
    buf_put_char(&query, ' ');
    query_fails(f, IOTHUB_ARGUMENT_INVALID, &(struct ask){0}, buf_text(&query));
    buf_finish(&query);
}

static void query_must_be_a_text(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", "/devices/query", "{'query':5}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", "/devices/query", "{'query':['SELECT']}");
    rest_done(f, 200, "POST", "/devices/query", "{'Query':'SELECT * FROM devices'}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(query_sees_what_get_shows),
        HUB_TEST(every_paging_row_has_its_pages),
        HUB_TEST(every_bad_request_is_refused),
        HUB_TEST(pages_are_in_order_of_creation),
        HUB_TEST(last_page_has_no_token_even_when_it_is_full),
        HUB_TEST(item_type_is_told_without_items_too),
        HUB_TEST(page_has_a_hundred_items_at_most),
        HUB_TEST(bad_page_size_is_refused),
        HUB_TEST(page_size_may_change_on_the_way),
        HUB_TEST(what_is_created_meanwhile_comes_last),
        HUB_TEST(what_is_deleted_meanwhile_moves_nothing),
        DISK_TEST(query_goes_on_after_a_restart),
        HUB_TEST(token_belongs_to_its_query),
        HUB_TEST(tampered_token_is_refused),
        HUB_TEST(top_counts_over_all_pages),
        HUB_TEST(aggregate_is_one_row),
        HUB_TEST(groups_come_in_pages),
        HUB_TEST(query_sees_connections_as_they_are),
        HUB_TEST(query_sees_writes_at_once),
        HUB_TEST(modules_are_found_by_device_and_name),
        HUB_TEST(bad_query_is_told_with_line_and_column),
        HUB_TEST(query_that_is_too_long_is_refused),
        HUB_TEST(query_must_be_a_text),
    };
    return cmocka_run_group_tests_name("hub.query", tests, NULL, NULL);
}
