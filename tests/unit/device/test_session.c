/*
 * Sessions: when a client connects, gives up, comes back and renews its token; and the pauses
 * between attempts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "device/src/session.h"

static const struct session_loss lost = {0};
static const struct session_loss refused = {.is_refusal = true};
static const struct session_loss next_address = {.has_alternative = true};

static struct session make(void)
{
    return (struct session){
        .connect_timeout_ms = 30000,
        .backoff = {.min_ms = 1000, .max_ms = 30000},
        .renewal = renewal_none(),
    };
}

/* A session whose first attempt began at 0. */
static struct session opening(void)
{
    struct session session = make();
    assert_true(session_start(&session, 0));
    assert_int_equal(session_tick(&session, 0, false), SESSION_OPEN);
    return session;
}

static struct session connected(struct renewal renewal)
{
    struct session session = opening();
    session_accepted(&session, 0, renewal);
    session_subscribed(&session);
    assert_int_equal(session.state, SESSION_CONNECTED);
    return session;
}

static void started_session_opens_at_once(void **state)
{
    (void)state;
    struct session session = make();
    assert_int_equal(session_tick(&session, 0, false), SESSION_NOTHING);
    assert_true(session_start(&session, 50));
    assert_int_equal(session_deadline_ms(&session, false), 50);
    assert_int_equal(session_tick(&session, 50, false), SESSION_OPEN);
    assert_int_equal(session_tick(&session, 50, false), SESSION_NOTHING);
}

static void session_is_started_once(void **state)
{
    (void)state;
    struct session session = opening();
    assert_false(session_start(&session, 1));
}

static void attempt_that_takes_too_long_is_abandoned(void **state)
{
    (void)state;
    struct session session = opening();
    assert_int_equal(session_tick(&session, 29999, false), SESSION_NOTHING);
    assert_int_equal(session_tick(&session, 30000, false), SESSION_ABANDON);
}

static void missing_suback_is_abandoned_too(void **state)
{
    (void)state;
    struct session session = opening();
    session_accepted(&session, 29000, renewal_none());
    assert_int_equal(session_tick(&session, 30000, false), SESSION_ABANDON);
}

static void failed_attempt_is_followed_by_another_after_the_pause(void **state)
{
    (void)state;
    struct session session = opening();
    session_lost(&session, 100, &lost, 700);
    assert_int_equal(session.state, SESSION_WAITING);
    assert_int_equal(session_deadline_ms(&session, false), 800);
    assert_int_equal(session_tick(&session, 799, false), SESSION_NOTHING);
    assert_int_equal(session_tick(&session, 800, false), SESSION_OPEN);
}

static void next_address_is_tried_without_a_pause(void **state)
{
    (void)state;
    struct session session = opening();
    session_lost(&session, 100, &next_address, 700);
    assert_int_equal(session_tick(&session, 100, false), SESSION_OPEN);
    assert_int_equal(session.backoff.n_failures, 0);
}

static void refusal_of_the_first_connection_ends_the_session(void **state)
{
    (void)state;
    struct session session = opening();
    session_lost(&session, 100, &refused, 700);
    assert_int_equal(session.state, SESSION_IDLE);
    assert_true(session_deadline_ms(&session, false) == NEVER_MS);
}

static void refusal_after_failures_still_ends_the_session(void **state)
{
    (void)state;
    struct session session = opening();
    session_lost(&session, 0, &lost, 0);
    assert_int_equal(session_tick(&session, 0, false), SESSION_OPEN);
    session_lost(&session, 0, &refused, 0);
    assert_int_equal(session.state, SESSION_IDLE);
}

static void refusal_after_a_connection_is_retried(void **state)
{
    (void)state;
    struct session session = connected(renewal_none());
    session_lost(&session, 1000, &lost, 0);
    assert_int_equal(session_tick(&session, 1000, false), SESSION_OPEN);
    session_lost(&session, 1100, &refused, 0);
    assert_int_equal(session.state, SESSION_WAITING);
}

static void restarted_session_forgets_that_it_was_connected(void **state)
{
    (void)state;
    struct session session = connected(renewal_none());
    assert_int_equal(session_stop(&session, 10), SESSION_LEAVE);
    session_lost(&session, 11, &lost, 0);
    assert_int_equal(session.state, SESSION_IDLE);
    assert_true(session_start(&session, 12));
    assert_int_equal(session_tick(&session, 12, false), SESSION_OPEN);
    session_lost(&session, 13, &refused, 0);
    assert_int_equal(session.state, SESSION_IDLE);
}

static void hub_that_hangs_up_at_once_meets_growing_pauses(void **state)
{
    (void)state;
    struct session session = opening();
    int64_t now_ms = 0;
    int64_t pauses[4] = {0};
    for (int i = 0; i < 4; i++) {
        session_accepted(&session, now_ms, renewal_none());
        session_subscribed(&session);
        /* The largest pause: random bits that are the ceiling itself. */
        session_lost(&session, now_ms, &lost, (uint64_t)backoff_ceiling_ms(&session.backoff));
        pauses[i] = session_deadline_ms(&session, false) - now_ms;
        now_ms += pauses[i];
        assert_int_equal(session_tick(&session, now_ms, false), SESSION_OPEN);
    }
    assert_int_equal(pauses[0], 1000);
    assert_int_equal(pauses[1], 2000);
    assert_int_equal(pauses[2], 4000);
    assert_int_equal(pauses[3], 8000);
}

static void connection_that_lasted_resets_the_pauses(void **state)
{
    (void)state;
    struct session session = connected(renewal_none());
    session.backoff.n_failures = 5;
    session_lost(&session, 30000, &lost, 1000);
    assert_int_equal(session_deadline_ms(&session, false), 31000);
}

