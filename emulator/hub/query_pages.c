/*
 * Queries page by page, and a page bit by bit: so that one who asks much does not keep others
 * waiting, all queries together look at so many rows in a turn, and go on in the next.
 * Source: IoT Hub REST, "Query - Get Twins"; IoT Hub documentation, query language.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/mem.h"
#include "hub/continuation.h"
#include "hub/core.h"
#include "hub/job_view.h"
#include "hub/search.h"
#include "hub/twin_row.h"
#include "hub/twin_view.h"
#include "query/query.h"

enum {
    /* Rows that all queries look at in a turn: some ten milliseconds. */
    ROWS_IN_TURN = 8192,
    /* What one may take of them while others wait. */
    ROWS_AT_ONCE = 1024,
    /* Queries that have begun: what they have gathered stays in memory until they end. */
    BEGUN_MAX = 16,
};

/* One page while it is filled. */
struct hub_query_run {
    struct hub *hub;
    char *text;
    struct query *query;
    struct query_groups *groups; /* of an aggregate, while they are counted */
    struct hub_page page;
    struct buf continuation;
    struct continuation begin; /* where the page begins */
    struct continuation from;  /* moved on with each item */
    int64_t looked_after;      /* the last row that was looked at */
    int64_t size;              /* items of this page at most */
    int64_t n_items;
    bool has_more;
    hub_query_done *done;
    void *ctx;
    struct hub_query_run *prev; /* in hub->queries, while it waits for the next turn */
    struct hub_query_run *next;
};

/* How many items TOP still allows. */
static int64_t items_left(const struct hub_query_run *run)
{
    uint64_t top = 0;
    if (!query_top(run->query, &top)) {
        return INT64_MAX;
    }
    int64_t limit = top > INT64_MAX ? INT64_MAX : (int64_t)top;
    return limit > run->from.n_given ? limit - run->from.n_given : 0;
}

static void begin_item(struct hub_query_run *run, int64_t seq)
{
    buf_put_text(run->page.body, run->n_items == 0 ? "" : ",");
    run->n_items++;
    run->from.after = seq;
    run->from.n_given++;
}

/* What the store has said, as a status; the budget may have run out, which is none. */
static enum iothub_status end_part(struct hub_query_run *run, int found)
{
    return found < 0 && found != -EAGAIN ? hub_store_failed(run->hub) : IOTHUB_OK;
}

static enum iothub_status put_twins(struct hub_query_run *run, int64_t *budget, bool *is_over)
{
    struct search search;
    struct store_identity identity;
    struct store_twin twin;
    int found = search_init(run->hub, &search, run->query, run->looked_after);
    while (found == 0 && items_left(run) > 0) {
        found = search_next(run->hub, &search, budget, &identity, &twin);
        if (found != 0 || run->n_items == run->size) {
            run->has_more = found == 0;
            break;
        }
        --*budget;
        begin_item(run, identity.seq);
        if (query_is_star(run->query)) {
            twin_view_service(run->hub, &identity, &twin, run->page.body);
        } else {
            struct twin_row row = {run->hub, &identity, &twin};
            query_project(run->query, &twin_row_ops, &row, run->page.body);
        }
    }
    run->looked_after = search.scan.after_seq;
    search_finish(run->hub, &search);
    *is_over = found != -EAGAIN;
    return end_part(run, found);
}

static int read_job_row(struct store *store, int64_t job_seq, int64_t after_seq,
                        struct store_job_row *row)
{
    return job_seq == 0 ? store_job_row_scan(store, after_seq, row)
                        : store_job_row_scan_job(store, job_seq, after_seq, row);
}

/* The next row of the job, or of any for 0, that matches; its document stays in *document. */
static int next_job_row(struct hub_query_run *run, int64_t job_seq, int64_t *budget,
                        struct buf *document)
{
    struct store_job_row row;
    for (; *budget > 0; --*budget) {
        int found = read_job_row(run->hub->store, job_seq, run->looked_after, &row);
        if (found != 0) {
            return found;
        }
        run->looked_after = row.seq;
        buf_reset(document);
        job_row_write(&row, document);
        struct slice text = buf_slice(document);
        if (query_matches(run->query, &query_json_row, &text)) {
            return 0;
        }
    }
    return -EAGAIN;
}

