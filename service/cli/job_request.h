/*
 * What job create-method and job create-twin have in common.
 */
#ifndef SERVICE_CLI_JOB_REQUEST_H
#define SERVICE_CLI_JOB_REQUEST_H

#include "base/iso8601.h"
#include "base/macros.h"
#include "base/random.h"
#include "iothub/limits.h"
#include "service/cli/app.h"
#include "service/cli/condition.h"
#include "service/cli/selection.h"

#define JOB_REQUEST_OPTIONS \
    SELECTION_OPTIONS, \
        APP_TEXT("start", "TIME", "When it starts, in ISO 8601 (UTC)", start_time), \
        APP_SECONDS("start-in", "0", "When it starts, from now", start_in_ms, 0, \
                    (int64_t)LIMIT_JOB_START_AHEAD_S * 1000), \
        JOB_EXECUTION_OPTION("3600")

#define JOB_EXECUTION_OPTION(standard_text) \
    APP_SECONDS("timeout-execution", standard_text, \
                "How long the job may run; devices not reached by then have failed", \
                execution_ms, 1000, (int64_t)LIMIT_JOB_START_AHEAD_S * 1000)

/* The texts that a struct iothub_service_job borrows. */
struct job_request {
    struct iothub_service_job job;
    struct condition selection;
    char *condition;
    char id[GUID_LEN + 1];
    char start_time[ISO8601_MAX];
};

/**
 * @param out  written on success; its address must not change, end it with
 * job_request_finish().
 * @return CLI_DONE or CLI_WRONG; it was said why.
 */
MUST_CHECK int job_request_init(const struct cli_call *call, struct job_request *out);

void job_request_finish(struct job_request *request);

#endif
