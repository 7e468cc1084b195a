/*
 * Jobs between the files that read, run and show them.
 */
#ifndef HUB_JOB_H
#define HUB_JOB_H

#include "hub/core.h"
#include "store/jobs.h"

/* Take a stored job in hand: it is run at its time.  The record is moved out of *job. */
void job_runner_start(struct hub *hub, struct store_job *job);

/* The live record of a job that has not ended; NULL when it has. */
struct store_job *job_runner_find(struct hub *hub, int64_t job_seq);

/* End a job that has not begun. */
MUST_CHECK enum iothub_status job_runner_cancel(struct hub *hub, int64_t job_seq);

#endif
