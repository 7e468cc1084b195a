/*
 * Direct methods and commands, which are methods by another way.
 */
#ifndef SERVICE_CLI_INVOCATION_H
#define SERVICE_CLI_INVOCATION_H

#include "base/macros.h"
#include "service/cli/app.h"

/* Make the call that the verb is for, with its arguments and options. */
typedef enum iothub_status invocation(struct app *app,
                                      const struct iothub_service_method *method,
                                      struct iothub_service_method_result *result);

/*
 * Run a verb whose second argument names what is called: the options' payload and time-outs,
 * the call, and what was answered; the exit code.
 */
int invocation_run(struct cli_call *call, invocation *invoke);

#endif
