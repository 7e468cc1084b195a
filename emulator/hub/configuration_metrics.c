/*
 * Metrics: how many rows a query gives.
 *
 * Targeted and applied are counted from what is noted of the targets.  Everything else is a
 * query over twins, counted piece by piece in turns of its own and kept with the configuration;
 * in a small hub a reader gets it counted on the spot. Source: IoT Hub documentation,
 * "Automatic device and module management", monitoring; recorded documents in the Azure CLI's
 * samples.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/configuration.h"
#include "hub/search.h"
#include "hub/twin_row.h"
#include "iothub/json.h"

enum {
    LOOK_A_TURN = 2000, /* rows */
};

/* ---- the hub's own queries --------------------------------------------------------------- */

#define SUCCESSFUL "reportedSuccessfulCount"
#define FAILED     "reportedFailedCount"

static const char *const agent_metrics[] = {SUCCESSFUL, FAILED};

/* SELECT and FROM as the hub writes them for content of a kind. */
static const char *const selections[CONFIGURATION_N_KINDS] = {
    [CONFIGURATION_DEVICE] = "select deviceId from devices",
    [CONFIGURATION_MODULE] = "select deviceId, moduleId from devices.modules",
    [CONFIGURATION_EDGE] = "select deviceId from devices",
};

static void put_targeted(enum configuration_kind kind, struct slice condition, struct buf *out)
{
    struct slice text = slice_trim(condition);
    bool is_all = slice_equal(text, SLICE("*"));
    if (text.len == 0) {
        return;
    }
    if (configuration_condition_has_from(text)) {
        buf_put_text(out, kind == CONFIGURATION_MODULE ? "select deviceId, moduleId "
                                                       : "select deviceId ");
        buf_put_slice(out, text);
        return;
    }
    buf_put_text(out, selections[kind]);
    if (kind == CONFIGURATION_EDGE) {
        buf_put_text(out, " where capabilities.iotEdge = true");
    }
    if (!is_all) {
        buf_put_text(out, kind == CONFIGURATION_EDGE ? " and " : " where ");
        buf_put_slice(out, condition);
    }
}

static void put_applied(enum configuration_kind kind, const char *id, struct buf *out)
{
    if (kind == CONFIGURATION_EDGE) {
        buf_putf(out,
                 "select deviceId from devices.modules where moduleId = '$edgeAgent' and "
                 "configurations.[[%s]].status = 'Applied'",
                 id);
    } else {
        buf_putf(out, "%s where configurations.[[%s]].status = 'Applied'", selections[kind],
                 id);
    }
}

static void put_agent_query(const char *metric, const char *id, struct buf *out)
{
    put_applied(CONFIGURATION_EDGE, id, out);
    buf_putf(out,
             " and properties.desired.$version = properties.reported.lastDesiredVersion and "
             "properties.reported.lastDesiredStatus.code %s 200",
             strcmp(metric, SUCCESSFUL) == 0 ? "=" : "!=");
}

static void put_query(struct buf *out, const char *separator, const char *name,
                      const struct buf *query)
{
    buf_putf(out, "%s\"%s\":", separator, name);
    json_put_string(out, buf_slice(query));
}

static void put_system_queries(const struct configuration *configuration,
                               const struct store_configuration *record, struct buf *out)
{
    enum configuration_kind kind = configuration->content.kind;
    struct buf query = {.cap = BUF_CAP_OWN};
    put_targeted(kind, slice_of(record->condition), &query);
    put_query(out, "", "targetedCount", &query);
    buf_reset(&query);
    put_applied(kind, configuration->id, &query);
    put_query(out, ",", "appliedCount", &query);
    for (size_t i = 0; i < ARRAY_LEN(agent_metrics) && kind == CONFIGURATION_EDGE; i++) {
        buf_reset(&query);
        put_agent_query(agent_metrics[i], configuration->id, &query);
        put_query(out, ",", agent_metrics[i], &query);
    }
    buf_finish(&query);
}

/* ---- counting one query ------------------------------------------------------------------ */

struct count {
    struct query *query;
    struct query_groups *groups; /* of an aggregate: its rows are groups */
    int64_t after_seq;
    int64_t n;
};

static void count_finish(struct count *count)
{
    query_groups_destroy(count->groups);
    query_destroy(count->query);
    *count = (struct count){0};
}

/* false: it is no query over twins, and there is nothing to count. */
static bool count_begin(struct count *count, struct slice text)
{
    struct buf error = {.cap = BUF_CAP_OWN};
    *count = (struct count){0};
    bool is_good = query_compile(text, &count->query, &error) == IOTHUB_OK &&
                   query_collection(count->query) != QUERY_JOBS;
    buf_finish(&error);
    if (!is_good) {
        count_finish(count);
        return false;
    }
    if (query_is_aggregate(count->query)) {
        count->groups = query_groups_create(count->query);
    }
    return true;
}

