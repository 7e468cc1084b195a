/*
 * iothub-service feedback receive, feedback watch
 */
#include "base/macros.h"
#include "service/cli/inbox.h"
#include "service/cli/verbs.h"

static void put_line(struct buf *line, const json_t *record)
{
    static const char *const names[] = {"enqueuedTimeUtc", "deviceId", "originalMessageId",
                                        "statusCode", "description"};
    inbox_put_members(line, record, names, ARRAY_LEN(names));
}

static const struct inbox inbox = {
    .receive = iothub_service_feedback_receive,
    .complete = iothub_service_feedback_complete,
    .abandon = iothub_service_feedback_abandon,
    .view = &columns_feedback,
    .put_line = put_line,
};

static const struct cli_option receive_options[] = {
    APP_FLAG("abandon", "Give the batch back instead of taking it out of the queue",
             is_abandoned),
};

static int run_receive(struct cli_call *call)
{
    return inbox_receive(call, &inbox);
}

const struct cli_verb verb_feedback_receive = {
    .name = "feedback receive",
    .arguments = "",
    .summary = "Take the next batch of feedback about messages to devices",
    .details =
        "An empty list means that there is none. Feedback is made for messages that were "
        "sent with --ack.",
    .options = receive_options,
    .n_options = ARRAY_LEN(receive_options),
    .run = run_receive,
};

static const struct cli_option watch_options[] = {
    APP_SECONDS("poll-every", "1", "How often to look", poll_ms, 100, 3600000),
    APP_OPTIONS_WATCH,
};

static int run_watch(struct cli_call *call)
{
    return inbox_watch(call, &inbox);
}

const struct cli_verb verb_feedback_watch = {
    .name = "feedback watch",
    .arguments = "",
    .summary = "Print feedback about messages to devices as it comes",
    .details =
        "Goes on until Ctrl-C, or what --count and --for say. A line tells when, of which "
        "device and message, and what became of it; with --output json it is the record. A "
        "count that is not reached in time is exit code 1.",
    .options = watch_options,
    .n_options = ARRAY_LEN(watch_options),
    .run = run_watch,
};
