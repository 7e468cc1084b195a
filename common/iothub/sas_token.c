/*
 * Shared access signatures: splitting, checking and writing them.
 */
#include "iothub/sas_token.h"

#include <inttypes.h>
#include <stdio.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/coding.h"

#define PREFIX     SLICE("SharedAccessSignature ")
#define HMAC_BYTES 32

/* Decoded; the longest key an official SDK takes has 256 characters. */
#define KEY_CAP_BYTES ((size_t)1024)

/* 9999-12-31T23:59:59Z, where the services' date type ends. */
#define EXPIRY_LAST_S INT64_C(253402300799)

static void wipe(struct buf *b)
{
    if (b->data != NULL) {
        OPENSSL_cleanse(b->data, b->room);
    }
    buf_finish(b);
}

/* The field that a name stands for, or NULL for one that nobody defined. */
static struct slice *field(struct sas_token *token, struct slice name)
{
    if (slice_equal_nocase(name, SLICE("sr"))) {
        return &token->sr;
    }
    if (slice_equal_nocase(name, SLICE("sig"))) {
        return &token->sig;
    }
    if (slice_equal_nocase(name, SLICE("se"))) {
        return &token->se;
    }
    return slice_equal_nocase(name, SLICE("skn")) ? &token->skn : NULL;
}

static bool split(struct slice fields, struct sas_token *token)
{
    struct slice part;

    while (slice_next(&fields, '&', &part)) {
        size_t equals = slice_find(part, '=');
        if (equals == part.len) {
            return false;
        }
        struct slice *to = field(token, slice_make(part.data, equals));
        if (to == NULL) {
            continue;
        }
        /* Even an empty value was set before: it points into the token. */
        if (to->data != NULL) {
            return false;
        }
        *to = slice_from(part, equals + 1);
    }
    return token->sr.len > 0 && token->sig.len > 0 && token->se.len > 0;
}

/* Decimal digits, and a fraction that is cut off. */
static bool read_seconds(struct slice text, int64_t *out)
{
    size_t point = slice_find(text, '.');
    struct slice whole = slice_make(text.data, point);
    struct slice fraction = slice_from(text, point + 1);
    int64_t value = 0;

    for (size_t i = 0; i < fraction.len; i++) {
        if (fraction.data[i] < '0' || fraction.data[i] > '9') {
            return false;
        }
    }
    bool ends_in_point = point + 1 == text.len;
    bool has_sign = whole.len > 0 && (whole.data[0] == '-' || whole.data[0] == '+');
    if (ends_in_point || has_sign || !slice_to_i64(whole, &value) || value > EXPIRY_LAST_S) {
        return false;
    }
    *out = value;
    return true;
}

static bool read_expiry(struct slice se, int64_t *out)
{
    struct buf decoded;

    buf_init(&decoded, SAS_TOKEN_MAX_BYTES);
    percent_decode(&decoded, se);
    bool is_number = !decoded.failed && read_seconds(buf_slice(&decoded), out);
    buf_finish(&decoded);
    return is_number;
}

bool sas_token_parse(struct slice text, struct sas_token *out)
{
    struct sas_token token = {0};

    if (text.len > SAS_TOKEN_MAX_BYTES || !slice_starts_with(text, PREFIX)) {
        return false;
    }
    if (!split(slice_from(text, PREFIX.len), &token) ||
        !read_expiry(token.se, &token.expiry_s)) {
        return false;
    }
    *out = token;
    return true;
}

bool sas_token_is_fresh(const struct sas_token *token, int64_t at_ms)
{
    return at_ms < (token->expiry_s + SAS_SKEW_S) * 1000;
}

bool sas_hmac_sha256(struct slice key_base64, struct slice message, unsigned char out[32])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_len = 0;
    struct buf key;

    buf_init(&key, KEY_CAP_BYTES);
    bool is_key = base64_decode(&key, key_base64) && key.len > 0;
    bool ok = is_key &&
              HMAC(EVP_sha256(), key.data, (int)key.len, (const unsigned char *)message.data,
                   message.len, digest, &digest_len) != NULL &&
              digest_len == HMAC_BYTES;
    wipe(&key);
    if (ok) {
        memcpy(out, digest, HMAC_BYTES);
    }
    return ok;
}

static bool sign(struct slice sr, struct slice se, struct slice key_base64,
                 unsigned char out[HMAC_BYTES])
{
    struct buf text;

    buf_init(&text, BUF_CAP_OWN);
    buf_put_slice(&text, sr);
    buf_put_char(&text, '\n');
    buf_put_slice(&text, se);
    bool ok = !text.failed && sas_hmac_sha256(key_base64, buf_slice(&text), out);
    buf_finish(&text);
    return ok;
}

/* The bytes of a `sig` value. */
static bool decode_signature(struct slice sig, struct buf *out)
{
    struct buf text;

    buf_init(&text, SAS_TOKEN_MAX_BYTES);
    percent_decode(&text, sig);
    /* A form decoder on the way turns '+' into a blank, which base64 does not know. */
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == ' ') {
            text.data[i] = '+';
        }
    }
    bool ok = !text.failed && base64_decode(out, buf_slice(&text));
    buf_finish(&text);
    return ok;
}

bool sas_token_is_signed_by(const struct sas_token *token, struct slice key_base64)
{
    unsigned char expected[HMAC_BYTES];
    struct buf given;

    buf_init(&given, SAS_TOKEN_MAX_BYTES);
    bool ok = decode_signature(token->sig, &given) && given.len == sizeof(expected) &&
              sign(token->sr, token->se, key_base64, expected) &&
              CRYPTO_memcmp(expected, given.data, sizeof(expected)) == 0;
    buf_finish(&given);
    return ok;
}

/* Append the fields of a token whose `sr` is encoded already. */
static bool write_fields(struct buf *out, struct slice sr, struct slice key_base64,
                         struct slice policy, int64_t expiry_s)
{
    unsigned char signature[HMAC_BYTES];
    char se[24];
    struct buf base64;

    snprintf(se, sizeof(se), "%" PRId64, expiry_s);
    if (!sign(sr, slice_of(se), key_base64, signature)) {
        return false;
    }
    buf_init(&base64, BUF_CAP_OWN);
    base64_encode(&base64, signature, sizeof(signature));
    buf_put_slice(out, PREFIX);
    buf_put_text(out, "sr=");
    buf_put_slice(out, sr);
    buf_put_text(out, "&sig=");
    percent_encode(out, buf_slice(&base64));
    buf_putf(out, "&se=%s", se);
    if (policy.len > 0) {
        buf_put_text(out, "&skn=");
        percent_encode(out, policy);
    }
    buf_finish(&base64);
    return !out->failed;
}

bool sas_token_write(struct buf *out, struct slice resource, struct slice key_base64,
                     struct slice policy, int64_t expiry_s)
{
    struct buf sr;

    buf_init(&sr, BUF_CAP_OWN);
    percent_encode(&sr, resource);
    bool ok = !sr.failed && write_fields(out, buf_slice(&sr), key_base64, policy, expiry_s);
    buf_finish(&sr);
    return ok;
}
