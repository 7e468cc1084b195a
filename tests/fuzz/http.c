/*
 * The REST API over a hub with a device and a module: requests in text, as HTTP has them, with
 * "--" between them.  A line "@ SECONDS" instead of a request lets time pass; <etag> and <next>
 * in a request stand for what the answers before told last.  A client whose request has the
 * header x-gone does not wait for the answer.
 */
#include "gateway/http_gateway.h"

#include <string.h>

#include "base/coding.h"
#include "fuzz/fuzz.h"
#include "hub/device.h"
#include "hub/fixture.h"
#include "hub/service.h"
#include "iothub/json.h"

#define REQUESTS_MAX 8

/* The longest that a method call may take, and a little. */
#define PATIENCE_MS (12 * MINUTE_MS)

struct asked {
    struct slice method;
    struct slice path;
    struct slice arguments; /* encoded */
    struct slice head;      /* header lines */
    struct slice body;
    struct buf decoded; /* arguments, one after the other */
    const char *token;
};

static struct slice take_line(struct slice *rest)
{
    size_t len = slice_find(*rest, '\n');
    struct slice line = slice_make(rest->data, len);
    *rest = slice_from(*rest, len + 1);
    return line;
}

static struct slice take_word(struct slice *rest)
{
    size_t len = slice_find(*rest, ' ');
    struct slice word = slice_make(rest->data, len);
    *rest = slice_from(*rest, len + 1);
    return word;
}

static struct slice header_of(const void *source, const char *name)
{
    const struct asked *asked = source;
    struct slice rest = asked->head;
    while (rest.len != 0) {
        struct slice line = take_line(&rest);
        size_t colon = slice_find(line, ':');
        if (slice_equal_nocase(slice_make(line.data, colon), slice_of(name))) {
            return slice_trim(slice_from(line, colon + 1));
        }
    }
    bool is_token = slice_equal_nocase(slice_of(name), SLICE("Authorization"));
    return is_token ? slice_of(asked->token) : (struct slice){0};
}

static void visit_headers(const void *source, http_header_visit *visit, void *ctx)
{
    const struct asked *asked = source;
    struct slice rest = asked->head;
    while (rest.len != 0) {
        struct slice line = take_line(&rest);
        size_t colon = slice_find(line, ':');
        visit(ctx, slice_make(line.data, colon), slice_trim(slice_from(line, colon + 1)));
    }
}

static struct slice argument_of(const void *source, const char *name)
{
    struct asked *asked = (struct asked *)(uintptr_t)source;
    struct slice rest = asked->arguments;
    struct slice part = {0};
    while (slice_next(&rest, '&', &part)) {
        size_t equals = slice_find(part, '=');
        if (slice_equal_text(slice_make(part.data, equals), name)) {
            size_t begin = asked->decoded.len;
            percent_decode(&asked->decoded, slice_from(part, equals + 1));
            return slice_from(buf_slice(&asked->decoded), begin);
        }
    }
    return slice_equal_text(SLICE("api-version"), name) ? SLICE("2021-04-12")
                                                        : (struct slice){0};
}

static void on_wake(void *owner)
{
    (void)owner;
}

static void read_request(struct slice text, struct asked *out)
{
    struct slice rest = text;
    struct slice line = take_line(&rest);
    out->method = take_word(&line);
    size_t query = slice_find(line, '?');
    out->path = slice_make(line.data, query);
    out->arguments = slice_from(line, query + 1);
    const char *gap = memmem(rest.data, rest.len, "\n\n", 2);
    out->head = gap == NULL ? rest : slice_between(rest.data, gap + 1);
    out->body = gap == NULL ? SLICE("") : slice_from(rest, out->head.len + 1);
    /* Without headers the empty line comes at once. */
    if (rest.len != 0 && rest.data[0] == '\n') {
        out->head = SLICE("");
        out->body = slice_from(rest, 1);
    }
}

/* ---- answers ---------------------------------------------------------------------------- */

