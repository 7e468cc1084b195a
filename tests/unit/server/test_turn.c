/*
 * Timers of the loop, with a clock that stands still.
 */
#include "support.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/turn.h"

struct bench {
    struct turn turn;
    struct turn_timer first;
    struct turn_timer second;
    int n_fired; /* of the first */
};

static int set_up(void **state)
{
    struct bench *b = mem_alloc(sizeof(*b));
    struct buf error = {.cap = BUF_CAP_OWN};
    const struct hub_options options = {.n_names = 0};
    log_set_level(LOG_ERROR);
    clock_fake(&b->turn.clock, 1000);
    assert_true(hub_open(&options, clock_read(&b->turn.clock), &error, &b->turn.hub));
    assert_true(turn_init(&b->turn));
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    turn_finish(&b->turn);
    hub_close(b->turn.hub);
    free(b);
    return 0;
}

static void end_turns(struct turn *turn, struct turn_timer *timer)
{
    (void)timer;
    turn_end(turn);
}

static void fire_again(struct turn *turn, struct turn_timer *timer)
{
    struct bench *b = CONTAINER_OF(timer, struct bench, first);
    if (++b->n_fired == 3) {
        turn_end(turn);
    } else {
        turn_set_timer(turn, timer, turn->now.now_ms);
    }
}

/* If it had to wait for the clock, this would not end. */
static void timer_that_goes_on_gets_the_next_turn_at_once(void **state)
{
    struct bench *b = *state;
    b->first.fire = fire_again;
    turn_set_timer(&b->turn, &b->first, b->turn.now.now_ms);
    assert_true(turn_run(&b->turn));
    assert_int_equal(b->n_fired, 3);
}

static void fire_and_take_back(struct turn *turn, struct turn_timer *timer)
{
    struct bench *b = CONTAINER_OF(timer, struct bench, first);
    b->n_fired++;
    turn_set_timer(turn, timer, turn->now.now_ms);
    turn_clear_timer(turn, timer);
    b->second.fire = end_turns;
    turn_set_timer(turn, &b->second, turn->now.now_ms);
}

static void timer_that_is_cleared_does_not_go_on(void **state)
{
    struct bench *b = *state;
    b->first.fire = fire_and_take_back;
    turn_set_timer(&b->turn, &b->first, b->turn.now.now_ms);
    assert_true(turn_run(&b->turn));
    assert_int_equal(b->n_fired, 1);
}

static void fire_and_put_off(struct turn *turn, struct turn_timer *timer)
{
    struct bench *b = CONTAINER_OF(timer, struct bench, first);
    b->n_fired++;
    turn_set_timer(turn, timer, turn->now.now_ms);
    turn_set_timer(turn, timer, turn->now.now_ms + 1);
    b->second.fire = end_turns;
    turn_set_timer(turn, &b->second, turn->now.now_ms);
}

static void the_last_time_that_is_set_counts(void **state)
{
    struct bench *b = *state;
    b->first.fire = fire_and_put_off;
    turn_set_timer(&b->turn, &b->first, b->turn.now.now_ms);
    assert_true(turn_run(&b->turn));
    assert_int_equal(b->n_fired, 1);
    turn_clear_timer(&b->turn, &b->first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timer_that_goes_on_gets_the_next_turn_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(timer_that_is_cleared_does_not_go_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_last_time_that_is_set_counts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
