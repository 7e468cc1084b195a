/*
 * The list of open twin requests.
 */
#include "device/src/requests.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

void request_destroy(struct request *request)
{
    if (request == NULL) {
        return;
    }
    free(request->patch);
    free(request);
}

void requests_finish(struct requests *requests)
{
    if (requests == NULL) {
        return;
    }
    while (requests->first != NULL) {
        struct request *next = requests->first->next;
        request_destroy(requests->first);
        requests->first = next;
    }
    *requests = (struct requests){.last_rid = requests->last_rid};
}

void requests_add(struct requests *requests, const char *patch, int64_t due_ms,
                  iothub_device_twin_fn fn, void *ctx)
{
    struct request *request = mem_alloc(sizeof(*request));
    *request = (struct request){.rid = ++requests->last_rid,
                                .patch = mem_dup_text(patch),
                                .due_ms = due_ms,
                                .fn = fn,
                                .ctx = ctx};
    if (requests->last != NULL) {
        requests->last->next = request;
    } else {
        requests->first = request;
    }
    requests->last = request;
    requests->n_items++;
}

void requests_forget_sent(struct requests *requests)
{
    for (struct request *r = requests->first; r != NULL; r = r->next) {
        r->is_sent = false;
    }
}

struct request *requests_next_unsent(const struct requests *requests)
{
    struct request *r = requests->first;
    while (r != NULL && r->is_sent) {
        r = r->next;
    }
    return r;
}

static struct request *unlink_request(struct requests *requests, struct request *before,
                                      struct request *request)
{
    if (before != NULL) {
        before->next = request->next;
    } else {
        requests->first = request->next;
    }
    if (requests->last == request) {
        requests->last = before;
    }
    requests->n_items--;
    return request;
}

struct request *requests_take(struct requests *requests, struct slice rid)
{
    int64_t wanted = 0;
    if (!slice_to_i64(rid, &wanted)) {
        return NULL;
    }
    struct request *before = NULL;
    for (struct request *r = requests->first; r != NULL; r = r->next) {
        if (r->rid == (uint64_t)wanted) {
            return unlink_request(requests, before, r);
        }
        before = r;
    }
    return NULL;
}

struct request *requests_take_due(struct requests *requests, int64_t now_ms)
{
    if (now_ms < requests_deadline_ms(requests)) {
        return NULL;
    }
    return unlink_request(requests, NULL, requests->first);
}

int64_t requests_deadline_ms(const struct requests *requests)
{
    return requests->first == NULL ? NEVER_MS : requests->first->due_ms;
}
