/*
 * The program's streams are files, so that nothing can block on a full pipe.
 */
#include "unit/service/program.h"

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"

#define ARGUMENTS_MAX 40

static _Atomic pid_t running;

pid_t program_pid(void)
{
    return atomic_load(&running);
}

static char *read_all(FILE *file)
{
    struct buf text;
    char chunk[4096];
    size_t n = 0;
    buf_init(&text, BUF_CAP_OWN);
    rewind(file);
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        buf_put(&text, chunk, n);
    }
    (void)fclose(file);
    return buf_take_text(&text);
}

static FILE *input_file(const char *input)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    if (input != NULL) {
        assert_true(fputs(input, file) >= 0);
    }
    rewind(file);
    return file;
}

static void clear_environment(void)
{
    static const char *const names[] = {
        "IOTHUB_CONNECTION_STRING", "IOTHUB_READY_FILE",   "IOTHUB_CA_FILE",
        "IOTHUB_ADDRESS",           "IOTHUB_SERVICE_PORT", "IOTHUB_LOG_LEVEL",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)unsetenv(names[i]);
    }
}

static size_t add(const char **argv, size_t n, const char *argument)
{
    assert_true(n < ARGUMENTS_MAX - 1);
    argv[n] = argument;
    return n + 1;
}

static pid_t spawn(const char **argv, FILE *in, FILE *out, FILE *err)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fileno(in), 0), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fileno(out), 1), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fileno(err), 2), 0);
    assert_int_equal(posix_spawn(&pid, IOTHUB_SERVICE_PROGRAM, &actions, NULL,
                                 (char *const *)(uintptr_t)argv, environ),
                     0);
    (void)posix_spawn_file_actions_destroy(&actions);
    return pid;
}

void program_run(struct program_run *run, const struct fake_hub *hub, const char *input,
                 const char *const *arguments)
{
    const char *argv[ARGUMENTS_MAX] = {0};
    char port[16];
    size_t n = add(argv, 0, IOTHUB_SERVICE_PROGRAM);
    while (*arguments != NULL) {
        n = add(argv, n, *arguments++);
    }
    if (hub != NULL) {
        (void)snprintf(port, sizeof(port), "%d", fake_hub_port(hub));
        n = add(argv, n, "--connection-string");
        n = add(argv, n,
                "HostName=" PROGRAM_HOST
                ";SharedAccessKeyName=owner;SharedAccessKey=" PROGRAM_KEY);
        n = add(argv, n, "--plain");
        n = add(argv, n, "--address=127.0.0.1");
        n = add(argv, n, "--port");
        (void)add(argv, n, port);
    }
    clear_environment();
    FILE *in = input_file(input);
    FILE *out = tmpfile();
    FILE *err = tmpfile();
    assert_non_null(out);
    assert_non_null(err);
    atomic_store(&running, spawn(argv, in, out, err));
    int status = 0;
    assert_int_equal(waitpid(program_pid(), &status, 0), program_pid());
    atomic_store(&running, 0);
    (void)fclose(in);
    program_run_finish(run);
    run->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    run->out = read_all(out);
    run->err = read_all(err);
}

void program_run_finish(struct program_run *run)
{
    free(run->out);
    free(run->err);
    *run = (struct program_run){0};
}

void program_expect_code(const struct program_run *run, int exit_code)
{
    if (run->exit_code != exit_code) {
        fail_msg("exit code %d, not %d\nstdout:\n%s\nstderr:\n%s", run->exit_code, exit_code,
                 run->out, run->err);
    }
}

void program_expect_part(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is missing in:\n%s", part, text);
    }
}
