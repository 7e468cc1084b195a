/*
 * Device-to-cloud messages.
 */
#include <assert.h>
#include <mosquitto.h>
#include <stdlib.h>

#include "base/mem.h"
#include "device/src/client.h"
#include "device/src/credential.h"
#include "iothub/limits.h"

void telemetry_flush(struct iothub_device *client)
{
    while (client->outbox.waiting != NULL) {
        struct outbox_item *item = client->outbox.waiting;
        int mid = 0;
        enum iothub_status status = link_publish(
            &client->link, item->topic, slice_make(item->payload, item->payload_len), 1, &mid);
        if (status == IOTHUB_NOT_CONNECTED) {
            return;
        }
        /* The topic was checked before the message was taken. */
        assert(status == IOTHUB_OK);
        outbox_handed_over(&client->outbox, mid);
    }
}

void telemetry_on_acknowledged(struct iothub_device *client, int mid)
{
    struct outbox_item *item = outbox_take(&client->outbox, mid);
    if (item != NULL && item->fn != NULL) {
        client->has_called_back = true;
        item->fn(item->ctx);
    }
    outbox_item_destroy(item);
}

static void set_system(struct message *message, enum message_system which, const char *text)
{
    if (text != NULL) {
        message->system[which] = slice_of(text);
    }
}

static struct message describe(const struct iothub_device_message *m,
                               struct property *properties)
{
    struct message message = {
        .body = slice_make(m->payload_len == 0 ? "" : m->payload, m->payload_len),
        .properties = properties,
        .n_properties = m->n_properties};
    set_system(&message, MESSAGE_ID, m->message_id);
    set_system(&message, MESSAGE_CORRELATION_ID, m->correlation_id);
    set_system(&message, MESSAGE_CONTENT_TYPE, m->content_type);
    set_system(&message, MESSAGE_CONTENT_ENCODING, m->content_encoding);
    set_system(&message, MESSAGE_OUTPUT_NAME, m->output);
    for (size_t i = 0; i < m->n_properties; i++) {
        const struct iothub_device_property *p = &m->properties[i];
        properties[i] = (struct property){slice_of(p->name), slice_of(p->value),
                                          .is_null = p->value == NULL};
    }
    return message;
}

static bool is_well_formed(const struct iothub_device_message *m)
{
    if ((m->payload == NULL && m->payload_len != 0) || m->n_properties > PROPERTY_BAG_MAX ||
        (m->properties == NULL && m->n_properties != 0)) {
        return false;
    }
    for (size_t i = 0; i < m->n_properties; i++) {
        if (m->properties[i].name == NULL || m->properties[i].name[0] == '\0') {
            return false;
        }
    }
    return m->message_id == NULL || identity_is_valid_id(slice_of(m->message_id));
}

static enum iothub_status enqueue(struct iothub_device *client, const struct message *message,
                                  iothub_device_sent_fn fn, void *ctx)
{
    if (message_size(message) > (size_t)LIMIT_D2C_BYTES) {
        return IOTHUB_MESSAGE_TOO_LARGE;
    }
    enum iothub_status status = IOTHUB_OK;
    struct buf topic;
    buf_init(&topic, TOPIC_MAX_BYTES);
    topic_put_events(&topic, credential_identity(&client->settings.cs), message);
    if (topic.failed) {
        status = IOTHUB_MESSAGE_TOO_LARGE;
    } else if (mosquitto_pub_topic_check(buf_text(&topic)) != MOSQ_ERR_SUCCESS ||
               mosquitto_validate_utf8(buf_text(&topic), (int)topic.len) != MOSQ_ERR_SUCCESS) {
        status = IOTHUB_BAD_ARGUMENT;
    } else if (!outbox_has_room(&client->outbox, topic.len + message->body.len)) {
        status = IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED;
    } else {
        outbox_add(&client->outbox, buf_slice(&topic), message->body, fn, ctx);
    }
    buf_finish(&topic);
    return status;
}

enum iothub_status iothub_device_send(struct iothub_device *client,
                                      const struct iothub_device_message *message,
                                      iothub_device_sent_fn fn, void *ctx)
{
    if (!is_well_formed(message)) {
        return IOTHUB_BAD_ARGUMENT;
    }
    struct property *properties = mem_array(message->n_properties + 1, sizeof(*properties));
    struct message described = describe(message, properties);
    enum iothub_status status = enqueue(client, &described, fn, ctx);
    free(properties);
    if (status == IOTHUB_OK && client_is_connected(client)) {
        telemetry_flush(client);
    }
    return status;
}

size_t iothub_device_n_unsent(const struct iothub_device *client)
{
    return client->outbox.n_items;
}
