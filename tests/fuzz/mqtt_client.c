/*
 * A device's MQTT connection to a whole hub: its bytes, mostly behind a good CONNECT, and what
 * the service does meanwhile.  However the bytes are cut, the hub hears and answers the same.
 *
 * The input is a script: a first byte for the CONNECT or for none, then steps.  A step is its
 * length and that many bytes of the device, or something that is done to it.
 */
#include "gateway/mqtt_gateway.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "hub/device.h"
#include "hub/fixture.h"
#include "hub/service.h"
#include "mqtt/text.h"

enum {
    STEP_DESIRED = 0xF0, /* this and all above are not the device's */
    STEP_METHOD,
    STEP_MESSAGE,
    STEP_SECOND,
    STEP_MINUTE,
    STEP_HOUR,
    STEP_BREAK,
    STEP_CONNECT, /* once more, if it is needed by taking over */
    STEP_DISABLE,
    STEP_ENABLE,
    STEP_QUERY,
};

#define METHODS_MAX 4
#define STEPS_MAX   64

struct scene {
    struct fixture *f;
    struct device *d;
    struct login login;
    bool is_in_pieces;
    size_t piece_len;
    struct pending methods[METHODS_MAX];
    size_t n_methods;
    struct buf seen;
};

/* What differs from run to run is left out: tracking ids, keys, times. */
static void put_seen(struct buf *seen, const struct mqtt_packet *packet)
{
    buf_put_text(seen, mqtt_packet_name(packet->type));
    if (packet->type == MQTT_PUBLISH) {
        struct slice topic = packet->publish.topic;
        FUZZ_CHECK(mqtt_text_is_valid(topic));
        buf_put_char(seen, ' ');
        buf_put_slice(seen, topic);
    } else if (packet->type == MQTT_CONNACK) {
        buf_putf(seen, " %d", packet->connack.code);
    }
    buf_put_char(seen, '\n');
}

/* All that the hub said to the device, which must be MQTT. */
static void hear(struct scene *scene)
{
    struct device *d = scene->d;
    struct mqtt_packet packet;
    const char *reason = NULL;
    size_t used = 0;
    while (d->heard.len != 0) {
        FUZZ_CHECK(mqtt_packet_read(buf_slice(&d->heard), MQTT_PACKET_MAX_BYTES, &packet, &used,
                                    &reason) == WIRE_OK);
        put_seen(&scene->seen, &packet);
        buf_drop(&d->heard, used);
    }
}

static void say(struct scene *scene, struct slice bytes)
{
    struct device *d = scene->d;
    size_t step = scene->is_in_pieces ? scene->piece_len : bytes.len;
    for (struct slice rest = bytes; rest.len != 0 && !device_is_closed(d);) {
        struct slice piece = slice_make(rest.data, rest.len < step ? rest.len : step);
        device_feed(d, piece);
        size_t need = device_is_closed(d) ? 0 : mqtt_client_need(d->client);
        FUZZ_CHECK(need == 0 || need > d->in.len);
        rest = slice_from(rest, piece.len);
    }
    hear(scene);
}

static void connect_again(struct scene *scene)
{
    struct device *before = scene->d;
    scene->d = device_connect(scene->f, &scene->login);
    hear(scene);
    if (before != NULL) {
        buf_reset(&before->heard);
    }
}

static void call_method(struct scene *scene)
{
    static const struct ask method = {
        .method = "POST",
        .path = "/twins/d/methods",
        .body = "{\"methodName\":\"m\",\"payload\":{},\"responseTimeoutInSeconds\":5}",
    };
    if (scene->n_methods < METHODS_MAX) {
        pending_begin(&scene->methods[scene->n_methods++], scene->f, &method);
    }
}

static void request(struct scene *scene, const char *method, const char *path, const char *body,
                    const char *if_match)
{
    char *text = with_quotes(body);
    struct reply reply =
        ask(scene->f,
            &(struct ask){.method = method, .path = path, .body = text, .if_match = if_match});
    FUZZ_CHECK(reply.status != 500);
    buf_putf(&scene->seen, "%s %s: %d\n", method, path, reply.status);
    reply_end(&reply);
    free(text);
}

