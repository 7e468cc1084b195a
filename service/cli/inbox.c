/*
 * Batches are completed once they are shown.
 */
#include "service/cli/inbox.h"

#include <stdlib.h>

#include "iothub/json.h"
#include "service/cli/watch.h"

/* The next batch as a list, empty and without a token when there is none. */
static enum iothub_status take(struct iothub_service *service, const struct inbox *inbox,
                               json_t **out, char **lock_token)
{
    char *text = NULL;
    enum iothub_status status = inbox->receive(service, &text, lock_token);
    if (status != IOTHUB_OK) {
        return status;
    }
    json_t *batch = text == NULL ? NULL : json_parse(slice_of(text), NULL);
    if (!json_is_array(batch)) {
        json_t *list = json_array();
        if (batch != NULL) {
            (void)json_array_append_new(list, batch);
        }
        batch = list;
    }
    free(text);
    *out = batch;
    return IOTHUB_OK;
}

int inbox_receive(struct cli_call *call, const struct inbox *inbox)
{
    struct app app;
    json_t *batch = NULL;
    char *text = NULL;
    char *lock_token = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status = take(app.service, inbox, &batch, &lock_token);
    if (status == IOTHUB_OK && lock_token != NULL) {
        status = app.values->is_abandoned ? inbox->abandon(app.service, lock_token)
                                          : inbox->complete(app.service, lock_token);
    }
    if (batch != NULL) {
        text = json_text(batch);
    }
    json_decref(batch);
    free(lock_token);
    return app_end(&app, status, text, inbox->view);
}

/* ---- watching ---- */

static void put_value(struct buf *line, const json_t *value)
{
    if (json_is_integer(value)) {
        buf_put_i64(line, json_integer_value(value));
    } else {
        struct slice text = json_string_slice(value);
        buf_put_slice(line, text.len == 0 ? SLICE("-") : text);
    }
}

void inbox_put_members(struct buf *line, const json_t *record, const char *const *names,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_put_text(line, i == 0 ? "" : "  ");
        put_value(line, json_object_get(record, names[i]));
    }
}

static enum iothub_status take_batch(struct watch *watch, const struct inbox *inbox,
                                     bool *out_is_empty)
{
    struct iothub_service *service = watch->app->service;
    json_t *batch = NULL;
    char *lock_token = NULL;
    enum iothub_status status = take(service, inbox, &batch, &lock_token);
    *out_is_empty = lock_token == NULL;
    for (size_t i = 0; i < json_array_size(batch); i++) {
        if (!watch_show(watch, json_array_get(batch, i), inbox->put_line)) {
            break;
        }
    }
    if (status == IOTHUB_OK && lock_token != NULL) {
        status = inbox->complete(service, lock_token);
    }
    json_decref(batch);
    free(lock_token);
    return status;
}

static int watch_all(const struct app *app, const struct inbox *inbox)
{
    struct watch watch;
    enum iothub_status status = IOTHUB_OK;
    bool is_empty = false;
    watch_init(&watch, app);
    while (status == IOTHUB_OK && !watch_is_over(&watch)) {
        status = take_batch(&watch, inbox, &is_empty);
        if (status == IOTHUB_OK && is_empty &&
            !app_sleep(watch_wait_ms(&watch, app->values->poll_ms))) {
            break;
        }
    }
    return watch_end(&watch, status);
}

int inbox_watch(struct cli_call *call, const struct inbox *inbox)
{
    struct app app;
    int code = app_open(call, &app);
    if (code == CLI_DONE) {
        code = watch_all(&app, inbox);
        app_close(&app);
    }
    return code;
}
