/*
 * One turn of the loop.
 */
#include "server/turn.h"

#include <utlist.h>

#include "server/http_listener.h"
#include "server/mqtt_stream.h"

enum {
    /* Requests that arrive while answers leave are served at once, but others must have turns
       too. */
    OUTPUT_ROUNDS = 16,
    TURN_MS = 20,
};

static void on_alarm(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    turn_enter(ctx);
}

bool turn_init(struct turn *turn)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return false;
    }
    /* One thread: no locks.  The coarse clock would make short waits several times as long. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    turn->base = event_base_new_with_config(config);
    event_config_free(config);
    if (turn->base == NULL) {
        return false;
    }
    turn->alarm = evtimer_new(turn->base, on_alarm, turn);
    return turn->alarm != NULL;
}

void turn_finish(struct turn *turn)
{
    if (turn->alarm != NULL) {
        event_free(turn->alarm);
    }
    if (turn->base != NULL) {
        event_base_free(turn->base);
    }
    deadline_heap_finish(&turn->timers);
}

void turn_enter(struct turn *turn)
{
    if (!turn->has_entered) {
        turn->has_entered = true;
        turn->now = clock_read(&turn->clock);
        hub_turn(turn->hub, turn->now);
    }
}

static void forget_again(struct turn *turn, struct turn_timer *timer)
{
    if (timer->is_again) {
        timer->is_again = false;
        LL_DELETE2(turn->again, timer, next_again);
    }
}

void turn_set_timer(struct turn *turn, struct turn_timer *timer, int64_t due_ms)
{
    forget_again(turn, timer);
    if (!turn->is_firing || due_ms > turn->now.now_ms) {
        deadline_set(&turn->timers, &timer->deadline, due_ms);
        return;
    }
    /* One that wants to go on gets the next turn: else this one might never end. */
    deadline_clear(&turn->timers, &timer->deadline);
    timer->is_again = true;
    LL_PREPEND2(turn->again, timer, next_again);
}

void turn_clear_timer(struct turn *turn, struct turn_timer *timer)
{
    forget_again(turn, timer);
    deadline_clear(&turn->timers, &timer->deadline);
}

static void fire_timers(struct turn *turn)
{
    struct deadline *due = NULL;
    turn->is_firing = true;
    while ((due = deadline_heap_pop_due(&turn->timers, turn->now.now_ms)) != NULL) {
        struct turn_timer *timer = CONTAINER_OF(due, struct turn_timer, deadline);
        timer->fire(turn, timer);
    }
    turn->is_firing = false;
    while (turn->again != NULL) {
        turn_set_timer(turn, turn->again, turn->now.now_ms);
    }
}

static int64_t earliest_ms(const struct turn *turn)
{
    int64_t own = deadline_heap_next_ms(&turn->timers);
    int64_t hubs = hub_deadline_ms(turn->hub);
    return own < hubs ? own : hubs;
}

static void wait_and_take_in(struct turn *turn)
{
    int64_t due_ms = earliest_ms(turn);
    /* A turn that was late may have left some of either behind. */
    if (turn->mqtt_dirty != NULL || http_listeners_have_answers(turn->http_listeners)) {
        due_ms = turn->now.now_ms;
    }
    int64_t left_ms = due_ms == NEVER_MS ? NEVER_MS : due_ms - clock_read(&turn->clock).now_ms;
    if (left_ms <= 0) {
        /* Not by way of the alarm, which would ring a tick of the clock later. */
        event_base_loop(turn->base, EVLOOP_NONBLOCK);
        return;
    }
    if (left_ms != NEVER_MS) {
        struct timeval wait = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};
        evtimer_add(turn->alarm, &wait);
    } else {
        evtimer_del(turn->alarm);
    }
    event_base_loop(turn->base, EVLOOP_ONCE);
}

/* The first round is everybody's. */
static bool is_late(const struct turn *turn, int round)
{
    return round > 0 && clock_read(&turn->clock).now_ms - turn->now.now_ms > TURN_MS;
}

/*
 * Commit, then let out what may now be known.  Answering makes HTTP take in the next requests,
 * and the end of a connection may be news (its will), so there may be something to commit
 * again.
 */
static bool commit_and_put_out(struct turn *turn)
{
    for (int round = 0; round < OUTPUT_ROUNDS && !is_late(turn, round); round++) {
        hub_tick(turn->hub);
        if (!hub_commit(turn->hub)) {
            return false;
        }
        bool has_ended_one = mqtt_streams_put_out(turn);
        if (!has_ended_one && !http_listeners_have_answers(turn->http_listeners)) {
            return true;
        }
        http_listeners_put_out(turn->http_listeners);
    }
    return hub_commit(turn->hub);
}

bool turn_run(struct turn *turn)
{
    while (!turn->is_ending) {
        wait_and_take_in(turn);
        turn_enter(turn);
        fire_timers(turn);
        if (!commit_and_put_out(turn)) {
            return false;
        }
        turn->has_entered = false;
    }
    return true;
}

void turn_end(struct turn *turn)
{
    turn->is_ending = true;
}
