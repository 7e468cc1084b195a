/*
 * UTF-8 in steps of one code point, and what is built on it: widths, cleaning, wrapping.
 */
#include "cli/text.h"

#include <stdbool.h>
#include <stdint.h>

/* The smallest code point that needs so many bytes; a smaller one is an overlong form. */
static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

static size_t sequence_len(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first < 0xe0) {
        return 2;
    }
    if (first >= 0xe0 && first < 0xf0) {
        return 3;
    }
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* Bytes of the code point at the front of a text that is not empty; 0 when it is not valid. */
static size_t decode(struct slice text, uint32_t *out)
{
    unsigned char first = (unsigned char)text.data[0];
    size_t len = sequence_len(first);
    if (len == 0 || len > text.len) {
        return 0;
    }
    if (len == 1) {
        *out = first;
        return 1;
    }
    uint32_t point = first & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        unsigned char next = (unsigned char)text.data[i];
        if ((next & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (next & 0x3f);
    }
    bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
    if (point < smallest[len] || is_surrogate || point > 0x10ffff) {
        return 0;
    }
    *out = point;
    return len;
}

static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

size_t text_width(struct slice text)
{
    size_t width = 0;
    while (text.len > 0) {
        uint32_t point;
        size_t len = decode(text, &point);
        text = slice_from(text, len == 0 ? 1 : len);
        width++;
    }
    return width;
}

void text_put_clean(struct buf *out, struct slice text)
{
    while (text.len > 0) {
        uint32_t point;
        size_t len = decode(text, &point);
        if (len == 0 || is_control(point)) {
            buf_put_char(out, '?');
        } else {
            buf_put(out, text.data, len);
        }
        text = slice_from(text, len == 0 ? 1 : len);
    }
}

void text_put_blanks(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_put_char(out, ' ');
    }
}

static void put_word(struct buf *out, struct slice word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        if (c == TEXT_HARD_BLANK) {
            c = ' ';
        }
        buf_put_char(out, c);
    }
}

void text_wrap(struct buf *out, struct slice text, size_t indent, size_t width)
{
    size_t column = indent;
    struct slice word;
    while (slice_next(&text, ' ', &word)) {
        if (word.len == 0) {
            continue;
        }
        size_t word_width = text_width(word);
        if (column > indent && column + 1 + word_width > width) {
            buf_put_char(out, '\n');
            text_put_blanks(out, indent);
            column = indent;
        } else if (column > indent) {
            buf_put_char(out, ' ');
            column++;
        }
        put_word(out, word);
        column += word_width;
    }
    buf_put_char(out, '\n');
}
