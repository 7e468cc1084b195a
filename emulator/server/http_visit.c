/*
 * Deadlines of an HTTP connection: each is one timer's next moment.
 */
#include "server/http_visit.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "iothub/limits.h"

enum {
    SECOND_MS = 1000,
};

/* The library sees the end, and closes. */
static void on_timer(struct turn *turn, struct turn_timer *timer)
{
    struct http_visit *visit = CONTAINER_OF(timer, struct http_visit, timer);
    (void)turn;
    log_info("closing an HTTP connection that is too slow");
    (void)shutdown(visit->fd, SHUT_RDWR);
}

static void set(struct http_visit *visit, int64_t due_ms)
{
    if (!visit->is_upgraded) {
        turn_set_timer(visit->turn, &visit->timer, due_ms);
    }
}

static int64_t in_s(const struct http_visit *visit, int64_t s)
{
    return visit->turn->now.now_ms + s * SECOND_MS;
}

struct http_visit *http_visit_create(struct turn *turn, struct hub_certificate *certificate)
{
    struct http_visit *visit = mem_alloc(sizeof(*visit));
    visit->turn = turn;
    visit->certificate = certificate;
    visit->timer.fire = on_timer;
    visit->fd = -1;
    return visit;
}

void http_visit_destroy(struct http_visit *visit)
{
    turn_clear_timer(visit->turn, &visit->timer);
    free(visit->certificate);
    free(visit);
}

void http_visit_begin(struct http_visit *visit, int fd)
{
    visit->fd = fd;
    set(visit, in_s(visit, HTTP_REQUEST_S));
}

void http_visit_hear(struct http_visit *visit)
{
    visit->allowed_ms = in_s(visit, HTTP_REQUEST_S);
    /* The first request of a connection gets no more time for having begun late. */
    if (visit->timer.deadline.due_ms > visit->allowed_ms) {
        set(visit, visit->allowed_ms);
    }
}

void http_visit_hear_body(struct http_visit *visit, size_t len)
{
    visit->allowed_ms += (int64_t)len * SECOND_MS / HTTP_BODY_BYTES_PER_S;
    set(visit, visit->allowed_ms);
}

void http_visit_heard(struct http_visit *visit)
{
    turn_clear_timer(visit->turn, &visit->timer);
}

void http_visit_answer(struct http_visit *visit)
{
    set(visit, in_s(visit, HTTP_ANSWER_S));
}

void http_visit_answered(struct http_visit *visit)
{
    /* The library ends it when it is silent for so long; its next line may be slow, too. */
    set(visit, in_s(visit, HTTP_IDLE_S + HTTP_REQUEST_S));
}

void http_visit_upgrade(struct http_visit *visit)
{
    visit->is_upgraded = true;
    turn_clear_timer(visit->turn, &visit->timer);
}
