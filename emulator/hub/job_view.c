/*
 * The documents of jobs.  Members without a value are left out, never null: the Java SDK takes
 * a key's presence for a value. Source: IoT Hub documentation, "Schedule jobs on multiple
 * devices"; the SDKs' job parsers.
 */
#include "hub/job_view.h"

#include <inttypes.h>

#include "base/iso8601.h"
#include "iothub/json.h"

static const char *const type_names[] = {
    [JOB_DEVICE_METHOD] = "scheduleDeviceMethod",
    [JOB_UPDATE_TWIN] = "scheduleUpdateTwin",
};

/* Two l in the job's "cancelled", one in a row's "canceled": so the SDKs' enums have them. */
static const char *const status_names[] = {
    [JOB_QUEUED] = "queued",       [JOB_SCHEDULED] = "scheduled", [JOB_RUNNING] = "running",
    [JOB_COMPLETED] = "completed", [JOB_FAILED] = "failed",       [JOB_CANCELLED] = "cancelled",
};

static const char *const row_status_names[] = {
    [JOB_ROW_PENDING] = "pending",     [JOB_ROW_RUNNING] = "running",
    [JOB_ROW_COMPLETED] = "completed", [JOB_ROW_FAILED] = "failed",
    [JOB_ROW_CANCELED] = "canceled",
};

const char *job_type_name(enum job_type type)
{
    return type_names[type];
}

const char *job_status_name(enum job_status status)
{
    return status_names[status];
}

bool job_type_parse(struct slice word, enum job_type *out)
{
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
        if (slice_equal_nocase(word, slice_of(type_names[i]))) {
            *out = (enum job_type)i;
            return true;
        }
    }
    return false;
}

static void put_time(struct buf *out, const char *name, int64_t at_ms)
{
    char text[ISO8601_MAX];
    buf_putf(out, ",\"%s\":\"%s\"", name, iso8601_format(text, at_ms));
}

static void put_head(const struct store_job *job, struct buf *out)
{
    buf_put_text(out, "{\"jobId\":");
    json_put_string(out, slice_of(job->job_id));
    buf_putf(out, ",\"type\":\"%s\",\"status\":\"%s\"", type_names[job->type],
             status_names[job->status]);
}

void job_write_created(const struct store_job *job, struct buf *out)
{
    put_head(job, out);
    buf_put_char(out, '}');
}

void job_write(const struct store_job *job, struct buf *out)
{
    put_head(job, out);
    put_time(out, "createdTime", job->created_ms);
    put_time(out, "startTime", job->start_ms);
    if (job->end_ms != 0) {
        put_time(out, "endTime", job->end_ms);
    }
    buf_putf(out, ",\"maxExecutionTimeInSeconds\":%" PRId64 ",\"queryCondition\":",
             job->execution_s);
    json_put_string(out, slice_of(job->condition));
    buf_putf(out, ",\"%s\":%s",
             job->type == JOB_DEVICE_METHOD ? "cloudToDeviceMethod" : "updateTwin",
             job->action);
    buf_putf(out,
             ",\"deviceJobStatistics\":{\"deviceCount\":%" PRId64 ",\"failedCount\":%" PRId64
             ",\"succeededCount\":%" PRId64 ",\"runningCount\":%" PRId64
             ",\"pendingCount\":%" PRId64 "}",
             job->n_devices, job->n_failed, job->n_succeeded, job->n_running, job->n_pending);
    if (job->failure != NULL) {
        buf_put_text(out, ",\"failureReason\":");
        json_put_string(out, slice_of(job->failure));
    }
    buf_put_char(out, '}');
}

static void put_error(const struct store_job_row *row, struct buf *out)
{
    buf_put_text(out, ",\"error\":{\"code\":");
    json_put_string(out, row->error_code);
    buf_put_text(out, ",\"description\":");
    json_put_string(out, row->error_text);
    buf_put_char(out, '}');
}

void job_row_write(const struct store_job_row *row, struct buf *out)
{
    buf_put_text(out, "{\"deviceId\":");
    json_put_string(out, row->target.device_id);
    if (identity_is_module(row->target)) {
        buf_put_text(out, ",\"moduleId\":");
        json_put_string(out, row->target.module_id);
    }
    buf_put_text(out, ",\"jobId\":");
    json_put_string(out, row->job_id);
    buf_putf(out, ",\"jobType\":\"%s\",\"status\":\"%s\"", type_names[row->type],
             row_status_names[row->status]);
    put_time(out, "startTimeUtc", row->start_ms);
    put_time(out, "endTimeUtc", row->end_ms);
    put_time(out, "createdDateTimeUtc", row->created_ms);
    put_time(out, "lastUpdatedDateTimeUtc", row->updated_ms);
    if (row->outcome.len != 0) {
        buf_put_text(out, ",\"outcome\":");
        buf_put_slice(out, row->outcome);
    }
    if (row->error_code.len != 0) {
        put_error(row, out);
    }
    buf_put_char(out, '}');
}
