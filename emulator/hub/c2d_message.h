/*
 * A message that a service sends to a device: checked, and in the form in which it is stored.
 */
#ifndef HUB_C2D_MESSAGE_H
#define HUB_C2D_MESSAGE_H

#include "hub/hub.h"
#include "store/c2d.h"

/**
 * Read what a service sent at this moment.
 *
 * @param out         everything but seq, identity_seq and sequence.
 * @param properties  receives the encoded bag, in the order in which devices get it.
 * @return IOTHUB_OK; IOTHUB_MESSAGE_TOO_LARGE; IOTHUB_INVALID_MESSAGE_EXPIRY_TIME (it is over);
 *         IOTHUB_ARGUMENT_INVALID (message id, time or kind of feedback).
 * Source: IoT Hub documentation, "Send cloud-to-device messages from an IoT hub".
 */
MUST_CHECK enum iothub_status c2d_message_read(struct hub *hub, struct slice device_id,
                                               const struct message *message,
                                               struct store_c2d *out, struct buf *properties);

#endif
