/*
 * iothub-service monitor-events: what an emulator's devices send, as it comes.
 */
#include <stdlib.h>

#include "base/macros.h"
#include "base/mem.h"
#include "iothub/json.h"
#include "service/cli/verbs.h"
#include "service/cli/watch.h"

/* One request waits that long at most. */
#define WAIT_MAX_MS 300000

static const struct cli_option options[] = {
    APP_TEXT("device-id", "ID", "Only what this device sends", device_id),
    APP_FLAG("from-start", "Begin with the first event that the hub keeps", is_from_start),
    APP_TEXT("after", "OFFSET", "Begin with the event after this one", after),
    APP_OPTIONS_WATCH,
};

static void put_value(struct buf *line, const json_t *value)
{
    if (value == NULL || json_is_null(value)) {
        buf_put_char(line, '-');
    } else if (json_is_string(value)) {
        buf_put_slice(line, json_string_slice(value));
    } else {
        json_put(line, value);
    }
}

static bool has_text(const json_t *event, const char *name, const char *text)
{
    return slice_equal_text(json_string_slice(json_object_get(event, name)), text);
}

/* What is no text comes as base64, and what is no message of a device's says where it is from.
 */
static void put_body(struct buf *line, const json_t *event)
{
    const json_t *source = json_object_get(event, "source");
    if (source != NULL && !has_text(event, "source", "Telemetry")) {
        buf_put_char(line, '[');
        put_value(line, source);
        buf_put_text(line, "] ");
    }
    buf_put_text(line, has_text(event, "bodyEncoding", "base64") ? "base64:" : "");
    put_value(line, json_object_get(event, "body"));
}

static void put_line(struct buf *line, const json_t *event)
{
    const json_t *properties = json_object_get(event, "properties");
    const json_t *module = json_object_get(event, "moduleId");
    put_value(line, json_object_get(event, "enqueuedTime"));
    buf_put_text(line, "  ");
    put_value(line, json_object_get(event, "deviceId"));
    if (json_is_string(module) && json_string_length(module) != 0) {
        buf_put_char(line, '/');
        put_value(line, module);
    }
    buf_put_text(line, "  ");
    put_body(line, event);
    if (json_object_size(properties) != 0) {
        buf_put_text(line, "  ");
        json_put(line, properties);
    }
}

static void move_on(char **after, char *next)
{
    free(*after);
    *after = next;
}

static char *offset_of(const json_t *event)
{
    struct buf offset;
    buf_init(&offset, BUF_CAP_OWN);
    put_value(&offset, json_object_get(event, "offset"));
    return buf_take_text(&offset);
}

/* Print what has come; `after` moves on with it. */
static void show_events(struct watch *watch, const char *text, char **after)
{
    json_t *events = json_parse(slice_of(text), NULL);
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        move_on(after, offset_of(event));
        if (!watch_show(watch, event, put_line)) {
            break;
        }
    }
    json_decref(events);
}

static enum iothub_status read_some(struct watch *watch, char **after)
{
    const struct app *app = watch->app;
    char *events = NULL;
    char *next = NULL;
    const struct iothub_service_events which = {
        .after = *after,
        .device_id = app->values->device_id,
        .wait_s = app_seconds(watch_wait_ms(watch, WAIT_MAX_MS)),
    };
    enum iothub_status status =
        iothub_service_events_read(app->service, &which, &next, &events);
    if (status == IOTHUB_OK) {
        show_events(watch, events, after);
    }
    /* Also when nothing has come: "latest" would be later the next time. */
    if (next != NULL) {
        move_on(after, next);
    }
    free(events);
    return status;
}

static int watch_all(const struct app *app)
{
    struct watch watch;
    enum iothub_status status = IOTHUB_OK;
    char *after = mem_dup_text(app->values->after);
    watch_init(&watch, app);
    if (after == NULL && !app->values->is_from_start) {
        after = mem_dup_text(IOTHUB_SERVICE_EVENTS_LATEST);
    }
    while (status == IOTHUB_OK && !watch_is_over(&watch)) {
        status = read_some(&watch, &after);
    }
    free(after);
    if (iothub_service_http_status(app->service) == 404) {
        cli_complain(app->call,
                     "the hub at %s has no such route: only the emulator offers "
                     "events over HTTP; a hub in Azure has its Event "
                     "Hubs-compatible endpoint for them",
                     iothub_service_host_name(app->service));
        return CLI_FAILED;
    }
    /* A wait that Ctrl-C cut short is no failure of the hub's. */
    return watch_end(&watch, status == IOTHUB_INTERRUPTED ? IOTHUB_OK : status);
}

static int run(struct cli_call *call)
{
    struct app app;
    const struct app_values *values = call->values;
    if (values->after != NULL && values->is_from_start) {
        cli_complain(call, "give either --after or --from-start");
        return CLI_WRONG;
    }
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        code = watch_all(&app);
        app_close(&app);
    }
    return code;
}

const struct cli_verb verb_monitor_events = {
    .name = "monitor-events",
    .arguments = "",
    .summary = "Print what devices send as it comes; of an emulator only",
    .details =
        "Begins with what comes from now on, and goes on until Ctrl-C, or what --count and "
        "--for say. A line tells when, from which device, the body and the properties; with "
        "--output json it is the event, with its offset. A count that is not reached in time "
        "is "
        "exit code 1. Only the emulator offers events over HTTP.\n"
        "\n"
        "  iothub-service monitor-events --device-id door-1 --count 1 --for 10",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
