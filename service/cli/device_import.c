/*
 * iothub-service device import: identities and twins from a file, a hundred a request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "cli/file.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "service/cli/bulk_file.h"
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)

/* A request is cut before its body becomes longer than hubs take. */
#define BODY_MAX_BYTES ((size_t)LIMIT_HTTP_BODY_BYTES / 2)

struct import {
    const struct app *app;
    size_t n_items; /* of the file */
    size_t n_sent;
    struct buf body; /* of the next request */
    size_t n_in_body;
    json_t *errors;
    json_t *warnings;
};

static const struct cli_option options[] = {
    APP_TEXT(
        "mode", "MODE",
        "What is done with every item: create, update, createOrUpdate, delete, updateTwin, "
        "or one of them with IfMatchETag; otherwise what the item's importMode says",
        import_mode),
};

/* One line that is written over and over, for people only. */
static void show_progress(const struct import *import)
{
    if (isatty(STDERR_FILENO) != 0) {
        (void)fprintf(stderr, "\r%zu of %zu, %zu failed%s", import->n_sent, import->n_items,
                      json_array_size(import->errors),
                      import->n_sent == import->n_items ? "\n" : "");
    }
}

static void take_results(struct import *import, const char *text)
{
    json_t *results = json_parse(slice_of(text), NULL);
    (void)json_array_extend(import->errors, json_object_get(results, "errors"));
    (void)json_array_extend(import->warnings, json_object_get(results, "warnings"));
    json_decref(results);
}

static enum iothub_status send_body(struct import *import)
{
    char *results = NULL;
    if (import->n_in_body == 0) {
        return IOTHUB_OK;
    }
    buf_put_char(&import->body, ']');
    enum iothub_status status =
        iothub_service_devices_bulk(import->app->service, buf_text(&import->body), &results);
    if (status == IOTHUB_OK || status == IOTHUB_BULK_REGISTRY_OPERATION_FAILURE) {
        import->n_sent += import->n_in_body;
        take_results(import, results);
        show_progress(import);
        status = IOTHUB_OK;
    }
    free(results);
    buf_reset(&import->body);
    import->n_in_body = 0;
    return status;
}

static enum iothub_status add_item(struct import *import, struct slice item)
{
    if (import->n_in_body == LIMIT_BULK_ITEMS ||
        (import->n_in_body != 0 && import->body.len + item.len > BODY_MAX_BYTES)) {
        enum iothub_status status = send_body(import);
        if (status != IOTHUB_OK) {
            return status;
        }
    }
    buf_put_char(&import->body, import->n_in_body == 0 ? '[' : ',');
    bulk_file_put_item(&import->body, item, import->app->values->import_mode);
    import->n_in_body++;
    return IOTHUB_OK;
}

static enum iothub_status send_all(struct import *import, struct slice text)
{
    struct bulk_file file;
    struct slice item = {0};
    enum iothub_status status = IOTHUB_OK;
    bulk_file_open(&file, text);
    while (status == IOTHUB_OK && bulk_file_next(&file, &item)) {
        status = app_is_stopped() ? IOTHUB_INTERRUPTED : add_item(import, item);
    }
    return status == IOTHUB_OK ? send_body(import) : status;
}

static void show(const struct import *import)
{
    size_t n_failed = json_array_size(import->errors);
    if (import->app->values->output == CLI_OUTPUT_JSON) {
        json_t *root = json_pack("{s:b, s:I, s:I, s:O, s:O}", "isSuccessful", n_failed == 0,
                                 "items", (json_int_t)import->n_sent, "failed",
                                 (json_int_t)n_failed, "errors", import->errors, "warnings",
                                 import->warnings);
        app_show(import->app, root, &columns_any);
        json_decref(root);
        return;
    }
    if (n_failed != 0) {
        app_show(import->app, import->errors, &columns_import);
    }
    (void)printf("%zu done, %zu failed, %zu with a warning\n", import->n_sent - n_failed,
                 n_failed, json_array_size(import->warnings));
}

static int work(const struct app *app, struct slice text, size_t n_items)
{
    struct import import = {
        .app = app, .n_items = n_items, .errors = json_array(), .warnings = json_array()};
    buf_init(&import.body, BUF_CAP_OWN);
    enum iothub_status status = send_all(&import, text);
    int code = status == IOTHUB_OK ? CLI_DONE : app_fail(app, status);
    if (code != CLI_DONE) {
        cli_complain(app->call, "items not sent, or not known to be done: %zu",
                     n_items - import.n_sent);
    }
    show(&import);
    if (code == CLI_DONE && json_array_size(import.errors) != 0) {
        code = CLI_FAILED;
    }
    json_decref(import.errors);
    json_decref(import.warnings);
    buf_finish(&import.body);
    return code;
}

/* The whole file is looked at before anything is sent. */
static int read_and_check(const struct cli_call *call, struct buf *text, size_t *n_items)
{
    const char *path = call->arguments[0];
    struct buf error;
    int result = cli_file_read(path, text);
    if (result != 0) {
        cli_complain(call, "%s: %s", path, strerror(-result));
        return CLI_FAILED;
    }
    buf_init(&error, BUF_CAP_OWN);
    bool is_good = bulk_file_check(buf_slice(text), &error, n_items);
    if (!is_good) {
        cli_complain(call, "%s: %s", path, buf_text(&error));
    }
    buf_finish(&error);
    return is_good ? CLI_DONE : CLI_WRONG;
}

static int run(struct cli_call *call)
{
    struct app app = {0};
    struct buf text;
    size_t n_items = 0;
    buf_init(&text, FILE_MAX_BYTES);
    int code = read_and_check(call, &text, &n_items);
    if (code == CLI_DONE) {
        code = app_open(call, &app);
    }
    if (code == CLI_DONE) {
        code = work(&app, buf_slice(&text), n_items);
    }
    app_close(&app);
    mem_free_secret(text.data, text.len);
    return code;
}

const struct cli_verb verb_device_import = {
    .name = "device import",
    .arguments = "FILE",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Create, change or remove many devices and modules with their twins",
    .details =
        "The file holds ExportImportDevice objects, one a line or all in one JSON array, as "
        "device export and the hub's own export jobs write them; - is stdin. Without an "
        "importMode and --mode, what does not exist is created and the rest updated. Exit code "
        "0 means that every item was done; the others are listed with their error.\n"
        "\n"
        "  iothub-service device import devices.txt\n"
        "  iothub-service device export | iothub-service device import - --mode delete",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
