/*
 * Percent, base64 and hex coding.  Each call measures first and then appends in one piece, so
 * a full buffer never holds half a coding.
 */
#include "base/coding.h"

#include <stdint.h>

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";
static const char base64_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_unreserved(char c)
{
    return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void percent_encode(struct buf *out, struct slice text)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        len += is_unreserved(text.data[i]) ? 1 : 3;
    }
    char *to = buf_extend(out, len);
    if (to == NULL) {
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (is_unreserved((char)c)) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = hex_upper[c >> 4];
        *to++ = hex_upper[c & 15];
    }
}

/* Take one decoded character off the front of *rest, which is not empty. */
static char next_decoded(struct slice *rest)
{
    char c = rest->data[0];

    if (c == '%' && rest->len >= 3) {
        int high = hex_digit(rest->data[1]);
        int low = hex_digit(rest->data[2]);
        if (high >= 0 && low >= 0) {
            *rest = slice_from(*rest, 3);
            return (char)(high * 16 + low);
        }
    }
    *rest = slice_from(*rest, 1);
    return c;
}

void percent_decode(struct buf *out, struct slice text)
{
    size_t len = 0;

    for (struct slice rest = text; rest.len > 0; len++) {
        next_decoded(&rest);
    }
    char *to = buf_extend(out, len);
    if (to == NULL) {
        return;
    }
    while (text.len > 0) {
        *to++ = next_decoded(&text);
    }
}

void base64_encode(struct buf *out, const void *data, size_t len)
{
    const uint8_t *from = data;
    char *to = buf_extend(out, len / 3 * 4 + (len % 3 == 0 ? 0 : 4));

    if (to == NULL) {
        return;
    }
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)from[i] << 16;
        bits |= left > 1 ? (uint32_t)from[i + 1] << 8 : 0;
        bits |= left > 2 ? from[i + 2] : 0;
        *to++ = base64_chars[bits >> 18];
        *to++ = base64_chars[bits >> 12 & 63];
        *to++ = base64_chars[bits >> 6 & 63];
        *to++ = base64_chars[bits & 63];
    }
    for (size_t i = len; i % 3 != 0; i++) {
        *--to = '=';
    }
}

/* -1 when c is none of the 64. */
static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+') {
        return 62;
    }
    return c == '/' ? 63 : -1;
}

/* The digits without their padding; false when the text is not base64. */
static bool base64_check(struct slice text, struct slice *digits)
{
    if (text.len % 4 != 0) {
        return false;
    }
    for (int i = 0; i < 2 && slice_ends_with(text, SLICE("=")); i++) {
        text.len--;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (base64_digit(text.data[i]) < 0) {
            return false;
        }
    }
    *digits = text;
    return true;
}

bool base64_decode(struct buf *out, struct slice text)
{
    struct slice digits;
    uint32_t bits = 0;
    int n_bits = 0;

    if (!base64_check(text, &digits)) {
        return false;
    }
    char *to = buf_extend(out, digits.len / 4 * 3 + digits.len % 4 * 3 / 4);
    if (to == NULL) {
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        bits = bits << 6 | (uint32_t)base64_digit(digits.data[i]);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            *to++ = (char)(bits >> n_bits & 255);
        }
    }
    return true;
}

void hex_encode(struct buf *out, const void *data, size_t len)
{
    const uint8_t *from = data;

    /* A doubled length that overflows would have been refused by any cap. */
    if (len > SIZE_MAX / 2) {
        out->failed = true;
        return;
    }
    char *to = buf_extend(out, len * 2);
    for (size_t i = 0; to != NULL && i < len; i++) {
        *to++ = hex_lower[from[i] >> 4];
        *to++ = hex_lower[from[i] & 15];
    }
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
