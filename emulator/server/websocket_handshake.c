/*
 * The opening handshake.
 * Source: RFC 6455, section 4.2; IoT Hub documentation, "Communicate using MQTT".
 */
#include "server/websocket_handshake.h"

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/coding.h"

#define KEY_BYTES 16
#define SUFFIX    "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, 1.3 */

/* The C SDK offers "MQTT", the others "mqtt". */
#define PROTOCOL "mqtt"

bool websocket_is_path(struct slice path)
{
    static const char name[] = "/$iothub/websocket";
    char text[64];
    struct buf decoded = {.data = text, .room = sizeof(text), .cap = sizeof(text) - 1};
    if (path.len >= sizeof(text)) {
        return false;
    }
    percent_decode(&decoded, path);
    struct slice plain = buf_slice(&decoded);
    if (slice_ends_with(plain, SLICE("/"))) {
        plain.len--;
    }
    return slice_equal_nocase(plain, SLICE(name));
}

/* The element of a comma-separated list that is the word but for case; NULL data when none is.
 */
static struct slice find_word(struct slice list, struct slice word)
{
    struct slice item = {0};
    while (slice_next(&list, ',', &item)) {
        item = slice_trim(item);
        if (slice_equal_nocase(item, word)) {
            return item;
        }
    }
    return (struct slice){0};
}

static bool is_key(struct slice key)
{
    char bytes[KEY_BYTES + 1];
    struct buf decoded = {.data = bytes, .room = sizeof(bytes), .cap = KEY_BYTES};
    return base64_decode(&decoded, key) && decoded.len == KEY_BYTES;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through the buffer. */
static bool write_accept(struct slice key, char out[WEBSOCKET_ACCEPT_SIZE])
{
    char text[64];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct buf joined = {.data = text, .room = sizeof(text), .cap = sizeof(text) - 1};
    struct buf encoded = {
        .data = out, .room = WEBSOCKET_ACCEPT_SIZE, .cap = WEBSOCKET_ACCEPT_SIZE - 1};
    buf_put_slice(&joined, key);
    buf_put_text(&joined, SUFFIX);
    if (joined.failed ||
        EVP_Digest(joined.data, joined.len, digest, &len, EVP_sha1(), NULL) != 1) {
        return false;
    }
    base64_encode(&encoded, digest, len);
    return !encoded.failed;
}

static const char *find_fault(const struct websocket_request *request)
{
    if (find_word(request->upgrade, SLICE("websocket")).data == NULL ||
        find_word(request->connection, SLICE("upgrade")).data == NULL) {
        return "This address is for WebSockets: the request does not ask for an upgrade.";
    }
    if (!slice_equal(slice_trim(request->version), SLICE("13"))) {
        return "The WebSocket version is 13.";
    }
    if (!is_key(slice_trim(request->key))) {
        return "Sec-WebSocket-Key is not base64 of 16 bytes.";
    }
    if (find_word(request->protocols, SLICE(PROTOCOL)).data == NULL) {
        return "None of the offered subprotocols is known: devices speak " PROTOCOL " here.";
    }
    return NULL;
}

enum iothub_status websocket_agree(const struct websocket_request *request, const char **why,
                                   struct websocket_agreement *out)
{
    struct websocket_agreement agreement = {
        .protocol = {NULL, 0}
    };
    if (!slice_equal(request->method, SLICE("GET"))) {
        *why = "WebSockets begin with GET.";
        return IOTHUB_GENERIC_METHOD_NOT_ALLOWED;
    }
    *why = find_fault(request);
    if (*why != NULL) {
        return IOTHUB_GENERIC_BAD_REQUEST;
    }
    agreement.protocol = find_word(request->protocols, SLICE(PROTOCOL));
    if (!write_accept(slice_trim(request->key), agreement.accept)) {
        *why = "The key could not be hashed.";
        return IOTHUB_SERVER_ERROR;
    }
    *out = agreement;
    return IOTHUB_OK;
}
