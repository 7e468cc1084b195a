/*
 * Text for a terminal: widths in code points, line wrapping, and nothing that moves the cursor.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

/* A blank that text_wrap() never breaks at. */
#define TEXT_HARD_BLANK '\x01'

/* Code points; every byte that is not part of valid UTF-8 counts as one. */
size_t text_width(struct slice text);

/* The text with each control character (C0, DEL, C1) and each invalid byte replaced by '?'. */
void text_put_clean(struct buf *out, struct slice text);

void text_put_blanks(struct buf *out, size_t n);

/**
 * Words broken into lines of at most `width` columns, with a final line feed.
 * @param indent  the column the cursor stands at, and where the following lines begin.
 */
void text_wrap(struct buf *out, struct slice text, size_t indent, size_t width);

#endif
