/*
 * twin get: the device's own view of its twin.
 */
#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "device/cli/single.h"
#include "device/cli/verbs.h"
#include "iothub/json.h"

struct get {
    struct single single;
    bool is_done;
    int code;
};

static int print_document(const struct get *get, const struct iothub_device_twin_result *result)
{
    json_t *document = json_parse(slice_make(result->document, result->document_len), NULL);
    if (document == NULL) {
        cli_complain(get->single.call, "the hub's answer is not JSON");
        return CLI_FAILED;
    }
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    cli_put_json(&text, document);
    (void)fputs(buf_text(&text), stdout);
    buf_finish(&text);
    json_decref(document);
    return CLI_DONE;
}

static void on_result(void *ctx, const struct iothub_device_twin_result *result)
{
    struct get *get = ctx;
    get->is_done = true;
    if (result->status == IOTHUB_OK) {
        get->code = print_document(get, result);
        return;
    }
    cli_complain(get->single.call, "%s: %s", iothub_status_name(result->status), result->text);
    get->code = CLI_FAILED;
}

static int run(struct cli_call *call)
{
    struct get get = {.code = CLI_DONE};
    app_begin(call->values);
    int code = single_init(&get.single, call);
    if (code == CLI_DONE &&
        iothub_device_twin_get(get.single.client, on_result, &get) != IOTHUB_OK) {
        code = CLI_FAILED;
    }
    while (code == CLI_DONE && !get.is_done) {
        code = single_turn(&get.single, NEVER_MS);
    }
    single_finish(&get.single);
    return code == CLI_DONE ? get.code : code;
}

static const struct cli_option options[] = {APP_TIMEOUT};

const struct cli_verb verb_twin_get = {
    .name = "twin get",
    .arguments = "",
    .summary = "Print the desired and reported properties",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
