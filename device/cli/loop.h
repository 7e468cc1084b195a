/*
 * One loop for any number of clients, which Ctrl-C ends.
 */
#ifndef DEVICE_CLI_LOOP_H
#define DEVICE_CLI_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "iothub/device.h"

struct pollfd;

/* {0} is empty. */
struct loop {
    struct iothub_device **clients; /* borrowed */
    size_t n_clients;
    struct pollfd *fds; /* signals, input, then the clients */
    int signal_fd;
    int input_fd; /* also watched for reading; -1: none */
    bool is_input_ready;
    int signal; /* the first SIGINT or SIGTERM; 0 while there was none */
};

/*
 * Start to catch SIGINT and SIGTERM: the first sets `signal`, a second one ends the program.
 * @param clients  must live as long as the loop.
 * @return 0, or a negative errno.
 */
MUST_CHECK int loop_init(struct loop *loop, struct iothub_device **clients, size_t n_clients);
void loop_finish(struct loop *loop);

/*
 * Wait until something is to do, at the latest at until_ms, and let the clients do it.
 * @return 0, or a negative errno.
 */
MUST_CHECK int loop_turn(struct loop *loop, int64_t until_ms);

/* Take leave for all clients and wait for the end of it. */
void loop_disconnect(struct loop *loop);

#endif
