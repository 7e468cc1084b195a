/*
 * Allocation that ends the process instead of failing.
 */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void give_up(size_t n, size_t size)
{
    fprintf(stderr, "out of memory: no room for %zu times %zu bytes\n", n, size);
    abort();
}

static size_t product(size_t n, size_t size)
{
    size_t n_bytes;

    if (__builtin_mul_overflow(n, size, &n_bytes)) {
        give_up(n, size);
    }
    /* No bytes at all may be answered by NULL, which would look like a failure. */
    return n_bytes == 0 ? 1 : n_bytes;
}

void *mem_alloc(size_t size)
{
    return mem_array(1, size);
}

void *mem_array(size_t n, size_t size)
{
    void *data = calloc(1, product(n, size));

    if (data == NULL) {
        give_up(n, size);
    }
    return data;
}

void *mem_grow(void *old, size_t n, size_t size)
{
    void *data = realloc(old, product(n, size));

    if (data == NULL) {
        give_up(n, size);
    }
    return data;
}

char *mem_dup_text(const char *text)
{
    return text == NULL ? NULL : mem_dup(text, strlen(text) + 1);
}

void *mem_dup(const void *data, size_t len)
{
    if (data == NULL) {
        return NULL;
    }
    void *copy = mem_alloc(len);
    memcpy(copy, data, len);
    return copy;
}

void mem_free_secret(void *data, size_t len)
{
    if (data == NULL) {
        return;
    }
    explicit_bzero(data, len);
    free(data);
}

void mem_free_secret_text(char *text)
{
    mem_free_secret(text, text == NULL ? 0 : strlen(text));
}
