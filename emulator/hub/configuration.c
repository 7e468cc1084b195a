/*
 * Configurations: created, changed, read, removed, and their queries tried.
 * Source: IoT Hub REST, "Configuration"; the service SDKs' registry clients.
 */
#include "hub/configuration.h"

#include <string.h>

#include "base/mem.h"
#include "hub/configuration_read.h"
#include "hub/configuration_view.h"
#include "hub/etag.h"
#include "iothub/json.h"

enum {
    LOOK_A_READ = 5000, /* rows that may be counted for the metrics of an answer */
};

/* What an answer may look at of the rows that queries have left in this turn. */
static int64_t begin_looking(const struct hub *hub)
{
    return hub->query_rows_left < LOOK_A_READ ? hub->query_rows_left : LOOK_A_READ;
}

static void end_looking(struct hub *hub, int64_t most, int64_t left)
{
    hub->query_rows_left -= most - left;
}

static enum iothub_status not_found(struct hub *hub, struct slice id)
{
    return hub_fail(hub, IOTHUB_CONFIGURATION_NOT_FOUND, "Configuration '%.*s' was not found.",
                    id.len < 200 ? (int)id.len : 200, id.data);
}

static enum iothub_status load(struct hub *hub, const struct configuration *configuration,
                               struct store_configuration *out)
{
    return store_configuration_get(hub->store, configuration->seq, out) == 0
               ? IOTHUB_OK
               : hub_store_failed(hub);
}

static enum iothub_status answer(struct hub *hub, const struct configuration *configuration,
                                 const struct store_configuration *record,
                                 struct hub_document *out)
{
    int64_t most = begin_looking(hub);
    int64_t budget = most;
    etag_of_identity(out->etag, record->revision);
    enum iothub_status status =
        configuration_view(hub, configuration, record, &budget, out->body);
    end_looking(hub, most, budget);
    return status;
}

