/*
 * Twin requests that wait for their answer, in the order they were made.
 *
 * Both requests may be made twice without harm, so one whose connection broke is simply sent
 * again over the next one, under the same id, until its time is up.
 */
#ifndef DEVICE_SRC_REQUESTS_H
#define DEVICE_SRC_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "iothub/device.h"

#define REQUESTS_MAX 1000

struct request {
    struct request *next;
    uint64_t rid;
    char *patch; /* of a report; NULL for a get */
    int64_t due_ms;
    bool is_sent; /* over the connection there is now */
    iothub_device_twin_fn fn;
    void *ctx;
};

/* {0} is empty. */
struct requests {
    struct request *first;
    struct request *last;
    size_t n_items;
    uint64_t last_rid;
};

void requests_finish(struct requests *requests);

/*
 * Append a request.  Requests get the same time each, so that the first is the first due.
 * @param patch  copied; NULL for a get.
 */
void requests_add(struct requests *requests, const char *patch, int64_t due_ms,
                  iothub_device_twin_fn fn, void *ctx);

/* The connection is lost: all are to be sent again. */
void requests_forget_sent(struct requests *requests);

/* The first that is not sent yet; NULL when all are. */
struct request *requests_next_unsent(const struct requests *requests);

/* Take out the request with that id as it stands in a topic; NULL when there is none. */
struct request *requests_take(struct requests *requests, struct slice rid);

/* Take out the first when its time is up; NULL when it is not. */
struct request *requests_take_due(struct requests *requests, int64_t now_ms);

/* NEVER_MS when empty. */
int64_t requests_deadline_ms(const struct requests *requests);

void request_destroy(struct request *request);

#endif
