/*
 * MQTT over WebSockets: the handshake, the rules of frames, and conversations in all cuts.
 */
#include "e2e/ws_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/macros.h"
#include "e2e/http_peer.h"
#include "e2e/mqtt_peer.h"

#define EVENTS "devices/d1/messages/events/"

enum {
    PACKETS_MAX_BYTES = 1024 * 1024,
    NORMAL = 1000,
    PROTOCOL_ERROR = 1002,
    UNSUPPORTED = 1003,
    TOO_BIG = 1009,
};

static void begin(struct emulator *e, void **state)
{
    emulator_init(e, *state);
    emulator_start(e, TEXTS("--in-memory"));
}

static void begin_with_device(struct emulator *e, void **state,
                              char connection_string[EMULATOR_TEXT_SIZE])
{
    begin(e, state);
    device_create(e, "d1", connection_string);
}

/* ---- the handshake ---- */

static void expect_upgrade(const struct emulator *e, const struct ws_hello *hello)
{
    struct ws_peer peer;
    struct ws_answer answer;
    ws_peer_dial(&peer, e->ports[EMULATOR_HTTP]);
    ws_peer_say_hello(&peer, hello);
    ws_peer_hear(&peer, &answer);
    assert_int_equal(answer.status, 101);
    assert_true(slice_equal_nocase(ws_header(&answer, "Upgrade"), SLICE("websocket")));
    assert_true(slice_equal_nocase(ws_header(&answer, "Connection"), SLICE("Upgrade")));
    assert_true(slice_equal_text(ws_header(&answer, "Sec-WebSocket-Accept"), WS_ACCEPT));
    ws_peer_send(&peer, WS_FIN | WS_PING, SLICE("hello"));
    ws_peer_expect(&peer, WS_PONG, SLICE("hello"));
    ws_peer_close(&peer);
}

static void path_is_found_in_each_spelling(void **state)
{
    static const char *const paths[] = {
        "/$iothub/websocket",
        "/%24iothub/websocket",
        "/$iothub/websocket/",
        "/%24iothub/websocket/?iothub-no-client-cert=true",
        "/$IoTHub/WebSocket?iothub-no-client-cert=true&x",
    };
    struct emulator e;
    begin(&e, state);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct ws_hello hello = {WS_HELLO};
        hello.path = paths[i];
        expect_upgrade(&e, &hello);
    }
    emulator_stop(&e);
}

static void headers_are_lists_of_words_without_case(void **state)
{
    struct emulator e;
    struct ws_hello hello = {WS_HELLO};
    begin(&e, state);
    hello.upgrade = "h2c, WebSocket";
    hello.connection = "keep-alive, upgrade";
    expect_upgrade(&e, &hello);
    emulator_stop(&e);
}

static void subprotocol_is_echoed_as_the_client_spells_it(void **state)
{
    static const struct {
        const char *offered;
        const char *chosen;
    } cases[] = {
        {"mqtt",             "mqtt"},
        {"MQTT",             "MQTT"},
        {"AMQPWSB10 , Mqtt", "Mqtt"},
    };
    struct emulator e;
    begin(&e, state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ws_peer peer;
        struct ws_answer answer;
        struct ws_hello hello = {WS_HELLO};
        hello.protocol = cases[i].offered;
        ws_peer_dial(&peer, e.ports[EMULATOR_HTTP]);
        ws_peer_say_hello(&peer, &hello);
        ws_peer_hear(&peer, &answer);
        assert_int_equal(answer.status, 101);
        struct slice chosen = ws_header(&answer, "Sec-WebSocket-Protocol");
        assert_true(slice_equal_text(chosen, cases[i].chosen));
        ws_peer_close(&peer);
    }
    emulator_stop(&e);
}

