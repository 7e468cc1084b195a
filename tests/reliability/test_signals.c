/*
 * Signals in the middle of mixed work: the emulator ends soon, well and without losing what it
 * has acknowledged, or is not disturbed.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "reliability/load.h"
#include "reliability/load_check.h"

enum {
    DEVICES = 6,
    WORK_MS = 200,
    /* Far above what it takes; a connection that is waited for would take longer still. */
    END_MS = 10000,
    ENDED_BY_SIGTERM = 128 + SIGTERM,
};

static struct load *begin(struct emulator *e, void **state)
{
    struct load *load = mem_alloc(sizeof(*load));
    emulator_init(e, *state);
    emulator_start(e, TEXTS("--log-level", "info"));
    load_init(load, e, chance_begin(), DEVICES);
    load_connect(load);
    load_run(load, scene_now_ms() + WORK_MS);
    assert_true(load->n_acked != 0);
    return load;
}

/* What was not answered yet was told so: that is no loss. */
static void expect_all_there(struct load *load)
{
    load_check_file(load);
    emulator_start(load->e, TEXTS("--log-level", "info"));
    load_check_hub(load);
    load_finish(load);
    emulator_stop(load->e);
    free(load);
}

static void expect_good_end(void **state, int number)
{
    struct emulator e;
    struct load *load = begin(&e, state);
    process_signal(e.process, number);
    int64_t begin_ms = scene_now_ms();
    load_run_to_end(load);
    process_end_with(e.process, 0);
    assert_in_range(scene_now_ms() - begin_ms, 0, END_MS);
    assert_false(scene_has(e.scene, "ready.json"));
    expect_all_there(load);
}

static void sigterm_under_load_ends_it_well(void **state)
{
    expect_good_end(state, SIGTERM);
}

static void sigint_under_load_ends_it_well(void **state)
{
    expect_good_end(state, SIGINT);
}

static void second_sigterm_ends_it_at_once(void **state)
{
    struct emulator e;
    struct load *load = begin(&e, state);
    process_signal(e.process, SIGTERM);
    process_wait_for(e.process, PROCESS_ERR, "ending: Terminated");
    (void)kill(e.process->pid, SIGTERM); /* it may have ended by now */
    load_run_to_end(load);
    int code = process_end(e.process);
    assert_true(code == 0 || code == ENDED_BY_SIGTERM);
    expect_all_there(load);
}

/* Its input is no terminal, so no terminal was closed. */
static void sighup_and_sigpipe_do_not_disturb(void **state)
{
    static const int numbers[] = {SIGHUP, SIGPIPE, SIGHUP};
    struct emulator e;
    struct load *load = begin(&e, state);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint64_t n_before = load->n_acked;
        process_signal(e.process, numbers[i]);
        load_run(load, scene_now_ms() + WORK_MS);
        assert_true(load->n_acked > n_before);
    }
    for (int i = 0; i < DEVICES; i++) {
        assert_true(load->devices[i].is_connected);
    }
    if (load->n_refused != 0) {
        fail_msg("%s", load->refusal);
    }
    process_signal(e.process, SIGTERM);
    load_run_to_end(load);
    process_end_with(e.process, 0);
    expect_all_there(load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(sigterm_under_load_ends_it_well),
        SCENE_TEST(sigint_under_load_ends_it_well),
        SCENE_TEST(second_sigterm_ends_it_at_once),
        SCENE_TEST(sighup_and_sigpipe_do_not_disturb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
