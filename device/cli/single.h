/*
 * One client for the verbs that do one thing and end.
 */
#ifndef DEVICE_CLI_SINGLE_H
#define DEVICE_CLI_SINGLE_H

#include <stdbool.h>

#include "base/macros.h"
#include "device/cli/app.h"
#include "device/cli/loop.h"

/* {0} is empty.  It must stay where it is. */
struct single {
    const struct cli_call *call;
    struct roster roster;
    struct iothub_device *client;
    struct loop loop;
    int64_t wait_end_ms; /* when patience ends, as long as it was never up */
    bool was_up;
    bool has_failed;
    bool is_endless;  /* a signal is no reason to complain */
    char reason[256]; /* why the last attempt to connect failed */
};

/* Make the client and start to connect.  @return CLI_DONE; else the exit code, and it was said
 * why. */
MUST_CHECK int single_init(struct single *single, const struct cli_call *call);

/*
 * Let things happen, until_ms at the latest.
 * @return CLI_DONE to go on; else the exit code, and it was said why: refused, not connected in
 *         time, interrupted.
 */
MUST_CHECK int single_turn(struct single *single, int64_t until_ms);

/* Take leave and end the client. */
void single_finish(struct single *single);

#endif
