/*
 * The devices that `iothub-device run` plays: what they print, how they answer, what they send.
 */
#ifndef DEVICE_CLI_PLAYERS_H
#define DEVICE_CLI_PLAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/macros.h"
#include "device/cli/app.h"
#include "device/cli/loop.h"
#include "device/cli/ramp.h"
#include "device/cli/rules.h"

struct players;

/* One device. */
struct player {
    struct players *players;
    struct iothub_device *client; /* borrowed from the array of clients */
    const char *name;             /* borrowed from the roster */
    bool is_opening;              /* the first attempt to connect */
    bool was_up;
    struct deadline telemetry; /* when the next message is to be sent */
    int64_t n_messages;
};

/* {0} is empty.  It must stay where it is. */
struct players {
    const struct cli_call *call;
    const struct app_values *values;
    struct roster roster;
    struct rules rules;
    struct iothub_device **clients;
    struct player *items;
    size_t n_items;
    struct loop loop;
    struct ramp ramp;
    struct deadline_heap telemetry; /* of players */
    struct deadline_heap answers;   /* methods that are answered late */

    size_t n_up;        /* players that have been connected once */
    int64_t n_methods;  /* answered */
    int64_t n_patches;  /* received */
    int64_t n_messages; /* received */
    bool has_failed;
    char reason[256]; /* why the last attempt to connect failed */
};

/* @return CLI_DONE; else the exit code, and it was said why.  Finish it in either case. */
MUST_CHECK int players_init(struct players *players, const struct cli_call *call);
void players_finish(struct players *players);

/* Connect those that are not yet, and let everything happen until the first thing that does, or
 * until_ms. */
MUST_CHECK int players_turn(struct players *players, int64_t until_ms);

#endif
