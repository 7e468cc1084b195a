/*
 * The emulator is killed at any moment of mixed work: what it has acknowledged is there at the
 * next start, once, and nothing else is lost or done twice.
 *
 * IOTHUB_TEST_ROUNDS says how many kills, IOTHUB_TEST_SEED which; ./dev break sets the first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "reliability/load.h"
#include "reliability/load_check.h"

enum {
    DEVICES = 6,
    ROUNDS = 5,
    LIFE_MIN_MS = 20,
    LIFE_SPREAD_MS = 600,
};

static void play_round(struct load *load, int64_t round)
{
    int life_ms = LIFE_MIN_MS + chance_below(&load->chance, LIFE_SPREAD_MS);
    uint64_t n_before = load->n_acked;
    if (round == 1) {
        load_connect(load);
    } else {
        load_open_callers(load);
    }
    load_run(load, scene_now_ms() + life_ms);
    process_kill(load->e->process);
    load_hear_out(load);
    load_check_file(load);
    emulator_start(load->e, TEXTS("--log-level", "warning"));
    load_check_hub(load);
    print_message("kill %d after %d ms: %d events, %d messages, %d jobs so far\n", (int)round,
                  life_ms, (int)(load->n_acked - n_before), load->n_mails, load->n_jobs);
    if (load->n_refused != 0) {
        fail_msg("%d requests were refused; the last one: %s", load->n_refused, load->refusal);
    }
}

static void what_was_acknowledged_survives_any_kill(void **state)
{
    struct emulator e;
    struct load *load = mem_alloc(sizeof(*load));
    int64_t n_rounds = environment_number("IOTHUB_TEST_ROUNDS", ROUNDS);
    struct chance chance = chance_begin();
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS("--log-level", "warning"));
    load_init(load, &e, chance, DEVICES);
    for (int64_t round = 1; round <= n_rounds; round++) {
        play_round(load, round);
    }
    /* A round of no work would prove nothing. */
    assert_true(load->n_acked != 0 && load->n_taken != 0 && load->n_called != 0);
    for (int i = 0; i < LOAD_ROLES; i++) {
        assert_true(load->n_done[i] != 0);
    }
    load_finish(load);
    free(load);
    emulator_stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(what_was_acknowledged_survives_any_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
