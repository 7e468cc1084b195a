/*
 * send: messages to the hub, done when it has acknowledged them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/file.h"
#include "device/cli/single.h"
#include "device/cli/source.h"
#include "device/cli/verbs.h"
#include "iothub/limits.h"
#include "iothub/property_bag.h"

/* Messages on their way at a time; more input is read when some have arrived. */
#define WINDOW 100

#define REPEAT_MAX 1000000000

struct sending {
    struct single single;
    const struct app_values *values;
    struct source source;
    struct iothub_device_property *properties;
    char **property_texts; /* the names; the values are behind them */
    size_t n_properties;
    int64_t next_ms; /* when the next message may be sent */
    int64_t n_sent;
};

/* "NAME=VALUE", or "NAME" for a property without a value. */
static int take_properties(struct sending *s)
{
    const struct cli_list *list = &s->values->properties;
    s->properties = mem_array(list->n_items + 1, sizeof(*s->properties));
    s->property_texts = mem_array(list->n_items + 1, sizeof(*s->property_texts));
    for (size_t i = 0; i < list->n_items; i++) {
        char *text = mem_dup_text(list->items[i]);
        char *value = strchr(text, '=');
        s->property_texts[i] = text;
        s->n_properties++;
        if (value != NULL) {
            *value++ = '\0';
        }
        s->properties[i] = (struct iothub_device_property){text, value};
        if (text[0] == '\0' || list->n_items > PROPERTY_BAG_MAX) {
            cli_complain(s->single.call, "--property: %s",
                         text[0] == '\0' ? "a property has no name" : "there are too many");
            return CLI_WRONG;
        }
    }
    return CLI_DONE;
}

static int open_file(struct sending *s)
{
    struct buf text;
    buf_init(&text, SOURCE_MAX_BYTES);
    int result = cli_file_read(s->values->file, &text);
    if (result != 0) {
        cli_complain(s->single.call, "%s: %s", s->values->file, strerror(-result));
        buf_finish(&text);
        return CLI_FAILED;
    }
    source_of_text(&s->source, buf_slice(&text), s->values->repeat);
    buf_finish(&text);
    return CLI_DONE;
}

static int open_source(struct sending *s)
{
    const struct app_values *v = s->values;
    if (v->data != NULL && v->file != NULL) {
        cli_complain(s->single.call, "--data and --file exclude each other");
        return CLI_WRONG;
    }
    if (v->file != NULL) {
        return open_file(s);
    }
    if (v->data != NULL) {
        source_of_text(&s->source, slice_of(v->data), v->repeat);
        return CLI_DONE;
    }
    if (v->repeat > 1) {
        cli_complain(s->single.call, "--repeat wants --data or --file");
        return CLI_WRONG;
    }
    source_of_lines(&s->source, STDIN_FILENO);
    return CLI_DONE;
}

static int send_one(struct sending *s, struct slice text)
{
    const struct app_values *v = s->values;
    const struct iothub_device_message message = {
        .payload = text.data,
        .payload_len = text.len,
        .properties = s->properties,
        .n_properties = s->n_properties,
        .message_id = v->message_id,
        .correlation_id = v->correlation_id,
        .content_type = v->content_type,
        .content_encoding = v->content_encoding,
        .output = v->module_output,
    };
    enum iothub_status status = iothub_device_send(s->single.client, &message, NULL, NULL);
    if (status != IOTHUB_OK) {
        cli_complain(s->single.call, "message %" PRId64 ": %s", s->n_sent + 1,
                     iothub_status_name(status));
        return CLI_FAILED;
    }
    s->n_sent++;
    return CLI_DONE;
}

/* Send what there is, as far as the pace and the window allow. */
static int send_some(struct sending *s)
{
    struct slice text = {0};
    int code = CLI_DONE;
    while (code == CLI_DONE && app_now_ms() >= s->next_ms &&
           iothub_device_n_unsent(s->single.client) < WINDOW &&
           source_next(&s->source, &text)) {
        code = send_one(s, text);
        s->next_ms = app_now_ms() + s->values->every_ms;
    }
    return code;
}

