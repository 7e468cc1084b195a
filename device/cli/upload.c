/*
 * upload: a file to the storage account behind the hub.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"
#include "device/cli/app.h"
#include "device/cli/verbs.h"

/* Signals wait until they are asked for; the first one ends the upload. */
static void hold_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool is_interrupted(void *ctx)
{
    sigset_t set;
    (void)ctx;
    return sigpending(&set) == 0 &&
           (sigismember(&set, SIGINT) == 1 || sigismember(&set, SIGTERM) == 1);
}

/* One line that is written over and over, for people only. */
static void show_progress(void *ctx, int64_t n_done, int64_t n_bytes)
{
    (void)ctx;
    if (isatty(STDERR_FILENO) != 0) {
        (void)fprintf(stderr, "\r%" PRId64 " of %" PRId64 " bytes%s", n_done, n_bytes,
                      n_done == n_bytes ? "\n" : "");
    }
}

/* The file's own name, without its folders. */
static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static int upload(const struct cli_call *call, const struct roster *roster)
{
    const struct app_values *v = call->values;
    const char *path = call->arguments[0];
    const struct iothub_device_options options = app_device_options(call, roster, 0);
    const struct iothub_device_upload upload = {
        .blob_name = v->blob_name != NULL ? v->blob_name : last_part(path),
        .path = path,
        .content_type = v->content_type,
        .interrupted = is_interrupted,
        .progress = show_progress,
    };
    struct iothub_device_error error;
    hold_signals();
    enum iothub_status status = iothub_device_upload(&options, &upload, &error);
    if (status != IOTHUB_OK) {
        cli_complain(call, "%s: %s", roster->names[0], error.text);
        return status == IOTHUB_BAD_ARGUMENT || status == IOTHUB_BAD_CONNECTION_STRING
                   ? CLI_WRONG
                   : CLI_FAILED;
    }
    (void)printf("%s/%s\n", roster->names[0], upload.blob_name);
    return CLI_DONE;
}

static int run(struct cli_call *call)
{
    struct roster roster = {0};
    app_begin(call->values);
    if (access(call->arguments[0], R_OK) != 0) {
        cli_complain(call, "%s: %s", call->arguments[0], strerror(errno));
        return CLI_FAILED;
    }
    int code = roster_init(call, ROSTER_HTTP, &roster);
    if (code == CLI_DONE) {
        code = upload(call, &roster);
    }
    roster_finish(&roster);
    return code;
}

static const struct cli_option options[] = {
    APP_TEXT("blob-name", "NAME",
             "What it is called there, with folders; the file's name unless given", blob_name),
    APP_TEXT("content-type", "TYPE", "Such as image/png", content_type),
    APP_OPTION("https-port", CLI_NUMBER, "PORT",
               "Connect to this port instead of 443, or 80 with --plain", https_port,
               .variable = "IOTHUB_HTTPS_PORT", .min = 1, .max = 65535),
    APP_OPTION("timeout", CLI_SECONDS, "SECONDS", "How long the hub has for each answer",
               timeout_ms, APP_RANGE("60", 10, APP_HOUR_MS)),
};

static const char details[] =
    "Asks the hub for a place, writes the file there over HTTPS, and tells the hub. Prints the "
    "blob's whole name, which begins with the device's id.\n"
    "\n"
    "  iothub-device upload photo.png --blob-name photos/1.png --content-type image/png";

const struct cli_verb verb_upload = {
    .name = "upload",
    .arguments = "FILE",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Upload a file to the storage account behind the hub",
    .details = details,
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
