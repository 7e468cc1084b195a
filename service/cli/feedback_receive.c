/*
 * iothub-service feedback receive
 */
#include <stdlib.h>

#include "base/macros.h"
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_FLAG("abandon", "Give the batch back instead of taking it out of the queue",
             is_abandoned),
};

static int run(struct cli_call *call)
{
    struct app app;
    char *batch = NULL;
    char *lock_token = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status =
        iothub_service_feedback_receive(app.service, &batch, &lock_token);
    if (status == IOTHUB_OK && lock_token != NULL) {
        status = app.values->is_abandoned
                     ? iothub_service_feedback_abandon(app.service, lock_token)
                     : iothub_service_feedback_complete(app.service, lock_token);
    }
    free(lock_token);
    return app_end(&app, status, batch, &columns_feedback);
}

const struct cli_verb verb_feedback_receive = {
    .name = "feedback receive",
    .arguments = "",
    .summary = "Take the next batch of feedback about messages to devices",
    .details =
        "An empty list means that there is none. Feedback is made for messages that were "
        "sent with --ack.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