/* The job that the condition pins, so that other jobs' rows need not be read; 0 for all jobs.
 */
static int64_t pinned_job(struct hub_query_run *run)
{
    struct query_pins pins = {0};
    struct store_job job = {0};
    int64_t seq = 0;
    if (query_pins(run->query, QUERY_ROOT_JOB_ID, &pins) && pins.n_values == 1 &&
        store_job_get(run->hub->store, pins.values[0], &job) == 0) {
        seq = job.seq;
    }
    store_job_finish(&job);
    query_pins_finish(&pins);
    return seq;
}

static enum iothub_status put_job_rows(struct hub_query_run *run, int64_t *budget,
                                       bool *is_over)
{
    struct buf document = {.cap = BUF_CAP_OWN};
    int64_t job_seq = pinned_job(run);
    int found = 0;
    while (found == 0 && items_left(run) > 0) {
        found = next_job_row(run, job_seq, budget, &document);
        if (found != 0 || run->n_items == run->size) {
            run->has_more = found == 0;
            break;
        }
        --*budget;
        begin_item(run, run->looked_after);
        struct slice text = buf_slice(&document);
        if (query_is_star(run->query)) {
            buf_put_slice(run->page.body, text);
        } else {
            query_project(run->query, &query_json_row, &text, run->page.body);
        }
    }
    buf_finish(&document);
    *is_over = found != -EAGAIN;
    return end_part(run, found);
}

static enum iothub_status count_twins(struct hub_query_run *run, int64_t *budget, bool *is_over)
{
    struct search search;
    struct store_identity identity;
    struct store_twin twin;
    enum iothub_status status = IOTHUB_OK;
    int found = search_init(run->hub, &search, run->query, run->looked_after);
    while (found == 0 && status == IOTHUB_OK) {
        found = search_next(run->hub, &search, budget, &identity, &twin);
        if (found == 0) {
            struct twin_row row = {run->hub, &identity, &twin};
            --*budget;
            buf_reset(&run->hub->error);
            status = query_groups_add(run->groups, &twin_row_ops, &row, &run->hub->error);
        }
    }
    run->looked_after = search.scan.after_seq;
    search_finish(run->hub, &search);
    *is_over = found != -EAGAIN;
    return status != IOTHUB_OK ? status : end_part(run, found);
}

/* Groups are counted anew for each page: their number is small, and nothing is kept between. */
static enum iothub_status put_groups(struct hub_query_run *run, int64_t *budget, bool *is_over)
{
    if (run->groups == NULL) {
        run->groups = query_groups_create(run->query);
        run->looked_after = 0;
    }
    enum iothub_status status = count_twins(run, budget, is_over);
    int64_t n_groups = (int64_t)query_groups_count(run->groups);
    while (*is_over && status == IOTHUB_OK && run->from.after < n_groups &&
           items_left(run) > 0) {
        if (run->n_items == run->size) {
            run->has_more = true;
            break;
        }
        size_t index = (size_t)run->from.after;
        begin_item(run, run->from.after + 1);
        query_groups_put(run->groups, index, run->page.body);
    }
    return status;
}

/* Go on with the page; *is_over stays false when the budget ran out before its end. */
static enum iothub_status put_items(struct hub_query_run *run, int64_t *budget, bool *is_over)
{
    if (query_collection(run->query) == QUERY_JOBS) {
        return put_job_rows(run, budget, is_over);
    }
    return query_is_aggregate(run->query) ? put_groups(run, budget, is_over)
                                          : put_twins(run, budget, is_over);
}

/* ---- life ---- */

static void destroy(struct hub_query_run *run)
{
    query_groups_destroy(run->groups);
    query_destroy(run->query);
    buf_finish(&run->continuation);
    free(run->text);
    free(run);
}

static void end(struct hub_query_run *run, enum iothub_status status)
{
    buf_put_char(run->page.body, ']');
    run->page.item_type = query_item_type(run->query);
    if (status == IOTHUB_OK && run->has_more) {
        continuation_write(&run->continuation, &run->from, slice_of(run->text));
    }
    run->done(run->ctx, status, &run->page);
    destroy(run);
}

