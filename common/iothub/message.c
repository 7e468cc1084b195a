/*
 * The message's properties and their one table of names.
 */
#include "iothub/message.h"

static const struct slice system_names[MESSAGE_N_SYSTEM] = {
    [MESSAGE_ID] = {"$.mid",    5},
    [MESSAGE_CORRELATION_ID] = {"$.cid",    5},
    [MESSAGE_USER_ID] = {"$.uid",    5},
    [MESSAGE_TO] = {"$.to",     4},
    [MESSAGE_CONTENT_TYPE] = {"$.ct",     4},
    [MESSAGE_CONTENT_ENCODING] = {"$.ce",     4},
    [MESSAGE_EXPIRY] = {"$.exp",    5},
    [MESSAGE_CREATION_TIME] = {"$.ctime",  7},
    [MESSAGE_OUTPUT_NAME] = {"$.on",     4},
    [MESSAGE_COMPONENT] = {"$.sub",    5},
    [MESSAGE_INTERFACE_ID] = {"$.ifid",   6},
    [MESSAGE_SCHEMA] = {"$.schema", 8},
};

const char *message_system_name(enum message_system which)
{
    return system_names[which].data;
}

bool message_system_from_name(struct slice name, enum message_system *out)
{
    if (name.len < 4 || name.data[0] != '$' || name.data[1] != '.') {
        return false;
    }
    for (size_t i = 0; i < MESSAGE_N_SYSTEM; i++) {
        if (slice_equal(system_names[i], name)) {
            *out = (enum message_system)i;
            return true;
        }
    }
    return false;
}

void message_from_bag(struct property_bag *bag, struct slice body, struct message *out)
{
    *out = (struct message){.body = body};
    size_t kept = 0;
    for (size_t i = 0; i < bag->n_items; i++) {
        enum message_system which = MESSAGE_ID;
        if (message_system_from_name(bag->items[i].name, &which)) {
            out->system[which] = bag->items[i].value;
        } else {
            bag->items[kept++] = bag->items[i];
        }
    }
    bag->n_items = kept;
    out->properties = bag->items;
    out->n_properties = kept;
}

void message_put_bag(struct buf *out, const struct message *message)
{
    for (size_t i = 0; i < MESSAGE_N_SYSTEM; i++) {
        if (message->system[i].data != NULL) {
            property_bag_encode(out, system_names[i], message->system[i], false);
        }
    }
    for (size_t i = 0; i < message->n_properties; i++) {
        const struct property *p = &message->properties[i];
        property_bag_encode(out, p->name, p->value, p->is_null);
    }
}

size_t message_size(const struct message *message)
{
    size_t size = message->body.len;
    for (size_t i = 0; i < MESSAGE_N_SYSTEM; i++) {
        size += message->system[i].len;
    }
    for (size_t i = 0; i < message->n_properties; i++) {
        size += message->properties[i].name.len + message->properties[i].value.len;
    }
    return size;
}
