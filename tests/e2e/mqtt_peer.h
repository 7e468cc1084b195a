/*
 * A device that speaks MQTT packet by packet, on the plain port: it does only what the test
 * says, so it can also stay silent.
 */
#ifndef E2E_MQTT_PEER_H
#define E2E_MQTT_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "e2e/emulator.h"
#include "e2e/line.h"
#include "mqtt/packet.h"

struct mqtt_peer {
    struct line line;
    size_t n_read; /* of line.in, by the packet lent last */
    uint16_t last_id;
};

/* What the device of this connection string says first. */
void mqtt_peer_put_connect(struct buf *packet, const char *connection_string);

/* Connect as the device of this connection string, and be accepted. */
void mqtt_peer_open(struct mqtt_peer *peer, const struct emulator *e,
                    const char *connection_string);
void mqtt_peer_close(struct mqtt_peer *peer);

/* Subscribe and wait for the SUBACK. */
void mqtt_peer_subscribe(struct mqtt_peer *peer, const char *filter);

/* Send a PUBLISH with QoS 1 and do not wait; its packet id, or 0 when the connection is gone.
 */
uint16_t mqtt_peer_publish(struct mqtt_peer *peer, const char *topic, const char *payload);

/*
 * Take the next packet if it is there.  It lives until the next call.
 * @return false when no packet is whole yet.
 */
bool mqtt_peer_look(struct mqtt_peer *peer, struct mqtt_packet *out);

/* Wait for the next packet; false when the emulator has closed the connection. */
bool mqtt_peer_next(struct mqtt_peer *peer, struct mqtt_packet *out);

/* Wait for it; it must be of this type. */
void mqtt_peer_expect(struct mqtt_peer *peer, enum mqtt_packet_type type,
                      struct mqtt_packet *out);

#endif
