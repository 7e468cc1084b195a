/*
 * Headers from lines, answers as they are.
 */
#include "hub/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "iothub/json.h"
#include "unit/mqtt/notation.h"

struct source {
    const struct mail *m;
    const char *token;
    const char *query;
};

/* "Name: value" in two. */
static void split(const char *line, struct slice *name, struct slice *value)
{
    struct slice whole = slice_of(line);
    size_t colon = slice_find(whole, ':');
    assert_true(colon < whole.len);
    *name = slice_make(line, colon);
    *value = slice_trim(slice_from(whole, colon + 1));
}

static struct slice header_of(const void *source, const char *name)
{
    const struct source *s = source;
    if (strcmp(name, "Authorization") == 0) {
        return slice_of(s->token[0] == '\0' ? NULL : s->token);
    }
    for (size_t i = 0; i < MAIL_HEADERS_MAX && s->m->headers[i] != NULL; i++) {
        struct slice found;
        struct slice value;
        split(s->m->headers[i], &found, &value);
        if (slice_equal_nocase(found, slice_of(name))) {
            return value;
        }
    }
    return (struct slice){0};
}

static struct slice argument_of(const void *source, const char *name)
{
    const struct source *s = source;
    struct slice rest = slice_of(s->query);
    struct slice part = {0};
    while (slice_next(&rest, '&', &part)) {
        size_t equals = slice_find(part, '=');
        if (slice_equal_text(slice_make(part.data, equals), name)) {
            return slice_from(part, equals + 1);
        }
    }
    return (struct slice){0};
}

static void each_header(const void *source, http_header_visit *visit, void *ctx)
{
    const struct source *s = source;
    visit(ctx, SLICE("Host"), SLICE(HOST));
    visit(ctx, SLICE("Authorization"), slice_of(s->token));
    for (size_t i = 0; i < MAIL_HEADERS_MAX && s->m->headers[i] != NULL; i++) {
        struct slice name;
        struct slice value;
        split(s->m->headers[i], &name, &value);
        visit(ctx, name, value);
    }
}

static const struct hub_certificate *certificate_of(const void *source)
{
    const struct source *s = source;
    return s->m->certificate;
}

static void on_wake(void *owner)
{
    (void)owner;
    fail();
}

struct reply mail(struct fixture *f, const struct mail *m)
{
    struct reply reply = {.exchange = {.wake = on_wake}};
    struct source source = {m, m->token, m->query == NULL ? API_VERSION : m->query};
    if (m->token == NULL) {
        source.token = token_for(f, HOST, KEY_OWNER, "iothubowner", 3600);
    }
    const struct http_request request = {
        .method = slice_of(m->method),
        .path = slice_of(m->path),
        .body = m->body,
        .header = header_of,
        .argument = argument_of,
        .each_header = each_header,
        .certificate = certificate_of,
        .source = &source,
        .faults = f->faults,
    };
    hub_turn(f->hub, clock_read(&f->clock));
    http_exchange_begin(&reply.exchange, f->hub, &request);
    assert_true(reply.exchange.is_done);
    fixture_turn(f);
    reply.status = reply.exchange.answer.status;
    reply.text = buf_text(&reply.exchange.answer.body);
    reply.json = json_parse(buf_slice(&reply.exchange.answer.body), NULL);
    return reply;
}

static void check_status(const struct reply *reply, int status, const struct mail *m)
{
    if (reply->status != status) {
        print_error("%s %s: %d %s\n", m->method, m->path, reply->status, reply->text);
    }
    assert_int_equal(reply->status, status);
}

void mail_done(struct fixture *f, int status, const struct mail *m)
{
    struct reply reply = mail(f, m);
    check_status(&reply, status, m);
    reply_end(&reply);
}

void mail_error(struct fixture *f, enum iothub_status status, const struct mail *m)
{
    expect_error(mail(f, m), status);
}

const char *own_token(struct fixture *f, const char *id)
{
    struct identity identity = id_of(id);
    char *device = slice_dup(identity.device_id);
    char *module = slice_dup(identity.module_id);
    const char *token = token_of(f, device, module, KEY_FIRST);
    free(device);
    free(module);
    return token;
}

