/*
 * The emulator is killed at any moment: what it has acknowledged is there at the next start.
 */
#include "e2e/emulator.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"
#include "e2e/http_peer.h"
#include "e2e/mqtt_peer.h"
#include "iothub/json.h"
#include "store/events.h"

enum {
    ROUNDS = 4,
    WINDOW = 40, /* messages on their way */
    ACKED_MIN = 100,
    ACKED_SPREAD = 400,
    MESSAGES_MAX = 60000, /* below the number of packet ids, so that none comes twice */
    BACK_END_EVERY = 25,  /* so many messages to a change by the back end */
};

/* One device that sends without pause, and what the emulator has said to have taken. */
struct stream {
    struct emulator e;
    struct mqtt_peer device;
    struct http_peer back_end;
    int round;
    int n_sent;
    int n_messages; /* acknowledged telemetry */
    bool acked[MESSAGES_MAX];
    int by_id[UINT16_MAX + 1]; /* packet id of telemetry -> its number; 0 for others */
    int64_t reported_version;  /* the latest that was acknowledged */
    int tag;                   /* the latest that the back end wrote */
};

static void send_next(struct stream *s)
{
    char text[64];
    char topic[96];
    int number = ++s->n_sent;
    assert_true(number < MESSAGES_MAX);
    snprintf(text, sizeof(text), "{\"round\":%d,\"number\":%d}", s->round, number);
    s->by_id[mqtt_peer_publish(&s->device, "devices/d1/messages/events/", text)] = number;
    snprintf(topic, sizeof(topic), "$iothub/twin/PATCH/properties/reported/?$rid=%d", number);
    s->by_id[mqtt_peer_publish(&s->device, topic, text)] = 0;
}

static void take(struct stream *s, const struct mqtt_packet *packet)
{
    if (packet->type == MQTT_PUBACK && s->by_id[packet->packet_id] != 0) {
        s->acked[s->by_id[packet->packet_id]] = true;
        s->n_messages++;
    }
    if (packet->type == MQTT_PUBLISH) {
        const struct slice before = SLICE("&$version=");
        struct slice topic = packet->publish.topic;
        assert_true(slice_starts_with(topic, SLICE("$iothub/twin/res/204/?$rid=")));
        size_t at = slice_find(topic, '&');
        assert_true(slice_to_i64(slice_from(topic, at + before.len), &s->reported_version));
    }
}

/* Whatever was sent before the kill is in the socket and counts. */
static void take_all(struct stream *s)
{
    struct mqtt_packet packet;
    while (mqtt_peer_next(&s->device, &packet)) {
        take(s, &packet);
    }
}

static void change_by_back_end(struct stream *s)
{
    char body[64];
    int tag = s->round * MESSAGES_MAX + s->n_sent;
    snprintf(body, sizeof(body), "{\"tags\":{\"tag\":%d}}", tag);
    http_peer_ask(&s->back_end, "PATCH", "/twins/d1", body, 200);
    s->tag = tag;
}

static void stream_until(struct stream *s, int n_acked)
{
    struct mqtt_packet packet;
    while (s->n_messages < n_acked) {
        while (s->n_sent - s->n_messages < WINDOW) {
            send_next(s);
            if (s->n_sent % BACK_END_EVERY == 0) {
                change_by_back_end(s);
            }
        }
        assert_true(mqtt_peer_next(&s->device, &packet));
        take(s, &packet);
    }
}

static void expect_messages(struct stream *s)
{
    struct store *store = NULL;
    struct buf error = {.cap = BUF_CAP_OWN};
    struct store_event event = {0};
    char path[SCENE_PATH_SIZE];
    int n_found = 0;
    scene_path(s->e.scene, "data/hub.db", path);
    assert_int_equal(store_open_readonly(path, &error, &store), 0);
    while (store_event_next(store, event.offset, &event) == 0) {
        json_t *body = json_parse(event.body, NULL);
        json_int_t round = json_integer_value(json_object_get(body, "round"));
        json_int_t number = json_integer_value(json_object_get(body, "number"));
        json_decref(body);
        assert_in_range(number, 1, MESSAGES_MAX - 1);
        n_found += round == s->round && s->acked[number] ? 1 : 0;
    }
    store_close(store);
    buf_finish(&error);
    assert_int_equal(n_found, s->n_messages);
}

