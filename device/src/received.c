/*
 * Messages from the hub: a topic's property bag becomes texts that the application can read.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "device/src/client.h"
#include "iothub/message.h"
#include "iothub/property_bag.h"

/* Texts that are freed together. */
struct texts {
    char **items;
    size_t n_items;
};

/* NULL stays NULL. */
static const char *add_text(struct texts *texts, struct slice text)
{
    if (text.data == NULL) {
        return NULL;
    }
    return texts->items[texts->n_items++] = slice_dup(text);
}

static void texts_finish(struct texts *texts)
{
    for (size_t i = 0; i < texts->n_items; i++) {
        free(texts->items[i]);
    }
    free(texts->items);
}

/* "iothub-ack" stands among the sender's own properties and is none of them. */
static size_t take_properties(struct texts *texts, const struct message *message,
                              struct iothub_device_property *out,
                              struct iothub_device_received *received)
{
    size_t n = 0;
    for (size_t i = 0; i < message->n_properties; i++) {
        const struct property *p = &message->properties[i];
        const char *value = p->is_null ? NULL : add_text(texts, p->value);
        if (slice_equal_text(p->name, "iothub-ack")) {
            received->ack = value;
        } else {
            out[n++] = (struct iothub_device_property){add_text(texts, p->name), value};
        }
    }
    return n;
}

static void take_system(struct texts *texts, const struct message *message,
                        struct iothub_device_received *out)
{
    const struct {
        enum message_system which;
        const char **where;
    } fields[] = {
        {MESSAGE_ID,               &out->message_id      },
        {MESSAGE_CORRELATION_ID,   &out->correlation_id  },
        {MESSAGE_USER_ID,          &out->user_id         },
        {MESSAGE_TO,               &out->to              },
        {MESSAGE_CONTENT_TYPE,     &out->content_type    },
        {MESSAGE_CONTENT_ENCODING, &out->content_encoding},
        {MESSAGE_EXPIRY,           &out->expiry_time     },
        {MESSAGE_CREATION_TIME,    &out->creation_time   },
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        *fields[i].where = add_text(texts, message->system[fields[i].which]);
    }
}

static void call_application(struct iothub_device *client, const struct topic *topic,
                             const struct message *message)
{
    struct texts texts = {
        .items = mem_array(2 * message->n_properties + MESSAGE_N_SYSTEM + 2, sizeof(char *))};
    struct iothub_device_property *properties =
        mem_array(message->n_properties + 1, sizeof(*properties));
    struct iothub_device_received received = {
        .payload = add_text(&texts, message->body),
        .payload_len = message->body.len,
        .properties = properties,
        .input = topic->name.len == 0 ? NULL : add_text(&texts, topic->name),
    };
    take_system(&texts, message, &received);
    received.n_properties = take_properties(&texts, message, properties, &received);
    client->has_called_back = true;
    client->on_message(client->on_message_ctx, &received);
    free(properties);
    texts_finish(&texts);
}

void received_on_message(struct iothub_device *client, const struct topic *topic,
                         struct slice payload)
{
    struct property_bag bag = {0};
    struct message message = {.body = payload};
    if (client->on_message == NULL) {
        return;
    }
    /* One with more properties than any hub lets through comes without them. */
    if (property_bag_decode(&bag, topic->bag)) {
        message_from_bag(&bag, payload, &message);
    }
    call_application(client, topic, &message);
    property_bag_finish(&bag);
}

void iothub_device_on_message(struct iothub_device *client, iothub_device_message_fn fn,
                              void *ctx)
{
    client->on_message = fn;
    client->on_message_ctx = ctx;
    if (fn != NULL) {
        client_subscribe(client, SUBSCRIBE_MESSAGES);
    } else {
        client_unsubscribe(client, SUBSCRIBE_MESSAGES);
    }
}
