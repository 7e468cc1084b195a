/*
 * Jobs and their rows as documents, and the words for their types and states.
 */
#ifndef HUB_JOB_VIEW_H
#define HUB_JOB_VIEW_H

#include <stdbool.h>

#include "base/buf.h"
#include "store/jobs.h"

const char *job_type_name(enum job_type type);
const char *job_status_name(enum job_status status);

/* Compared without case; false for a word that is none. */
MUST_CHECK bool job_type_parse(struct slice word, enum job_type *out);

/* What GET answers. */
void job_write(const struct store_job *job, struct buf *out);

/* What creation answers: just id, type and status. */
void job_write_created(const struct store_job *job, struct buf *out);

/* A row of devices.jobs. */
void job_row_write(const struct store_job_row *row, struct buf *out);

#endif
