/*
 * twin report: change reported properties.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/file.h"
#include "device/cli/single.h"
#include "device/cli/verbs.h"
#include "iothub/limits.h"

struct report {
    struct single single;
    bool is_done;
    int code;
};

static void on_result(void *ctx, const struct iothub_device_twin_result *result)
{
    struct report *report = ctx;
    report->is_done = true;
    if (result->status == IOTHUB_OK) {
        (void)printf("%" PRId64 "\n", result->version);
        return;
    }
    cli_complain(report->single.call, "%s: %s", iothub_status_name(result->status),
                 result->text);
    report->code = CLI_FAILED;
}

/* The argument itself, or what it names; NULL when that cannot be read, and it was said why. */
static char *patch_of(const struct cli_call *call, const char *argument)
{
    if (argument[0] != '@') {
        return mem_dup_text(argument);
    }
    struct buf text;
    buf_init(&text, (size_t)LIMIT_D2C_BYTES);
    int result = cli_file_read(argument + 1, &text);
    if (result != 0) {
        cli_complain(call, "%s: %s", argument + 1, strerror(-result));
        buf_finish(&text);
        return NULL;
    }
    return buf_take_text(&text);
}

static int start(struct report *report, const char *patch)
{
    enum iothub_status status =
        iothub_device_twin_report(report->single.client, patch, on_result, report);
    if (status == IOTHUB_OK) {
        return CLI_DONE;
    }
    cli_complain(report->single.call, "%s",
                 status == IOTHUB_BAD_ARGUMENT ? "reported properties must be a JSON object"
                                               : iothub_status_name(status));
    return CLI_WRONG;
}

static int run(struct cli_call *call)
{
    struct report report = {.code = CLI_DONE};
    app_begin(call->values);
    char *patch = patch_of(call, call->arguments[0]);
    if (patch == NULL) {
        return CLI_FAILED;
    }
    int code = single_init(&report.single, call);
    if (code == CLI_DONE) {
        code = start(&report, patch);
    }
    while (code == CLI_DONE && !report.is_done) {
        code = single_turn(&report.single, NEVER_MS);
    }
    single_finish(&report.single);
    free(patch);
    return code == CLI_DONE ? report.code : code;
}

static const struct cli_option options[] = {APP_TIMEOUT};

static const char details[] =
    "JSON is an object, @FILE to read it from a file, or @- from stdin; null removes a "
    "property. "
    "Prints the new version of the reported properties.\n"
    "\n"
    "  iothub-device twin report '{\"locked\": true, \"alarm\": null}'";

const struct cli_verb verb_twin_report = {
    .name = "twin report",
    .arguments = "JSON",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Change reported properties and print their new version",
    .details = details,
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
