/*
 * Jobs over the service API.
 */
#include "hub/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/service.h"
#include "iothub/json.h"

static void path_of(char out[100], const char *id)
{
    (void)snprintf(out, 100, "/jobs/v2/%s", id);
}

void job_put(struct fixture *f, const char *id, const char *body)
{
    char path[100];
    path_of(path, id);
    json_t *answer = rest(f, 200, "PUT", path, body);
    assert_string_equal(text_below(answer, "status"), "queued");
    json_decref(answer);
}

static void put(struct fixture *f, const char *id, const char *action, const char *condition)
{
    char path[100];
    struct buf body = {.cap = BUF_CAP_OWN};
    path_of(path, id);
    buf_putf(&body, "{%s,\"queryCondition\":", action);
    json_put_string(&body, slice_of(condition));
    buf_put_char(&body, '}');
    json_decref(ask_json(
        f, 200, &(struct ask){.method = "PUT", .path = path, .body = buf_text(&body)}));
    buf_finish(&body);
}

void job_put_twin(struct fixture *f, const char *id, const char *condition)
{
    put(f, id,
        "\"type\":\"scheduleUpdateTwin\",\"updateTwin\":{\"etag\":\"*\",\"tags\":{\"done\":1}}",
        condition);
}

void job_put_method(struct fixture *f, const char *id, const char *condition)
{
    put(f, id,
        "\"type\":\"scheduleDeviceMethod\",\"cloudToDeviceMethod\":{\"methodName\":\"go\"}",
        condition);
}

json_t *job_get(struct fixture *f, const char *id)
{
    char path[100];
    path_of(path, id);
    return rest(f, 200, "GET", path, NULL);
}

void assert_job_is(struct fixture *f, const char *id, const char *status)
{
    json_t *job = job_get(f, id);
    assert_string_equal(text_below(job, "status"), status);
    json_decref(job);
}

void assert_job_counts(struct fixture *f, const char *id, struct job_counts want)
{
    char text[200];
    json_t *job = job_get(f, id);
    (void)snprintf(text, sizeof(text),
                   "{'deviceCount':%d,'failedCount':%d,'succeededCount':%d,'runningCount':%d,"
                   "'pendingCount':%d}",
                   want.devices, want.failed, want.succeeded, want.running, want.pending);
    assert_json(json_below(job, "deviceJobStatistics"), text);
    json_decref(job);
}

json_t *job_rows(struct fixture *f, const char *id)
{
    char body[200];
    char *next = NULL;
    json_t *rows = json_array();
    (void)snprintf(body, sizeof(body),
                   "{\"query\":\"SELECT * FROM devices.jobs WHERE jobId = '%s'\"}", id);
    do {
        struct reply reply = ask(f, &(struct ask){.method = "POST",
                                                  .path = "/devices/query",
                                                  .body = body,
                                                  .continuation = next});
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply_header(&reply, "x-ms-item-type"), "DeviceJob");
        json_array_extend(rows, reply.json);
        free(next);
        next = mem_dup_text(reply_header(&reply, "x-ms-continuation"));
        reply_end(&reply);
    } while (next != NULL);
    return rows;
}
