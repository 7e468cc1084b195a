/*
 * What the fuzz targets share.
 *
 * A target is one function that takes bytes and checks what holds for all of them.  libFuzzer
 * calls it with bytes it makes up (preset `fuzz`), replay.c with the files of its corpus, which
 * every other build's tests do.  A claim that does not hold ends the process, as a sanitizer's
 * finding does.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* libFuzzer's name for it.  The bytes are borrowed, exactly as many as there are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the process, naming the claim, unless it holds. */
#define FUZZ_CHECK(claim) \
    do { \
        if (!(claim)) { \
            fuzz_fail(__FILE__, __LINE__, #claim); \
        } \
    } while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *claim);

/* The two texts are the same; both are shown when they are not. */
void fuzz_check_same(struct slice have, struct slice want);

static inline struct slice fuzz_input(const uint8_t *data, size_t size)
{
    return slice_make(size == 0 ? "" : (const char *)data, size);
}

/* Take a byte off the front; 0 when there is none. */
uint8_t fuzz_take_byte(struct slice *rest);

/* Take what is before the line "--" off the front, or all: corpora are files to be read. */
struct slice fuzz_take_part(struct slice *rest);

/* A copy behind whose end nothing may be read; the caller frees its data. */
struct slice fuzz_copy(struct slice bytes);
void fuzz_free(struct slice copy);

/* The buffer's content as a slice that may be compared after other buffers have changed. */
static inline struct buf fuzz_buf(void)
{
    return (struct buf){.cap = BUF_CAP_OWN};
}

#endif
