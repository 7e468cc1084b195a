/*
 * The set of configurations in memory: loaded once, kept in the order in which they prevail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "hub/configuration.h"
#include "iothub/json.h"

enum {
    ROUND_MS = 5 * 60 * 1000, /* IoT Hub documentation: conditions are evaluated so often */
};

/* ---- conditions -------------------------------------------------------------------------- */

bool configuration_condition_has_from(struct slice condition)
{
    struct slice text = slice_trim(condition);
    return slice_starts_with_nocase(text, SLICE("from")) && text.len > 4 &&
           strchr(" \t\r\n/", text.data[4]) != NULL;
}

static enum iothub_status refuse(struct buf *error, const char *text)
{
    buf_reset(error);
    buf_put_text(error, text);
    return IOTHUB_INVALID_CONFIGURATION_TARGET_CONDITION;
}

enum iothub_status configuration_compile(struct slice condition, enum configuration_kind kind,
                                         struct query **out, struct buf *error)
{
    struct query *query = NULL;
    *out = NULL;
    if (slice_trim(condition).len == 0) {
        return IOTHUB_OK;
    }
    if (query_compile_condition(condition, &query, error) != IOTHUB_OK) {
        return IOTHUB_INVALID_CONFIGURATION_TARGET_CONDITION;
    }
    enum query_collection collection = query_collection(query);
    if (kind == CONFIGURATION_MODULE && collection != QUERY_MODULES) {
        query_destroy(query);
        return refuse(error, "The target condition of moduleContent begins with "
                             "FROM devices.modules WHERE.");
    }
    if (kind != CONFIGURATION_MODULE && collection != QUERY_DEVICES) {
        query_destroy(query);
        return refuse(error,
                      "The target condition does not fit the content: it is about devices.");
    }
    *out = query;
    return IOTHUB_OK;
}

/* What a write of the hub's users or devices can change, and what has to be watched for it. */
static const struct {
    enum query_root root;
    unsigned touch;   /* enum hub_touched bits */
    bool is_restless; /* no write of theirs tells of the change */
} roots[] = {
    {QUERY_ROOT_REPORTED,                      HUB_TOUCHED_REPORTED,   false},
    {QUERY_ROOT_PROPERTIES,                    HUB_TOUCHED_REPORTED,   true },
    {QUERY_ROOT_VERSION,                       HUB_TOUCHED_REPORTED,   true },
    {QUERY_ROOT_CONNECTION_STATE,              HUB_TOUCHED_CONNECTION, false},
    {QUERY_ROOT_LAST_ACTIVITY_TIME,            HUB_TOUCHED_CONNECTION, true },
    {QUERY_ROOT_MODEL_ID,                      HUB_TOUCHED_CONNECTION, false},
    {QUERY_ROOT_CLOUD_TO_DEVICE_MESSAGE_COUNT, 0,                      true },
    {QUERY_ROOT_DESIRED,                       0,                      true },
    {QUERY_ROOT_ETAG,                          0,                      true },
    {QUERY_ROOT_CONFIGURATIONS,                0,                      true },
};

static void set_query(struct configuration *configuration, struct query *query)
{
    query_destroy(configuration->query);
    configuration->query = query;
    configuration->watches = 0;
    configuration->is_restless = false;
    for (size_t i = 0; query != NULL && i < ARRAY_LEN(roots); i++) {
        if (query_uses(query, roots[i].root)) {
            configuration->watches |= roots[i].touch;
            configuration->is_restless |= roots[i].is_restless;
        }
    }
}

/* Stored conditions were compiled once; a program of another version may see them otherwise. */
static void compile(struct configuration *configuration, const char *condition)
{
    struct query *query = NULL;
    struct buf error = {.cap = BUF_CAP_OWN};
    if (configuration_compile(slice_of(condition), configuration->content.kind, &query,
                              &error) != IOTHUB_OK) {
        log_warning("configuration %s targets nobody: %s", configuration->id, buf_text(&error));
    }
    buf_finish(&error);
    set_query(configuration, query);
}

static void read_content(struct configuration *configuration, const char *text)
{
    struct buf error = {.cap = BUF_CAP_OWN};
    json_t *content = json_parse(slice_of(text), NULL);
    for (size_t i = 0; i < CONFIGURATION_N_KINDS; i++) {
        enum configuration_kind kind = (enum configuration_kind)i;
        const json_t *value = json_object_get(content, configuration_kind_name(kind));
        if (value != NULL &&
            !configuration_content_read(kind, value, &configuration->content, &error)) {
            log_warning("configuration %s has no content: %s", configuration->id,
                        buf_text(&error));
            configuration_content_finish(&configuration->content);
            configuration->content.kind = kind;
        }
    }
    json_decref(content);
    buf_finish(&error);
}

/* ---- the set ----------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct configuration *x = *(struct configuration *const *)a;
    const struct configuration *y = *(struct configuration *const *)b;
    if (x->is_removed != y->is_removed) {
        return x->is_removed ? 1 : -1;
    }
    if (x->priority != y->priority) {
        return x->priority > y->priority ? -1 : 1;
    }
    return (x->seq < y->seq) - (x->seq > y->seq);
}

static void rearrange(struct configurations *set)
{
    set->n_live = 0;
    set->watches = 0;
    if (set->n_items > 1) {
        qsort(set->items, set->n_items, sizeof(struct configuration *), compare);
    }
    for (size_t i = 0; i < set->n_items; i++) {
        set->n_live += set->items[i]->is_removed ? 0 : 1;
        set->watches |= set->items[i]->watches;
    }
    /* Identities and the service's writes to twins are always of interest. */
    set->watches |= set->n_items == 0 ? 0 : HUB_TOUCHED_SERVICE;
}

