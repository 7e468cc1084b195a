/*
 * Reading device-to-cloud events: the emulator's own route, as a list or as a stream.
 *
 *     GET /_emulator/events?after=OFFSET|latest[&max=N][&wait=SECONDS][&deviceId=ID]
 *
 * A list may wait for its first event, and tells in x-ms-continuation what `after` comes next.
 * A stream (Accept: text/event-stream) goes on until the
 * client leaves, the token has lapsed or `max` events were sent; its next part is made when the
 * last one was taken, so that a slow reader costs no memory.
 * Source of the stream's form: HTML Living Standard, "Server-sent events".
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gateway/event_json.h"
#include "gateway/rest.h"

enum {
    LIST_DEFAULT = 100, /* events, unless asked otherwise */
    LIST_MAX = 1000,
    LIST_MAX_BYTES = 4 * KIB * KIB,
    STREAM_PART_BYTES = 64 * KIB,
    SCAN_MAX = 2000, /* events that are looked at in one turn */
    WAIT_MAX_S = 300,
    /* A stream without news says something, so that a client that is gone is noticed. */
    BEAT_MS = 15000,
};

/* What an exchange reads; it owns it. */
struct event_reading {
    struct http_exchange *exchange;
    struct hub_event_waiter waiter;
    int64_t after;
    int64_t left;                       /* how many events may still be given */
    char device_id[LIMIT_ID_CHARS + 1]; /* "": of all devices */
    int64_t until_ms;                   /* a list's end of waiting; a stream's next beat */
    int64_t expires_ms;                 /* the token's, in wall time */
};

static int64_t now_ms(const struct event_reading *reading)
{
    return hub_now(reading->exchange->hub).now_ms;
}

/* ---- from the log ---- */

static bool is_wanted(const struct event_reading *reading, const struct hub_event *event)
{
    return reading->device_id[0] == '\0' ||
           slice_equal_text(event->from.device_id, reading->device_id);
}

static void put_event(struct buf *body, const struct hub_event *event, bool is_stream)
{
    if (is_stream) {
        buf_putf(body, "id: %" PRId64 "\ndata: ", event->offset);
        event_put_json(body, event);
        buf_put_text(body, "\n\n");
        return;
    }
    buf_put_text(body, body->len == 1 ? "" : ",");
    event_put_json(body, event);
}

/* Append what is there, within limits; `has_more` when it did not come to the log's end. */
static enum iothub_status collect(struct event_reading *reading, bool *has_more)
{
    struct http_answer *answer = &reading->exchange->answer;
    size_t max_bytes = answer->is_stream ? STREAM_PART_BYTES : LIST_MAX_BYTES;
    struct hub_event event;
    *has_more = true;
    for (int i = 0; i < SCAN_MAX && reading->left > 0 && answer->body.len < max_bytes; i++) {
        enum iothub_status status =
            hub_event_next(reading->exchange->hub, reading->after, &event, has_more);
        if (status != IOTHUB_OK || !*has_more) {
            return status;
        }
        reading->after = event.offset;
        if (is_wanted(reading, &event)) {
            reading->left--;
            put_event(&answer->body, &event, answer->is_stream);
        }
    }
    return IOTHUB_OK;
}

/* ---- a list ---- */

static void wait_on(struct event_reading *reading, bool has_more)
{
    /* Others have their turns between two scans of a long log. */
    hub_event_wait(reading->exchange->hub, &reading->waiter,
                   has_more ? now_ms(reading) + 1 : reading->until_ms);
}

/* Answer, or wait for an event. */
static enum iothub_status list(struct event_reading *reading)
{
    struct buf *body = &reading->exchange->answer.body;
    bool has_more = false;
    buf_put_text(body, body->len == 0 ? "[" : "");
    enum iothub_status status = collect(reading, &has_more);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (body->len > 1 || (!has_more && now_ms(reading) >= reading->until_ms)) {
        buf_put_char(body, ']');
        /* Told of an empty list too: who asked for "latest" would miss what comes until then.
         */
        buf_put_i64(rest_header(reading->exchange, "x-ms-continuation"), reading->after);
        rest_answer_json(reading->exchange);
    } else {
        wait_on(reading, has_more);
    }
    return IOTHUB_OK;
}

static void on_list_woken(struct hub_event_waiter *waiter)
{
    struct event_reading *reading = CONTAINER_OF(waiter, struct event_reading, waiter);
    enum iothub_status status = list(reading);
    if (status != IOTHUB_OK) {
        rest_answer_error(reading->exchange, status, hub_error_text(reading->exchange->hub),
                          REST_ENVELOPE);
    }
}

/* ---- a stream ---- */

static void give_part(struct http_exchange *exchange)
{
    exchange->is_done = true;
    exchange->wake(exchange->owner);
}

/* An event's id without an event: nothing to the reader, but where it goes on if it breaks. */
static void put_position(struct event_reading *reading)
{
    buf_putf(&reading->exchange->answer.body, "id: %" PRId64 "\n\n", reading->after);
}

static bool is_over(const struct event_reading *reading)
{
    int64_t at_ms = hub_now(reading->exchange->hub).at_ms;
    bool has_lapsed = reading->expires_ms < at_ms - HUB_TOKEN_GRACE_MS;
    return has_lapsed || reading->left == 0;
}