static void put_status(struct scene *scene, const char *status)
{
    struct buf body = fuzz_buf();
    buf_putf(&body,
             "{'status': '%s', 'authentication': {'symmetricKey': {'primaryKey': '" KEY_FIRST
             "', 'secondaryKey': '" KEY_SECOND "'}}}",
             status);
    request(scene, "PUT", "/devices/d", buf_text(&body), "*");
    buf_finish(&body);
}

static void act(struct scene *scene, uint8_t step)
{
    switch (step) {
    case STEP_DESIRED:
        request(scene, "PATCH", "/twins/d", "{'properties': {'desired': {'a': {'b': 1}}}}",
                NULL);
        break;
    case STEP_METHOD:
        call_method(scene);
        break;
    case STEP_MESSAGE:
        request(scene, "POST", "/devices/d/messages/deviceBound", "hello", NULL);
        break;
    case STEP_SECOND:
        fixture_pass(scene->f, SECOND_MS);
        break;
    case STEP_MINUTE:
        fixture_pass(scene->f, MINUTE_MS);
        break;
    case STEP_HOUR:
        fixture_pass(scene->f, HOUR_MS);
        break;
    case STEP_BREAK:
        if (!device_is_closed(scene->d)) {
            device_break(scene->d);
        }
        break;
    case STEP_CONNECT:
        connect_again(scene);
        break;
    case STEP_DISABLE:
        put_status(scene, "disabled");
        break;
    case STEP_ENABLE:
        put_status(scene, "enabled");
        break;
    default:
        request(scene, "GET", "/twins/d", NULL, NULL);
        break;
    }
    hear(scene);
}

static void run_steps(struct scene *scene, struct slice rest)
{
    for (int i = 0; i < STEPS_MAX && rest.len != 0; i++) {
        uint8_t step = fuzz_take_byte(&rest);
        if (step >= STEP_DESIRED) {
            act(scene, step);
            continue;
        }
        struct slice bytes = slice_make(rest.data, step < rest.len ? step : rest.len);
        say(scene, bytes);
        rest = slice_from(rest, bytes.len);
    }
}

/* Each call has an answer once its time is over. */
static void end_methods(struct scene *scene)
{
    if (scene->n_methods != 0) {
        fixture_pass(scene->f, MINUTE_MS);
    }
    for (size_t i = 0; i < scene->n_methods; i++) {
        struct reply reply = pending_take(&scene->methods[i]);
        FUZZ_CHECK(reply.status != 500);
        buf_putf(&scene->seen, "method: %d\n", reply.status);
        reply_end(&reply);
    }
}

static void see_events(struct scene *scene)
{
    struct store_event event;
    while (next_event(scene->f, &event)) {
        buf_putf(&scene->seen, "event %.*s\n", SLICE_ARG(event.body));
        buf_put_slice(&scene->seen, event.properties);
        buf_put_char(&scene->seen, '\n');
    }
    json_t *all = rest(scene->f, 200, "GET", "/_emulator/events", NULL);
    FUZZ_CHECK(json_is_array(all));
    json_decref(all);
}

/* What the device and the service saw of it. */
static struct buf play(struct slice script, bool is_in_pieces)
{
    struct slice rest = script;
    uint8_t manner = fuzz_take_byte(&rest);
    struct scene scene = {
        .login = {.id = "d", .is_clean = (manner & 1) != 0, .keep_alive_s = manner & 0x70},
        .is_in_pieces = is_in_pieces,
        .piece_len = (manner & 4) != 0 ? 40 : 7,
        .seen = fuzz_buf(),
    };
    void *state = NULL;
    if ((manner & 2) != 0) {
        scene.login.will_topic = "devices/d/messages/events/will=1";
        scene.login.will_payload = "bye";
    }
    FUZZ_CHECK(fixture_memory(&state) == 0);
    scene.f = state;
    make(scene.f, "d");
    if ((manner & 8) != 0) {
        scene.d = device_open(scene.f, NULL);
    } else {
        connect_again(&scene);
    }
    run_steps(&scene, rest);
    end_methods(&scene);
    hear(&scene);
    see_events(&scene);
    json_decref(get_twin(scene.f, "d"));
    fixture_end(&state);
    return scene.seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = play(fuzz_input(data, size), false);
    struct buf in_pieces = play(fuzz_input(data, size), true);
    fuzz_check_same(buf_slice(&in_pieces), buf_slice(&whole));
    buf_finish(&whole);
    buf_finish(&in_pieces);
    return 0;
}
