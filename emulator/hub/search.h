/*
 * Queries over what the store holds: pages, targets of jobs.
 */
#ifndef HUB_SEARCH_H
#define HUB_SEARCH_H

#include "hub/core.h"
#include "query/query.h"

/* Where a search goes on: behind the seq of the last identity that was looked at. */
struct search {
    struct query *query; /* borrowed; over devices or modules */
    struct store_scan scan;
    /* The condition needs a part of a row only: what matches is loaded once more, whole. */
    bool must_load;
    /*
     * When the condition has pins that indexes know few rows for, only these can match and
     * nothing is scanned.  They are taken in portions, by seq.
     */
    bool is_pinned;
    struct query_pin_list pins;
    int64_t *targets;
    size_t n_targets;
    size_t next_target;
    bool has_more_targets;
};

/* Begin behind `after_seq`; 0 for the start.  A negative errno when the store is broken. */
MUST_CHECK int search_init(struct hub *hub, struct search *search, struct query *query,
                           int64_t after_seq);
void search_finish(struct hub *hub, struct search *search);

/**
 * The next identity and twin that match, in order of creation; whole, or of a query that
 * projects or aggregates at least what it looks at.
 * @param budget  how many rows may be looked at; it is counted down.
 * @return 0; STORE_NO_ROW at the end; a negative errno; -EAGAIN when the budget ran out first.
 */
MUST_CHECK int search_next(struct hub *hub, struct search *search, int64_t *budget,
                           struct store_identity *identity, struct store_twin *twin);

/* A page's size as asked for, or the hub's; IOTHUB_ARGUMENT_INVALID for one below 1. */
MUST_CHECK enum iothub_status search_page_size(struct hub *hub, int64_t asked, int64_t *out);

#endif
