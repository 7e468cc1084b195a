/*
 * Connection strings: split by a table of names, then checked against the wanted form.
 *
 * The C SDK further wants a dot in HostName; a local hub is often just "localhost", so that
 * rule is left to it.
 */
#include "iothub/connection_string.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/coding.h"
#include "base/mem.h"
#include "iothub/identity.h"
#include "iothub/sas_token.h"

/* Enough for the longest token and all names; a longer text is no connection string. */
#define TEXT_MAX_BYTES (SAS_TOKEN_MAX_BYTES + 4096)

/* The longest key and key name that the official parsers take. */
#define KEY_MAX_CHARS  256
#define NAME_MAX_CHARS 256

/* RFC 1035, 2.3.4. */
#define HOST_MAX_CHARS 255

struct state {
    struct connection_string cs;
    bool has_x509; /* the part was there, whatever it said */
    struct buf *error;
};

/* Writes one sentence; parts are named by number, since their text may be a secret. */
static bool PRINTF_LIKE(2, 3) refuse(struct state *state, const char *format, ...)
{
    va_list args;

    if (state->error != NULL) {
        va_start(args, format);
        buf_vputf(state->error, format, args);
        va_end(args);
    }
    return false;
}

static bool is_made_of(struct slice text, struct slice others)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool is_digit = c >= '0' && c <= '9';
        if (!is_letter && !is_digit && slice_find(others, c) == others.len) {
            return false;
        }
    }
    return true;
}

static bool is_host(struct slice value)
{
    return value.len <= HOST_MAX_CHARS && is_made_of(value, SLICE("_-."));
}

static bool is_key_name(struct slice value)
{
    return value.len <= NAME_MAX_CHARS && is_made_of(value, SLICE("_-@."));
}

static bool is_key(struct slice value)
{
    struct buf key;

    buf_init(&key, KEY_MAX_CHARS);
    bool ok = value.len <= KEY_MAX_CHARS && base64_decode(&key, value) && key.len > 0;
    mem_free_secret(key.data, key.room);
    return ok;
}

static bool is_token(struct slice value)
{
    struct sas_token token;

    return sas_token_parse(value, &token);
}

/* One row a name; x509 is no text and has its own branch. */
static const struct part {
    const char *name;
    size_t member;
    bool (*is_valid)(struct slice value);
    const char *wanted;
} parts[] = {
#define PART(name, member, is_valid, wanted) \
    { \
        name, offsetof(struct connection_string, member), is_valid, wanted \
    }
    PART("HostName", host_name, is_host, "a host name without a port"),
    PART("DeviceId", device_id, identity_is_valid_id, "a device id"),
    PART("ModuleId", module_id, identity_is_valid_id, "a module id"),
    PART("SharedAccessKeyName", shared_access_key_name, is_key_name, "a policy's name"),
    PART("SharedAccessKey", shared_access_key, is_key, "a key in base64"),
    PART("SharedAccessSignature", shared_access_signature, is_token,
         "a shared access signature"),
    PART("GatewayHostName", gateway_host_name, is_host, "a host name without a port"),
#undef PART
};

static const struct part *find_part(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (slice_equal_nocase(name, slice_of(parts[i].name))) {
            return &parts[i];
        }
    }
    return NULL;
}

static bool take_x509(struct state *state, struct slice value)
{
    if (state->has_x509) {
        return refuse(state, "x509 stands there twice");
    }
    state->has_x509 = true;
    state->cs.is_x509 = slice_equal_nocase(value, SLICE("true"));
    if (!state->cs.is_x509 && !slice_equal_nocase(value, SLICE("false"))) {
        return refuse(state, "x509 must be true or false");
    }
    return true;
}

static bool take_value(struct state *state, const struct part *part, struct slice value)
{
    char **member = (char **)(void *)((char *)&state->cs + part->member);

    if (*member != NULL) {
        return refuse(state, "%s stands there twice", part->name);
    }
    if (value.len == 0) {
        return refuse(state, "%s is empty", part->name);
    }
    if (!part->is_valid(value)) {
        return refuse(state, "%s must be %s", part->name, part->wanted);
    }
    *member = slice_dup(value);
    return true;
}