enum iothub_status hub_configuration_get(struct hub *hub, struct slice id,
                                         struct hub_document *out)
{
    struct store_configuration record = {0};
    const struct configuration *configuration = configuration_find(hub, id);
    if (configuration == NULL) {
        return not_found(hub, id);
    }
    enum iothub_status status = load(hub, configuration, &record);
    if (status == IOTHUB_OK) {
        status = answer(hub, configuration, &record, out);
    }
    store_configuration_finish(&record);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------- */

static enum iothub_status check_etag(struct hub *hub, const struct store_configuration *record,
                                     struct hub_condition condition)
{
    char etag[HUB_ETAG_SIZE];
    etag_of_identity(etag, record->revision);
    if (condition.match == HUB_MATCH_ETAG && !slice_equal_text(condition.etag, etag)) {
        return hub_fail(hub, IOTHUB_PRECONDITION_FAILED, "PreconditionFailed");
    }
    return IOTHUB_OK;
}

static enum iothub_status check_condition(struct hub *hub,
                                          const struct store_configuration *record,
                                          enum configuration_kind kind)
{
    struct query *query = NULL;
    buf_reset(&hub->error);
    enum iothub_status status =
        configuration_compile(slice_of(record->condition), kind, &query, &hub->error);
    query_destroy(query);
    return status;
}

static enum iothub_status create(struct hub *hub, struct slice id, enum configuration_kind kind,
                                 struct store_configuration *record)
{
    if (hub->configurations->n_live >= LIMIT_CONFIGURATIONS) {
        return hub_fail(hub, IOTHUB_CONFIGURATION_COUNT_LIMIT_EXCEEDED,
                        "A hub has at most %d configurations.", LIMIT_CONFIGURATIONS);
    }
    enum iothub_status status = check_condition(hub, record, kind);
    if (status != IOTHUB_OK) {
        return status;
    }
    record->configuration_id = slice_dup(id);
    record->revision = 1;
    record->created_ms = hub->now.at_ms;
    record->updated_ms = hub->now.at_ms;
    record->phase = CONFIGURATION_SEARCH;
    if (store_configuration_insert(hub->store, record) != 0) {
        return hub_store_failed(hub);
    }
    configuration_add(hub, record);
    configuration_wake(hub);
    return IOTHUB_OK;
}

static void swap(char **a, char **b)
{
    char *kept = *a;
    *a = *b;
    *b = kept;
}

/* Everything that a client may change goes from `sent` to the record; content stays. */
static void take_changes(struct store_configuration *record, struct store_configuration *sent)
{
    record->priority = sent->priority;
    swap(&record->schema_version, &sent->schema_version);
    swap(&record->labels, &sent->labels);
    swap(&record->condition, &sent->condition);
    swap(&record->metrics, &sent->metrics);
}

/* What a change asks for: to look at the twins it has, and for those it lacks. */
static enum configuration_phase phase_of_change(const struct store_configuration *is,
                                                const struct store_configuration *becomes)
{
    if (strcmp(is->condition, becomes->condition) != 0) {
        return CONFIGURATION_REVIEW_THEN_SEARCH;
    }
    return is->priority != becomes->priority ? CONFIGURATION_REVIEW : CONFIGURATION_SETTLED;
}

static int save(struct hub *hub, struct store_configuration *record, bool has_new_metrics)
{
    int rc = store_configuration_update(hub->store, record);
    if (rc == 0 && has_new_metrics) {
        record->results[0] = '\0';
        rc = store_configuration_write_results(hub->store, record->seq, SLICE(""),
                                               slice_of(record->system_results));
    }
    return rc;
}

/* `record` is the stored one and becomes the new one. */
static enum iothub_status change(struct hub *hub, struct configuration *configuration,
                                 struct store_configuration *sent,
                                 struct store_configuration *record)
{
    enum iothub_status status = check_condition(hub, sent, configuration->content.kind);
    if (status != IOTHUB_OK) {
        return status;
    }
    enum configuration_phase phase = phase_of_change(record, sent);
    bool has_new_metrics = strcmp(record->metrics, sent->metrics) != 0;
    take_changes(record, sent);
    record->revision++;
    record->updated_ms = hub->now.at_ms;
    if (save(hub, record, has_new_metrics) != 0) {
        return hub_store_failed(hub);
    }
    configuration_change(hub, configuration, record);
    configuration_wake(hub);
    if (phase != CONFIGURATION_SETTLED) {
        configuration_begin_phase(hub, configuration, phase);
    }
    return IOTHUB_OK;
}

/* Measured at the hub: content that differs is no error, the first one stays. */
static enum iothub_status update(struct hub *hub, struct configuration *configuration,
                                 struct store_configuration *sent,
                                 struct hub_condition condition, struct hub_document *out)
{
    struct store_configuration record = {0};
    enum iothub_status status = load(hub, configuration, &record);
    if (status == IOTHUB_OK) {
        status = check_etag(hub, &record, condition);
    }
    if (status == IOTHUB_OK) {
        status = change(hub, configuration, sent, &record);
    }
    if (status == IOTHUB_OK) {
        status = answer(hub, configuration, &record, out);
    }
    store_configuration_finish(&record);
    return status;
}

static enum iothub_status put(struct hub *hub, struct slice id, enum configuration_kind kind,
                              struct store_configuration *sent, struct hub_condition condition,
                              struct hub_document *out)
{
    struct configuration *configuration = configuration_find(hub, id);
    if (configuration == NULL && condition.match != HUB_MATCH_NONE) {
        return not_found(hub, id);
    }
    if (configuration == NULL) {
        enum iothub_status status = create(hub, id, kind, sent);
        configuration = configuration_find(hub, id);
        return status == IOTHUB_OK ? answer(hub, configuration, sent, out) : status;
    }
    if (condition.match == HUB_MATCH_NONE) {
        return hub_fail(hub, IOTHUB_CONFIGURATION_ALREADY_EXISTS,
                        "A configuration with ID '%.*s' already exists.", SLICE_ARG(id));
    }
    return update(hub, configuration, sent, condition, out);
}

static enum iothub_status check_id(struct hub *hub, struct slice id, const json_t *body)
{
    const json_t *own_id = json_get_nocase(body, "id");
    if (!configuration_is_id(id)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                        "The id of a configuration is 1 to %d lower-case letters, digits and "
                        "-+%%_*!'.",
                        LIMIT_CONFIGURATION_ID_CHARS);
    }
    if (own_id != NULL && !json_is_null(own_id) &&
        !slice_equal(json_string_slice(own_id), id)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                        "The id in the body differs from the address.");
    }
    return IOTHUB_OK;
}

enum iothub_status hub_configuration_put(struct hub *hub, struct slice id, struct slice text,
                                         const json_t *body, struct hub_condition condition,
                                         struct hub_document *out)
{
    struct store_configuration sent = {0};
    enum configuration_kind kind = CONFIGURATION_DEVICE;
    enum iothub_status status = check_id(hub, id, body);
    if (status == IOTHUB_OK) {
        status = configuration_read(hub, text, body, &sent, &kind);
    }
    if (status == IOTHUB_OK) {
        status = put(hub, id, kind, &sent, condition, out);
    }
    store_configuration_finish(&sent);
    return status;
}

/* Without targets it is gone at once; else the twins that have something of it come first. */
static enum iothub_status remove_one(struct hub *hub, struct configuration *configuration)
{
    struct store_identity target;
    int64_t seq = configuration->seq;
    int found = store_configuration_target_walk(hub->store, seq, 0, &target);
    if (found == STORE_NO_ROW) {
        if (store_configuration_delete(hub->store, seq) != 0) {
            return hub_store_failed(hub);
        }
        configuration_retire(hub, configuration);
        configuration_forget(hub, configuration);
        return IOTHUB_OK;
    }
    if (found != 0 || store_configuration_remove(hub->store, seq) != 0) {
        return hub_store_failed(hub);
    }
    configuration_retire(hub, configuration);
    configuration_begin_phase(hub, configuration, CONFIGURATION_REVIEW);
    return IOTHUB_OK;
}

