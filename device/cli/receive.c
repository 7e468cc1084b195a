/*
 * receive: messages to the device, printed as they come.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/coding.h"
#include "device/cli/single.h"
#include "device/cli/verbs.h"
#include "iothub/json.h"

struct receiving {
    struct single single;
    const struct app_values *values;
    int64_t n_received;
};

static void put_member(struct buf *out, const char *name, const char *value)
{
    if (value != NULL) {
        buf_put_text(out, out->data[out->len - 1] == '{' ? "" : ",");
        json_put_string(out, slice_of(name));
        buf_put_char(out, ':');
        json_put_string(out, slice_of(value));
    }
}

/* Text as it is; bytes that are no UTF-8 as base64, and then it is said. */
static void put_body(struct buf *out, struct slice body)
{
    json_t *text = json_stringn(body.data, body.len);
    if (text != NULL) {
        buf_put_text(out, "\"body\":");
        json_put_string(out, body);
    } else {
        struct buf encoded;
        buf_init(&encoded, BUF_CAP_OWN);
        base64_encode(&encoded, body.data, body.len);
        buf_putf(out, "\"bodyEncoding\":\"base64\",\"body\":\"%s\"", buf_text(&encoded));
        buf_finish(&encoded);
    }
    json_decref(text);
}

static void put_properties(struct buf *out, const struct iothub_device_received *m)
{
    buf_put_text(out, ",\"properties\":{");
    for (size_t i = 0; i < m->n_properties; i++) {
        buf_put_text(out, i == 0 ? "" : ",");
        json_put_string(out, slice_of(m->properties[i].name));
        buf_put_char(out, ':');
        json_put_string_or_null(out, m->properties[i].value);
    }
    buf_put_char(out, '}');
}

static void print_as_json(const struct iothub_device_received *m)
{
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    buf_put_char(&line, '{');
    put_body(&line, slice_make(m->payload, m->payload_len));
    put_properties(&line, m);
    put_member(&line, "messageId", m->message_id);
    put_member(&line, "correlationId", m->correlation_id);
    put_member(&line, "userId", m->user_id);
    put_member(&line, "to", m->to);
    put_member(&line, "contentType", m->content_type);
    put_member(&line, "contentEncoding", m->content_encoding);
    put_member(&line, "expiryTime", m->expiry_time);
    put_member(&line, "creationTime", m->creation_time);
    put_member(&line, "ack", m->ack);
    put_member(&line, "input", m->input);
    buf_put_text(&line, "}");
    (void)puts(buf_text(&line));
    buf_finish(&line);
}

static bool is_enough(const struct receiving *r)
{
    return r->values->n_wanted != 0 && r->n_received >= r->values->n_wanted;
}

static void on_message(void *ctx, const struct iothub_device_received *message)
{
    struct receiving *r = ctx;
    if (is_enough(r)) {
        return; /* it comes behind the farewell, so that the hub keeps it */
    }
    r->n_received++;
    if (r->values->is_json) {
        print_as_json(message);
    } else {
        (void)fwrite(message->payload, 1, message->payload_len, stdout);
        (void)putchar('\n');
    }
    (void)fflush(stdout);
    if (is_enough(r)) {
        iothub_device_disconnect(r->single.client);
    }
}

static int receive(struct receiving *r)
{
    int64_t for_ms = r->values->for_ms;
    int64_t end_ms = for_ms == 0 ? NEVER_MS : app_now_ms() + for_ms;
    int code = CLI_DONE;
    while (code == CLI_DONE && !is_enough(r) && app_now_ms() < end_ms) {
        code = single_turn(&r->single, end_ms);
        if (ferror(stdout) != 0) {
            code = CLI_FAILED;
        }
    }
    if (r->single.is_endless && r->single.loop.signal != 0) {
        return CLI_DONE;
    }
    if (code == CLI_DONE && r->values->n_wanted != 0 && !is_enough(r)) {
        cli_complain(r->single.call, "%" PRId64 " of %" PRId64 " came in time", r->n_received,
                     r->values->n_wanted);
        return CLI_FAILED;
    }
    return code;
}

static int run(struct cli_call *call)
{
    struct receiving receiving = {.single = {.call = call}, .values = call->values};
    app_begin(call->values);
    int code = single_init(&receiving.single, call);
    if (code == CLI_DONE) {
        /* Without a count, Ctrl-C is how it ends. */
        receiving.single.is_endless = receiving.values->n_wanted == 0;
        iothub_device_on_message(receiving.single.client, on_message, &receiving);
        code = receive(&receiving);
    }
    single_finish(&receiving.single);
    return code;
}

static const struct cli_option options[] = {
    APP_COUNT("count", "End when that many have come; 0 has no end", n_wanted),
    APP_SPAN("for", "End after this time; 0 has no end", for_ms),
    APP_FLAG("json", "Print each message as a JSON object with its properties", is_json),
};

static const char details[] =
    "Prints each message's body with a line feed behind it. A module receives by its inputs. "
    "Goes on until Ctrl-C unless --count or --for end it; a count that is not reached in time "
    "is exit "
    "code 1.\n"
    "\n"
    "  iothub-device receive --count 1 --for 30\n"
    "  iothub-device receive --json | jq .properties";

const struct cli_verb verb_receive = {
    .name = "receive",
    .arguments = "",
    .summary = "Print messages to the device as they come",
    .details = details,
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
