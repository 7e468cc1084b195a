/*
 * A growing run of bytes with a ceiling.
 *
 * Writers append everything and test once: an append that would pass the cap leaves the
 * buffer as it was and sets `failed`, which stays until buf_reset().  {0} with a cap is a
 * valid empty buffer.  The bytes are always followed by a NUL that is not counted, so text
 * in a buffer can be handed to libraries.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/slice.h"

struct buf {
    char *data;
    size_t len;
    size_t room; /* allocated */
    size_t cap;  /* the most it may hold; 0 holds nothing */
    bool failed;
};

/* For text of our own making, whose size no peer decides. */
#define BUF_CAP_OWN ((size_t)1 << 30)

static inline void buf_init(struct buf *b, size_t cap)
{
    *b = (struct buf){.cap = cap};
}

/* Free the bytes; the cap stays, so the buffer can be used again. */
void buf_finish(struct buf *b);

/* Forget the content and the failure, keep the memory. */
void buf_reset(struct buf *b);

void buf_put(struct buf *b, const void *data, size_t len);
void buf_put_slice(struct buf *b, struct slice s);
void buf_put_text(struct buf *b, const char *text);
void buf_put_char(struct buf *b, char c);
void buf_put_u8(struct buf *b, uint8_t value);
/* Network byte order. */
void buf_put_u16(struct buf *b, uint16_t value);
/* Decimal. */
void buf_put_i64(struct buf *b, int64_t value);
void buf_putf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vputf(struct buf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Room for `len` more bytes at the end, which the caller fills; NULL when over the cap. */
char *buf_extend(struct buf *b, size_t len);

/* Drop bytes from the front; more than there are drops all. */
void buf_drop(struct buf *b, size_t len);

/* Cut back to `len` bytes; a longer `len` changes nothing. */
void buf_cut(struct buf *b, size_t len);

static inline struct slice buf_slice(const struct buf *b)
{
    return slice_make(b->len == 0 ? "" : b->data, b->len);
}

/* The content as a NUL-terminated text, valid until the next change. */
const char *buf_text(struct buf *b);

/* Hand the text over: the caller frees it, the buffer is empty afterwards. */
char *buf_take_text(struct buf *b);

#endif