static void check_error(struct http_answer *answer)
{
    json_t *body = json_parse(buf_slice(&answer->body), NULL);
    const char *code = NULL;
    for (size_t i = 0; i < answer->n_headers; i++) {
        if (strcmp(answer->headers[i].name, "iothub-errorcode") == 0) {
            code = buf_text(&answer->headers[i].value);
        }
    }
    FUZZ_CHECK(code != NULL);
    FUZZ_CHECK(iothub_status_http(iothub_status_from_name(code, IOTHUB_OK)) == answer->status);
    /* A bulk operation's answer says what went wrong with each of its items. */
    if (!json_is_array(json_object_get(body, "errors"))) {
        FUZZ_CHECK(json_is_string(json_object_get(body, "Message")));
        FUZZ_CHECK(json_is_string(json_object_get(body, "ExceptionMessage")));
    }
    json_decref(body);
}

static void check_headers(struct http_answer *answer)
{
    for (size_t i = 0; i < answer->n_headers; i++) {
        struct slice value = buf_slice(&answer->headers[i].value);
        for (size_t k = 0; k < value.len; k++) {
            FUZZ_CHECK(value.data[k] != '\r' && value.data[k] != '\n' && value.data[k] != '\0');
        }
        FUZZ_CHECK(answer->headers[i].name[0] != '\0');
    }
}

static void check_answer(struct http_answer *answer)
{
    bool is_json = answer->content_type != NULL &&
                   strncmp(answer->content_type, "application/json", 16) == 0;
    check_headers(answer);
    FUZZ_CHECK(!answer->body.failed);
    FUZZ_CHECK(answer->status >= 200 && answer->status < 600);
    FUZZ_CHECK(answer->status != 500);
    if (answer->status >= 400) {
        check_error(answer);
    } else if (is_json) {
        json_t *body = json_parse(buf_slice(&answer->body), NULL);
        FUZZ_CHECK(body != NULL);
        json_decref(body);
    }
}

/* ---- the device ------------------------------------------------------------------------- */

/* Answer with the name of the method, unless that asks for silence. */
static void answer_method(struct device *d, struct slice topic)
{
    struct slice name = slice_from(topic, sizeof("$iothub/methods/POST/") - 1);
    struct slice rid = slice_from(topic, slice_find(topic, '?'));
    struct buf answer = fuzz_buf();
    struct buf payload = fuzz_buf();
    if (!slice_starts_with(name, SLICE("silent"))) {
        buf_put_text(&answer, "$iothub/methods/res/200/");
        buf_put_slice(&answer, rid);
        json_put_string(&payload, name);
        device_publish(d, buf_text(&answer), buf_text(&payload), 0);
    }
    buf_finish(&answer);
    buf_finish(&payload);
}

static void answer_methods(struct device *d)
{
    while (!device_is_closed(d) && d->heard.len != 0) {
        struct mqtt_publish publish = device_next_publish(d);
        struct slice topic = fuzz_copy(publish.topic);
        answer_method(d, topic);
        fuzz_free(topic);
    }
    buf_reset(&d->heard);
}

/* ---- requests --------------------------------------------------------------------------- */

/* What a client would take over from an answer. */
struct told {
    struct buf etag;
    struct buf next;
};

static void remember(struct http_answer *answer, struct told *told)
{
    for (size_t i = 0; i < answer->n_headers; i++) {
        const char *name = answer->headers[i].name;
        struct buf *kept = strcmp(name, "ETag") == 0                ? &told->etag
                           : strcmp(name, "x-ms-continuation") == 0 ? &told->next
                                                                    : NULL;
        if (kept != NULL) {
            buf_reset(kept);
            buf_put_slice(kept, buf_slice(&answer->headers[i].value));
        }
    }
}

static void put_replaced(struct buf *out, struct slice text, struct told *told)
{
    while (text.len != 0) {
        const struct buf *kept = slice_starts_with(text, SLICE("<etag>"))   ? &told->etag
                                 : slice_starts_with(text, SLICE("<next>")) ? &told->next
                                                                            : NULL;
        if (kept == NULL) {
            buf_put_char(out, text.data[0]);
        } else {
            buf_put_slice(out, buf_slice(kept));
        }
        text = slice_from(text, kept == NULL ? 1 : sizeof("<etag>") - 1);
    }
}

