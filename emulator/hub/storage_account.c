/*
 * Reading connection strings of storage accounts, and writing addresses.
 */
#include "hub/storage_account.h"

#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/mem.h"
#include "iothub/limits.h"

/* The account that every storage emulator has; its key is published. */
#define DEVELOPMENT_NAME "devstoreaccount1"
#define DEVELOPMENT_KEY \
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define DEVELOPMENT_ADDRESS "http://127.0.0.1"
#define DEVELOPMENT_REST    ":10000/" DEVELOPMENT_NAME

#define DEFAULT_SUFFIX "core.windows.net"
#define NAME_MIN       3
#define NAME_MAX       24
#define CONTAINER_MAX  63
#define ENDPOINT_MAX   512
#define KEY_TEXT_MAX   512

enum field {
    FIELD_PROTOCOL,
    FIELD_NAME,
    FIELD_KEY,
    FIELD_BLOB_ENDPOINT,
    FIELD_SUFFIX,
    FIELD_DEVELOPMENT,
    FIELD_PROXY,
    N_FIELDS,
};

static const char *const names[N_FIELDS] = {
    [FIELD_PROTOCOL] = "DefaultEndpointsProtocol",
    [FIELD_NAME] = "AccountName",
    [FIELD_KEY] = "AccountKey",
    [FIELD_BLOB_ENDPOINT] = "BlobEndpoint",
    [FIELD_SUFFIX] = "EndpointSuffix",
    [FIELD_DEVELOPMENT] = "UseDevelopmentStorage",
    [FIELD_PROXY] = "DevelopmentStorageProxyUri",
};

/* Of other services, or of the same in another region: known, and of no use here. */
static const char *const passed_over[] = {
    "QueueEndpoint",         "TableEndpoint",          "FileEndpoint",
    "BlobSecondaryEndpoint", "QueueSecondaryEndpoint", "TableSecondaryEndpoint",
    "FileSecondaryEndpoint",
};

/* ---- fields ---- */

static int field_named(struct slice name)
{
    int i = 0;
    while (i < N_FIELDS && !slice_equal_nocase(name, slice_of(names[i]))) {
        i++;
    }
    return i;
}

static bool is_passed_over(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(passed_over); i++) {
        if (slice_equal_nocase(name, slice_of(passed_over[i]))) {
            return true;
        }
    }
    return false;
}

static bool say(struct buf *error, const char *why)
{
    buf_put_text(error, why);
    return false;
}

static bool take_field(struct slice part, struct slice fields[N_FIELDS], struct buf *error)
{
    size_t equals = slice_find(part, '=');
    struct slice name = slice_trim(slice_make(part.data, equals));
    struct slice value = slice_trim(slice_from(part, equals + 1));
    int field = field_named(name);
    if (equals == part.len) {
        return say(error, "a part of it has no '='");
    }
    if (field == N_FIELDS) {
        /* A name may be a piece of a key that went astray, so it is not said. */
        return is_passed_over(name) || say(error, "a part of it has an unknown name");
    }
    if (fields[field].data != NULL || value.len == 0) {
        buf_putf(error, "%s %s", names[field],
                 value.len == 0 ? "is empty" : "stands there twice");
        return false;
    }
    fields[field] = value;
    return true;
}

static bool split(struct slice text, struct slice fields[N_FIELDS], struct buf *error)
{
    struct slice rest = slice_trim(text);
    struct slice part = {0};
    if (rest.len == 0) {
        return say(error, "it is empty");
    }
    while (slice_next(&rest, ';', &part)) {
        if (slice_trim(part).len != 0 && !take_field(part, fields, error)) {
            return false;
        }
    }
    return true;
}

/* ---- end points ---- */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_made_of(struct slice text, const char *marks)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_alphanumeric(text.data[i]) &&
            (text.data[i] == '\0' || strchr(marks, text.data[i]) == NULL)) {
            return false;
        }
    }
    return true;
}

