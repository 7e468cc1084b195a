/*
 * Scheduled jobs and their rows, one a device.
 */
#ifndef STORE_JOBS_H
#define STORE_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "iothub/identity.h"
#include "store/store.h"

enum job_type {
    JOB_DEVICE_METHOD,
    JOB_UPDATE_TWIN,
};

enum job_status {
    JOB_QUEUED,
    JOB_SCHEDULED,
    JOB_RUNNING,
    JOB_COMPLETED,
    JOB_FAILED,
    JOB_CANCELLED,
};

enum job_row_status {
    JOB_ROW_PENDING,
    JOB_ROW_RUNNING,
    JOB_ROW_COMPLETED,
    JOB_ROW_FAILED,
    JOB_ROW_CANCELED,
};

/* Texts are owned by the record: end it with store_job_finish(). */
struct store_job {
    int64_t seq;
    char *job_id;
    enum job_type type;
    enum job_status status;
    char *condition; /* as it was sent */
    char *action;    /* JSON: cloudToDeviceMethod or updateTwin, as it was sent */
    int64_t created_ms;
    int64_t start_ms;
    int64_t end_ms; /* 0 until it ended */
    int64_t execution_s;
    char *failure;         /* failureReason; NULL for none */
    int64_t target_cursor; /* seq of the last identity looked at while targets are collected */
    bool has_targets;      /* all rows are made */
    int64_t n_devices;     /* rows in all, and by state */
    int64_t n_pending;
    int64_t n_running;
    int64_t n_succeeded;
    int64_t n_failed;
};

void store_job_finish(struct store_job *job);

/* Sets job->seq.  The caller has checked that the id is free: a second one breaks the store. */
MUST_CHECK int store_job_insert(struct store *store, struct store_job *job);
MUST_CHECK int store_job_get(struct store *store, struct slice job_id, struct store_job *out);
/* Status, times, failure, cursor and counts. */
MUST_CHECK int store_job_update(struct store *store, const struct store_job *job);

/* In order of creation, after_seq 0 first. */
MUST_CHECK int store_job_next(struct store *store, int64_t after_seq, struct store_job *out);
/* Likewise, only those that are queued, scheduled or running. */
MUST_CHECK int store_job_next_unfinished(struct store *store, int64_t after_seq,
                                         struct store_job *out);
MUST_CHECK int store_job_count_unfinished(struct store *store, int64_t *out);

/*
 * Remove the job that ended first, if before that time, else STORE_NO_ROW.  Its rows are not
 * seen any more and are removed by store_job_row_expire().
 */
MUST_CHECK int store_job_expire(struct store *store, int64_t ended_before_ms);

/*
 * Slices are borrowed: on writing for the call, on reading until the next row is read or the
 * next commit; writes in between leave them as they were.
 */
struct store_job_row {
    int64_t seq;
    int64_t job_seq;
    struct slice job_id; /* on reading */
    enum job_type type;  /* on reading */
    struct identity target;
    enum job_row_status status;
    int64_t created_ms;
    int64_t start_ms;
    int64_t end_ms;
    int64_t updated_ms;
    struct slice outcome;    /* JSON, or empty */
    struct slice error_code; /* a status name, or empty */
    struct slice error_text;
};

MUST_CHECK int store_job_row_insert(struct store *store, const struct store_job_row *row);

/* Status, times (not created_ms), outcome and error, by seq. */
MUST_CHECK int store_job_row_update(struct store *store, const struct store_job_row *row);

/* Is lent a row; may not read rows of jobs, nor write. */
typedef void store_job_row_visit(void *ctx, const struct store_job_row *row);

/* The first rows of the job in that status, at most so many, in order of creation. */
MUST_CHECK int store_job_row_each(struct store *store, int64_t job_seq,
                                  enum job_row_status status, int64_t most,
                                  store_job_row_visit *visit, void *ctx);

/* Rows of all jobs in order of creation, for queries. */
MUST_CHECK int store_job_row_scan(struct store *store, int64_t after_seq,
                                  struct store_job_row *out);

/* Likewise, the rows of one job. */
MUST_CHECK int store_job_row_scan_job(struct store *store, int64_t job_seq, int64_t after_seq,
                                      struct store_job_row *out);

/*
 * Give every row of the job that is in `from` the status, end, update time and error of
 * `becomes`; out_n is how many there were.
 */
MUST_CHECK int store_job_row_close(struct store *store, int64_t job_seq,
                                   enum job_row_status from,
                                   const struct store_job_row *becomes, int64_t *out_n);

/* Remove at most `most` rows of a job that is gone; STORE_NO_ROW when no rows are left over. */
MUST_CHECK int store_job_row_expire(struct store *store, int most);

#endif
