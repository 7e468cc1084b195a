/*
 * Queries that take several turns: the same answer as in one, whatever happens in between.
 *
 * The rows that a turn may look at are set here, so that few twins take many turns.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hub/service.h"

#define N_DEVICES 1100 /* more than one query looks at while others wait */
#define N_QUERIES 60
#define BEGUN_MAX 16

struct asked {
    struct hub_query_run *run;
    struct buf body;
    struct buf next;
    enum iothub_status status;
    bool is_done;
};

static void on_done(void *ctx, enum iothub_status status, const struct hub_page *page)
{
    struct asked *asked = ctx;
    assert_false(asked->is_done);
    asked->is_done = true;
    asked->status = status;
    buf_put_slice(&asked->next, buf_slice(page->continuation));
}

/* It has looked at nothing yet. */
static void begin(struct fixture *f, struct asked *asked, const char *text, int64_t size,
                  struct slice from)
{
    const struct hub_query_request request = {
        .text = slice_of(text),
        .page = {size, from},
        .body = &asked->body,
        .done = on_done,
        .ctx = asked
    };
    *asked = (struct asked){.body = {.cap = BUF_CAP_OWN}, .next = {.cap = BUF_CAP_OWN}};
    f->hub->query_rows_left = 0;
    assert_int_equal(hub_query(f->hub, &request, &asked->run), IOTHUB_OK);
    assert_non_null(asked->run);
    assert_false(asked->is_done);
}

static void finish(struct asked *asked)
{
    buf_finish(&asked->body);
    buf_finish(&asked->next);
}

static void look_at(struct fixture *f, int64_t n_rows)
{
    f->hub->query_rows_left = n_rows;
    hub_queries_tick(f->hub);
}

/* All pages, one behind the other. */
static void answer(struct fixture *f, const char *text, int64_t size, int64_t n_rows,
                   struct buf *out)
{
    struct buf from = {.cap = BUF_CAP_OWN};
    bool has_more = true;
    while (has_more) {
        struct asked asked;
        begin(f, &asked, text, size, buf_slice(&from));
        for (int i = 0; !asked.is_done; i++) {
            assert_true(i < 10000);
            look_at(f, n_rows);
        }
        assert_int_equal(asked.status, IOTHUB_OK);
        buf_put_slice(out, buf_slice(&asked.body));
        buf_reset(&from);
        buf_put_slice(&from, buf_slice(&asked.next));
        has_more = from.len != 0;
        finish(&asked);
    }
    buf_finish(&from);
}

