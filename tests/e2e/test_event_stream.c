/*
 * Reading device-to-cloud events from the running program: lists that wait, and streams.
 */
#include "e2e/emulator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"
#include "e2e/http_peer.h"
#include "e2e/mqtt_peer.h"
#include "e2e/pki.h"
#include "iothub/json.h"

#define EVENTS "devices/d1/messages/events/"

enum {
    TEXT_MAX_BYTES = 64 * 1024 * 1024,
    PAYLOAD_BYTES = 200 * 1024,
    MANY = 40, /* of them, more than all buffers on the way hold */
};

static void begin(struct emulator *e, void **state, char connection_string[EMULATOR_TEXT_SIZE])
{
    emulator_init(e, *state);
    emulator_start(e, TEXTS("--in-memory"));
    device_create(e, "d1", connection_string);
}

/* Publish, and wait until it is stored. */
static void publish(struct mqtt_peer *device, const char *payload)
{
    struct mqtt_packet packet;
    assert_true(mqtt_peer_publish(device, EVENTS, payload) != 0);
    mqtt_peer_expect(device, MQTT_PUBACK, &packet);
}

/* ---- a stream's reader ---- */

struct reader {
    struct http_peer peer; /* its line; what every request says */
    struct buf text;       /* the body so far, out of its chunks */
    bool has_ended;
};

static void reader_finish(struct reader *reader)
{
    http_peer_close(&reader->peer);
    buf_finish(&reader->text);
}

/* Wait until the text begins with so many bytes. */
static void want(struct buf *in, struct line *line, size_t len)
{
    while (in->len < len) {
        assert_true(line_receive(line));
    }
}

/* The length of the line at the front of what came, with its end. */
static size_t row_length(struct line *line)
{
    const char *end = NULL;
    for (size_t len = 1; end == NULL; len = line->in.len + 1) {
        want(&line->in, line, len);
        end = memmem(line->in.data, line->in.len, "\r\n", 2);
    }
    return (size_t)(end + 2 - line->in.data);
}

static void reader_open(struct reader *reader, const struct emulator *e, bool is_secure,
                        const char *query)
{
    struct buf request = {.cap = TEXT_MAX_BYTES};
    struct buf head = {.cap = TEXT_MAX_BYTES};
    *reader = (struct reader){.text = {.cap = TEXT_MAX_BYTES}};
    http_peer_open(&reader->peer, e);
    struct line *line = &reader->peer.line;
    if (is_secure) {
        SSL_CTX *client = pki_client(NULL, NULL, 0);
        line_close(line);
        line_open(line, e->ports[EMULATOR_HTTPS]);
        line_secure(line, client);
        SSL_CTX_free(client);
    }
    buf_putf(&request, "GET /_emulator/events%s HTTP/1.1\r\nAccept: text/event-stream\r\n",
             query);
    buf_put_slice(&request, buf_slice(&reader->peer.head));
    buf_put_text(&request, "\r\n");
    assert_true(line_send(line, buf_slice(&request)));
    for (size_t len = 0; len != 2;) {
        len = row_length(line);
        buf_put(&head, line->in.data, len);
        buf_drop(&line->in, len);
    }
    assert_true(slice_starts_with(buf_slice(&head), SLICE("HTTP/1.1 200 ")));
    assert_non_null(strstr(buf_text(&head), "Content-Type: text/event-stream"));
    assert_non_null(strstr(buf_text(&head), "Transfer-Encoding: chunked"));
    buf_finish(&head);
    buf_finish(&request);
}

/* The next chunk; the last one ends the stream. */
static void take_chunk(struct reader *reader)
{
    struct line *line = &reader->peer.line;
    size_t row_len = row_length(line);
    size_t len = strtoul(buf_text(&line->in), NULL, 16);
    want(&line->in, line, row_len + len + 2);
    buf_put(&reader->text, line->in.data + row_len, len);
    buf_drop(&line->in, row_len + len + 2);
    reader->has_ended = len == 0;
}

/* The next event's JSON, as a new reference; beats are passed over. */
static json_t *next_event(struct reader *reader)
{
    const char *end = NULL;
    json_t *event = NULL;
    while (event == NULL) {
        while ((end = memmem(buf_text(&reader->text), reader->text.len, "\n\n", 2)) == NULL) {
            assert_false(reader->has_ended);
            take_chunk(reader);
        }
        struct slice block = slice_between(reader->text.data, end);
        size_t data = slice_find(block, '\n') + 1 + strlen("data: ");
        if (slice_starts_with(block, SLICE("id: ")) && data < block.len) {
            event = json_parse(slice_from(block, data), NULL);
            assert_non_null(event);
        }
        buf_drop(&reader->text, block.len + 2);
    }
    return event;
}

static void expect_event(struct reader *reader, int64_t offset, const char *body)
{
    json_t *event = next_event(reader);
    assert_int_equal(json_integer_value(json_object_get(event, "offset")), offset);
    assert_string_equal(json_string_value(json_object_get(event, "body")), body);
    json_decref(event);
}

/* ---- the tests ---- */

static void stream_tells_of_each_event_on_both_ports(void **state)
{
    struct emulator e;
    struct mqtt_peer device;
    struct reader readers[2];
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    mqtt_peer_open(&device, &e, connection_string);
    publish(&device, "before");
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        reader_open(&readers[i], &e, i == 1, "");
        expect_event(&readers[i], 1, "before");
    }
    publish(&device, "one");
    publish(&device, "two");
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        expect_event(&readers[i], 2, "one");
        expect_event(&readers[i], 3, "two");
        reader_finish(&readers[i]);
    }
    publish(&device, "after they left");
    mqtt_peer_close(&device);
    emulator_stop(&e);
}

