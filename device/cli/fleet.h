/*
 * The devices that `iothub-device run` plays: what they print, how they answer, what they send.
 */
#ifndef DEVICE_CLI_FLEET_H
#define DEVICE_CLI_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/macros.h"
#include "device/cli/app.h"
#include "device/cli/loop.h"
#include "device/cli/rules.h"

struct fleet;

/* One device. */
struct member {
    struct fleet *fleet;
    struct iothub_device *client; /* borrowed from the fleet's array */
    const char *name;             /* borrowed from the roster */
    bool was_up;
    struct deadline telemetry; /* when the next message is to be sent */
    int64_t n_messages;
};

/* {0} is empty.  It must stay where it is. */
struct fleet {
    const struct cli_call *call;
    const struct app_values *values;
    struct roster roster;
    struct rules rules;
    struct iothub_device **clients;
    struct member *members;
    size_t n_members;
    struct loop loop;
    struct deadline_heap telemetry; /* of members */
    struct deadline_heap answers;   /* methods that are answered late */

    size_t n_up;       /* members that have been connected once */
    int64_t n_methods; /* answered */
    int64_t n_patches; /* received */
    bool has_failed;
    char reason[256]; /* why the last attempt to connect failed */
};

/* @return CLI_DONE; else the exit code, and it was said why.  Finish it in either case. */
MUST_CHECK int fleet_init(struct fleet *fleet, const struct cli_call *call);
void fleet_finish(struct fleet *fleet);

/* Start to connect all. */
void fleet_connect(struct fleet *fleet);

/* Let everything happen until the first thing that does, or until_ms. */
MUST_CHECK int fleet_turn(struct fleet *fleet, int64_t until_ms);

#endif
