/*
 * epoll over everything, deadlines in a heap, and signals as a descriptor.
 */
#include "device/cli/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "device/cli/app.h"
#include "device/cli/pairs.h"

/* A client has one descriptor, its socket; some more are the program's. */
#define OTHER_DESCRIPTORS 64

/* Ready descriptors taken at a time. */
#define EVENTS_MAX 256

/* In the place of a client's number. */
#define NUMBER_SIGNAL UINT64_MAX
#define NUMBER_INPUT  (UINT64_MAX - 1)

struct loop_client {
    struct iothub_device *client;
    struct deadline deadline;
    int fd;          /* as registered; -1: none */
    uint32_t events; /* as registered */
    bool was_connected;
    bool is_busy;
    bool is_touched;
};

static void put_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
}

static int watch(const struct loop *loop, int operation, int fd, uint32_t events,
                 uint64_t number)
{
    struct epoll_event event = {.events = events, .data.u64 = number};
    return epoll_ctl(loop->epoll_fd, operation, fd, &event) == 0 ? 0 : -errno;
}

static int open_descriptors(struct loop *loop)
{
    sigset_t set;
    put_signals(&set);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->signal_fd = loop->epoll_fd < 0 ? -1 : signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (loop->signal_fd < 0) {
        return -errno;
    }
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return watch(loop, EPOLL_CTL_ADD, loop->signal_fd, EPOLLIN, NUMBER_SIGNAL);
}

int loop_init(struct loop *loop, struct iothub_device *const *clients, size_t n_clients)
{
    *loop = (struct loop){.n_clients = n_clients, .input_fd = -1, .signal_fd = -1};
    int result = open_descriptors(loop);
    loop->clients = mem_array(n_clients, sizeof(*loop->clients));
    loop->touched = mem_array(n_clients, sizeof(*loop->touched));
    for (size_t i = 0; i < n_clients; i++) {
        loop->clients[i] = (struct loop_client){.client = clients[i], .fd = -1};
        loop_touch(loop, i);
    }
    if (result != 0) {
        loop_finish(loop);
    }
    return result;
}

void loop_finish(struct loop *loop)
{
    if (loop == NULL || loop->clients == NULL) {
        return;
    }
    if (loop->signal_fd >= 0) {
        (void)close(loop->signal_fd);
    }
    if (loop->epoll_fd >= 0) {
        (void)close(loop->epoll_fd);
    }
    deadline_heap_finish(&loop->deadlines);
    free(loop->clients);
    free(loop->touched);
    *loop = (struct loop){0};
}

void loop_touch(struct loop *loop, size_t which)
{
    struct loop_client *c = &loop->clients[which];
    if (!c->is_touched) {
        c->is_touched = true;
        loop->touched[loop->n_touched++] = which;
    }
}

int loop_set_input(struct loop *loop, int fd)
{
    if (fd == loop->input_fd) {
        return 0;
    }
    if (loop->input_fd >= 0 && !loop->is_input_always_ready) {
        (void)watch(loop, EPOLL_CTL_DEL, loop->input_fd, 0, 0);
    }
    loop->input_fd = fd;
    loop->is_input_always_ready = false;
    int result = fd < 0 ? 0 : watch(loop, EPOLL_CTL_ADD, fd, EPOLLIN, NUMBER_INPUT);
    if (result == -EPERM) {
        /* An ordinary file, which epoll does not take and which never makes one wait. */
        loop->is_input_always_ready = true;
        result = 0;
    }
    return result;
}

static void forget_descriptor(const struct loop *loop, struct loop_client *c)
{
    if (c->fd >= 0) {
        /* One that was closed is gone already. */
        (void)watch(loop, EPOLL_CTL_DEL, c->fd, 0, 0);
        c->fd = -1;
    }
}

/*
 * A new connection often has the number of the old one, whose registration ended with it.  Only
 * a client that was connected before and after surely has the same descriptor.
 */
static int register_client(const struct loop *loop, size_t which)
{
    struct loop_client *c = &loop->clients[which];
    int fd = iothub_device_fd(c->client);
    uint32_t events = EPOLLIN | (iothub_device_wants_write(c->client) ? EPOLLOUT : 0);
    bool is_connected = iothub_device_state(c->client) == IOTHUB_DEVICE_CONNECTED;
    bool is_same = c->was_connected && is_connected && fd == c->fd && events == c->events;
    c->was_connected = is_connected;
    if (fd < 0 || fd != c->fd) {
        forget_descriptor(loop, c);
    }
    if (fd < 0 || is_same) {
        return 0;
    }
    c->fd = fd;
    c->events = events;
    int result = watch(loop, EPOLL_CTL_MOD, fd, events, which);
    return result == -ENOENT ? watch(loop, EPOLL_CTL_ADD, fd, events, which) : result;
}

