/*
 * The names of headers, in two tables.
 */
#include "gateway/rest_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gateway/rest.h"

#define APP_PREFIX "iothub-app-"
#define ACK        "iothub-ack"

enum {
    ROOM_MIN = 8,
};

/* What a request's headers and a batch's properties are called. */
static const struct {
    struct slice header;
    enum message_system which;
} incoming[] = {
    {{"iothub-messageid", 16},       MESSAGE_ID              },
    {{"iothub-correlationid", 20},   MESSAGE_CORRELATION_ID  },
    {{"iothub-userid", 13},          MESSAGE_USER_ID         },
    {{"iothub-to", 9},               MESSAGE_TO              },
    {{"iothub-expiry", 13},          MESSAGE_EXPIRY          },
    {{"iothub-contenttype", 18},     MESSAGE_CONTENT_TYPE    },
    {{"iothub-contentencoding", 22}, MESSAGE_CONTENT_ENCODING},
    {{"iothub-messageschema", 20},   MESSAGE_SCHEMA          },
    {{"iothub-creationtimeutc", 22}, MESSAGE_CREATION_TIME   },
    {{"iothub-interface-id", 19},    MESSAGE_INTERFACE_ID    },
    {{"dt-subject", 10},             MESSAGE_COMPONENT       },
};

/* What an answer's are called: the two odd names are those that the C SDK reads. */
static const struct {
    const char *header;
    enum message_system which;
} outgoing[] = {
    {"iothub-messageid",       MESSAGE_ID              },
    {"iothub-correlationid",   MESSAGE_CORRELATION_ID  },
    {"iothub-userid",          MESSAGE_USER_ID         },
    {"iothub-to",              MESSAGE_TO              },
    {"iothub-expiry",          MESSAGE_EXPIRY          },
    {"ContentType",            MESSAGE_CONTENT_TYPE    },
    {"Content-Type",           MESSAGE_CONTENT_TYPE    },
    {"ContentEncoding",        MESSAGE_CONTENT_ENCODING},
    {"iothub-creationtimeutc", MESSAGE_CREATION_TIME   },
};

void rest_message_finish(struct rest_message *m)
{
    free(m->items);
    *m = (struct rest_message){0};
}

/* ---- reading ---- */

/* A repeated name keeps its place and takes the last value, as in every bag. */
static struct property *find_place(struct rest_message *m, struct slice name)
{
    for (size_t i = 0; i < m->n_items; i++) {
        if (slice_equal(m->items[i].name, name)) {
            return &m->items[i];
        }
    }
    if (m->n_items == PROPERTY_BAG_MAX) {
        return NULL;
    }
    if (m->n_items == m->room) {
        m->room = m->room == 0 ? ROOM_MIN : m->room * 2;
        m->items = mem_grow(m->items, m->room, sizeof(*m->items));
    }
    return &m->items[m->n_items++];
}

static void put_property(struct rest_message *m, struct slice name, struct slice value,
                         bool is_null)
{
    struct property *place = find_place(m, name);
    if (place == NULL) {
        m->has_too_many = true;
        return;
    }
    *place = (struct property){.name = name, .value = value, .is_null = is_null};
    m->message.properties = m->items;
    m->message.n_properties = m->n_items;
}

void rest_message_add(struct rest_message *m, struct slice header, struct slice value,
                      bool is_null)
{
    if (slice_starts_with_nocase(header, SLICE(APP_PREFIX))) {
        put_property(m, slice_from(header, sizeof(APP_PREFIX) - 1), value, is_null);
        return;
    }
    if (value.len == 0) {
        return; /* a system property without a value is none */
    }
    if (slice_equal_nocase(header, SLICE(ACK))) {
        put_property(m, SLICE(ACK), value, false);
    }
    for (size_t i = 0; i < ARRAY_LEN(incoming); i++) {
        if (slice_equal_nocase(header, incoming[i].header)) {
            m->message.system[incoming[i].which] = value;
        }
    }
}

static void on_header(void *ctx, struct slice name, struct slice value)
{
    rest_message_add(ctx, name, value, false);
}

void rest_message_read(struct rest_message *m, const struct http_request *request)
{
    m->message.body = request->body;
    if (request->each_header != NULL) {
        request->each_header(request->source, on_header, m);
    }
}

/* ---- writing ---- */

static bool is_token(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c <= ' ' || c >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) {
            return false;
        }
    }
    return name.len != 0;
}

static bool is_field_value(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c < ' ' || c == 0x7F) {
            return false;
        }
    }
    return true;
}

static void put_own(struct http_exchange *exchange, const struct property *property)
{
    struct buf name = {.cap = BUF_CAP_OWN};
    if (!is_token(property->name) || !is_field_value(property->value)) {
        return;
    }
    bool is_ack = slice_equal(property->name, SLICE(ACK));
    buf_put_text(&name, is_ack ? "" : APP_PREFIX);
    buf_put_slice(&name, property->name);
    buf_put_slice(rest_header_take(exchange, buf_take_text(&name)), property->value);
}

void rest_message_put_headers(struct http_exchange *exchange, const struct message *message)
{
    for (size_t i = 0; i < ARRAY_LEN(outgoing); i++) {
        struct slice value = message->system[outgoing[i].which];
        if (value.data != NULL && is_field_value(value)) {
            buf_put_slice(rest_header(exchange, outgoing[i].header), value);
        }
    }
    for (size_t i = 0; i < message->n_properties; i++) {
        put_own(exchange, &message->properties[i]);
    }
}
