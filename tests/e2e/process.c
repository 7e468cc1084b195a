/*
 * Starting, watching and ending child processes.
 */
#include "e2e/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

enum {
    TEXT_MAX_BYTES = 64 * 1024 * 1024,
    SHOWN_BYTES = 4000, /* of a stream, when a check fails */
    VARIABLES_MAX = 32,
    ARGUMENTS_MAX = 64,
    NOT_STARTED = 127,
    SIGNALLED = 128,
    SANITIZER = 99,
};

#define SANITIZER_OPTIONS "exitcode=99:abort_on_error=0:detect_leaks=1"

/* ---- starting ---- */

struct pipes {
    int input[2];
    int output[PROCESS_STREAMS][2];
};

static void open_pipe(int ends[2])
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
}

static void open_pipes(const struct process_plan *plan, struct pipes *pipes)
{
    if (plan->has_input) {
        open_pipe(pipes->input);
    } else {
        pipes->input[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        pipes->input[1] = -1;
    }
    for (int i = 0; i < PROCESS_STREAMS; i++) {
        open_pipe(pipes->output[i]);
    }
}

/* In the child, between fork and exec: nothing here allocates. */
static void become(const struct process_plan *plan, const struct pipes *pipes, pid_t parent,
                   char *const *argv, char *const *envp)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(NOT_STARTED);
    }
    if (plan->lacks_port_right && geteuid() == 0 &&
        prctl(PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE) != 0) {
        _exit(NOT_STARTED);
    }
    const struct rlimit descriptors = {plan->n_descriptors, plan->n_descriptors};
    if (plan->n_descriptors != 0 && setrlimit(RLIMIT_NOFILE, &descriptors) != 0) {
        _exit(NOT_STARTED);
    }
    (void)signal(SIGPIPE, SIG_DFL);
    if (dup2(pipes->input[0], STDIN_FILENO) < 0 ||
        dup2(pipes->output[PROCESS_OUT][1], STDOUT_FILENO) < 0 ||
        dup2(pipes->output[PROCESS_ERR][1], STDERR_FILENO) < 0) {
        _exit(NOT_STARTED);
    }
    (void)execve(plan->program, argv, envp);
    _exit(NOT_STARTED);
}

/* exec's arguments are not const for reasons of age only. */
static char *plain(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void fill_arguments(const struct process_plan *plan, char **argv)
{
    size_t n = 0;
    argv[n++] = plain(plan->program);
    for (const char *const *at = plan->arguments; *at != NULL; at++) {
        assert_true(n + 1 < ARGUMENTS_MAX);
        argv[n++] = plain(*at);
    }
    argv[n] = NULL;
}

static void fill_variables(const struct process_plan *plan, char *path, char *home, char **envp)
{
    static char address[] = "ASAN_OPTIONS=" SANITIZER_OPTIONS;
    static char undefined[] = "UBSAN_OPTIONS=exitcode=99:print_stacktrace=1";
    static char leaks[] = "LSAN_OPTIONS=exitcode=99";
    size_t n = 0;
    envp[n++] = path;
    envp[n++] = home;
    envp[n++] = address;
    envp[n++] = undefined;
    envp[n++] = leaks;
    for (const char *const *at = plan->variables; at != NULL && *at != NULL; at++) {
        assert_true(n + 1 < VARIABLES_MAX);
        envp[n++] = plain(*at);
    }
    envp[n] = NULL;
}

static char *make_variable(const char *name, const char *value)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    buf_putf(&text, "%s=%s", name, value == NULL ? "" : value);
    return buf_take_text(&text);
}

static char *make_title(const struct process_plan *plan)
{
    struct buf text;
    const char *slash = strrchr(plan->program, '/');
    buf_init(&text, BUF_CAP_OWN);
    buf_put_text(&text, slash == NULL ? plan->program : slash + 1);
    for (const char *const *at = plan->arguments; *at != NULL; at++) {
        buf_putf(&text, " %s", *at);
    }
    return buf_take_text(&text);
}

static pid_t spawn(const struct scene *scene, const struct process_plan *plan,
                   const struct pipes *pipes)
{
    char *argv[ARGUMENTS_MAX];
    char *envp[VARIABLES_MAX];
    char *path = make_variable("PATH", getenv("PATH"));
    char *home = make_variable("HOME", scene->folder);
    fill_arguments(plan, argv);
    fill_variables(plan, path, home, envp);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become(plan, pipes, parent, argv, envp);
    }
    free(path);
    free(home);
    assert_true(pid > 0);
    return pid;
}

struct process *process_start(struct scene *scene, const struct process_plan *plan)
{
    struct pipes pipes;
    open_pipes(plan, &pipes);
    struct process *process = mem_alloc(sizeof(*process));
    process->scene = scene;
    process->title = make_title(plan);
    process->pid = spawn(scene, plan, &pipes);
    process->input = pipes.input[1];
    (void)close(pipes.input[0]);
    for (int i = 0; i < PROCESS_STREAMS; i++) {
        process->output[i] = pipes.output[i][0];
        (void)close(pipes.output[i][1]);
        buf_init(&process->text[i], TEXT_MAX_BYTES);
    }
    process->next = scene->processes;
    scene->processes = process;
    return process;
}