static bool take_part(struct state *state, size_t number, struct slice text)
{
    size_t equals = slice_find(text, '=');
    struct slice name = slice_make(text.data, equals);
    struct slice value = slice_from(text, equals + 1);

    if (equals == text.len) {
        return refuse(state, "part %zu has no '='", number);
    }
    if (slice_equal_nocase(name, SLICE("x509"))) {
        return take_x509(state, value);
    }
    const struct part *part = find_part(name);
    if (part == NULL) {
        return refuse(state, "part %zu has an unknown name", number);
    }
    return take_value(state, part, value);
}

static bool split(struct state *state, struct slice text)
{
    size_t number = 1;
    struct slice part;

    if (text.len == 0) {
        return refuse(state, "the connection string is empty");
    }
    if (text.len > TEXT_MAX_BYTES) {
        return refuse(state, "the connection string is too long");
    }
    if (slice_find(text, '\0') < text.len) {
        return refuse(state, "the connection string holds a NUL");
    }
    if (slice_ends_with(text, SLICE(";"))) {
        return refuse(state, "the connection string ends in ';'");
    }
    while (slice_next(&text, ';', &part)) {
        if (!take_part(state, number++, part)) {
            return false;
        }
    }
    return true;
}

static bool check_credential(struct state *state)
{
    const struct connection_string *cs = &state->cs;
    int n_credentials = (cs->shared_access_key != NULL) +
                        (cs->shared_access_signature != NULL) + cs->is_x509;

    if (n_credentials != 1) {
        return refuse(state,
                      "exactly one of SharedAccessKey, SharedAccessSignature%s is wanted",
                      cs->device_id == NULL ? "" : " and x509=true");
    }
    if (cs->is_x509 && cs->shared_access_key_name != NULL) {
        return refuse(state, "SharedAccessKeyName does not go with x509=true");
    }
    return true;
}

static bool check_service(struct state *state)
{
    const struct connection_string *cs = &state->cs;

    if (cs->device_id != NULL || cs->module_id != NULL || state->has_x509 ||
        cs->gateway_host_name != NULL) {
        return refuse(state, "this is a device's connection string, a service's is wanted");
    }
    if (cs->shared_access_key_name == NULL) {
        return refuse(state, "SharedAccessKeyName is missing");
    }
    return check_credential(state);
}

static bool check_device(struct state *state)
{
    if (state->cs.device_id == NULL) {
        return refuse(state, "DeviceId is missing");
    }
    return check_credential(state);
}

static bool check(struct state *state, enum connection_string_kind kind)
{
    if (state->cs.host_name == NULL) {
        return refuse(state, "HostName is missing");
    }
    switch (kind) {
    case CONNECTION_STRING_SERVICE:
        return check_service(state);
    case CONNECTION_STRING_DEVICE:
        return check_device(state);
    }
    return false;
}

bool connection_string_parse(struct slice text, enum connection_string_kind kind,
                             struct buf *error, struct connection_string *out)
{
    struct state state = {.error = error};

    if (!split(&state, slice_trim(text)) || !check(&state, kind)) {
        connection_string_finish(&state.cs);
        return false;
    }
    *out = state.cs;
    return true;
}

void connection_string_finish(struct connection_string *cs)
{
    if (cs == NULL) {
        return;
    }
    free(cs->host_name);
    free(cs->device_id);
    free(cs->module_id);
    free(cs->shared_access_key_name);
    mem_free_secret_text(cs->shared_access_key);
    mem_free_secret_text(cs->shared_access_signature);
    free(cs->gateway_host_name);
    *cs = (struct connection_string){0};
}

static void write_part(struct buf *out, bool *is_first, const char *name, const char *value)
{
    if (value == NULL) {
        return;
    }
    buf_putf(out, "%s%s=%s", *is_first ? "" : ";", name, value);
    *is_first = false;
}

void connection_string_write(struct buf *out, const struct connection_string *cs)
{
    bool is_first = true;

    write_part(out, &is_first, "HostName", cs->host_name);
    write_part(out, &is_first, "DeviceId", cs->device_id);
    write_part(out, &is_first, "ModuleId", cs->module_id);
    write_part(out, &is_first, "SharedAccessKeyName", cs->shared_access_key_name);
    write_part(out, &is_first, "SharedAccessKey", cs->shared_access_key);
    write_part(out, &is_first, "SharedAccessSignature", cs->shared_access_signature);
    write_part(out, &is_first, "x509", cs->is_x509 ? "true" : NULL);
    write_part(out, &is_first, "GatewayHostName", cs->gateway_host_name);
}
