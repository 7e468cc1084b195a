/*
 * One pass over a text that finds its numbers.  Only what jansson has refused comes here, so
 * jansson may also be asked of each number.
 */
#include "iothub/json_room.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

/* Whatever is shorter has room, unless it has an exponent. */
#define DIGITS_ALWAYS_FIT 18

static size_t digits_len(struct slice s)
{
    size_t len = 0;
    while (len < s.len && s.data[len] >= '0' && s.data[len] <= '9') {
        len++;
    }
    return len;
}

static bool begins_with_any(struct slice s, const char *characters)
{
    return s.len != 0 && s.data[0] != '\0' && strchr(characters, s.data[0]) != NULL;
}

/* ".5" behind an integer; 0 when there is none. */
static size_t fraction_len(struct slice s)
{
    size_t digits = begins_with_any(s, ".") ? digits_len(slice_from(s, 1)) : 0;
    return digits == 0 ? 0 : 1 + digits;
}

/* "e+5" behind a number; 0 when there is none. */
static size_t exponent_len(struct slice s)
{
    if (!begins_with_any(s, "eE")) {
        return 0;
    }
    size_t sign = begins_with_any(slice_from(s, 1), "+-") ? 1 : 0;
    size_t digits = digits_len(slice_from(s, 1 + sign));
    return digits == 0 ? 0 : 1 + sign + digits;
}

/* A number at the front, by RFC 8259, section 6; nothing when there is none. */
static struct slice number_at(struct slice s, bool *is_integer)
{
    size_t sign = begins_with_any(s, "-") ? 1 : 0;
    struct slice rest = slice_from(s, sign);
    size_t whole = begins_with_any(rest, "0") ? 1 : digits_len(rest);
    if (whole == 0) {
        return slice_make(s.data, 0);
    }
    size_t fraction = fraction_len(slice_from(rest, whole));
    size_t exponent = exponent_len(slice_from(rest, whole + fraction));
    *is_integer = fraction + exponent == 0;
    return slice_make(s.data, sign + whole + fraction + exponent);
}

static bool has_room(struct slice number, bool is_integer)
{
    json_error_t reason;
    if (is_integer && number.len <= DIGITS_ALWAYS_FIT) {
        return true;
    }
    json_t *value = json_loadb(number.data, number.len, JSON_DECODE_ANY, &reason);
    bool has = value != NULL || json_error_code(&reason) != json_error_numeric_overflow;
    json_decref(value);
    return has;
}

/* As a double an integer is told by its exponent; one of 400 digits has no room there either.
 */
static void put_nearest(struct buf *out, struct slice number, bool is_integer)
{
    size_t begin = out->len;
    buf_put_slice(out, number);
    if (is_integer) {
        buf_put_text(out, "e0");
    }
    if (!has_room(slice_from(buf_slice(out), begin), false)) {
        buf_cut(out, begin);
        buf_put_text(out, number.data[0] == '-' ? "-1.7976931348623157e308"
                                                : "1.7976931348623157e308");
    }
}

static void put_number(struct buf *out, struct slice number, bool is_integer,
                       enum json_room room)
{
    if (has_room(number, is_integer)) {
        buf_put_slice(out, number);
        return;
    }
    switch (room) {
    case JSON_ROOM_NEAREST:
        put_nearest(out, number, is_integer);
        break;
    case JSON_ROOM_CLAMPED:
        buf_put_text(out,
                     number.data[0] == '-' ? "-9223372036854775808" : "9223372036854775807");
        break;
    }
}

/* How long a string at the front is, with its quotes as far as they are there. */
static size_t string_len(struct slice s)
{
    size_t len = 1;
    while (len < s.len && s.data[len] != '"') {
        len += s.data[len] == '\\' && len + 1 < s.len ? 2 : 1;
    }
    return len < s.len ? len + 1 : s.len;
}

void json_fit_numbers(struct buf *out, struct slice text, enum json_room room)
{
    while (text.len != 0) {
        bool is_integer = false;
        struct slice number = number_at(text, &is_integer);
        size_t len = number.len;
        if (len != 0 && begins_with_any(slice_from(text, len), ".eE")) {
            /* "1e400.5" is no number, and may not become one by what is put for its front. */
            buf_put_slice(out, number);
        } else if (len != 0) {
            put_number(out, number, is_integer, room);
        } else {
            len = text.data[0] == '"' ? string_len(text) : 1;
            buf_put(out, text.data, len);
        }
        text = slice_from(text, len);
    }
}