static void stream_of_a_slow_reader_waits_for_it(void **state)
{
    struct emulator e;
    struct mqtt_peer device;
    struct reader readers[2];
    char connection_string[EMULATOR_TEXT_SIZE];
    char *payload = mem_alloc(PAYLOAD_BYTES + 1);
    memset(payload, 'x', PAYLOAD_BYTES);
    begin(&e, state, connection_string);
    mqtt_peer_open(&device, &e, connection_string);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        reader_open(&readers[i], &e, i == 1, "?after=latest");
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(payload, 16, "%08d", i);
        payload[8] = 'x';
        publish(&device, payload);
    }
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        for (int k = 0; k < MANY; k++) {
            snprintf(payload, 16, "%08d", k);
            payload[8] = 'x';
            expect_event(&readers[i], k + 1, payload);
        }
        reader_finish(&readers[i]);
    }
    mqtt_peer_close(&device);
    free(payload);
    emulator_stop(&e);
}

static void stream_of_so_many_events_ends(void **state)
{
    struct emulator e;
    struct mqtt_peer device;
    struct reader reader;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    mqtt_peer_open(&device, &e, connection_string);
    reader_open(&reader, &e, false, "?max=2&deviceId=d1");
    publish(&device, "one");
    publish(&device, "two");
    publish(&device, "three");
    expect_event(&reader, 1, "one");
    expect_event(&reader, 2, "two");
    while (!reader.has_ended) {
        take_chunk(&reader);
    }
    assert_int_equal(reader.text.len, 0);
    /* The connection goes on. */
    http_peer_ask(&reader.peer, "GET", "/devices/d1", NULL, 200);
    reader_finish(&reader);
    mqtt_peer_close(&device);
    emulator_stop(&e);
}

static void streams_end_with_the_emulator(void **state)
{
    struct emulator e;
    struct reader readers[2];
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        reader_open(&readers[i], &e, i == 1, "");
    }
    emulator_stop(&e);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        while (line_receive(&readers[i].peer.line)) {
        }
        reader_finish(&readers[i]);
    }
}

static void list_waits_for_its_first_event(void **state)
{
    struct emulator e;
    struct mqtt_peer device;
    struct http_peer service;
    struct http_reply reply;
    struct buf request = {.cap = TEXT_MAX_BYTES};
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    mqtt_peer_open(&device, &e, connection_string);
    publish(&device, "before");
    http_peer_open(&service, &e);
    buf_put_text(&request, "GET /_emulator/events?after=1&wait=30 HTTP/1.1\r\n");
    buf_put_slice(&request, buf_slice(&service.head));
    buf_put_text(&request, "\r\n");
    assert_true(line_send(&service.line, buf_slice(&request)));
    publish(&device, "news");
    assert_true(http_peer_receive(&service, &reply));
    assert_int_equal(reply.status, 200);
    json_t *events = json_parse(reply.body, NULL);
    assert_int_equal(json_array_size(events), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(events, 0), "body")),
                        "news");
    json_decref(events);
    http_peer_close(&service);
    mqtt_peer_close(&device);
    buf_finish(&request);
    emulator_stop(&e);
}

static void will_of_a_device_that_vanishes_is_told_at_once(void **state)
{
    struct emulator e;
    struct mqtt_peer device;
    struct reader reader;
    struct mqtt_packet packet;
    struct buf connect = {.cap = TEXT_MAX_BYTES};
    struct buf with_will = {.cap = TEXT_MAX_BYTES};
    const char *reason = NULL;
    size_t used = 0;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin(&e, state, connection_string);
    mqtt_peer_put_connect(&connect, connection_string);
    assert_int_equal(
        mqtt_packet_read(buf_slice(&connect), TEXT_MAX_BYTES, &packet, &used, &reason),
        WIRE_OK);
    packet.connect.has_will = true;
    packet.connect.will_topic = SLICE(EVENTS);
    packet.connect.will_payload = SLICE("gone");
    mqtt_put_connect(&with_will, &packet.connect);
    reader_open(&reader, &e, false, "");
    device = (struct mqtt_peer){0};
    line_open(&device.line, e.ports[EMULATOR_MQTT]);
    assert_true(line_send(&device.line, buf_slice(&with_will)));
    mqtt_peer_expect(&device, MQTT_CONNACK, &packet);
    /* It says what it must not say, so the emulator ends the connection. */
    assert_true(mqtt_peer_publish(&device, "devices/d2/messages/events/", "x") != 0);
    expect_event(&reader, 1, "gone");
    assert_false(mqtt_peer_next(&device, &packet));
    reader_finish(&reader);
    mqtt_peer_close(&device);
    buf_finish(&connect);
    buf_finish(&with_will);
    emulator_stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(stream_tells_of_each_event_on_both_ports),
        SCENE_TEST(stream_of_a_slow_reader_waits_for_it),
        SCENE_TEST(stream_of_so_many_events_ends),
        SCENE_TEST(streams_end_with_the_emulator),
        SCENE_TEST(list_waits_for_its_first_event),
        SCENE_TEST(will_of_a_device_that_vanishes_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
