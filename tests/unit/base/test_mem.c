/*
 * mem: zeroed memory, copies, and the end of the process when there is none.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static void memory_is_zeroed(void **state)
{
    (void)state;
    char zeros[64] = {0};
    char *one = mem_alloc(sizeof(zeros));
    char *many = mem_array(8, 8);

    assert_memory_equal(one, zeros, sizeof(zeros));
    assert_memory_equal(many, zeros, sizeof(zeros));
    free(one);
    free(many);
}

static void nothing_at_all_is_still_a_pointer(void **state)
{
    (void)state;
    void *none = mem_alloc(0);
    void *grown = mem_grow(NULL, 0, 8);

    assert_non_null(none);
    assert_non_null(grown);
    free(none);
    free(grown);
}

static void growing_keeps_the_content(void **state)
{
    (void)state;
    int *items = mem_array(2, sizeof(int));

    items[0] = 7;
    items[1] = 9;
    items = mem_grow(items, 1000, sizeof(int));
    assert_int_equal(items[0], 7);
    assert_int_equal(items[1], 9);
    free(items);
}

static void copies_are_independent(void **state)
{
    (void)state;
    char source[] = "text";
    char *text = mem_dup_text(source);
    char *bytes = mem_dup(source, 3);

    source[0] = 'n';
    assert_string_equal(text, "text");
    assert_memory_equal(bytes, "tex", 3);
    free(text);
    free(bytes);
}

static void null_stays_null(void **state)
{
    (void)state;

    assert_null(mem_dup_text(NULL));
    assert_null(mem_dup(NULL, 5));
    mem_free_secret(NULL, 5);
    mem_free_secret_text(NULL);
}

static void allocate_too_much(size_t n, size_t size)
{
    free(mem_array(n, size));
}

static void grow_too_much(size_t n, size_t size)
{
    free(mem_grow(NULL, n, size));
}

/* Runs `act` in a child and checks that it aborts after one line on stderr. */
static void check_aborts(void (*act)(size_t n, size_t size))
{
    char line[256];
    int status = 0;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* cmocka's handler would turn the abort into a failed test. */
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        act(SIZE_MAX / 2, 4);
        _exit(0);
    }
    close(ends[1]);
    ssize_t len = read(ends[0], line, sizeof(line));
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_true(len > 0);
    assert_ptr_equal(memchr(line, '\n', (size_t)len), line + len - 1);
}

static void a_product_that_overflows_ends_the_process(void **state)
{
    (void)state;

    check_aborts(allocate_too_much);
    check_aborts(grow_too_much);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(nothing_at_all_is_still_a_pointer),
        cmocka_unit_test(growing_keeps_the_content),
        cmocka_unit_test(copies_are_independent),
        cmocka_unit_test(null_stays_null),
        cmocka_unit_test(a_product_that_overflows_ends_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
