/*
 * Thousands of devices under load, and what is counted of them.
 *
 * All connect, a limited number at a time; then they send messages at one rate, in turn, and
 * answer methods.  Nothing is printed of a single device.
 */
#ifndef DEVICE_CLI_CROWD_H
#define DEVICE_CLI_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "device/cli/app.h"
#include "device/cli/histogram.h"
#include "device/cli/loop.h"
#include "device/cli/ramp.h"
#include "device/cli/rules.h"

/* Messages of one device that are not acknowledged yet, at most. */
#define CROWD_WINDOW 32

struct crowd;

/* One device. */
struct crowd_member {
    struct crowd *crowd;
    size_t number;
    size_t place; /* among those that are connected */
    int64_t begun_us;
    bool is_opening; /* its first attempt to connect */
    bool is_up;
    int64_t sent_us[CROWD_WINDOW]; /* a ring: the hub acknowledges in order */
    unsigned n_sent;
    unsigned n_acknowledged;
};

/* Since the beginning. */
struct crowd_figures {
    int64_t n_connects;
    int64_t n_losses;   /* of connections */
    int64_t n_attempts; /* that failed */
    int64_t n_refused;  /* devices that gave up */
    int64_t n_sent;
    int64_t n_acknowledged;
    int64_t n_held_back; /* messages that were due while every device's window was full */
    int64_t n_methods;
    int64_t n_patches;
    int64_t n_messages;
};

/* {0} is empty.  It must stay where it is. */
struct crowd {
    const struct cli_call *call;
    const struct app_values *values;
    struct roster roster;
    struct rules rules;
    struct iothub_device **clients;
    struct crowd_member *members;
    size_t n_members;
    struct loop loop;
    struct ramp ramp;

    size_t *up; /* numbers of the connected */
    size_t n_up;
    size_t next_up; /* whose turn it is to send */
    char *payload;
    size_t payload_len;
    int64_t sending_since_us; /* 0: nothing is sent */
    int64_t n_scheduled;      /* messages since then */

    struct crowd_figures figures;
    struct histogram connecting_us;   /* how long first attempts took */
    struct histogram acknowledged_us; /* since crowd_take_latency() */
    char reason[320];                 /* the first refusal or the last failure */
};

/* @return CLI_DONE; else the exit code, and it was said why.  Finish it in either case. */
MUST_CHECK int crowd_init(struct crowd *crowd, const struct cli_call *call);
void crowd_finish(struct crowd *crowd);

/* Whether every device has been connected once, or given up. */
bool crowd_is_complete(const struct crowd *crowd);

/* From now on messages are sent, or not any more. */
void crowd_set_sending(struct crowd *crowd, bool is_sending);

/* How many messages are not acknowledged. */
int64_t crowd_n_open(const struct crowd *crowd);

/* Hand over how long acknowledgements took since the last time. */
void crowd_take_latency(struct crowd *crowd, struct histogram *out);

/* Let everything happen, until_ms at the latest. */
MUST_CHECK int crowd_turn(struct crowd *crowd, int64_t until_ms);

#endif