static int read_some(struct sending *s)
{
    if (!s->single.loop.is_input_ready) {
        return CLI_DONE;
    }
    int result = source_read(&s->source);
    if (result == 0) {
        return CLI_DONE;
    }
    cli_complain(s->single.call, "stdin: %s",
                 result == -EMSGSIZE ? "a line is too long" : strerror(-result));
    return CLI_FAILED;
}

/* More lines are wanted when those read before are gone. */
static bool wants_input(const struct sending *s)
{
    return s->source.fd >= 0 && !s->source.is_at_end &&
           slice_find(slice_from(buf_slice(&s->source.text), s->source.n_taken), '\n') ==
               s->source.text.len - s->source.n_taken;
}

static int watch_input(struct sending *s)
{
    int result = loop_set_input(&s->single.loop, wants_input(s) ? s->source.fd : -1);
    if (result != 0) {
        cli_complain(s->single.call, "stdin: %s", strerror(-result));
    }
    return result == 0 ? CLI_DONE : CLI_FAILED;
}

static int pump(struct sending *s)
{
    int code = send_some(s);
    while (code == CLI_DONE &&
           (!source_is_done(&s->source) || iothub_device_n_unsent(s->single.client) != 0)) {
        bool is_waiting = s->next_ms > app_now_ms() && !source_is_done(&s->source);
        code = watch_input(s);
        if (code != CLI_DONE) {
            break;
        }
        code = single_turn(&s->single, is_waiting ? s->next_ms : NEVER_MS);
        if (code == CLI_DONE) {
            code = read_some(s);
        }
        if (code == CLI_DONE) {
            code = send_some(s);
        }
    }
    size_t n_unsent = iothub_device_n_unsent(s->single.client);
    if (code != CLI_DONE && n_unsent != 0) {
        cli_complain(s->single.call, "messages not acknowledged: %zu", n_unsent);
    }
    return code;
}

static void finish(struct sending *s)
{
    single_finish(&s->single);
    source_finish(&s->source);
    for (size_t i = 0; i < s->n_properties; i++) {
        free(s->property_texts[i]);
    }
    free(s->property_texts);
    free(s->properties);
}

static int run(struct cli_call *call)
{
    struct sending sending = {
        .single = {.call = call}, .values = call->values, .source = {.fd = -1}};
    app_begin(call->values);
    int code = take_properties(&sending);
    if (code == CLI_DONE) {
        code = open_source(&sending);
    }
    if (code == CLI_DONE) {
        code = single_init(&sending.single, call);
    }
    if (code == CLI_DONE) {
        code = pump(&sending);
    }
    finish(&sending);
    return code;
}

static const struct cli_option options[] = {
    APP_TEXT("data", "TEXT", "The message's body", data),
    APP_TEXT("file", "PATH", "Take the body from this file; - is all of stdin", file),
    APP_LIST("property", "NAME=VALUE", "An application property", properties),
    APP_TEXT("content-type", "TYPE", "Such as application/json", content_type),
    APP_TEXT("content-encoding", "NAME", "Such as utf-8", content_encoding),
    APP_TEXT("message-id", "ID", "The message's id", message_id),
    APP_TEXT("correlation-id", "ID", "The id of what the message belongs to", correlation_id),
    APP_TEXT("output", "NAME", "Of a module: the output the message goes by", module_output),
    APP_OPTION("repeat", CLI_NUMBER, "N", "Send the same message that often", repeat,
               APP_RANGE("1", 1, REPEAT_MAX)),
    APP_SPAN("every", "Wait that long between messages", every_ms),
};

static const char details[] =
    "Without --data and --file, each line of stdin is a message, sent as it comes. Ends with 0 "
    "only when the hub has acknowledged everything.\n"
    "\n"
    "  iothub-device send --data '{\"temperature\": 21.5}' --content-type application/json\n"
    "  tail -f readings | iothub-device send --property source=tail";

const struct cli_verb verb_send = {
    .name = "send",
    .arguments = "",
    .summary = "Send messages and wait until the hub has acknowledged them",
    .details = details,
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
