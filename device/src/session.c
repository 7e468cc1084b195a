/*
 * The states of a connection and the times that drive them.
 */
#include "device/src/session.h"

#include "base/clock.h"

enum {
    RENEWAL_PATIENCE_MS = 2000, /* with what is under way just then */
};

bool session_start(struct session *session, int64_t now_ms)
{
    if (session->state != SESSION_IDLE) {
        return false;
    }
    session->state = SESSION_WAITING;
    session->due_ms = now_ms;
    session->was_up = false;
    backoff_reset(&session->backoff);
    return true;
}

static int64_t renewal_due_ms(const struct session *session, bool is_busy)
{
    return is_busy ? session->renewal.until_ms : session->renewal.from_ms;
}

static enum session_action act(struct session *session, int64_t now_ms)
{
    switch (session->state) {
    case SESSION_IDLE:
        return SESSION_NOTHING;
    case SESSION_WAITING:
        session->state = SESSION_OPENING;
        session->due_ms = now_ms + session->connect_timeout_ms;
        return SESSION_OPEN;
    case SESSION_OPENING:
    case SESSION_SUBSCRIBING:
        return SESSION_ABANDON;
    case SESSION_CONNECTED:
        session->state = SESSION_RENEWING;
        session->due_ms = now_ms + SESSION_LEAVE_MS;
        return SESSION_LEAVE;
    case SESSION_RENEWING:
    case SESSION_LEAVING:
        return SESSION_DROP;
    }
    return SESSION_NOTHING;
}

enum session_action session_tick(struct session *session, int64_t now_ms, bool is_busy)
{
    if (now_ms < session_deadline_ms(session, is_busy)) {
        return SESSION_NOTHING;
    }
    return act(session, now_ms);
}

void session_accepted(struct session *session, int64_t now_ms, struct renewal renewal)
{
    if (session->state != SESSION_OPENING) {
        return;
    }
    session->state = SESSION_SUBSCRIBING;
    session->renewal = renewal;
    session->up_since_ms = now_ms;
    session->was_up = true;
}

void session_renew(struct session *session, int64_t now_ms)
{
    if (session->state == SESSION_CONNECTED) {
        session->renewal = (struct renewal){now_ms, now_ms + RENEWAL_PATIENCE_MS};
    } else if (session->state == SESSION_WAITING) {
        session->due_ms = now_ms;
    }
}

void session_subscribed(struct session *session)
{
    if (session->state == SESSION_SUBSCRIBING) {
        session->state = SESSION_CONNECTED;
    }
}

static void wait_for_next(struct session *session, int64_t now_ms, int64_t pause_ms)
{
    session->state = SESSION_WAITING;
    session->due_ms = now_ms + pause_ms;
}

static void lost_while_opening(struct session *session, int64_t now_ms,
                               const struct session_loss *loss, uint64_t random)
{
    if (loss->is_refusal && !session->was_up) {
        session->state = SESSION_IDLE;
    } else if (loss->has_alternative) {
        wait_for_next(session, now_ms, 0);
    } else {
        wait_for_next(session, now_ms, backoff_next_ms(&session->backoff, random));
    }
}

void session_lost(struct session *session, int64_t now_ms, const struct session_loss *loss,
                  uint64_t random)
{
    switch (session->state) {
    case SESSION_IDLE:
    case SESSION_WAITING:
        break;
    case SESSION_OPENING:
        lost_while_opening(session, now_ms, loss, random);
        break;
    case SESSION_SUBSCRIBING:
    case SESSION_CONNECTED:
        /* A hub that accepts and then hangs up must not see its devices return at full speed.
         */
        if (now_ms - session->up_since_ms >= session->backoff.max_ms) {
            backoff_reset(&session->backoff);
        }
        wait_for_next(session, now_ms, backoff_next_ms(&session->backoff, random));
        break;
    case SESSION_RENEWING:
        wait_for_next(session, now_ms, 0);
        break;
    case SESSION_LEAVING:
        session->state = SESSION_IDLE;
        break;
    }
}

enum session_action session_stop(struct session *session, int64_t now_ms)
{
    switch (session->state) {
    case SESSION_IDLE:
    case SESSION_LEAVING:
        return SESSION_NOTHING;
    case SESSION_WAITING:
        session->state = SESSION_IDLE;
        return SESSION_NOTHING;
    case SESSION_OPENING:
        session->state = SESSION_IDLE;
        return SESSION_DROP;
    case SESSION_SUBSCRIBING:
    case SESSION_CONNECTED:
        session->state = SESSION_LEAVING;
        session->due_ms = now_ms + SESSION_LEAVE_MS;
        return SESSION_LEAVE;
    case SESSION_RENEWING:
        session->state = SESSION_LEAVING;
        return SESSION_NOTHING;
    }
    return SESSION_NOTHING;
}

int64_t session_deadline_ms(const struct session *session, bool is_busy)
{
    if (session->state == SESSION_IDLE) {
        return NEVER_MS;
    }
    if (session->state == SESSION_CONNECTED) {
        return renewal_due_ms(session, is_busy);
    }
    return session->due_ms;
}