/* "host", "host:10000", "[::1]:10000" */
static bool read_authority(struct slice text, struct storage_account *out)
{
    bool is_v6 = text.len != 0 && text.data[0] == '[';
    size_t end = is_v6 ? slice_find(text, ']') + 1 : slice_find(text, ':');
    struct slice host = slice_make(text.data, end < text.len ? end : text.len);
    struct slice port = slice_from(text, host.len);
    struct slice inner = is_v6 && host.len > 2 ? slice_make(host.data + 1, host.len - 2) : host;
    int64_t number = out->is_tls ? 443 : 80;
    out->has_port = port.len != 0;
    if (end > text.len || inner.len == 0 || !is_made_of(inner, is_v6 ? ":." : "-._") ||
        (out->has_port && (port.data[0] != ':' || !slice_to_i64(slice_from(port, 1), &number) ||
                           number < 1 || number > UINT16_MAX))) {
        return false;
    }
    out->port = (uint16_t)number;
    out->host = slice_dup(host);
    return true;
}

static bool read_endpoint(struct slice text, struct storage_account *out)
{
    out->is_tls = slice_starts_with_nocase(text, SLICE("https://"));
    if (!out->is_tls && !slice_starts_with_nocase(text, SLICE("http://"))) {
        return false;
    }
    struct slice rest = slice_from(text, out->is_tls ? 8 : 7);
    size_t slash = slice_find(rest, '/');
    struct slice path = slice_from(rest, slash);
    while (path.len != 0 && path.data[path.len - 1] == '/') {
        path.len--;
    }
    if (text.len > ENDPOINT_MAX || !is_made_of(path, "/-._~")) {
        return false;
    }
    out->path = slice_dup(path);
    return read_authority(slice_make(rest.data, slash), out);
}

static void put_endpoint(const struct slice fields[N_FIELDS], struct buf *out)
{
    struct slice protocol = fields[FIELD_PROTOCOL];
    struct slice suffix = fields[FIELD_SUFFIX];
    if (fields[FIELD_DEVELOPMENT].data != NULL) {
        struct slice address = fields[FIELD_PROXY];
        buf_put_slice(out, address.data == NULL ? SLICE(DEVELOPMENT_ADDRESS) : address);
        buf_put_text(out, DEVELOPMENT_REST);
    } else if (fields[FIELD_BLOB_ENDPOINT].data != NULL) {
        buf_put_slice(out, fields[FIELD_BLOB_ENDPOINT]);
    } else {
        buf_put_slice(out, protocol.data == NULL ? SLICE("https") : protocol);
        buf_putf(out, "://%.*s.blob.", SLICE_ARG(fields[FIELD_NAME]));
        buf_put_slice(out, suffix.data == NULL ? SLICE(DEFAULT_SUFFIX) : suffix);
    }
}

/* ---- the whole ---- */

static bool is_account_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_alphanumeric(name.data[i]) || (name.data[i] >= 'A' && name.data[i] <= 'Z')) {
            return false;
        }
    }
    return name.len >= NAME_MIN && name.len <= NAME_MAX;
}

static bool is_key(struct slice text)
{
    struct buf bytes;
    buf_init(&bytes, KEY_TEXT_MAX);
    bool is_good = base64_decode(&bytes, text) && bytes.len != 0;
    mem_free_secret(bytes.data, bytes.len);
    return is_good;
}

static bool check_development(struct slice fields[N_FIELDS], struct buf *error)
{
    if (!slice_equal_nocase(fields[FIELD_DEVELOPMENT], SLICE("true"))) {
        return say(error, "UseDevelopmentStorage can only be true");
    }
    if (fields[FIELD_NAME].data != NULL || fields[FIELD_KEY].data != NULL ||
        fields[FIELD_BLOB_ENDPOINT].data != NULL) {
        return say(error, "UseDevelopmentStorage goes with no other account");
    }
    fields[FIELD_NAME] = SLICE(DEVELOPMENT_NAME);
    fields[FIELD_KEY] = SLICE(DEVELOPMENT_KEY);
    return true;
}