static void bad_handshake_is_refused_and_the_next_may_be_good(void **state)
{
    const struct {
        int status;
        struct ws_hello hello;
    } cases[] = {
        {400, {"/$iothub/websocket", "websocket", "Upgrade", "13", WS_KEY, NULL, "GET"}       },
        {400, {"/$iothub/websocket", "websocket", "Upgrade", "13", WS_KEY, "AMQPWSB10", "GET"}},
        {400, {"/$iothub/websocket", "websocket", "Upgrade", "13", WS_KEY, "mqttv3.1", "GET"} },
        {400, {"/$iothub/websocket", "websocket", "Upgrade", "12", WS_KEY, "mqtt", "GET"}     },
        {400, {"/$iothub/websocket", "websocket", "Upgrade", NULL, WS_KEY, "mqtt", "GET"}     },
        {400,
         {"/$iothub/websocket", "websocket", "Upgrade", "13", "dG9vIHNob3J0", "mqtt", "GET"}  },
        {400, {"/$iothub/websocket", "websocket", "Upgrade", "13", NULL, "mqtt", "GET"}       },
        {400, {"/$iothub/websocket", "websocket", "keep-alive", "13", WS_KEY, "mqtt", "GET"}  },
        {400, {"/$iothub/websocket", NULL, NULL, NULL, NULL, NULL, "GET"}                     },
        {405, {"/$iothub/websocket", "websocket", "Upgrade", "13", WS_KEY, "mqtt", "PUT"}     },
        {404, {"/$iothub/websockets", "websocket", "Upgrade", "13", WS_KEY, "mqtt", "GET"}    },
    };
    struct emulator e;
    begin(&e, state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ws_peer peer;
        struct ws_answer answer;
        ws_peer_dial(&peer, e.ports[EMULATOR_HTTP]);
        ws_peer_say_hello(&peer, &cases[i].hello);
        ws_peer_hear(&peer, &answer);
        assert_int_equal(answer.status, cases[i].status);
        ws_peer_upgrade(&peer);
        ws_peer_send(&peer, WS_FIN | WS_PING, SLICE(""));
        ws_peer_expect(&peer, WS_PONG, SLICE(""));
        ws_peer_close(&peer);
    }
    emulator_stop(&e);
}

static void frames_right_behind_the_request_are_not_lost(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    struct ws_answer answer;
    char connection_string[EMULATOR_TEXT_SIZE];
    struct mqtt_packet packet;
    struct buf text = {.cap = PACKETS_MAX_BYTES};
    struct buf connect = {.cap = PACKETS_MAX_BYTES};
    begin_with_device(&e, state, connection_string);
    ws_peer_dial(&peer, e.ports[EMULATOR_HTTP]);
    buf_put_text(&text, "GET /$iothub/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n"
                        "Sec-WebSocket-Key: " WS_KEY "\r\n\r\n");
    mqtt_peer_put_connect(&connect, connection_string);
    ws_put_frame(&text, WS_FIN | WS_BINARY, buf_slice(&connect));
    assert_true(line_send(&peer.line, buf_slice(&text)));
    ws_peer_hear(&peer, &answer);
    assert_int_equal(answer.status, 101);
    ws_peer_expect_packet(&peer, MQTT_CONNACK, &packet);
    assert_int_equal(packet.connack.code, MQTT_CONNACK_ACCEPTED);
    buf_finish(&text);
    buf_finish(&connect);
    ws_peer_close(&peer);
    emulator_stop(&e);
}

static void connections_of_each_kind_count_against_the_limit(void **state)
{
    struct emulator e;
    struct ws_peer first;
    struct ws_peer second;
    struct ws_peer third;
    struct ws_answer answer;
    struct line tcp;
    emulator_init(&e, *state);
    emulator_start(&e, TEXTS("--in-memory", "--max-connections", "2"));
    ws_peer_open(&first, &e);
    line_open(&tcp, e.ports[EMULATOR_MQTT]);
    /* A turn later it is the second. */
    ws_peer_send(&first, WS_FIN | WS_PING, SLICE(""));
    ws_peer_expect(&first, WS_PONG, SLICE(""));
    ws_peer_dial(&second, e.ports[EMULATOR_HTTP]);
    ws_peer_say_hello(&second, &(struct ws_hello){WS_HELLO});
    ws_peer_hear(&second, &answer);
    assert_int_equal(answer.status, 503);
    ws_peer_close(&second);
    ws_peer_close(&first);
    process_wait_for(e.process, PROCESS_ERR, "--max-connections");
    line_close(&tcp);
    /* Their places are free again once the emulator has noticed. */
    for (int status = 503; status != 101;) {
        ws_peer_dial(&third, e.ports[EMULATOR_HTTP]);
        ws_peer_say_hello(&third, &(struct ws_hello){WS_HELLO});
        ws_peer_hear(&third, &answer);
        status = answer.status;
        ws_peer_close(&third);
    }
    emulator_stop(&e);
}

