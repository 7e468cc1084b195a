/*
 * Random bytes and the ids made of them (libcrypto's generator).
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Length of a GUID's text, without the NUL: 8-4-4-4-12 lower-case hex digits. */
#define GUID_LEN 36

void random_fill(void *out, size_t len);
uint64_t random_u64(void);

/* A version 4 GUID. */
const char *random_guid(char out[GUID_LEN + 1]);

#endif