/* Whether it has come to its end. */
static bool go_on(struct hub_query_run *run, int64_t most)
{
    struct hub *hub = run->hub;
    int64_t budget = most;
    bool is_over = false;
    buf_reset(&hub->error);
    enum iothub_status status = put_items(run, &budget, &is_over);
    hub->query_rows_left -= most - budget;
    if (is_over || status != IOTHUB_OK) {
        end(run, status);
        return true;
    }
    return false;
}

/* The last of those that may have begun; NULL when there is room for one more. */
static struct hub_query_run *last_begun(const struct hub *hub)
{
    struct hub_query_run *run = hub->queries;
    for (int i = 1; i < BEGUN_MAX && run != NULL; i++) {
        run = run->next;
    }
    return run;
}

/* Behind all others that have begun, which stand in front of those that have not. */
static void put_back(struct hub *hub, struct hub_query_run *run)
{
    struct hub_query_run *first_waiting = last_begun(hub);
    if (first_waiting == NULL) {
        DL_APPEND(hub->queries, run);
    } else {
        DL_PREPEND_ELEM(hub->queries, first_waiting, run);
    }
}

/* Each has its share in the order in which they came. */
void hub_queries_tick(struct hub *hub)
{
    while (hub->queries != NULL && hub->query_rows_left > 0) {
        struct hub_query_run *run = hub->queries;
        DL_DELETE(hub->queries, run);
        if (!go_on(run, run->next == NULL ? hub->query_rows_left : ROWS_AT_ONCE)) {
            put_back(hub, run);
        }
    }
}

void hub_queries_turn(struct hub *hub)
{
    hub->query_rows_left = ROWS_IN_TURN;
}

void hub_queries_finish(struct hub *hub)
{
    while (hub->queries != NULL) {
        hub_query_cancel(hub, hub->queries);
    }
}

void hub_query_cancel(struct hub *hub, struct hub_query_run *run)
{
    DL_DELETE(hub->queries, run);
    destroy(run);
}

static void start(struct hub_query_run *run)
{
    buf_put_char(run->page.body, '[');
    run->from = run->begin;
    run->looked_after = run->begin.after;
    run->n_items = 0;
}

/* Give back what it has gathered, and begin once more when its time has come. */
static void start_over(struct hub_query_run *run)
{
    size_t cap = run->page.body->cap;
    query_groups_destroy(run->groups);
    run->groups = NULL;
    buf_finish(run->page.body);
    buf_init(run->page.body, cap);
    start(run);
}

static enum iothub_status prepare(struct hub_query_run *run,
                                  const struct hub_page_request *request)
{
    struct slice text = slice_of(run->text);
    buf_reset(&run->hub->error);
    enum iothub_status status = query_compile(text, &run->query, &run->hub->error);
    if (status == IOTHUB_OK) {
        status = search_page_size(run->hub, request->max_items, &run->size);
    }
    if (status == IOTHUB_OK) {
        status = continuation_read(run->hub, request->continuation, text, &run->begin);
    }
    return status;
}

enum iothub_status hub_query(struct hub *hub, const struct hub_query_request *request,
                             struct hub_query_run **out)
{
    struct hub_query_run *run = mem_alloc(sizeof(*run));
    run->hub = hub;
    run->text = slice_dup(request->text);
    run->page.body = request->body;
    run->page.continuation = &run->continuation;
    run->continuation.cap = BUF_CAP_OWN;
    run->done = request->done;
    run->ctx = request->ctx;
    enum iothub_status status = prepare(run, &request->page);
    if (status != IOTHUB_OK) {
        destroy(run);
        return status;
    }
    start(run);
    int64_t left = hub->query_rows_left;
    int64_t most = left < ROWS_AT_ONCE || hub->queries != NULL ? ROWS_AT_ONCE : left;
    if (left <= 0 || !go_on(run, most)) {
        /* A quick one need not wait for those that take long. */
        if (last_begun(hub) != NULL) {
            start_over(run);
        }
        DL_APPEND(hub->queries, run);
        *out = run;
    }
    return IOTHUB_OK;
}