void say(struct fixture *f, struct mail m)
{
    m.method = "POST";
    m.path = m.path == NULL ? EVENTS : m.path;
    m.token = m.token == NULL ? own_token(f, "d") : m.token;
    struct reply reply = mail(f, &m);
    if (reply.status != 204) {
        print_error("%d %s\n", reply.status, reply.text);
    }
    assert_int_equal(reply.status, 204);
    assert_int_equal(reply.exchange.answer.body.len, 0);
    reply_end(&reply);
}

void say_refused(struct fixture *f, enum iothub_status status, struct mail m)
{
    m.method = "POST";
    m.path = m.path == NULL ? EVENTS : m.path;
    m.token = m.token == NULL ? own_token(f, "d") : m.token;
    mail_error(f, status, &m);
    assert_no_event(f);
}

void assert_event(struct fixture *f, const char *properties, const char *body)
{
    struct store_event event;
    assert_true(next_event(f, &event));
    assert_slice(event.properties, properties);
    assert_slice(event.body, body);
}

/* ---- the service's end ---- */

static struct reply post(struct fixture *f, const char *id, struct slice body,
                         const char *const headers[])
{
    char path[200];
    (void)snprintf(path, sizeof(path), "/devices/%s/messages/deviceBound", id);
    struct mail m = {.method = "POST", .path = path, .body = body};
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        assert_true(i + 1 < MAIL_HEADERS_MAX);
        m.headers[i] = headers[i];
    }
    return mail(f, &m);
}

void post_message(struct fixture *f, const char *id, const char *body,
                  const char *const headers[])
{
    struct reply reply = post(f, id, slice_of(body), headers);
    if (reply.status != 204) {
        print_error("%d %s\n", reply.status, reply.text);
    }
    assert_int_equal(reply.status, 204);
    assert_int_equal(reply.exchange.answer.body.len, 0);
    assert_null(reply.exchange.answer.content_type);
    reply_end(&reply);
}

void post_messages(struct fixture *f, const char *id, int n)
{
    for (int i = 0; i < n; i++) {
        char body[16];
        (void)snprintf(body, sizeof(body), "%d", i);
        post_message(f, id, body, NULL);
    }
}

void post_refused(struct fixture *f, enum iothub_status status, const char *id,
                  struct slice body, const char *const headers[])
{
    expect_error(post(f, id, body, headers), status);
}

int64_t message_count(struct fixture *f, const char *id)
{
    json_t *identity = get_identity(f, id);
    int64_t count = number_below(identity, "cloudToDeviceMessageCount");
    json_decref(identity);
    return count;
}

int64_t purge(struct fixture *f, const char *id)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "/devices/%s/commands", id);
    json_t *answer = rest(f, 200, "DELETE", path, NULL);
    int64_t n = number_below(answer, "totalMessagesPurged");
    assert_string_equal(text_below(answer, "deviceId"), id);
    assert_true(json_is_null(json_below(answer, "moduleId")));
    json_decref(answer);
    return n;
}

static char *lock_of(struct reply *reply)
{
    const char *etag = reply_header(reply, "ETag");
    assert_non_null(etag);
    assert_true(has_form(etag, "\"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\""));
    return slice_dup(slice_make(etag + 1, strlen(etag) - 2));
}

json_t *take_feedback(struct fixture *f)
{
    char path[200];
    struct reply reply =
        mail(f, &(struct mail){.method = "GET", .path = "/messages/serviceBound/feedback"});
    if (reply.status == 204) {
        reply_end(&reply);
        return NULL;
    }
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.exchange.answer.content_type,
                        "application/vnd.microsoft.iothub.feedback.json");
    char *lock = lock_of(&reply);
    (void)snprintf(path, sizeof(path), "/messages/serviceBound/feedback/%s", lock);
    free(lock);
    mail_done(f, 204, &(struct mail){.method = "DELETE", .path = path});
    json_t *records = json_incref(reply.json);
    reply_end(&reply);
    return records;
}

