/*
 * Requests from a table of headers and a query text; answers with their checks.
 */
#include "hub/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/coding.h"
#include "base/mem.h"
#include "iothub/json.h"

static struct slice header_of(const void *source, const char *name)
{
    const struct pending *p = source;
    const struct {
        const char *name;
        const char *value;
    } headers[] = {
        {"Authorization",       p->ask.token[0] == '\0' ? NULL : p->ask.token},
        {"If-Match",            p->ask.if_match                              },
        {"x-ms-max-item-count", p->ask.max_items                             },
        {"x-ms-continuation",   p->ask.continuation                          },
        {"Accept",              p->ask.accept                                },
        {"Last-Event-ID",       p->ask.last_event_id                         },
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        if (strcasecmp(name, headers[i].name) == 0) {
            return slice_of(headers[i].value);
        }
    }
    return (struct slice){0};
}

/* The arguments are not encoded: no test needs it. */
static struct slice argument_of(const void *source, const char *name)
{
    const struct pending *p = source;
    struct slice rest = slice_of(p->arguments);
    struct slice part = {0};
    while (slice_next(&rest, '&', &part)) {
        size_t equals = slice_find(part, '=');
        if (slice_equal_text(slice_make(part.data, equals), name)) {
            return slice_from(part, equals + 1);
        }
    }
    return (struct slice){0};
}

static void on_wake(void *owner)
{
    struct pending *p = owner;
    p->was_woken = true;
}

static char *arguments_of(const struct ask *asked)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    if (asked->query == NULL || asked->query[0] == '&') {
        buf_put_text(&text, API_VERSION);
    }
    buf_put_text(&text, asked->query == NULL ? "" : asked->query);
    return buf_take_text(&text);
}

void pending_begin(struct pending *p, struct fixture *f, const struct ask *asked)
{
    *p = (struct pending){.f = f, .ask = *asked, .arguments = arguments_of(asked)};
    if (p->ask.token == NULL) {
        p->ask.token = token_for(f, HOST, KEY_OWNER, "iothubowner", 3600);
    }
    p->exchange.wake = on_wake;
    p->exchange.owner = p;
    const struct http_request request = {
        .method = slice_of(asked->method),
        .path = slice_of(asked->path),
        .body = slice_of(asked->body),
        .is_too_large = asked->is_too_large,
        .header = header_of,
        .argument = argument_of,
        .source = p,
    };
    hub_turn(f->hub, clock_read(&f->clock));
    http_exchange_begin(&p->exchange, f->hub, &request);
    bool was_done = p->exchange.is_done;
    assert_false(p->was_woken);
    fixture_turn(f);
    assert_int_equal(p->was_woken, p->exchange.is_done && !was_done);
}

struct reply pending_take(struct pending *p)
{
    assert_true(p->exchange.is_done);
    struct reply reply = {.status = p->exchange.answer.status, .exchange = p->exchange};
    reply.text = buf_text(&reply.exchange.answer.body);
    reply.json = json_parse(buf_slice(&reply.exchange.answer.body), NULL);
    free(p->arguments);
    *p = (struct pending){0};
    return reply;
}

void pending_drop(struct pending *p)
{
    http_exchange_end(&p->exchange);
    free(p->arguments);
    *p = (struct pending){0};
}

void reply_end(struct reply *reply)
{
    json_decref(reply->json);
    http_exchange_end(&reply->exchange);
    *reply = (struct reply){0};
}

struct reply ask(struct fixture *f, const struct ask *asked)
{
    struct pending p;
    pending_begin(&p, f, asked);
    return pending_take(&p);
}

json_t *ask_json(struct fixture *f, int status, const struct ask *asked)
{
    struct reply reply = ask(f, asked);
    if (reply.status != status) {
        print_error("%s %s: %d %s\n", asked->method, asked->path, reply.status, reply.text);
        assert_int_equal(reply.status, status);
    }
    json_t *json = json_incref(reply.json);
    reply_end(&reply);
    return json;
}

json_t *rest(struct fixture *f, int status, const char *method, const char *path,
             const char *body)
{
    char *text = with_quotes(body);
    json_t *json =
        ask_json(f, status, &(struct ask){.method = method, .path = path, .body = text});
    free(text);
    return json;
}

void rest_done(struct fixture *f, int status, const char *method, const char *path,
               const char *body)
{
    json_decref(rest(f, status, method, path, body));
}

const char *reply_header(struct reply *reply, const char *name)
{
    struct http_answer *answer = &reply->exchange.answer;
    const char *found = NULL;
    for (size_t i = 0; i < answer->n_headers; i++) {
        if (strcasecmp(answer->headers[i].name, name) == 0) {
            assert_null(found);
            found = buf_text(&answer->headers[i].value);
        }
    }
    return found;
}

