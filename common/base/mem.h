/*
 * Memory that is always there.
 *
 * A failing allocation is the machine's fault, not a peer's, and no branch of the program
 * would be tested for it: these calls end the process with one line on stderr instead of
 * returning NULL.  What a peer can make grow has a cap long before that (limits.h, buf.h).
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Zeroed memory for `size` bytes; free() ends it. */
void *mem_alloc(size_t size) __attribute__((returns_nonnull, malloc));

/* An array of `n` zeroed elements; a product that overflows ends the process. */
void *mem_array(size_t n, size_t size) __attribute__((returns_nonnull, malloc));

/* As realloc; the grown part is not zeroed. */
void *mem_grow(void *old, size_t n, size_t size) __attribute__((returns_nonnull));

/* Copies; NULL stays NULL. */
char *mem_dup_text(const char *text);
void *mem_dup(const void *data, size_t len);

/* Overwrite before freeing: keys and tokens.  NULL is allowed. */
void mem_free_secret(void *data, size_t len);
void mem_free_secret_text(char *text);

#endif