static void many_turns_answer_as_one_does(void **state)
{
    static const char *const queries[] = {
        "SELECT * FROM devices",
        "SELECT * FROM devices WHERE tags.x = 'v'",
        "SELECT * FROM devices WHERE deviceId IN ['d0003', 'd0011', 'd0001']",
        "SELECT deviceId, tags.y FROM devices WHERE NOT tags.x = 'v'",
        "SELECT TOP 5 * FROM devices WHERE NOT NOT tags.y = 1",
        "SELECT COUNT() AS n FROM devices",
        "SELECT COUNT() AS n FROM devices WHERE tags.x = 'v'",
        "SELECT tags.x, COUNT() AS n, SUM(tags.y) AS s FROM devices GROUP BY tags.x",
        "SELECT COUNT() AS n FROM devices WHERE tags.x = 'nobody'",
        "SELECT * FROM devices.modules WHERE tags.x = 'v'",
    };
    struct fixture *f = *state;
    make_many(f, "d", 12);
    for (int i = 0; i < 12; i++) {
        char id[16];
        char patch[64];
        (void)snprintf(id, sizeof(id), "d%04d", i);
        (void)snprintf(patch, sizeof(patch), "{'tags':{'x':'%c','y':%d}}", "vwu"[i % 3], i % 2);
        patch_twin(f, id, patch);
        if (i % 4 == 0) {
            char module[24];
            (void)snprintf(module, sizeof(module), "%s/m", id);
            make(f, module);
            patch_twin(f, module, patch);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        for (int64_t size = 1; size <= 100; size *= 10) {
            struct buf want = {.cap = BUF_CAP_OWN};
            answer(f, queries[i], size, 1000, &want);
            for (int64_t n_rows = 1; n_rows <= 7; n_rows += 2) {
                struct buf have = {.cap = BUF_CAP_OWN};
                answer(f, queries[i], size, n_rows, &have);
                assert_string_equal(buf_text(&have), buf_text(&want));
                buf_finish(&have);
            }
            buf_finish(&want);
        }
    }
}

static int count_begun(const struct asked *asked, int n)
{
    int n_begun = 0;
    for (int i = 0; i < n; i++) {
        n_begun += !asked[i].is_done && asked[i].body.len > 1 ? 1 : 0;
    }
    return n_begun;
}

/* What a query has gathered stays while others have their share: not all of them may begin. */
static void only_some_of_many_queries_are_begun_at_once(void **state)
{
    static struct asked asked[N_QUERIES];
    struct fixture *f = *state;
    int most = 0;
    make_many(f, "d", N_DEVICES);
    for (int i = 0; i < N_QUERIES; i++) {
        begin(f, &asked[i], "SELECT deviceId FROM devices WHERE NOT deviceId > 'd0000'", 0,
              SLICE(""));
    }
    hub_query_cancel(f->hub, asked[40].run);
    for (int i = 0; f->hub->queries != NULL; i++) {
        assert_true(i < 10 * N_QUERIES);
        look_at(f, 1); /* one of them, for it has its share in any case */
        int n_begun = count_begun(asked, N_QUERIES);
        most = n_begun > most ? n_begun : most;
    }
    assert_int_equal(most, BEGUN_MAX);
    for (int i = 0; i < N_QUERIES; i++) {
        assert_int_equal(asked[i].is_done, i != 40);
        if (i != 40) {
            assert_string_equal(buf_text(&asked[i].body), "[{\"deviceId\":\"d0000\"}]");
        }
        finish(&asked[i]);
    }
}

/* It gets its share when it comes; one that needs more begins once more later. */
static void quick_query_does_not_wait_for_many_long_ones(void **state)
{
    static struct asked asked[BEGUN_MAX];
    struct fixture *f = *state;
    struct asked quick = {.body = {.cap = BUF_CAP_OWN}, .next = {.cap = BUF_CAP_OWN}};
    struct hub_query_request request = {.body = &quick.body, .done = on_done, .ctx = &quick};
    make_many(f, "d", N_DEVICES);
    for (int i = 0; i < BEGUN_MAX; i++) {
        begin(f, &asked[i], "SELECT COUNT() AS n FROM devices", 0, SLICE(""));
    }
    f->hub->query_rows_left = 1;
    request.text = SLICE("SELECT deviceId FROM devices WHERE deviceId = 'd0007'");
    assert_int_equal(hub_query(f->hub, &request, &quick.run), IOTHUB_OK);
    assert_true(quick.is_done);
    assert_string_equal(buf_text(&quick.body), "[{\"deviceId\":\"d0007\"}]");
    finish(&quick);
    for (int i = 0; i < 2; i++) {
        struct asked slow = {.body = {.cap = BUF_CAP_OWN}, .next = {.cap = BUF_CAP_OWN}};
        request.text = i == 0
                           ? SLICE("SELECT TOP 1 deviceId FROM devices WHERE NOT status = 'x' "
                                   "AND NOT deviceId < 'd1099'")
                           : SLICE("SELECT COUNT() AS n FROM devices");
        request.body = &slow.body;
        request.ctx = &slow;
        f->hub->query_rows_left = 1;
        assert_int_equal(hub_query(f->hub, &request, &slow.run), IOTHUB_OK);
        assert_string_equal(buf_text(&slow.body), "[");
        while (f->hub->queries != NULL) {
            look_at(f, 1);
        }
        assert_string_equal(buf_text(&slow.body),
                            i == 0 ? "[{\"deviceId\":\"d1099\"}]" : "[{\"n\":1100}]");
        finish(&slow);
        for (int k = 0; k < BEGUN_MAX; k++) {
            assert_string_equal(buf_text(&asked[k].body), "[{\"n\":1100}]");
            finish(&asked[k]);
            if (i == 0) {
                begin(f, &asked[k], "SELECT COUNT() AS n FROM devices", 0, SLICE(""));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(many_turns_answer_as_one_does),
        HUB_TEST(only_some_of_many_queries_are_begun_at_once),
        HUB_TEST(quick_query_does_not_wait_for_many_long_ones),
    };
    return cmocka_run_group_tests_name("hub.query_turns", tests, NULL, NULL);
}