/* ---- frames ---- */

static void ping_is_answered_and_pong_passed_over(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    char longest[125];
    begin(&e, state);
    ws_peer_open(&peer, &e);
    memset(longest, 'x', sizeof(longest));
    ws_peer_send(&peer, WS_FIN | WS_PONG, SLICE("nobody asked"));
    ws_peer_send(&peer, WS_FIN | WS_PING, SLICE(""));
    ws_peer_send(&peer, WS_FIN | WS_PING, slice_make(longest, sizeof(longest)));
    ws_peer_expect(&peer, WS_PONG, SLICE(""));
    ws_peer_expect(&peer, WS_PONG, slice_make(longest, sizeof(longest)));
    ws_peer_close(&peer);
    emulator_stop(&e);
}

static void clients_close_is_answered_with_its_code(void **state)
{
    static const struct {
        struct slice payload;
        unsigned code;
    } cases[] = {
        {{"", 0},              0             },
        {{"\x03\xe8", 2},      NORMAL        },
        {{"\x03\xe9going", 7}, 1001          },
        {{"\x0f\xa0", 2},      4000          },
        {{"\x03", 1},          PROTOCOL_ERROR},
        {{"\x03\xed", 2},      PROTOCOL_ERROR}, /* 1005 may not be sent */
        {{"\x00\x01", 2},      PROTOCOL_ERROR},
    };
    struct emulator e;
    begin(&e, state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ws_peer peer;
        ws_peer_open(&peer, &e);
        ws_peer_send(&peer, WS_FIN | WS_CLOSE, cases[i].payload);
        ws_peer_expect_close(&peer, cases[i].code);
        ws_peer_expect_end(&peer);
        ws_peer_close(&peer);
    }
    emulator_stop(&e);
}

