/*
 * The loop: one turn after the other, each with its own moment and one commit.
 *
 *     wait    until a descriptor is ready or the earliest timer is due
 *     intake  bytes go through the gateways into the hub; nothing leaves
 *     time    timers that are due, with the same moment
 *     commit  one, if anything was written
 *     output  what the gateways have for their peers goes to the sockets
 *
 * Whoever is called by the event loop calls turn_enter() first.
 */
#ifndef SERVER_TURN_H
#define SERVER_TURN_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/macros.h"
#include "hub/hub.h"
#include "server/admission.h"

struct faults;
struct http_listener;
struct mqtt_stream;
struct turn;

/* Something that happens at a time in the turns; embedded. */
struct turn_timer {
    struct deadline deadline;
    void (*fire)(struct turn *turn, struct turn_timer *timer);
    struct turn_timer *next_again;
    bool is_again; /* it goes on in the next turn, which is then to begin at once */
};

struct turn {
    struct event_base *base;
    struct hub *hub;
    struct faults *faults; /* that devices have asked for; NULL: they may not */
    struct clock clock;
    struct moment now;
    bool has_entered;
    bool is_ending;
    bool is_firing;      /* timers are fired just now */
    struct event *alarm; /* wakes the loop for the earliest timer */
    struct deadline_heap timers;
    struct turn_timer *again;

    struct mqtt_stream *mqtt_streams;
    struct mqtt_stream *mqtt_dirty; /* have output, or are over */
    struct http_listener *http_listeners;
    struct admission admission;
    size_t n_body_bytes; /* of requests that are held */
};

/* The hub is opened by the caller before the first turn. */
MUST_CHECK bool turn_init(struct turn *turn);

/* All connections and listeners must be gone. */
void turn_finish(struct turn *turn);

/* The turn begins, if it has not yet: its moment is read. */
void turn_enter(struct turn *turn);

void turn_set_timer(struct turn *turn, struct turn_timer *timer, int64_t due_ms);
void turn_clear_timer(struct turn *turn, struct turn_timer *timer);

/**
 * Turn until turn_end() or until the hub cannot commit.
 * @return false in the latter case; hub_error_text() says why.
 */
MUST_CHECK bool turn_run(struct turn *turn);

void turn_end(struct turn *turn);

#endif
