/*
 * Mixed work on a hub, driven from one thread, and the ledger of it: what was asked for, and
 * what the hub has said to have taken.
 *
 * Devices send telemetry and reported properties, take messages and answer calls; a back end
 * writes twins, makes and deletes devices, sends messages, calls methods and starts jobs, each
 * on a connection of its own with one request at a time.  The emulator may die at any moment;
 * load_check.h then compares the ledger with what the next start finds.
 */
#ifndef RELIABILITY_LOAD_H
#define RELIABILITY_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "e2e/emulator.h"
#include "e2e/http_peer.h"
#include "e2e/mqtt_peer.h"
#include "reliability/chance.h"

enum {
    LOAD_WINDOW_MAX = 64, /* packets of a device on their way to the hub */
    LOAD_MAILS_MAX = 20000,
    LOAD_CHURN_MAX = 20000,
    LOAD_JOBS_MAX = 8000,
    LOAD_JOB_SLOTS = 64, /* tags that jobs write; so many jobs at most between two checks */
    LOAD_LEFT_MAX = 8,   /* messages that a device leaves unsettled */
};

/* What is on its way to the hub and will be acknowledged. */
struct load_packet {
    uint16_t packet_id;
    int number; /* of the event; 0 for other packets */
};

struct load_device {
    int index;
    char id[32];
    char connection_string[EMULATOR_TEXT_SIZE];
    struct mqtt_peer peer;
    bool is_connected;
    struct load_packet window[LOAD_WINDOW_MAX];
    int n_window;
    int n_events;     /* sent; they are numbered from 1 */
    int n_checked;    /* of them, before the connection that is there now */
    struct buf acked; /* a byte for each that was sent since: whether it was acknowledged */
    int last_acked;   /* event; they are acknowledged in order */
    int reported;     /* the latest number that was sent */
    int reported_acked;
    bool reports; /* one is under way */
    int written;  /* by the back end, to a tag and a desired property */
    int written_acked;
    int desired; /* the latest number that the device was told */
    int n_left;  /* messages that were taken and not settled */
};

/* A message to a device. */
struct load_mail {
    int device;
    bool is_accepted;   /* the hub has said so */
    bool is_answered;   /* PUBACK was sent */
    int settled_before; /* an acknowledgement of this event proves that the PUBACK was stored */
    int n_now;          /* deliveries on the device's latest connection */
    bool is_done;       /* looked at by an earlier check */
};

enum load_churn {
    CHURN_NONE,
    CHURN_CREATING,
    CHURN_THERE,
    CHURN_DELETING,
    CHURN_GONE,
    CHURN_DONE, /* looked at, and of no more interest */
};

struct load_job {
    bool is_method;
    bool is_accepted;
    bool is_done;     /* looked at by an earlier check */
    uint8_t *n_calls; /* of each device */
};

enum load_role {
    LOAD_TWINS,
    LOAD_REGISTRY,
    LOAD_MAIL,
    LOAD_METHODS,
    LOAD_JOBS,
    LOAD_QUERIES,
    LOAD_ROLES,
};

struct load_caller {
    enum load_role role;
    struct http_peer peer;
    bool is_open;
    bool is_busy;
    int subject;    /* what the request is about: a device, a mail, a job, a churned device */
    int64_t due_ms; /* of the next request */
};

struct load {
    struct emulator *e;
    struct chance chance;
    struct load_device *devices;
    int n_devices;
    int window;      /* packets of a device at once */
    int pause_ms;    /* between two requests of a caller */
    bool is_bounded; /* the ledger keeps no events and starts over where a table is full */
    bool is_quiet;   /* nothing new is begun; devices go on taking and answering */
    struct load_caller callers[LOAD_ROLES];
    struct load_mail mails[LOAD_MAILS_MAX];
    int n_mails;
    enum load_churn churn[LOAD_CHURN_MAX];
    int n_churn;
    struct load_job jobs[LOAD_JOBS_MAX];
    int n_jobs;
    int n_jobs_checked;
    int64_t offset; /* of the log of events, up to where it was compared */
    int n_refused;  /* requests that were answered with an error */
    char refusal[256];
    uint64_t n_done[LOAD_ROLES];
    uint64_t n_acked;
    uint64_t n_reported;
    uint64_t n_taken;  /* messages */
    uint64_t n_called; /* methods */
};

/* Make the devices, d0 and up, at a hub that runs. */
void load_init(struct load *load, struct emulator *e, struct chance chance, int n_devices);
void load_finish(struct load *load);

/* Connect all devices and callers. */
void load_connect(struct load *load);
void load_connect_device(struct load *load, struct load_device *device);
void load_open_callers(struct load *load);

/* Whatever the emulator has still said before its end is taken; then all is closed. */
void load_hear_out(struct load *load);
/* A device goes without a word. */
void load_drop_device(struct load_device *device);

/* Take what has come, waiting a moment at most; devices answer. */
void load_take(struct load *load, int wait_ms);

/* A device does one thing more, if its window has room. */
void load_act(struct load *load, struct load_device *device);

/* All go on as hard as they can until then. */
void load_run(struct load *load, int64_t until_ms);

/* Until the emulator has ended by itself and all it said was taken. */
void load_run_to_end(struct load *load);

/* ---- for the parts of it ---- */

/* load_back_end.c: begin requests, and take an answer that has come. */
void load_ask(struct load *load);
void load_take_answers(struct load *load, struct load_caller *caller);

void load_note_refusal(struct load *load, const char *what, int status, struct slice text);

#endif
