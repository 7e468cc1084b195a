/*
 * iothub-service feedback watch
 */
#include <stdlib.h>

#include "base/macros.h"
#include "iothub/json.h"
#include "service/cli/verbs.h"
#include "service/cli/watch.h"

static const struct cli_option options[] = {
    APP_SECONDS("poll-every", "1", "How often to look", poll_ms, 100, 3600000),
    APP_OPTIONS_WATCH,
};

static struct slice text_of(const json_t *record, const char *name)
{
    struct slice text = json_string_slice(json_object_get(record, name));
    return text.len == 0 ? SLICE("-") : text;
}

static void put_line(struct buf *line, const json_t *record)
{
    static const char *const names[] = {"enqueuedTimeUtc", "deviceId", "originalMessageId",
                                        "statusCode", "description"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf_put_text(line, i == 0 ? "" : "  ");
        buf_put_slice(line, text_of(record, names[i]));
    }
}

static void show_batch(struct watch *watch, const char *text)
{
    json_t *batch = json_parse(slice_of(text), NULL);
    for (size_t i = 0; i < json_array_size(batch); i++) {
        if (!watch_show(watch, json_array_get(batch, i), put_line)) {
            break;
        }
    }
    json_decref(batch);
}

/* One batch, completed once it is printed. */
static enum iothub_status take_batch(struct watch *watch, bool *out_is_empty)
{
    struct iothub_service *service = watch->app->service;
    char *batch = NULL;
    char *lock_token = NULL;
    enum iothub_status status = iothub_service_feedback_receive(service, &batch, &lock_token);
    *out_is_empty = lock_token == NULL;
    if (status == IOTHUB_OK && lock_token != NULL) {
        show_batch(watch, batch);
        status = iothub_service_feedback_complete(service, lock_token);
    }
    free(batch);
    free(lock_token);
    return status;
}

static int watch_all(const struct app *app)
{
    struct watch watch;
    enum iothub_status status = IOTHUB_OK;
    bool is_empty = false;
    watch_init(&watch, app);
    while (status == IOTHUB_OK && !watch_is_over(&watch)) {
        status = take_batch(&watch, &is_empty);
        if (status == IOTHUB_OK && is_empty &&
            !app_sleep(watch_wait_ms(&watch, app->values->poll_ms))) {
            break;
        }
    }
    return watch_end(&watch, status);
}

static int run(struct cli_call *call)
{
    struct app app;
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        code = watch_all(&app);
        app_close(&app);
    }
    return code;
}

const struct cli_verb verb_feedback_watch = {
    .name = "feedback watch",
    .arguments = "",
    .summary = "Print feedback about messages to devices as it comes",
    .details =
        "Goes on until Ctrl-C, or what --count and --for say. A line tells when, of which "
        "device and message, and what became of it; with --output json it is the record. A "
        "count that is not reached in time is exit code 1.",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
