/*
 * Direct methods and commands, which are methods by another way, from options to their result.
 */
#ifndef SERVICE_CLI_METHOD_RESULT_H
#define SERVICE_CLI_METHOD_RESULT_H

#include "base/macros.h"
#include "service/cli/app.h"

/* What to call, with the time-outs of the options; the texts are borrowed. */
struct iothub_service_method method_of_options(const struct app_values *values,
                                               const char *name, const char *payload);

/* End a verb that is one such call, as app_end() does; takes what the result holds. */
int method_result_end(struct app *app, enum iothub_status status,
                      struct iothub_service_method_result *result);

#endif
