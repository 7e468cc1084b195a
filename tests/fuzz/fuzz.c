/*
 * Cutting inputs, and failing.
 */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

_Noreturn void fuzz_fail(const char *file, int line, const char *claim)
{
    (void)fprintf(stderr, "%s:%d: it does not hold that %s\n", file, line, claim);
    abort();
}

void fuzz_check_same(struct slice have, struct slice want)
{
    if (!slice_equal(have, want)) {
        (void)fprintf(stderr, "have: %.*s\nwant: %.*s\n", SLICE_ARG(have), SLICE_ARG(want));
        fuzz_fail(__FILE__, __LINE__, "both are the same");
    }
}

uint8_t fuzz_take_byte(struct slice *rest)
{
    if (rest->len == 0) {
        return 0;
    }
    uint8_t byte = (uint8_t)rest->data[0];
    *rest = slice_from(*rest, 1);
    return byte;
}

struct slice fuzz_take_part(struct slice *rest)
{
    static const char mark[] = "\n--\n";
    const size_t mark_len = sizeof(mark) - 1;
    const struct slice whole = *rest;
    const char *found = memmem(whole.data, whole.len, mark, mark_len);
    if (found == NULL) {
        *rest = (struct slice){"", 0};
        return whole;
    }
    size_t len = (size_t)(found - whole.data);
    *rest = slice_from(whole, len + mark_len);
    return slice_make(whole.data, len);
}

struct slice fuzz_copy(struct slice bytes)
{
    char *copy = mem_alloc(bytes.len == 0 ? 1 : bytes.len);
    if (bytes.len != 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    return slice_make(copy, bytes.len);
}

void fuzz_free(struct slice copy)
{
    free((void *)(uintptr_t)copy.data);
}
