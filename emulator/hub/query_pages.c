/*
 * Queries page by page.
 * Source: IoT Hub REST, "Query - Get Twins"; IoT Hub documentation, query language.
 */
#include <errno.h>
#include <inttypes.h>

#include "hub/continuation.h"
#include "hub/core.h"
#include "hub/job_view.h"
#include "hub/search.h"
#include "hub/twin_row.h"
#include "hub/twin_view.h"
#include "query/query.h"

/* One page while it is filled. */
struct page_run {
    struct hub *hub;
    struct query *query;
    struct hub_page *page;
    struct continuation from; /* moved on with each item */
    int64_t size;             /* items of this page at most */
    int64_t n_items;
    bool has_more;
};

/* How many items TOP still allows. */
static int64_t items_left(const struct page_run *run)
{
    uint64_t top = 0;
    if (!query_top(run->query, &top)) {
        return INT64_MAX;
    }
    int64_t limit = top > INT64_MAX ? INT64_MAX : (int64_t)top;
    return limit > run->from.n_given ? limit - run->from.n_given : 0;
}

static void begin_item(struct page_run *run, int64_t seq)
{
    buf_put_text(run->page->body, run->n_items == 0 ? "" : ",");
    run->n_items++;
    run->from.after = seq;
    run->from.n_given++;
}

static enum iothub_status put_twins(struct page_run *run)
{
    struct search search;
    struct store_identity identity;
    struct store_twin twin;
    int64_t budget = INT64_MAX;
    int found = search_init(run->hub, &search, run->query, run->from.after);
    while (found == 0 && items_left(run) > 0) {
        found = search_next(run->hub, &search, &budget, &identity, &twin);
        if (found != 0 || run->n_items == run->size) {
            run->has_more = found == 0;
            break;
        }
        begin_item(run, identity.seq);
        if (query_is_star(run->query)) {
            twin_view_service(run->hub, &identity, &twin, run->page->body);
        } else {
            struct twin_row row = {run->hub, &identity, &twin};
            query_project(run->query, &twin_row_ops, &row, run->page->body);
        }
    }
    search_finish(run->hub, &search);
    return found < 0 ? hub_store_failed(run->hub) : IOTHUB_OK;
}

static int read_job_row(struct store *store, int64_t job_seq, int64_t after_seq,
                        struct store_job_row *row)
{
    return job_seq == 0 ? store_job_row_scan(store, after_seq, row)
                        : store_job_row_scan_job(store, job_seq, after_seq, row);
}

/* The next row of the job, or of any for 0, that matches; its document stays in *document. */
static int next_job_row(struct page_run *run, int64_t job_seq, int64_t *seq,
                        struct buf *document)
{
    struct store_job_row row;
    int found = 0;
    while ((found = read_job_row(run->hub->store, job_seq, *seq, &row)) == 0) {
        *seq = row.seq;
        buf_reset(document);
        job_row_write(&row, document);
        struct slice text = buf_slice(document);
        if (query_matches(run->query, &query_json_row, &text)) {
            return 0;
        }
    }
    return found;
}

/* The job that the condition pins, so that other jobs' rows need not be read; 0 for all jobs.
 */
static int64_t pinned_job(struct page_run *run)
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

static enum iothub_status put_job_rows(struct page_run *run)
{
    struct buf document = {.cap = BUF_CAP_OWN};
    int64_t seq = run->from.after;
    int64_t job_seq = pinned_job(run);
    int found = 0;
    while (found == 0 && items_left(run) > 0) {
        found = next_job_row(run, job_seq, &seq, &document);
        if (found != 0 || run->n_items == run->size) {
            run->has_more = found == 0;
            break;
        }
        begin_item(run, seq);
        struct slice text = buf_slice(&document);
        if (query_is_star(run->query)) {
            buf_put_slice(run->page->body, text);
        } else {
            query_project(run->query, &query_json_row, &text, run->page->body);
        }
    }
    buf_finish(&document);
    return found < 0 ? hub_store_failed(run->hub) : IOTHUB_OK;
}

static enum iothub_status count_twins(struct page_run *run, struct query_groups *groups)
{
    struct search search;
    struct store_identity identity;
    struct store_twin twin;
    enum iothub_status status = IOTHUB_OK;
    int64_t budget = INT64_MAX;
    int found = search_init(run->hub, &search, run->query, 0);
    while (found == 0 && status == IOTHUB_OK) {
        found = search_next(run->hub, &search, &budget, &identity, &twin);
        if (found == 0) {
            struct twin_row row = {run->hub, &identity, &twin};
            buf_reset(&run->hub->error);
            status = query_groups_add(groups, &twin_row_ops, &row, &run->hub->error);
        }
    }
    search_finish(run->hub, &search);
    return found < 0 ? hub_store_failed(run->hub) : status;
}

/* Groups are counted anew for each page: their number is small, and nothing is kept between. */
static enum iothub_status put_groups(struct page_run *run)
{
    struct query_groups *groups = query_groups_create(run->query);
    enum iothub_status status = count_twins(run, groups);
    int64_t n_groups = (int64_t)query_groups_count(groups);
    while (status == IOTHUB_OK && run->from.after < n_groups && items_left(run) > 0) {
        if (run->n_items == run->size) {
            run->has_more = true;
            break;
        }
        size_t index = (size_t)run->from.after;
        begin_item(run, run->from.after + 1);
        query_groups_put(groups, index, run->page->body);
    }
    query_groups_destroy(groups);
    return status;
}

static enum iothub_status put_items(struct page_run *run)
{
    if (query_collection(run->query) == QUERY_JOBS) {
        return put_job_rows(run);
    }
    return query_is_aggregate(run->query) ? put_groups(run) : put_twins(run);
}

static enum iothub_status run_page(struct page_run *run, struct slice text)
{
    buf_put_char(run->page->body, '[');
    enum iothub_status status = put_items(run);
    buf_put_char(run->page->body, ']');
    run->page->item_type = query_item_type(run->query);
    if (status == IOTHUB_OK && run->has_more) {
        continuation_write(run->page->continuation, &run->from, text);
    }
    return status;
}

enum iothub_status hub_query(struct hub *hub, struct slice text,
                             const struct hub_page_request *request, struct hub_page *out)
{
    struct page_run run = {.hub = hub, .page = out};
    buf_reset(&hub->error);
    enum iothub_status status = query_compile(text, &run.query, &hub->error);
    if (status != IOTHUB_OK) {
        return status;
    }
    status = search_page_size(hub, request->max_items, &run.size);
    if (status == IOTHUB_OK) {
        status = continuation_read(hub, request->continuation, text, &run.from);
    }
    if (status == IOTHUB_OK) {
        status = run_page(&run, text);
    }
    query_destroy(run.query);
    return status;
}
