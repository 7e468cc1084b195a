/*
 * Opening the client from options and the ready file, and showing what came of a call.
 */
#include "service/cli/app.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/file.h"
#include "cli/ready.h"
#include "iothub/json.h"
#include "service/cli/columns.h"

/* A JSON argument's file; the hub takes no longer body. */
#define FILE_MAX_BYTES ((size_t)1 << 20)

/* How long a stop may go unnoticed while sleeping. */
#define SLEEP_SLICE_MS 200

/* The only thing a signal handler may touch. */
static volatile sig_atomic_t is_stopped;

static void on_stop(int signal_number)
{
    (void)signal_number;
    is_stopped = 1;
}

bool app_is_stopped(void)
{
    return is_stopped != 0;
}

static bool is_interrupted(void *ctx)
{
    (void)ctx;
    return app_is_stopped();
}

static void on_trace(void *ctx, const char *line)
{
    (void)ctx;
    log_debug("%s", line);
}

/* The first Ctrl-C ends waits politely, a second one the program. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* Settle connection string, CA file and port, with the ready file's where none are given. */
static int find_hub(const struct cli_call *call, struct cli_ready *out)
{
    const struct app_values *values = call->values;
    struct cli_ready_port port = {values->is_plain ? "httpPort" : "httpsPort",
                                  values->is_plain};
    out->connection_string = mem_dup_text(values->connection_string);
    out->ca_file = mem_dup_text(values->ca_file);
    out->port = values->port;
    int code = values->ready_file == NULL ? CLI_DONE
                                          : cli_ready_read(call, values->ready_file, port, out);
    if (code == CLI_DONE && out->connection_string == NULL) {
        cli_complain(call, "which hub? Give --connection-string or IOTHUB_CONNECTION_STRING, "
                           "or --ready-file for a local one");
        return CLI_WRONG;
    }
    return code;
}

static int create(struct app *app, const struct cli_ready *ready)
{
    const struct app_values *values = app->values;
    const struct iothub_service_options options = {
        .connection_string = ready->connection_string,
        .ca_file = ready->ca_file,
        .address = values->address,
        .port = (unsigned)ready->port,
        .is_plain = values->is_plain,
        .timeout_ms = (int)values->timeout_ms,
        .interrupted = is_interrupted,
        .trace = on_trace,
    };
    char *error = NULL;
    enum iothub_status status = iothub_service_create(&options, &error, &app->service);
    if (status == IOTHUB_OK) {
        return CLI_DONE;
    }
    cli_complain(app->call, "%s: %s", iothub_status_name(status), error);
    free(error);
    return CLI_FAILED;
}

static bool is_utf8(const char *text)
{
    json_t *string = json_string(text);
    bool is_good = text == NULL || string != NULL;
    json_decref(string);
    return is_good;
}

/* Ids, queries and documents go out as JSON, which has no other encoding. */
static bool check_texts(const struct cli_call *call)
{
    for (size_t i = 0; i < call->n_arguments; i++) {
        if (!is_utf8(call->arguments[i])) {
            cli_complain(call, "argument %zu is not UTF-8", i + 1);
            return false;
        }
    }
    for (size_t i = 0; i < call->verb->n_options; i++) {
        const struct cli_option *option = &call->verb->options[i];
        const char *text = NULL;
        if (option->type == CLI_TEXT) {
            memcpy(&text, (const char *)call->values + option->offset, sizeof(text));
        }
        if (!is_utf8(text)) {
            cli_complain(call, "--%s is not UTF-8", option->name);
            return false;
        }
    }
    return true;
}

int app_open(const struct cli_call *call, struct app *out)
{
    struct app app = {.call = call, .values = call->values};
    struct cli_ready ready = {0};
    log_set_level(app.values->is_verbose ? LOG_DEBUG : (enum log_level)app.values->log_level);
    int code = check_texts(call) ? find_hub(call, &ready) : CLI_WRONG;
    if (code == CLI_DONE) {
        code = create(&app, &ready);
    }
    cli_ready_finish(&ready);
    if (code == CLI_DONE) {
        catch_signals();
        *out = app;
    }
    return code;
}

