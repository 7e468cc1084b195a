/*
 * Reading a configuration's document.
 * Source: IoT Hub REST, "Configuration - Create Or Update"; IoT Hub documentation, "Automatic
 * device and module management".
 */
#include "hub/configuration_read.h"

#include <string.h>

#include "base/mem.h"
#include "iothub/json.h"
#include "iothub/json_scan.h"
#include "iothub/limits.h"

bool configuration_is_id(struct slice id)
{
    if (id.len == 0 || id.len > LIMIT_CONFIGURATION_ID_CHARS) {
        return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_plain && (c == '\0' || strchr("-+%_*!'", c) == NULL)) {
            return false;
        }
    }
    return true;
}

static enum iothub_status invalid(struct hub *hub, const char *text)
{
    return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "%s", text);
}

/* A member's own text, names compared as bodies are read; false when it is missing or null. */
static bool raw_member(struct slice object, const char *name, struct slice *out)
{
    struct json_scan scan;
    struct slice key = {0};
    struct slice raw = {0};
    struct buf decoded = {.cap = BUF_CAP_OWN};
    bool is_there = false;
    if (!json_scan_open(&scan, object)) {
        return false;
    }
    while (json_scan_next(&scan, &key, &raw)) {
        buf_reset(&decoded);
        if (slice_equal_nocase(json_scan_string(key, &decoded), slice_of(name))) {
            *out = raw;
            is_there = json_scan_type(raw) != JSON_SCAN_NULL;
        }
    }
    buf_finish(&decoded);
    return is_there;
}

/* ---- content ----------------------------------------------------------------------------- */

/* Exactly one of the three; others are not repeated, not even as null. */
static enum iothub_status find_content(struct hub *hub, struct slice content,
                                       enum configuration_kind *kind, struct slice *raw)
{
    size_t n = 0;
    for (size_t i = 0; i < CONFIGURATION_N_KINDS; i++) {
        struct slice found = {0};
        if (raw_member(content, configuration_kind_name((enum configuration_kind)i), &found)) {
            *kind = (enum configuration_kind)i;
            *raw = found;
            n++;
        }
    }
    return n == 1 ? IOTHUB_OK
                  : hub_fail(hub, IOTHUB_INVALID_CONFIGURATION_CONTENT,
                             "The content has exactly one of deviceContent, moduleContent and "
                             "modulesContent.");
}

static enum iothub_status check_content(struct hub *hub, enum configuration_kind kind,
                                        struct slice raw)
{
    struct configuration_content content = {0};
    json_t *value = json_parse(raw, NULL);
    buf_reset(&hub->error);
    bool is_good = configuration_content_read(kind, value, &content, &hub->error);
    bool has_agent = kind != CONFIGURATION_EDGE ||
                     configuration_content_of(&content, SLICE("$edgeAgent")) != NULL;
    configuration_content_finish(&content);
    json_decref(value);
    if (!is_good) {
        return IOTHUB_INVALID_CONFIGURATION_CONTENT;
    }
    return has_agent ? IOTHUB_OK
                     : hub_fail(hub, IOTHUB_INVALID_CONFIGURATION_CONTENT,
                                "modulesContent has no $edgeAgent.");
}

static enum iothub_status read_content(struct hub *hub, struct slice text,
                                       struct store_configuration *record,
                                       enum configuration_kind *kind)
{
    struct slice content = {0};
    struct slice raw = {0};
    if (!raw_member(text, "content", &content)) {
        return hub_fail(hub, IOTHUB_INVALID_CONFIGURATION_CONTENT, "The content is missing.");
    }
    enum iothub_status status = find_content(hub, content, kind, &raw);
    if (status == IOTHUB_OK) {
        status = check_content(hub, *kind, raw);
    }
    if (status == IOTHUB_OK) {
        struct buf kept = {.cap = BUF_CAP_OWN};
        buf_putf(&kept, "{\"%s\":", configuration_kind_name(*kind));
        buf_put_slice(&kept, raw);
        buf_put_char(&kept, '}');
        record->content = buf_take_text(&kept);
    }
    return status;
}

