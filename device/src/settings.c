/*
 * Defaults and ranges of the options.
 */
#include "device/src/settings.h"

#include <stdlib.h>

#include "base/mem.h"
#include "device/src/credential.h"
#include "iothub/limits.h"
#include "iothub/sas_token.h"

/* MQTT carries a text's length in 16 bits. */
#define MQTT_TEXT_MAX 65535

/* One number among the options. */
struct range {
    const char *name;
    int *out;
    int given;
    int standard; /* in place of 0 */
    int min;
    int max;
};

static bool take_number(const struct range *range, struct buf *error)
{
    int value = range->given == 0 ? range->standard : range->given;
    if (value < range->min || value > range->max) {
        buf_putf(error, "%s must be between %d and %d", range->name, range->min, range->max);
        return false;
    }
    *range->out = value;
    return true;
}

/* The option and the setting have the same name. */
#define NAMED(member) #member, &s->member, o->member

static bool take_numbers(const struct iothub_device_options *o, struct buf *error,
                         struct settings *s)
{
    const struct range ranges[] = {
        {NAMED(keep_alive_s),       240,   5,  MQTT_KEEP_ALIVE_CEILING_S},
        {NAMED(token_lifetime_s),   3600,  1,  365 * 24 * 3600          },
        {NAMED(connect_timeout_ms), 30000, 10, 3600000                  },
        {NAMED(request_timeout_ms), 60000, 10, 3600000                  },
        {NAMED(backoff_min_ms),     1000,  1,  3600000                  },
        {NAMED(backoff_max_ms),     30000, 1,  3600000                  },
        {NAMED(max_sends),          1000,  1,  30000                    },
    };
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (!take_number(&ranges[i], error)) {
            return false;
        }
    }
    return true;
}

/* A token is written once here, so that a bad key is known before anything is sent. */
static bool can_authenticate(const struct settings *s, struct buf *error)
{
    if (s->cs.is_x509) {
        if (s->certificate_file == NULL || s->key_file == NULL || s->is_plain) {
            buf_put_text(error, "x509=true needs a certificate file, a key file and TLS");
            return false;
        }
        return true;
    }
    if (s->cs.shared_access_signature != NULL) {
        return true;
    }
    struct buf token;
    buf_init(&token, SAS_TOKEN_MAX_BYTES);
    bool is_written = credential_put_token(&token, &s->cs, 0);
    buf_finish(&token);
    if (!is_written) {
        buf_put_text(error, "the shared access key cannot sign a token");
    }
    return is_written;
}

static bool check_files(const struct settings *s, struct buf *error)
{
    if ((s->certificate_file == NULL) != (s->key_file == NULL)) {
        buf_put_text(error, "a certificate file and a key file belong together");
        return false;
    }
    return true;
}

static bool write_names(const struct iothub_device_options *o, struct buf *error,
                        struct settings *s)
{
    struct buf text;
    buf_init(&text, MQTT_TEXT_MAX);
    credential_put_client_id(&text, &s->cs);
    s->client_id = buf_take_text(&text);
    credential_put_user_name(&text, &s->cs, o->model_id, o->product_info);
    if (text.failed) {
        buf_put_text(error, "the model id and the product info are too long");
        buf_finish(&text);
        return false;
    }
    s->user_name = buf_take_text(&text);
    return true;
}

static void take_server(const struct iothub_device_options *o, struct settings *s)
{
    const struct connection_string *cs = &s->cs;
    s->server_name = cs->gateway_host_name != NULL ? cs->gateway_host_name : cs->host_name;
    s->address = mem_dup_text(o->address != NULL ? o->address : s->server_name);
    s->is_plain = o->is_plain;
    s->port = o->port != 0 ? o->port : o->is_plain ? SETTINGS_PORT_PLAIN : SETTINGS_PORT_TLS;
    s->is_clean_session = o->clean_session;
    s->ca_file = mem_dup_text(o->ca_file);
    s->certificate_file = mem_dup_text(o->certificate_file);
    s->key_file = mem_dup_text(o->key_file);
}

enum iothub_status settings_init(const struct iothub_device_options *options, struct buf *error,
                                 struct settings *out)
{
    struct settings s = {0};
    if (options->connection_string == NULL) {
        buf_put_text(error, "there is no connection string");
        return IOTHUB_BAD_CONNECTION_STRING;
    }
    if (!connection_string_parse(slice_of(options->connection_string), CONNECTION_STRING_DEVICE,
                                 error, &s.cs)) {
        return IOTHUB_BAD_CONNECTION_STRING;
    }
    take_server(options, &s);
    if (!take_numbers(options, error, &s) || !check_files(&s, error) ||
        !can_authenticate(&s, error) || !write_names(options, error, &s)) {
        settings_finish(&s);
        return IOTHUB_BAD_ARGUMENT;
    }
    *out = s;
    return IOTHUB_OK;
}

void settings_finish(struct settings *settings)
{
    if (settings == NULL) {
        return;
    }
    connection_string_finish(&settings->cs);
    free(settings->client_id);
    free(settings->user_name);
    free(settings->address);
    free(settings->ca_file);
    free(settings->certificate_file);
    free(settings->key_file);
    *settings = (struct settings){0};
}