static void on_stream_woken(struct hub_event_waiter *waiter)
{
    struct event_reading *reading = CONTAINER_OF(waiter, struct event_reading, waiter);
    struct buf *body = &reading->exchange->answer.body;
    bool has_more = false;
    /* What is empty ends it. */
    if (is_over(reading) || collect(reading, &has_more) != IOTHUB_OK) {
        buf_reset(body);
        give_part(reading->exchange);
        return;
    }
    if (body->len == 0 && now_ms(reading) >= reading->until_ms) {
        put_position(reading);
    }
    if (body->len != 0) {
        give_part(reading->exchange);
    } else {
        wait_on(reading, has_more);
    }
}

void rest_event_continue(struct http_exchange *exchange)
{
    struct event_reading *reading = exchange->reading;
    reading->until_ms = now_ms(reading) + BEAT_MS;
    /* At the next tick, which comes before a commit: what has come meanwhile is not missed. */
    hub_event_wait(exchange->hub, &reading->waiter, now_ms(reading));
}

static enum iothub_status begin_stream(struct event_reading *reading)
{
    struct http_exchange *exchange = reading->exchange;
    exchange->answer.is_stream = true;
    buf_put_text(rest_header(exchange, "Cache-Control"), "no-cache");
    buf_put_text(&exchange->answer.body, "retry: 1000\n");
    put_position(reading);
    rest_answer_body(exchange, 200, "text/event-stream; charset=utf-8");
    return IOTHUB_OK;
}

/* ---- the request ---- */

static struct slice argument(const struct rest_call *call, const char *name)
{
    return call->request->argument(call->request->source, name);
}

static struct slice header(const struct rest_call *call, const char *name)
{
    return call->request->header(call->request->source, name);
}

static bool wants_stream(const struct rest_call *call)
{
    struct slice rest = header(call, "Accept");
    struct slice item = {0};
    while (slice_next(&rest, ',', &item)) {
        item = slice_trim(slice_make(item.data, slice_find(item, ';')));
        if (slice_equal_nocase(item, SLICE("text/event-stream"))) {
            return true;
        }
    }
    return false;
}

/* NULL, or what is wrong. */
static const char *read_number(const struct rest_call *call, const char *name, int64_t max,
                               int64_t *value)
{
    struct slice text = argument(call, name);
    return rest_number(text, *value, value) && *value >= 0 && *value <= max
               ? NULL
               : "max is 1 to 1000, wait 0 to 300 seconds, after an offset or \"latest\".";
}

static const char *read_after(const struct rest_call *call, bool is_stream, int64_t *out)
{
    /* A client whose stream broke off says so in its header, whatever its address was. */
    struct slice text = is_stream ? header(call, "Last-Event-ID") : (struct slice){0};
    if (text.len != 0 && slice_to_i64(slice_trim(text), out)) {
        return NULL;
    }
    if (slice_equal_nocase(argument(call, "after"), SLICE("latest"))) {
        return hub_event_last(call->hub, out) == IOTHUB_OK ? NULL : hub_error_text(call->hub);
    }
    return read_number(call, "after", INT64_MAX, out);
}

static const char *read_request(const struct rest_call *call, bool is_stream,
                                struct event_reading *reading)
{
    int64_t wait_s = 0;
    struct slice device_id = argument(call, "deviceId");
    reading->left = is_stream ? INT64_MAX : LIST_DEFAULT;
    const char *wrong = read_after(call, is_stream, &reading->after);
    wrong = wrong != NULL
                ? wrong
                : read_number(call, "max", is_stream ? INT64_MAX : LIST_MAX, &reading->left);
    wrong = wrong != NULL ? wrong : read_number(call, "wait", WAIT_MAX_S, &wait_s);
    if (wrong != NULL || reading->left == 0) {
        return wrong != NULL ? wrong : "max is at least 1.";
    }
    if (device_id.len > LIMIT_ID_CHARS) {
        return "deviceId is too long.";
    }
    memcpy(reading->device_id, device_id.len == 0 ? "" : device_id.data, device_id.len);
    reading->until_ms = hub_now(call->hub).now_ms + wait_s * 1000;
    reading->expires_ms = call->principal.expires_ms;
    return NULL;
}

enum iothub_status rest_event_list(struct rest_call *call)
{
    bool is_stream = wants_stream(call);
    struct event_reading *reading = mem_alloc(sizeof(*reading));
    call->exchange->reading = reading;
    reading->exchange = call->exchange;
    reading->waiter.wake = is_stream ? on_stream_woken : on_list_woken;
    const char *wrong = read_request(call, is_stream, reading);
    if (wrong != NULL) {
        rest_answer_error(call->exchange, IOTHUB_ARGUMENT_INVALID, wrong, REST_ENVELOPE);
        return IOTHUB_OK;
    }
    return is_stream ? begin_stream(reading) : list(reading);
}

void rest_event_end(struct http_exchange *exchange)
{
    if (exchange->reading != NULL) {
        hub_event_unwait(exchange->hub, &exchange->reading->waiter);
        free(exchange->reading);
        exchange->reading = NULL;
    }
}
