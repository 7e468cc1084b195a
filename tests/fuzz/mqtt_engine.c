/*
 * The MQTT engine: however the bytes are cut, the same happens.
 *
 * The input is a script: how the gateway behaves, then steps.  A step is its length and that
 * many bytes of the client, or something that the server does.
 */
#include "mqtt/engine.h"

#include "fuzz/fuzz.h"
#include "unit/mqtt/notation.h"
#include "unit/mqtt/talk.h"

#define STEP_SEND 0xF0 /* this and all above are the server's */
#define STEP_PASS 0xF8

static const char payload[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/* Bytes of the client that were not said yet, and how they are to be. */
struct speaker {
    struct talk talk;
    struct buf said;
    bool is_by_byte;
};

static void check_answer(const struct talk *talk, enum wire_result result)
{
    const struct mqtt_engine *engine = &talk->engine;
    FUZZ_CHECK(result != WIRE_OK);
    FUZZ_CHECK((result == WIRE_BAD) == (engine->reason != NULL));
    FUZZ_CHECK(engine->n_inflight <= engine->limits.window);
    FUZZ_CHECK(!engine->out.failed);
    if (result == WIRE_MORE && engine->wait == MQTT_WAIT_BYTES && engine->need_bytes != 0) {
        FUZZ_CHECK(engine->need_bytes > talk->in.len);
        FUZZ_CHECK(engine->need_bytes <= engine->limits.packet_max_bytes ||
                   engine->need_bytes <= engine->limits.connect_max_bytes);
    }
    if (result == WIRE_MORE && engine->wait == MQTT_WAIT_BYTES) {
        FUZZ_CHECK(talk->in.len <= engine->limits.packet_max_bytes);
    }
}

static void speak(struct speaker *speaker)
{
    struct talk *talk = &speaker->talk;
    size_t step = speaker->is_by_byte ? 1 : speaker->said.len;
    for (size_t at = 0; at < speaker->said.len && talk->engine.reason == NULL; at += step) {
        check_answer(talk, talk_say(talk, slice_make(speaker->said.data + at, step)));
    }
    buf_reset(&speaker->said);
}

static void send_message(struct speaker *speaker, uint8_t step)
{
    struct talk *talk = &speaker->talk;
    size_t before = talk->engine.out.len;
    size_t len = (step & 4) != 0 ? sizeof(payload) - 1 : 1;
    char text[sizeof(payload)] = {0};
    memcpy(text, payload, len);
    enum mqtt_send sent = talk_publish(talk, "a/b", text, step & 1, step);
    FUZZ_CHECK(sent == MQTT_SEND_OK || talk->engine.out.len == before);
    buf_putf(&talk->log, "[sent %d]", (int)sent);
    talk_drain(talk);
}

static void pass(struct speaker *speaker, uint8_t step)
{
    struct talk *talk = &speaker->talk;
    talk->now_ms += (int64_t)(step & 7) * 500000;
    buf_putf(&talk->log, "[late %d]", mqtt_engine_is_expired(&talk->engine, talk->now_ms));
}

static void run_steps(struct speaker *speaker, struct slice rest)
{
    while (rest.len != 0) {
        uint8_t step = fuzz_take_byte(&rest);
        if (step >= STEP_SEND) {
            speak(speaker);
        }
        if (step >= STEP_PASS) {
            pass(speaker, step);
        } else if (step >= STEP_SEND) {
            send_message(speaker, step);
        } else {
            struct slice bytes = slice_make(rest.data, step < rest.len ? step : rest.len);
            buf_put_slice(&speaker->said, bytes);
            rest = slice_from(rest, bytes.len);
        }
    }
    speak(speaker);
}

/* All that was seen of a conversation. */
static struct buf converse(struct slice script, bool is_by_byte)
{
    const struct mqtt_engine_limits limits = {
        .connect_max_bytes = 128,
        .packet_max_bytes = 256,
        .connect_arrival_ms = 60000,
        .keep_alive_ceiling_ms = 1767000,
        .window = 4,
    };
    struct speaker speaker = {.said = fuzz_buf(), .is_by_byte = is_by_byte};
    struct slice rest = script;
    uint8_t manner = fuzz_take_byte(&rest);
    talk_init(&speaker.talk, &limits,
              (manner & 8) != 0 ? MQTT_ENGINE_MIN_OUT_BYTES : TALK_OUT_CAP);
    speaker.talk.refusal = (enum mqtt_connack_code)((manner & 7) > 5 ? 0 : manner & 7);
    speaker.talk.is_undecided = (manner & 0x30) == 0x30;
    run_steps(&speaker, rest);

    struct buf seen = fuzz_buf();
    const struct mqtt_publish *will = mqtt_engine_will(&speaker.talk.engine);
    talk_drain(&speaker.talk);
    buf_putf(&seen, "state %d, inflight %zu, unread %zu, deadline %lld, will %.*s; ",
             (int)speaker.talk.engine.state, speaker.talk.engine.n_inflight,
             speaker.talk.engine.reason != NULL ? 0 : speaker.talk.in.len,
             (long long)mqtt_engine_deadline(&speaker.talk.engine),
             SLICE_ARG(will == NULL ? SLICE("none") : will->topic));
    buf_put_slice(&seen, buf_slice(&speaker.talk.log));
    buf_put_slice(&seen, buf_slice(&speaker.talk.out));
    talk_finish(&speaker.talk);
    buf_finish(&speaker.said);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = converse(fuzz_input(data, size), false);
    struct buf by_byte = converse(fuzz_input(data, size), true);
    fuzz_check_same(buf_slice(&by_byte), buf_slice(&whole));
    buf_finish(&whole);
    buf_finish(&by_byte);
    return 0;
}
