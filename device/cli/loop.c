/*
 * poll() over everything, and signals as a descriptor.
 */
#include "device/cli/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "device/cli/app.h"

enum {
    FD_SIGNAL,
    FD_INPUT,
    FD_CLIENTS,
};

/* A client has a socket and two descriptors of libmosquitto's. */
static void allow_many_descriptors(size_t n_clients)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || n_clients < limit.rlim_cur / 4) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    /* If that fails, connecting will, and says so. */
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void put_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
}

int loop_init(struct loop *loop, struct iothub_device **clients, size_t n_clients)
{
    *loop = (struct loop){.clients = clients, .n_clients = n_clients, .input_fd = -1};
    sigset_t set;
    put_signals(&set);
    loop->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (loop->signal_fd < 0) {
        return -errno;
    }
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    allow_many_descriptors(n_clients);
    loop->fds = mem_array(n_clients + FD_CLIENTS, sizeof(*loop->fds));
    return 0;
}

void loop_finish(struct loop *loop)
{
    if (loop == NULL || loop->fds == NULL) {
        return;
    }
    (void)close(loop->signal_fd);
    free(loop->fds);
    *loop = (struct loop){0};
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

/* How long to wait, and for what. */
static int prepare(struct loop *loop, int64_t until_ms)
{
    int64_t left_ms = until_ms == NEVER_MS ? -1 : until_ms - app_now_ms();
    int wait_ms = left_ms > INT_MAX ? INT_MAX : (int)left_ms;
    wait_ms = until_ms != NEVER_MS && left_ms < 0 ? 0 : wait_ms;
    loop->fds[FD_SIGNAL] = (struct pollfd){.fd = loop->signal_fd, .events = POLLIN};
    loop->fds[FD_INPUT] = (struct pollfd){.fd = loop->input_fd, .events = POLLIN};
    for (size_t i = 0; i < loop->n_clients; i++) {
        const struct iothub_device *client = loop->clients[i];
        short events = (short)(POLLIN | (iothub_device_wants_write(client) ? POLLOUT : 0));
        loop->fds[FD_CLIENTS + i] =
            (struct pollfd){.fd = iothub_device_fd(client), .events = events};
        int due_ms = iothub_device_deadline_ms(client);
        if (due_ms >= 0 && (wait_ms < 0 || due_ms < wait_ms)) {
            wait_ms = due_ms;
        }
    }
    return wait_ms;
}

int loop_turn(struct loop *loop, int64_t until_ms)
{
    int wait_ms = prepare(loop, until_ms);
    int n = poll(loop->fds, (nfds_t)(FD_CLIENTS + loop->n_clients), wait_ms);
    if (n < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    if (loop->fds[FD_SIGNAL].revents != 0) {
        take_signal(loop);
    }
    loop->is_input_ready = loop->fds[FD_INPUT].revents != 0;
    for (size_t i = 0; i < loop->n_clients; i++) {
        struct iothub_device *client = loop->clients[i];
        if (loop->fds[FD_CLIENTS + i].revents == 0 && iothub_device_deadline_ms(client) != 0) {
            continue;
        }
        if (iothub_device_poll(client, 0) == IOTHUB_CONNECTION_FAILED) {
            return -EIO;
        }
    }
    return 0;
}

static bool is_any_connected(const struct loop *loop)
{
    for (size_t i = 0; i < loop->n_clients; i++) {
        if (iothub_device_state(loop->clients[i]) != IOTHUB_DEVICE_IDLE ||
            iothub_device_deadline_ms(loop->clients[i]) == 0) {
            return true;
        }
    }
    return false;
}

void loop_disconnect(struct loop *loop)
{
    for (size_t i = 0; i < loop->n_clients; i++) {
        iothub_device_disconnect(loop->clients[i]);
    }
    loop->input_fd = -1;
    while (is_any_connected(loop)) {
        if (loop_turn(loop, NEVER_MS) != 0) {
            return;
        }
    }
}
