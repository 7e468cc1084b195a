/*
 * One loop for any number of clients, which Ctrl-C ends.
 *
 * What a turn costs depends on how many clients have something to do, not on how many there
 * are: epoll tells whose descriptor is ready, and a heap whose time has come.  Therefore the
 * loop must be told of clients that were called outside of it.
 */
#ifndef DEVICE_CLI_LOOP_H
#define DEVICE_CLI_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/macros.h"
#include "iothub/device.h"

struct loop_client;

/* {0} is empty. */
struct loop {
    struct loop_client *clients;
    size_t n_clients;
    size_t n_busy; /* clients that are not idle */
    struct deadline_heap deadlines;
    size_t *touched; /* clients to be asked again what they wait for */
    size_t n_touched;
    int epoll_fd;
    int signal_fd;
    int input_fd; /* -1: none */
    bool is_input_always_ready;
    bool is_input_ready;
    int signal; /* the first SIGINT or SIGTERM; 0 while there was none */
};

/*
 * Start to catch SIGINT and SIGTERM: the first sets `signal`, a second one ends the program.
 * @param clients  borrowed; each must live as long as the loop.
 * @return 0, or a negative errno.
 */
MUST_CHECK int loop_init(struct loop *loop, struct iothub_device *const *clients,
                         size_t n_clients);

/* NULL and {0} are allowed. */
void loop_finish(struct loop *loop);

/* A client was called since the last turn. */
void loop_touch(struct loop *loop, size_t which);

/*
 * Watch a descriptor of the program's own for reading as well; -1 for none.
 * @return 0, or a negative errno.
 */
MUST_CHECK int loop_set_input(struct loop *loop, int fd);

/*
 * Wait until something is to do, at the latest at until_ms, and let the clients do it.
 * @return 0, or a negative errno.
 */
MUST_CHECK int loop_turn(struct loop *loop, int64_t until_ms);

/* Take leave for all clients and wait for the end of it. */
void loop_disconnect(struct loop *loop);

/*
 * Let the process open as many descriptors as so many clients need, as far as that is allowed.
 * To be called before they are made.
 * @return 0, or how many clients the allowed ones are enough for.
 */
size_t loop_allow_clients(size_t n_clients);

#endif
