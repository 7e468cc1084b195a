/*
 * Addresses, block lists and errors of blob storage.
 */
#include "device/src/blob.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "iothub/json.h"

/* Of a refusal's text, which another server decides about. */
#define REFUSAL_MAX 300

static bool take(const json_t *object, const char *name, char **out)
{
    struct slice text = json_string_slice(json_object_get(object, name));
    *out = text.len == 0 ? NULL : slice_dup(text);
    return text.len != 0;
}

/*
 * What becomes part of an address must not become more than its part.  A path may follow the
 * host, as storage emulators have it: "127.0.0.1:10000/devstoreaccount1".
 */
static bool is_host(const char *text)
{
    return text[0] != '/' && strpbrk(text, "?#@\\ \t\r\n") == NULL;
}

bool blob_place_read(struct slice json, struct blob_place *out)
{
    struct blob_place place = {0};
    json_t *object = json_parse(json, NULL);
    bool is_good = take(object, "correlationId", &place.correlation_id) &&
                   take(object, "hostName", &place.host) &&
                   take(object, "containerName", &place.container) &&
                   take(object, "blobName", &place.name) &&
                   take(object, "sasToken", &place.sas) && is_host(place.host) &&
                   place.sas[0] == '?' && strpbrk(place.sas, "# \t\r\n") == NULL;
    json_decref(object);
    if (is_good) {
        *out = place;
    } else {
        blob_place_finish(&place);
        *out = (struct blob_place){0};
    }
    return is_good;
}

void blob_place_finish(struct blob_place *place)
{
    if (place != NULL) {
        free(place->correlation_id);
        free(place->host);
        free(place->container);
        free(place->name);
        free(place->sas);
        *place = (struct blob_place){0};
    }
}

/* Each segment is encoded; the slashes between them stay. */
static void put_path(struct buf *out, const char *text)
{
    struct slice rest = slice_of(text);
    struct slice segment = {0};
    while (slice_next(&rest, '/', &segment)) {
        buf_put_char(out, '/');
        percent_encode(out, segment);
    }
    /* The last segment of "dir/" is empty, and part of the name. */
    if (text[0] != '\0' && text[strlen(text) - 1] == '/') {
        buf_put_char(out, '/');
    }
}

/* A signature that holds for nothing but https says so. */
static bool wants_tls(const struct blob_place *place)
{
    struct slice rest = slice_of(place->sas + 1);
    struct slice part = {0};
    while (slice_next(&rest, '&', &part)) {
        if (slice_equal(part, SLICE("spr=https"))) {
            return true;
        }
    }
    return false;
}

void blob_put_url(struct buf *out, const struct blob_place *place, bool is_plain)
{
    buf_putf(out, "%s://%s", is_plain && !wants_tls(place) ? "http" : "https", place->host);
    put_path(out, place->container);
    put_path(out, place->name);
    buf_put_text(out, place->sas);
}

/* Ids of one blob must have the same length: eight digits, in base64 as the interface wants. */
static void put_block_id(struct buf *out, unsigned number)
{
    struct buf digits;
    buf_init(&digits, 16);
    buf_putf(&digits, "%08u", number);
    base64_encode(out, digits.data, digits.len);
    buf_finish(&digits);
}

void blob_put_block_parameters(struct buf *out, unsigned number)
{
    struct buf id;
    buf_init(&id, 32);
    put_block_id(&id, number);
    buf_put_text(out, "&comp=block&blockid=");
    percent_encode(out, buf_slice(&id));
    buf_finish(&id);
}

void blob_put_block_list(struct buf *out, unsigned n_blocks)
{
    buf_put_text(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for (unsigned i = 0; i < n_blocks; i++) {
        buf_put_text(out, "<Latest>");
        put_block_id(out, i);
        buf_put_text(out, "</Latest>");
    }
    buf_put_text(out, "</BlockList>");
}

/* What stands between <name> and </name>; empty when it is not there. */
static struct slice element(struct slice xml, const char *begin, const char *end)
{
    const char *from = xml.len == 0 ? NULL : memmem(xml.data, xml.len, begin, strlen(begin));
    if (from == NULL) {
        return (struct slice){0};
    }
    from += strlen(begin);
    size_t left = (size_t)(xml.data + xml.len - from);
    const char *to = memmem(from, left, end, strlen(end));
    return slice_between(from, to == NULL ? from : to);
}

void blob_put_refusal(struct buf *out, struct slice xml)
{
    struct slice code = element(xml, "<Code>", "</Code>");
    struct slice message = element(xml, "<Message>", "</Message>");
    message.len = slice_find(message, '\n'); /* an id and a time follow */
    message.len = message.len > REFUSAL_MAX ? REFUSAL_MAX : message.len;
    code.len = code.len > REFUSAL_MAX ? REFUSAL_MAX : code.len;
    if (code.len == 0) {
        buf_put_text(out, "without a reason");
        return;
    }
    buf_put_slice(out, code);
    if (message.len != 0) {
        buf_put_text(out, ": ");
        buf_put_slice(out, message);
    }
}
