/*
 * The back end's side of the work: six callers, each with one request at a time.
 */
#include "reliability/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

enum {
    PATH_SIZE = 128,
    BODY_SIZE = 512,
    MISSING = 404,
    TOO_LATE = 504,
    DELETE_AMONG = 8, /* the latest */
    QUEUE_IS_FULL = 403,
};

struct request {
    const char *method;
    char path[PATH_SIZE];
    char body[BODY_SIZE];
};

static struct load_device *any_device(struct load *load)
{
    return &load->devices[chance_below(&load->chance, load->n_devices)];
}

/* ---- what is asked ---- */

static bool ask_twins(struct load *load, struct load_caller *caller, struct request *out)
{
    struct load_device *device = any_device(load);
    int number = ++device->written;
    caller->subject = device->index;
    out->method = "PATCH";
    snprintf(out->path, sizeof(out->path), "/twins/%s", device->id);
    snprintf(out->body, sizeof(out->body),
             "{\"tags\":{\"number\":%d},\"properties\":{\"desired\":{\"number\":%d}}}", number,
             number);
    return true;
}

static int churned_device_to_delete(struct load *load)
{
    int last = load->n_churn - 1;
    if (load->is_bounded) {
        /* At once, so that the names can be used again. */
        return last >= 0 && load->churn[last] == CHURN_THERE ? last : -1;
    }
    for (int i = last; i >= 0 && i > last - DELETE_AMONG; i--) {
        if (load->churn[i] == CHURN_THERE && chance_one_in(&load->chance, 2)) {
            return i;
        }
    }
    return -1;
}

static bool ask_registry(struct load *load, struct load_caller *caller, struct request *out)
{
    int old = churned_device_to_delete(load);
    if (old < 0 && load->n_churn == LOAD_CHURN_MAX) {
        if (!load->is_bounded) {
            return false;
        }
        load->n_churn = 0;
    }
    caller->subject = old >= 0 ? old : load->n_churn++;
    load->churn[caller->subject] = old >= 0 ? CHURN_DELETING : CHURN_CREATING;
    out->method = old >= 0 ? "DELETE" : "PUT";
    snprintf(out->path, sizeof(out->path), "/devices/c%d", caller->subject);
    snprintf(out->body, sizeof(out->body), "{\"deviceId\":\"c%d\"}", caller->subject);
    return true;
}

static bool ask_mail(struct load *load, struct load_caller *caller, struct request *out)
{
    if (load->n_mails == LOAD_MAILS_MAX) {
        if (!load->is_bounded) {
            return false;
        }
        load->n_mails = 0;
    }
    const struct load_device *device = any_device(load);
    caller->subject = load->n_mails++;
    load->mails[caller->subject] = (struct load_mail){.device = device->index};
    out->method = "POST";
    snprintf(out->path, sizeof(out->path), "/devices/%s/messages/deviceBound", device->id);
    snprintf(out->body, sizeof(out->body), "{\"mail\":%d}", caller->subject);
    return true;
}

static bool ask_methods(struct load *load, struct load_caller *caller, struct request *out)
{
    const struct load_device *device = any_device(load);
    caller->subject = device->index;
    out->method = "POST";
    snprintf(out->path, sizeof(out->path), "/twins/%s/methods", device->id);
    snprintf(out->body, sizeof(out->body),
             "{\"methodName\":\"call\",\"payload\":{\"job\":-1},"
             "\"responseTimeoutInSeconds\":30,\"connectTimeoutInSeconds\":0}");
    return true;
}

/* Where the ledger is bounded, a job is for two devices; else for all. */
static void put_condition(struct load *load, char out[PATH_SIZE])
{
    if (load->is_bounded) {
        snprintf(out, PATH_SIZE, "deviceId IN ['%s', '%s']", any_device(load)->id,
                 any_device(load)->id);
    } else {
        snprintf(out, PATH_SIZE, "is_defined(tags.isLoaded)");
    }
}