static void each_violation_has_its_code(void **state)
{
    /* Bytes of whole frames, the masks being zero. */
    static const struct {
        struct slice bytes;
        unsigned code;
    } cases[] = {
        {{"\x81\x82\0\0\0\0hi", 8},                     UNSUPPORTED   }, /* text */
        {{"\x82\x02hi", 4},                             PROTOCOL_ERROR}, /* no mask */
        {{"\xc2\x82\0\0\0\0hi", 8},                     PROTOCOL_ERROR}, /* a reserved bit */
        {{"\x80\x82\0\0\0\0hi", 8},                     PROTOCOL_ERROR}, /* continues nothing */
        {{"\x02\x80\0\0\0\0\x82\x80\0\0\0\0", 12},      PROTOCOL_ERROR}, /* one within another */
        {{"\x02\x80\0\0\0\0\x81\x80\0\0\0\0", 12},      PROTOCOL_ERROR},
        {{"\x83\x80\0\0\0\0", 6},                       PROTOCOL_ERROR}, /* reserved kinds */
        {{"\x8b\x80\0\0\0\0", 6},                       PROTOCOL_ERROR},
        {{"\x09\x80\0\0\0\0", 6},                       PROTOCOL_ERROR}, /* a ping in parts */
        {{"\x89\xfe\0\x7e\0\0\0\0", 8},                 PROTOCOL_ERROR}, /* a ping of 126 bytes */
        {{"\x82\xfe\0\x05\0\0\0\0", 8},                 PROTOCOL_ERROR}, /* not the shortest length */
        {{"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 14},    PROTOCOL_ERROR}, /* 2^63 */
        {{"\x82\xff\0\0\0\0\0\x10\0\x01\0\0\0\0x", 15}, TOO_BIG       },
    };
    struct emulator e;
    begin(&e, state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ws_peer peer;
        ws_peer_open(&peer, &e);
        assert_true(line_send(&peer.line, cases[i].bytes));
        ws_peer_expect_close(&peer, cases[i].code);
        /* The emulator waits for the client to go, and hears no more of it. */
        ws_peer_send(&peer, WS_FIN | WS_PING, SLICE("too late"));
        ws_peer_send(&peer, WS_FIN | WS_CLOSE, SLICE(""));
        shutdown(peer.line.fd, SHUT_WR);
        ws_peer_expect_end(&peer);
        ws_peer_close(&peer);
    }
    emulator_stop(&e);
}

/* ---- conversations ---- */

/* CONNECT, SUBSCRIBE, two PUBLISH, PINGREQ and DISCONNECT, as one run of bytes. */
static void put_conversation(struct buf *out, const char *connection_string)
{
    struct mqtt_filter filter = {.topic = SLICE("$iothub/methods/POST/#"), .qos = 0};
    mqtt_peer_put_connect(out, connection_string);
    mqtt_put_subscribe(out, 1, &filter, 1);
    mqtt_put_publish(
        out, &(struct mqtt_publish){
                 .topic = SLICE(EVENTS), .payload = SLICE("one"), .packet_id = 2, .qos = 1});
    mqtt_put_publish(
        out, &(struct mqtt_publish){
                 .topic = SLICE(EVENTS), .payload = SLICE("two"), .packet_id = 3, .qos = 1});
    mqtt_put_simple(out, MQTT_PINGREQ);
    mqtt_put_simple(out, MQTT_DISCONNECT);
}

/* All answers to it, then the end. */
static void expect_conversation(struct ws_peer *peer)
{
    struct mqtt_packet packet;
    ws_peer_expect_packet(peer, MQTT_CONNACK, &packet);
    assert_int_equal(packet.connack.code, MQTT_CONNACK_ACCEPTED);
    ws_peer_expect_packet(peer, MQTT_SUBACK, &packet);
    ws_peer_expect_packet(peer, MQTT_PUBACK, &packet);
    assert_int_equal(packet.packet_id, 2);
    ws_peer_expect_packet(peer, MQTT_PUBACK, &packet);
    assert_int_equal(packet.packet_id, 3);
    ws_peer_expect_packet(peer, MQTT_PINGRESP, &packet);
    ws_peer_expect_close(peer, NORMAL);
    ws_peer_send(peer, WS_FIN | WS_CLOSE, SLICE("\x03\xe8"));
    ws_peer_expect_end(peer);
}

static void packets_may_share_a_frame(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    char connection_string[EMULATOR_TEXT_SIZE];
    struct buf packets = {.cap = PACKETS_MAX_BYTES};
    begin_with_device(&e, state, connection_string);
    ws_peer_open(&peer, &e);
    put_conversation(&packets, connection_string);
    ws_peer_send(&peer, WS_FIN | WS_BINARY, buf_slice(&packets));
    expect_conversation(&peer);
    ws_peer_close(&peer);
    buf_finish(&packets);
    emulator_stop(&e);
}

static void conversation_may_be_cut_at_every_byte(void **state)
{
    struct emulator e;
    char connection_string[EMULATOR_TEXT_SIZE];
    struct buf packets = {.cap = PACKETS_MAX_BYTES};
    begin_with_device(&e, state, connection_string);
    put_conversation(&packets, connection_string);
    for (size_t cut = 0; cut <= packets.len; cut++) {
        struct ws_peer peer;
        ws_peer_open(&peer, &e);
        ws_peer_send(&peer, WS_FIN | WS_BINARY, slice_make(packets.data, cut));
        ws_peer_send(&peer, WS_FIN | WS_BINARY, slice_from(buf_slice(&packets), cut));
        expect_conversation(&peer);
        ws_peer_close(&peer);
    }
    buf_finish(&packets);
    emulator_stop(&e);
}

static void message_in_parts_with_pings_between_is_one(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    char connection_string[EMULATOR_TEXT_SIZE];
    struct buf packets = {.cap = PACKETS_MAX_BYTES};
    begin_with_device(&e, state, connection_string);
    ws_peer_open(&peer, &e);
    put_conversation(&packets, connection_string);
    for (size_t i = 0; i < packets.len; i++) {
        int opcode = i == 0 ? WS_BINARY : WS_CONTINUATION;
        int is_last = i + 1 == packets.len ? WS_FIN : 0;
        ws_peer_send(&peer, is_last | opcode, slice_make(packets.data + i, 1));
        if (i == 2) {
            ws_peer_send(&peer, WS_FIN | WS_PING, SLICE("between"));
            ws_peer_expect(&peer, WS_PONG, SLICE("between"));
        }
    }
    expect_conversation(&peer);
    ws_peer_close(&peer);
    buf_finish(&packets);
    emulator_stop(&e);
}

static void frames_may_come_byte_by_byte(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    char connection_string[EMULATOR_TEXT_SIZE];
    struct buf packets = {.cap = PACKETS_MAX_BYTES};
    struct buf frame = {.cap = PACKETS_MAX_BYTES};
    begin_with_device(&e, state, connection_string);
    ws_peer_open(&peer, &e);
    put_conversation(&packets, connection_string);
    ws_put_frame(&frame, WS_FIN | WS_BINARY, buf_slice(&packets));
    for (size_t i = 0; i < frame.len; i++) {
        assert_true(line_send(&peer.line, slice_make(frame.data + i, 1)));
    }
    expect_conversation(&peer);
    ws_peer_close(&peer);
    buf_finish(&packets);
    buf_finish(&frame);
    emulator_stop(&e);
}

static void refused_device_gets_its_connack_and_a_close(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    struct mqtt_packet packet;
    char connection_string[EMULATOR_TEXT_SIZE];
    struct buf connect = {.cap = PACKETS_MAX_BYTES};
    begin_with_device(&e, state, connection_string);
    service_run(&e, TEXTS("device", "delete", "d1"));
    ws_peer_open(&peer, &e);
    mqtt_peer_put_connect(&connect, connection_string);
    ws_peer_send(&peer, WS_FIN | WS_BINARY, buf_slice(&connect));
    ws_peer_expect_packet(&peer, MQTT_CONNACK, &packet);
    assert_int_equal(packet.connack.code, MQTT_CONNACK_NOT_AUTHORIZED);
    ws_peer_expect_close(&peer, NORMAL);
    ws_peer_send(&peer, WS_FIN | WS_CLOSE, SLICE(""));
    ws_peer_expect_end(&peer);
    ws_peer_close(&peer);
    buf_finish(&connect);
    emulator_stop(&e);
}

static void newer_connection_of_any_kind_closes_the_older(void **state)
{
    struct emulator e;
    struct ws_peer first;
    struct mqtt_peer second;
    struct ws_peer third;
    struct mqtt_packet packet;
    char connection_string[EMULATOR_TEXT_SIZE];
    begin_with_device(&e, state, connection_string);
    ws_peer_open(&first, &e);
    ws_peer_connect(&first, connection_string);
    mqtt_peer_open(&second, &e, connection_string);
    ws_peer_expect_close(&first, NORMAL);
    ws_peer_open(&third, &e);
    ws_peer_connect(&third, connection_string);
    assert_false(mqtt_peer_next(&second, &packet));
    ws_peer_close(&first);
    mqtt_peer_close(&second);
    ws_peer_close(&third);
    emulator_stop(&e);
}

/* ---- readers that are slow ---- */

enum {
    GETS = 120, /* some 3.6 MB of answers, below what the gateway keeps for a client */
    TWIN_BYTES = 30000,
    TEXT_BYTES = 3000, /* a twin's text may have 4096 */
};

/* Reported properties that make each answer to a GET about TWIN_BYTES long. */
static void report_much(struct ws_peer *peer)
{
    char text[TEXT_BYTES + 1];
    struct mqtt_packet packet;
    struct buf patch = {.cap = PACKETS_MAX_BYTES};
    struct buf publish = {.cap = PACKETS_MAX_BYTES};
    memset(text, 'x', TEXT_BYTES);
    text[TEXT_BYTES] = '\0';
    for (int i = 0; i < TWIN_BYTES / TEXT_BYTES; i++) {
        buf_putf(&patch, "%c\"p%d\":\"%s\"", i == 0 ? '{' : ',', i, text);
    }
    buf_put_char(&patch, '}');
    mqtt_put_publish(
        &publish,
        &(struct mqtt_publish){.topic = SLICE("$iothub/twin/PATCH/properties/reported/?$rid=1"),
                               .payload = buf_slice(&patch)});
    ws_peer_send(peer, WS_FIN | WS_BINARY, buf_slice(&publish));
    ws_peer_expect_packet(peer, MQTT_PUBLISH, &packet);
    assert_true(slice_starts_with(packet.publish.topic, SLICE("$iothub/twin/res/204/")));
    buf_finish(&patch);
    buf_finish(&publish);
}

static void subscribe(struct ws_peer *peer, const char *filter)
{
    struct mqtt_packet packet;
    struct buf subscribe_packet = {.cap = PACKETS_MAX_BYTES};
    mqtt_put_subscribe(&subscribe_packet, 1, &(struct mqtt_filter){.topic = slice_of(filter)},
                       1);
    ws_peer_send(peer, WS_FIN | WS_BINARY, buf_slice(&subscribe_packet));
    ws_peer_expect_packet(peer, MQTT_SUBACK, &packet);
    buf_finish(&subscribe_packet);
}

static void client_that_reads_late_gets_everything_in_order(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    char connection_string[EMULATOR_TEXT_SIZE];
    char topic[64];
    struct mqtt_packet packet;
    struct buf gets = {.cap = PACKETS_MAX_BYTES};
    begin_with_device(&e, state, connection_string);
    ws_peer_open(&peer, &e);
    ws_peer_connect(&peer, connection_string);
    subscribe(&peer, "$iothub/twin/res/#");
    report_much(&peer);
    for (int i = 0; i < GETS; i++) {
        snprintf(topic, sizeof(topic), "$iothub/twin/GET/?$rid=%d", i);
        mqtt_put_publish(&gets, &(struct mqtt_publish){.topic = slice_of(topic)});
    }
    mqtt_put_simple(&gets, MQTT_PINGREQ);
    ws_peer_send(&peer, WS_FIN | WS_BINARY, buf_slice(&gets));
    /* Another is served meanwhile. */
    service_run(&e, TEXTS("device", "get", "d1"));
    for (int i = 0; i < GETS; i++) {
        snprintf(topic, sizeof(topic), "$iothub/twin/res/200/?$rid=%d", i);
        ws_peer_expect_packet(&peer, MQTT_PUBLISH, &packet);
        assert_true(slice_equal_text(packet.publish.topic, topic));
        assert_true(packet.publish.payload.len > TWIN_BYTES);
    }
    ws_peer_expect_packet(&peer, MQTT_PINGRESP, &packet);
    ws_peer_close(&peer);
    buf_finish(&gets);
    emulator_stop(&e);
}

static void flood_of_pings_that_nobody_reads_does_not_pile_up(void **state)
{
    struct emulator e;
    struct ws_peer peer;
    struct buf pings = {.cap = (size_t)16 * 1024 * 1024};
    char payload[125];
    enum {
        PINGS = 100000,
    };
    begin(&e, state);
    ws_peer_open(&peer, &e);
    memset(payload, 'x', sizeof(payload));
    for (int i = 0; i < PINGS; i++) {
        ws_put_frame(&pings, WS_FIN | WS_PING, slice_make(payload, sizeof(payload)));
    }
    /* The emulator stops reading at some point; what it took is answered. */
    size_t sent = 0;
    ssize_t n = 0;
    do {
        n = send(peer.line.fd, pings.data + sent, pings.len - sent,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
    } while (n > 0 && sent < pings.len);
    service_run(&e, TEXTS("device", "create", "other"));
    size_t n_whole = sent / (pings.len / PINGS);
    for (size_t i = 0; i < n_whole; i++) {
        ws_peer_expect(&peer, WS_PONG, slice_make(payload, sizeof(payload)));
    }
    ws_peer_close(&peer);
    buf_finish(&pings);
    emulator_stop(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(path_is_found_in_each_spelling),
        SCENE_TEST(headers_are_lists_of_words_without_case),
        SCENE_TEST(subprotocol_is_echoed_as_the_client_spells_it),
        SCENE_TEST(bad_handshake_is_refused_and_the_next_may_be_good),
        SCENE_TEST(frames_right_behind_the_request_are_not_lost),
        SCENE_TEST(connections_of_each_kind_count_against_the_limit),
        SCENE_TEST(ping_is_answered_and_pong_passed_over),
        SCENE_TEST(clients_close_is_answered_with_its_code),
        SCENE_TEST(each_violation_has_its_code),
        SCENE_TEST(packets_may_share_a_frame),
        SCENE_TEST(conversation_may_be_cut_at_every_byte),
        SCENE_TEST(message_in_parts_with_pings_between_is_one),
        SCENE_TEST(frames_may_come_byte_by_byte),
        SCENE_TEST(refused_device_gets_its_connack_and_a_close),
        SCENE_TEST(newer_connection_of_any_kind_closes_the_older),
        SCENE_TEST(client_that_reads_late_gets_everything_in_order),
        SCENE_TEST(flood_of_pings_that_nobody_reads_does_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