/* @return whether the client has something to do at once. */
static bool set_deadline(struct loop *loop, struct loop_client *c, int64_t now_ms)
{
    int wait_ms = iothub_device_deadline_ms(c->client);
    if (wait_ms < 0) {
        deadline_clear(&loop->deadlines, &c->deadline);
    } else {
        deadline_set(&loop->deadlines, &c->deadline, now_ms + wait_ms);
    }
    return wait_ms == 0;
}

/* Ask the touched clients what they wait for. */
static int refresh(struct loop *loop)
{
    int result = 0;
    int64_t now_ms = loop->n_touched == 0 ? 0 : app_now_ms();
    for (size_t i = 0; i < loop->n_touched && result == 0; i++) {
        struct loop_client *c = &loop->clients[loop->touched[i]];
        result = register_client(loop, loop->touched[i]);
        /* An idle client may still have to tell that it is. */
        bool is_due = set_deadline(loop, c, now_ms);
        bool is_busy = is_due || iothub_device_state(c->client) != IOTHUB_DEVICE_IDLE;
        loop->n_busy += (size_t)is_busy - (size_t)c->is_busy;
        c->is_busy = is_busy;
        c->is_touched = false;
    }
    loop->n_touched = 0;
    return result;
}

static void take_signal(struct loop *loop)
{
    struct signalfd_siginfo info;
    if (read(loop->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return;
    }
    loop->signal = (int)info.ssi_signo;
    /* From now on a signal does what it does by default. */
    sigset_t set;
    put_signals(&set);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int wait_ms_until(const struct loop *loop, int64_t until_ms)
{
    int64_t due_ms = deadline_heap_next_ms(&loop->deadlines);
    due_ms = due_ms < until_ms ? due_ms : until_ms;
    if (loop->is_input_always_ready) {
        return 0;
    }
    if (due_ms == NEVER_MS) {
        return -1;
    }
    int64_t left_ms = due_ms - app_now_ms();
    if (left_ms <= 0) {
        return 0;
    }
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static int work(struct loop *loop, size_t which)
{
    loop_touch(loop, which);
    enum iothub_status status = iothub_device_poll(loop->clients[which].client, 0);
    return status == IOTHUB_CONNECTION_FAILED ? -EIO : 0;
}

static int work_on_events(struct loop *loop, const struct epoll_event *events, int n_events)
{
    int result = 0;
    for (int i = 0; i < n_events && result == 0; i++) {
        uint64_t number = events[i].data.u64;
        if (number == NUMBER_SIGNAL) {
            take_signal(loop);
        } else if (number == NUMBER_INPUT) {
            loop->is_input_ready = true;
        } else {
            result = work(loop, (size_t)number);
        }
    }
    return result;
}

static int work_on_deadlines(struct loop *loop)
{
    int result = 0;
    int64_t now_ms = app_now_ms();
    struct deadline *due = deadline_heap_pop_due(&loop->deadlines, now_ms);
    while (due != NULL && result == 0) {
        const struct loop_client *c = CONTAINER_OF(due, struct loop_client, deadline);
        result = work(loop, (size_t)(c - loop->clients));
        due = deadline_heap_pop_due(&loop->deadlines, now_ms);
    }
    return result;
}

int loop_turn(struct loop *loop, int64_t until_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int result = refresh(loop);
    if (result != 0) {
        return result;
    }
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, wait_ms_until(loop, until_ms));
    if (n < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    loop->is_input_ready = loop->is_input_always_ready;
    result = work_on_events(loop, events, n);
    return result == 0 ? work_on_deadlines(loop) : result;
}

void loop_disconnect(struct loop *loop)
{
    if (loop_set_input(loop, -1) != 0) {
        return;
    }
    for (size_t i = 0; i < loop->n_clients; i++) {
        iothub_device_disconnect(loop->clients[i].client);
        loop_touch(loop, i);
    }
    while (refresh(loop) == 0 && loop->n_busy != 0) {
        if (loop_turn(loop, NEVER_MS) != 0) {
            return;
        }
    }
}

size_t loop_allow_clients(size_t n_clients)
{
    struct rlimit limit;
    if (n_clients > 1) {
        pairs_refuse();
    }
    rlim_t wanted = (rlim_t)n_clients + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return 0;
    }
    /* More than the hard limit is for those who may. */
    struct rlimit more = {wanted, limit.rlim_max > wanted ? limit.rlim_max : wanted};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
        return 0;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_max >= wanted || limit.rlim_max < OTHER_DESCRIPTORS
               ? 0
               : (size_t)(limit.rlim_max - OTHER_DESCRIPTORS);
}