static bool ask_jobs(struct load *load, struct load_caller *caller, struct request *out)
{
    char condition[PATH_SIZE];
    bool has_slot = load->is_bounded ? chance_one_in(&load->chance, LOAD_JOB_SLOTS)
                                     : load->n_jobs - load->n_jobs_checked < LOAD_JOB_SLOTS;
    if (load->n_jobs == LOAD_JOBS_MAX || !has_slot) {
        return false;
    }
    int number = load->n_jobs++;
    struct load_job *job = &load->jobs[number];
    caller->subject = number;
    job->is_method = chance_one_in(&load->chance, 2);
    job->n_calls = load->is_bounded ? NULL
                                    : mem_array((size_t)load->n_devices, sizeof(*job->n_calls));
    put_condition(load, condition);
    out->method = "PUT";
    snprintf(out->path, sizeof(out->path), "/jobs/v2/j%d", number);
    if (job->is_method) {
        snprintf(out->body, sizeof(out->body),
                 "{\"type\":\"scheduleDeviceMethod\",\"queryCondition\":\"%s\","
                 "\"cloudToDeviceMethod\":{\"methodName\":\"job\",\"payload\":{\"job\":%d}}}",
                 condition, number);
    } else {
        snprintf(out->body, sizeof(out->body),
                 "{\"type\":\"scheduleUpdateTwin\",\"queryCondition\":\"%s\",\"updateTwin\":"
                 "{\"etag\":\"*\",\"tags\":{\"job%d\":%d}}}",
                 condition, number % LOAD_JOB_SLOTS, number);
    }
    return true;
}

static bool ask_queries(struct load *load, struct load_caller *caller, struct request *out)
{
    caller->subject = 0;
    out->method = "POST";
    snprintf(out->path, sizeof(out->path), "/devices/query");
    snprintf(out->body, sizeof(out->body),
             "{\"query\":\"SELECT %s FROM devices WHERE tags.number >= %d\"}",
             chance_one_in(&load->chance, 2) ? "COUNT() AS n" : "*",
             chance_below(&load->chance, 100));
    return true;
}

static bool fill(struct load *load, struct load_caller *caller, struct request *out)
{
    switch (caller->role) {
    case LOAD_TWINS:
        return ask_twins(load, caller, out);
    case LOAD_REGISTRY:
        return ask_registry(load, caller, out);
    case LOAD_MAIL:
        return ask_mail(load, caller, out);
    case LOAD_METHODS:
        return ask_methods(load, caller, out);
    case LOAD_JOBS:
        return ask_jobs(load, caller, out);
    case LOAD_QUERIES:
        return ask_queries(load, caller, out);
    case LOAD_ROLES:
        break;
    }
    return false;
}

void load_ask(struct load *load)
{
    int64_t now_ms = scene_now_ms();
    for (int i = 0; i < LOAD_ROLES; i++) {
        struct load_caller *caller = &load->callers[i];
        struct request request = {.method = NULL};
        if (caller->is_open && !caller->is_busy && now_ms >= caller->due_ms &&
            fill(load, caller, &request)) {
            caller->due_ms = now_ms + load->pause_ms;
            caller->is_busy =
                http_peer_send(&caller->peer, request.method, request.path, request.body);
        }
    }
}

/* ---- what is answered ---- */

/* Some answers are no failures: a queue may be full, a device not connected just now. */
static bool is_expected(enum load_role role, int status)
{
    switch (role) {
    case LOAD_MAIL:
        return status == QUEUE_IS_FULL;
    case LOAD_METHODS:
        return status == MISSING || status == TOO_LATE;
    case LOAD_TWINS:
    case LOAD_REGISTRY:
    case LOAD_JOBS:
    case LOAD_QUERIES:
    case LOAD_ROLES:
        break;
    }
    return false;
}

static void note_success(struct load *load, const struct load_caller *caller)
{
    int at = caller->subject;
    load->n_done[caller->role]++;
    switch (caller->role) {
    case LOAD_TWINS:
        load->devices[at].written_acked = load->devices[at].written;
        break;
    case LOAD_REGISTRY:
        load->churn[at] = load->churn[at] == CHURN_CREATING ? CHURN_THERE : CHURN_GONE;
        break;
    case LOAD_MAIL:
        load->mails[at].is_accepted = true;
        break;
    case LOAD_JOBS:
        load->jobs[at].is_accepted = true;
        break;
    case LOAD_METHODS:
    case LOAD_QUERIES:
    case LOAD_ROLES:
        break;
    }
}

void load_take_answers(struct load *load, struct load_caller *caller)
{
    static const char *const names[LOAD_ROLES] = {"twin",   "registry", "message",
                                                  "method", "job",      "query"};
    struct http_reply reply = {0};
    while (http_peer_look(&caller->peer, &reply)) {
        assert_true(caller->is_busy);
        caller->is_busy = false;
        if (reply.status >= 200 && reply.status < 300) {
            note_success(load, caller);
        } else if (!is_expected(caller->role, reply.status)) {
            load_note_refusal(load, names[caller->role], reply.status, reply.body);
        }
    }
}
