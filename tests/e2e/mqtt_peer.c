/*
 * Packets to and from a socket.
 */
#include "e2e/mqtt_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "iothub/connection_string.h"
#include "iothub/sas_token.h"

enum {
    TOKEN_S = 3600,
    TEXT_MAX_BYTES = 4096,
};

static bool send_packet(struct mqtt_peer *peer, struct buf *packet)
{
    assert_false(packet->failed);
    bool is_sent = line_send(&peer->line, buf_slice(packet));
    buf_finish(packet);
    return is_sent;
}

static void put_token(struct buf *out, const struct connection_string *cs)
{
    struct buf resource;
    int64_t now_s = clock_read(&(struct clock){0}).at_ms / 1000;
    buf_init(&resource, TEXT_MAX_BYTES);
    buf_putf(&resource, "%s/devices/%s", cs->host_name, cs->device_id);
    assert_true(sas_token_write(out, buf_slice(&resource), slice_of(cs->shared_access_key),
                                SLICE(""), now_s + TOKEN_S));
    buf_finish(&resource);
}

void mqtt_peer_put_connect(struct buf *packet, const char *connection_string)
{
    struct connection_string cs;
    struct buf user = {.cap = TEXT_MAX_BYTES};
    struct buf token = {.cap = TEXT_MAX_BYTES};
    assert_true(connection_string_parse(slice_of(connection_string), CONNECTION_STRING_DEVICE,
                                        NULL, &cs));
    buf_putf(&user, "%s/%s/?api-version=2021-04-12", cs.host_name, cs.device_id);
    put_token(&token, &cs);
    mqtt_put_connect(packet, &(struct mqtt_connect){.client_id = slice_of(cs.device_id),
                                                    .user_name = buf_slice(&user),
                                                    .password = buf_slice(&token),
                                                    .has_user_name = true,
                                                    .has_password = true,
                                                    .clean_session = true,
                                                    .keep_alive_s = 120});
    buf_finish(&user);
    buf_finish(&token);
    connection_string_finish(&cs);
}

void mqtt_peer_open(struct mqtt_peer *peer, const struct emulator *e,
                    const char *connection_string)
{
    struct mqtt_packet answer;
    struct buf packet = {.cap = TEXT_MAX_BYTES};
    *peer = (struct mqtt_peer){0};
    line_open(&peer->line, e->ports[EMULATOR_MQTT]);
    mqtt_peer_put_connect(&packet, connection_string);
    assert_true(send_packet(peer, &packet));
    mqtt_peer_expect(peer, MQTT_CONNACK, &answer);
    assert_int_equal(answer.connack.code, MQTT_CONNACK_ACCEPTED);
}

void mqtt_peer_close(struct mqtt_peer *peer)
{
    line_close(&peer->line);
}

void mqtt_peer_subscribe(struct mqtt_peer *peer, const char *filter)
{
    struct mqtt_packet answer;
    struct buf packet = {.cap = TEXT_MAX_BYTES};
    mqtt_put_subscribe(&packet, ++peer->last_id,
                       &(struct mqtt_filter){.topic = slice_of(filter), .qos = 1}, 1);
    assert_true(send_packet(peer, &packet));
    mqtt_peer_expect(peer, MQTT_SUBACK, &answer);
    assert_int_equal(answer.suback.packet_id, peer->last_id);
}

uint16_t mqtt_peer_publish(struct mqtt_peer *peer, const char *topic, const char *payload)
{
    struct buf packet = {.cap = MQTT_PACKET_MAX_BYTES};
    peer->last_id = peer->last_id == UINT16_MAX ? 1 : (uint16_t)(peer->last_id + 1);
    mqtt_put_publish(&packet, &(struct mqtt_publish){.topic = slice_of(topic),
                                                     .payload = slice_of(payload),
                                                     .packet_id = peer->last_id,
                                                     .qos = 1});
    return send_packet(peer, &packet) ? peer->last_id : 0;
}

bool mqtt_peer_look(struct mqtt_peer *peer, struct mqtt_packet *out)
{
    const char *reason = NULL;
    buf_drop(&peer->line.in, peer->n_read);
    peer->n_read = 0;
    size_t used = 0;
    enum wire_result result =
        mqtt_packet_read(buf_slice(&peer->line.in), MQTT_PACKET_MAX_BYTES, out, &used, &reason);
    if (result == WIRE_BAD) {
        fail_msg("the emulator sent what is no packet: %s", reason);
    }
    peer->n_read = result == WIRE_OK ? used : 0;
    return result == WIRE_OK;
}

bool mqtt_peer_next(struct mqtt_peer *peer, struct mqtt_packet *out)
{
    while (!mqtt_peer_look(peer, out)) {
        if (!line_receive(&peer->line)) {
            return false;
        }
    }
    return true;
}

void mqtt_peer_expect(struct mqtt_peer *peer, enum mqtt_packet_type type,
                      struct mqtt_packet *out)
{
    if (!mqtt_peer_next(peer, out)) {
        fail_msg("the emulator hung up instead of sending %s", mqtt_packet_name(type));
    }
    assert_string_equal(mqtt_packet_name(out->type), mqtt_packet_name(type));
}