enum iothub_status hub_configuration_delete(struct hub *hub, struct slice id,
                                            struct hub_condition condition)
{
    struct store_configuration record = {0};
    struct configuration *configuration = configuration_find(hub, id);
    if (configuration == NULL) {
        return not_found(hub, id);
    }
    enum iothub_status status = load(hub, configuration, &record);
    if (status == IOTHUB_OK) {
        status = check_etag(hub, &record, condition);
    }
    store_configuration_finish(&record);
    return status == IOTHUB_OK ? remove_one(hub, configuration) : status;
}

/* ---- all of them ------------------------------------------------------------------------- */

enum iothub_status hub_configuration_list(struct hub *hub, int64_t top, struct buf *out)
{
    struct store_configuration record = {0};
    enum iothub_status status = IOTHUB_OK;
    int64_t most = begin_looking(hub);
    int64_t budget = most;
    int64_t after_seq = 0;
    int64_t n = 0;
    int found = 0;
    buf_put_char(out, '[');
    while (status == IOTHUB_OK && n < top &&
           (found = store_configuration_next(hub->store, after_seq, &record)) == 0) {
        const struct configuration *configuration = configuration_find_seq(hub, record.seq);
        after_seq = record.seq;
        if (configuration != NULL) {
            buf_put_text(out, n++ == 0 ? "" : ",");
            status = configuration_view(hub, configuration, &record, &budget, out);
        }
        store_configuration_finish(&record);
    }
    buf_put_char(out, ']');
    end_looking(hub, most, budget);
    return found < 0 ? hub_store_failed(hub) : status;
}

/* ---- trying queries ---------------------------------------------------------------------- */

/* What is wrong with a condition; nothing is appended when it is right. */
static void try_condition(struct slice condition, struct buf *error)
{
    struct query *query = NULL;
    struct slice text = slice_trim(condition);
    if (slice_equal(text, SLICE("*"))) {
        /* Measured at the hub: a configuration may have it, but as a query it is none. */
        buf_put_text(error, "SQL query parse failed due to following errors: \n\tLine 1:29 "
                            "Unexpected character at input '*'");
    } else if (text.len != 0 &&
               query_compile_condition(condition, &query, error) == IOTHUB_OK &&
               query_collection(query) == QUERY_JOBS) {
        buf_put_text(error, "A target condition is about devices or devices.modules.");
    }
    query_destroy(query);
}

static void try_query(const json_t *text, struct buf *error)
{
    struct query *query = NULL;
    if (!json_is_string(text)) {
        buf_put_text(error, "A metric's query is a text.");
    } else if (query_compile(json_string_slice(text), &query, error) == IOTHUB_OK) {
        query_destroy(query);
    }
}

static void put_query_errors(const json_t *queries, struct buf *out)
{
    const char *name = NULL;
    const char *separator = "";
    json_t *query = NULL;
    struct buf error = {.cap = BUF_CAP_OWN};
    json_object_foreach((json_t *)(uintptr_t)queries, name, query)
    {
        buf_reset(&error);
        try_query(query, &error);
        if (error.len != 0) {
            buf_put_text(out, separator);
            json_put_string(out, slice_of(name));
            buf_put_char(out, ':');
            json_put_string(out, buf_slice(&error));
            separator = ",";
        }
    }
    buf_finish(&error);
}

enum iothub_status hub_configuration_test(struct hub *hub, const json_t *body, struct buf *out)
{
    const json_t *condition = json_get_nocase(body, "targetCondition");
    const json_t *queries = json_get_nocase(body, "customMetricQueries");
    struct buf error = {.cap = BUF_CAP_OWN};
    if (!json_is_object(body)) {
        return hub_fail(hub, IOTHUB_FORMAT_ERROR, "The body is a JSON object.");
    }
    if ((condition != NULL && !json_is_null(condition) && !json_is_string(condition)) ||
        (queries != NULL && !json_is_null(queries) && !json_is_object(queries))) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID,
                        "targetCondition is a text, customMetricQueries an object.");
    }
    try_condition(json_string_slice(condition), &error);
    buf_put_text(out, "{\"targetConditionError\":");
    json_put_string_or_null(out, error.len == 0 ? NULL : buf_text(&error));
    buf_put_text(out, ",\"customMetricQueryErrors\":{");
    put_query_errors(queries, out);
    buf_put_text(out, "}}");
    buf_finish(&error);
    return IOTHUB_OK;
}
