/*
 * Random bytes from libcrypto.
 */
#include "base/random.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/rand.h>

void random_fill(void *out, size_t len)
{
    unsigned char *to = out;

    while (len > 0) {
        int part = len > INT_MAX ? INT_MAX : (int)len;
        if (RAND_bytes(to, part) != 1) {
            /* As with memory: the machine's fault, and no way to go on safely. */
            fputs("no random bytes: libcrypto's generator failed\n", stderr);
            abort();
        }
        to += part;
        len -= (size_t)part;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;

    random_fill(&value, sizeof(value));
    return value;
}

const char *random_guid(char out[GUID_LEN + 1])
{
    unsigned char b[16];

    random_fill(b, sizeof(b));
    /* Version 4, variant 10xx: RFC 4122, 4.4. */
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(out, GUID_LEN + 1,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return out;
}
