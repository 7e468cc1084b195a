/*
 * The hub's partition hash: Bob Jenkins' lookup3 (public domain, "hashlittle2") over the id in
 * capitals, folded to 15 bits, and ranges of equal size over those.
 * Source: azure-iot-sdk-c, testtools/iothub_test, which resolves partitions the same way.
 */
#include "hub/partition.h"

#include <stdint.h>

#include "iothub/limits.h"

enum {
    HASH_RANGE = 32767,
};

static uint32_t rotate(uint32_t x, unsigned n)
{
    return (x << n) | (x >> (32 - n));
}

struct lanes {
    uint32_t a;
    uint32_t b;
    uint32_t c;
};

static void mix(struct lanes *l)
{
    static const unsigned turns[] = {4, 6, 8, 16, 19, 4};
    uint32_t *lane[3] = {&l->a, &l->b, &l->c};
    for (unsigned i = 0; i < 6; i++) {
        uint32_t *x = lane[i % 3];
        uint32_t *y = lane[(i + 1) % 3];
        uint32_t *z = lane[(i + 2) % 3];
        *x -= *z;
        *x ^= rotate(*z, turns[i]);
        *z += *y;
    }
}

static void mix_last(struct lanes *l)
{
    static const unsigned turns[] = {14, 11, 25, 16, 4, 14, 24};
    uint32_t *lane[3] = {&l->c, &l->a, &l->b};
    for (unsigned i = 0; i < 7; i++) {
        uint32_t *x = lane[i % 3];
        uint32_t *from = lane[(i + 2) % 3];
        *x ^= *from;
        *x -= rotate(*from, turns[i]);
    }
}

/* Up to 12 bytes as three little-endian words, in capitals, missing bytes zero. */
static void add_block(struct lanes *l, struct slice block)
{
    uint32_t words[3] = {0};
    for (size_t i = 0; i < block.len; i++) {
        unsigned char c = (unsigned char)block.data[i];
        uint32_t upper = c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a' + 'A') : c;
        words[i / 4] |= upper << (8 * (i % 4));
    }
    l->a += words[0];
    l->b += words[1];
    l->c += words[2];
}

int partition_of_device(struct slice device_id, int n_partitions)
{
    uint32_t start = 0xDEADBEEFU + (uint32_t)device_id.len;
    struct lanes l = {start, start, start};
    while (device_id.len > 12) {
        add_block(&l, slice_make(device_id.data, 12));
        mix(&l);
        device_id = slice_from(device_id, 12);
    }
    if (device_id.len != 0) {
        add_block(&l, device_id);
        mix_last(&l);
    }
    int folded = (int16_t)(uint16_t)((l.c ^ l.b) & 0xFFFF);
    int logical = folded < 0 ? -folded : folded;
    logical %= HASH_RANGE;
    int width = HASH_RANGE / n_partitions;
    int wider = HASH_RANGE - n_partitions * width;
    int border = (width + 1) * wider;
    return logical < border ? logical / (width + 1) : wider + (logical - border) / width;
}
