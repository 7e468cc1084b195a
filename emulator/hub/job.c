/*
 * Scheduled jobs: created, read, cancelled, listed.  job_run.c runs them.
 * Source: IoT Hub documentation, "Schedule jobs on multiple devices"; the job clients of the
 * SDKs.
 */
#include "hub/job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/iso8601.h"
#include "base/mem.h"
#include "hub/continuation.h"
#include "hub/job_view.h"
#include "hub/search.h"
#include "iothub/json.h"
#include "iothub/json_scan.h"
#include "iothub/limits.h"

static enum iothub_status bad_request(struct hub *hub)
{
    return hub_fail(hub, IOTHUB_GENERIC_BAD_REQUEST, "BadRequest");
}

static enum iothub_status invalid(struct hub *hub, const char *text)
{
    return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "%s", text);
}

/* ---- reading a request ---------------------------------------------------------------------
 */

/* The hub itself wants lower case; the C# SDK's and the CLI's names have capitals, so they
 * pass. */
static bool is_job_id(struct slice id)
{
    if (id.len == 0 || id.len > LIMIT_JOB_ID_CHARS) {
        return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        if (c <= ' ' || c >= 0x7F || strchr("$()<>@,;:\\\"/[]?={}", c) != NULL) {
            return false;
        }
    }
    return true;
}

static enum iothub_status read_start(struct hub *hub, const json_t *body, int64_t *out)
{
    const json_t *value = json_get_nocase(body, "startTime");
    *out = hub->now.at_ms;
    if (value == NULL || json_is_null(value)) {
        return IOTHUB_OK;
    }
    int64_t at_ms = 0;
    if (!json_is_string(value) || !iso8601_parse(json_string_slice(value), &at_ms)) {
        return invalid(hub, "startTime is not an ISO 8601 date and time.");
    }
    if (at_ms - hub->now.at_ms > (int64_t)LIMIT_JOB_START_AHEAD_S * 1000) {
        return invalid(hub, "startTime may be at most 168 hours ahead.");
    }
    /* A start in the past is now, or the job's time would be over before it began. */
    if (at_ms > hub->now.at_ms) {
        *out = at_ms;
    }
    return IOTHUB_OK;
}

static enum iothub_status read_execution(struct hub *hub, const json_t *body, int64_t *out)
{
    const json_t *value = json_get_nocase(body, "maxExecutionTimeInSeconds");
    *out = JOB_EXECUTION_S;
    if (value == NULL || json_is_null(value)) {
        return IOTHUB_OK;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > INT32_MAX) {
        return invalid(hub, "maxExecutionTimeInSeconds is a number of seconds.");
    }
    if (json_integer_value(value) != 0) {
        *out = json_integer_value(value);
    }
    return IOTHUB_OK;
}

static enum iothub_status read_condition(struct hub *hub, const json_t *body, char **out)
{
    const json_t *value = json_get_nocase(body, "queryCondition");
    struct slice text = json_string_slice(value);
    if (value == NULL || json_is_null(value)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_NULL, "queryCondition is missing.");
    }
    if (!json_is_string(value)) {
        return invalid(hub, "queryCondition is a text.");
    }
    if (text.len > LIMIT_QUERY_CHARS) {
        return hub_fail(hub, IOTHUB_PRECONDITION_FAILED,
                        "The queryCondition exceeds %d characters.", LIMIT_QUERY_CHARS);
    }
    *out = slice_dup(text);
    return IOTHUB_OK;
}

static enum iothub_status check_twin_patch(struct hub *hub, const json_t *patch)
{
    const json_t *etag = json_get_nocase(patch, "etag");
    struct slice text = json_string_slice(etag);
    if (!json_is_object(patch)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_NULL, "updateTwin is missing.");
    }
    if (etag != NULL && !json_is_null(etag) && text.len != 0 &&
        !slice_equal(text, SLICE("*")) && !slice_equal(text, SLICE("\"*\""))) {
        return invalid(hub,
                       "Missing or invalid etag for ScheduleUpdateTwin, which only accepts *.");
    }
    if (json_object_get(patch, "desired") != NULL) {
        return invalid(hub, "desired belongs into properties.");
    }
    return IOTHUB_OK;
}