static void quiet_client_renews_at_80_percent(void **state)
{
    (void)state;
    struct session session = connected(renewal_of(0, 3600));
    assert_int_equal(session_deadline_ms(&session, false), 2880000);
    assert_int_equal(session_tick(&session, 2879999, false), SESSION_NOTHING);
    assert_int_equal(session_tick(&session, 2880000, false), SESSION_LEAVE);
    session_lost(&session, 2880010, &lost, 12345);
    assert_int_equal(session_tick(&session, 2880010, false), SESSION_OPEN);
}

static void busy_client_renews_at_85_percent(void **state)
{
    (void)state;
    struct session session = connected(renewal_of(0, 3600));
    assert_int_equal(session_deadline_ms(&session, true), 3060000);
    assert_int_equal(session_tick(&session, 2880000, true), SESSION_NOTHING);
    assert_int_equal(session_tick(&session, 3060000, true), SESSION_LEAVE);
}

static void renewal_that_cannot_leave_drops_the_link(void **state)
{
    (void)state;
    struct session session = connected(renewal_of(0, 10));
    assert_int_equal(session_tick(&session, 8000, false), SESSION_LEAVE);
    assert_int_equal(session_tick(&session, 8000 + SESSION_LEAVE_MS, false), SESSION_DROP);
}

static void connection_without_a_token_of_its_own_is_not_renewed(void **state)
{
    (void)state;
    struct session session = connected(renewal_none());
    assert_true(session_deadline_ms(&session, false) == NEVER_MS);
}

static void stopping_takes_leave_only_of_a_hub_that_accepted(void **state)
{
    (void)state;
    struct session idle = make();
    assert_int_equal(session_stop(&idle, 0), SESSION_NOTHING);

    struct session halfway = opening();
    assert_int_equal(session_stop(&halfway, 0), SESSION_DROP);
    assert_int_equal(halfway.state, SESSION_IDLE);

    struct session waiting = opening();
    session_lost(&waiting, 0, &lost, 500);
    assert_int_equal(session_stop(&waiting, 0), SESSION_NOTHING);
    assert_int_equal(waiting.state, SESSION_IDLE);

    struct session up = connected(renewal_none());
    assert_int_equal(session_stop(&up, 100), SESSION_LEAVE);
    assert_int_equal(session_stop(&up, 100), SESSION_NOTHING);
    assert_int_equal(session_tick(&up, 100 + SESSION_LEAVE_MS, false), SESSION_DROP);
}

static void stopping_during_a_renewal_does_not_return(void **state)
{
    (void)state;
    struct session session = connected(renewal_of(0, 10));
    assert_int_equal(session_tick(&session, 8000, false), SESSION_LEAVE);
    assert_int_equal(session_stop(&session, 8001), SESSION_NOTHING);
    session_lost(&session, 8002, &lost, 0);
    assert_int_equal(session.state, SESSION_IDLE);
}

static void ceiling_doubles_up_to_the_maximum(void **state)
{
    (void)state;
    struct backoff backoff = {.min_ms = 1000, .max_ms = 30000};
    const int64_t wanted[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(backoff_ceiling_ms(&backoff), wanted[i]);
        (void)backoff_next_ms(&backoff, 0);
    }
    backoff_reset(&backoff);
    assert_int_equal(backoff_ceiling_ms(&backoff), 1000);
}

static void many_failures_do_not_overflow(void **state)
{
    (void)state;
    struct backoff backoff = {.min_ms = 1, .max_ms = 3600000, .n_failures = 4000000000U};
    assert_int_equal(backoff_ceiling_ms(&backoff), 3600000);
}

static void pauses_cover_everything_from_zero_to_the_ceiling(void **state)
{
    (void)state;
    struct backoff backoff = {.min_ms = 1000, .max_ms = 1000};
    assert_int_equal(backoff_next_ms(&backoff, 0), 0);
    assert_int_equal(backoff_next_ms(&backoff, 1000), 1000);
    assert_int_equal(backoff_next_ms(&backoff, 1001), 0);
    assert_in_range(backoff_next_ms(&backoff, UINT64_MAX), 0, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(started_session_opens_at_once),
        cmocka_unit_test(session_is_started_once),
        cmocka_unit_test(attempt_that_takes_too_long_is_abandoned),
        cmocka_unit_test(missing_suback_is_abandoned_too),
        cmocka_unit_test(failed_attempt_is_followed_by_another_after_the_pause),
        cmocka_unit_test(next_address_is_tried_without_a_pause),
        cmocka_unit_test(refusal_of_the_first_connection_ends_the_session),
        cmocka_unit_test(refusal_after_failures_still_ends_the_session),
        cmocka_unit_test(refusal_after_a_connection_is_retried),
        cmocka_unit_test(restarted_session_forgets_that_it_was_connected),
        cmocka_unit_test(hub_that_hangs_up_at_once_meets_growing_pauses),
        cmocka_unit_test(connection_that_lasted_resets_the_pauses),
        cmocka_unit_test(quiet_client_renews_at_80_percent),
        cmocka_unit_test(busy_client_renews_at_85_percent),
        cmocka_unit_test(renewal_that_cannot_leave_drops_the_link),
        cmocka_unit_test(connection_without_a_token_of_its_own_is_not_renewed),
        cmocka_unit_test(stopping_takes_leave_only_of_a_hub_that_accepted),
        cmocka_unit_test(stopping_during_a_renewal_does_not_return),
        cmocka_unit_test(ceiling_doubles_up_to_the_maximum),
        cmocka_unit_test(many_failures_do_not_overflow),
        cmocka_unit_test(pauses_cover_everything_from_zero_to_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
