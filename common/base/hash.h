/*
 * uthash, set up once for the whole project; include this instead of <uthash.h>.
 *
 * Its default hash falls through a switch in a macro, which clang rejects as an error, and a
 * failing allocation is ours to handle.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdlib.h>

#include "base/mem.h"

#define HASH_FUNCTION(key, len, hash) HASH_FNV(key, len, hash)
#define uthash_malloc(size)           mem_alloc(size) // NOLINT: uthash's name
#define uthash_free(pointer, size)    free(pointer)   // NOLINT: uthash's name
#include <uthash.h>

#endif