/* A stream is followed for some parts; the first beat comes soon enough. */
static void await_answer(struct fixture *f, struct http_exchange *exchange)
{
    if (!exchange->is_done) {
        fixture_pass(f, PATIENCE_MS);
        FUZZ_CHECK(exchange->is_done);
    }
    for (int i = 0; i < 3 && exchange->answer.is_stream && exchange->answer.body.len != 0;
         i++) {
        buf_reset(&exchange->answer.body);
        http_exchange_continue(exchange);
        fixture_pass(f, MINUTE_MS);
        FUZZ_CHECK(exchange->is_done);
    }
}

static void exchange_request(struct fixture *f, struct slice text, struct told *told)
{
    struct asked asked = {.decoded = fuzz_buf()};
    struct buf replaced = fuzz_buf();
    put_replaced(&replaced, text, told);
    struct slice copy = fuzz_copy(buf_slice(&replaced));
    buf_finish(&replaced);
    read_request(copy, &asked);
    asked.token = token_for(f, HOST, KEY_OWNER, "iothubowner", 3600);
    FUZZ_CHECK(buf_extend(&asked.decoded, copy.len * 64 + 1) != NULL);
    buf_cut(&asked.decoded, 0); /* what was given out stays where it is */
    struct http_exchange exchange = {.wake = on_wake, .owner = &asked};
    const struct http_request request = {
        .method = asked.method,
        .path = asked.path,
        .body = asked.body,
        .header = header_of,
        .argument = argument_of,
        .each_header = visit_headers,
        .source = &asked,
    };
    hub_turn(f->hub, clock_read(&f->clock));
    http_exchange_begin(&exchange, f->hub, &request);
    fixture_turn(f);
    if (header_of(&asked, "x-gone").data == NULL) {
        answer_methods(f->devices);
        await_answer(f, &exchange);
        check_answer(&exchange.answer);
        remember(&exchange.answer, told);
    }
    http_exchange_end(&exchange);
    buf_finish(&asked.decoded);
    fuzz_free(copy);
}

static void pass(struct fixture *f, struct slice text)
{
    int64_t seconds = 0;
    if (slice_to_i64(slice_trim(slice_from(text, 1)), &seconds) && seconds > 0) {
        fixture_pass(f, seconds > 100000 ? 100000 * SECOND_MS : seconds * SECOND_MS);
        answer_methods(f->devices);
    }
}

/* ---- the hub ---------------------------------------------------------------------------- */

static const struct identity ids[] = {
    {.device_id = {"d", 1} },
    { .device_id = {"d", 1}, .module_id = {"m", 1}},
};

static void fill(struct fixture *f)
{
    struct buf answer = fuzz_buf();
    json_t *body = json_from("{'authentication': {'symmetricKey': {'primaryKey': '" KEY_FIRST
                             "', 'secondaryKey': '" KEY_SECOND "'}}}");
    hub_turn(f->hub, clock_read(&f->clock));
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct hub_document document = {.body = &answer};
        buf_reset(&answer);
        FUZZ_CHECK(hub_identity_put(f->hub, ids[i], body, (struct hub_condition){0},
                                    &document) == IOTHUB_OK);
    }
    json_decref(body);
    buf_finish(&answer);
    report(f, "d", "{'t': 20.5, 'c': {'__t': 'c', 'x': [1, 'a']}}");
    report(f, "d/m", "{'t': {'u': null, 'v': 'w'}}");
    device_subscribe(device_online(f, "d"), METHODS);
}

/* Each twin that is still there is a document. */
static void check_twins(struct fixture *f)
{
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct buf answer = fuzz_buf();
        if (hub_twin_get(f->hub, ids[i], &answer) == IOTHUB_OK) {
            json_t *twin = json_parse(buf_slice(&answer), NULL);
            FUZZ_CHECK(json_is_object(twin));
            json_decref(twin);
        }
        buf_finish(&answer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_input(data, size);
    void *state = NULL;
    FUZZ_CHECK(fixture_memory(&state) == 0);
    struct fixture *f = state;
    struct told told = {fuzz_buf(), fuzz_buf()};
    fill(f);
    for (int i = 0; i < REQUESTS_MAX && rest.len != 0; i++) {
        struct slice part = fuzz_take_part(&rest);
        if (slice_starts_with(part, SLICE("@"))) {
            pass(f, part);
        } else {
            exchange_request(f, part, &told);
        }
    }
    check_twins(f);
    buf_finish(&told.etag);
    buf_finish(&told.next);
    fixture_end(&state);
    return 0;
}