/* ---- the rest ---------------------------------------------------------------------------- */

static enum iothub_status read_condition(struct hub *hub, const json_t *body,
                                         struct store_configuration *record)
{
    const json_t *value = json_get_nocase(body, "targetCondition");
    if (value != NULL && !json_is_null(value) && !json_is_string(value)) {
        return invalid(hub, "targetCondition is a text.");
    }
    record->condition = slice_dup(json_string_slice(value));
    if (record->condition == NULL) {
        record->condition = mem_dup_text("");
    }
    return IOTHUB_OK;
}

static enum iothub_status read_priority(struct hub *hub, const json_t *body,
                                        struct store_configuration *record)
{
    const json_t *value = json_get_nocase(body, "priority");
    record->priority = 0;
    if (value == NULL || json_is_null(value)) {
        return IOTHUB_OK;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > INT32_MAX) {
        return invalid(hub, "priority is a whole number that is not negative.");
    }
    record->priority = json_integer_value(value);
    return IOTHUB_OK;
}

static enum iothub_status read_labels(struct hub *hub, struct slice text,
                                      struct store_configuration *record)
{
    struct slice raw = {0};
    if (raw_member(text, "labels", &raw)) {
        if (json_scan_type(raw) != JSON_SCAN_OBJECT) {
            return invalid(hub, "labels is an object.");
        }
        record->labels = slice_dup(raw);
    }
    if (raw_member(text, "schemaVersion", &raw)) {
        if (json_scan_type(raw) != JSON_SCAN_STRING) {
            return invalid(hub, "schemaVersion is a text.");
        }
        record->schema_version = slice_dup(raw);
    }
    return IOTHUB_OK;
}

static enum iothub_status check_queries(struct hub *hub, struct slice raw)
{
    struct json_scan scan;
    struct slice name = {0};
    struct slice query = {0};
    size_t n = 0;
    if (!json_scan_open(&scan, raw) || json_scan_type(raw) != JSON_SCAN_OBJECT) {
        return hub_fail(hub, IOTHUB_INVALID_CONFIGURATION_CUSTOM_METRICS_QUERY,
                        "metrics.queries is an object of queries by name.");
    }
    while (json_scan_next(&scan, &name, &query)) {
        if (json_scan_type(query) != JSON_SCAN_STRING) {
            return hub_fail(hub, IOTHUB_INVALID_CONFIGURATION_CUSTOM_METRICS_QUERY,
                            "A metric's query is a text.");
        }
        n++;
    }
    return n <= LIMIT_CONFIGURATION_METRICS
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_INVALID_CONFIGURATION_CUSTOM_METRICS_QUERY,
                          "A configuration has at most %d custom metrics.",
                          LIMIT_CONFIGURATION_METRICS);
}

/* What the queries say is not looked at: the hub takes any. */
static enum iothub_status read_metrics(struct hub *hub, struct slice text,
                                       struct store_configuration *record)
{
    struct slice metrics = {0};
    struct slice queries = {0};
    if (!raw_member(text, "metrics", &metrics) || !raw_member(metrics, "queries", &queries)) {
        record->metrics = mem_dup_text("{}");
        return IOTHUB_OK;
    }
    enum iothub_status status = check_queries(hub, queries);
    if (status == IOTHUB_OK) {
        record->metrics = slice_dup(queries);
    }
    return status;
}

enum iothub_status configuration_read(struct hub *hub, struct slice text, const json_t *body,
                                      struct store_configuration *record,
                                      enum configuration_kind *kind)
{
    if (!json_is_object(body)) {
        return hub_fail(hub, IOTHUB_FORMAT_ERROR, "A configuration is a JSON object.");
    }
    enum iothub_status status = read_content(hub, text, record, kind);
    if (status == IOTHUB_OK) {
        status = read_condition(hub, body, record);
    }
    if (status == IOTHUB_OK) {
        status = read_priority(hub, body, record);
    }
    if (status == IOTHUB_OK) {
        status = read_labels(hub, text, record);
    }
    return status == IOTHUB_OK ? read_metrics(hub, text, record) : status;
}