/* What all errors have. */
static void check_error(struct reply *reply, enum iothub_status status)
{
    const char *name = reply_header(reply, "iothub-errorcode");
    if (name == NULL || strcmp(name, iothub_status_name(status)) != 0) {
        print_error("%d %s\n", reply->status, reply->text);
    }
    assert_non_null(name);
    assert_string_equal(name, iothub_status_name(status));
    assert_int_equal(reply->status, iothub_status_http(status));
    assert_string_equal(reply->exchange.answer.content_type, "application/json; charset=utf-8");
    assert_true(has_form(text_below(reply->json, "ExceptionMessage"),
                         "Tracking ID:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-TimeStamp:"
                         "dd/dd/dddd dd:dd:dd"));
    assert_int_equal(json_object_size(reply->json), 2);
}

void expect_error(struct reply reply, enum iothub_status status)
{
    char prefix[100];
    check_error(&reply, status);
    (void)snprintf(prefix, sizeof(prefix), "ErrorCode:%s;", iothub_status_name(status));
    const char *message = text_below(reply.json, "Message");
    assert_int_equal(strncmp(message, prefix, strlen(prefix)), 0);
    reply_end(&reply);
}

void expect_nested_error(struct reply reply, enum iothub_status status)
{
    check_error(&reply, status);
    json_t *inner = json_parse(slice_of(text_below(reply.json, "Message")), NULL);
    assert_non_null(inner);
    assert_int_equal(number_below(inner, "errorCode"), status);
    assert_true(has_form(text_below(inner, "trackingId"), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    assert_true(strlen(text_below(inner, "message")) > 0);
    assert_true(strlen(text_below(inner, "timestampUtc")) > 0);
    assert_true(json_is_null(json_below(inner, "info")));
    assert_int_equal(json_object_size(inner), 5);
    json_decref(inner);
    reply_end(&reply);
}

void ask_fails(struct fixture *f, enum iothub_status status, const struct ask *asked)
{
    expect_error(ask(f, asked), status);
}

void rest_fails(struct fixture *f, enum iothub_status status, const char *method,
                const char *path, const char *body)
{
    char *text = with_quotes(body);
    ask_fails(f, status, &(struct ask){.method = method, .path = path, .body = text});
    free(text);
}

/* ---- making things ---------------------------------------------------------------------- */

#define KEYS \
    "{\"authentication\":{\"type\":\"sas\",\"symmetricKey\":{" \
    "\"primaryKey\":\"" KEY_FIRST "\",\"secondaryKey\":\"" KEY_SECOND "\"}}}"

/* "/devices/d" or "/twins/d/modules/m" */
static char *path_of(const char *collection, const char *id)
{
    struct buf path = {.cap = BUF_CAP_OWN};
    struct identity identity = id_of(id);
    buf_putf(&path, "/%s/", collection);
    percent_encode(&path, identity.device_id);
    if (identity_is_module(identity)) {
        buf_put_text(&path, "/modules/");
        percent_encode(&path, identity.module_id);
    }
    return buf_take_text(&path);
}

void make(struct fixture *f, const char *id)
{
    char *path = path_of("devices", id);
    rest_done(f, 200, "PUT", path, KEYS);
    free(path);
}

void make_many(struct fixture *f, const char *prefix, int n)
{
    json_t *body = json_object();
    struct buf answer = {.cap = BUF_CAP_OWN};
    for (int i = 0; i < n; i++) {
        char id[100];
        struct hub_document document = {.body = &answer};
        (void)snprintf(id, sizeof(id), "%s%04d", prefix, i);
        buf_reset(&answer);
        assert_int_equal(
            hub_identity_put(f->hub, id_of(id), body, (struct hub_condition){0}, &document),
            IOTHUB_OK);
    }
    buf_finish(&answer);
    json_decref(body);
    fixture_turn(f);
}

void patch_twin(struct fixture *f, const char *id, const char *body)
{
    char *path = path_of("twins", id);
    rest_done(f, 200, "PATCH", path, body);
    free(path);
}

void report(struct fixture *f, const char *id, const char *patch)
{
    json_t *value = json_from(patch);
    char *text = json_text(value);
    int64_t version = 0;
    assert_int_equal(hub_twin_report(f->hub, id_of(id), slice_of(text), &version), IOTHUB_OK);
    free(text);
    json_decref(value);
}

json_t *get_twin(struct fixture *f, const char *id)
{
    char *path = path_of("twins", id);
    json_t *twin = rest(f, 200, "GET", path, NULL);
    free(path);
    return twin;
}

json_t *get_identity(struct fixture *f, const char *id)
{
    char *path = path_of("devices", id);
    json_t *identity = rest(f, 200, "GET", path, NULL);
    free(path);
    return identity;
}
