/*
 * iothub-service file-notification receive, file-notification watch
 */
#include "base/macros.h"
#include "service/cli/inbox.h"
#include "service/cli/verbs.h"

static void put_line(struct buf *line, const json_t *record)
{
    static const char *const names[] = {"enqueuedTimeUtc", "deviceId", "blobName",
                                        "blobSizeInBytes", "blobUri"};
    inbox_put_members(line, record, names, ARRAY_LEN(names));
}

static const struct inbox inbox = {
    .receive = iothub_service_file_notification_receive,
    .complete = iothub_service_file_notification_complete,
    .abandon = iothub_service_file_notification_abandon,
    .view = &columns_file_notification,
    .put_line = put_line,
};

static const struct cli_option receive_options[] = {
    APP_FLAG("abandon", "Give it back instead of taking it out of the queue", is_abandoned),
};

static int run_receive(struct cli_call *call)
{
    return inbox_receive(call, &inbox);
}

const struct cli_verb verb_file_notification_receive = {
    .name = "file-notification receive",
    .arguments = "",
    .summary = "Take the next notification of an uploaded file",
    .details =
        "An empty list means that there is none. An emulator has them over HTTP; hubs in "
        "Azure have not.",
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

const struct cli_verb verb_file_notification_watch = {
    .name = "file-notification watch",
    .arguments = "",
    .summary = "Print notifications of uploaded files as they come",
    .details =
        "Goes on until Ctrl-C, or what --count and --for say. A line tells when, of which "
        "device, and the blob's name, size and address; with --output json it is the "
        "record. A count that is not reached in time is exit code 1.",
    .options = watch_options,
    .n_options = ARRAY_LEN(watch_options),
    .run = run_watch,
};