static void expect_twin(struct stream *s)
{
    json_t *twin = service_ask(&s->e, TEXTS("twin", "get", "d1"));
    const json_t *properties = json_object_get(twin, "properties");
    const json_t *reported = json_object_get(properties, "reported");
    json_int_t version = json_integer_value(json_object_get(reported, "$version"));
    const json_t *tags = json_object_get(twin, "tags");
    assert_true(version >= s->reported_version);
    assert_int_equal(json_integer_value(json_object_get(reported, "round")), s->round);
    assert_int_equal(json_integer_value(json_object_get(tags, "tag")), s->tag);
    json_decref(twin);
}

static void begin_round(struct stream *s, int round, const char *connection_string)
{
    s->round = round;
    s->n_sent = 0;
    s->n_messages = 0;
    for (int i = 0; i < MESSAGES_MAX; i++) {
        s->acked[i] = false;
    }
    mqtt_peer_open(&s->device, &s->e, connection_string);
    http_peer_open(&s->back_end, &s->e);
    mqtt_peer_subscribe(&s->device, "$iothub/twin/res/#");
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    static struct stream s;
    char connection_string[EMULATOR_TEXT_SIZE];
    emulator_init(&s.e, *state);
    emulator_start(&s.e, TEXTS(NULL));
    device_create(&s.e, "d1", connection_string);
    for (int round = 1; round <= ROUNDS; round++) {
        begin_round(&s, round, connection_string);
        stream_until(&s, ACKED_MIN + (int)(random_u64() % ACKED_SPREAD));
        process_kill(s.e.process);
        take_all(&s);
        mqtt_peer_close(&s.device);
        http_peer_close(&s.back_end);
        expect_messages(&s);
        emulator_start(&s.e, TEXTS(NULL));
        expect_twin(&s);
    }
    emulator_stop(&s.e);
}

static void expect_row(struct emulator *e, const char *job_id, const char *wanted)
{
    json_t *rows = service_ask(e, TEXTS("job", "devices", job_id));
    assert_int_equal(json_array_size(rows), 1);
    expect_json(json_array_get(rows, 0), wanted);
    json_decref(rows);
}

/* Whether the method ran is not known, and it may be one that must not run twice. */
static void device_that_was_called_before_a_kill_is_not_called_again(void **state)
{
    struct emulator e;
    struct mqtt_peer silent;
    struct mqtt_packet packet;
    char connection_string[EMULATOR_TEXT_SIZE];
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS(NULL));
    device_create(&e, "d1", connection_string);
    mqtt_peer_open(&silent, &e, connection_string);
    mqtt_peer_subscribe(&silent, "$iothub/methods/POST/#");
    service_run(&e, TEXTS("job", "create-method", "lock", "--method", "lockDoor", "--device-id",
                          "d1", "--response-timeout", "60"));
    mqtt_peer_expect(&silent, MQTT_PUBLISH, &packet);
    process_kill(e.process);
    mqtt_peer_close(&silent);
    emulator_start(&e, TEXTS(NULL));
    struct process *device = device_play(&e, connection_string, TEXTS(NULL));
    struct process *wait =
        service_start(&e, TEXTS("job", "wait", "lock", "--poll-every", "0.2"));
    process_end_with(wait, 1);
    expect_row(&e, "lock", "{\"deviceId\":\"d1\",\"status\":\"failed\"}");
    process_signal(device, SIGTERM);
    process_end_with(device, 0);
    assert_false(process_says(device, PROCESS_OUT, "Locking Door!"));
    emulator_stop(&e);
}

static void emulator_starts_again_beside_what_a_kill_left(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS(NULL));
    process_kill(e.process);
    /* The ready file of the dead, the lock and the write-ahead log are in the way of nothing.
     */
    assert_true(scene_has(e.scene, "ready.json"));
    emulator_start(&e, TEXTS(NULL));
    struct process *health =
        emulator_verb(&e, TEXTS("healthcheck", "--ready-file", e.ready_file));
    process_end_with(health, 0);
    emulator_stop(&e);
    assert_false(scene_has(e.scene, "ready.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(what_was_acknowledged_survives_a_kill),
        SCENE_TEST(device_that_was_called_before_a_kill_is_not_called_again),
        SCENE_TEST(emulator_starts_again_beside_what_a_kill_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