static enum iothub_status check_method(struct hub *hub, struct slice text, const json_t *method)
{
    struct hub_method_request request = {0};
    if (!json_is_object(method)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_NULL, "cloudToDeviceMethod is missing.");
    }
    return hub_method_parse(hub, text, method, &request);
}

/* The action is kept as it was sent, so numbers and order come back unchanged. */
static enum iothub_status read_action(struct hub *hub, struct slice text, const json_t *body,
                                      struct store_job *job)
{
    bool is_method = job->type == JOB_DEVICE_METHOD;
    const char *name = is_method ? "cloudToDeviceMethod" : "updateTwin";
    struct slice raw = {0};
    if (!json_scan_member(text, slice_of(name), &raw)) {
        return hub_fail(hub, IOTHUB_ARGUMENT_NULL, "%s is missing.", name);
    }
    const json_t *action = json_object_get(body, name);
    enum iothub_status status = is_method ? check_method(hub, raw, action)
                                          : check_twin_patch(hub, action);
    if (status == IOTHUB_OK) {
        job->action = slice_dup(raw);
    }
    return status;
}

static enum iothub_status read_job(struct hub *hub, struct slice text, const json_t *body,
                                   struct store_job *job)
{
    enum iothub_status status = read_action(hub, text, body, job);
    if (status == IOTHUB_OK) {
        status = read_condition(hub, body, &job->condition);
    }
    if (status == IOTHUB_OK) {
        status = read_start(hub, body, &job->start_ms);
    }
    if (status == IOTHUB_OK) {
        status = read_execution(hub, body, &job->execution_s);
    }
    return status;
}

static enum iothub_status check_head(struct hub *hub, struct slice job_id, const json_t *body,
                                     struct store_job *job)
{
    const json_t *own_id = json_get_nocase(body, "jobId");
    if (!json_is_object(body) ||
        !job_type_parse(json_string_slice(json_get_nocase(body, "type")), &job->type)) {
        return bad_request(hub);
    }
    if (!is_job_id(job_id)) {
        return invalid(hub, "The jobId is not valid.");
    }
    if (own_id != NULL && !json_is_null(own_id) &&
        !slice_equal(json_string_slice(own_id), job_id)) {
        return invalid(hub, "The jobId in the body differs from the address.");
    }
    return IOTHUB_OK;
}

static enum iothub_status check_room(struct hub *hub, struct slice job_id)
{
    struct store_job existing = {0};
    int found = store_job_get(hub->store, job_id, &existing);
    store_job_finish(&existing);
    if (found == 0) {
        return hub_fail(hub, IOTHUB_JOB_ALREADY_EXISTS, "A job with ID '%.*s' already exists.",
                        SLICE_ARG(job_id));
    }
    int64_t n_active = 0;
    if (found < 0 || store_job_count_unfinished(hub->store, &n_active) != 0) {
        return hub_store_failed(hub);
    }
    return n_active < LIMIT_ACTIVE_JOBS
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_THROTTLING_MAX_ACTIVE_JOB_COUNT_EXCEEDED, "429");
}