static bool check(struct slice fields[N_FIELDS], struct buf *error)
{
    if (fields[FIELD_DEVELOPMENT].data != NULL) {
        return check_development(fields, error);
    }
    if (fields[FIELD_NAME].data == NULL || fields[FIELD_KEY].data == NULL) {
        buf_putf(error, "%s is missing",
                 names[fields[FIELD_NAME].data == NULL ? FIELD_NAME : FIELD_KEY]);
        return false;
    }
    if (!is_account_name(fields[FIELD_NAME])) {
        return say(error, "AccountName has not 3 to 24 lower-case letters and digits");
    }
    return is_key(fields[FIELD_KEY]) || say(error, "AccountKey is not base64");
}

bool storage_account_parse(struct slice text, struct buf *error, struct storage_account *out)
{
    struct slice fields[N_FIELDS] = {{0}};
    struct storage_account account = {0};
    struct buf endpoint;
    if (!split(text, fields, error) || !check(fields, error)) {
        return false;
    }
    buf_init(&endpoint, BUF_CAP_OWN);
    put_endpoint(fields, &endpoint);
    bool is_good = read_endpoint(buf_slice(&endpoint), &account);
    buf_finish(&endpoint);
    if (!is_good) {
        storage_account_finish(&account);
        return say(error, "its end point for blobs is no http or https address");
    }
    account.name = slice_dup(fields[FIELD_NAME]);
    account.key = slice_dup(fields[FIELD_KEY]);
    *out = account;
    return true;
}

void storage_account_finish(struct storage_account *account)
{
    if (account != NULL) {
        free(account->name);
        mem_free_secret_text(account->key);
        free(account->host);
        free(account->path);
        *account = (struct storage_account){0};
    }
}

/* ---- addresses ---- */

static void put_authority(const struct storage_account *account, struct buf *out)
{
    buf_put_text(out, account->host);
    if (account->has_port) {
        buf_putf(out, ":%u", (unsigned)account->port);
    }
}

void storage_account_put_host(const struct storage_account *account, struct buf *out)
{
    put_authority(account, out);
    buf_put_text(out, account->path);
}

void storage_account_put_path(const struct storage_account *account, struct slice container,
                              struct slice blob, struct buf *out)
{
    struct slice rest = blob;
    struct slice segment = {0};
    buf_put_text(out, account->path);
    buf_put_char(out, '/');
    buf_put_slice(out, container);
    while (slice_next(&rest, '/', &segment)) {
        buf_put_char(out, '/');
        percent_encode(out, segment);
    }
    /* The last segment of "dir/" is empty, and part of the name. */
    if (blob.len != 0 && blob.data[blob.len - 1] == '/') {
        buf_put_char(out, '/');
    }
}

void storage_account_put_uri(const struct storage_account *account, struct slice container,
                             struct slice blob, struct buf *out)
{
    buf_put_text(out, account->is_tls ? "https://" : "http://");
    put_authority(account, out);
    storage_account_put_path(account, container, blob, out);
}

/* ---- names ---- */

bool storage_container_is_valid(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_hyphen = c == '-';
        bool is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || is_hyphen;
        bool is_at_end = i == 0 || i == name.len - 1;
        if (!is_good || (is_hyphen && (is_at_end || name.data[i - 1] == '-'))) {
            return false;
        }
    }
    return name.len >= NAME_MIN && name.len <= CONTAINER_MAX;
}

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Bytes that begin a character of UTF-8. */
static size_t n_characters(struct slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    }
    return n;
}

bool storage_blob_name_is_valid(struct slice name)
{
    struct slice rest = name;
    struct slice segment = {0};
    size_t n_segments = 0;
    while (slice_next(&rest, '/', &segment)) {
        if (slice_equal(segment, SLICE(".")) || slice_equal(segment, SLICE(".."))) {
            return false;
        }
        n_segments++;
    }
    return n_segments >= 1 && n_segments <= LIMIT_BLOB_SEGMENTS && is_printable(name) &&
           n_characters(name) <= LIMIT_BLOB_NAME_CHARS;
}
