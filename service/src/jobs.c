/*
 * Scheduled jobs, the second version of that interface.
 */
#include "iothub/service.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/iso8601.h"
#include "iothub/json.h"
#include "iothub/json_scan.h"
#include "service/src/client.h"
#include "service/src/document.h"
#include "service/src/method_body.h"

static enum iothub_status check_job(struct iothub_service *service,
                                    const struct iothub_service_job *job)
{
    int64_t at_ms = 0;
    if (slice_trim(slice_of(job->query_condition)).len == 0) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT,
                           "the job's query condition is missing");
    }
    if (job->start_time != NULL && !iso8601_parse(slice_of(job->start_time), &at_ms)) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "\"%s\" is no time in ISO 8601",
                           job->start_time);
    }
    if (job->max_execution_s < 0) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT,
                           "the job's execution time is negative");
    }
    return IOTHUB_OK;
}

static void put_text_member(struct buf *out, const char *name, const char *value)
{
    json_put_string(out, slice_of(name));
    buf_put_char(out, ':');
    json_put_string(out, slice_of(value));
}

/* Everything around the job's action: {"jobId":…,"type":…, here it goes, "queryCondition":…} */
static enum iothub_status create_job(struct iothub_service *service,
                                     const struct iothub_service_job *job, const char *type,
                                     struct buf *action, char **out)
{
    enum iothub_status status = check_job(service, job);
    if (status != IOTHUB_OK) {
        return status;
    }
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    buf_put_char(&body, '{');
    put_text_member(&body, "jobId", job->job_id);
    buf_put_char(&body, ',');
    put_text_member(&body, "type", type);
    buf_put_char(&body, ',');
    buf_put_slice(&body, buf_slice(action));
    buf_put_char(&body, ',');
    put_text_member(&body, "queryCondition", job->query_condition);
    if (job->start_time != NULL) {
        buf_put_char(&body, ',');
        put_text_member(&body, "startTime", job->start_time);
    }
    if (job->max_execution_s != 0) {
        buf_putf(&body, ",\"maxExecutionTimeInSeconds\":%d", job->max_execution_s);
    }
    buf_put_char(&body, '}');
    const struct call call = {
        .operation = OP_JOB_CREATE, .job_id = job->job_id, .body = buf_text(&body)};
    status = client_call_json(service, &call, out);
    buf_finish(&body);
    return status;
}

enum iothub_status iothub_service_job_create_method(struct iothub_service *service,
                                                    const struct iothub_service_job *job,
                                                    const struct iothub_service_method *method,
                                                    char **out)
{
    struct buf action;
    buf_init(&action, BUF_CAP_OWN);
    buf_put_text(&action, "\"cloudToDeviceMethod\":");
    enum iothub_status status = method_body_put(service, &action, method);
    if (status == IOTHUB_OK) {
        status = create_job(service, job, "scheduleDeviceMethod", &action, out);
    }
    buf_finish(&action);
    return status;
}

enum iothub_status iothub_service_job_create_twin(struct iothub_service *service,
                                                  const struct iothub_service_job *job,
                                                  const char *patch, char **out)
{
    struct buf action;
    buf_init(&action, BUF_CAP_OWN);
    buf_put_text(&action, "\"updateTwin\":");
    enum iothub_status status =
        client_check_json(service, "the twin patch", patch, CLIENT_OBJECT);
    if (status == IOTHUB_OK && !document_put_with(&action, patch, "etag", "*")) {
        status = client_fail(service, IOTHUB_BAD_ARGUMENT,
                             "a job's twin patch can have no etag but \"*\"");
    }
    if (status == IOTHUB_OK) {
        status = create_job(service, job, "scheduleUpdateTwin", &action, out);
    }
    buf_finish(&action);
    return status;
}

/* Hubs answer 200 for an id that no job has: {"jobId":…,"type":"unknown","status":"unknown"}.
 */
static bool is_unknown(const char *job)
{
    struct slice raw = {0};
    return json_scan_member(slice_of(job), SLICE("status"), &raw) &&
           slice_equal_nocase(raw, SLICE("\"unknown\""));
}

enum iothub_status iothub_service_job_get(struct iothub_service *service, const char *job_id,
                                          char **out)
{
    const struct call call = {.operation = OP_JOB_GET, .job_id = job_id};
    char *job = NULL;
    enum iothub_status status = client_call_json(service, &call, &job);
    if (status == IOTHUB_OK && is_unknown(job)) {
        status = client_fail(service, IOTHUB_JOB_NOT_FOUND, "%s", job_id);
    }
    if (status == IOTHUB_OK && out != NULL) {
        *out = job;
    } else {
        free(job);
    }
    return status;
}

enum iothub_status iothub_service_job_cancel(struct iothub_service *service, const char *job_id,
                                             char **out)
{
    const struct call call = {.operation = OP_JOB_CANCEL, .job_id = job_id};
    return client_call_json(service, &call, out);
}
