/*
 * Checks of single texts.
 */
#include "server/checks.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/coding.h"
#include "iothub/limits.h"

#define POLICY_NAME_CHARS 64
#define HOST_NAME_CHARS   253
#define HOST_LABEL_CHARS  63

/* The longest base64 text of a key. */
#define KEY_TEXT_CHARS ((size_t)(LIMIT_KEY_MAX_BYTES + 2) / 3 * 4)

const char *check_shared_key(struct slice text)
{
    struct buf bytes;
    buf_init(&bytes, KEY_TEXT_CHARS);
    bool is_good = text.len <= KEY_TEXT_CHARS && base64_decode(&bytes, text) &&
                   bytes.len >= LIMIT_KEY_MIN_BYTES && bytes.len <= LIMIT_KEY_MAX_BYTES;
    buf_finish(&bytes);
    return is_good ? NULL : "expected base64 of 16 to 64 bytes";
}

static bool is_address(struct slice text)
{
    char copy[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (text.len >= sizeof(copy) || memchr(text.data, '\0', text.len) != NULL) {
        return false;
    }
    snprintf(copy, sizeof(copy), "%.*s", SLICE_ARG(text));
    return inet_pton(AF_INET, copy, bytes) == 1 || inet_pton(AF_INET6, copy, bytes) == 1;
}

const char *check_address(struct slice text)
{
    return is_address(text) ? NULL : "expected an IPv4 or IPv6 address";
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_label(struct slice label)
{
    if (label.len == 0 || label.len > HOST_LABEL_CHARS || label.data[0] == '-' ||
        label.data[label.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.len; i++) {
        if (!is_alphanumeric(label.data[i]) && label.data[i] != '-' && label.data[i] != '_') {
            return false;
        }
    }
    return true;
}

/* A name whose last label is a number would be read as an address somewhere. */
static bool is_number(struct slice label)
{
    for (size_t i = 0; i < label.len; i++) {
        if (label.data[i] < '0' || label.data[i] > '9') {
            return false;
        }
    }
    return true;
}

static bool is_dns_name(struct slice text)
{
    struct slice rest = text;
    struct slice label = {0};
    if (text.len == 0 || text.len > HOST_NAME_CHARS || text.data[text.len - 1] == '.') {
        return false;
    }
    while (slice_next(&rest, '.', &label)) {
        if (!is_label(label)) {
            return false;
        }
    }
    return !is_number(label);
}

const char *check_host_name(struct slice text)
{
    return is_dns_name(text) || is_address(text)
               ? NULL
               : "expected a host name or an address, without a port";
}

const char *check_policy_name(struct slice text)
{
    bool is_good = text.len > 0 && text.len <= POLICY_NAME_CHARS;
    for (size_t i = 0; is_good && i < text.len; i++) {
        char c = text.data[i];
        is_good = is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '@';
    }
    return is_good ? NULL : "expected 1 to 64 letters, digits and - _ . @";
}