struct configuration *configuration_find(const struct hub *hub, struct slice id)
{
    const struct configurations *set = hub->configurations;
    for (size_t i = 0; i < set->n_live; i++) {
        if (slice_equal_text(id, set->items[i]->id)) {
            return set->items[i];
        }
    }
    return NULL;
}

struct configuration *configuration_find_seq(const struct hub *hub, int64_t seq)
{
    const struct configurations *set = hub->configurations;
    for (size_t i = 0; i < set->n_live; i++) {
        if (set->items[i]->seq == seq) {
            return set->items[i];
        }
    }
    return NULL;
}

void configuration_add(struct hub *hub, const struct store_configuration *record)
{
    struct configurations *set = hub->configurations;
    struct configuration *configuration = mem_alloc(sizeof(*configuration));
    configuration->seq = record->seq;
    (void)snprintf(configuration->id, sizeof(configuration->id), "%s",
                   record->configuration_id);
    configuration->priority = record->priority;
    configuration->is_removed = record->is_removed;
    configuration->phase = record->phase;
    configuration->cursor = record->cursor;
    configuration->evaluated_ms = record->evaluated_ms;
    configuration->wants_metrics = !record->is_removed && slice_of(record->results).len == 0;
    if (!record->is_removed) {
        read_content(configuration, record->content);
        compile(configuration, record->condition);
        const struct content_twin *agent =
            configuration_content_of(&configuration->content, SLICE("$edgeAgent"));
        configuration->is_base = configuration->content.kind == CONFIGURATION_EDGE &&
                                 agent != NULL && content_twin_is_whole(agent);
    }
    set->items = mem_grow(set->items, set->n_items + 1, sizeof(struct configuration *));
    set->items[set->n_items++] = configuration;
    rearrange(set);
}

void configuration_change(struct hub *hub, struct configuration *configuration,
                          const struct store_configuration *record)
{
    configuration->priority = record->priority;
    configuration->wants_metrics = true;
    configuration_metrics_stop(hub, configuration);
    compile(configuration, record->condition);
    rearrange(hub->configurations);
}

void configuration_retire(struct hub *hub, struct configuration *configuration)
{
    configuration_metrics_stop(hub, configuration);
    configuration->is_removed = true;
    configuration->wants_metrics = false;
    configuration_content_finish(&configuration->content);
    set_query(configuration, NULL);
    rearrange(hub->configurations);
}

static void destroy(struct configuration *configuration)
{
    query_destroy(configuration->query);
    configuration_content_finish(&configuration->content);
    free(configuration);
}

void configuration_forget(struct hub *hub, struct configuration *configuration)
{
    struct configurations *set = hub->configurations;
    size_t n = 0;
    for (size_t i = 0; i < set->n_items; i++) {
        if (set->items[i] != configuration) {
            set->items[n++] = set->items[i];
        }
    }
    set->n_items = n;
    rearrange(set);
    destroy(configuration);
}

/* ---- life -------------------------------------------------------------------------------- */

/* Conditions that nobody's write makes true or false are looked at again, and all metrics. */
static void begin_round(struct hub *hub, struct hub_timer *timer)
{
    struct configurations *set = hub->configurations;
    for (size_t i = 0; i < set->n_live; i++) {
        struct configuration *configuration = set->items[i];
        configuration->wants_metrics = true;
        if (configuration->is_restless && configuration->phase == CONFIGURATION_SETTLED) {
            configuration_begin_phase(hub, configuration, CONFIGURATION_REVIEW_THEN_SEARCH);
        }
    }
    if (set->n_items > 0) {
        configuration_wake(hub);
    }
    hub_set_timer(hub, timer, hub->now.now_ms + ROUND_MS);
}

bool hub_configurations_load(struct hub *hub)
{
    struct store_configuration record = {0};
    int64_t after_seq = 0;
    int found = 0;
    hub->configurations = mem_alloc(sizeof(*hub->configurations));
    while ((found = store_configuration_next(hub->store, after_seq, &record)) == 0) {
        after_seq = record.seq;
        configuration_add(hub, &record);
        store_configuration_finish(&record);
    }
    if (found < 0) {
        (void)hub_store_failed(hub);
        return false;
    }
    hub->configurations->work.fire = configuration_work;
    hub->configurations->rounds.fire = begin_round;
    hub_set_timer(hub, &hub->configurations->rounds, hub->now.now_ms + ROUND_MS);
    if (hub->configurations->n_items > 0) {
        configuration_wake(hub);
    }
    return true;
}

void hub_configurations_finish(struct hub *hub)
{
    struct configurations *set = hub->configurations;
    if (set == NULL) {
        return;
    }
    configuration_metrics_stop(hub, NULL);
    hub_clear_timer(hub, &set->work);
    hub_clear_timer(hub, &set->rounds);
    for (size_t i = 0; i < set->n_items; i++) {
        destroy(set->items[i]);
    }
    free(set->items);
    free(set);
    hub->configurations = NULL;
}