void app_close(struct app *app)
{
    iothub_service_destroy(app->service);
    app->service = NULL;
}

int app_fail(const struct app *app, enum iothub_status status)
{
    if (status == IOTHUB_INTERRUPTED) {
        cli_complain(app->call, "stopped");
        return APP_STOPPED;
    }
    const char *tracking_id = iothub_service_tracking_id(app->service);
    bool has_id = tracking_id[0] != '\0';
    cli_complain(app->call, "%s: %s%s%s%s", iothub_status_name(status),
                 iothub_service_error_text(app->service), has_id ? " (tracking id " : "",
                 tracking_id, has_id ? ")" : "");
    return CLI_FAILED;
}

void app_print(struct buf *text)
{
    fputs(buf_text(text), stdout);
    (void)fflush(stdout);
    buf_reset(text);
}

static void put_for_people(struct buf *out, json_t *tree, const struct app_view *view)
{
    if (view->prepare != NULL) {
        view->prepare(tree);
    }
    if (view->is_list) {
        cli_put_table(out, view->columns, view->n_columns, tree);
    } else {
        struct columns columns;
        columns_of_card(&columns, view, tree);
        cli_put_card(out, columns.items, columns.n_items, tree);
    }
}

void app_show(const struct app *app, json_t *tree, const struct app_view *view)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    if (app->values->output == CLI_OUTPUT_JSON) {
        cli_put_json(&text, tree);
    } else {
        put_for_people(&text, tree, view);
    }
    app_print(&text);
    buf_finish(&text);
}

int app_end(struct app *app, enum iothub_status status, char *document,
            const struct app_view *view)
{
    int code = CLI_DONE;
    if (status != IOTHUB_OK) {
        code = app_fail(app, status);
    } else if (document != NULL) {
        json_t *tree = json_parse(slice_of(document), NULL);
        app_show(app, tree, view);
        json_decref(tree);
    }
    free(document);
    app_close(app);
    return code;
}

bool app_bytes_argument(const struct cli_call *call, const char *name, const char *value,
                        size_t max, struct buf *out)
{
    int result = 0;
    buf_init(out, max);
    if (value == NULL) {
        return true;
    }
    if (value[0] != '@') {
        buf_put_text(out, value);
        result = out->failed ? -EFBIG : 0;
    } else {
        result = cli_file_read(value + 1, out);
    }
    if (result != 0) {
        cli_complain(call, "--%s: %s: %s", name, value[0] == '@' ? value + 1 : "the text",
                     strerror(-result));
        buf_finish(out);
    }
    return result == 0;
}

bool app_json_argument(const struct cli_call *call, const char *name, const char *value,
                       char **out)
{
    struct buf text;
    struct buf error;
    if (value == NULL) {
        *out = NULL;
        return true;
    }
    if (!app_bytes_argument(call, name, value, FILE_MAX_BYTES, &text)) {
        return false;
    }
    buf_init(&error, BUF_CAP_OWN);
    json_t *tree = json_parse(buf_slice(&text), &error);
    bool is_good = tree != NULL;
    if (is_good) {
        *out = buf_take_text(&text);
    } else {
        cli_complain(call, "--%s is not JSON: %s", name, buf_text(&error));
    }
    json_decref(tree);
    buf_finish(&text);
    buf_finish(&error);
    return is_good;
}

int app_seconds(int64_t ms)
{
    return (int)((ms + 999) / 1000);
}

bool app_sleep(int64_t ms)
{
    int64_t end_ms = app_now_ms() + ms;
    while (!app_is_stopped()) {
        int64_t left_ms = end_ms - app_now_ms();
        if (left_ms <= 0) {
            return true;
        }
        (void)poll(NULL, 0, left_ms < SLEEP_SLICE_MS ? (int)left_ms : SLEEP_SLICE_MS);
    }
    return false;
}

static struct moment read_clock(void)
{
    static const struct clock clock = {0};
    return clock_read(&clock);
}

int64_t app_now_ms(void)
{
    return read_clock().now_ms;
}

int64_t app_at_ms(void)
{
    return read_clock().at_ms;
}
