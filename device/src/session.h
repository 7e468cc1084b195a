/*
 * When to connect, give up, renew and come back: the client's life as a machine of states.
 *
 * It knows neither sockets nor clocks: times and random bits are arguments, and session_tick()
 * answers what the caller is to do.
 */
#ifndef DEVICE_SRC_SESSION_H
#define DEVICE_SRC_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "device/src/backoff.h"
#include "device/src/credential.h"

/* DISCONNECT is given this long to leave. */
#define SESSION_LEAVE_MS 2000

enum session_state {
    SESSION_IDLE,
    SESSION_WAITING,     /* due: the next attempt */
    SESSION_OPENING,     /* until the hub accepts or refuses; due: the attempt's end */
    SESSION_SUBSCRIBING, /* accepted, SUBACK is awaited; due as before */
    SESSION_CONNECTED,
    SESSION_RENEWING, /* leaving to return at once with a new token; due: the end of patience */
    SESSION_LEAVING,  /* leaving for good; due as before */
};

enum session_action {
    SESSION_NOTHING,
    SESSION_OPEN,    /* start an attempt */
    SESSION_ABANDON, /* the attempt took too long: drop the link and report it as lost */
    SESSION_LEAVE,   /* send DISCONNECT: the token is to be renewed */
    SESSION_DROP,    /* DISCONNECT took too long: drop the link and report it as lost */
};

struct session {
    enum session_state state;
    int64_t due_ms; /* of WAITING, OPENING, SUBSCRIBING, RENEWING, LEAVING */
    int64_t connect_timeout_ms;
    struct backoff backoff;
    struct renewal renewal; /* of the token in use */
    int64_t up_since_ms;
    bool was_up; /* since session_start() */
};

/* What has become of a lost link. */
struct session_loss {
    bool is_refusal; /* the hub answered CONNECT with a refusal that trying again will not mend
                      */
    bool has_alternative; /* the host has further addresses to try at once */
};

/* False when it was started already. */
MUST_CHECK bool session_start(struct session *session, int64_t now_ms);

/* What is due now.  `is_busy` puts off the renewal for a while. */
MUST_CHECK enum session_action session_tick(struct session *session, int64_t now_ms,
                                            bool is_busy);

/* The hub has accepted the CONNECT that was made with a token of this renewal. */
void session_accepted(struct session *session, int64_t now_ms, struct renewal renewal);

/* There is a token that is better than the one in use: take it soon, or try it at once. */
void session_renew(struct session *session, int64_t now_ms);

/* All subscriptions have been granted. */
void session_subscribed(struct session *session);

/* The link is gone, whoever ended it. */
void session_lost(struct session *session, int64_t now_ms, const struct session_loss *loss,
                  uint64_t random);

/* End for good: SESSION_LEAVE, SESSION_DROP (nothing to take leave of yet) or SESSION_NOTHING.
 */
MUST_CHECK enum session_action session_stop(struct session *session, int64_t now_ms);

/* When session_tick() is to be called; NEVER_MS when only events matter. */
int64_t session_deadline_ms(const struct session *session, bool is_busy);

#endif
