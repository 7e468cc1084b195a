/*
 * Reading the hub's job documents.
 */
#ifndef SERVICE_CLI_JOB_STATE_H
#define SERVICE_CLI_JOB_STATE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/* "queued", "running", "completed" ...; empty for NULL.  Borrowed from the document. */
struct slice job_status(const json_t *job);

/* Completed, failed or cancelled: nothing more will happen. */
bool job_is_over(const json_t *job);

/* Completed, on one device at least, and none failed. */
bool job_is_success(const json_t *job);

/*
 * Append "3 devices: 1 succeeded, 0 failed, 1 running, 1 pending"; nothing while there are no
 * figures, or none that mean anything.
 */
void job_put_statistics(struct buf *out, const json_t *job);

/* Whether a row of devices.jobs tells of a failure. */
bool job_row_has_failed(const json_t *row);

/* Whether a row of devices.jobs is final. */
bool job_row_is_over(const json_t *row);

/* Append the query for a job's rows. */
void job_put_rows_query(struct buf *out, const char *job_id);

#endif