void assert_feedback(struct fixture *f, const char *status_code, const char *description)
{
    fixture_pass(f, FEEDBACK_BATCH_S * SECOND_MS);
    json_t *records = take_feedback(f);
    assert_non_null(records);
    assert_int_equal(json_array_size(records), 1);
    const json_t *record = json_array_get(records, 0);
    assert_string_equal(text_below(record, "originalMessageId"), "m");
    assert_string_equal(text_below(record, "statusCode"), status_code);
    assert_string_equal(text_below(record, "description"), description);
    json_decref(records);
}

void assert_no_feedback(struct fixture *f)
{
    fixture_pass(f, FEEDBACK_BATCH_S * SECOND_MS);
    assert_null(take_feedback(f));
}

/* ---- the device's end ---- */

struct reply fetch(struct fixture *f, const char *id)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "/devices/%s/messages/deviceBound", id);
    return mail(f, &(struct mail){.method = "GET", .path = path, .token = own_token(f, id)});
}

char *fetch_lock(struct fixture *f, const char *id, const char *body)
{
    struct reply reply = fetch(f, id);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.text, body);
    char *lock = lock_of(&reply);
    reply_end(&reply);
    return lock;
}

void assert_nothing_to_fetch(struct fixture *f, const char *id)
{
    struct reply reply = fetch(f, id);
    assert_int_equal(reply.status, 204);
    assert_int_equal(reply.exchange.answer.body.len, 0);
    reply_end(&reply);
}

struct reply settle(struct fixture *f, const char *id, const char *lock, enum settlement how)
{
    char path[300];
    (void)snprintf(path, sizeof(path), "/devices/%s/messages/deviceBound/%s%s", id, lock,
                   how == ABANDON ? "/abandon" : "");
    return mail(f, &(struct mail){.method = how == ABANDON ? "POST" : "DELETE",
                                  .path = path,
                                  .query = how == REJECT ? API_VERSION "&reject" : NULL,
                                  .token = own_token(f, id)});
}

void settle_take(struct fixture *f, const char *id, char *lock, enum settlement how)
{
    struct reply reply = settle(f, id, lock, how);
    assert_int_equal(reply.status, 204);
    reply_end(&reply);
    free(lock);
}

void assert_lock_lost(struct fixture *f, const char *id, const char *lock, enum settlement how)
{
    expect_error(settle(f, id, lock, how), IOTHUB_DEVICE_MESSAGE_LOCK_LOST);
}

void device_want_messages(struct device *d, const char *filter, uint8_t qos)
{
    struct mqtt_filter wanted = {.topic = slice_of(filter), .qos = qos};
    mqtt_put_subscribe(device_packets(d), ++d->last_packet_id, &wanted, 1);
    device_say(d);
}

void device_puback(struct device *d, uint16_t packet_id)
{
    mqtt_put_ack(device_packets(d), MQTT_PUBACK, packet_id);
    device_say(d);
}

static void describe_in_full(struct buf *out, const struct mqtt_packet *packet)
{
    const struct mqtt_publish *publish = &packet->publish;
    if (packet->type != MQTT_PUBLISH) {
        describe_packet(out, packet);
        return;
    }
    buf_putf(out, "PUBLISH %.*s=%.*s qos %u id %u%s%s", SLICE_ARG(publish->topic),
             SLICE_ARG(publish->payload), publish->qos, publish->packet_id,
             publish->dup ? " dup" : "", publish->retain ? " retain" : "");
}

void assert_heard_in_full(struct device *d, const char *want)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    while (d->heard.len != 0) {
        struct mqtt_packet packet;
        size_t used = 0;
        const char *reason = NULL;
        assert_int_equal(mqtt_packet_read(buf_slice(&d->heard), MQTT_PACKET_MAX_BYTES, &packet,
                                          &used, &reason),
                         WIRE_OK);
        buf_put_text(&text, text.len == 0 ? "" : "; ");
        describe_in_full(&text, &packet);
        buf_drop(&d->heard, used);
    }
    assert_string_equal(buf_text(&text), want);
    buf_finish(&text);
}
