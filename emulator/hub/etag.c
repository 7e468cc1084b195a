/*
 * Two number spaces, two encodings; both are base64 of a counter.
 */
#include "hub/etag.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/coding.h"

static void encode(char out[HUB_ETAG_SIZE], const void *data, size_t len)
{
    struct buf text = {.data = out, .room = HUB_ETAG_SIZE, .cap = HUB_ETAG_SIZE - 1};
    base64_encode(&text, data, len);
    out[text.len] = '\0';
}

void etag_of_identity(char out[HUB_ETAG_SIZE], int64_t counter)
{
    char digits[21];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, counter);
    encode(out, digits, (size_t)len);
}

void etag_of_twin(char out[HUB_ETAG_SIZE], int64_t counter)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)((uint64_t)counter >> (56 - 8 * i));
    }
    encode(out, bytes, sizeof(bytes));
}
