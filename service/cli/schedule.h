/*
 * schedule-jobs: a method job and a twin job over the same devices, watched to their end.
 *
 * Two things can run the jobs, the hub or this program's own timers; both leave documents of
 * the same form behind, so that what is told about them does not depend on it.
 */
#ifndef SERVICE_CLI_SCHEDULE_H
#define SERVICE_CLI_SCHEDULE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "iothub/limits.h"
#include "service/cli/app.h"
#include "service/cli/condition.h"

enum schedule_kind {
    SCHEDULE_METHOD,
    SCHEDULE_TWIN,
};

#define SCHEDULE_JOBS 2

struct schedule_job {
    enum schedule_kind kind;
    char id[LIMIT_JOB_ID_CHARS + 1];
    int64_t wait_ms; /* from now until it starts */
    json_t *state;   /* the job as last seen; NULL before it is created */
    json_t *rows;    /* its outcomes by device, as in devices.jobs; NULL until known */
};

struct schedule {
    const struct app *app;
    struct condition selection;
    struct iothub_service_method method; /* borrows from the options and from `payload` */
    char *payload;
    char *patch;
    struct schedule_job jobs[SCHEDULE_JOBS];
};

/**
 * Have the hub run the jobs, and watch them until both are over.
 * @return CLI_DONE when both are over, however; else the exit code, and it was said why.
 */
MUST_CHECK int schedule_by_hub(struct schedule *schedule);

/* The same with timers of this program: for hubs whose tier has no jobs. */
MUST_CHECK int schedule_by_timers(struct schedule *schedule);

/* A line of the story, to stdout; with --output json to stderr, so that stdout is one document.
 */
void schedule_say(const struct schedule *schedule, const char *format, ...) PRINTF_LIKE(2, 3);

/* "Direct method called with Job Id: …" */
void schedule_tell_begun(const struct schedule *schedule, const struct schedule_job *job);

/* How each job stands. */
void schedule_tell_status(const struct schedule *schedule);

/* What became of each job on each device. */
void schedule_tell_outcome(const struct schedule *schedule);

/* Whether both are over; whether both completed without a failed device. */
bool schedule_is_over(const struct schedule *schedule);
bool schedule_is_success(const struct schedule *schedule);

/* Take a new document for the job's state. */
void schedule_set_state(struct schedule_job *job, json_t *state);

#endif