static bool add_row(struct hub *hub, struct count *count, const struct store_identity *identity,
                    const struct store_twin *twin)
{
    struct twin_row row = {hub, identity, twin};
    count->n++;
    if (count->groups == NULL) {
        return true;
    }
    buf_reset(&hub->error);
    return query_groups_add(count->groups, &twin_row_ops, &row, &hub->error) == IOTHUB_OK;
}

/* 0 when all was counted, -EAGAIN when the budget ran out, another errno otherwise. */
static int count_rows(struct hub *hub, struct count *count, int64_t *budget)
{
    struct search search;
    struct store_identity identity;
    struct store_twin twin;
    int found = search_init(hub, &search, count->query, count->after_seq);
    while (found == 0) {
        found = search_next(hub, &search, budget, &identity, &twin);
        if (found == 0) {
            --*budget;
            found = add_row(hub, count, &identity, &twin) ? 0 : STORE_NO_ROW;
        }
    }
    count->after_seq = search.scan.after_seq;
    search_finish(hub, &search);
    return found == STORE_NO_ROW ? 0 : found;
}

static int64_t count_result(const struct count *count)
{
    uint64_t top = 0;
    int64_t n = count->groups == NULL ? count->n : (int64_t)query_groups_count(count->groups);
    return query_top(count->query, &top) && (uint64_t)n > top ? (int64_t)top : n;
}

/* ---- a configuration's metrics ----------------------------------------------------------- */

/* All that are queries: custom ones by name, and behind them those about $edgeAgent. */
struct metric {
    const char *name;
    struct buf query;
    bool is_system;
};

struct metrics {
    json_t *custom;
    struct metric items[LIMIT_CONFIGURATION_METRICS + ARRAY_LEN(agent_metrics)];
    size_t n_items;
};

static struct metric *add_metric(struct metrics *metrics, const char *name, bool is_system)
{
    struct metric *metric = &metrics->items[metrics->n_items++];
    *metric = (struct metric){.name = name, .is_system = is_system};
    buf_init(&metric->query, BUF_CAP_OWN);
    return metric;
}

static void metrics_init(struct metrics *metrics, const struct configuration *configuration,
                         const struct store_configuration *record)
{
    const char *name = NULL;
    json_t *query = NULL;
    *metrics = (struct metrics){.custom = json_parse(slice_of(record->metrics), NULL)};
    json_object_foreach(metrics->custom, name, query)
    {
        if (metrics->n_items < LIMIT_CONFIGURATION_METRICS) {
            buf_put_slice(&add_metric(metrics, name, false)->query, json_string_slice(query));
        }
    }
    if (configuration->content.kind != CONFIGURATION_EDGE) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(agent_metrics); i++) {
        put_agent_query(agent_metrics[i], configuration->id,
                        &add_metric(metrics, agent_metrics[i], true)->query);
    }
}

static void metrics_finish(struct metrics *metrics)
{
    for (size_t i = 0; i < metrics->n_items; i++) {
        buf_finish(&metrics->items[i].query);
    }
    json_decref(metrics->custom);
}

/* ---- in turns of its own ----------------------------------------------------------------- */

struct metrics_run {
    struct configuration *configuration;
    struct metrics metrics;
    size_t at; /* the metric that is counted */
    struct count count;
    json_t *results;
    json_t *system_results;
};

void configuration_metrics_stop(struct hub *hub, const struct configuration *configuration)
{
    struct metrics_run *run = hub->configurations->metrics;
    if (run == NULL || (configuration != NULL && run->configuration != configuration)) {
        return;
    }
    count_finish(&run->count);
    metrics_finish(&run->metrics);
    json_decref(run->results);
    json_decref(run->system_results);
    free(run);
    hub->configurations->metrics = NULL;
}

/* The next one that waits, or NULL. */
static struct configuration *next_waiting(struct configurations *set)
{
    for (size_t i = 0; i < set->n_live; i++) {
        if (set->items[i]->wants_metrics) {
            return set->items[i];
        }
    }
    return NULL;
}

/* Begin with one that waits; NULL when none does. */
static struct metrics_run *begin(struct hub *hub)
{
    struct store_configuration record = {0};
    struct configuration *configuration = next_waiting(hub->configurations);
    if (configuration == NULL ||
        store_configuration_get(hub->store, configuration->seq, &record) != 0) {
        return NULL;
    }
    struct metrics_run *run = mem_alloc(sizeof(*run));
    configuration->wants_metrics = false;
    run->configuration = configuration;
    run->results = json_object();
    run->system_results = json_object();
    metrics_init(&run->metrics, configuration, &record);
    store_configuration_finish(&record);
    hub->configurations->metrics = run;
    return run;
}

