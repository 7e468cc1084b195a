/*
 * Scheduled jobs in tests: made, waited for, looked at.
 */
#ifndef TESTS_HUB_JOBS_H
#define TESTS_HUB_JOBS_H

#include "hub/fixture.h"

/* More than any turn of a job that has nothing to wait for takes. */
#define A_MOMENT_MS 2000

struct job_counts {
    int devices;
    int succeeded;
    int failed;
    int running;
    int pending;
};

/* PUT /jobs/v2/{id}; the body has ' for ". */
void job_put(struct fixture *f, const char *id, const char *body);

/* A job for now with "tags":{"done":1}, and one that calls "go". */
void job_put_twin(struct fixture *f, const char *id, const char *condition);
void job_put_method(struct fixture *f, const char *id, const char *condition);

json_t *job_get(struct fixture *f, const char *id);

void assert_job_is(struct fixture *f, const char *id, const char *status);
void assert_job_counts(struct fixture *f, const char *id, struct job_counts want);

/* The rows of a job as SELECT * FROM devices.jobs shows them, in one array. */
json_t *job_rows(struct fixture *f, const char *id);

#endif
