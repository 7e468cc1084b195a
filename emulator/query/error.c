/*
 * Error sentences with line and column.
 */
#include "query/error.h"

#define HEADING "SQL query parse failed due to following errors: \n\t"

size_t query_count_chars(struct slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_continuation = (c & 0xC0) == 0x80;
        bool is_pair = c >= 0xF0;
        n += is_continuation ? 0 : is_pair ? 2 : 1;
    }
    return n;
}

void query_error_set(struct query_error *error, size_t at, const char *format, ...)
{
    if (error->is_set) {
        return;
    }
    error->is_set = true;
    size_t line = 1;
    size_t line_begin = 0;
    for (size_t i = 0; i < at && i < error->text.len; i++) {
        if (error->text.data[i] == '\n') {
            line++;
            line_begin = i + 1;
        }
    }
    struct slice before = slice_make(error->text.data + line_begin, at - line_begin);
    va_list args;
    va_start(args, format);
    buf_putf(error->out, HEADING "Line %zu:%zu ", line, query_count_chars(before) + 1);
    buf_vputf(error->out, format, args);
    va_end(args);
}
