/*
 * A job's words: the hub writes "cancelled" for a job and "canceled" for a device in it.
 */
#include "service/cli/job_state.h"

#include "iothub/json.h"

struct slice job_status(const json_t *job)
{
    return json_string_slice(json_object_get(job, "status"));
}

bool job_is_over(const json_t *job)
{
    struct slice status = job_status(job);
    return slice_equal_text(status, "completed") || slice_equal_text(status, "failed") ||
           slice_equal_text(status, "cancelled");
}

/* -1 when the job has no such figure. */
static json_int_t figure(const json_t *job, const char *name)
{
    const json_t *statistics = json_object_get(job, "deviceJobStatistics");
    const json_t *value = json_object_get(statistics, name);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

bool job_is_success(const json_t *job)
{
    return slice_equal_text(job_status(job), "completed") && figure(job, "failedCount") <= 0 &&
           figure(job, "deviceCount") != 0;
}

void job_put_statistics(struct buf *out, const json_t *job)
{
    static const struct {
        const char *member;
        const char *word;
    } parts[] = {
        {"succeededCount", "succeeded"},
        {"failedCount",    "failed"   },
        {"runningCount",   "running"  },
        {"pendingCount",   "pending"  },
    };
    json_int_t n_devices = figure(job, "deviceCount");
    if (n_devices < 0 || (n_devices == 0 && !job_is_over(job))) {
        return;
    }
    buf_putf(out, "%lld device%s", (long long)n_devices, n_devices == 1 ? "" : "s");
    bool is_first = true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        json_int_t n = figure(job, parts[i].member);
        if (n >= 0) {
            buf_putf(out, "%s%lld %s", is_first ? ": " : ", ", (long long)n, parts[i].word);
            is_first = false;
        }
    }
}

bool job_row_has_failed(const json_t *row)
{
    struct slice status = job_status(row);
    return slice_equal_text(status, "failed") || slice_equal_text(status, "canceled") ||
           slice_equal_text(status, "cancelled");
}

bool job_row_is_over(const json_t *row)
{
    return job_row_has_failed(row) || slice_equal_text(job_status(row), "completed");
}

void job_put_rows_query(struct buf *out, const char *job_id)
{
    buf_put_text(out, "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '");
    for (const char *c = job_id; *c != '\0'; c++) {
        if (*c == '\'') {
            buf_put_char(out, '\'');
        }
        buf_put_char(out, *c);
    }
    buf_put_char(out, '\'');
}