static void save(struct hub *hub, const struct metrics_run *run)
{
    struct buf results = {.cap = BUF_CAP_OWN};
    struct buf system_results = {.cap = BUF_CAP_OWN};
    json_put(&results, run->results);
    json_put(&system_results, run->system_results);
    if (run->metrics.n_items != 0) {
        (void)!store_configuration_write_results(hub->store, run->configuration->seq,
                                                 buf_slice(&results),
                                                 buf_slice(&system_results));
    }
    buf_finish(&results);
    buf_finish(&system_results);
}

/* One metric's share of the budget; true when it is done. */
static bool step(struct hub *hub, struct metrics_run *run, int64_t *budget)
{
    const struct metric *metric = &run->metrics.items[run->at];
    if (run->count.query == NULL && !count_begin(&run->count, buf_slice(&metric->query))) {
        return true;
    }
    int result = count_rows(hub, &run->count, budget);
    if (result == 0) {
        json_object_set_new(metric->is_system ? run->system_results : run->results,
                            metric->name, json_integer(count_result(&run->count)));
    }
    if (result != -EAGAIN) {
        count_finish(&run->count);
    }
    return result != -EAGAIN;
}

bool configuration_metrics_step(struct hub *hub)
{
    int64_t budget = LOOK_A_TURN;
    struct metrics_run *run = hub->configurations->metrics;
    run = run == NULL ? begin(hub) : run;
    if (run == NULL) {
        return false;
    }
    while (run->at < run->metrics.n_items && step(hub, run, &budget)) {
        run->at++;
    }
    if (run->at == run->metrics.n_items) {
        save(hub, run);
        configuration_metrics_stop(hub, NULL);
    }
    return hub->configurations->metrics != NULL || next_waiting(hub->configurations) != NULL;
}

/* ---- in a document ----------------------------------------------------------------------- */

/* What is known of the metrics that are queries, counted now as far as the budget goes. */
static void fill_results(struct hub *hub, const struct metrics *metrics, int64_t *budget,
                         json_t *results, json_t *system_results)
{
    for (size_t i = 0; *budget > 0 && i < metrics->n_items; i++) {
        const struct metric *metric = &metrics->items[i];
        struct count count;
        if (!count_begin(&count, buf_slice(&metric->query))) {
            continue;
        }
        if (count_rows(hub, &count, budget) == 0) {
            json_object_set_new(metric->is_system ? system_results : results, metric->name,
                                json_integer(count_result(&count)));
        }
        count_finish(&count);
    }
}

/* A record that was just made has none. */
static json_t *read_results(const char *text)
{
    json_t *results = slice_of(text).len == 0 ? NULL : json_parse(slice_of(text), NULL);
    return results == NULL ? json_object() : results;
}

static enum iothub_status count_all(struct hub *hub, const struct configuration *configuration,
                                    const struct store_configuration *record, int64_t *budget,
                                    json_t *results, json_t *system_results)
{
    struct store_configuration_count count = {0};
    struct metrics metrics;
    if (store_configuration_target_count(hub->store, configuration->seq,
                                         configuration->content.kind == CONFIGURATION_MODULE,
                                         &count) != 0) {
        return hub_store_failed(hub);
    }
    json_object_set_new(system_results, "targetedCount", json_integer(count.n_targeted));
    json_object_set_new(system_results, "appliedCount", json_integer(count.n_applied));
    json_t *stored = read_results(record->system_results);
    json_object_update(system_results, stored);
    json_decref(stored);
    metrics_init(&metrics, configuration, record);
    fill_results(hub, &metrics, budget, results, system_results);
    metrics_finish(&metrics);
    return store_failure(hub->store) == NULL ? IOTHUB_OK : hub_store_failed(hub);
}

enum iothub_status configuration_metrics_write(struct hub *hub,
                                               const struct configuration *configuration,
                                               const struct store_configuration *record,
                                               int64_t *budget, struct buf *out)
{
    enum iothub_status status = IOTHUB_OK;
    json_t *results = read_results(record->results);
    json_t *system_results = json_object();
    /* Until it got round once, there is nothing to tell. */
    if (configuration->evaluated_ms != 0) {
        status = count_all(hub, configuration, record, budget, results, system_results);
    }
    buf_put_text(out, "\"systemMetrics\":{\"results\":");
    json_put(out, system_results);
    buf_put_text(out, ",\"queries\":{");
    put_system_queries(configuration, record, out);
    buf_put_text(out, "}},\"metrics\":{\"results\":");
    json_put(out, results);
    buf_put_text(out, ",\"queries\":");
    buf_put_text(out, record->metrics);
    buf_put_char(out, '}');
    json_decref(results);
    json_decref(system_results);
    return status;
}