/* ---- telling what went wrong ---- */

static void show_stream(struct process *process, enum process_stream stream, const char *name)
{
    size_t len = process->text[stream].len;
    size_t from = len > SHOWN_BYTES ? len - SHOWN_BYTES : 0;
    print_error("---- %s%s\n%s\n", name, from == 0 ? "" : " (its end)",
                process_text(process, stream) + from);
}

static void show(struct process *process)
{
    print_error("==== %s\n", process->title);
    show_stream(process, PROCESS_OUT, "stdout");
    show_stream(process, PROCESS_ERR, "stderr");
}

static void show_all(struct scene *scene)
{
    for (struct process *p = scene->processes; p != NULL; p = p->next) {
        show(p);
    }
}

/* ---- the end ---- */

static bool has_output(const struct process *process)
{
    return process->output[PROCESS_OUT] >= 0 || process->output[PROCESS_ERR] >= 0;
}

static void reap(struct process *process)
{
    int status = 0;
    while (waitpid(process->pid, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    process->is_over = true;
    process->code = WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

/* None of the programs closes its output before it ends. */
static bool wait_for_end(struct process *process, int64_t until_ms)
{
    while (!process->is_over && has_output(process)) {
        if (!scene_turn(process->scene, until_ms)) {
            return false;
        }
    }
    if (!process->is_over) {
        reap(process);
    }
    return true;
}

int process_end(struct process *process)
{
    if (!wait_for_end(process, scene_now_ms() + SCENE_DEADLINE_MS)) {
        show_all(process->scene);
        fail_msg("%s has not ended", process->title);
    }
    if (process->code == SANITIZER || process->code == NOT_STARTED) {
        show(process);
        fail_msg("%s ended with %d: %s", process->title, process->code,
                 process->code == SANITIZER ? "a sanitizer's word" : "it could not be started");
    }
    return process->code;
}

void process_end_with(struct process *process, int code)
{
    int got = process_end(process);
    if (got != code) {
        show_all(process->scene);
        fail_msg("%s ended with %d, not with %d", process->title, got, code);
    }
}

void process_kill(struct process *process)
{
    if (!process->is_over) {
        (void)kill(process->pid, SIGKILL);
        (void)wait_for_end(process, INT64_MAX);
    }
}

bool process_ends_well(struct process *process, int64_t until_ms)
{
    bool was_over = process->is_over;
    if (!wait_for_end(process, until_ms)) {
        process_kill(process);
        show(process);
        print_error("%s did not end when it was told to\n", process->title);
        return false;
    }
    if (!was_over && process->code == SANITIZER) {
        show(process);
        return false;
    }
    return true;
}

void process_destroy(struct process *process)
{
    process_end_input(process);
    for (int i = 0; i < PROCESS_STREAMS; i++) {
        buf_finish(&process->text[i]);
    }
    free(process->title);
    free(process);
}

/* ---- in between ---- */

const char *process_text(struct process *process, enum process_stream stream)
{
    return buf_text(&process->text[stream]);
}

bool process_says(struct process *process, enum process_stream stream, const char *text)
{
    return strstr(process_text(process, stream), text) != NULL;
}

size_t process_n_lines(struct process *process, enum process_stream stream)
{
    size_t n = 0;
    for (const char *c = process_text(process, stream); *c != '\0'; c++) {
        n += *c == '\n' ? 1 : 0;
    }
    return n;
}

void process_wait_for(struct process *process, enum process_stream stream, const char *text)
{
    int64_t until_ms = scene_now_ms() + SCENE_DEADLINE_MS;
    for (;;) {
        const char *all = process_text(process, stream);
        const char *found = strstr(all + process->seen[stream], text);
        if (found != NULL) {
            process->seen[stream] = (size_t)(found - all) + strlen(text);
            return;
        }
        if (process->output[stream] < 0 || !scene_turn(process->scene, until_ms)) {
            show_all(process->scene);
            fail_msg("%s has not written \"%s\"", process->title, text);
        }
    }
}

void process_write(struct process *process, const char *text)
{
    size_t len = strlen(text);
    for (size_t done = 0; done < len;) {
        ssize_t n = write(process->input, text + done, len - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
}

void process_end_input(struct process *process)
{
    if (process->input >= 0) {
        (void)close(process->input);
        process->input = -1;
    }
}

void process_signal(struct process *process, int number)
{
    assert_false(process->is_over);
    assert_int_equal(kill(process->pid, number), 0);
    if (number == SIGSTOP || number == SIGCONT) {
        process->is_stopped = number == SIGSTOP;
    }
}

void process_go_on(struct process *process)
{
    if (process->is_stopped) {
        process_signal(process, SIGCONT);
    }
}
