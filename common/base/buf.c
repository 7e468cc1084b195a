/*
 * The growing buffer: every append goes through buf_extend(), which alone knows the cap.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ROOM_MIN 64

/* Make room for `len` bytes of content and the NUL behind them; len is at most the cap. */
static void reserve(struct buf *b, size_t len)
{
    size_t most = b->cap == SIZE_MAX ? SIZE_MAX : b->cap + 1;

    if (len < b->room) {
        return;
    }
    size_t room = b->room > SIZE_MAX / 2 ? SIZE_MAX : b->room * 2;
    if (room < ROOM_MIN) {
        room = ROOM_MIN;
    }
    if (room <= len) {
        room = len + 1;
    }
    if (room > most) {
        room = most;
    }
    b->data = mem_grow(b->data, room, 1);
    b->room = room;
}

void buf_finish(struct buf *b)
{
    if (b == NULL) {
        return;
    }
    free(b->data);
    buf_init(b, b->cap);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data != NULL) {
        b->data[0] = '\0';
    }
}

char *buf_extend(struct buf *b, size_t len)
{
    /* A cap may have been lowered below what is already there. */
    if (b->failed || b->len > b->cap || len > b->cap - b->len) {
        b->failed = true;
        return NULL;
    }
    reserve(b, b->len + len);
    char *end = b->data + b->len;
    b->len += len;
    b->data[b->len] = '\0';
    return end;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
    if (len == 0) {
        return;
    }
    char *end = buf_extend(b, len);
    if (end != NULL) {
        memcpy(end, data, len);
    }
}

void buf_put_slice(struct buf *b, struct slice s)
{
    buf_put(b, s.data, s.len);
}

void buf_put_text(struct buf *b, const char *text)
{
    buf_put_slice(b, slice_of(text));
}

void buf_put_char(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_put_u8(struct buf *b, uint8_t value)
{
    buf_put(b, &value, 1);
}

void buf_put_u16(struct buf *b, uint16_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    buf_put(b, bytes, sizeof(bytes));
}

void buf_put_i64(struct buf *b, int64_t value)
{
    char text[20]; /* a sign and 19 digits */
    char *at = text + sizeof(text);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0) {
        *--at = '-';
    }
    buf_put(b, at, (size_t)(text + sizeof(text) - at));
}

void buf_putf(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vputf(b, format, args);
    va_end(args);
}

/* Mostly it fits into the room there is, and is printed once. */
void buf_vputf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    size_t begin = b->len;
    size_t left = b->failed || b->room <= b->len ? 0 : b->room - b->len;

    va_copy(again, args);
    int len = vsnprintf(left == 0 ? NULL : b->data + begin, left, format, again);
    va_end(again);
    char *end = len < 0 ? NULL : buf_extend(b, (size_t)len);
    if (end != NULL && (size_t)len >= left) {
        vsnprintf(end, (size_t)len + 1, format, args);
    }
    if (end == NULL) {
        b->failed = true;
        if (left != 0) {
            b->data[begin] = '\0';
        }
    }
}

void buf_drop(struct buf *b, size_t len)
{
    if (len >= b->len) {
        buf_cut(b, 0);
        return;
    }
    /* With the NUL. */
    memmove(b->data, b->data + len, b->len - len + 1);
    b->len -= len;
}

void buf_cut(struct buf *b, size_t len)
{
    if (len >= b->len) {
        return;
    }
    b->len = len;
    b->data[len] = '\0';
}

const char *buf_text(struct buf *b)
{
    return b->data == NULL ? "" : b->data;
}

char *buf_take_text(struct buf *b)
{
    char *text = b->data == NULL ? mem_alloc(1) : b->data;

    /* A failure outlives the content: whoever tests it afterwards must still see it. */
    *b = (struct buf){.cap = b->cap, .failed = b->failed};
    return text;
}