static enum iothub_status create(struct hub *hub, struct slice job_id, struct slice text,
                                 const json_t *body, struct store_job *job)
{
    enum iothub_status status = check_head(hub, job_id, body, job);
    if (status == IOTHUB_OK) {
        status = read_job(hub, text, body, job);
    }
    if (status == IOTHUB_OK) {
        status = check_room(hub, job_id);
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    job->job_id = slice_dup(job_id);
    job->status = JOB_QUEUED;
    job->created_ms = hub->now.at_ms;
    return store_job_insert(hub->store, job) == 0 ? IOTHUB_OK : hub_store_failed(hub);
}

enum iothub_status hub_job_create(struct hub *hub, struct slice job_id, struct slice text,
                                  const json_t *body, struct buf *out)
{
    struct store_job job = {0};
    enum iothub_status status = create(hub, job_id, text, body, &job);
    if (status == IOTHUB_OK) {
        job_write_created(&job, out);
        job_runner_start(hub, &job);
    }
    store_job_finish(&job);
    return status;
}

/* ---- the rest ------------------------------------------------------------------------------
 */

/* Counts of a running job are ahead in its runner. */
static void write_current(struct hub *hub, const struct store_job *stored, struct buf *out)
{
    const struct store_job *live = job_runner_find(hub, stored->seq);
    job_write(live != NULL ? live : stored, out);
}

enum iothub_status hub_job_get(struct hub *hub, struct slice job_id, struct buf *out)
{
    struct store_job job = {0};
    int found = store_job_get(hub->store, job_id, &job);
    if (found == STORE_NO_ROW) {
        /* Measured at the hub: an unknown id is no error here. */
        buf_put_text(out, "{\"jobId\":");
        json_put_string(out, job_id);
        buf_put_text(out, ",\"type\":\"unknown\",\"status\":\"unknown\"}");
        return IOTHUB_OK;
    }
    if (found < 0) {
        return hub_store_failed(hub);
    }
    write_current(hub, &job, out);
    store_job_finish(&job);
    return IOTHUB_OK;
}

enum iothub_status hub_job_cancel(struct hub *hub, struct slice job_id, struct buf *out)
{
    struct store_job job = {0};
    int found = store_job_get(hub->store, job_id, &job);
    if (found < 0) {
        return hub_store_failed(hub);
    }
    if (found == STORE_NO_ROW) {
        return hub_fail(hub, IOTHUB_JOB_NOT_FOUND, "Job %.*s was not found.",
                        SLICE_ARG(job_id));
    }
    enum iothub_status status = job_runner_cancel(hub, job.seq);
    store_job_finish(&job);
    return status == IOTHUB_OK ? hub_job_get(hub, job_id, out) : status;
}

static bool passes(const struct store_job *job, struct slice type, struct slice status)
{
    return (type.len == 0 || slice_equal_nocase(type, slice_of(job_type_name(job->type)))) &&
           (status.len == 0 ||
            slice_equal_nocase(status, slice_of(job_status_name(job->status))));
}

static int next_passing(struct hub *hub, int64_t after_seq, struct slice type,
                        struct slice status, struct store_job *out)
{
    int found = 0;
    while ((found = store_job_next(hub->store, after_seq, out)) == 0) {
        if (passes(out, type, status)) {
            return 0;
        }
        after_seq = out->seq;
        store_job_finish(out);
    }
    return found;
}

enum iothub_status hub_job_list(struct hub *hub, struct slice type, struct slice status,
                                const struct hub_page_request *request, struct hub_page *out)
{
    struct continuation from = {0};
    int64_t size = 0;
    enum iothub_status result = search_page_size(hub, request->max_items, &size);
    if (result == IOTHUB_OK) {
        result = continuation_read(hub, request->continuation, SLICE("jobs"), &from);
    }
    if (result != IOTHUB_OK) {
        return result;
    }
    struct store_job job = {0};
    int64_t n = 0;
    int found = 0;
    buf_put_char(out->body, '[');
    while ((found = next_passing(hub, from.after, type, status, &job)) == 0 && n < size) {
        buf_put_text(out->body, n++ == 0 ? "" : ",");
        write_current(hub, &job, out->body);
        from.after = job.seq;
        store_job_finish(&job);
    }
    store_job_finish(&job);
    buf_put_char(out->body, ']');
    out->item_type = "JobResponse";
    if (found == 0) {
        continuation_write(out->continuation, &from, SLICE("jobs"));
    }
    return found < 0 ? hub_store_failed(hub) : IOTHUB_OK;
}
